//! Rates and times over the last seconds: as curves a line high, or as charts.

use super::halves;
use super::paint::{Paint, Tone};
use super::times::shown;
use crate::cli::tui::history::Second;
use crate::cli::tui::model::Model;
use crate::cli::tui::numbers::{grouped, rate, short, whole};
use crate::report::duration;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Axis, Chart, Dataset, GraphType, Sparkline};

/// Columns of the name and the number before a curve.
const NAME_COLUMNS: u16 = 22;
/// A chart shows as many seconds at the least: a run that has just begun fills a part of it.
const CHART_SECONDS_MIN: usize = 30;

/// A curve a line high.
struct Spark {
    tone: Tone,
    name: &'static str,
    now: String,
    value: fn(&Second) -> u64,
}

/// Three curves of rates and three of times, side by side.
pub(super) fn draw_sparks(model: &Model, paint: Paint, frame: &mut Frame, area: Rect) {
    let [left, right] = halves(area);
    let spark = |tone, name, now, value| Spark { tone, name, now, value };
    let [target, sent, completed] = rates_now(model);
    let rates = [
        spark(Tone::Target, "target", target, |second| whole(second.target_per_s)),
        spark(Tone::Sent, "sent", sent, |second| second.sent),
        spark(Tone::Completed, "completed", completed, |second| second.completed),
    ];
    let highest = model.history.last(usize::MAX).map(highest_rate).fold(0.0, f64::max);
    draw_rows("requests a second", &rates, Some(whole(highest)), model, paint, frame, left);
    let known = model.history.last(1).next().copied().unwrap_or_default();
    let time = |nanos: u64| if nanos == 0 { "-".into() } else { duration(nanos as f64) };
    let times = [
        spark(Tone::Middle, "p50", time(known.p50_ns), |second| second.p50_ns),
        spark(Tone::Tail, "p99", time(known.p99_ns), |second| second.p99_ns),
        spark(Tone::Target, "lag p99", time(known.lag_p99_ns), |second| second.lag_p99_ns),
    ];
    draw_rows("response time", &times, None, model, paint, frame, right);
}

/// Curves below each other: on one scale up to `highest`, or each on its own.
fn draw_rows(
    title: &str,
    sparks: &[Spark],
    highest: Option<u64>,
    model: &Model,
    paint: Paint,
    frame: &mut Frame,
    area: Rect,
) {
    let block = paint.block(title);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    for (spark, row) in sparks.iter().zip(inner.rows()) {
        let [name, curve] =
            Layout::horizontal([Constraint::Length(NAME_COLUMNS), Constraint::Fill(1)]).areas(row);
        let text = format!(" {:<9}{:>11}", spark.name, spark.now);
        frame.render_widget(Line::raw(text), name);
        let seconds = model.history.last(usize::from(curve.width));
        let values: Vec<_> = seconds.map(spark.value).collect();
        let mut line = Sparkline::default().data(values).style(paint.style(spark.tone));
        if let Some(highest) = highest {
            line = line.max(highest);
        }
        frame.render_widget(line, curve);
    }
}

/// What was asked for, sent and completed in the last second, as text.
fn rates_now(model: &Model) -> [String; 3] {
    let last = &model.last;
    if !model.has_frames() {
        return ["-", "-", "-"].map(Into::into);
    }
    let target = if model.is_open_loop() { rate(last.rate_target) } else { "any".into() };
    [target, grouped(last.sent), grouped(last.completed)]
}

fn highest_rate(second: &Second) -> f64 {
    second.target_per_s.max(second.sent as f64).max(second.completed as f64)
}

/// A chart of rates and one of times, side by side.
pub(super) fn draw_charts(model: &Model, paint: Paint, frame: &mut Frame, area: Rect) {
    let [left, right] = halves(area);
    draw_rates(model, paint, frame, left);
    draw_times(model, paint, frame, right);
}

/// The points of a curve: seconds before now, and a value; seconds without one are left out.
fn points(model: &Model, value: impl Fn(&Second) -> Option<f64>) -> Vec<(f64, f64)> {
    let count = model.history.len();
    let seconds = model.history.last(usize::MAX).enumerate();
    let point = |(number, second)| Some((number as f64 + 1.0 - count as f64, value(second)?));
    seconds.filter_map(point).collect()
}

