//! The page of a small terminal: lines, the most important first; what does not fit is left out.

use super::head::{draw_gauge, draw_title, time_words, verdict_words};
use super::outcomes::rows;
use super::paint::{Paint, Tone};
use super::times::shown;
use crate::cli::tui::model::Model;
use crate::cli::tui::numbers::{grouped, rate};
use acp_wire::report::Distribution;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

/// Columns below which words are left out.
const NARROW: u16 = 36;
/// Lines of which title and gauge may take two.
const LOW: u16 = 8;

pub(super) fn draw(model: &Model, paint: Paint, frame: &mut Frame, area: Rect) {
    let is_narrow = area.width < NARROW;
    let rest = if is_narrow || area.height < LOW {
        let [time, rest] =
            Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(area);
        frame.render_widget(Line::styled(short_time(model), paint.bold()), time);
        rest
    } else {
        let [title, gauge, rest] =
            Layout::vertical([Constraint::Length(1), Constraint::Length(1), Constraint::Fill(1)])
                .areas(area);
        draw_title(model, paint, frame, title);
        draw_gauge(model, paint, frame, gauge);
        rest
    };
    let lines = if is_narrow { narrow_lines(model, paint) } else { wide_lines(model, paint) };
    frame.render_widget(Paragraph::new(lines), rest);
}

fn short_time(model: &Model) -> String {
    let paused = if model.is_paused { " paused" } else { "" };
    match model.progress() {
        Some(ratio) => format!("{} {:.0} %{paused}", time_words(model), ratio * 100.0),
        None => format!("{}{paused}", time_words(model)),
    }
}

fn errors(model: &Model) -> (Tone, u64) {
    let count = model.so_far.books.errors_total();
    (if count == 0 { Tone::Good } else { Tone::Bad }, count)
}

/// For 20 columns.
fn narrow_lines(model: &Model, paint: Paint) -> Vec<Line<'static>> {
    let (tone, words) = verdict_words(model);
    let (error_tone, error_count) = errors(model);
    let (response, _) = model.last_times();
    let p99 = shown(&response, response.p99);
    vec![
        Line::raw(format!("{}/s", grouped(model.last.completed))),
        Line::raw(format!("p99 {p99}")),
        Line::styled(format!("errors {}", grouped(error_count)), paint.style(error_tone)),
        Line::styled(words, paint.style(tone)),
        Line::styled("q stop  ? help", paint.style(Tone::Quiet)),
    ]
}

/// For 40 columns and more.
fn wide_lines(model: &Model, paint: Paint) -> Vec<Line<'static>> {
    let (tone, words) = verdict_words(model);
    let (last, so_far) = (&model.last, model.latency());
    let (response, service) = model.last_times();
    let of = |name: &str, values: &Distribution| {
        let (p50, p99) = (shown(values, values.p50), shown(values, values.p99));
        Line::raw(format!(" {name} p50 {p50} · p99 {p99}"))
    };
    let completed = match (model.has_frames(), model.is_open_loop()) {
        (false, _) => "-".into(),
        (true, true) => format!("{} of {}/s", grouped(last.completed), rate(last.rate_target)),
        (true, false) => format!("{}/s", grouped(last.completed)),
    };
    let mut lines = vec![
        Line::styled(format!(" {words}"), paint.style(tone)),
        Line::raw(format!(" completed {completed}")),
        of("response", &response),
        of("service ", &service),
        of("all so far", &so_far.response_ns),
    ];
    let outcomes: Vec<_> = rows(model)
        .iter()
        .map(|row| format!("{} × {}", row.name, grouped(row.whole_run)))
        .collect();
    let outcomes =
        if outcomes.is_empty() { "no responses yet".into() } else { outcomes.join(" · ") };
    let (error_tone, _) = errors(model);
    lines.push(Line::styled(format!(" {outcomes}"), paint.style(error_tone)));
    let (in_flight, blocked) = (grouped(last.in_flight), grouped(last.blocked));
    lines.push(Line::raw(format!(" in flight {in_flight} · blocked {blocked}")));
    let said = if model.said.is_empty() { "q stop · p pause · ? help" } else { &model.said };
    lines.push(Line::styled(format!(" {said}"), paint.style(Tone::Quiet)));
    lines
}
