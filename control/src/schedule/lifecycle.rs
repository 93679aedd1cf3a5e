//! How a run goes on: placed, ready, running, draining, ended.

use super::assign::scheme;
use super::case::Case;
use super::handover::new_part;
use super::pool::Pool;
use super::view::signed;
use super::{Action, RunView, View, assign, step};
use crate::store::{EventRecord, Intent, PartRecord, RunRecord, RunState};
use acp_plan::{Plan, Schedule};
use acp_wire::agent::PartState;
use acp_wire::plan::OnLoss;

/// What a run needs that no agent has yet.
pub(super) fn place(
    view: &View,
    run: &RunView,
    plan: &Plan,
    pool: &mut Pool<'_>,
    now_unix_us: u64,
) -> Vec<Action> {
    let record = &run.run;
    if let Intent::Stop { reason, .. } = &record.intent {
        return ended(view, record, RunState::Aborted, reason, now_unix_us);
    }
    let assigned = RunRecord {
        state: step(record.state, RunState::Assigned),
        epoch: view.epoch,
        t0_unix_us: Some(now_unix_us + view.settings.start_delay_us),
        text: String::new(),
        ..record.clone()
    };
    // Parts were chosen, and whoever did so got no further.
    if !run.parts.is_empty() {
        return vec![Action::UpdateRun(Box::new(assigned))];
    }
    match assign(plan, &pool.offers(scheme(plan))) {
        Ok(placements) => {
            pool.give(&placements);
            let parts: Vec<_> = (0..)
                .zip(&placements)
                .map(|(number, placement)| new_part(&record.id, number, placement))
                .collect();
            vec![Action::AddParts(parts), Action::UpdateRun(Box::new(assigned))]
        }
        // Agents need a moment to be known again after a new start of control.
        Err(refusal) => {
            let asked_unix_us = record.created_unix_us.max(view.lead_since_unix_us);
            if now_unix_us >= asked_unix_us + view.settings.placement_wait_us {
                return ended(view, record, RunState::Failed, &refusal.to_string(), now_unix_us);
            }
            let text = format!("waits for agents: {refusal}");
            let waiting = RunRecord { text, epoch: view.epoch, ..record.clone() };
            let is_new = waiting.text != record.text;
            if is_new { vec![Action::UpdateRun(Box::new(waiting))] } else { Vec::new() }
        }
    }
}

/// A run that ends without a report: nothing of it was sent.
pub(super) fn ended(
    view: &View,
    run: &RunRecord,
    state: RunState,
    text: &str,
    now_unix_us: u64,
) -> Vec<Action> {
    let kind = if state == RunState::Failed { "error" } else { "stop" };
    let event = EventRecord {
        run: run.id.clone(),
        at_unix_us: now_unix_us,
        kind: kind.into(),
        text: text.into(),
        ..EventRecord::default()
    };
    let run = RunRecord {
        state: step(run.state, state),
        epoch: view.epoch,
        ended_unix_us: Some(now_unix_us),
        text: text.into(),
        ..run.clone()
    };
    vec![Action::UpdateRun(Box::new(run)), Action::AddEvent(event)]
}

