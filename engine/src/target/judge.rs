//! Judge: how far arrivals are from the schedule that was promised.
//!
//! The schedule is `a + i · gap` with `gap` exactly one over the rate. Only `a` is fitted, as the
//! median of what is left, so that a few late arrivals do not move the line that the others are
//! measured against.

use std::fmt;

use acp_wire::units::Rate;
use serde::Serialize;

/// How many of the largest gaps are listed.
const LISTED_GAPS: usize = 5;

/// What was found out about a file of arrivals.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judgement {
    /// Number of arrivals.
    pub arrivals: u64,
    /// The rate that was promised, per second.
    pub planned_per_s: f64,
    /// The rate from first to last arrival, per second.
    pub mean_per_s: f64,
    /// Distance from the schedule, early or late.
    pub deviation_us: Percentiles,
    /// Gaps of more than twice the planned one.
    pub long_gaps: u64,
    /// The longest gaps, longest first.
    pub longest_gaps: Vec<Gap>,
}

/// A distribution, in µs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Percentiles {
    /// Half are at most this.
    pub p50: f64,
    /// 90 %.
    pub p90: f64,
    /// 99 %.
    pub p99: f64,
    /// All.
    pub max: f64,
}

/// The time between two arrivals.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Gap {
    /// Number of the later arrival, from 0.
    pub arrival: u64,
    /// Length in µs.
    pub us: f64,
}

/// Judges arrivals (sorted, ns) against a rate. Nothing if there are fewer than two, or the rate is
/// zero.
#[must_use]
pub fn judge(arrivals_ns: &[u64], rate: Rate) -> Option<Judgement> {
    let (&first, &last) = (arrivals_ns.first()?, arrivals_ns.last()?);
    if arrivals_ns.len() < 2 || rate.numerator == 0 {
        return None;
    }
    let mut residuals = residuals(arrivals_ns, first, rate);
    residuals.sort_unstable();
    let middle = residuals[residuals.len() / 2];
    let mut deviations: Vec<u64> = residuals.iter().map(|left| left.abs_diff(middle)).collect();
    deviations.sort_unstable();
    let gaps = gaps(arrivals_ns);
    let intervals = arrivals_ns.len() as f64 - 1.0;
    Some(Judgement {
        arrivals: arrivals_ns.len() as u64,
        planned_per_s: rate.per_second(),
        mean_per_s: intervals * 1e9 / (last - first).max(1) as f64,
        deviation_us: percentiles(&deviations),
        long_gaps: gaps.iter().take_while(|gap| is_long(gap.1, rate)).count() as u64,
        longest_gaps: gaps
            .iter()
            .take(LISTED_GAPS)
            .map(|&(arrival, ns)| Gap { arrival, us: us(ns) })
            .collect(),
    })
}

/// What is left of each arrival when its place in the schedule is taken away.
fn residuals(arrivals_ns: &[u64], first: u64, rate: Rate) -> Vec<i64> {
    let (numerator, denominator) = (u128::from(rate.numerator), u128::from(rate.denominator));
    let planned = |index: usize| {
        let planned = index as u128 * 1_000_000_000 * denominator / numerator;
        i64::try_from(planned).unwrap_or(i64::MAX)
    };
    let since_first = |arrival: u64| i64::try_from(arrival - first).unwrap_or(i64::MAX);
    arrivals_ns
        .iter()
        .enumerate()
        .map(|(index, &arrival)| since_first(arrival) - planned(index))
        .collect()
}

/// Number of the later arrival and length of each gap, longest first.
fn gaps(arrivals_ns: &[u64]) -> Vec<(u64, u64)> {
    let mut gaps: Vec<(u64, u64)> =
        (1..).zip(arrivals_ns.windows(2).map(|pair| pair[1] - pair[0])).collect();
    gaps.sort_by_key(|&(arrival, ns)| (std::cmp::Reverse(ns), arrival));
    gaps
}

/// More than twice the planned gap, without rounding it.
fn is_long(ns: u64, rate: Rate) -> bool {
    u128::from(ns) * u128::from(rate.numerator) > 2_000_000_000 * u128::from(rate.denominator)
}

/// Nearest rank: the smallest value that the given share does not exceed.
fn percentiles(sorted_ns: &[u64]) -> Percentiles {
    let at = |hundredths: usize| {
        let rank = (sorted_ns.len() * hundredths).div_ceil(100);
        us(sorted_ns[rank.saturating_sub(1)])
    };
    Percentiles { p50: at(50), p90: at(90), p99: at(99), max: at(100) }
}

