//! From the runs of a case to the outcome of its bars: one value a pair, their median, a verdict.

use crate::bars::{Bar, OTHERS_RATIO_MAX, Quantity, Value};
use crate::outcome::{BarOutcome, Lane, LaneState, Run};
use crate::statistics::{self, RESAMPLES};
use crate::verdict::Verdict;

/// Judges one bar by the lanes of its case, in which others used some share of the CPU time.
pub(crate) fn judge(bar: &Bar, lanes: &[Lane], others_ratio: Option<f64>, seed: u64) -> BarOutcome {
    let samples = samples(bar.value, lanes);
    let interval = statistics::bootstrap(&samples, RESAMPLES, seed);
    let (verdict, reason) = match (obstacle(bar, lanes, samples.len()), &interval) {
        (Some((verdict, reason)), _) => (verdict, Some(reason)),
        (None, Some(interval)) => excuse(bar, bar.limit.judge(interval), others_ratio),
        (None, None) => (Verdict::NoDecision, Some("nothing was measured".to_string())),
    };
    BarOutcome {
        what: bar.value.text(),
        limit: bar.limit,
        median: interval.map(|interval| interval.median),
        low: interval.map(|interval| interval.low),
        high: interval.map(|interval| interval.high),
        samples,
        verdict,
        reason,
    }
}

/// What forbids to go by the numbers. A run of acp that failed is a failure, whatever the other
/// runs say; anything else that is missing leaves the question open.
fn obstacle(bar: &Bar, lanes: &[Lane], samples: usize) -> Option<(Verdict, String)> {
    for name in lane_names(bar.value) {
        let Some(lane) = lanes.iter().find(|lane| lane.name == name) else {
            return Some((Verdict::NoDecision, format!("{name} was not asked for")));
        };
        match (lane.state, lane.failures.first()) {
            (LaneState::Absent, _) => {
                return Some((Verdict::NoDecision, format!("{name} is absent")));
            }
            (LaneState::Unsupported, _) => {
                return Some((Verdict::NoDecision, format!("{name} cannot do this")));
            }
            (LaneState::Measured, Some(failure)) if name.starts_with("acp") => {
                return Some((Verdict::Fail, format!("{name}: {}", failure.reason)));
            }
            (LaneState::Measured, _) => {}
        }
    }
    let too_few = samples < bar.samples_min;
    too_few.then(|| {
        let reason = format!("{samples} of the {} pairs it takes", bar.samples_min);
        (Verdict::NoDecision, reason)
    })
}

/// A failed deviation is an open question if the machine was not ours alone.
fn excuse(bar: &Bar, verdict: Verdict, others_ratio: Option<f64>) -> (Verdict, Option<String>) {
    match (verdict, bar.value, others_ratio) {
        (Verdict::Fail, Value::Deviation(_), Some(ratio)) if ratio > OTHERS_RATIO_MAX => {
            let reason = format!("others used {:.0} % of the CPU time", ratio * 100.0);
            (Verdict::NoDecision, Some(reason))
        }
        _ => (verdict, None),
    }
}

fn lane_names(value: Value) -> Vec<&'static str> {
    match value {
        Value::Ratio { peer, .. } => vec!["acp", peer],
        Value::Deviation(_) => vec!["acp"],
        Value::MemoryGrowth { from, to, .. } => vec![from, to],
        Value::LaneRatio { of, to, .. } => vec![of, to],
        Value::PeakMemory { lane } => vec![lane],
    }
}

/// One value of each pair in which both sides were measured.
fn samples(value: Value, lanes: &[Lane]) -> Vec<f64> {
    let lane = |name: &str| lanes.iter().find(|lane| lane.name == name);
    let pairs = |name: &str| lane(name).map(|lane| lane.runs.as_slice()).unwrap_or_default();
    match value {
        Value::Deviation(quantity) => {
            pairs("acp").iter().filter_map(|run| run.get(quantity)).collect()
        }
        Value::Ratio { quantity, peer } => ratios(quantity, "acp", peer, lanes),
        Value::LaneRatio { quantity, of, to } => ratios(quantity, of, to, lanes),
        Value::PeakMemory { lane } => {
            pairs(lane).iter().map(|run| run.max_rss_bytes as f64 / 1e6).collect()
        }
        Value::MemoryGrowth { from, to, added, .. } => pairs(from)
            .iter()
            .filter_map(|small| {
                let large = lane(to)?.run_of(small.pair)?;
                Some((large.max_rss_bytes as f64 - small.max_rss_bytes as f64) / added)
            })
            .collect(),
    }
}