impl Case<'_> {
    /// Takes over what agents say about their parts.
    pub(super) fn observe(&self) -> Vec<Action> {
        let is_open =
            |part: &&PartRecord| part.lost_at_us.is_none() && part.state < PartState::Finished;
        let said = |part: &PartRecord| {
            let status = self.view.status(part)?;
            let is_news = status.state >= part.state && *status != part.status;
            let record =
                || PartRecord { state: status.state, status: status.clone(), ..part.clone() };
            is_news.then(record)
        };
        let parts: Vec<_> = self.run.parts.iter().filter(is_open).filter_map(said).collect();
        if parts.is_empty() { Vec::new() } else { vec![Action::UpdateParts(parts)] }
    }

    /// Stops a run that cannot go on.
    pub(super) fn give_up(&self, pool: &Pool<'_>) -> Vec<Action> {
        let state = self.run.run.state;
        if self.run.is_stopping() || state == RunState::Draining {
            return Vec::new();
        }
        let lost = self.run.parts.iter().find(|part| part.lost_at_us.is_some());
        let Some(lost) = lost else { return Vec::new() };
        if self.on_loss() == OnLoss::Abort {
            let reason = format!("agent `{}` was lost, and the plan says to stop then", lost.agent);
            return self.stop("loss", reason, String::new());
        }
        if self.run.parts.iter().any(|part| self.run.is_live(part)) || !self.is_stuck(pool) {
            return Vec::new();
        }
        match self.run.parts.iter().find(|part| part.state == PartState::Failed) {
            Some(failed) => {
                let status = &failed.status;
                let reason = format!("no engine is left: {}", status.text);
                let text = format!("{reason}\n{}", status.log_tail);
                self.stop("failure", reason, text.trim_end().into())
            }
            None => self.stop("loss", "no agent is left".into(), String::new()),
        }
    }

    /// Nothing runs: whether nothing will either.
    fn is_stuck(&self, pool: &Pool<'_>) -> bool {
        let is_open =
            |part: &&PartRecord| part.lost_at_us.is_some() && self.is_handed_over_at_all(part);
        let mut open = self.run.parts.iter().filter(is_open).peekable();
        if open.peek().is_none() {
            // What is left has finished, or others may not take it over: the run just ends.
            return self.run.parts.iter().all(|part| part.state == PartState::Failed);
        }
        let has_failed = self.run.parts.iter().any(|part| part.state == PartState::Failed);
        if self.is_start_in_doubt() {
            return true;
        }
        // An agent may yet come, as long as there is something left to send.
        self.has_no_candidate(pool) && (has_failed || self.clock.end_us.is_none())
    }

    /// Marks the state that the run has come to.
    pub(super) fn mark(&self) -> Vec<Action> {
        let parts = &self.run.parts;
        let is_ready = |part: &PartRecord| {
            matches!(part.state, PartState::Ready | PartState::Running | PartState::Finished)
        };
        let mut kept = parts.iter().filter(|part| part.lost_at_us.is_none()).peekable();
        let has_kept = kept.peek().is_some();
        let has_begun = self.now_us() >= -self.clock.warmup_us;
        let state = self.run.run.state;
        let next = if state != RunState::Draining && self.is_ending() {
            RunState::Draining
        } else if has_begun && state < RunState::Running && parts.iter().any(is_ready) {
            RunState::Running
        } else if state == RunState::Assigned && has_kept && kept.all(is_ready) {
            RunState::Ready
        } else {
            return Vec::new();
        };
        vec![Action::UpdateRun(Box::new(self.with_state(next)))]
    }

    /// Nothing new is sent.
    fn is_ending(&self) -> bool {
        let is_over = |part: &PartRecord| {
            !self.run.is_live(part)
                && (part.lost_at_us.is_none() || !self.is_handed_over_at_all(part))
        };
        self.run.is_stopping() || self.is_past_end() || self.run.parts.iter().all(is_over)
    }

    /// Closes the books of lost parts once it is known from where on others have their slots.
    pub(super) fn close(&self) -> Vec<Action> {
        let is_due = |part: &&PartRecord| {
            part.lost_at_us.is_some()
                && !self.run.is_closed(part)
                && (matches!(self.plan.schedule, Schedule::Closed { .. })
                    || !self.is_handed_over_at_all(part))
        };
        let close = |part: &PartRecord| {
            let heir = part.taken_over_by.first();
            let heir = heir.and_then(|heir| self.run.parts.iter().find(|part| part.part == *heir));
            Action::Lose {
                run: part.run.clone(),
                part: part.part.clone(),
                covered_from_us: heir.map(|heir| signed(heir.share.from_us)),
            }
        };
        self.run.parts.iter().filter(is_due).map(close).collect()
    }

    /// Ends the run once nothing more can come.
    pub(super) fn finish(&self) -> Vec<Action> {
        let is_settled = |part: &PartRecord| match part.lost_at_us {
            Some(_) => self.run.is_closed(part),
            None => {
                self.run.is_complete(part)
                    && (part.state >= PartState::Finished || self.is_end_unknown(part))
            }
        };
        let is_draining = self.run.run.state == RunState::Draining;
        if !is_draining || !self.run.parts.iter().all(is_settled) {
            return Vec::new();
        }
        let (state, text) = match &self.run.run.intent {
            Intent::Stop { kind, reason } if kind == "failure" => {
                (RunState::Failed, reason.clone())
            }
            Intent::Stop { reason, .. } => (RunState::Aborted, reason.clone()),
            Intent::Run if self.run.has_frames() => (RunState::Done, String::new()),
            Intent::Run => (RunState::Failed, "no agent has sent anything".into()),
        };
        let text = if self.run.run.text.is_empty() { text } else { self.run.run.text.clone() };
        if !self.run.has_frames() {
            return ended(self.view, &self.run.run, state, &text, self.now_unix_us);
        }
        let ended_unix_us = Some(self.now_unix_us);
        let run = RunRecord { text, ended_unix_us, ..self.with_state(state) };
        vec![Action::Finish(Box::new(run))]
    }

    /// All frames have come, but its agent will not say how its engine ended: it is silent, was
    /// started again and knows nothing of it, or has been waited for long enough.
    fn is_end_unknown(&self, part: &PartRecord) -> bool {
        let lease_us = self.view.settings.lease_us + self.view.settings.lease_margin_us;
        let is_silent = self.now_unix_us > self.heard_unix_us(part) + lease_us;
        let contact = self.view.contact(&part.agent);
        let has_spoken = contact.is_some_and(|contact| contact.status.is_some());
        let has_forgotten = has_spoken && self.view.status(part).is_none();
        is_silent || has_forgotten || self.is_patience_over()
    }
}
