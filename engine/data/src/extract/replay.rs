//! When requests of a sample are sent again: as far apart as they were, times a speed.
//!
//! Many logs tell time in whole seconds. Requests of one second are spread over it evenly, in the order
//! of the log: else each second would begin with a burst that never was.
//! Where the log has the time at which a request ended, what it took is taken off.
//!
//! Offsets are written with the lines. The [`Profile`] is the same as a schedule that any run can have:
//! pieces of one rate, each with as many requests as are due in it.

use super::output::Picked;
use std::collections::HashMap;
use std::fmt::Write as _;

/// Pieces of a profile, at the most: what a plan takes.
const MAX_PIECES: u64 = 10_000;
const SECOND_US: u64 = 1_000_000;

/// What a time of the log is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeOf {
    /// When the request came.
    Start,
    /// When its response was sent.
    #[default]
    End,
}

/// How fast time goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Speed {
    millionths: u64,
}

impl Speed {
    /// As fast as it was.
    pub const ONE: Self = Self { millionths: 1_000_000 };

    /// From a thousandth to a thousand times as fast.
    #[must_use]
    pub fn new(factor: f64) -> Option<Self> {
        #[expect(clippy::cast_possible_truncation, reason = "a billion fits")]
        #[expect(clippy::cast_sign_loss, reason = "it is above 0")]
        let of = |factor: f64| Self { millionths: (factor * 1e6).round() as u64 };
        (0.001..=1000.0).contains(&factor).then(|| of(factor))
    }

    /// The factor.
    #[must_use]
    pub fn factor(self) -> f64 {
        self.millionths as f64 / 1e6
    }

    fn scaled_us(self, at_us: u64) -> u64 {
        let scaled = u128::from(at_us) * 1_000_000 / u128::from(self.millionths);
        u64::try_from(scaled).unwrap_or(u64::MAX)
    }
}

/// In which order requests are sent, and when each, in µs after the first: places in `sample`, which is
/// in the order of its log. None where one has no time.
pub(super) fn order(sample: &[Picked], time_of: TimeOf) -> Option<Vec<(usize, u64)>> {
    // By second of the log: how many there are, and how many were placed.
    let mut seconds = HashMap::<i64, (i64, i64)>::new();
    for picked in sample {
        let stamp = picked.stamp?;
        if stamp.is_whole_second {
            seconds.entry(stamp.unix_us).or_default().0 += 1;
        }
    }
    let mut starts = Vec::with_capacity(sample.len());
    for (place, picked) in sample.iter().enumerate() {
        let stamp = picked.stamp?;
        let mut at_us = stamp.unix_us;
        if let Some((count, placed)) = seconds.get_mut(&stamp.unix_us)
            && stamp.is_whole_second
        {
            at_us += *placed * 1_000_000 / *count;
            *placed += 1;
        }
        if time_of == TimeOf::End {
            at_us -= i64::try_from(picked.latency_us.unwrap_or(0)).unwrap_or(0);
        }
        starts.push((at_us, place));
    }
    starts.sort_unstable();
    let first_us = starts.first().map_or(0, |(at_us, _)| *at_us);
    Some(starts.into_iter().map(|(at_us, place)| (place, at_us.abs_diff(first_us))).collect())
}

/// A schedule for a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// `const(12,1s) const(15,1s)`.
    pub text: String,
    /// Length of a piece: within it requests are at equal distances.
    pub piece_s: u64,
    /// From the first request to the end of the last piece.
    pub duration_s: u64,
}

/// The schedule of requests that are due at these times, in order, of the log.
pub(super) fn profile(offsets_us: &[u64], speed: Speed) -> Profile {
    let last_us = speed.scaled_us(offsets_us.last().copied().unwrap_or(0));
    let seconds = last_us / SECOND_US + 1;
    // Divisors of powers of ten, so that rates have few digits.
    let mut widths = (0..).flat_map(|power| [1, 2, 5].map(|digit| digit * 10_u64.pow(power)));
    let piece_s = widths.find(|width| seconds.div_ceil(*width) <= MAX_PIECES).unwrap_or(seconds);
    let mut counts = vec![0_u64; usize::try_from(seconds.div_ceil(piece_s)).unwrap_or(0)];
    for &at_us in offsets_us {
        let piece = speed.scaled_us(at_us) / SECOND_US / piece_s;
        counts[usize::try_from(piece).unwrap_or(usize::MAX)] += 1;
    }
    let mut text = String::new();
    for piece in counts.chunk_by(|a, b| a == b) {
        let length_s = piece.len() as u64 * piece_s;
        let space = if text.is_empty() { "" } else { " " };
        write!(text, "{space}const({},{length_s}s)", per_second(piece[0], piece_s))
            .expect("a text takes all");
    }
    Profile { text, piece_s, duration_s: counts.len() as u64 * piece_s }
}

/// `count / width`, exactly: the width divides a power of ten.
fn per_second(count: u64, width: u64) -> String {
    if count.is_multiple_of(width) {
        return (count / width).to_string();
    }
    let mut scale = 1;
    let mut digits = 0;
    while scale % width != 0 {
        scale *= 10;
        digits += 1;
    }
    let scaled = count * (scale / width);
    format!("{}.{:0digits$}", scaled / scale, scaled % scale)
}

#[cfg(test)]
mod tests {
    use super::super::stamp::Stamp;
    use super::super::stratum::Stratum;
    use super::*;
    use proptest::prelude::*;

