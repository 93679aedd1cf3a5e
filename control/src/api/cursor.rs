//! What a client has of a run: the id of a message of its stream, and of the series that it began
//! with. As text: `f<frame>.e<event>`, the highest number of either.

use std::fmt;

/// What a client has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cursor {
    /// Every frame up to this number, unless it was written again.
    pub(super) frame: i64,
    /// Every event up to this number.
    pub(super) event: i64,
}

impl Cursor {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (frame, event) = text.strip_prefix('f')?.split_once(".e")?;
        let number = |text: &str| text.parse().ok().filter(|number| *number >= 0);
        Some(Self { frame: number(frame)?, event: number(event)? })
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "f{}.e{}", self.frame, self.event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_are_read_as_they_are_written() {
        for cursor in [Cursor::default(), Cursor { frame: i64::MAX, event: 7 }] {
            assert_eq!(Cursor::parse(&cursor.to_string()), Some(cursor));
        }
        for text in ["", "f", "f1", "f1.e", "f.e1", "e1.f1", "f-1.e1", "f1.e-1", "f1.e1x", "1.1"] {
            assert_eq!(Cursor::parse(text), None, "`{text}`");
        }
    }
}
