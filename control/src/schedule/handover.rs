//! Giving the shares of lost parts to agents that are well.

use super::assign::{is_match, scheme};
use super::case::Case;
use super::pool::Pool;
use super::view::signed;
use super::{Action, Placement, Survivor, take_over};
use crate::store::{PartRecord, RunState};
use acp_plan::Schedule;
use acp_wire::agent::{PartState, PartStatus};
use acp_wire::plan::OnLoss;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// Survivors that a lost part is cut for, at the most: each starts an engine.
const MAX_SURVIVORS: usize = 4;

/// Agents that can take a share over: free cores first, most of them first, then those that have the
/// fewest parts of the run. Agents without a free core do with those of their parts.
type Candidates = BTreeSet<(Reverse<u32>, u32, String)>;

impl Case<'_> {
    /// Gives lost parts to others where the plan says so and others are there.
    pub(super) fn hand_over(&self, pool: &mut Pool<'_>) -> Vec<Action> {
        let lost: Vec<_> =
            self.run.parts.iter().filter(|part| self.is_free_to_take(part)).collect();
        if lost.is_empty() {
            return Vec::new();
        }
        let mut candidates = self.candidates(pool);
        let width = (candidates.len() / lost.len()).clamp(1, MAX_SURVIVORS);
        let (mut new, mut marked, mut texts) = (Vec::new(), Vec::new(), Vec::new());
        let mut number = self.run.parts.iter().map(|part| part.number + 1).max().unwrap_or(0);
        for part in lost {
            let Some(from_us) = self.takeover_us(part) else { continue };
            let survivors = choose(&mut candidates, part, width);
            let placements = take_over(&part.share, from_us, self.slots_taken(part), &survivors);
            if placements.is_empty() {
                continue;
            }
            pool.give(&placements);
            let taken: Vec<_> = (number..)
                .zip(&placements)
                .map(|(number, placement)| new_part(&part.run, number, placement))
                .collect();
            number += u32::try_from(taken.len()).unwrap_or(u32::MAX);
            let taken_over_by = taken.iter().map(|part| part.part.clone()).collect();
            marked.push(PartRecord { taken_over_by, ..part.clone() });
            texts.push(handover_text(part, from_us, &placements));
            new.extend(taken);
        }
        if new.is_empty() {
            return Vec::new();
        }
        let mut actions = vec![Action::AddParts(new), Action::UpdateParts(marked)];
        actions.extend(self.events("agent_took_over", &texts));
        actions
    }

    /// Whether a lost part may yet be taken over.
    pub(super) fn is_handed_over_at_all(&self, part: &PartRecord) -> bool {
        self.on_loss() == OnLoss::Reassign
            && !self.run.is_stopping()
            && (RunState::Assigned..=RunState::Running).contains(&self.run.run.state)
            && part.state != PartState::Finished
            && part.taken_over_by.is_empty()
            && !self.is_past_end()
    }

    /// Whether somebody may take the part over now.
    fn is_free_to_take(&self, part: &PartRecord) -> bool {
        let is_free = part.lost_at_us.is_some() && self.is_handed_over_at_all(part);
        match self.plan.schedule {
            Schedule::Open { .. } => is_free && !self.is_start_in_doubt(),
            // Nothing but their number tells requests of a closed loop apart: the new part may begin
            // only when the old one has ended for certain, and the number that it took is known.
            Schedule::Closed { .. } => {
                let has_ended =
                    part.lost_at_us.is_some_and(|lost_at_us| self.now_us() >= lost_at_us);
                is_free && has_ended && self.run.is_closed(part)
            }
        }
    }

    /// Engines failed before any was ready: it is perhaps the plan, and no agent would do better.
    pub(super) fn is_start_in_doubt(&self) -> bool {
        let parts = &self.run.parts;
        let is_ready = |part: &PartRecord| {
            matches!(part.state, PartState::Ready | PartState::Running | PartState::Finished)
        };
        self.run.run.state < RunState::Running
            && parts.iter().any(|part| part.state == PartState::Failed)
            && !parts.iter().any(is_ready)
    }

    /// From where on others send what the part has lost: not before its engine has ended for
    /// certain, and not before another can be there. Rounded up to a millisecond. A schedule that
    /// has not begun by then is taken over as a whole; one that has, without the rest of its
    /// warm-up. None: after its end.
    fn takeover_us(&self, part: &PartRecord) -> Option<u64> {
        let soon_us = self.clock.at(self.now_unix_us + self.view.settings.takeover_delay_us);
        let at_us = soon_us.max(part.lost_at_us?);
        if at_us <= -self.clock.warmup_us {
            return Some(part.share.from_us);
        }
        let tick_us = u64::try_from(at_us).unwrap_or(0).div_ceil(1000).max(1) * 1000;
        let from_us = tick_us.max(part.share.from_us);
        let is_in_time = self.clock.end_us.is_none_or(|end_us| signed(from_us) < end_us);
        is_in_time.then_some(from_us)
    }

    /// Own slots that a lost part has taken, where slots are counted and not timed.
    fn slots_taken(&self, part: &PartRecord) -> u64 {
        match self.plan.schedule {
            Schedule::Closed { requests: Some(_), .. } => {
                self.run.progress.get(&part.part).map_or(0, |progress| progress.planned)
            }
            _ => 0,
        }
    }

    /// Agents that can take a share over. An agent on which an engine of the run failed is none.
    fn candidates(&self, pool: &Pool<'_>) -> Candidates {
        let wanted = self.wanted();
        let most = if wanted.per_agent_max == 0 { u32::MAX } else { wanted.per_agent_max };
        let mut load: BTreeMap<&str, (u32, u32)> = BTreeMap::new();
        for part in self.run.parts.iter().filter(|part| self.run.is_live(part)) {
            let (parts, cores) = load.entry(&part.agent).or_default();
            *parts += 1;
            *cores += part.cores;
        }
        let failed = self.run.parts.iter().filter(|part| part.state == PartState::Failed);
        let failed: BTreeSet<_> = failed.map(|part| part.agent.as_str()).collect();
        let offers = pool.offers(scheme(self.plan)).into_iter().filter(|offer| {
            offer.is_open
                && is_match(self.plan, &wanted, &offer.info)
                && !failed.contains(offer.info.agent.as_str())
        });
        let candidate = |offer: super::Offer| {
            let agent = offer.info.agent;
            let (parts, cores) = load.get(agent.as_str()).copied().unwrap_or((0, 0));
            let free = offer.cores_free.min(most.saturating_sub(cores));
            (free > 0 || cores > 0).then_some((Reverse(free), parts, agent))
        };
        offers.filter_map(candidate).collect()
    }

    /// Whether nobody can take over what is lost.
    pub(super) fn has_no_candidate(&self, pool: &Pool<'_>) -> bool {
        self.candidates(pool).is_empty()
    }
}

