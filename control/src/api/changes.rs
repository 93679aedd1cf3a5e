//! Live changes of a run: when one is legal, its number, and when it takes effect.

use super::error::{Answer, ApiError};
use crate::store::{Intent, RunRecord, RunState};
use acp_wire::agent::{Change, ChangeKind};

/// The next change of `run`, in effect `delay_us` from now on every agent.
///
/// # Errors
///
/// A conflict when the run is not in a state to be changed, has come to its end by then, or is
/// already what the change would make it.
pub(super) fn next_change(
    run: &RunRecord,
    compiled: &acp_plan::Plan,
    kind: ChangeKind,
    now_unix_us: u64,
    delay_us: u64,
) -> Answer<Change> {
    let is_changeable =
        matches!(run.state, RunState::Assigned | RunState::Ready | RunState::Running);
    if !is_changeable || matches!(run.intent, Intent::Stop { .. }) {
        let state = if is_changeable { "being stopped".into() } else { state_name(run.state) };
        return Err(ApiError::conflict(format!("run `{}` is {state}", run.id)));
    }
    match (&kind, is_paused(run)) {
        (ChangeKind::Rate(_), _) if !compiled.is_open_loop() => {
            return Err(ApiError::conflict("a closed loop has no rate to change"));
        }
        (ChangeKind::Pause, true) => return Err(ApiError::conflict("the run is paused already")),
        (ChangeKind::Resume, false) => return Err(ApiError::conflict("the run is not paused")),
        _ => {}
    }
    let last = run.changes.last();
    // Run time counts from the end of the warm-up; what comes before it takes effect with it.
    let zero_unix_us = run.t0_unix_us.map(|t0| t0 + compiled.warmup_ns / 1_000);
    let wanted = zero_unix_us.map_or(0, |zero| (now_unix_us + delay_us).saturating_sub(zero));
    let at_us = wanted.max(last.map_or(0, |last| last.at_us));
    if compiled.duration_ns().is_some_and(|duration_ns| at_us >= duration_ns / 1_000) {
        return Err(ApiError::conflict(format!("run `{}` ends before the change", run.id)));
    }
    Ok(Change { number: last.map_or(1, |last| last.number + 1), at_us, kind })
}

fn is_paused(run: &RunRecord) -> bool {
    let last = run.changes.iter().rfind(|change| !matches!(change.kind, ChangeKind::Rate(_)));
    last.is_some_and(|change| change.kind == ChangeKind::Pause)
}

/// The name of a state on the wire.
pub(super) fn state_name(state: RunState) -> String {
    let name = match state {
        RunState::Pending => "pending",
        RunState::Assigned => "assigned",
        RunState::Ready => "ready",
        RunState::Running => "running",
        RunState::Draining => "draining",
        RunState::Done => "done",
        RunState::Failed => "failed",
        RunState::Aborted => "aborted",
    };
    name.into()
}

