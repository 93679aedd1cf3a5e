//! The limits of a run: judged on frames that are stored, and what is done when one is passed.

use super::moment::Timeline;
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
    /// The limits in a plan, whose schedule has this length. One that is not a rule was refused when the run was made.
    pub(super) fn new(limits: &[String], duration_ns: Option<u64>) -> Self {
        let rules: Vec<Rule> = limits.iter().filter_map(|text| parse_abort(text).ok()).collect();
        let end_s = duration_ns.map_or(u64::MAX, |duration_ns| duration_ns / 1_000_000_000);
        Self { is_done: rules.is_empty(), end_s, window: Window::new(rules), todo: None }
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
        if self.is_done || self.todo.is_some() || self.window.push(frame).is_err() {
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

    fn fired(duration_ns: Option<u64>, limits: &[&str]) -> Vec<u64> {
        let limits: Vec<_> = limits.iter().map(ToString::to_string).collect();
        let mut rules = RunRules::new(&limits, duration_ns);
        let fires = |second: &u64| {
            rules.todo = None;
            rules.push(&Frame { second: *second, completed: 5, ..Frame::default() });
            rules.todo.is_some()
        };
        (0..4).filter(fires).collect()
    }

    #[test]
    fn rules_are_judged_over_whole_seconds_of_the_schedule() {
        let rate = "rate<10 over 1s";
        assert_eq!(fired(None, &[rate]), [0, 1, 2, 3]);
        assert_eq!(fired(Some(2_500_000_000), &[rate]), [0, 1], "half a second is not judged");
        assert_eq!(fired(None, &["rate<10 over 3s"]), [2, 3]);
        assert!(fired(None, &[]).is_empty());
        assert!(fired(None, &["rate is low"]).is_empty(), "refused when the run was made");
    }
}