fn ratios(quantity: Quantity, of: &str, to: &str, lanes: &[Lane]) -> Vec<f64> {
    let lane = |name: &str| lanes.iter().find(|lane| lane.name == name);
    let runs = lane(of).map(|lane| lane.runs.as_slice()).unwrap_or_default();
    let ratio = |run: &Run| {
        let other = lane(to)?.run_of(run.pair)?.get(quantity)?;
        (other > 0.0).then_some(run.get(quantity)? / other)
    };
    runs.iter().filter_map(ratio).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bars;
    use crate::deviation::Deviation;
    use crate::outcome::Failure;
    use crate::verdict::Limit;

    fn lane(name: &str, rates: &[f64]) -> Lane {
        let run = |(pair, rate): (usize, &f64)| Run {
            pair: u32::try_from(pair).expect("few pairs"),
            connections: 64,
            requests: 1_000,
            requests_per_s: *rate,
            user_us: 1_000,
            system_us: 3_000,
            ..Run::default()
        };
        Lane {
            name: name.to_string(),
            state: LaneState::Measured,
            command: None,
            runs: rates.iter().enumerate().map(run).collect(),
            failures: Vec::new(),
        }
    }

    fn rate_bar() -> Bar {
        let value = Value::Ratio { quantity: Quantity::RequestsPerS, peer: "wrk" };
        Bar { value, limit: Limit::AtLeast(1.35), samples_min: 3 }
    }

    #[test]
    fn ratios_are_taken_pair_by_pair() {
        // The machine is half as fast in the second pair: both sides see it, the ratio does not.
        let lanes = [lane("acp", &[150.0, 75.0, 148.0]), lane("wrk", &[100.0, 50.0, 100.0])];
        let outcome = judge(&rate_bar(), &lanes, None, 1);
        assert_eq!(outcome.samples, [1.5, 1.5, 1.48]);
        assert_eq!((outcome.median, outcome.verdict), (Some(1.5), Verdict::Pass));
        assert_eq!(outcome.reason, None);
    }

    #[test]
    fn a_ratio_that_straddles_the_bar_is_not_decided() {
        let lanes = [lane("acp", &[150.0, 120.0, 140.0]), lane("wrk", &[100.0; 3])];
        let outcome = judge(&rate_bar(), &lanes, None, 1);
        assert_eq!((outcome.verdict, outcome.reason), (Verdict::NoDecision, None));
    }

    #[test]
    fn what_is_missing_is_named() {
        let acp = lane("acp", &[150.0; 3]);
        let wrk = lane("wrk", &[100.0; 3]);
        let with_state = |state| Lane { state, ..lane("wrk", &[]) };
        let failed = |lane: &Lane| Lane {
            failures: vec![Failure { pair: 1, reason: "exit code 1".to_string() }],
            ..lane.clone()
        };
        let no = Verdict::NoDecision;
        let rows = [
            ("no peer", vec![acp.clone()], no, "wrk was not asked for"),
            ("absent", vec![acp.clone(), with_state(LaneState::Absent)], no, "wrk is absent"),
            ("unable", vec![acp.clone(), with_state(LaneState::Unsupported)], no, "cannot do"),
            ("two pairs", vec![lane("acp", &[1.0; 2]), wrk.clone()], no, "2 of the 3 pairs"),
            ("nothing ran", vec![lane("acp", &[]), wrk.clone()], no, "0 of the 3 pairs"),
            ("acp failed", vec![failed(&acp), wrk.clone()], Verdict::Fail, "acp: exit code 1"),
        ];
        for (name, lanes, verdict, reason) in rows {
            let outcome = judge(&rate_bar(), &lanes, None, 1);
            assert_eq!(outcome.verdict, verdict, "{name}");
            assert!(outcome.reason.expect("a reason").contains(reason), "{name}");
        }
        let outcome = judge(&rate_bar(), &[acp, failed(&wrk)], None, 1);
        assert_eq!(outcome.verdict, Verdict::Pass, "the peer failed once, three pairs are left");
    }

    #[test]
    fn a_peer_that_measured_nothing_makes_no_ratio() {
        let lanes = [lane("acp", &[150.0; 3]), lane("wrk", &[0.0; 3])];
        assert!(judge(&rate_bar(), &lanes, None, 1).samples.is_empty());
    }

    #[test]
    fn time_per_request_is_lower_for_the_faster() {
        let lanes = [lane("acp", &[200.0; 3]), lane("wrk", &[100.0; 3])];
        let outcome = judge(&bars::CLOSED_1[0], &lanes, None, 1);
        assert_eq!((outcome.median, outcome.verdict), (Some(0.5), Verdict::Pass));
    }

    #[test]
    fn lanes_of_acp_are_compared_with_each_other() {
        let lanes = [lane("acp-url", &[100.0, 50.0, 100.0]), lane("acp-seq", &[98.0, 49.0, 97.0])];
        let outcome = judge(&bars::QUERY_FILE[0], &lanes, None, 1);
        assert_eq!(outcome.samples, [0.98, 0.98, 0.97]);
        assert_eq!(outcome.verdict, Verdict::Pass);
        let slow = [lane("acp-url", &[100.0; 3]), lane("acp-seq", &[90.0; 3])];
        assert_eq!(judge(&bars::QUERY_FILE[0], &slow, None, 1).verdict, Verdict::Fail);
        let mut large = lane("acp-seq", &[98.0; 3]);
        large.runs.iter_mut().for_each(|run| run.max_rss_bytes = 201_000_000);
        let outcome = judge(&bars::QUERY_FILE[2], &[large], None, 1);
        assert_eq!((outcome.median, outcome.verdict), (Some(201.0), Verdict::Fail));
    }

    fn deviating(p50s_us: [f64; 3]) -> Lane {
        let mut acp = lane("acp", &[1_000.0; 3]);
        for (run, p50_us) in acp.runs.iter_mut().zip(p50s_us) {
            let count = 5_000;
            let (p90_us, p99_us, max_us, gaps) = (20.0, 30.0, 40.0, 0);
            run.deviation = Some(Deviation { count, p50_us, p90_us, p99_us, max_us, gaps });
        }
        acp
    }

    #[test]
    fn deviations_need_no_peer() {
        let outcome = judge(&bars::PACED_1K[0], &[deviating([1.0, 1.5, 9.0])], None, 1);
        assert_eq!((outcome.median, outcome.verdict), (Some(1.5), Verdict::Pass));
    }

    #[test]
    fn a_deviation_fails_only_on_a_quiet_machine() {
        let (near, far) = ([1.0, 1.5, 9.0], [11.0, 12.0, 13.0]);
        let rows = [
            ("far, alone", far, Some(0.01), Verdict::Fail),
            ("far, nobody knows", far, None, Verdict::Fail),
            ("far, in company", far, Some(0.3), Verdict::NoDecision),
            ("near, in company", near, Some(0.3), Verdict::Pass),
        ];
        for (name, p50s_us, others_ratio, expected) in rows {
            let outcome = judge(&bars::PACED_1K[0], &[deviating(p50s_us)], others_ratio, 1);
            assert_eq!(outcome.verdict, expected, "{name}");
        }
    }

    #[test]
    fn memory_is_divided_by_what_was_added() {
        let sized = |name, bytes| {
            let mut lane = lane(name, &[1_000.0; 3]);
            lane.runs.iter_mut().for_each(|run| run.max_rss_bytes = bytes);
            lane
        };
        let lanes = [sized("acp-c1", 5_000_000), sized("acp-c10000", 5_000_000 + 9_999 * 512)];
        let outcome = judge(&bars::MEMORY[0], &lanes, None, 1);
        assert_eq!((outcome.median, outcome.verdict), (Some(512.0), Verdict::Pass));
        let shrunk = [sized("acp-n5M", 6_000_000), sized("acp-n20M", 5_000_000)];
        assert_eq!(
            judge(&bars::MEMORY[1], &shrunk, None, 1).verdict,
            Verdict::Pass,
            "less is not more"
        );
    }
}
