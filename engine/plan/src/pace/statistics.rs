//! Whether Poisson arrivals are ones: tests of their distribution, with fixed seeds, and what such
//! tests say about arrivals that are none.

use super::tests::{SECOND, pace};
use super::{Change, Pace, Spacing};
use acp_wire::units::parse_rate;

/// Distance × √n that one sample in a thousand is above (Kolmogorov; large n).
const KOLMOGOROV: f64 = 1.949;
const SEEDS: [u64; 6] = [0, 1, 2, 42, 0xdead_beef, u64::MAX];

/// The largest distance between a sample and a distribution (Kolmogorov and Smirnov), × √n.
fn distance(mut sample: Vec<f64>, cumulative: impl Fn(f64) -> f64) -> f64 {
    sample.sort_unstable_by(f64::total_cmp);
    let n = sample.len() as f64;
    let distances = sample.iter().enumerate().map(|(index, &value)| {
        let expected = cumulative(value);
        (expected - index as f64 / n).max((index + 1) as f64 / n - expected)
    });
    distances.fold(0.0, f64::max) * n.sqrt()
}

/// Of times in order, in units of their mean gap, to those of a Poisson process.
pub(crate) fn distance_of_gaps(times: &[f64]) -> f64 {
    let gaps = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    distance(gaps, |gap| 1.0 - (-gap).exp())
}

pub(crate) fn assert_poisson(times: &[f64], what: &str) {
    let found = distance_of_gaps(times);
    assert!(found < KOLMOGOROV, "{what}: {found:.2} of {} gaps", times.len() - 1);
}

fn spaced(stretches: &[(&str, &str, u64)], seed: u64) -> Pace {
    pace(stretches).spaced(Spacing::Poisson { seed }).unwrap()
}

/// Due times in seconds.
fn due_s(pace: &Pace) -> Vec<f64> {
    let mut cursor = super::Cursor::default();
    (0..pace.total()).map(|slot| pace.due_ns_by(slot, &mut cursor) as f64 / 1e9).collect()
}

fn scaled(times: &[f64], rate_per_s: f64) -> Vec<f64> {
    times.iter().map(|time| time * rate_per_s).collect()
}

#[test]
fn gaps_of_a_constant_rate_are_exponential() {
    for seed in SEEDS {
        for (rate, per_s, seconds) in
            [("5k", 5000.0, 4), ("100k", 100_000.0, 3), ("30/m", 0.5, 3600), ("1", 1.0, 200_000)]
        {
            let pace = spaced(&[(rate, rate, seconds * SECOND)], seed);
            assert_poisson(&scaled(&due_s(&pace), per_s), &format!("{rate} of seed {seed}"));
        }
    }
}

#[test]
fn gaps_of_a_profile_are_exponential_when_the_rate_is_taken_out() {
    let stretches =
        [("0", "2k", 10 * SECOND), ("300", "300", 20 * SECOND), ("2k", "10", 10 * SECOND)];
    let expected = pace(&stretches);
    for seed in SEEDS {
        let mut found = due_s(&spaced(&stretches, seed));
        // Seconds become the number of slots that the rate gives by then.
        let area = |time: f64| {
            let corners = expected.corners();
            let parts = corners.windows(2).map(|pair| {
                let ((from_ns, from), (to_ns, to)) = (pair[0], pair[1]);
                let (from_s, to_s) = (from_ns as f64 / 1e9, to_ns as f64 / 1e9);
                let gone_s = (time - from_s).clamp(0.0, to_s - from_s);
                let slope = if to_s > from_s { (to - from) / (to_s - from_s) } else { 0.0 };
                gone_s * (from + slope * gone_s / 2.0)
            });
            parts.sum::<f64>()
        };
        found.iter_mut().for_each(|time| *time = area(*time));
        assert_poisson(&found, &format!("seed {seed}"));
    }
}

#[test]
fn gaps_after_a_change_are_exponential() {
    for seed in SEEDS {
        let change = Change::Rate(parse_rate("4k").unwrap());
        let pace = spaced(&[("500", "500", 20 * SECOND)], seed);
        let changed = pace.with_change(10 * SECOND, change).unwrap();
        let due = due_s(&changed);
        let (before, after) = due.split_at(due.partition_point(|&time| time < 10.0));
        assert_poisson(&scaled(before, 500.0), &format!("before, seed {seed}"));
        assert_poisson(&scaled(after, 4000.0), &format!("after, seed {seed}"));
    }
}

