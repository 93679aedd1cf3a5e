//! Median and its uncertainty: samples in, a bootstrap percentile interval out.

/// Resamples drawn for an interval.
pub(crate) const RESAMPLES: usize = 10_000;

/// Share of the resampled medians that lies inside an interval.
pub(crate) const CONFIDENCE: f64 = 0.95;

/// A median with the range its bootstrap replicates cover.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Interval {
    pub(crate) median: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

/// The middle of the samples, or the mean of the two in the middle; none of nothing.
pub(crate) fn median(samples: &[f64]) -> Option<f64> {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    middle(&sorted)
}

/// Percentile bootstrap of the median (Efron 1979): resample with replacement, take the median of
/// each resample, cut the tails. The same seed gives the same interval.
pub(crate) fn bootstrap(samples: &[f64], resamples: usize, seed: u64) -> Option<Interval> {
    let median = median(samples)?;
    let mut random = XorShift::new(seed);
    let mut drawn = vec![0.0; samples.len()];
    let mut medians = Vec::with_capacity(resamples);
    for _ in 0..resamples {
        for slot in &mut drawn {
            *slot = samples[random.below(samples.len())];
        }
        drawn.sort_by(f64::total_cmp);
        medians.extend(middle(&drawn));
    }
    medians.sort_by(f64::total_cmp);
    let tail = (1.0 - CONFIDENCE) / 2.0;
    let low = percentile(&medians, tail)?;
    let high = percentile(&medians, 1.0 - tail)?;
    Some(Interval { median, low, high })
}

fn middle(sorted: &[f64]) -> Option<f64> {
    let half = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        count if count % 2 == 1 => Some(sorted[half]),
        _ => Some(f64::midpoint(sorted[half - 1], sorted[half])),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "`share` is in 0..=1, so the rank is an index of the slice"
)]
fn percentile(sorted: &[f64], share: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    sorted.get((share * last as f64).round() as usize).copied()
}

/// xorshift64* (Vigna 2016): small, fast and replayable; nothing here is secret.
#[derive(Debug)]
pub(crate) struct XorShift {
    state: u64,
}

impl XorShift {
    pub(crate) fn new(seed: u64) -> Self {
        // Zero is the one state the generator never leaves.
        Self { state: seed ^ 0x9E37_79B9_7F4A_7C15 | 1 }
    }

    fn next(&mut self) -> u64 {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        self.state.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// An index below `count`, which is more than zero. The bias of the multiplication is below
    /// `count / 2^64`.
    #[expect(clippy::cast_possible_truncation, reason = "the product's high half is below `count`")]
    fn below(&mut self, count: usize) -> usize {
        ((u128::from(self.next()) * count as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        let rows: &[(&str, &[f64], Option<f64>)] = &[
            ("nothing", &[], None),
            ("one", &[3.0], Some(3.0)),
            ("two", &[1.0, 2.0], Some(1.5)),
            ("odd, unsorted", &[9.0, 1.0, 5.0], Some(5.0)),
            ("even, unsorted", &[4.0, 1.0, 3.0, 2.0], Some(2.5)),
            ("an outlier moves nothing", &[1.0, 1.0, 1.0, 1e9], Some(1.0)),
        ];
        for (name, samples, expected) in rows {
            assert_eq!(median(samples), *expected, "{name}");
        }
    }

    #[test]
    fn the_bootstrap_of_known_cases() {
        assert_eq!(bootstrap(&[], 100, 1), None, "nothing");
        let one = bootstrap(&[2.0], 100, 1).expect("one sample");
        assert_eq!((one.low, one.median, one.high), (2.0, 2.0, 2.0), "one sample has no spread");
        let five = bootstrap(&[1.0, 2.0, 3.0, 4.0, 5.0], RESAMPLES, 1).expect("five samples");
        // The median of five draws is the least sample with probability 0.058, more than a tail.
        assert_eq!((five.low, five.median, five.high), (1.0, 3.0, 5.0));
    }

    #[test]
    fn a_seed_is_replayable() {
        let samples: Vec<f64> = (0..20).map(|value| f64::from(value * value % 17)).collect();
        assert_eq!(bootstrap(&samples, 500, 7), bootstrap(&samples, 500, 7));
    }

    #[test]
    fn the_interval_covers_the_true_median() {
        let mut random = XorShift::new(42);
        let trials = 400;
        let mut covered = 0;
        for trial in 0..trials {
            let samples: Vec<f64> = (0..25).map(|_| random.below(1_000_001) as f64 / 1e6).collect();
            let interval = bootstrap(&samples, 400, trial).expect("25 samples");
            covered += u64::from(interval.low <= 0.5 && 0.5 <= interval.high);
        }
        let share = covered as f64 / trials as f64;
        assert!((0.90..=0.99).contains(&share), "covered {share} with seed 42");
    }

    #[test]
    fn indices_are_even_and_in_range() {
        let mut random = XorShift::new(0);
        let mut seen = [0_u32; 5];
        for _ in 0..50_000 {
            seen[random.below(5)] += 1;
        }
        assert!(seen.iter().all(|count| (9_500..10_500).contains(count)), "{seen:?}");
    }
}
