//! Counts by bucket of the histograms that there are many of: one a class of status, one a tag.
//!
//! The same buckets as those of [`crate::new_histogram`], in memory that is asked for with the first
//! value and that the system gives when it is touched. A mark for each power of two says where values
//! are: adding, writing and emptying look at nothing else, so 64 tags cost what their values cost.

use super::decode::{BUCKETS, HALF_BITS, highest_ns};
use super::distributions::{DIGITS, HIGHEST_NS, LOWEST_NS, new_histogram};
use base64::Engine as _;
use hdrhistogram::Histogram;

/// Cookie of an HDR V2 histogram, uncompressed.
pub(super) const COOKIE: u32 = 0x1c84_9303 | 0x10;
/// The greatest count that can be written.
const MOST: u64 = i64::MAX.unsigned_abs();
/// Buckets of one mark.
const CHUNK: usize = 1 << HALF_BITS;

/// A histogram with our bounds, empty until something is recorded.
#[derive(Default)]
pub struct Buckets {
    /// All buckets, or none.
    counts: Vec<u64>,
    /// Chunks that have values, a bit each.
    chunks: u64,
    total: u64,
}

impl Buckets {
    /// A histogram without values, and without memory.
    #[must_use]
    pub const fn new() -> Self {
        Self { counts: Vec::new(), chunks: 0, total: 0 }
    }

    /// Records a value; above the range it counts as the greatest of the range. Allocates with the
    /// first value only.
    #[inline]
    pub fn record(&mut self, value_ns: u64) {
        let index = index_of(value_ns);
        self.add_at(if index < ALL { index } else { index_of(HIGHEST_NS) }, 1);
    }

    #[inline]
    fn add_at(&mut self, index: usize, count: u64) {
        if self.counts.is_empty() {
            self.allocate();
        }
        let mine = &mut self.counts[index];
        *mine = mine.saturating_add(count).min(MOST);
        self.chunks |= 1 << (index / CHUNK);
        self.total = self.total.saturating_add(count);
    }

    #[cold]
    fn allocate(&mut self) {
        self.counts = vec![0; ALL];
    }

    /// Values recorded.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.total
    }

    /// Whether nothing was recorded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// Adds the values of another histogram.
    pub fn add(&mut self, other: &Self) {
        other.for_each(|index, count| self.add_at(index, count));
    }

    /// Adds buckets as they were read.
    pub(crate) fn add_read(&mut self, buckets: &[(u64, u64)]) {
        for &(index, count) in buckets {
            let index = usize::try_from(index).expect("an index of a bucket is small");
            self.add_at(index, count);
        }
    }

    /// Empties it and keeps its memory.
    pub fn reset(&mut self) {
        for chunk in chunks(self.chunks) {
            self.counts[chunk * CHUNK..][..CHUNK].fill(0);
        }
        (self.chunks, self.total) = (0, 0);
    }

    /// Every bucket with values, in the order of their values.
    fn for_each(&self, mut visit: impl FnMut(usize, u64)) {
        for chunk in chunks(self.chunks) {
            let first = chunk * CHUNK;
            for (index, &count) in (first..).zip(&self.counts[first..][..CHUNK]) {
                if count > 0 {
                    visit(index, count);
                }
            }
        }
    }

    /// The same values in a histogram that can tell more of them.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "every bucket is one of the histogram's")]
    pub fn to_histogram(&self) -> Histogram<u64> {
        let mut histogram = new_histogram();
        self.for_each(|index, count| {
            let value_ns = highest_ns(index as u64);
            histogram.record_n(value_ns, count).expect("a value of the range");
        });
        histogram
    }

    /// Base64 of the HDR V2 form, or none without values. The same text as that of
    /// [`crate::encode`].
    #[must_use]
    pub fn encode(&self) -> Option<String> {
        if self.is_empty() {
            return None;
        }
        let mut counts = Vec::with_capacity(1024);
        let mut next = 0;
        self.for_each(|index, count| {
            match index - next {
                0 => {}
                1 => push_number(&mut counts, 0),
                passed => push_number(&mut counts, -i64::try_from(passed).unwrap_or(0)),
            }
            push_number(&mut counts, count.cast_signed());
            next = index + 1;
        });
        let length = u32::try_from(counts.len()).unwrap_or(u32::MAX);
        let words = [COOKIE, length, 0, u32::from(DIGITS)].map(u32::to_be_bytes);
        let bounds = [LOWEST_NS, HIGHEST_NS].map(u64::to_be_bytes);
        let bytes = [&words.concat()[..], &bounds.concat(), &1_f64.to_be_bytes(), &counts].concat();
        Some(base64::engine::general_purpose::STANDARD.encode(bytes))
    }
}

