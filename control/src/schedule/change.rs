//! Live changes of a run: which are legal now, and when they take effect.

use super::{Refusal, RunClock};
use crate::ingest::changed_plan;
use crate::store::{Intent, RunRecord, RunState};
use acp_wire::agent::{Change, ChangeKind};
use acp_wire::plan::Model;
use acp_wire::units::parse_rate;

/// The change that `kind` is for `run`, to be added to its changes: from `delay_us` from now on, but
/// not before the measured part begins and not before the change before it.
///
/// # Errors
///
/// When the run is not between its placement and its end, the kind does not fit to what it does, or
/// the rate is above `ceiling_per_s`.
pub fn next_change(
    run: &RunRecord,
    kind: ChangeKind,
    now_unix_us: u64,
    delay_us: u64,
    ceiling_per_s: Option<f64>,
) -> Result<Change, Refusal> {
    let clock = clock(run)?;
    check(run, &kind, ceiling_per_s)?;
    let last = run.changes.last();
    let earliest = last.map_or(0, |change| change.at_us);
    let at_us = u64::try_from(clock.at(now_unix_us.saturating_add(delay_us))).unwrap_or(0);
    let at_us = at_us.max(earliest);
    if clock.end_us.is_some_and(|end_us| i64::try_from(at_us).is_ok_and(|at_us| at_us >= end_us)) {
        return Err(Refusal::new(
            "the run ends before a change would take effect",
            "start another run",
        ));
    }
    let change = Change { number: last.map_or(0, |change| change.number) + 1, at_us, kind };
    let mut changed = run.clone();
    changed.changes.push(change.clone());
    // What no schedule can be made of must not get into the record.
    changed_plan(&changed).map_err(|error| {
        Refusal::new(format!("no schedule has this change: {error}"), "round it")
    })?;
    Ok(change)
}

fn clock(run: &RunRecord) -> Result<RunClock, Refusal> {
    let is_open = (RunState::Assigned..=RunState::Running).contains(&run.state);
    if !is_open || run.intent != Intent::Run {
        let state = format!("{:?}", run.state).to_lowercase();
        let state = if run.intent == Intent::Run { state } else { format!("{state}, stopping") };
        return Err(Refusal::new(
            format!("the run is {state}: only a run that has agents and has not ended can change"),
            "wait until it is assigned, or start another run",
        ));
    }
    let plan =
        changed_plan(run).map_err(|error| Refusal::new(format!("{error}"), "stop the run"))?;
    RunClock::new(run, &plan)
        .ok_or_else(|| Refusal::new("the run has no start yet", "wait until it is assigned"))
}

/// Whether a run was paused last, and not resumed since.
pub(crate) fn is_paused(run: &RunRecord) -> bool {
    let mut last_first = run.changes.iter().rev();
    last_first
        .find(|change| !matches!(change.kind, ChangeKind::Rate(_)))
        .is_some_and(|change| change.kind == ChangeKind::Pause)
}

fn check(run: &RunRecord, kind: &ChangeKind, ceiling_per_s: Option<f64>) -> Result<(), Refusal> {
    let is_paused = is_paused(run);
    match kind {
        ChangeKind::Pause if is_paused => {
            Err(Refusal::new("the run is paused already", "resume it"))
        }
        ChangeKind::Resume if !is_paused => {
            Err(Refusal::new("the run is not paused", "pause it first"))
        }
        ChangeKind::Pause | ChangeKind::Resume => Ok(()),
        ChangeKind::Rate(_) if run.plan.load.model == Model::Closed => Err(Refusal::new(
            "a closed loop has no rate: every connection sends when it is free",
            "start a run with load.model = \"open\"",
        )),
        // In a pause it is the rate that the run resumes with.
        ChangeKind::Rate(text) => check_rate(text, ceiling_per_s),
    }
}

