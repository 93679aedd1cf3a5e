//! Colours by meaning; without colours, weight alone.

use ratatui::style::{Color, Modifier, Style};
use ratatui::widgets::Block;

/// What something means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Good,
    Warning,
    Bad,
    /// Labels and frames.
    Quiet,
    /// What was asked for.
    Target,
    Sent,
    Completed,
    /// The 50th percentile.
    Middle,
    /// The 99th percentile.
    Tail,
}

/// How tones are drawn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paint {
    pub(super) has_color: bool,
}

impl Paint {
    pub(super) fn style(self, tone: Tone) -> Style {
        if !self.has_color {
            let is_loud = matches!(tone, Tone::Bad | Tone::Warning);
            return if is_loud { self.bold() } else { Style::new() };
        }
        Style::new().fg(match tone {
            Tone::Good | Tone::Completed => Color::Green,
            Tone::Warning | Tone::Tail => Color::Yellow,
            Tone::Bad => Color::Red,
            Tone::Quiet | Tone::Target => Color::DarkGray,
            Tone::Sent => Color::Blue,
            Tone::Middle => Color::Cyan,
        })
    }

    #[expect(clippy::unused_self, reason = "weight is asked for where colour is")]
    pub(super) fn bold(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// A frame with a title.
    pub(super) fn block(self, title: &str) -> Block<'static> {
        self.frame().title(format!(" {title} "))
    }

    /// A frame.
    pub(super) fn frame(self) -> Block<'static> {
        Block::bordered().border_style(self.style(Tone::Quiet))
    }
}