impl From<&Histogram<u64>> for Buckets {
    /// The values of a histogram with our bounds.
    fn from(histogram: &Histogram<u64>) -> Self {
        let mut buckets = Self::new();
        for step in histogram.iter_recorded() {
            buckets.add_at(index_of(step.value_iterated_to()), step.count_at_value());
        }
        buckets
    }
}

/// All buckets.
#[expect(clippy::cast_possible_truncation, reason = "some ten thousand")]
const ALL: usize = BUCKETS as usize;

/// The bucket of a value: those below 2,048 have one each, each power of two above has 1,024.
#[inline]
fn index_of(value_ns: u64) -> usize {
    let width_bits =
        (u64::BITS - 1 - HALF_BITS) - (value_ns | ((2 << HALF_BITS) - 1)).leading_zeros();
    #[expect(clippy::cast_possible_truncation, reason = "below 2^17 for any value")]
    let kept = (value_ns >> width_bits) as usize;
    ((width_bits as usize) << HALF_BITS) + kept
}

/// The places of the bits that are set, lowest first.
fn chunks(mut bits: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let place = bits.trailing_zeros() as usize;
        bits &= bits.wrapping_sub(1);
        (place < 64).then_some(place)
    })
}

/// A number of the V2 form: zig-zag, seven bits a byte, the lowest first, a ninth byte whole.
fn push_number(bytes: &mut Vec<u8>, number: i64) {
    let mut folded = ((number << 1) ^ (number >> 63)).cast_unsigned();
    for _ in 0..8 {
        let [low, ..] = folded.to_le_bytes();
        folded >>= 7;
        if folded == 0 {
            return bytes.push(low & 0x7f);
        }
        bytes.push(low | 0x80);
    }
    let [low, ..] = folded.to_le_bytes();
    bytes.push(low);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{decode, encode, summary};
    use proptest::prelude::*;

    fn recorded(values: &[u64]) -> (Buckets, Histogram<u64>) {
        let (mut buckets, mut histogram) = (Buckets::new(), new_histogram());
        for &value in values {
            buckets.record(value);
            histogram.saturating_record(value);
        }
        (buckets, histogram)
    }

    #[test]
    fn edges_of_the_range_are_where_the_library_has_them() {
        for value in [0, 1, 2047, 2048, 2049, 4095, 4096, HIGHEST_NS, 1 << 42, u64::MAX] {
            let (buckets, histogram) = recorded(&[value]);
            assert_eq!(buckets.encode(), encode(&histogram), "{value}");
        }
        let last = highest_ns(BUCKETS - 1);
        assert_eq!((index_of(last), index_of(last + 1)), (ALL - 1, ALL));
    }

    #[test]
    fn nothing_has_no_memory_and_no_text() {
        let mut buckets = Buckets::new();
        buckets.add(&Buckets::new());
        buckets.reset();
        assert_eq!((buckets.encode(), buckets.counts.capacity()), (None, 0));
        assert!(buckets.to_histogram().is_empty());
    }

    #[test]
    fn counts_end_where_they_cannot_be_written_any_more() {
        let mut buckets = Buckets::new();
        buckets.add_read(&[(5, MOST)]);
        buckets.add_read(&[(5, MOST)]);
        buckets.add_read(&[(5, MOST), (6, u64::MAX)]);
        let read = decode(&buckets.encode().unwrap()).unwrap();
        assert_eq!([5, 6].map(|value| read.count_at(value)), [MOST; 2]);
        assert_eq!(buckets.len(), u64::MAX);
    }

    proptest! {
        #[test]
        fn it_is_the_histogram_of_the_library(
            values in prop::collection::vec((0_u64..1 << 43, 0_u32..40), 1..60),
            cut in 0_usize..60,
        ) {
            let values: Vec<_> = values.iter().map(|&(value, shift)| value >> shift).collect();
            let (buckets, histogram) = recorded(&values);
            let text = encode(&histogram);
            prop_assert_eq!(buckets.encode(), text.clone());
            prop_assert_eq!(summary(&buckets.to_histogram()), summary(&histogram));
            prop_assert_eq!(Buckets::from(&histogram).encode(), text.clone());
            let (left, right) = values.split_at(cut.min(values.len()));
            let mut sum = recorded(left).0;
            sum.add(&recorded(right).0);
            prop_assert_eq!(sum.encode(), text);
            // Emptied, it is as new.
            sum.reset();
            prop_assert!(sum.is_empty() && sum.counts.iter().all(|&count| count == 0));
            sum.add(&recorded(right).0);
            prop_assert_eq!(sum.encode(), recorded(right).0.encode());
        }
    }
}