fn check_rate(text: &str, ceiling_per_s: Option<f64>) -> Result<(), Refusal> {
    let rate = parse_rate(text)
        .map_err(|error| Refusal::new(error.to_string(), "write `20k`, `0.5` or `300/m`"))?
        .per_second();
    match ceiling_per_s {
        Some(ceiling) if rate > ceiling => Err(Refusal::new(
            format!("{rate}/s is above the ceiling of {ceiling}/s for this target"),
            "ask for less, or have the ceiling raised",
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use acp_wire::Plan;

    const T0: u64 = 1_000_000_000;
    const SECOND: u64 = 1_000_000;

    fn run(model: &str, warmup: &str) -> RunRecord {
        let mut plan = Plan { schema: acp_wire::PLAN_SCHEMA.into(), ..Plan::default() };
        plan.target.url = "http://127.0.0.1:80/".into();
        plan.load.duration = Some("60s".into());
        plan.load.warmup = warmup.into();
        if model == "open" {
            plan.load.model = Model::Open;
            plan.load.rate = Some("100".into());
        }
        let state = RunState::Running;
        RunRecord { plan, state, t0_unix_us: Some(T0), ..RunRecord::default() }
    }

    fn changes(kinds: &[ChangeKind]) -> Vec<Change> {
        let change = |(number, kind): (u32, &ChangeKind)| Change {
            number,
            at_us: 5 * SECOND,
            kind: kind.clone(),
        };
        (1..).zip(kinds).map(change).collect()
    }

    #[test]
    fn changes_take_effect_a_delay_from_now() {
        let check =
            |what: &str, warmup: &str, now_s: u64, before: &[ChangeKind], expect: (u32, u64)| {
                let mut run = run("open", warmup);
                run.changes = changes(before);
                let kind = ChangeKind::Rate("7".into());
                let found = next_change(&run, kind, T0 + now_s * SECOND, SECOND, None).unwrap();
                assert_eq!((found.number, found.at_us), expect, "{what}");
            };
        check("in the middle", "0s", 10, &[], (1, 11 * SECOND));
        check("after a warm-up", "4s", 10, &[], (1, 7 * SECOND));
        check("in the warm-up", "20s", 10, &[], (1, 0));
        let one = [ChangeKind::Rate("1".into())];
        check("not before the one before", "0s", 2, &one, (2, 5 * SECOND));
        check("after another", "0s", 10, &one, (2, 11 * SECOND));
        let mut early = run("open", "0s");
        early.state = RunState::Assigned;
        let found = next_change(&early, ChangeKind::Pause, T0 - 3 * SECOND, SECOND, None).unwrap();
        assert_eq!(found.at_us, 0, "before the start");
    }

    #[test]
    fn changes_that_cannot_be_are_refused_in_words() {
        let check = |what: &str, run: &RunRecord, kind: ChangeKind, now_s: u64, expect: &str| {
            let found = next_change(run, kind, T0 + now_s * SECOND, SECOND, Some(1000.0));
            let text = found.expect_err(what).to_string();
            assert!(text.contains(expect), "{what}: {text}");
            assert!(text.contains("hint: "), "{what}: {text}");
        };
        let open = run("open", "0s");
        let rate = |text: &str| ChangeKind::Rate(text.into());
        for state in [RunState::Pending, RunState::Draining, RunState::Done, RunState::Failed] {
            let run = RunRecord { state, ..open.clone() };
            check("state", &run, ChangeKind::Pause, 1, "only a run that has agents");
        }
        let intent = Intent::Stop { kind: "user".into(), reason: String::new() };
        let stopping = RunRecord { intent, ..open.clone() };
        check("stopping", &stopping, ChangeKind::Pause, 1, "running, stopping");
        let unplaced = RunRecord { t0_unix_us: None, ..open.clone() };
        check("no start", &unplaced, ChangeKind::Pause, 1, "no start yet");
        check("at its end", &open, ChangeKind::Pause, 59, "ends before");
        check("not a rate", &open, rate("fast"), 1, "fast");
        check("above the ceiling", &open, rate("1001"), 1, "above the ceiling of 1000/s");
        check("of no schedule", &open, rate("33.333333333333336"), 1, "no schedule");
        check("closed loop", &run("closed", "0s"), rate("7"), 1, "no rate");
        check("not paused", &open, ChangeKind::Resume, 1, "not paused");
        let paused = [ChangeKind::Pause, rate("1")];
        let paused = RunRecord { changes: changes(&paused), ..open.clone() };
        check("paused twice", &paused, ChangeKind::Pause, 10, "paused already");
        assert!(
            next_change(&paused, rate("7"), T0 + 10 * SECOND, SECOND, None).is_ok(),
            "for later"
        );
        let resumed = changes(&[ChangeKind::Pause, ChangeKind::Resume]);
        let resumed = RunRecord { changes: resumed, ..open };
        check("resumed twice", &resumed, ChangeKind::Resume, 10, "not paused");
    }
}
