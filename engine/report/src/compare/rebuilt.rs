//! The histogram of a second, built again from what a report keeps of it: how many values were in each
//! band, and its percentiles.
//!
//! Values are known by rank: the least, those at the percentiles, the greatest, and between which edges
//! of bands each of the others is. Between two known ranks a second is taken to have the form that the
//! whole run has between the same ranks, moved and stretched to fit: a second that was slower all over
//! comes out as that. Every count and every percentile that was kept comes out as it went in.

use super::buckets::{Bucket, Buckets, highest_of};
use crate::band_edge_ns;
use acp_wire::report::Distribution;
use std::collections::BTreeMap;
use thiserror::Error;

/// What was kept of a second contradicts itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("bands and percentiles of a second do not fit together")]
pub(super) struct Contradiction;

/// The form of a whole run: its values by rank.
pub(super) struct Form<'a> {
    entries: &'a [Bucket],
    /// Values up to each bucket.
    until: Vec<f64>,
}

impl<'a> Form<'a> {
    pub(super) fn of(whole: &'a Buckets) -> Self {
        let entries = whole.entries();
        let mut sum = 0.0;
        let mut add = |entry: &Bucket| {
            sum += entry.1 as f64;
            sum
        };
        Self { entries, until: entries.iter().map(&mut add).collect() }
    }

    fn count(&self) -> f64 {
        self.until.last().copied().unwrap_or(0.0)
    }

    /// The place of the bucket that has the value with so many below it.
    fn place(&self, below: f64) -> usize {
        let place = self.until.partition_point(|until| *until <= below);
        place.min(self.entries.len().saturating_sub(1))
    }
}

/// Values of which only the number and the bounds are known, or one that is known.
struct Piece {
    count: u64,
    lowest_ns: u64,
    highest_ns: u64,
    /// Where it is among all values, in ranks; a known one is in the middle of its own.
    begin: f64,
    end: f64,
}

impl Piece {
    fn known(rank: u64, ns: u64) -> Self {
        let middle = rank as f64 - 0.5;
        Self { count: 1, lowest_ns: ns, highest_ns: ns, begin: middle, end: middle }
    }
}

/// Values of a band.
struct Range {
    count: u64,
    lowest_ns: u64,
    highest_ns: u64,
}

/// A second's histogram. `form` is that of its run; without `bands` percentiles alone are used.
///
/// # Errors
///
/// [`Contradiction`].
pub(super) fn rebuild(
    form: &Form<'_>,
    bands: &BTreeMap<u16, u64>,
    figures: &Distribution,
) -> Result<Buckets, Contradiction> {
    if figures.count == 0 {
        return if bands.is_empty() { Ok(Buckets::default()) } else { Err(Contradiction) };
    }
    let known = known(figures)?;
    let mut found = Vec::new();
    for piece in pieces(&ranges(bands, figures.count)?, &known)? {
        spread(form, &piece, figures.count as f64, &mut found);
    }
    Ok(Buckets::of_entries(found))
}

/// Ranks from 1 with the highest value of their buckets, as `hdrhistogram` has percentiles.
fn known(figures: &Distribution) -> Result<Vec<(u64, u64)>, Contradiction> {
    let percentiles = [
        (0.5, figures.p50),
        (0.9, figures.p90),
        (0.99, figures.p99),
        (0.999, figures.p99_9),
        (0.9999, figures.p99_99),
    ];
    let mut known = vec![(1, highest_of(figures.min))];
    known.extend(percentiles.map(|(quantile, ns)| (rank(quantile, figures.count), highest_of(ns))));
    known.push((figures.count, highest_of(figures.max)));
    known.dedup();
    let is_sorted = known.is_sorted();
    // One rank has one value.
    let is_clear = known.windows(2).all(|pair| pair[0].0 != pair[1].0);
    if is_sorted && is_clear { Ok(known) } else { Err(Contradiction) }
}

#[expect(clippy::cast_possible_truncation, reason = "a share of a count is not above it")]
fn rank(quantile: f64, count: u64) -> u64 {
    ((quantile * count as f64).ceil() as u64).clamp(1, count)
}