fn draw_rates(model: &Model, paint: Paint, frame: &mut Frame, area: Rect) {
    let [target, sent, completed] = rates_now(model);
    let title = [
        (Tone::Quiet, "a second:".to_string()),
        (Tone::Target, format!("target {target} ·")),
        (Tone::Sent, format!("sent {sent} ·")),
        (Tone::Completed, format!("completed {completed}")),
    ];
    let highest = model.history.last(usize::MAX).map(highest_rate).fold(0.0, f64::max);
    let top = if highest > 0.0 { highest * 1.1 } else { 1.0 };
    let is_open_loop = model.is_open_loop();
    let curves = [
        (Tone::Target, points(model, |second| is_open_loop.then_some(second.target_per_s))),
        (Tone::Sent, points(model, |second| Some(second.sent as f64))),
        (Tone::Completed, points(model, |second| Some(second.completed as f64))),
    ];
    let labels = [0.0, top / 2.0, top].map(short);
    let axis = Axis::default().bounds([0.0, top]).labels(labels.map(Line::raw));
    draw_chart(&title, &curves, axis, model, paint, frame, area);
}

/// Times are on a logarithmic scale: a tail is a thousand times its middle.
fn draw_times(model: &Model, paint: Paint, frame: &mut Frame, area: Rect) {
    let known = |nanos: u64| (nanos > 0).then(|| (nanos as f64).log10());
    let curves = [
        (Tone::Middle, points(model, |second| known(second.p50_ns))),
        (Tone::Tail, points(model, |second| known(second.p99_ns))),
    ];
    let values = || curves.iter().flat_map(|(_, points)| points.iter().map(|point| point.1));
    let (lowest, highest) = (values().fold(f64::MAX, f64::min), values().fold(0.0, f64::max));
    let (bottom, top) = match lowest > highest {
        true => (3.0, 6.0),
        false => (lowest.floor(), highest.ceil().max(lowest.floor() + 1.0)),
    };
    let decades = (0..=whole(top - bottom)).map(|decade| 10_f64.powf(bottom + decade as f64));
    let labels: Vec<_> = decades.map(|nanos| Line::raw(rounded(nanos))).collect();
    let (response, _) = model.last_times();
    let of = |nanos| shown(&response, nanos);
    let title = [
        (Tone::Quiet, "response time:".to_string()),
        (Tone::Middle, format!("p50 {} ·", of(response.p50))),
        (Tone::Tail, format!("p99 {}", of(response.p99))),
    ];
    let axis = Axis::default().bounds([bottom, top]).labels(labels);
    draw_chart(&title, &curves, axis, model, paint, frame, area);
}

/// A power of ten as a label.
fn rounded(nanos: f64) -> String {
    match nanos {
        _ if nanos < 1e3 => format!("{nanos:.0} ns"),
        _ if nanos < 1e6 => format!("{:.0} µs", nanos / 1e3),
        _ if nanos < 1e9 => format!("{:.0} ms", nanos / 1e6),
        _ => format!("{:.0} s", nanos / 1e9),
    }
}

/// The title says what the curves are, in their colours.
fn draw_chart(
    title: &[(Tone, String)],
    curves: &[(Tone, Vec<(f64, f64)>)],
    y_axis: Axis,
    model: &Model,
    paint: Paint,
    frame: &mut Frame,
    area: Rect,
) {
    let quiet = paint.style(Tone::Quiet);
    let spans =
        title.iter().map(|(tone, text)| Span::styled(format!(" {text}"), paint.style(*tone)));
    let title = Line::from_iter(spans.chain([Span::raw(" ")]));
    let drawn = curves.iter().filter(|(_, points)| !points.is_empty());
    let datasets = drawn.map(|(tone, points)| {
        Dataset::default()
            .marker(Marker::Braille)
            .graph_type(GraphType::Line)
            .style(paint.style(*tone))
            .data(points)
    });
    let seconds = model.history.len().max(CHART_SECONDS_MIN);
    let labels = [Line::raw(format!("{seconds} s ago")), Line::raw("now")];
    let x_axis = Axis::default().bounds([1.0 - seconds as f64, 0.0]).labels(labels).style(quiet);
    let chart = Chart::new(datasets.collect())
        .block(paint.frame().title(title))
        .x_axis(x_axis)
        .y_axis(y_axis.style(quiet))
        .legend_position(None);
    frame.render_widget(chart, area);
}
