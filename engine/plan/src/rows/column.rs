//! The columns of rows: what each is made of, and templates of them.

use super::alias::Alias;
use super::date::Date;
use super::error::{Fault, RowsError};
use super::list::List;
use super::normal::Normal;
use super::value::Value;
use super::{Draw, Key, Load, MAX_PIECES, Piece, inline, push};
use crate::braces::{Part, Unclosed, parts};
use crate::permutation::Permutation;
use crate::random::mix;
use crate::zipf::Zipf;
use acp_wire::rows::{Column, Kind, ValueOrder};
use std::sync::Arc;

/// Digits that a number is padded to, and digits behind the point, at the most.
const MAX_WIDTH: u32 = 100;
const MAX_DECIMALS: u32 = 9;
/// Digits of a hexadecimal value, at the most.
const MAX_HEX_DIGITS: u32 = 1 << 16;
/// Numbers that a float counts exactly.
const EXACT: f64 = (1_u64 << 53) as f64;
/// Ranks of a Zipf distribution, at the most.
const MAX_RANKS: u64 = 1 << 53;
/// What stands for the lines of a file that nobody has read: good wherever a value can stand.
const UNREAD: &[u8] = b"/";

/// What a column is made of.
#[derive(Clone, Debug)]
struct Compiled {
    pieces: Vec<Piece>,
    is_number: bool,
}

/// A piece of a template, and whether it is the template's own text.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Spot {
    Text(Vec<u8>),
    Value(Vec<Piece>),
}

/// The columns of rows.
pub(super) struct Columns<'a> {
    given: &'a [Column],
    compiled: Vec<Option<Compiled>>,
    seed: u64,
    rows: u64,
    keys: Vec<Arc<Key>>,
    /// Values that stand in templates so far.
    inline: u64,
}

impl<'a> Columns<'a> {
    pub(super) fn compile(
        given: &'a [Column],
        seed: u64,
        rows: u64,
        load: Load<'_>,
    ) -> Result<Self, RowsError> {
        let compiled = given.iter().map(|_| None).collect();
        let mut columns = Self { given, compiled, seed, rows, keys: Vec::new(), inline: 0 };
        for (number, column) in given.iter().enumerate() {
            columns.check_name(number).map_err(|fault| fault.at(place(number, "name")))?;
            if matches!(column.kind, Kind::Text { .. }) {
                continue;
            }
            let found = columns.column(column, &mut *load);
            let found = found.map_err(|(field, fault)| fault.at(place(number, field)))?;
            columns.compiled[number] = Some(found);
        }
        for number in 0..given.len() {
            columns.text(number, &mut Vec::new())?;
        }
        Ok(columns)
    }

    fn check_name(&self, number: usize) -> Result<(), Fault> {
        let name = &self.given[number].name;
        let is_good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        if name.is_empty() || !name.bytes().all(is_good) {
            return Err(Fault::Name(name.clone()));
        }
        match self.given[..number].iter().any(|before| before.name == *name) {
            true => Err(Fault::NameTwice(name.clone())),
            false => Ok(()),
        }
    }

    /// The keys, in order of their numbers.
    pub(super) fn into_keys(self) -> Vec<Arc<Key>> {
        self.keys
    }

