//! Rows that are made instead of read: what they are made from, and the list of files that they were
//! written to.
//!
//! The same words stand in a template file (`acp data generate --template`), in a plan
//! (`[source] generate`) and in the manifest beside the files.

use crate::units::{UnitError, parse_count};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What rows are made from. Row `k` follows from this, the seed and `k` alone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Generate {
    /// A row as text with values in double braces: `/item/{{key}}?user={{zipf 1000 1.1}}`. Stands
    /// instead of `format`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// Rows in all: `100000000` or `"100M"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<Count>,
    /// Seed of everything random; none: that of the plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// How a row is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<Layout>,
    /// The values of a row, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<Column>,
}

impl Generate {
    /// Files that it names, with the fields that do.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().filter_map(|column| match &column.kind {
            Kind::File { file, .. } => Some(file.as_str()),
            _ => None,
        })
    }
}

/// A number of things: `1000000` or `"1M"`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Count {
    /// As it is.
    Number(u64),
    /// With a unit.
    Text(String),
}

impl Count {
    /// The number.
    ///
    /// # Errors
    ///
    /// When the text is not a count.
    pub fn value(&self) -> Result<u64, UnitError> {
        match self {
            Self::Number(number) => Ok(*number),
            Self::Text(text) => parse_count(text),
        }
    }
}

impl From<u64> for Count {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

/// A value of a row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// Name: letters, digits, `_` and `-`.
    pub name: String,
    /// How it is made.
    #[serde(flatten)]
    pub kind: Kind,
}

/// Order of moments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DateOrder {
    /// Any, each time.
    #[default]
    Uniform,
    /// Row after row from the first to the last, evenly.
    Ascending,
}

/// Order of the lines of a file of values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValueOrder {
    /// Any, each time.
    #[default]
    Random,
    /// Row after row, and from the first again.
    Seq,
}

/// How a value is made. Whole numbers are padded with zeros to `width` digits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Kind {
    /// `start + step · row`.
    Sequence {
        /// Of row 0.
        #[serde(default)]
        start: i64,
        /// From row to row.
        #[serde(default = "one")]
        step: i64,
        /// Text before it.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        prefix: String,
        /// Digits, at least.
        #[serde(default, skip_serializing_if = "is_zero")]
        width: u32,
    },
    /// A number that no other row has, in an order that looks random.
    Key {
        /// The least.
        #[serde(default, skip_serializing_if = "is_zero_u64")]
        start: u64,
        /// Numbers to choose from; none: as many as rows.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        count: Option<Count>,
        /// Text before it.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        prefix: String,
        /// Digits, at least.
        #[serde(default, skip_serializing_if = "is_zero")]
        width: u32,
    },
    /// Whole numbers, each as likely as the others.
    Int {
        /// The least.
        min: i64,
        /// The greatest.
        max: i64,
        /// Digits, at least.
        #[serde(default, skip_serializing_if = "is_zero")]
        width: u32,
    },
    /// Decimal numbers, each as likely as the others.
    Float {
        /// The least.
        min: f64,
        /// The greatest.
        max: f64,
        /// Digits behind the point.
        #[serde(default = "two")]
        decimals: u32,
    },
    /// The normal distribution; what falls outside of the limits becomes the limit.
    Normal {
        /// Mean.
        mean: f64,
        /// Standard deviation.
        deviation: f64,
        /// The least.
        min: f64,
        /// The greatest.
        max: f64,
        /// Digits behind the point.
        #[serde(default)]
        decimals: u32,
    },
    /// Ranks of which few are frequent: rank `k` is as likely as `k^-exponent`.
    Zipf {
        /// Ranks.
        count: Count,
        /// Exponent.
        exponent: f64,
        /// The number of the first rank.
        #[serde(default = "first", skip_serializing_if = "is_first")]
        start: u64,
        /// Whether frequent numbers stand anywhere instead of at the beginning.
        #[serde(default, skip_serializing_if = "is_false")]
        scattered: bool,
        /// Digits, at least.
        #[serde(default, skip_serializing_if = "is_zero")]
        width: u32,
    },
    /// One of these texts.
    List {
        /// The texts.
        values: Vec<String>,
        /// How likely each is, relative to the others; none: all alike.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        weights: Vec<f64>,
    },
    /// A line of a file.
    File {
        /// The file. A line is a value, or `value<tab>weight` where `weighted`.
        file: String,
        /// Which line.
        #[serde(default, skip_serializing_if = "is_default_order")]
        order: ValueOrder,
        /// Whether lines end in a weight.
        #[serde(default, skip_serializing_if = "is_false")]
        weighted: bool,
    },
    /// A moment, UTC.
    Date {
        /// The first: `2026-01-01`, `2026-01-01T08:30:00Z`.
        from: String,
        /// The last; a day is meant with all its hours.
        to: String,
        /// `%Y-%m-%d %H:%M:%S`; also `%3f %s %b %j %F %T`. None: a day, or RFC 3339 where a time was
        /// given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        format: Option<String>,
        /// Which moment.
        #[serde(default, skip_serializing_if = "is_default_date_order")]
        order: DateOrder,
    },
    /// A random UUID (version 4).
    Uuid {},
    /// Random hexadecimal digits.
    Hex {
        /// Digits.
        digits: u32,
    },
    /// Other columns and values in a text: `{{id}}-{{int 1 9}}`.
    Text {
        /// The text.
        text: String,
    },
    /// The same in each row.
    Constant {
        /// The text.
        value: String,
    },
}

