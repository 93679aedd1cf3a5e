//! Which rows were seen: a bit each.

use super::CheckError;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bits, at the most: 2 GiB.
const MAX_BITS: u64 = 1 << 34;

/// Which rows were seen, a bit each, for each key.
pub(super) struct Seen {
    first: u64,
    rows: u64,
    bits: Vec<Vec<AtomicU64>>,
}

impl Seen {
    pub(super) fn new(keys: usize, rows: &Range<u64>) -> Result<Self, CheckError> {
        let count = rows.end - rows.start;
        if count.saturating_mul(keys as u64) > MAX_BITS {
            return Err(CheckError::TooMany(count));
        }
        let words = count.div_ceil(u64::from(u64::BITS));
        let of_key = || (0..words).map(|_| AtomicU64::new(0)).collect();
        Ok(Self { first: rows.start, rows: count, bits: (0..keys).map(|_| of_key()).collect() })
    }

    /// Notes a row of a key. False: it was noted before, or is none of these.
    pub(super) fn note(&self, key: usize, row: u64) -> bool {
        let Some(place) = row.checked_sub(self.first).filter(|place| *place < self.rows) else {
            return false;
        };
        let bit = 1 << (place % 64);
        let word = usize::try_from(place / 64).unwrap_or(usize::MAX);
        self.bits[key][word].fetch_or(bit, Ordering::Relaxed) & bit == 0
    }

    /// Rows that were seen of a key.
    pub(super) fn count(&self, key: usize) -> u64 {
        self.bits[key].iter().map(|word| u64::from(word.load(Ordering::Relaxed).count_ones())).sum()
    }
}
