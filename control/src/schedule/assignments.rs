//! What is to be written for agents: the parts of all runs, by agent.

use super::{Action, RunView, View};
use crate::store::PartRecord;
use acp_wire::agent::{ASSIGNMENT_SCHEMA, Assignment, Part, PartState};
use std::collections::BTreeMap;

/// Agents that have nothing to do and were silent for so long are forgotten.
const FORGET_AFTER_US: u64 = 600_000_000;

/// Writes assignments that differ from what is written, and forgets those of agents that are gone.
pub(super) fn write(view: &View, now_unix_us: u64) -> Vec<Action> {
    let mut wanted = wanted(view);
    let mut batch = Vec::new();
    for (agent, written) in &view.assigned {
        let parts = wanted.remove(agent.as_str()).unwrap_or_default();
        let is_other_control = written.control != view.settings.control
            && (!parts.is_empty() || view.membership.agents.contains_key(agent));
        if written.parts != parts || is_other_control {
            batch.push((agent.clone(), assignment(view, agent, parts, now_unix_us)));
        }
    }
    for (agent, parts) in wanted {
        batch.push((agent.into(), assignment(view, agent, parts, now_unix_us)));
    }
    if !batch.is_empty() {
        return vec![Action::Assign(batch)];
    }
    let gone = gone(view, now_unix_us);
    if gone.is_empty() { Vec::new() } else { vec![Action::Forget(gone)] }
}

/// Parts that agents should be running, by agent.
fn wanted(view: &View) -> BTreeMap<&str, Vec<Part>> {
    let mut wanted: BTreeMap<&str, Vec<Part>> = BTreeMap::new();
    for run in view.runs.iter().filter(|run| run.is_placed()) {
        for part in run.parts.iter().filter(|part| is_wanted(run, part)) {
            wanted.entry(&part.agent).or_default().push(part_of(run, part));
        }
    }
    wanted
}

/// A part stays until all of its frames are stored, so that its agent knows that they are wanted.
fn is_wanted(run: &RunView, part: &PartRecord) -> bool {
    let is_over = part.state == PartState::Finished && run.is_complete(part);
    part.lost_at_us.is_none() && part.state != PartState::Failed && !is_over
}

fn part_of(run: &RunView, part: &PartRecord) -> Part {
    let record = &run.run;
    Part {
        part: part.part.clone(),
        run: part.run.clone(),
        plan: record.plan_hash.clone(),
        t0_unix_us: record.t0_unix_us.unwrap_or(0),
        share: part.share,
        cores: part.cores,
        changes: record.changes.last().map_or(0, |change| change.number),
        change: record.changes.last().cloned(),
        stop: run.is_stopping(),
    }
}

/// Revisions grow over leaders, and over a coordinator that has lost what was written: they are at
/// least the time in milliseconds.
fn assignment(view: &View, agent: &str, parts: Vec<Part>, now_unix_us: u64) -> Assignment {
    let written = view.assigned.get(agent).map_or(0, |written| written.revision);
    let contact = view.contact(agent);
    let known = contact.and_then(|contact| contact.status.as_ref()).map_or(0, |s| s.revision);
    Assignment {
        schema: ASSIGNMENT_SCHEMA.into(),
        epoch: view.epoch,
        revision: (written.max(known) + 1).max(now_unix_us / 1000),
        control: view.settings.control.clone(),
        parts,
    }
}

fn gone(view: &View, now_unix_us: u64) -> Vec<String> {
    let is_gone = |(agent, written): &(&String, &Assignment)| {
        written.parts.is_empty()
            && view.membership.is_current
            && !view.membership.agents.contains_key(*agent)
            && now_unix_us > view.heard_unix_us(agent) + FORGET_AFTER_US
    };
    view.assigned.iter().filter(is_gone).map(|(agent, _)| agent.clone()).collect()
}
