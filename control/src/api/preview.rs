//! What a plan would do: its schedule as a line to draw, its numbers, all of it in a sentence.

use crate::auth::peak_rate_per_s;
use acp_plan::{Plan, Schedule};

/// Points of a schedule, at the most.
const POINTS_MAX: usize = 1000;
/// Targets named in the sentence.
const HOSTS_NAMED: usize = 3;

/// Agents and cores that a run would get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Crew {
    pub(super) agents: u32,
    pub(super) cores: u32,
}

/// Requests that a plan has; none in a closed loop that ends by time.
pub(super) fn slots(plan: &Plan) -> Option<u64> {
    match &plan.schedule {
        Schedule::Open { total, .. } => Some(*total),
        Schedule::Closed { requests, .. } => *requests,
    }
}

/// Seconds and rate at every corner of the schedule; the warm-up at negative seconds.
///
/// At most 1,000 points: of a schedule with more corners those that show its shape.
pub(super) fn schedule(plan: &Plan) -> Vec<[f64; 2]> {
    let Schedule::Open { warmup, pace, total, .. } = &plan.schedule else { return Vec::new() };
    let seconds = |ns: u64| ns as f64 / 1e9;
    let warmup_s = seconds(plan.warmup_ns);
    let mut points: Vec<_> =
        warmup.corners().into_iter().map(|(at, rate)| [seconds(at) - warmup_s, rate]).collect();
    let mut corners = pace.corners();
    // Where a count ends the run before its profile does, nothing is sent any more.
    if *total < pace.total() {
        let end_ns = pace.due_ns(*total);
        corners.retain(|(at_ns, _)| *at_ns < end_ns);
        corners.push((end_ns, pace.rate_per_s(end_ns)));
    }
    points.extend(corners.into_iter().map(|(at, rate)| [seconds(at), rate]));
    points.dedup();
    thinned(points, POINTS_MAX)
}

/// Of each group of points the first, the last, the lowest and the highest.
fn thinned(points: Vec<[f64; 2]>, limit: usize) -> Vec<[f64; 2]> {
    if points.len() <= limit {
        return points;
    }
    let group = points.len().div_ceil((limit / 4).max(1));
    let of_group = |points: &[[f64; 2]]| {
        let by_rate = |a: &usize, b: &usize| points[*a][1].total_cmp(&points[*b][1]);
        let numbers = || 0..points.len();
        let lowest = numbers().min_by(by_rate).unwrap_or(0);
        let highest = numbers().max_by(by_rate).unwrap_or(0);
        let mut kept = vec![0, lowest, highest, points.len() - 1];
        kept.sort_unstable();
        kept.dedup();
        kept.into_iter().map(|number| points[number]).collect::<Vec<_>>()
    };
    points.chunks(group).flat_map(of_group).collect()
}

/// All of it: `40 agents, 160 cores, 50k/s for 5 m 30 s, 15.7 M requests to shop.example:80`.
pub(super) fn sentence(plan: &Plan, crew: Option<Crew>) -> String {
    let mut parts = Vec::new();
    if let Some(crew) = crew {
        parts.push(counted(crew.agents, "agent"));
        parts.push(counted(crew.cores, "core"));
    }
    let length = plan.duration_ns().map_or_else(String::new, |ns| format!(" for {}", duration(ns)));
    parts.push(match (&plan.schedule, peak_rate_per_s(plan)) {
        (Schedule::Open { pace, .. }, Some(peak)) => {
            let is_level = pace.corners().iter().all(|corner| corner.1 >= peak);
            format!("{}{}{length}", if is_level { "" } else { "up to " }, rate(peak))
        }
        _ => {
            let connections = counted(plan.connections, "connection");
            format!("{connections} as fast as responses come{length}")
        }
    });
    if plan.warmup_ns > 0 {
        parts.push(format!("after {} of warm-up", duration(plan.warmup_ns)));
    }
    if let Some(slots) = slots(plan) {
        parts.push(if slots == 1 {
            "1 request".into()
        } else {
            format!("{} requests", count(slots))
        });
    }
    let hosts: Vec<_> = plan.endpoints.iter().take(HOSTS_NAMED).map(ToString::to_string).collect();
    let more = if plan.endpoints.len() > HOSTS_NAMED { ", …" } else { "" };
    format!("{} to {}{more}", parts.join(", "), hosts.join(", "))
}

/// `1 core`, `160 cores`.
pub(super) fn counted(number: u32, what: &str) -> String {
    let number_in_words = count(number.into());
    if number == 1 { format!("1 {what}") } else { format!("{number_in_words} {what}s") }
}

