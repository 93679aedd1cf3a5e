//! The limits of a run: judged on frames that are stored, and what is done when one is passed.

use super::moment::Timeline;
use super::plan::changed_plan;
use crate::store::{EventRecord, Intent, RunRecord, RunState, Store, StoreError, Stored};
use acp_report::rules::{Fired, Rule, Window, parse_abort};
use acp_wire::Frame;

/// How often a run that changes under our hands is read again.
const MAX_CONFLICTS: usize = 16;

/// The limits of one run.
pub(super) struct RunRules {
    window: Window,
    /// Whole seconds of the schedule: later ones only hold what is still answered.
    end_s: u64,
    /// Live changes that `end_s` is with.
    changes: usize,
    /// What is still to be done.
    todo: Option<Todo>,
    is_done: bool,
}

/// A rule has fired.
enum Todo {
    Stop(Fired),
    Tell(EventRecord),
}

impl RunRules {
    /// The limits in the plan of a run.
    pub(super) fn new(run: &RunRecord) -> Self {
        let limits = run.plan.stop.abort_on.iter();
        let rules: Vec<Rule> = limits.filter_map(|text| parse_limit(&run.id, text)).collect();
        Self {
            is_done: rules.is_empty(),
            end_s: end_s(run),
            changes: run.changes.len(),
            window: Window::new(rules),
            todo: None,
        }
    }

    /// Whether frames are still judged.
    pub(super) fn is_judging(&self) -> bool {
        !self.is_done && self.todo.is_none()
    }

    /// Live changes move the end of a run that counts its requests.
    pub(super) fn refresh(&mut self, run: &RunRecord) {
        if run.changes.len() != self.changes {
            (self.end_s, self.changes) = (end_s(run), run.changes.len());
        }
    }

    /// Seconds that it looks back.
    pub(super) fn len_s(&self) -> u64 {
        self.window.len_s()
    }

    /// Takes a stored frame, and judges.
    pub(super) fn push(&mut self, frame: &Frame) {
        if frame.second >= self.end_s {
            return;
        }
        // Histograms of stored frames were read before they were merged.
        if !self.is_judging() || self.window.push(frame).is_err() {
            return;
        }
        self.todo = self.window.fired().into_iter().next().map(Todo::Stop);
    }

    /// Does what is to be done; after a failure it is tried again.
    pub(super) async fn act(
        &mut self,
        store: &dyn Store,
        run: &str,
        timeline: &Timeline,
        now_unix_us: u64,
    ) -> Stored<()> {
        if let Some(Todo::Stop(fired)) = &self.todo {
            let is_new = stop(store, run, fired).await?;
            let event = EventRecord {
                run: run.into(),
                at_unix_us: now_unix_us,
                at_us: Some(timeline.at_us(now_unix_us)),
                kind: "rule".into(),
                text: fired.text.clone(),
                ..EventRecord::default()
            };
            self.todo = is_new.then_some(Todo::Tell(event));
            self.is_done = true;
        }
        if let Some(Todo::Tell(event)) = &self.todo {
            store.add_event(event).await?;
            self.todo = None;
        }
        Ok(())
    }
}

/// A limit. Plans are checked before they are run; one of an older control may have a limit that is
/// none for us, and whoever relies on it finds it in the log.
fn parse_limit(run: &str, text: &str) -> Option<Rule> {
    let rule = parse_abort(text);
    if let Err(error) = &rule {
        tracing::error!(run, %error, "a limit of the run is not judged");
    }
    rule.ok()
}

/// Whole seconds of the schedule of a run, with its live changes.
fn end_s(run: &RunRecord) -> u64 {
    let duration_ns = changed_plan(run).ok().and_then(|plan| plan.duration_ns());
    duration_ns.map_or(u64::MAX, |duration_ns| duration_ns / 1_000_000_000)
}

/// Sets what is wanted of a run. Whether it was not stopped or over before.
async fn stop(store: &dyn Store, run: &str, fired: &Fired) -> Stored<bool> {
    for _ in 0..MAX_CONFLICTS {
        let Some(found) = store.run(run).await? else { return Ok(false) };
        let is_over = matches!(found.state, RunState::Done | RunState::Failed | RunState::Aborted);
        if is_over || found.intent != Intent::Run {
            return Ok(false);
        }
        let intent = Intent::Stop { kind: "rule".into(), reason: fired.text.clone() };
        match store.update_run(&RunRecord { intent, ..found }).await {
            Err(StoreError::Conflict(_)) => {}
            done => return done.map(|()| true),
        }
    }
    Err(StoreError::Conflict(format!("run `{run}`")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use acp_wire::agent::{Change, ChangeKind};
    use acp_wire::plan::Model;

    /// 40 requests at 10 a second, or as many as there is time for.
    fn run(duration: Option<&str>, limits: &[&str]) -> RunRecord {
        let schema = acp_wire::PLAN_SCHEMA.into();
        let mut plan = acp_wire::Plan { schema, ..acp_wire::Plan::default() };
        plan.target.url = "http://127.0.0.1/".into();
        (plan.load.model, plan.load.rate) = (Model::Open, Some("10".into()));
        plan.load.duration = duration.map(Into::into);
        plan.load.requests = duration.is_none().then_some(40);
        plan.stop.abort_on = limits.iter().map(ToString::to_string).collect();
        RunRecord { id: "r".into(), plan, ..RunRecord::default() }
    }

    fn judged(rules: &mut RunRules, seconds: std::ops::Range<u64>) -> Vec<u64> {
        let fires = |second: &u64| {
            rules.todo = None;
            rules.push(&Frame { second: *second, completed: 5, ..Frame::default() });
            rules.todo.is_some()
        };
        seconds.filter(fires).collect()
    }

    #[test]
    fn rules_are_judged_over_whole_seconds_of_the_schedule() {
        let rate = "rate<10 over 1s";
        for (what, duration, limits, expected) in [
            ("to the end", Some("9s"), &[rate][..], &[0, 1, 2, 3][..]),
            ("half a second is not judged", Some("2500ms"), &[rate], &[0, 1]),
            ("as long as a count takes", None, &[rate], &[0, 1, 2, 3]),
            ("a longer window", Some("9s"), &["rate<10 over 3s"], &[2, 3]),
            ("no limit", Some("9s"), &[], &[]),
            ("one that is none", Some("9s"), &["rate is low"], &[]),
            ("one that is none, and one", Some("9s"), &["rate is low", rate], &[0, 1, 2, 3]),
        ] {
            let mut rules = RunRules::new(&run(duration, limits));
            assert_eq!(judged(&mut rules, 0..4), expected, "{what}");
        }
    }

    #[test]
    fn a_run_that_gets_longer_is_judged_for_longer() {
        let mut run = run(None, &["rate<10 over 1s"]);
        let mut rules = RunRules::new(&run);
        let mut change = |number, at_us, rate: &str| {
            let kind = ChangeKind::Rate(rate.into());
            run.changes.push(Change { number, at_us, kind });
            run.clone()
        };
        assert_eq!(judged(&mut rules, 0..2), [0, 1]);
        // 20 of 40 requests are left.
        rules.refresh(&change(1, 2_000_000, "4"));
        assert_eq!(judged(&mut rules, 2..9), [2, 3, 4, 5, 6]);
        rules.refresh(&change(2, 3_000_000, "16"));
        assert_eq!(judged(&mut rules, 4..9), Vec::<u64>::new(), "it ends after 4 s");
    }
}
