//! Whether runs were asked for the same rate at the same time. Then what happens in a second of one can
//! be set against the same second of the other, and what the schedule does is no noise.

use super::comparison::Subject;
use acp_plan::{Schedule, survey};
use acp_wire::Report;
use acp_wire::plan::{Arrival, Model};

/// Events after which a run does not follow its plan any more.
const CHANGES: [&str; 3] = ["rate", "pause", "resume"];

/// Whether the blocks of two runs are of the same seconds of the same schedule.
pub(super) fn is_paired(a: &Subject<'_>, b: &Subject<'_>) -> bool {
    let (Some(of_a), Some(of_b)) = (a.blocks, b.blocks) else { return false };
    let (of_a, of_b) = (of_a.all(), of_b.all());
    let seconds = of_a.iter().map(|block| block.second);
    is_alike(a.report, b.report) && seconds.eq(of_b.iter().map(|block| block.second))
}

/// Two open loops of the same schedule, which nobody has changed.
fn is_alike(a: &Report, b: &Report) -> bool {
    let (of_a, of_b) = (&a.plan.load, &b.plan.load);
    of_a.model == Model::Open
        && of_a.model == of_b.model
        && of_a.rate == of_b.rate
        && of_a.profile == of_b.profile
        && of_a.duration == of_b.duration
        && of_a.requests == of_b.requests
        && of_a.arrival == of_b.arrival
        // Random arrivals make other seconds with another seed.
        && (of_a.arrival == Arrival::Uniform || a.plan.seed == b.plan.seed)
        && !is_changed(a)
        && !is_changed(b)
}

fn is_changed(report: &Report) -> bool {
    report.events.iter().any(|event| CHANGES.contains(&event.kind.as_str()))
}

/// Whether the load was the same all the time, as far as the plan and its changes tell.
pub(super) fn is_steady(report: &Report) -> bool {
    if is_changed(report) {
        return false;
    }
    if report.plan.load.model == Model::Closed {
        return true;
    }
    match survey(&report.plan).plan.map(|plan| plan.schedule) {
        Some(Schedule::Open { pace, .. }) => {
            let corners = pace.corners();
            corners.iter().all(|corner| corner.1 == corners[0].1)
        }
        _ => report.plan.load.profile.is_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Blocks;
    use super::*;
    use acp_wire::Frame;
    use acp_wire::report::Event;

    fn report(profile: &str) -> Report {
        let mut report = Report::default();
        report.plan.load.model = Model::Open;
        report.plan.load.profile = Some(profile.into());
        report
    }

    fn blocks(seconds: &[u64]) -> Blocks {
        let mut blocks = Blocks::new(20_000_000);
        let frame = |second: &u64| Frame { second: *second, ..Frame::default() };
        seconds.iter().map(frame).for_each(|frame| blocks.push(&frame, 1));
        blocks
    }

    fn changed(kind: &str) -> Report {
        let event = Event { kind: kind.into(), ..Event::default() };
        Report { events: vec![event], ..report("line(0,200,20s)") }
    }

    #[test]
    fn only_the_same_seconds_of_the_same_schedule_are_pairs() {
        let base = report("line(0,200,20s)");
        let with = |edit: fn(&mut Report)| {
            let mut report = base.clone();
            edit(&mut report);
            report
        };
        for (what, other, seconds, expect) in [
            ("the same", base.clone(), &[0, 1, 2][..], true),
            ("a note", changed("note"), &[0, 1, 2], true),
            ("another seed", with(|report| report.plan.seed = 9), &[0, 1, 2], true),
            ("another profile", report("line(0,280,20s)"), &[0, 1, 2], false),
            ("a rate", with(|report| report.plan.load.rate = Some("9".into())), &[0, 1, 2], false),
            (
                "fewer requests",
                with(|report| report.plan.load.requests = Some(9)),
                &[0, 1, 2],
                false,
            ),
            (
                "a closed loop",
                with(|report| report.plan.load.model = Model::Closed),
                &[0, 1, 2],
                false,
            ),
            ("a change of rate", changed("rate"), &[0, 1, 2], false),
            ("a pause", changed("pause"), &[0, 1, 2], false),
            ("a second less", base.clone(), &[0, 1], false),
            ("another second", base.clone(), &[0, 1, 3], false),
            ("no seconds", base.clone(), &[], false),
        ] {
            let (of_base, of_other) = (blocks(&[0, 1, 2]), blocks(seconds));
            let base = Subject { run: "a", report: &base, blocks: Some(&of_base) };
            let other = Subject { run: "b", report: &other, blocks: Some(&of_other) };
            assert_eq!(is_paired(&base, &other), expect, "{what}");
            assert_eq!(is_paired(&other, &base), expect, "{what}, the other way round");
            assert!(!is_paired(&Subject { blocks: None, ..base }, &other), "{what}, without");
        }
        let poisson = |seed| {
            let mut report = base.clone();
            report.plan.load.arrival = Arrival::Poisson;
            report.plan.seed = seed;
            report
        };
        for (what, of_a, of_b, expect) in [
            ("random arrivals of one seed", poisson(1), poisson(1), true),
            ("random arrivals of another seed", poisson(1), poisson(2), false),
            ("random arrivals and equal gaps", poisson(1), base.clone(), false),
        ] {
            let blocks = blocks(&[0, 1, 2]);
            let subject = |report| Subject { run: "a", report, blocks: Some(&blocks) };
            assert_eq!(is_paired(&subject(&of_a), &subject(&of_b)), expect, "{what}");
        }
        let closed = Report::default();
        let of_closed = blocks(&[0]);
        let closed = Subject { run: "a", report: &closed, blocks: Some(&of_closed) };
        assert!(!is_paired(&closed, &closed), "a closed loop has no schedule");
    }

    #[test]
    fn a_load_that_changes_is_not_steady() {
        let mut by_rate = report("");
        (by_rate.plan.load.profile, by_rate.plan.load.rate) = (None, Some("100".into()));
        by_rate.plan.load.duration = Some("20s".into());
        for (what, report, expect) in [
            ("a closed loop", Report::default(), true),
            ("a rate", by_rate, true),
            ("a constant profile", report("const(100,20s)"), true),
            ("twice the same", report("const(100,20s) const(100,5s)"), true),
            ("a ramp", report("line(0,200,20s)"), false),
            ("steps", report("const(100,20s) const(200,5s)"), false),
            ("a change of rate", changed("rate"), false),
            ("a pause", changed("pause"), false),
        ] {
            assert_eq!(is_steady(&report), expect, "{what}");
        }
    }
}