/// `600`, `15,700`, `15.7 M`.
pub(super) fn count(number: u64) -> String {
    let in_short = |scale: f64, unit: &str| format!("{} {unit}", rounded(number as f64 / scale, 1));
    match number {
        1_000_000_000_000.. => in_short(1e12, "T"),
        1_000_000_000.. => in_short(1e9, "G"),
        1_000_000.. => in_short(1e6, "M"),
        10_000.. => format!("{},{:03}", number / 1000, number % 1000),
        _ => number.to_string(),
    }
}

/// `50k/s`, `0.5/s`, `5/h`.
pub(super) fn rate(per_s: f64) -> String {
    match per_s {
        _ if per_s <= 0.0 => "0/s".into(),
        1e9.. => format!("{}G/s", rounded(per_s / 1e9, 2)),
        1e6.. => format!("{}M/s", rounded(per_s / 1e6, 2)),
        1e4.. => format!("{}k/s", rounded(per_s / 1e3, 2)),
        0.1.. => format!("{}/s", rounded(per_s, 2)),
        _ if per_s * 60.0 >= 0.1 => format!("{}/m", rounded(per_s * 60.0, 2)),
        _ => format!("{}/h", rounded(per_s * 3600.0, 2)),
    }
}

/// `2 d 5 m 30 s`, `500 ms`.
fn duration(ns: u64) -> String {
    const SECOND: u64 = 1_000_000_000;
    if ns < SECOND {
        return format!("{} ms", rounded(ns as f64 / 1e6, 3));
    }
    let whole = ns / SECOND;
    let seconds = (ns % (60 * SECOND)) as f64 / 1e9;
    let mut parts: Vec<_> =
        [(whole / 86_400, "d"), (whole / 3600 % 24, "h"), (whole / 60 % 60, "m")]
            .into_iter()
            .filter(|(number, _)| *number > 0)
            .map(|(number, unit)| format!("{number} {unit}"))
            .collect();
    if seconds > 0.0 {
        parts.push(format!("{} s", rounded(seconds, 3)));
    }
    parts.join(" ")
}

