//! Randomness: how far the gaps between arrivals are from those of a Poisson process.
//!
//! Gaps of such a process are exponential. The distance is that of Kolmogorov and Smirnov: the largest
//! difference between the share of gaps that are at most so long, and the share that should be. Equal
//! gaps are at 0.63 from exponential ones.

use std::fmt;

use acp_wire::units::Rate;
use serde::Serialize;

/// Distance × √n that one sample in a thousand of a true process is above (Kolmogorov).
const KOLMOGOROV: f64 = 1.949;
/// What the way from schedule to record may add: an arrival that is moved by some µs moves a share of
/// gaps of 200 µs across any length that is looked at.
const NOISE: f64 = 0.03;

/// What was found out about a file of arrivals that were meant to be random.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Randomness {
    /// Number of arrivals.
    pub arrivals: u64,
    /// The rate that was promised, per second.
    pub planned_per_s: f64,
    /// The rate from first to last arrival, per second.
    pub mean_per_s: f64,
    /// Between the gaps and exponential ones of the promised rate, from 0 to 1.
    pub distance: f64,
    /// A Poisson process stays below this, the noise of the record included.
    pub limit: f64,
    /// Whether it did.
    pub is_poisson: bool,
}

/// Judges arrivals (sorted, ns) against a Poisson process of a rate. Nothing if there are fewer than
/// two, or the rate is zero.
#[must_use]
pub fn judge_randomness(arrivals_ns: &[u64], rate: Rate) -> Option<Randomness> {
    let (&first, &last) = (arrivals_ns.first()?, arrivals_ns.last()?);
    if arrivals_ns.len() < 2 || rate.numerator == 0 {
        return None;
    }
    let mut gaps: Vec<u64> = arrivals_ns.windows(2).map(|pair| pair[1] - pair[0]).collect();
    gaps.sort_unstable();
    let count = gaps.len() as f64;
    let distance = distance(&gaps, rate.per_second());
    let limit = KOLMOGOROV / count.sqrt() + NOISE;
    Some(Randomness {
        arrivals: arrivals_ns.len() as u64,
        planned_per_s: rate.per_second(),
        mean_per_s: count * 1e9 / (last - first).max(1) as f64,
        distance,
        limit,
        is_poisson: distance < limit,
    })
}

fn distance(sorted_gaps_ns: &[u64], per_s: f64) -> f64 {
    let count = sorted_gaps_ns.len() as f64;
    let distances = sorted_gaps_ns.iter().enumerate().map(|(index, &gap_ns)| {
        let expected = -(-(gap_ns as f64) / 1e9 * per_s).exp_m1();
        let (below, up_to) = (index as f64 / count, (index as f64 + 1.0) / count);
        (expected - below).max(up_to - expected)
    });
    distances.fold(0.0, f64::max)
}

impl fmt::Display for Randomness {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Randomness { mean_per_s, planned_per_s, distance, limit, .. } = self;
        writeln!(formatter, "arrivals       {}", self.arrivals)?;
        writeln!(formatter, "rate           {mean_per_s:.3}/s, planned {planned_per_s:.3}/s")?;
        writeln!(
            formatter,
            "distance       {distance:.4} from exponential gaps, limit {limit:.4}"
        )?;
        let verdict = if self.is_poisson { "poisson" } else { "not poisson" };
        write!(formatter, "verdict        {verdict}")
    }
}

#[cfg(test)]
mod tests {
    use acp_wire::units::parse_rate;

    use super::*;

    const COUNT: u64 = 10_000;

    fn judge_at(rate: &str, arrivals: &[u64]) -> Randomness {
        judge_randomness(arrivals, parse_rate(rate).expect("rate")).expect("judgement")
    }

    /// One arrival after each gap, whose lengths are in µs.
    fn arrivals(gap_us: impl Fn(u64) -> f64) -> Vec<u64> {
        let mut at_us = 0.0;
        let at = |number| {
            at_us += gap_us(number);
            #[expect(clippy::cast_possible_truncation, reason = "a time in ns")]
            #[expect(clippy::cast_sign_loss, reason = "gaps are not negative")]
            let at_ns = (at_us * 1e3) as u64;
            at_ns
        };
        (0..COUNT).map(at).collect()
    }

    /// From 0 to 1, evenly spread and not in order.
    fn share(number: u64) -> f64 {
        ((number * 6_180_339) % COUNT) as f64 / COUNT as f64 + 0.5 / COUNT as f64
    }

    fn exponential(number: u64) -> f64 {
        -200.0 * (1.0 - share(number)).ln()
    }

    #[test]
    fn arrivals_are_judged_as_the_table_says() {
        let even = 1.0 - (-1.0_f64).exp();
        for (what, rate, found, distance, is_poisson) in [
            ("exponential gaps", "5k", arrivals(exponential), 0.0, true),
            ("equal gaps", "5k", arrivals(|_| 200.0), even, false),
            ("all at once", "5k", arrivals(|_| 0.0), 1.0, false),
            (
                "gaps from nothing to twice the mean",
                "5k",
                arrivals(|n| 400.0 * share(n)),
                0.1534,
                false,
            ),
            ("a tenth too fast", "4500", arrivals(exponential), 0.039, true),
            ("twice as fast", "2500", arrivals(exponential), 0.25, false),
            ("off by 5 µs", "5k", arrivals(|n| exponential(n) + 5.0), 0.024, true),
            ("every tenth held up and made up for", "5k", arrivals(bunched), 0.1, false),
        ] {
            let judgement = judge_at(rate, &found);
            let off = (judgement.distance - distance).abs();
            assert!(off < 0.002, "{what}: {judgement}");
            assert_eq!(judgement.is_poisson, is_poisson, "{what}: {judgement}");
        }
    }

    fn bunched(number: u64) -> f64 {
        if number.is_multiple_of(10) { 0.0 } else { exponential(number) }
    }

    #[test]
    fn too_little_to_judge_is_not_judged() {
        let rate = parse_rate("1").expect("rate");
        assert_eq!(judge_randomness(&[], rate), None);
        assert_eq!(judge_randomness(&[1], rate), None);
        assert_eq!(judge_randomness(&[1, 2], parse_rate("0").expect("rate")), None);
        assert!(judge_randomness(&[1, 1], rate).is_some());
    }

    #[test]
    fn a_judgement_reads_well() {
        let even: Vec<u64> = (0..101).map(|i| 500_000_000 * i).collect();
        assert_eq!(
            judge_at("120/m", &even).to_string(),
            "arrivals       101\n\
             rate           2.000/s, planned 2.000/s\n\
             distance       0.6321 from exponential gaps, limit 0.2249\n\
             verdict        not poisson"
        );
    }
}