    /// Times of the log in µs, whether they are whole seconds, and latencies.
    fn offsets(log: &[(i64, bool, u64)], time_of: TimeOf) -> Vec<(usize, u64)> {
        let sample: Vec<_> = log
            .iter()
            .map(|&(unix_us, is_whole_second, latency_us)| Picked {
                stratum: Stratum { route: 0, method: 0, status: 200, latency: 0, time: 0 },
                path: b"/".as_slice().into(),
                host: None,
                user_agent: None,
                stamp: Some(Stamp { unix_us, second_of_day: 0, is_whole_second }),
                latency_us: Some(latency_us),
            })
            .collect();
        order(&sample, time_of).unwrap()
    }

    #[test]
    fn requests_are_due_when_they_were() {
        const S: i64 = 1_000_000;
        for (what, log, time_of, expected) in [
            ("nothing", vec![], TimeOf::End, vec![]),
            ("one", vec![(7 * S, false, 5)], TimeOf::End, vec![(0, 0)]),
            (
                "exact times",
                vec![(S, false, 0), (S + 5, false, 0), (3 * S, false, 0)],
                TimeOf::Start,
                vec![(0, 0), (1, 5), (2, 2_000_000)],
            ),
            (
                "whole seconds",
                vec![(S, true, 0), (S, true, 0), (2 * S, true, 0), (S, true, 0), (S, true, 0)],
                TimeOf::Start,
                vec![(0, 0), (1, 250_000), (3, 500_000), (4, 750_000), (2, 1_000_000)],
            ),
            (
                "what it took is taken off",
                vec![(S, false, 10), (S + 5, false, 900_000)],
                TimeOf::End,
                vec![(1, 0), (0, 899_985)],
            ),
            (
                "or is not",
                vec![(S, false, 10), (S + 5, false, 900_000)],
                TimeOf::Start,
                vec![(0, 0), (1, 5)],
            ),
            (
                "before 1970",
                vec![(-2 * S, false, 0), (-3 * S, false, 0)],
                TimeOf::Start,
                vec![(1, 0), (0, 1_000_000)],
            ),
        ] {
            assert_eq!(offsets(&log, time_of), expected, "{what}");
        }
    }

    #[test]
    fn profiles_are_what_the_table_says() {
        const S: u64 = 1_000_000;
        for (what, offsets_us, speed, expected) in [
            ("nothing", vec![], 1.0, "const(0,1s)"),
            ("one", vec![0], 1.0, "const(1,1s)"),
            ("a second and the next", vec![0, S - 1, S], 1.0, "const(2,1s) const(1,1s)"),
            ("a pause", vec![0, 3 * S], 1.0, "const(1,1s) const(0,2s) const(1,1s)"),
            ("equal pieces", vec![0, S, 2 * S], 1.0, "const(1,3s)"),
            ("twice as fast", vec![0, S, 2 * S, 3 * S], 2.0, "const(2,2s)"),
            ("half as fast", vec![0, S], 0.5, "const(1,1s) const(0,1s) const(1,1s)"),
            ("hours", vec![0, 19_999 * S], 1.0, "const(0.5,2s) const(0,19996s) const(0.5,2s)"),
            ("a day", vec![0, 5, 86_399 * S], 1.0, "const(0.2,10s) const(0,86380s) const(0.1,10s)"),
        ] {
            let found = profile(&offsets_us, Speed::new(speed).unwrap());
            assert_eq!(found.text, expected, "{what}");
        }
    }

    #[test]
    fn speeds_have_limits() {
        for (factor, expected) in [
            (1.0, Some(Speed::ONE)),
            (0.001, Some(Speed { millionths: 1000 })),
            (1000.0, Some(Speed { millionths: 1_000_000_000 })),
            (0.0, None),
            (-1.0, None),
            (1000.1, None),
            (f64::NAN, None),
            (f64::INFINITY, None),
        ] {
            assert_eq!(Speed::new(factor), expected, "{factor}");
        }
    }

    proptest! {
        #[test]
        fn a_plan_with_the_profile_has_as_many_requests_in_each_piece(
            offsets in proptest::collection::vec(0_u64..100_000_000_000, 0..300),
            speed in 0.01_f64..100.0,
        ) {
            let mut offsets_us = offsets;
            offsets_us.sort_unstable();
            let speed = Speed::new(speed).unwrap();
            let found = profile(&offsets_us, speed);
            let mut plan = acp_wire::Plan { schema: acp_wire::PLAN_SCHEMA.into(), ..Default::default() };
            plan.target.url = "http://h/".into();
            plan.load.model = acp_wire::plan::Model::Open;
            plan.load.profile = Some(found.text.clone());
            let plan = acp_plan::compile(&plan).unwrap();
            let acp_plan::Schedule::Open { pace, total, .. } = &plan.schedule else { unreachable!() };
            prop_assert_eq!(*total, offsets_us.len() as u64);
            prop_assert_eq!(pace.duration_ns(), found.duration_s * 1_000_000_000);
            for piece in [1, 2, 3, 7, found.duration_s / found.piece_s] {
                let end_s = piece * found.piece_s;
                let due = offsets_us.iter().filter(|at| speed.scaled_us(**at) < end_s * SECOND_US).count();
                prop_assert_eq!(pace.slots_before(end_s * 1_000_000_000), due as u64);
            }
        }
    }
}
