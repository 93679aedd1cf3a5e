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
    /// The limits in a plan. One that is not a rule was refused when the run was made.
    pub(super) fn new(limits: &[String]) -> Self {
        let rules: Vec<Rule> = limits.iter().filter_map(|text| parse_abort(text).ok()).collect();
        Self { is_done: rules.is_empty(), window: Window::new(rules), todo: None }
    }

    /// Seconds that it looks back.
    pub(super) fn len_s(&self) -> u64 {
        self.window.len_s()
    }

    /// Takes a stored frame, and judges.
    pub(super) fn push(&mut self, frame: &Frame) {
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
