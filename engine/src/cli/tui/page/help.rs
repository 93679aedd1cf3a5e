//! The help, over the page.

use super::paint::Paint;
use crate::cli::tui::keys::HELP;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Paragraph, Wrap};

/// Columns of the widest line with its frame.
const WIDTH: u16 = 69;

pub(super) fn draw(paint: Paint, frame: &mut Frame, area: Rect) {
    let keys = HELP.map(|(key, what)| {
        Line::from(vec![Span::styled(format!(" {key:<12} "), paint.bold()), Span::raw(what)])
    });
    let height = u16::try_from(keys.len()).unwrap_or(u16::MAX).saturating_add(2);
    let (width, height) = (WIDTH.min(area.width), height.min(area.height));
    let middle = Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 2,
        width,
        height,
    };
    frame.render_widget(Clear, middle);
    let text = Paragraph::new(keys.to_vec()).wrap(Wrap { trim: false });
    frame.render_widget(text.block(paint.block("keys")), middle);
}