#[test]
fn what_is_no_poisson_process_is_found() {
    let uniform = due_s(&pace(&[("5k", "5k", 4 * SECOND)]));
    let poisson = due_s(&spaced(&[("5k", "5k", 4 * SECOND)], 1));
    let jittered: Vec<_> =
        uniform.iter().zip(&poisson).map(|(even, odd)| even + odd.fract() * 1e-4).collect();
    let thinned: Vec<_> = poisson.iter().copied().step_by(2).collect();
    for (what, times, per_s) in [
        ("equal gaps", &uniform, 5000.0),
        ("equal gaps with a jitter of half a gap", &jittered, 5000.0),
        ("every second one of a process", &thinned, 2500.0),
        ("a rate that is 10 % too high", &poisson, 4500.0),
    ] {
        let mut times = scaled(times, per_s);
        times.sort_unstable_by(f64::total_cmp);
        let found = distance_of_gaps(&times);
        assert!(found > 2.0 * KOLMOGOROV, "{what}: {found:.2}");
    }
}

#[test]
fn counts_vary_as_those_of_a_process_within_a_block() {
    const BLOCKS: usize = 40;
    for seed in SEEDS {
        let mut times = due_s(&spaced(&[("1", "1", 65_536 * BLOCKS as u64 * SECOND)], seed));
        for window in [1.0, 16.0, 100.0, 1024.0, 8192.0] {
            let windows = 65_536.0 * BLOCKS as f64 / window;
            let index = dispersion(&mut times, window, windows);
            let expected = 1.0 - window / 65_536.0;
            // An index of m windows has a standard deviation of about √(2/m).
            let most = 4.0 * (2.0 / windows).sqrt();
            let off = (index - expected).abs();
            assert!(
                off < most,
                "windows of {window}, seed {seed}: {index}, off by {off} of {most}"
            );
        }
    }
}

/// Variance over mean of the counts in windows.
fn dispersion(times: &mut [f64], window: f64, windows: f64) -> f64 {
    let (mut squares, mut rest) = (0.0, &*times);
    let mut end = window;
    while end <= window * windows + 0.5 {
        let count = rest.iter().take_while(|&&time| time < end).count();
        squares += (count as f64 - window) * (count as f64 - window);
        rest = &rest[count..];
        end += window;
    }
    squares / windows / window
}

#[test]
fn a_gap_says_nothing_about_the_next_ones() {
    for seed in SEEDS {
        let times = due_s(&spaced(&[("1", "1", 300_000 * SECOND)], seed));
        let gaps: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0] - 1.0).collect();
        for lag in [1, 2, 3, 64, 256] {
            let pairs = gaps.iter().zip(&gaps[lag..]);
            let correlation = pairs.map(|(a, b)| a * b).sum::<f64>() / gaps.len() as f64;
            let most = 4.0 / (gaps.len() as f64).sqrt();
            assert!(correlation.abs() < most, "lag {lag}, seed {seed}: {correlation}");
        }
    }
}

#[test]
fn places_within_units_and_blocks_are_uniform() {
    for seed in SEEDS {
        let times = due_s(&spaced(&[("1", "1", 3 * 65_536 * SECOND)], seed));
        for width in [1.0, 256.0, 65_536.0] {
            let places = times.iter().map(|time| (time / width).fract()).collect();
            let found = distance(places, |place| place);
            assert!(found < KOLMOGOROV, "of {width}, seed {seed}: {found:.2}");
        }
    }
}

/// Shows what a due time costs: `cargo nextest run -p acp-plan --no-capture cost`.
#[test]
fn the_cost_of_due_times_is_shown() {
    const SLOTS: u64 = 200_000;
    let uniform = pace(&[("10k", "10k", 3600 * SECOND)]);
    let poisson = uniform.spaced(Spacing::Poisson { seed: 1 }).unwrap();
    for stride in [1, 2, 8, 64, 1000, 100_000] {
        for (what, pace) in [("uniform", &uniform), ("poisson", &poisson)] {
            let slots = SLOTS / if stride > 64 { 20 } else { 1 };
            let mut cursor = super::Cursor::default();
            let begin = std::time::Instant::now();
            let sum = (0..slots).map(|index| pace.due_ns_by(index * stride, &mut cursor) % 2);
            let odd: u64 = sum.sum();
            let each_ns = begin.elapsed().as_nanos() as f64 / slots as f64;
            println!("{what}, every {stride}th slot: {each_ns:.1} ns a slot ({odd} odd)");
        }
    }
}