/// Count, lowest and highest value of each band; all values in one where there are no bands.
fn ranges(bands: &BTreeMap<u16, u64>, count: u64) -> Result<Vec<Range>, Contradiction> {
    if bands.is_empty() {
        return Ok(vec![Range { count, lowest_ns: 0, highest_ns: u64::MAX }]);
    }
    let mut ranges = Vec::with_capacity(bands.len());
    for (&band, &count) in bands {
        let lowest_ns = band_edge_ns(band).ok_or(Contradiction)?;
        let next = (band.saturating_add(1)..=255).find_map(band_edge_ns);
        let highest_ns = next.map_or(u64::MAX, |next| next - 1);
        ranges.push(Range { count, lowest_ns, highest_ns });
    }
    let sum = ranges.iter().try_fold(0_u64, |sum, range| sum.checked_add(range.count));
    if sum == Some(count) { Ok(ranges) } else { Err(Contradiction) }
}

/// Cuts ranges at what is known. Pieces are in the order of values.
fn pieces(ranges: &[Range], known: &[(u64, u64)]) -> Result<Vec<Piece>, Contradiction> {
    let mut pieces = Vec::new();
    let mut known = known.iter().copied().peekable();
    let (mut before, mut below_ns, mut begin) = (0, 0, 0.0);
    for range in ranges {
        let last = before + range.count;
        if range.lowest_ns > below_ns {
            (below_ns, begin) = (range.lowest_ns, before as f64);
        }
        while let Some((rank, ns)) = known.next_if(|next| next.0 <= last) {
            if ns < range.lowest_ns || ns > highest_of(range.highest_ns) {
                return Err(Contradiction);
            }
            let (count, end) = ((rank - 1).saturating_sub(before), rank as f64 - 0.5);
            pieces.push(Piece { count, lowest_ns: below_ns, highest_ns: ns, begin, end });
            pieces.push(Piece::known(rank, ns));
            (before, below_ns, begin) = (rank, ns, end);
        }
        let above_ns = known.peek().map_or(range.highest_ns, |next| next.1.min(range.highest_ns));
        let (count, end) = (last - before, last as f64);
        pieces.push(Piece { count, lowest_ns: below_ns, highest_ns: above_ns, begin, end });
        before = last;
    }
    pieces.retain(|piece| piece.count > 0);
    Ok(pieces)
}

/// Puts the values of a piece as those of the run are between the same ranks of `count`.
fn spread(form: &Form<'_>, piece: &Piece, count: f64, found: &mut Vec<Bucket>) {
    let mut put = |ns: u64, count: u64| match found.last_mut() {
        _ if count == 0 => {}
        Some(last) if last.0 == highest_of(ns) => last.1 = last.1.saturating_add(count),
        _ => found.push((highest_of(ns), count)),
    };
    let scale = form.count() / count;
    let (begin, end) = (piece.begin * scale, piece.end * scale);
    let mut placed = 0;
    if begin < end && piece.lowest_ns < piece.highest_ns {
        let (first, last) = (form.place(begin), form.place(end));
        let [from, to] = [first, last].map(|place| form.entries[place].0 as f64);
        let width_ns = (piece.highest_ns - piece.lowest_ns) as f64;
        for (entry, until) in form.entries[first..=last].iter().zip(&form.until[first..=last]) {
            let part = ((until - begin) / (end - begin)).clamp(0.0, 1.0);
            let way = if to > from { (entry.0 as f64 - from) / (to - from) } else { part };
            let until = whole(piece.count as f64 * part).clamp(placed, piece.count);
            put(piece.lowest_ns + whole(width_ns * way), until - placed);
            placed = until;
        }
    }
    put(piece.highest_ns, piece.count - placed);
}

