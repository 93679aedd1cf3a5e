//! What a run sends by now, by its plan and its live changes, and how far that may be raised.

use super::app::App;
use super::states::is_final;
use crate::ingest::changed_plan;
use crate::schedule::{RunClock, is_paused};
use crate::store::{Intent, RunRecord};
use acp_plan::{Plan, Schedule};
use serde::Serialize;
use utoipa::ToSchema;

/// Steering of an active run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, ToSchema)]
pub(super) struct PaceNow {
    /// Total rate of an open loop now: 0 in a pause and once it is to stop, and before the start the
    /// rate that it begins with. None in a closed loop, before the run has a start and once it has ended.
    rate_now_per_s: Option<f64>,
    /// The lowest ceiling that is set for its target; none without one, and once it has ended.
    rate_ceiling_per_s: Option<f64>,
    /// It was paused last, and not resumed since.
    is_paused: bool,
}

/// The steering of a run as it is now.
pub(super) async fn pace_now(app: &App, run: &RunRecord) -> PaceNow {
    if is_final(run.state) {
        return PaceNow::default();
    }
    let is_paused = is_paused(run);
    // A plan that cannot be read any more ends its run: the scheduler says why.
    let Ok(plan) = changed_plan(run) else { return PaceNow { is_paused, ..PaceNow::default() } };
    let at_us = RunClock::new(run, &plan).map(|clock| clock.at(app.clock.now_unix_us()));
    // A target that is not allowed any more has no ceiling.
    let admitted = app.targets.admit_run(&plan).await.ok();
    PaceNow {
        rate_now_per_s: at_us.and_then(|at_us| rate_now_per_s(run, &plan, at_us)),
        rate_ceiling_per_s: admitted.and_then(|admitted| app.targets.ceiling_per_s(&admitted)),
        is_paused,
    }
}

/// The rate that a run of an open loop is to have at a run time.
fn rate_now_per_s(run: &RunRecord, plan: &Plan, at_us: i64) -> Option<f64> {
    let planned = rate_per_s(plan, at_us)?;
    Some(if matches!(run.intent, Intent::Stop { .. }) { 0.0 } else { planned })
}

/// The rate of an open loop at a run time, by its plan.
fn rate_per_s(plan: &Plan, at_us: i64) -> Option<f64> {
    let Schedule::Open { warmup, pace, .. } = &plan.schedule else { return None };
    let at_ns = at_us.unsigned_abs().saturating_mul(1_000);
    Some(match at_us {
        0.. => pace.rate_per_s(at_ns),
        _ if plan.warmup_ns > 0 => warmup.rate_per_s(plan.warmup_ns.saturating_sub(at_ns)),
        _ => pace.rate_per_s(0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use acp_wire::agent::{Change, ChangeKind};
    use acp_wire::plan::Model;

    const SECOND: i64 = 1_000_000;

    fn run(profile: Option<&str>, warmup: &str, changes: &[(u64, ChangeKind)]) -> RunRecord {
        let mut plan =
            acp_wire::Plan { schema: acp_wire::PLAN_SCHEMA.into(), ..acp_wire::Plan::default() };
        plan.target.url = "http://127.0.0.1/".into();
        plan.load.warmup = warmup.into();
        match profile {
            Some("closed") => plan.load.duration = Some("10s".into()),
            Some(profile) => plan.load.profile = Some(profile.into()),
            None => {
                plan.load.rate = Some("100".into());
                plan.load.duration = Some("10s".into());
            }
        }
        plan.load.model = if profile == Some("closed") { Model::Closed } else { Model::Open };
        let change = |(number, (at_s, kind)): (u32, &(u64, ChangeKind))| Change {
            number,
            at_us: at_s * SECOND.unsigned_abs(),
            kind: kind.clone(),
        };
        let changes = (1..).zip(changes).map(change).collect();
        RunRecord { plan, changes, ..RunRecord::default() }
    }

    #[test]
    fn the_rate_is_that_of_the_moment() {
        let check = |what: &str, run: RunRecord, at_us: i64, expect: Option<f64>| {
            let found = rate_now_per_s(&run, &changed_plan(&run).unwrap(), at_us);
            let is_same = match (found, expect) {
                (Some(found), Some(expect)) => (found - expect).abs() < 1e-6,
                (found, expect) => found == expect,
            };
            assert!(is_same, "{what}: {found:?}, expected {expect:?}");
        };
        let ramp = Some("line(0,100,10s) const(40,10s)");
        let rate = |text: &str| ChangeKind::Rate(text.into());
        check("constant", run(None, "0s", &[]), SECOND, Some(100.0));
        check("before the start", run(None, "0s", &[]), -SECOND, Some(100.0));
        check("behind the end", run(None, "0s", &[]), 11 * SECOND, Some(0.0));
        check("in the warm-up", run(None, "4s", &[]), -2 * SECOND, Some(100.0));
        check("before the warm-up", run(None, "4s", &[]), -9 * SECOND, Some(100.0));
        check("a ramp", run(ramp, "0s", &[]), 5 * SECOND, Some(50.0));
        check("at a step", run(ramp, "0s", &[]), 10 * SECOND, Some(40.0));
        let faster = [(5, rate("300"))];
        check("before a change", run(ramp, "0s", &faster), 4 * SECOND, Some(40.0));
        check("after a change", run(ramp, "0s", &faster), 15 * SECOND, Some(300.0));
        let paused = [(5, ChangeKind::Pause), (7, ChangeKind::Resume)];
        check("in a pause", run(ramp, "0s", &paused), 6 * SECOND, Some(0.0));
        check("after a pause", run(ramp, "0s", &paused), 8 * SECOND, Some(80.0));
        check("a closed loop", run(Some("closed"), "0s", &[]), SECOND, None);
        let stop = || Intent::Stop { kind: "user".into(), reason: String::new() };
        let stopped = |profile, warmup| RunRecord { intent: stop(), ..run(profile, warmup, &[]) };
        check("to stop", stopped(None, "0s"), SECOND, Some(0.0));
        check("to stop before the start", stopped(None, "0s"), -SECOND, Some(0.0));
        check("to stop in the warm-up", stopped(None, "4s"), -2 * SECOND, Some(0.0));
        check("a closed loop that is to stop", stopped(Some("closed"), "0s"), SECOND, None);
        let pause = [(5, ChangeKind::Pause)];
        check("a closed loop in a pause", run(Some("closed"), "0s", &pause), 6 * SECOND, None);
    }
}