/// The next survivors for a part; they go back among the candidates with what they have left.
fn choose(candidates: &mut Candidates, part: &PartRecord, width: usize) -> Vec<Survivor> {
    let width = width.min(part.share.connections as usize).min(candidates.len());
    let chosen: Vec<_> = (0..width).filter_map(|_| candidates.pop_first()).collect();
    let parts = u32::try_from(chosen.len()).unwrap_or(u32::MAX).max(1);
    // No more cores than connections, or a shard would have none.
    let each = part.cores.max(1).div_ceil(parts).min((part.share.connections / parts).max(1));
    let mut survivors = Vec::with_capacity(chosen.len());
    for (Reverse(free), load, agent) in chosen {
        let cores = free.min(each);
        candidates.insert((Reverse(free - cores), load + 1, agent.clone()));
        survivors.push(Survivor { agent, cores });
    }
    survivors
}

/// The record of a part that nobody has begun.
pub(super) fn new_part(run: &str, number: u32, placement: &Placement) -> PartRecord {
    let part = format!("{run}.{number}");
    PartRecord {
        status: PartStatus { part: part.clone(), run: run.into(), ..PartStatus::default() },
        part,
        run: run.into(),
        number,
        agent: placement.agent.clone(),
        share: placement.share,
        cores: placement.cores,
        state: PartState::Starting,
        lost_at_us: None,
        taken_over_by: Vec::new(),
        stored: 0,
        sums: String::new(),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a moment for people")]
fn handover_text(part: &PartRecord, from_us: u64, placements: &[Placement]) -> String {
    let agents: Vec<_> = placements.iter().map(|new| format!("`{}`", new.agent)).collect();
    format!(
        "{} took over part {} of agent `{}`, from {:.3} s on",
        agents.join(", "),
        part.number,
        part.agent,
        from_us as f64 / 1e6
    )
}