/// With at most so many digits behind the point, and none that say nothing.
fn rounded(number: f64, digits: usize) -> String {
    let text = format!("{number:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').into() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use acp_wire::plan::Model;
    use proptest::prelude::*;

    fn plan(edit: impl Fn(&mut acp_wire::Plan)) -> Plan {
        let schema = acp_wire::PLAN_SCHEMA.into();
        let mut plan = acp_wire::Plan { schema, ..acp_wire::Plan::default() };
        plan.target.url = "http://a/".into();
        edit(&mut plan);
        acp_plan::compile(&plan).unwrap()
    }

    /// Of a profile, or of a rate for a while; after a warm-up; up to so many requests.
    fn open(load: &str, warmup: &str, requests: Option<u64>) -> Plan {
        plan(|plan| {
            plan.load.model = Model::Open;
            plan.load.warmup = warmup.into();
            plan.load.requests = requests;
            match load.split_once(" for ") {
                Some((rate, length)) => {
                    (plan.load.rate, plan.load.duration) = (Some(rate.into()), Some(length.into()));
                }
                None => plan.load.profile = Some(load.into()),
            }
        })
    }

    #[test]
    fn schedules_are_drawn_as_they_are_planned() {
        let check = |what: &str, plan: &Plan, expect: &[[f64; 2]]| {
            assert_eq!(schedule(plan), expect, "{what}");
        };
        check("closed", &plan(|_| {}), &[]);
        check("constant", &open("5 for 10s", "0s", None), &[[0.0, 5.0], [10.0, 5.0]]);
        let warm = [[-2.0, 5.0], [0.0, 5.0], [10.0, 5.0]];
        check("after a warm-up", &open("5 for 10s", "2s", None), &warm);
        let ramp = open("line(0,8,4s) const(8,1s)", "500ms", None);
        check("a ramp", &ramp, &[[-0.5, 0.0], [0.0, 0.0], [4.0, 8.0], [5.0, 8.0]]);
        let steps = [[0.0, 1.0], [2.0, 1.0], [2.0, 2.0], [4.0, 2.0]];
        check("steps", &open("step(1,2,1,2s)", "0s", None), &steps);
        check("counted", &open("5 for 10s", "0s", Some(10)), &[[0.0, 5.0], [2.0, 5.0]]);
        let cut = open("const(5,1s) const(1,9s)", "0s", Some(7));
        check("a count in a profile", &cut, &[[0.0, 5.0], [1.0, 5.0], [1.0, 1.0], [3.0, 1.0]]);
    }

    #[test]
    fn schedules_of_many_steps_keep_their_ends_and_their_peak() {
        let plan = open("step(1,4k,1,1s) step(4k,1,1,1s) const(7,1s)", "1s", None);
        let points = schedule(&plan);
        assert!((500..=POINTS_MAX).contains(&points.len()), "{} points", points.len());
        assert_eq!((points.first(), points.last()), (Some(&[-1.0, 1.0]), Some(&[8_001.0, 7.0])));
        let peak = points.iter().map(|point| point[1]).fold(0.0, f64::max);
        assert!((peak - 4000.0).abs() < f64::EPSILON, "{peak}");
        assert!(points.is_sorted_by(|a, b| a[0] <= b[0]));
    }

    #[test]
    fn sentences_say_what_would_happen() {
        let crew = |agents, cores| Some(Crew { agents, cores });
        let check = |plan: &Plan, crew, expect: &str| assert_eq!(sentence(plan, crew), expect);
        check(
            &open("50k for 5m30s", "0s", None),
            crew(40, 160),
            "40 agents, 160 cores, 50k/s for 5 m 30 s, 16.5 M requests to a:80",
        );
        check(
            &open("5/h for 1h", "1s", None),
            crew(1, 1),
            "1 agent, 1 core, 5/h for 1 h, after 1 s of warm-up, 5 requests to a:80",
        );
        check(
            &open("line(0,20k,30s)", "0s", None),
            None,
            "up to 20k/s for 30 s, 300,000 requests to a:80",
        );
        check(&open("1 for 1s", "0s", None), None, "1/s for 1 s, 1 request to a:80");
        check(
            &plan(|plan| plan.load.duration = Some("500ms".into())),
            None,
            "64 connections as fast as responses come for 500 ms to a:80",
        );
        let many = plan(|plan| {
            plan.load.requests = Some(9999);
            plan.load.connections = 1;
            plan.target.connect_to = ["b", "c", "d", "e"].map(String::from).into();
        });
        check(
            &many,
            None,
            "1 connection as fast as responses come, 9999 requests to b:80, c:80, d:80, …",
        );
    }

    #[test]
    fn numbers_are_short() {
        for (number, expect) in [
            (0, "0"),
            (9_999, "9999"),
            (10_001, "10,001"),
            (999_999, "999,999"),
            (1_000_000, "1 M"),
            (15_725_000, "15.7 M"),
            (2_000_000_000, "2 G"),
            (31_557_600_000_000_000, "31557.6 T"),
        ] {
            assert_eq!(count(number), expect);
        }
        for (per_s, expect) in [
            (0.0, "0/s"),
            (1.0 / 3600.0, "1/h"),
            (0.05, "3/m"),
            (0.5, "0.5/s"),
            (9500.0, "9500/s"),
            (12_345.0, "12.35k/s"),
            (1.5e6, "1.5M/s"),
            (1e9, "1G/s"),
        ] {
            assert_eq!(rate(per_s), expect);
        }
        for (ms, expect) in [
            (1, "1 ms"),
            (1_500, "1.5 s"),
            (60_000, "1 m"),
            (3_661_000, "1 h 1 m 1 s"),
            (86_399_000, "23 h 59 m 59 s"),
            (86_400_000, "1 d"),
            (31_536_000_000 + 60_000, "365 d 1 m"),
        ] {
            assert_eq!(duration(ms * 1_000_000), expect);
        }
    }

    proptest! {
        #[test]
        fn thinned_lines_keep_what_shows(
            rates in prop::collection::vec(0.0..100.0_f64, 1..400),
            limit in 4_usize..100,
        ) {
            let points: Vec<_> = (0..).zip(&rates).map(|(at, rate)| [f64::from(at), *rate]).collect();
            let found = thinned(points.clone(), limit);
            prop_assert!(found.len() <= limit.max(4));
            prop_assert!(found.iter().all(|point| points.contains(point)));
            prop_assert_eq!((found.first(), found.last()), (points.first(), points.last()));
            let highest = |points: &[[f64; 2]]| points.iter().map(|it| it[1]).fold(0.0, f64::max);
            let lowest = |points: &[[f64; 2]]| points.iter().map(|it| it[1]).fold(200.0, f64::min);
            prop_assert_eq!((highest(&found), lowest(&found)), (highest(&points), lowest(&points)));
        }
    }
}
