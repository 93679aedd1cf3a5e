//! The tables of response and service times: of the last second, and of the whole run so far.

use super::halves;
use super::paint::{Paint, Tone};
use crate::cli::tui::model::Model;
use crate::report::duration;
use acp_wire::report::Distribution;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

pub(super) fn draw(model: &Model, paint: Paint, frame: &mut Frame, area: Rect) {
    let [left, right] = halves(area);
    let (response, service) = model.last_times();
    draw_table("last second", (&response, &service), paint, frame, left);
    let so_far = model.latency();
    let whole = (&so_far.response_ns, &so_far.service_ns);
    draw_table("whole run so far", whole, paint, frame, right);
}

/// A percentile, or what stands for it where nothing was recorded.
pub(super) fn shown(values: &Distribution, nanos: u64) -> String {
    if values.count == 0 { "-".into() } else { duration(nanos as f64) }
}

fn draw_table(
    title: &str,
    (response, service): (&Distribution, &Distribution),
    paint: Paint,
    frame: &mut Frame,
    area: Rect,
) {
    let head = format!(" {:<6}{:>14}{:>14}", "", "response", "service");
    let mut lines = vec![Line::styled(head, paint.style(Tone::Quiet))];
    let (of_response, of_service) = (rows(response), rows(service));
    for ((name, response), (_, service)) in of_response.into_iter().zip(of_service) {
        lines.push(Line::raw(format!(" {name:<6}{response:>14}{service:>14}")));
    }
    frame.render_widget(Paragraph::new(lines).block(paint.block(title)), area);
}

fn rows(values: &Distribution) -> [(&'static str, String); 5] {
    [
        ("p50", shown(values, values.p50)),
        ("p90", shown(values, values.p90)),
        ("p99", shown(values, values.p99)),
        ("p99.9", shown(values, values.p99_9)),
        ("max", shown(values, values.max)),
    ]
}
