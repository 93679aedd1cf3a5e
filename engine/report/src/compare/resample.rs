//! A run drawn again and again from its own blocks, and what each drawn run would have measured.

use super::buckets::Buckets;
use acp_plan::Random;

/// Runs drawn. The ends of a 95 % interval rest on some 20 of them on each side.
pub(super) const RESAMPLES: usize = 1_000;
/// Seed of the draws, and what tells those of one run from those of another: any numbers do, as long
/// as they stay.
const SEED: u64 = 0x0061_6370;
const STREAM: u64 = 0xd1b5_4a32_d192_ed03;

/// How often each block is in each drawn run.
pub(super) struct Draws {
    blocks: usize,
    weights: Vec<f64>,
}

impl Draws {
    /// Draws stretches of neighbouring blocks until there are as many as in the run. Runs with another
    /// `number` are drawn independently; with the same one and as many blocks, by the same places.
    pub(super) fn of(blocks: usize, number: u64) -> Self {
        let mut random = Random::new(SEED ^ number.wrapping_mul(STREAM));
        let mut weights = vec![0.0; blocks * RESAMPLES];
        for drawn in weights.chunks_exact_mut(blocks.max(1)) {
            let mut left = blocks;
            while left > 0 {
                let first = random.index(blocks);
                let stretch = stretch(blocks).min(left);
                (first..first + stretch).for_each(|place| drawn[place % blocks] += 1.0);
                left -= stretch;
            }
        }
        Self { blocks, weights }
    }

    /// What each drawn run measured, by the weights of its blocks.
    pub(super) fn map(&self, of: impl Fn(&[f64]) -> f64) -> Vec<f64> {
        self.weights.chunks_exact(self.blocks.max(1)).map(of).collect()
    }
}

/// Blocks of a stretch: the cube root of their number, the order that Künsch finds best for the
/// variance of a mean.
pub(super) fn stretch(blocks: usize) -> usize {
    let mut stretch = 1;
    // Rounded to the nearest whole number: (s + ½)³ ≤ n.
    while (2 * stretch + 1_usize).pow(3) <= 8 * blocks {
        stretch += 1;
    }
    stretch
}

/// The sum of one quantity over that of another, of a drawn run; not a number where the other is 0.
pub(super) fn ratio(weights: &[f64], parts: &[(f64, f64)]) -> f64 {
    let weighted = weights.iter().zip(parts);
    let (over, under) = weighted.fold((0.0, 0.0), |(over, under), (weight, part)| {
        (over + weight * part.0, under + weight * part.1)
    });
    if under > 0.0 { over / under } else { f64::NAN }
}

/// Counts of the histograms of all blocks up to each bucket: a percentile of a drawn run is found by
/// bisection, without merging its histograms.
pub(super) struct Cumulative {
    blocks: usize,
    /// The highest value of each bucket that any block has.
    highest_ns: Vec<u64>,
    /// For each bucket the counts up to it, of all blocks side by side. As floats: exact up to 2⁵³,
    /// and no count that somebody sends makes them go round.
    counts: Vec<f64>,
}

impl Cumulative {
    pub(super) fn of(histograms: &[&Buckets]) -> Self {
        let mut union = Buckets::default();
        histograms.iter().for_each(|histogram| union.add(histogram));
        let highest_ns: Vec<u64> = union.entries().iter().map(|bucket| bucket.0).collect();
        let blocks = histograms.len();
        let mut counts = vec![0.0; highest_ns.len() * blocks];
        for (place, histogram) in histograms.iter().enumerate() {
            let mut entries = histogram.entries().iter().peekable();
            let mut sum = 0.0;
            for (row, highest) in counts.chunks_exact_mut(blocks.max(1)).zip(&highest_ns) {
                if let Some((_, count)) = entries.next_if(|entry| entry.0 == *highest) {
                    sum += *count as f64;
                }
                row[place] = sum;
            }
        }
        Self { blocks, highest_ns, counts }
    }

