//! The line of any request, wherever lines come from: files, or rows that are made.

use super::file_cursor::FileCursor;
use super::files::FileError;
use super::parse::Kind;
use super::row_cursor::RowCursor;
use std::fmt;
use std::path::PathBuf;

/// What was found for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fetched {
    /// Its line; see [`Cursor::text`].
    Line,
    /// A line that is too long to be one.
    TooLong,
    /// No line is where one was.
    Gone,
    /// Nothing is there yet.
    Waits,
    /// Nothing will ever be there.
    Ended,
}

/// Where a line is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// File, and number of the line from 1.
    Line(PathBuf, u64),
    /// Number of the row from 0.
    Row(u64),
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(path, line) => write!(formatter, "{}:{line}", path.display()),
            Self::Row(row) => write!(formatter, "row {row}"),
        }
    }
}

/// A way through the lines of a source.
pub(super) enum Cursor {
    Files(Box<FileCursor>),
    Rows(RowCursor),
}

impl Cursor {
    /// Whether lines can be read once only.
    pub(super) fn is_pipe(&self) -> bool {
        match self {
            Self::Files(files) => files.is_pipe(),
            Self::Rows(_) => false,
        }
    }

    /// The text of the line that was fetched.
    #[inline]
    pub(super) fn text(&self) -> &[u8] {
        match self {
            Self::Files(files) => files.text(),
            Self::Rows(rows) => rows.text(),
        }
    }

    /// Files that were found to have changed, but for the first `told`.
    pub(super) fn changed(&self, told: usize) -> Vec<PathBuf> {
        match self {
            Self::Files(files) if files.changed().len() > told => {
                files.changed().skip(told).collect()
            }
            Self::Files(_) | Self::Rows(_) => Vec::new(),
        }
    }

    /// Lines skipped as blank or as comments are those of this kind. Each row is a line.
    pub(super) fn set_kind(&mut self, kind: Kind) {
        match self {
            Self::Files(files) => files.set_kind(kind),
            Self::Rows(_) => {}
        }
    }

    /// Fetches the line of request `number`; it is that of `slot`.
    #[inline]
    pub(super) fn fetch(&mut self, number: u64, slot: u64) -> Result<Fetched, FileError> {
        match self {
            Self::Files(files) => files.fetch(number, slot),
            Self::Rows(rows) => Ok(rows.fetch(number, slot)),
        }
    }

    /// Where the line that was fetched last is from. Costs reading the file up to there where the line
    /// was jumped to.
    pub(super) fn place(&self) -> Place {
        match self {
            Self::Files(files) => {
                let (path, line) = files.place();
                Place::Line(path, line)
            }
            Self::Rows(rows) => Place::Row(rows.row()),
        }
    }

    /// What messages call the source.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Files(files) => format!("`{}`", files.file().display()),
            Self::Rows(_) => "`source.generate`".into(),
        }
    }
}