    /// Names of the columns, in order.
    pub(super) fn names(&self) -> Vec<&'a str> {
        self.given.iter().map(|column| column.name.as_str()).collect()
    }

    /// What a column is made of, and whether that is a number.
    pub(super) fn get(&self, name: &str) -> Result<(&[Piece], bool), Fault> {
        let number = self.given.iter().position(|column| column.name == name);
        match number.and_then(|number| self.compiled[number].as_ref()) {
            Some(compiled) => Ok((&compiled.pieces, compiled.is_number)),
            None => Err(Fault::NoColumn(name.into())),
        }
    }

    /// Reads a text with columns and values in double braces.
    pub(super) fn template(&mut self, text: &str) -> Result<Vec<Spot>, Fault> {
        let parts = parts(text.as_bytes()).map_err(|Unclosed| Fault::Open)?;
        if parts.len() > MAX_PIECES {
            return Err(Fault::TooManyPieces);
        }
        let spot = |part: Part<'_>| match part {
            Part::Text(text) => Ok(Spot::Text(text.into())),
            Part::Inside(inside) => {
                let inside = String::from_utf8_lossy(inside);
                Ok(Spot::Value(self.value(inside.trim())?))
            }
        };
        parts.into_iter().map(spot).collect()
    }

    fn value(&mut self, text: &str) -> Result<Vec<Piece>, Fault> {
        if let Ok((pieces, _)) = self.get(text) {
            return Ok(pieces.to_vec());
        }
        let kind = inline::parse(text, &self.names())?;
        // A key is the same wherever it stands; each other value is one of its own.
        let name = match &kind {
            Kind::Key { .. } => "{{key}}".to_owned(),
            _ => {
                self.inline += 1;
                format!("{{{{{}}}}}", self.inline)
            }
        };
        let column = Column { name, kind };
        let mut nothing = |_: &str| Ok(None);
        let found = self.column(&column, &mut nothing).map_err(|(_, fault)| fault)?;
        Ok(found.pieces)
    }

    /// Puts the text of a column together from the columns that it names. `above` are those that are
    /// being put together.
    fn text(&mut self, number: usize, above: &mut Vec<usize>) -> Result<(), RowsError> {
        let (given, column) = (self.given, &self.given[number]);
        let Kind::Text { text } = &column.kind else { return Ok(()) };
        if self.compiled[number].is_some() {
            return Ok(());
        }
        let bad = |fault: Fault| fault.at(place(number, "text"));
        if above.contains(&number) {
            return Err(bad(Fault::Circle(column.name.clone())));
        }
        above.push(number);
        for part in parts(text.as_bytes()).map_err(|Unclosed| bad(Fault::Open))? {
            let Part::Inside(inside) = part else { continue };
            let name = inside.trim_ascii();
            let below = given.iter().position(|column| column.name.as_bytes() == name);
            if let Some(below) = below {
                self.text(below, above)?;
            }
        }
        above.pop();
        let mut pieces = Vec::new();
        for spot in self.template(text).map_err(bad)? {
            match spot {
                Spot::Text(text) => push(&mut pieces, Piece::Text(text)),
                Spot::Value(value) => value.into_iter().for_each(|piece| push(&mut pieces, piece)),
            }
            super::check_size(&pieces).map_err(bad)?;
        }
        self.compiled[number] = Some(Compiled { pieces, is_number: false });
        Ok(())
    }

    /// What a column is made of; an error comes with its field.
    fn column(
        &mut self,
        column: &Column,
        load: Load<'_>,
    ) -> Result<Compiled, (&'static str, Fault)> {
        let stream = stream(self.seed, &column.name);
        let mut pieces = Vec::new();
        let (value, is_number) = match &column.kind {
            Kind::Constant { value } => {
                push(&mut pieces, Piece::text(value.as_str()));
                return Ok(Compiled { pieces, is_number: false });
            }
            Kind::Sequence { start, step, prefix, width } => {
                push(&mut pieces, Piece::text(prefix.as_str()));
                (self.sequence(*start, *step, *width)?, prefix.is_empty() && *width == 0)
            }
            Kind::Key { prefix, width, .. } => {
                push(&mut pieces, Piece::text(prefix.as_str()));
                (self.key(column, stream)?, prefix.is_empty() && *width == 0)
            }
            kind => value(kind, stream, self.rows, load)?,
        };
        pieces.push(Piece::Value(Draw { stream, value }));
        Ok(Compiled { pieces, is_number })
    }

    fn sequence(&self, start: i64, step: i64, digits: u32) -> Result<Value, (&'static str, Fault)> {
        let steps = i128::from(self.rows - 1);
        let last = i128::from(start) + i128::from(step) * steps;
        if i64::try_from(last).is_err() {
            return Err(("step", Fault::Overflow { rows: self.rows }));
        }
        Ok(Value::Sequence { start, step, width: width(digits)? })
    }

    fn key(&mut self, column: &Column, stream: u64) -> Result<Value, (&'static str, Fault)> {
        let Kind::Key { start, count, width: digits, .. } = &column.kind else {
            return Err(("kind", Fault::Name(column.name.clone())));
        };
        let count = match count {
            None => self.rows,
            Some(count) => count.value().map_err(|error| ("count", Fault::Count(error)))?,
        };
        if count < self.rows {
            return Err(("count", Fault::TooFewKeys { count, rows: self.rows }));
        }
        if start.checked_add(count).is_none() {
            return Err(("start", Fault::Overflow { rows: self.rows }));
        }
        let key = Arc::new(Key {
            name: column.name.clone(),
            start: *start,
            order: Permutation::new(stream, count),
        });
        let place = self.keys.iter().position(|known| *known == key).unwrap_or(self.keys.len());
        if place == self.keys.len() {
            self.keys.push(Arc::clone(&key));
        }
        Ok(Value::Key { key, place, width: width(*digits)? })
    }
}