    fn up_to(&self, bucket: usize, weights: &[f64]) -> f64 {
        let row = &self.counts[bucket * self.blocks..][..self.blocks];
        row.iter().zip(weights).map(|(count, weight)| count * weight).sum()
    }

    /// The value at a quantile as `hdrhistogram` has it; not a number where nothing was recorded.
    pub(super) fn quantile(&self, weights: &[f64], quantile: f64) -> f64 {
        let Some(last) = self.highest_ns.len().checked_sub(1) else { return f64::NAN };
        let total = self.up_to(last, weights);
        if total <= 0.0 {
            return f64::NAN;
        }
        let wanted = (quantile * total).ceil().max(1.0);
        let (mut low, mut high) = (0, last);
        while low < high {
            let middle = usize::midpoint(low, high);
            match self.up_to(middle, weights) >= wanted {
                true => high = middle,
                false => low = middle + 1,
            }
        }
        self.highest_ns[low] as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::new_histogram;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_percentile_is_that_of_the_merged_histogram(
            blocks in prop::collection::vec(
                (prop::collection::vec(1_u64..1 << 34, 0..20), 0_u64..4), 1..8),
            quantile in 0.001..1.0_f64,
        ) {
            let mut merged = new_histogram();
            let mut histograms = Vec::new();
            for (values, weight) in &blocks {
                let mut histogram = new_histogram();
                values.iter().for_each(|&value| histogram.record(value).unwrap());
                histograms.push(Buckets::of(&histogram));
                (0..*weight).for_each(|_| merged.add(&histogram).unwrap());
            }
            let weights: Vec<_> = blocks.iter().map(|block| block.1 as f64).collect();
            let cumulative = Cumulative::of(&histograms.iter().collect::<Vec<_>>());
            let found = cumulative.quantile(&weights, quantile);
            match merged.is_empty() {
                true => prop_assert!(found.is_nan()),
                false => prop_assert_eq!(found, merged.value_at_quantile(quantile) as f64),
            }
        }
    }

    #[test]
    fn stretches_grow_as_the_cube_root() {
        for (blocks, expect) in [(0, 1), (1, 1), (3, 1), (4, 2), (10, 2), (15, 2), (16, 3), (60, 4)]
        {
            assert_eq!(stretch(blocks), expect, "{blocks}");
        }
    }

    #[test]
    fn every_drawn_run_is_as_long_as_the_run() {
        for blocks in [1, 2, 10, 60] {
            let draws = Draws::of(blocks, 3);
            let lengths = draws.map(|weights| weights.iter().sum());
            assert_eq!(lengths, vec![blocks as f64; RESAMPLES], "{blocks}");
            // On average every block is drawn once, also those at the ends.
            for place in 0..blocks {
                let mean = draws.map(|weights| weights[place]).iter().sum::<f64>() / 1_000.0;
                assert!((mean - 1.0).abs() < 0.25, "block {place} of {blocks}: {mean}");
            }
        }
        assert_eq!(Draws::of(0, 3).map(|_| 1.0), Vec::<f64>::new());
        let of = |number| Draws::of(60, number).weights;
        assert_eq!(of(1), of(1), "the same every time");
        assert_ne!(of(1), of(2), "and another for another run");
    }

    #[test]
    fn a_ratio_of_nothing_is_none() {
        for (weights, parts, expect) in [
            (vec![], vec![], None),
            (vec![1.0, 1.0], vec![(1.0, 0.0), (2.0, 0.0)], None),
            (vec![0.0, 1.0], vec![(1.0, 1.0), (0.0, 0.0)], None),
            (vec![2.0, 1.0], vec![(1.0, 1.0), (4.0, 2.0)], Some(1.5)),
        ] {
            let found = Some(ratio(&weights, &parts)).filter(|ratio| !ratio.is_nan());
            assert_eq!(found, expect, "{weights:?} {parts:?}");
        }
    }
}