fn us(ns: u64) -> f64 {
    ns as f64 / 1000.0
}

impl fmt::Display for Judgement {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Percentiles { p50, p90, p99, max } = self.deviation_us;
        writeln!(formatter, "arrivals       {}", self.arrivals)?;
        let (mean, planned) = (self.mean_per_s, self.planned_per_s);
        writeln!(formatter, "rate           {mean:.3}/s, planned {planned:.3}/s")?;
        writeln!(
            formatter,
            "deviation µs   p50 {p50:.1}  p90 {p90:.1}  p99 {p99:.1}  max {max:.1}"
        )?;
        write!(formatter, "gaps           {} longer than twice the planned", self.long_gaps)?;
        for gap in &self.longest_gaps {
            write!(formatter, "\n               {:.1} µs before arrival {}", gap.us, gap.arrival)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use acp_wire::units::parse_rate;

    use super::*;

    fn judge_at(rate: &str, arrivals: &[u64]) -> Judgement {
        judge(arrivals, parse_rate(rate).expect("rate")).expect("judgement")
    }

    #[test]
    fn arrivals_on_the_schedule_deviate_by_nothing() {
        // A gap that is no whole number of ns: the fit must not drift.
        let arrivals: Vec<u64> = (0..3_000_u64).map(|i| 77 + i * 1_000_000_000 / 3).collect();
        let judgement = judge_at("3", &arrivals);
        assert_eq!(judgement.arrivals, 3_000);
        assert_eq!(judgement.deviation_us.max, 0.0);
        assert_eq!(judgement.long_gaps, 0);
        assert!((judgement.mean_per_s - 3.0).abs() < 1e-6);
    }

    #[test]
    fn known_deviations_are_found() {
        // 1,000/s; of a hundred, ten are 5 µs late and one 2.5 ms.
        let mut arrivals: Vec<u64> = (0..100).map(|i| 1_000_000 * i).collect();
        for arrival in &mut arrivals[20..30] {
            *arrival += 5_000;
        }
        arrivals[50] += 2_500_000;
        arrivals.sort_unstable();
        let judgement = judge_at("1k", &arrivals);
        // Sorted, the late one takes the place of the two that overtook it, and they of their
        // neighbours.
        let Percentiles { p50, p90, p99, max } = judgement.deviation_us;
        assert_eq!((p50, p90, p99, max), (0.0, 5.0, 1000.0, 1000.0));
        assert_eq!(judgement.long_gaps, 0);
        assert_eq!(judgement.longest_gaps[0], Gap { arrival: 50, us: 2000.0 });
    }

    #[test]
    fn a_pause_is_a_long_gap_and_does_not_move_the_line() {
        let mut arrivals: Vec<u64> = (0..1000).map(|i| 1_000_000 * i).collect();
        for arrival in &mut arrivals[900..] {
            *arrival += 3_000_000;
        }
        let judgement = judge_at("1k", &arrivals);
        assert_eq!(judgement.deviation_us.p50, 0.0);
        assert_eq!(judgement.deviation_us.max, 3000.0);
        assert_eq!(judgement.long_gaps, 1);
        assert_eq!(judgement.longest_gaps[0], Gap { arrival: 900, us: 4000.0 });
    }

    #[test]
    fn too_little_to_judge_is_not_judged() {
        let rate = parse_rate("1").expect("rate");
        assert_eq!(judge(&[], rate), None);
        assert_eq!(judge(&[1], rate), None);
        assert_eq!(judge(&[1, 2], parse_rate("0").expect("rate")), None);
        assert!(judge(&[1, 1], rate).is_some());
    }

    #[test]
    fn a_judgement_reads_well() {
        let arrivals: Vec<u64> = (0..10).map(|i| 500_000_000 * i).collect();
        assert_eq!(
            judge_at("120/m", &arrivals[..3]).to_string(),
            "arrivals       3\n\
             rate           2.000/s, planned 2.000/s\n\
             deviation µs   p50 0.0  p90 0.0  p99 0.0  max 0.0\n\
             gaps           0 longer than twice the planned\n               \
             500000.0 µs before arrival 1\n               500000.0 µs before arrival 2"
        );
    }
}