#[expect(clippy::cast_possible_truncation, reason = "neither counts nor times are below 0")]
fn whole(number: f64) -> u64 {
    number.round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{bands_of, new_histogram, summary};
    use hdrhistogram::Histogram;
    use proptest::prelude::*;

    fn histogram(values: &[u64]) -> Histogram<u64> {
        let mut histogram = new_histogram();
        values.iter().for_each(|&value| histogram.record(value).unwrap());
        histogram
    }

    fn at(buckets: &Buckets, rank: u64) -> u64 {
        let mut seen = 0;
        let entries = buckets.entries().iter();
        let mut reached = entries.skip_while(|entry| {
            seen += entry.1;
            seen < rank
        });
        reached.next().unwrap().0
    }

    proptest! {
        #[test]
        fn what_was_kept_comes_out_as_it_went_in(
            second in prop::collection::vec((1_u64..1 << 40, 0_u32..36), 1..400),
            others in prop::collection::vec((1_u64..1 << 40, 0_u32..36), 0..400),
            with_bands in any::<bool>(),
        ) {
            let values = |drawn: &[(u64, u32)]| -> Vec<u64> {
                drawn.iter().map(|(value, shift)| (value >> shift).max(1)).collect()
            };
            let second = histogram(&values(&second));
            let mut whole = histogram(&values(&others));
            whole.add(&second).unwrap();
            let figures = summary(&second);
            let bands = if with_bands { bands_of(&second) } else { BTreeMap::new() };
            let found = rebuild(&Form::of(&Buckets::of(&whole)), &bands, &figures).unwrap();
            prop_assert_eq!(found.count(), second.len());
            for quantile in [0.5, 0.9, 0.99, 0.999, 0.9999] {
                let expect = second.value_at_quantile(quantile);
                prop_assert_eq!(at(&found, rank(quantile, second.len())), expect);
            }
            prop_assert_eq!(at(&found, 1), highest_of(figures.min));
            prop_assert_eq!(at(&found, second.len()), figures.max);
            prop_assert!(found.entries().is_sorted_by(|a, b| a.0 < b.0));
            let mut found_bands = BTreeMap::<u16, u64>::new();
            for (highest_ns, count) in found.entries() {
                *found_bands.entry(crate::band_of(*highest_ns)).or_default() += count;
            }
            prop_assert!(!with_bands || found_bands == bands);
        }

        #[test]
        fn a_second_that_is_as_the_run_comes_out_nearly_as_it_was(
            values in prop::collection::vec(1_000_u64..1 << 30, 1..400),
        ) {
            let second = histogram(&values);
            let whole = Buckets::of(&second);
            let found = rebuild(&Form::of(&whole), &bands_of(&second), &summary(&second)).unwrap();
            let (mean, expect) = (found.sum_ns() / found.count() as f64, second.mean());
            prop_assert!((mean / expect - 1.0).abs() < 0.1, "{mean} for {expect}");
        }
    }

    #[test]
    fn what_contradicts_itself_is_no_histogram() {
        let second = histogram(&[1_000, 2_000, 3_000, 40_000]);
        let (whole, bands, figures) = (Buckets::of(&second), bands_of(&second), summary(&second));
        let with = |edit: fn(&mut Distribution)| {
            let mut figures = figures;
            edit(&mut figures);
            figures
        };
        let one_more = {
            let mut bands = bands.clone();
            *bands.values_mut().next().unwrap() += 1;
            bands
        };
        for (what, bands, figures) in [
            ("another count", &bands, with(|figures| figures.count = 5)),
            ("a count more in a band", &one_more, figures),
            ("no such band", &BTreeMap::from([(5, 4)]), figures),
            ("a band of values that are not", &BTreeMap::from([(250, 4)]), figures),
            ("bands of nothing", &bands, Distribution::default()),
            ("counts without end", &BTreeMap::from([(39, u64::MAX), (43, 9)]), figures),
            ("falling percentiles", &bands, with(|figures| figures.p90 = 1)),
            ("a least value above all", &bands, with(|figures| figures.min = 1 << 40)),
            ("two values of one rank", &bands, with(|figures| figures.max = 50_000)),
        ] {
            assert_eq!(rebuild(&Form::of(&whole), bands, &figures), Err(Contradiction), "{what}");
        }
        let nothing = rebuild(&Form::of(&whole), &BTreeMap::new(), &Distribution::default());
        assert_eq!(nothing, Ok(Buckets::default()));
        let elsewhere = Buckets::of(&histogram(&[7]));
        let found = rebuild(&Form::of(&elsewhere), &bands, &figures).unwrap();
        assert_eq!(found.count(), 4, "a histogram of another run costs no value");
    }
}
