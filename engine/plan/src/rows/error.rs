//! What is wrong with the description of rows, and in which field.

use acp_wire::units::UnitError;
use thiserror::Error;

/// Why rows cannot be made.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("bad {place}: {fault}")]
pub struct RowsError {
    /// The field: `rows`, `format.path`, `columns[2].weights`.
    pub place: String,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What is wrong with a field.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant is its message")]
pub enum Fault {
    #[error("how many there are is not said\nhint: rows = \"100M\", --rows 100M")]
    NoRows,
    #[error("{0}")]
    Count(UnitError),
    #[error("there are 1 to 2^53 rows")]
    Rows,
    #[error("there is nothing to write\nhint: a template (`/item/{{{{key}}}}`), or columns")]
    Nothing,
    #[error("a template is the whole row, so it has no format beside it")]
    TemplateAndFormat,
    #[error("`{{{{` without `}}}}`")]
    Open,
    #[error("unknown value `{{{{{text}}}}}`\nhint: there are the columns{columns}, and {known}")]
    Unknown { text: String, columns: String, known: &'static str },
    #[error("bad value `{{{{{text}}}}}`: {why}\nhint: {hint}")]
    Arguments { text: String, why: String, hint: &'static str },
    #[error("`{0}` is no name\nhint: letters, digits, `_` and `-`")]
    Name(String),
    #[error("`{0}` is the name of another column too")]
    NameTwice(String),
    #[error("there is no column `{0}`")]
    NoColumn(String),
    #[error("column `{0}` is made of itself")]
    Circle(String),
    #[error("the first number is above the last")]
    Order,
    #[error("{0}")]
    Range(&'static str),
    #[error("with {rows} rows its numbers go beyond 64 bits")]
    Overflow { rows: u64 },
    #[error(
        "{count} numbers are too few for {rows} rows without repetition\nhint: count = {rows} or more"
    )]
    TooFewKeys { count: u64, rows: u64 },
    #[error("there are no values")]
    NoValues,
    #[error("{weights} weights for {values} values")]
    Weights { weights: usize, values: usize },
    #[error("`{0}` is no weight\nhint: numbers from 0, one of them above 0")]
    Weight(String),
    #[error("a value has an end of line in it, and a row is one line")]
    LineEnd,
    #[error("value `{0}` cannot stand in a path here: it begins with `/` and has no blanks")]
    PathValue(String),
    #[error("a path begins with `/`, or with a column whose values do\nhint: /item/{{{{key}}}}")]
    PathStart,
    #[error("a path has no blanks, and only ASCII\nhint: write a blank as %20")]
    PathText,
    #[error("bad method `{0}`\nhint: letters, as in POST")]
    Method(String),
    #[error("bad header name `{0}`")]
    Header(String),
    #[error(
        "a record has no method, headers, body and tag\nhint: path = \"/…\" makes it a request"
    )]
    RecordAndRequest,
    #[error("a request has no columns of its own\nhint: put them into path, headers or body")]
    RequestColumns,
    #[error("`{text}` is no moment: {why}\nhint: 2026-01-01, 2026-01-01T08:30:00Z")]
    Moment { text: String, why: String },
    #[error("unknown `{0}` in a date\nhint: %Y %m %d %H %M %S %3f %s %b %j %F %T %%")]
    DateFormat(String),
    #[error("failed to read `{file}`: {why}")]
    File { file: String, why: String },
    #[error("{file}:{line}: {fault}")]
    FileLine { file: String, line: usize, fault: Box<Fault> },
    #[error("a row has more than {} pieces", super::MAX_PIECES)]
    TooManyPieces,
    #[error("a row can have {bytes} bytes, the limit is {}", super::MAX_ROW_BYTES)]
    TooLong { bytes: usize },
}

impl Fault {
    /// The same, with its field.
    pub(super) fn at(self, place: impl Into<String>) -> RowsError {
        RowsError { place: place.into(), fault: self }
    }
}
