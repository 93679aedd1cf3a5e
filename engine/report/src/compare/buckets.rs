//! The buckets of a histogram that something was recorded in: a few hundred of 33,000, so that many
//! histograms of one run fit into memory.

use crate::HistogramError;
use crate::decode::decode_buckets;
use std::cmp::Ordering;

/// Bits of a value that its bucket keeps, but for the highest: three significant digits take 2,048
/// sub-buckets, of which the upper half is told apart in each power of two.
const KEPT_BITS: u32 = 10;

/// A bucket: the highest value that falls into it, in nanoseconds, and how many did.
pub(super) type Bucket = (u64, u64);

/// Buckets with a count, by value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Buckets(Vec<Bucket>);

impl Buckets {
    /// Those of a histogram as it comes over the wire.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub(super) fn read(text: &str) -> Result<Self, HistogramError> {
        decode_buckets(text).map(Self)
    }

    /// By value, each once.
    pub(super) fn of_entries(entries: Vec<Bucket>) -> Self {
        assert!(entries.is_sorted_by(|a, b| a.0 < b.0), "buckets are in order");
        Self(entries)
    }

    /// Adds the counts of others.
    pub(super) fn add(&mut self, other: &Self) {
        if other.0.is_empty() {
            return;
        }
        let room = Vec::with_capacity(self.0.len() + other.0.len());
        let mine = std::mem::replace(&mut self.0, room);
        let (mut left, mut right) = (mine.as_slice(), other.0.as_slice());
        while let ([a, left_rest @ ..], [b, right_rest @ ..]) = (left, right) {
            let order = a.0.cmp(&b.0);
            self.0.push(match order {
                Ordering::Less => *a,
                Ordering::Greater => *b,
                Ordering::Equal => (a.0, a.1.saturating_add(b.1)),
            });
            left = if order.is_le() { left_rest } else { left };
            right = if order.is_ge() { right_rest } else { right };
        }
        self.0.extend(left);
        self.0.extend(right);
        self.0.shrink_to_fit();
    }

    /// By value.
    pub(super) fn entries(&self) -> &[Bucket] {
        &self.0
    }

    /// Values recorded.
    pub(super) fn count(&self) -> u64 {
        self.0.iter().fold(0, |sum, bucket| sum.saturating_add(bucket.1))
    }

    /// Sum of the values, each as the middle of its bucket.
    pub(super) fn sum_ns(&self) -> f64 {
        self.0.iter().map(|&(highest, count)| middle_ns(highest) * count as f64).sum()
    }
}

/// The highest value of the bucket of a value.
pub(super) fn highest_of(value_ns: u64) -> u64 {
    value_ns | ((1 << width_bits(value_ns)) - 1)
}

fn middle_ns(highest: u64) -> f64 {
    let width_bits = width_bits(highest);
    let lowest = highest >> width_bits << width_bits;
    (lowest + (1 << width_bits) / 2) as f64
}

/// Bits of a value that do not tell its bucket from others.
fn width_bits(value: u64) -> u32 {
    value.checked_ilog2().unwrap_or(0).saturating_sub(KEPT_BITS)
}

#[cfg(test)]
impl Buckets {
    /// Those of a histogram.
    pub(super) fn of(histogram: &hdrhistogram::Histogram<u64>) -> Self {
        let text = crate::encode(histogram);
        text.map_or_else(Self::default, |text| Self::read(&text).unwrap())
    }

    /// Those of single values, by value.
    pub(super) fn of_sorted(values: &[u64]) -> Self {
        let groups = values.chunk_by(|a, b| highest_of(*a) == highest_of(*b));
        Self(groups.map(|group| (highest_of(group[0]), group.len() as u64)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::new_histogram;
    use hdrhistogram::Histogram;
    use proptest::prelude::*;

    fn histogram(values: &[u64]) -> Histogram<u64> {
        let mut histogram = new_histogram();
        values.iter().for_each(|&value| histogram.saturating_record(value));
        histogram
    }

    proptest! {
        #[test]
        fn they_add_up_as_histograms_do(
            left in prop::collection::vec(1_u64..1 << 41, 0..60),
            right in prop::collection::vec(1_u64..5_000, 0..60),
        ) {
            let mut sorted = left.clone();
            sorted.sort_unstable();
            let (mut left, right) = (histogram(&left), histogram(&right));
            prop_assert_eq!(Buckets::of_sorted(&sorted), Buckets::of(&left));
            let mut buckets = Buckets::of(&left);
            buckets.add(&Buckets::of(&right));
            left.add(&right).unwrap();
            prop_assert_eq!(&buckets, &Buckets::of(&left));
            prop_assert_eq!(buckets.count(), left.len());
            let mean = buckets.sum_ns() / left.len().max(1) as f64;
            prop_assert!((mean - left.mean()).abs() <= 1e-9 * left.mean(), "{}", mean);
        }
    }
}
