//! Parts that are lost: when, what of them may have been sent, and who takes them over.
//!
//! A part is lost when its engine failed, when its agent's lease is over, or when its agent is not
//! registered any more and silent. First its agent is told, with every answer, to end it; from then on
//! no answer renews the lease of its engine, and the last one before that fixes the fence: the
//! moment from which the old engine cannot send. Only then the part is marked as lost and given to
//! others, from the fence or a delay from now on, whatever is later. An agent that comes back finds
//! the part gone from its assignment; no part is ever given out twice.

use super::Action;
use super::case::Case;
use super::takeover::is_within;
use super::view::signed;
use crate::store::PartRecord;
use acp_wire::agent::{PartState, PartStatus};
use std::collections::BTreeMap;

impl Case<'_> {
    /// Tells agents which parts are to end, and takes no more frames of those that are lost, before
    /// anything is decided about them.
    pub(super) fn tell(&self) -> Vec<Action> {
        let mut ending: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        let mut shut = Vec::new();
        for part in &self.run.parts {
            let is_given_up = self.is_given_up(part);
            if (is_given_up || self.run.is_ending(part)) && !self.is_told_to_end(part) {
                ending.entry(&part.agent).or_default().push(part.part.clone());
            }
            if is_given_up && !self.run.is_shut(part) {
                shut.push(part.part.clone());
            }
        }
        let end = |(agent, parts): (&str, _)| Action::End { agent: agent.into(), parts };
        let end = ending.into_iter().map(end);
        let run = self.run.run.id.clone();
        let shut = (!shut.is_empty()).then_some(Action::Shut { run, parts: shut });
        end.chain(shut).collect()
    }

    /// Marks parts as lost that are.
    pub(super) fn lose(&self) -> Vec<Action> {
        let (mut lost, mut failures, mut losses) = (Vec::new(), Vec::new(), Vec::new());
        for part in self.run.parts.iter().filter(|part| self.is_given_up(part)) {
            let why = self.loss(part);
            let why = why.unwrap_or_else(|| format!("agent `{}` was out of reach", part.agent));
            let lost_at_us = self.clock.at(self.fence_unix_us(part));
            let lost_at_us = lost_at_us.min(self.clock.end_us.unwrap_or(i64::MAX));
            lost.push(PartRecord { lost_at_us: Some(lost_at_us), ..part.clone() });
            let is_failure = part.state == PartState::Failed;
            let texts = if is_failure { &mut failures } else { &mut losses };
            texts.push(format!("{why} (part {})", part.number));
        }
        if lost.is_empty() {
            return Vec::new();
        }
        let mut actions = vec![Action::UpdateParts(lost)];
        actions.extend(self.events("error", &failures));
        actions.extend(self.events("agent_lost", &losses));
        actions
    }

    /// A part that is lost and not marked yet. Once no frame of it is taken there is no way back,
    /// though its agent is heard of again.
    fn is_given_up(&self, part: &PartRecord) -> bool {
        let is_open = part.lost_at_us.is_none() && !self.run.is_complete(part);
        is_open && (self.run.is_shut(part) || self.loss(part).is_some())
    }

    /// Why a part that is not marked yet is lost.
    fn loss(&self, part: &PartRecord) -> Option<String> {
        if part.lost_at_us.is_some() || self.run.is_complete(part) {
            return None;
        }
        let agent = &part.agent;
        let settings = &self.view.settings;
        let silent_us = self.now_unix_us.saturating_sub(self.heard_unix_us(part));
        let membership = &self.view.membership;
        let is_gone = membership.is_current && !membership.agents.contains_key(agent);
        if part.state == PartState::Failed {
            let text = &part.status.text;
            Some(format!("the engine of agent `{agent}` failed: {text}"))
        } else if is_gone && silent_us > settings.silence_us {
            Some(format!("agent `{agent}` is gone"))
        } else if silent_us > settings.lease_us + settings.lease_margin_us {
            let silent_s = silent_us / 1_000_000;
            Some(format!("agent `{agent}` has not been heard of for {silent_s} s"))
        } else {
            self.delay(part)
        }
    }

    /// Why a part is given up whose agent is there.
    fn delay(&self, part: &PartRecord) -> Option<String> {
        let agent = &part.agent;
        let settings = &self.view.settings;
        let from_us = signed(part.share.from_us).max(-self.clock.warmup_us);
        let start_unix_us = self.clock.unix_us(from_us).max(self.view.lead_since_unix_us);
        let is_late = self.now_unix_us > start_unix_us + settings.start_timeout_us;
        if part.state == PartState::Starting && is_late {
            let late_s = settings.start_timeout_us / 1_000_000;
            return Some(format!("the engine of agent `{agent}` was not ready in {late_s} s"));
        }
        if self.run.is_stopping() && self.is_unknown_to_agent(part) {
            return Some(format!("agent `{agent}` never started the engine"));
        }
        let patience_s = self.drain_patience_us() / 1_000_000;
        let why = || format!("agent `{agent}` did not end in {patience_s} s");
        self.is_patience_over().then(why)
    }

    /// How long parts may take to end: responses may take as long as the plan lets them.
    fn drain_patience_us(&self) -> u64 {
        self.view.settings.drain_timeout_us + self.plan.timeout_ns / 1000
    }

    /// The run has been ending for too long.
    pub(super) fn is_patience_over(&self) -> bool {
        let draining = self.run.draining_since_unix_us;
        draining.is_some_and(|since| self.now_unix_us > since + self.drain_patience_us())
    }

    /// A part that was to stop before its agent had seen it: it will never have a last frame.
    fn is_unknown_to_agent(&self, part: &PartRecord) -> bool {
        let status = self.view.contact(&part.agent).and_then(|contact| contact.status.as_ref());
        let Some(status) = status else { return false };
        let is_newest = self.view.assigned.get(&part.agent).is_none_or(|written| {
            written.parts.iter().all(|other| other.part != part.part || other.stop)
                && status.revision >= written.revision
        });
        let has_none = self.run.progress.get(&part.part).is_none_or(|progress| progress.next == 0);
        let never_ran =
            |status: &PartStatus| status.state == PartState::Finished && status.books.is_none();
        is_newest && has_none && self.view.status(part).is_none_or(never_ran)
    }

    /// Finds parts that were added for a lost one before it was marked as taken over.
    pub(super) fn adopt(&self) -> Vec<Action> {
        let is_open =
            |part: &&PartRecord| part.lost_at_us.is_some() && part.taken_over_by.is_empty();
        let adopted = self.run.parts.iter().filter(is_open).filter_map(|lost| {
            let is_child = |part: &&PartRecord| {
                part.number > lost.number && is_within(&part.share, &lost.share)
            };
            let taken_over_by: Vec<_> =
                self.run.parts.iter().filter(is_child).map(|part| part.part.clone()).collect();
            let record = PartRecord { taken_over_by, ..lost.clone() };
            (!record.taken_over_by.is_empty()).then_some(record)
        });
        let adopted: Vec<_> = adopted.collect();
        if adopted.is_empty() { Vec::new() } else { vec![Action::UpdateParts(adopted)] }
    }
}