/// Where the random numbers of a column come from: of its name, so that another column before it
/// changes nothing.
fn stream(seed: u64, name: &str) -> u64 {
    name.bytes().fold(mix(!seed), |state, byte| mix(state.rotate_left(8) ^ u64::from(byte)))
}

fn place(number: usize, field: &str) -> String {
    format!("columns[{number}].{field}")
}

/// A value that needs nothing of the other columns, and whether it is a number.
fn value(
    kind: &Kind,
    stream: u64,
    rows: u64,
    load: Load<'_>,
) -> Result<(Value, bool), (&'static str, Fault)> {
    match kind {
        Kind::Int { min, max, width: digits } => {
            if max < min {
                return Err(("max", Fault::Order));
            }
            let span = max.abs_diff(*min).checked_add(1);
            let span = span.ok_or(("max", Fault::Range("that are too many numbers")))?;
            Ok((Value::Int { low: *min, span, width: width(*digits)? }, *digits == 0))
        }
        Kind::Float { min, max, decimals } => {
            let (low, high) = (scaled("min", *min, *decimals)?, scaled("max", *max, *decimals)?);
            if high < low {
                return Err(("max", Fault::Order));
            }
            let span = high.abs_diff(low) + 1;
            Ok((Value::Fixed { low, span, decimals: *decimals }, true))
        }
        Kind::Normal { .. } => Ok((normal(kind)?, true)),
        Kind::Zipf { .. } => zipf(kind, stream),
        Kind::List { values, weights } => Ok((Value::List(list(values, weights)?), false)),
        Kind::File { file, order, weighted } => {
            let list = of_file(file, *order, *weighted, load).map_err(|fault| ("file", fault))?;
            Ok((Value::List(list), false))
        }
        Kind::Date { from, to, format, order } => {
            let date = Date::new(from, to, format.as_deref(), *order, rows)?;
            let is_number = date.is_number();
            Ok((Value::Date(date), is_number))
        }
        Kind::Hex { digits: digits @ 1..=MAX_HEX_DIGITS } => {
            Ok((Value::Hex { digits: u64::from(*digits) }, false))
        }
        Kind::Hex { .. } => Err(("digits", Fault::Range("it has 1 to 65536 digits"))),
        Kind::Uuid {} => Ok((Value::Uuid, false)),
        Kind::Sequence { .. } | Kind::Key { .. } | Kind::Text { .. } | Kind::Constant { .. } => {
            Err(("kind", Fault::Range("it is made elsewhere")))
        }
    }
}

fn width(digits: u32) -> Result<usize, (&'static str, Fault)> {
    match digits {
        0..=MAX_WIDTH => Ok(digits as usize),
        _ => Err(("width", Fault::Range("a number has at most 100 digits"))),
    }
}

/// `number · 10^decimals` as a whole number.
fn scaled(field: &'static str, number: f64, decimals: u32) -> Result<i64, (&'static str, Fault)> {
    if decimals > MAX_DECIMALS {
        return Err(("decimals", Fault::Range("there are at most 9 digits behind the point")));
    }
    let scaled = (number * 10_f64.powi(decimals.cast_signed())).round();
    if scaled.is_nan() || scaled.abs() > EXACT {
        return Err((field, Fault::Range("with its decimals it goes beyond 2^53")));
    }
    #[expect(clippy::cast_possible_truncation, reason = "whole, and within ±2^53")]
    let scaled = scaled as i64;
    Ok(scaled)
}

