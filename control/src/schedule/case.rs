//! One run as the reconciler looks at it, with what its decisions have in common.

use super::view::signed;
use super::{Action, RunClock, RunView, View};
use crate::store::{EventRecord, Intent, PartRecord, RunRecord, RunState};
use acp_plan::Plan;
use acp_wire::agent::PartState;
use acp_wire::plan::{Agents, OnLoss};

/// Events of a kind that one decision adds, at the most.
const EVENTS_MAX: usize = 10;

/// One run as the reconciler looks at it.
pub(super) struct Case<'a> {
    pub(super) view: &'a View,
    pub(super) run: &'a RunView,
    pub(super) plan: &'a Plan,
    pub(super) clock: RunClock,
    pub(super) now_unix_us: u64,
}

impl Case<'_> {
    pub(super) fn wanted(&self) -> Agents {
        self.plan.document.agents.clone().unwrap_or_default()
    }

    pub(super) fn on_loss(&self) -> OnLoss {
        self.wanted().on_loss
    }

    /// Run time now.
    pub(super) fn now_us(&self) -> i64 {
        self.clock.at(self.now_unix_us)
    }

    pub(super) fn is_past_end(&self) -> bool {
        self.clock.end_us.is_some_and(|end_us| self.now_us() >= end_us)
    }

    /// When the agent of a part was answered last, but not before it was given the part.
    pub(super) fn heard_unix_us(&self, part: &PartRecord) -> u64 {
        self.view.heard_unix_us(&part.agent).max(self.given_unix_us(part))
    }

    /// When the part was given to its agent, from what is stored about it.
    fn given_unix_us(&self, part: &PartRecord) -> u64 {
        let settings = &self.view.settings;
        if part.share.from_us > 0 {
            let from_unix_us = self.clock.unix_us(signed(part.share.from_us));
            from_unix_us.saturating_sub(settings.takeover_delay_us)
        } else {
            self.clock.unix_us(-self.clock.warmup_us).saturating_sub(settings.start_delay_us)
        }
    }

    pub(super) fn is_told_to_end(&self, part: &PartRecord) -> bool {
        let contact = self.view.contact(&part.agent);
        contact.is_some_and(|contact| contact.ending.contains_key(&part.part))
    }

    /// Its agent says that its engine has ended, well or not.
    pub(super) fn is_engine_over(&self, part: &PartRecord) -> bool {
        let is_over = |state| state >= PartState::Finished;
        is_over(part.state) || self.view.status(part).is_some_and(|status| is_over(status.state))
    }

    /// The first moment from which no engine of this part can send. Its agent counts its lease from
    /// when it asked, which was before we answered.
    pub(super) fn fence_unix_us(&self, part: &PartRecord) -> u64 {
        if self.is_engine_over(part) {
            return self.now_unix_us;
        }
        let contact = self.view.contact(&part.agent);
        // Answers since then have told its agent to end it.
        let told = contact.and_then(|contact| contact.ending.get(&part.part));
        let heard_unix_us = match told {
            Some(told) => (*told).max(self.view.lead_since_unix_us).max(self.given_unix_us(part)),
            None => self.heard_unix_us(part),
        };
        heard_unix_us + self.view.settings.lease_us + self.view.settings.clock_margin_us
    }

    pub(super) fn event(&self, kind: &str, text: String) -> Action {
        Action::AddEvent(EventRecord {
            run: self.run.run.id.clone(),
            at_unix_us: self.now_unix_us,
            at_us: Some(self.now_us()),
            kind: kind.into(),
            text,
            ..EventRecord::default()
        })
    }

    /// An event each, or one for all where there are many: every event is a write, and what is to be
    /// done next waits for it.
    pub(super) fn events(&self, kind: &str, texts: &[String]) -> Vec<Action> {
        if texts.len() <= EVENTS_MAX {
            return texts.iter().map(|text| self.event(kind, text.clone())).collect();
        }
        let first = texts[..EVENTS_MAX].join("; ");
        vec![self.event(kind, format!("{} at once: {first}; …", texts.len()))]
    }

    /// The run with another state.
    pub(super) fn with_state(&self, state: RunState) -> RunRecord {
        let state = super::step(self.run.run.state, state);
        RunRecord { state, epoch: self.view.epoch, ..self.run.run.clone() }
    }

    /// Writes our epoch before anything else, so that whoever led before, and has not noticed yet,
    /// finds out as soon as it reads or writes the run.
    pub(super) fn claim(&self) -> Vec<Action> {
        if self.run.run.epoch == self.view.epoch {
            return Vec::new();
        }
        let run = RunRecord { epoch: self.view.epoch, ..self.run.run.clone() };
        vec![Action::UpdateRun(Box::new(run))]
    }

    /// Asks for the end of the run.
    pub(super) fn stop(&self, kind: &str, reason: String, text: String) -> Vec<Action> {
        let event = self.event("stop", reason.clone());
        let intent = Intent::Stop { kind: kind.into(), reason };
        let run = RunRecord { intent, text, epoch: self.view.epoch, ..self.run.run.clone() };
        vec![Action::UpdateRun(Box::new(run)), event]
    }
}