/// Whether a run has ended.
pub(super) fn is_final(state: RunState) -> bool {
    matches!(state, RunState::Done | RunState::Failed | RunState::Aborted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use acp_wire::plan::Model;

    const T0: u64 = 1_000_000_000;

    fn plan(model: Model) -> acp_plan::Plan {
        let mut plan =
            acp_wire::Plan { schema: acp_wire::PLAN_SCHEMA.into(), ..Default::default() };
        plan.target.url = "http://127.0.0.1/".into();
        plan.load.model = model;
        plan.load.rate = (model == Model::Open).then(|| "100".into());
        plan.load.duration = Some("60s".into());
        plan.load.warmup = "5s".into();
        acp_plan::compile(&plan).unwrap()
    }

    fn run(state: RunState, kinds: &[ChangeKind]) -> RunRecord {
        let change = |(index, kind): (usize, &ChangeKind)| {
            let number = u32::try_from(index).unwrap() + 1;
            Change { number, at_us: 2_000_000, kind: kind.clone() }
        };
        let changes = kinds.iter().enumerate().map(change).collect();
        RunRecord { id: "r".into(), state, t0_unix_us: Some(T0), changes, ..RunRecord::default() }
    }

    fn rate() -> ChangeKind {
        ChangeKind::Rate("20".into())
    }

    #[test]
    fn changes_are_legal_where_the_table_says() {
        use ChangeKind::{Pause, Resume};
        use RunState::{Aborted, Assigned, Done, Draining, Failed, Pending, Ready, Running};
        for (what, state, before, kind, expected) in [
            ("a rate", Running, vec![], rate(), Ok(1)),
            ("before the start", Ready, vec![], rate(), Ok(1)),
            ("just assigned", Assigned, vec![], Pause, Ok(1)),
            ("the second", Running, vec![rate()], rate(), Ok(2)),
            ("a pause", Running, vec![rate()], Pause, Ok(2)),
            ("a rate in a pause", Running, vec![Pause], rate(), Ok(2)),
            ("a resume", Running, vec![Pause, rate()], Resume, Ok(3)),
            ("a pause again", Running, vec![Pause, Resume], Pause, Ok(3)),
            ("paused twice", Running, vec![Pause, rate()], Pause, Err("paused already")),
            ("not paused", Running, vec![], Resume, Err("not paused")),
            ("resumed twice", Running, vec![Pause, Resume], Resume, Err("not paused")),
            ("pending", Pending, vec![], rate(), Err("is pending")),
            ("draining", Draining, vec![], Pause, Err("is draining")),
            ("done", Done, vec![], rate(), Err("is done")),
            ("failed", Failed, vec![], rate(), Err("is failed")),
            ("aborted", Aborted, vec![Pause], Resume, Err("is aborted")),
        ] {
            let run = run(state, &before);
            let found = next_change(&run, &plan(Model::Open), kind, T0 + 9_000_000, 1_000_000);
            match (found, expected) {
                (Ok(change), Ok(number)) => assert_eq!(change.number, number, "{what}"),
                (Err(error), Err(part)) => {
                    assert!(error.message.contains(part), "{what}: {error:?}");
                    assert_eq!(error.status.as_u16(), 409, "{what}");
                }
                (found, expected) => panic!("{what}: {found:?}, not {expected:?}"),
            }
        }
    }

    #[test]
    fn a_stopped_run_and_a_closed_loop_keep_their_rate() {
        let intent = Intent::Stop { kind: "user".into(), reason: String::new() };
        let stopped = RunRecord { intent, ..run(RunState::Running, &[]) };
        let error = next_change(&stopped, &plan(Model::Open), rate(), T0, 0).unwrap_err();
        assert!(error.message.contains("being stopped"), "{error:?}");
        let closed = plan(Model::Closed);
        let run = run(RunState::Running, &[]);
        assert!(next_change(&run, &closed, rate(), T0, 0).is_err(), "a closed loop has no rate");
        assert!(next_change(&run, &closed, ChangeKind::Pause, T0, 0).is_ok(), "it can pause");
    }

    #[test]
    fn a_change_takes_effect_after_its_delay_and_never_before_another() {
        for (what, since_t0_us, before, expected) in [
            ("long before the start", 0, vec![], Some(0)),
            ("in the warm-up", 3_999_999, vec![], Some(0)),
            ("at its end", 4_500_000, vec![], Some(500_000)),
            ("later", 14_000_000, vec![], Some(10_000_000)),
            ("not before the last", 5_000_000, vec![rate()], Some(2_000_000)),
            ("after the last", 8_000_000, vec![rate()], Some(4_000_000)),
            ("a microsecond before the end", 63_999_999, vec![], Some(59_999_999)),
            ("at the end", 64_000_000, vec![], None),
            ("after the end", 99_000_000, vec![], None),
        ] {
            let run = run(RunState::Running, &before);
            let now = T0 + since_t0_us;
            let found = next_change(&run, &plan(Model::Open), rate(), now, 1_000_000);
            assert_eq!(found.ok().map(|change| change.at_us), expected, "{what}");
        }
    }
}