fn normal(kind: &Kind) -> Result<Value, (&'static str, Fault)> {
    let Kind::Normal { mean, deviation, min, max, decimals } = *kind else {
        return Err(("kind", Fault::Range("it is not of this kind")));
    };
    let scale = 10_f64.powi(decimals.min(MAX_DECIMALS).cast_signed());
    let (least, greatest) = (scaled("min", min, decimals)?, scaled("max", max, decimals)?);
    if greatest < least {
        return Err(("max", Fault::Order));
    }
    if !mean.is_finite() {
        return Err(("mean", Fault::Range("it is a number")));
    }
    if !deviation.is_finite() || deviation < 0.0 {
        return Err(("deviation", Fault::Range("it is a number from 0")));
    }
    let normal = Normal::new(mean * scale, deviation * scale, least as f64, greatest as f64);
    Ok(Value::Normal { normal, decimals })
}

fn zipf(kind: &Kind, stream: u64) -> Result<(Value, bool), (&'static str, Fault)> {
    let Kind::Zipf { count, exponent, start, scattered, width: digits } = kind else {
        return Err(("kind", Fault::Range("it is not of this kind")));
    };
    let count = count.value().map_err(|error| ("count", Fault::Count(error)))?;
    if !(1..=MAX_RANKS).contains(&count) {
        return Err(("count", Fault::Range("there are 1 to 2^53 ranks")));
    }
    if !(0.0..=100.0).contains(exponent) {
        return Err(("exponent", Fault::Range("it is 0 to 100")));
    }
    if start.checked_add(count).is_none() {
        return Err(("start", Fault::Range("its numbers go beyond 64 bits")));
    }
    let order = scattered.then(|| Permutation::new(!stream, count));
    let zipf = Zipf::new(count, *exponent);
    let value = Value::Zipf { zipf, start: *start, order, width: width(*digits)? };
    Ok((value, *digits == 0))
}

fn list(values: &[String], weights: &[f64]) -> Result<List, (&'static str, Fault)> {
    if values.is_empty() {
        return Err(("values", Fault::NoValues));
    }
    let texts = values.iter().map(|value| value.as_bytes());
    if weights.is_empty() {
        return Ok(List::random(texts, None));
    }
    if weights.len() != values.len() {
        let (weights, values) = (weights.len(), values.len());
        return Err(("weights", Fault::Weights { weights, values }));
    }
    let bad = weights.iter().find(|weight| !weight.is_finite() || **weight < 0.0);
    let shown = bad.map_or("0".into(), f64::to_string);
    let alias = Alias::new(weights).ok_or(("weights", Fault::Weight(shown)))?;
    Ok(List::random(texts, Some(alias)))
}

fn of_file(
    file: &str,
    order: ValueOrder,
    is_weighted: bool,
    load: Load<'_>,
) -> Result<List, Fault> {
    let bytes = load(file).map_err(|why| Fault::File { file: file.into(), why })?;
    let Some(bytes) = bytes else { return Ok(List::random([UNREAD], None)) };
    let at = |line: usize, fault| Fault::FileLine {
        file: file.into(),
        line: line + 1,
        fault: Box::new(fault),
    };
    let (mut texts, mut weights) = (Vec::new(), Vec::new());
    for (number, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            continue;
        }
        let line = str::from_utf8(line)
            .map_err(|_| at(number, Fault::Range("it is not text in UTF-8")))?;
        if !is_weighted {
            texts.push(line.as_bytes());
            continue;
        }
        let (text, weight) = line.rsplit_once('\t').unwrap_or((line, ""));
        let weight = weight.trim();
        let found = weight.parse().ok().filter(|weight: &f64| weight.is_finite() && *weight >= 0.0);
        weights.push(found.ok_or_else(|| at(number, Fault::Weight(weight.into())))?);
        texts.push(text.as_bytes());
    }
    match (texts.is_empty(), is_weighted, order) {
        (true, _, _) => Err(Fault::NoValues),
        (_, true, _) => {
            let alias = Alias::new(&weights).ok_or_else(|| Fault::Weight("0".into()))?;
            Ok(List::random(texts, Some(alias)))
        }
        (_, false, ValueOrder::Random) => Ok(List::random(texts, None)),
        (_, false, ValueOrder::Seq) => Ok(List::in_turn(texts)),
    }
}
