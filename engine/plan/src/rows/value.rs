//! A value of a row: drawn from the random numbers of its column and row, written at once.

use super::date::Date;
use super::list::List;
use super::normal::Normal;
use super::{Draw, Key};
use crate::digits::{
    MAX_DECIMAL_BYTES, UUID_BYTES, push_fixed, push_hex, push_padded, push_signed, push_uuid,
};
use crate::permutation::Permutation;
use crate::random::Random;
use crate::zipf::Zipf;
use std::sync::Arc;

/// How a value is made, with nothing left to check.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Sequence {
        start: i64,
        step: i64,
        width: usize,
    },
    /// `place` is that among the keys of the rows.
    Key {
        key: Arc<Key>,
        place: usize,
        width: usize,
    },
    Int {
        low: i64,
        span: u64,
        width: usize,
    },
    /// `(low + 0 to span) · 10^-decimals`.
    Fixed {
        low: i64,
        span: u64,
        decimals: u32,
    },
    Normal {
        normal: Normal,
        decimals: u32,
    },
    Zipf {
        zipf: Zipf,
        start: u64,
        order: Option<Permutation>,
        width: usize,
    },
    List(List),
    Date(Date),
    Uuid,
    Hex {
        digits: u64,
    },
}

impl Value {
    /// Bytes that it can have, at the most.
    pub(super) fn most_bytes(&self) -> usize {
        match self {
            Self::Sequence { width, .. }
            | Self::Key { width, .. }
            | Self::Int { width, .. }
            | Self::Zipf { width, .. } => MAX_DECIMAL_BYTES.max(*width + 1),
            Self::Fixed { .. } | Self::Normal { .. } => MAX_DECIMAL_BYTES + 1,
            Self::List(list) => list.longest(),
            Self::Date(date) => date.most_bytes(),
            Self::Uuid => UUID_BYTES,
            Self::Hex { digits } => usize::try_from(*digits).unwrap_or(usize::MAX),
        }
    }

    /// Its texts that are not numbers, where it has such.
    pub(super) fn texts(&self) -> Vec<&[u8]> {
        match self {
            Self::List(list) => list.texts().collect(),
            Self::Date(date) => date.texts().collect(),
            _ => Vec::new(),
        }
    }

    /// The same with other texts.
    pub(super) fn map(&self, change: impl Fn(&[u8]) -> Vec<u8>) -> Self {
        match self {
            Self::List(list) => Self::List(list.map(change)),
            Self::Date(date) => Self::Date(date.map(change)),
            value => value.clone(),
        }
    }
}

/// Appends the value of a row.
#[inline]
pub(super) fn write(draw: &Draw, row: u64, bytes: &mut Vec<u8>) {
    let random = || Random::of(draw.stream, row);
    match &draw.value {
        Value::Sequence { start, step, width } => {
            let number = start.wrapping_add(step.wrapping_mul(row.cast_signed()));
            push_signed(bytes, number, *width);
        }
        Value::Key { key, width, .. } => push_padded(bytes, key.number(row), *width),
        Value::Int { low, span, width } => {
            push_signed(bytes, low.wrapping_add_unsigned(random().below(*span)), *width);
        }
        Value::Fixed { low, span, decimals } => {
            push_fixed(bytes, low.wrapping_add_unsigned(random().below(*span)), *decimals);
        }
        Value::Normal { normal, decimals } => {
            push_fixed(bytes, normal.draw(&mut random()), *decimals);
        }
        Value::Zipf { zipf, start, order, width } => {
            let place = zipf.draw(&mut random()) - 1;
            let place = order.as_ref().map_or(place, |order| order.at(place));
            push_padded(bytes, start + place, *width);
        }
        Value::List(list) => bytes.extend_from_slice(list.draw(row, &mut random())),
        Value::Date(date) => date.write(row, &mut random(), bytes),
        Value::Uuid => push_uuid(bytes, &mut random()),
        Value::Hex { digits } => push_hex(bytes, *digits, &mut random()),
    }
}