/// How a row is written. Texts hold columns and values in double braces.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Layout {
    /// A path with its query.
    Path {
        /// The path.
        path: String,
    },
    /// `METHOD PATH [BODY]`.
    Line {
        /// Method.
        #[serde(default = "get")]
        method: String,
        /// Path and query.
        path: String,
        /// Body.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        body: Option<String>,
    },
    /// A JSON object: a request where there is a path, else a record of the columns.
    Jsonl {
        /// Method of the request.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        method: Option<String>,
        /// Path and query of the request.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        path: Option<String>,
        /// Headers of the request.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        headers: BTreeMap<String, String>,
        /// Body of the request.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        body: Option<String>,
        /// Tag of the request.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tag: Option<String>,
        /// Columns of the record; none: all.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        columns: Vec<String>,
    },
    /// Values with commas between them (RFC 4180).
    Csv {
        /// Columns; none: all.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        columns: Vec<String>,
        /// Whether the names of the columns stand before row 0.
        #[serde(default = "yes")]
        header: bool,
    },
}

/// What was made: the document beside the parts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`crate::PARTS_SCHEMA`].
    pub schema: String,
    /// What the rows were made from, with the number of all rows and the seed.
    pub generate: Generate,
    /// SHA-256 of that as JSON, and of the files of values, in hexadecimal.
    pub template_sha256: String,
    /// Files of values: SHA-256 by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values_sha256: BTreeMap<String, String>,
    /// How query files of this kind are called: `path`, `line`, `jsonl`; `csv` and `text` are none.
    pub format: String,
    /// Whether parts are packed with gzip.
    pub is_packed: bool,
    /// The first row, and the one behind the last.
    pub from_row: u64,
    /// The row behind the last.
    pub to_row: u64,
    /// The parts, in order of their rows.
    pub parts: Vec<ManifestPart>,
}

/// A file of rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestPart {
    /// Its name, without a folder.
    pub file: String,
    /// Its first row.
    pub from_row: u64,
    /// Its rows.
    pub rows: u64,
    /// Its bytes, as they are on disk.
    pub bytes: u64,
    /// SHA-256 of those, in hexadecimal.
    pub sha256: String,
}

fn one() -> i64 {
    1
}

fn two() -> u32 {
    2
}

fn first() -> u64 {
    1
}

fn yes() -> bool {
    true
}

fn get() -> String {
    "GET".into()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_zero(value: &u32) -> bool {
    *value == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_zero_u64(value: &u64) -> bool {
    *value == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_first(value: &u64) -> bool {
    *value == 1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_false(value: &bool) -> bool {
    !*value
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_default_order(value: &ValueOrder) -> bool {
    *value == ValueOrder::default()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_default_date_order(value: &DateOrder) -> bool {
    *value == DateOrder::default()
}
