//! The lines that frame a page: what runs, how far it is, the verdict so far, the keys.

use super::paint::{Paint, Tone};
use crate::cli::tui::model::{Model, Phase};
use crate::cli::tui::numbers::grouped;
use acp_wire::verdict::State;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::LineGauge;

/// What runs, in one line: its name first, if it has one.
pub(super) fn draw_title(model: &Model, paint: Paint, frame: &mut Frame, area: Rect) {
    let mut spans = Vec::new();
    if let Some(badge) = badge(model) {
        spans.push(Span::styled(format!(" {badge} "), paint.style(Tone::Warning).reversed()));
    }
    let document = model.document();
    let name = if document.name.is_empty() { "acp bench" } else { &document.name };
    let load = &document.load;
    let how = match (&load.rate, &load.profile) {
        (Some(rate), _) => format!("open loop at {rate}"),
        (None, Some(profile)) => format!("open loop, {profile}"),
        (None, None) => "closed loop".into(),
    };
    spans.push(Span::styled(format!(" {name}"), paint.bold()));
    spans.push(Span::raw(format!(
        " · {} {} · {how} · {} connections",
        document.request.method, document.target.url, load.connections
    )));
    frame.render_widget(Line::from(spans), area);
}

fn badge(model: &Model) -> Option<&'static str> {
    match model.phase {
        Phase::Stopping => Some("STOPPING"),
        _ if model.is_paused => Some("PAUSED"),
        _ => None,
    }
}

/// How much time is over, in words.
pub(super) fn time_words(model: &Model) -> String {
    let elapsed_s = model.elapsed_s().floor();
    match (model.phase, model.total_s) {
        (Phase::Connecting | Phase::Ready { .. }, _) => "starting".into(),
        (Phase::Warmup, _) => format!("warm-up {elapsed_s:.0} s"),
        (_, Some(total_s)) => format!("{elapsed_s:.0} / {total_s:.0} s"),
        (_, None) => format!("{elapsed_s:.0} s"),
    }
}

pub(super) fn draw_gauge(model: &Model, paint: Paint, frame: &mut Frame, area: Rect) {
    let words = time_words(model);
    let Some(ratio) = model.progress() else {
        frame.render_widget(Line::raw(format!(" {words}")), area);
        return;
    };
    let gauge = LineGauge::default()
        .label(format!(" {words} "))
        .ratio(ratio)
        .filled_symbol("█")
        .unfilled_symbol("░")
        .filled_style(paint.style(Tone::Completed))
        .unfilled_style(paint.style(Tone::Quiet));
    frame.render_widget(gauge, area);
}

/// The verdict so far, in words, with what it means.
pub(super) fn verdict_words(model: &Model) -> (Tone, String) {
    match model.phase {
        Phase::Connecting => (Tone::Quiet, "opening connections".into()),
        Phase::Ready { open_connections } => {
            let count = grouped(open_connections as u64);
            (Tone::Quiet, format!("{count} connections are open; the first second is awaited"))
        }
        Phase::Warmup => (Tone::Quiet, "warm-up: nothing is counted yet".into()),
        Phase::Stopping => {
            let count = grouped(model.last.in_flight);
            (Tone::Warning, format!("stopping; {count} requests were in flight a moment ago"))
        }
        Phase::Measured => verdict_so_far(model),
    }
}

fn verdict_so_far(model: &Model) -> (Tone, String) {
    let (counts, verdict, books) = (model.counts(), model.verdict(), &model.so_far.books);
    let some = |count: u64, what: &str| match count {
        0 => format!("none {what}"),
        _ => format!("{} {what}", grouped(count)),
    };
    let errors = books.errors_total();
    let percent = errors as f64 * 100.0 / books.sent.max(1) as f64;
    let mut parts = vec![format!("{} so far", verdict.state.name())];
    parts.push(match errors {
        0 => "no errors".into(),
        _ => format!("{} errors ({percent:.1} %)", grouped(errors)),
    });
    if model.is_open_loop() {
        parts.push(some(counts.late, "late"));
        parts.push(some(counts.blocked, "blocked"));
        if books.not_sent_total() > 0 {
            parts.push(some(books.not_sent_total(), "not sent"));
        }
    }
    parts.extend(verdict.reasons.iter().map(|reason| reason.text.clone()));
    let tone = match verdict.state {
        State::Valid if errors == 0 => Tone::Good,
        State::Valid => Tone::Warning,
        _ => Tone::Bad,
    };
    (tone, parts.join(" · "))
}

pub(super) fn draw_verdict(model: &Model, paint: Paint, frame: &mut Frame, area: Rect) {
    let (tone, words) = verdict_words(model);
    frame.render_widget(Line::styled(format!(" {words}"), paint.style(tone)), area);
}

/// The keys, and what came of the last one.
pub(super) fn draw_foot(model: &Model, paint: Paint, frame: &mut Frame, area: Rect) {
    let rate = if model.is_open_loop() { " · + - rate" } else { "" };
    let mut spans =
        vec![Span::styled(format!(" q stop · p pause{rate} · ? help"), paint.style(Tone::Quiet))];
    if !model.said.is_empty() {
        spans.push(Span::styled(format!("   {}", model.said), paint.bold()));
    }
    frame.render_widget(Line::from(spans), area);
}
