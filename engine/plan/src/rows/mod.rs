//! Rows that are made instead of read: row `k` follows from what they are made from, a seed and `k`,
//! and from nothing else. So any of them can be made again alone, and parts of them anywhere.
//!
//! ```text
//! wire::Generate ─ compile ─► columns (pieces) ─ layout, encoded for where they stand ─► Rows
//!                                                              row k ─ Rows::write ─► bytes
//! ```
//!
//! A piece is text, or a value that is drawn from the random numbers of (seed, column, row). A column
//! that stands in two places is drawn twice from the same numbers, so it is the same value, and nothing
//! is kept from piece to piece. What values may hold that cannot stand where they do (a blank in a path,
//! a quote in JSON) is encoded when the rows are compiled: writing a row is copying and counting.

mod alias;
mod column;
mod context;
mod date;
mod error;
mod inline;
mod layout;
mod list;
mod normal;
#[cfg(test)]
mod tests;
mod value;

pub use error::{Fault, RowsError};

use crate::permutation::Permutation;
use acp_wire::rows::Generate;
use column::Columns;
use std::ops::Range;
use std::sync::Arc;
use value::{Value, write};

/// Rows, at the most: what a float counts exactly.
pub const MAX_ROWS: u64 = 1 << 53;
/// Bytes of a row, at the most.
pub const MAX_ROW_BYTES: usize = 1 << 20;
/// Columns and values of a row, at the most.
const MAX_PIECES: usize = 10_000;

/// Reads a file of values, or says what is wrong with it; none: nobody looks into it now, and it stands
/// for one line.
pub type Load<'a> = &'a mut dyn FnMut(&str) -> Result<Option<Vec<u8>>, String>;

/// What a row is, for whoever reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A path with its query.
    Path,
    /// `METHOD PATH [BODY]`.
    Line,
    /// A request as a JSON object.
    Jsonl,
    /// A JSON object that is no request.
    Record,
    /// Values with commas between them.
    Csv,
    /// Any text.
    Text,
}

impl Form {
    /// Its name, and how files of it end.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Line => "line",
            Self::Jsonl | Self::Record => "jsonl",
            Self::Csv => "csv",
            Self::Text => "text",
        }
    }

    /// Whether a row is a request, or a value for one.
    #[must_use]
    pub fn is_request(self) -> bool {
        matches!(self, Self::Path | Self::Line | Self::Jsonl)
    }
}

/// A number that no other row has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its column.
    pub name: String,
    /// The least number.
    pub start: u64,
    order: Permutation,
}

impl Key {
    /// The number of a row.
    #[inline]
    fn number(&self, row: u64) -> u64 {
        self.start + self.order.at(row)
    }

    /// The row that has a number; none: no row could have it.
    #[must_use]
    pub fn row_of(&self, number: u64) -> Option<u64> {
        let number = number.checked_sub(self.start)?;
        (number < self.order.count()).then(|| self.order.place_of(number))
    }
}

/// A piece of a row.
#[derive(Clone, Debug, PartialEq)]
enum Piece {
    Text(Vec<u8>),
    Value(Draw),
}

/// A value, and where its random numbers come from.
#[derive(Clone, Debug, PartialEq)]
struct Draw {
    stream: u64,
    value: Value,
}

/// Rows, ready to be written.
#[derive(Clone, Debug)]
pub struct Rows {
    rows: u64,
    form: Form,
    header: Option<String>,
    pieces: Vec<Piece>,
    keys: Vec<Arc<Key>>,
}

impl Rows {
    /// Compiles what rows are made from. `seed` is that of a plan, for rows without their own; `load`
    /// reads files of values.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong, and its field.
    pub fn compile(generate: &Generate, seed: u64, load: Load<'_>) -> Result<Self, RowsError> {
        let rows = match &generate.rows {
            None => return Err(Fault::NoRows.at("rows")),
            Some(count) => count.value().map_err(|error| Fault::Count(error).at("rows"))?,
        };
        if !(1..=MAX_ROWS).contains(&rows) {
            return Err(Fault::Rows.at("rows"));
        }
        let seed = generate.seed.unwrap_or(seed);
        let mut columns = Columns::compile(&generate.columns, seed, rows, load)?;
        let layout = layout::compile(generate, &mut columns)?;
        check_size(&layout.pieces).map_err(|fault| fault.at(layout.place))?;
        let keys = columns.into_keys();
        Ok(Self { rows, form: layout.form, header: layout.header, pieces: layout.pieces, keys })
    }

    /// How many there are.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// What a row is.
    #[must_use]
    pub fn form(&self) -> Form {
        self.form
    }

    /// What stands before row 0, without an end of line.
    #[must_use]
    pub fn header(&self) -> Option<&str> {
        self.header.as_deref()
    }

    /// The keys that rows have.
    #[must_use]
    pub fn keys(&self) -> &[Arc<Key>] {
        &self.keys
    }

    /// Appends a row, without an end of line. Nothing is allocated once `bytes` has grown.
    #[inline]
    pub fn write(&self, row: u64, bytes: &mut Vec<u8>) {
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => bytes.extend_from_slice(text),
                Piece::Value(draw) => write(draw, row, bytes),
            }
        }
    }

    /// Appends a row, and to `marks` where in `bytes` its keys stand, each with its number among
    /// [`Self::keys`].
    pub fn write_marked(
        &self,
        row: u64,
        bytes: &mut Vec<u8>,
        marks: &mut Vec<(usize, Range<usize>)>,
    ) {
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => bytes.extend_from_slice(text),
                Piece::Value(draw) => {
                    let start = bytes.len();
                    write(draw, row, bytes);
                    if let Value::Key { place, .. } = &draw.value {
                        marks.push((*place, start..bytes.len()));
                    }
                }
            }
        }
    }
}

/// Whether a row stays within bounds, however its values fall.
fn check_size(pieces: &[Piece]) -> Result<(), Fault> {
    if pieces.len() > MAX_PIECES {
        return Err(Fault::TooManyPieces);
    }
    let bytes: usize = pieces.iter().map(Piece::most_bytes).sum();
    if bytes > MAX_ROW_BYTES { Err(Fault::TooLong { bytes }) } else { Ok(()) }
}

impl Piece {
    fn text(text: impl Into<Vec<u8>>) -> Self {
        Self::Text(text.into())
    }

    fn most_bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Value(draw) => draw.value.most_bytes(),
        }
    }
}

/// Appends a piece; text goes to the text before it.
fn push(pieces: &mut Vec<Piece>, piece: Piece) {
    match (pieces.last_mut(), piece) {
        (_, Piece::Text(text)) if text.is_empty() => {}
        (Some(Piece::Text(last)), Piece::Text(text)) => last.extend_from_slice(&text),
        (_, piece) => pieces.push(piece),
    }
}
