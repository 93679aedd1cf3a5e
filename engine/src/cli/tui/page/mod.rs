//! A picture of the model, for a terminal of any size.

mod curves;
mod head;
mod help;
mod lines;
mod outcomes;
mod paint;
mod times;

use super::model::Model;
use paint::Paint;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};

/// How it is drawn.
#[derive(Clone, Copy, Debug)]
pub(in crate::cli::tui) struct Page {
    pub(in crate::cli::tui) has_color: bool,
}

/// What fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Size {
    /// Curves over all of the width.
    Large,
    /// Curves a line high.
    Medium,
    /// Lines, the most important first.
    Small,
}

fn size_of(area: Rect) -> Size {
    match (area.width, area.height) {
        (100.., 34..) => Size::Large,
        (78.., 24..) => Size::Medium,
        _ => Size::Small,
    }
}

impl Page {
    pub(in crate::cli::tui) fn draw(&self, model: &Model, frame: &mut Frame) {
        let (area, paint) = (frame.area(), Paint { has_color: self.has_color });
        let size = size_of(area);
        if size == Size::Small {
            lines::draw(model, paint, frame, area);
        } else {
            draw_blocks(model, paint, frame, area, size == Size::Large);
        }
        if model.shows_help {
            help::draw(paint, frame, area);
        }
    }
}

fn draw_blocks(model: &Model, paint: Paint, frame: &mut Frame, area: Rect, is_large: bool) {
    let curves = if is_large { Constraint::Fill(2) } else { Constraint::Length(5) };
    let [title, gauge, verdict, curve, times, outcomes, foot] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Length(1),
        curves,
        Constraint::Length(8),
        if is_large { Constraint::Length(11) } else { Constraint::Min(7) },
        Constraint::Length(1),
    ])
    .areas(area);
    head::draw_title(model, paint, frame, title);
    head::draw_gauge(model, paint, frame, gauge);
    head::draw_verdict(model, paint, frame, verdict);
    if is_large {
        curves::draw_charts(model, paint, frame, curve);
    } else {
        curves::draw_sparks(model, paint, frame, curve);
    }
    times::draw(model, paint, frame, times);
    outcomes::draw(model, paint, frame, outcomes);
    head::draw_foot(model, paint, frame, foot);
}

/// Two halves of an area side by side.
fn halves(area: Rect) -> [Rect; 2] {
    Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)]).areas(area)
}
