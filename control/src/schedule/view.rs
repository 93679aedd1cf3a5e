//! Everything the reconciler looks at: what is stored, who is there, what was heard, what is written.

use super::{Offer, PartProgress, SchedulerSettings};
use crate::contacts::{AgentContact, Snapshot};
use crate::store::{Intent, PartRecord, RunRecord, RunState};
use acp_coord::Membership;
use acp_plan::Plan;
use acp_wire::agent::{Assignment, PartState, PartStatus};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Everything the reconciler looks at.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// Epoch of our leadership.
    pub epoch: u64,
    /// Since when we lead. Whoever led before may have answered agents up to then.
    pub lead_since_unix_us: u64,
    /// Settings.
    pub settings: SchedulerSettings,
    /// Runs that have not ended, oldest first.
    pub runs: Vec<RunView>,
    /// Who is registered.
    pub membership: Arc<Membership>,
    /// What agents said.
    pub contacts: Snapshot,
    /// Agents out of service.
    pub disabled: BTreeSet<String>,
    /// Rate per core, by agent and protocol.
    pub calibrations: BTreeMap<(String, String), f64>,
    /// What is written for each agent.
    pub assigned: BTreeMap<String, Assignment>,
}

/// A run and its parts.
#[derive(Clone, Debug)]
pub struct RunView {
    /// As stored.
    pub run: RunRecord,
    /// Its plan with its live changes, or why it cannot be run.
    pub plan: Result<Arc<Plan>, String>,
    /// Its parts, by number.
    pub parts: Vec<PartRecord>,
    /// How far their frames are.
    pub progress: BTreeMap<String, PartProgress>,
    /// Since when we have seen it draining.
    pub draining_since_unix_us: Option<u64>,
    /// Nothing is decided about it now: something that was decided could not be done.
    pub is_frozen: bool,
}

/// The time of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunClock {
    /// Unix time of run time 0: the start of the measured part.
    pub origin_unix_us: i64,
    /// Length of the warm-up before it.
    pub warmup_us: i64,
    /// End of its schedule, where it is known.
    pub end_us: Option<i64>,
}

impl RunClock {
    /// The time of a run that has a start. `plan` is its plan with its live changes, which move the
    /// moment at which a count is reached.
    #[must_use]
    pub fn new(run: &RunRecord, plan: &Plan) -> Option<Self> {
        let warmup_us = micros(plan.warmup_ns);
        let end_us = plan.duration_ns().map(micros);
        let origin_unix_us = signed(run.t0_unix_us?) + warmup_us;
        Some(Self { origin_unix_us, warmup_us, end_us })
    }

    /// Run time at a moment.
    #[must_use]
    pub fn at(&self, unix_us: u64) -> i64 {
        signed(unix_us) - self.origin_unix_us
    }

    /// The moment of a run time.
    #[must_use]
    pub fn unix_us(&self, at_us: i64) -> u64 {
        u64::try_from(self.origin_unix_us.saturating_add(at_us)).unwrap_or(0)
    }
}

fn micros(duration_ns: u64) -> i64 {
    signed(duration_ns / 1000)
}

pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

impl View {
    /// What is known of an agent.
    #[must_use]
    pub fn contact(&self, agent: &str) -> Option<&AgentContact> {
        self.contacts.agents.get(agent)
    }

    /// Parts that are to end, as far as it has been decided: their agents must not be answered without
    /// being told so.
    pub fn ending(&self) -> impl Iterator<Item = &PartRecord> {
        let placed = self.runs.iter().filter(|run| run.is_placed());
        placed.flat_map(|run| run.parts.iter().filter(|part| run.is_ending(part)))
    }

    /// When an agent was answered last. An agent that only another leader has answered counts as
    /// answered at the moment that we took over.
    #[must_use]
    pub fn heard_unix_us(&self, agent: &str) -> u64 {
        let heard = self.contact(agent).map_or(0, |contact| contact.heard_unix_us);
        heard.max(self.lead_since_unix_us)
    }

    /// What an agent said last about a part.
    #[must_use]
    pub fn status(&self, part: &PartRecord) -> Option<&PartStatus> {
        let status = self.contact(&part.agent)?.status.as_ref()?;
        status.parts.iter().find(|status| status.part == part.part)
    }

    /// What every registered agent offers, less what parts have.
    #[must_use]
    pub fn offers(&self, protocol: &str, now_unix_us: u64) -> Vec<Offer> {
        let taken = self.cores_taken();
        let offer = |(agent, info): (&String, _)| {
            let info: &acp_wire::agent::AgentInfo = info;
            let status = self.contact(agent).and_then(|contact| contact.status.as_ref());
            let is_leaving = status.is_some_and(|status| status.draining);
            let silent_us = now_unix_us.saturating_sub(self.heard_unix_us(agent));
            // An agent with parts talks every second; one that was told to end a part and has not
            // been heard of since may be about to be lost.
            let has_parts = taken.contains_key(agent.as_str());
            let window_us =
                if has_parts { self.settings.silence_us } else { self.settings.offer_window_us };
            let is_heard = silent_us <= window_us && !self.is_silent_since_told(agent);
            let rate = self.calibrations.get(&(agent.clone(), protocol.to_owned()));
            Offer {
                cores_free: info
                    .cores
                    .saturating_sub(taken.get(agent.as_str()).copied().unwrap_or(0)),
                is_open: !is_leaving && !self.disabled.contains(agent) && is_heard,
                rate_per_core: rate.copied().unwrap_or(self.settings.rate_per_core),
                info: info.clone(),
            }
        };
        self.membership.agents.iter().map(offer).collect()
    }

    fn is_silent_since_told(&self, agent: &str) -> bool {
        let is_silent = |contact: &AgentContact| {
            contact.ending.values().any(|told| *told >= contact.heard_unix_us)
        };
        self.contact(agent).is_some_and(is_silent)
    }

    /// Cores of each agent that parts have. Those of a lost part are free once its agent does not
    /// speak of a running engine any more.
    fn cores_taken(&self) -> BTreeMap<&str, u32> {
        let mut taken = BTreeMap::new();
        for part in self.runs.iter().flat_map(|run| &run.parts) {
            let is_live = match part.lost_at_us {
                None => part.state < PartState::Finished,
                Some(_) => {
                    self.status(part).is_some_and(|status| status.state < PartState::Finished)
                }
            };
            if is_live {
                *taken.entry(part.agent.as_str()).or_default() += part.cores;
            }
        }
        taken
    }
}

impl RunView {
    /// It is to stop.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.run.intent != Intent::Run
    }

    /// Agents have parts of it.
    #[must_use]
    pub fn is_placed(&self) -> bool {
        (RunState::Assigned..=RunState::Draining).contains(&self.run.state)
    }

    /// It has been decided that the part is to end.
    #[must_use]
    pub fn is_ending(&self, part: &PartRecord) -> bool {
        part.lost_at_us.is_some() || (self.is_stopping() && self.is_live(part))
    }

    /// Every frame of the part is stored.
    #[must_use]
    pub fn is_complete(&self, part: &PartRecord) -> bool {
        self.progress.get(&part.part).is_some_and(PartProgress::is_complete)
    }

    /// The books of the part, which was lost, are closed.
    #[must_use]
    pub fn is_closed(&self, part: &PartRecord) -> bool {
        self.progress.get(&part.part).is_some_and(|progress| progress.is_lost)
    }

    /// No frame of the part is taken any more.
    #[must_use]
    pub fn is_shut(&self, part: &PartRecord) -> bool {
        self.progress.get(&part.part).is_some_and(|progress| progress.is_shut)
    }

    /// An engine may send for this part.
    #[must_use]
    pub fn is_live(&self, part: &PartRecord) -> bool {
        part.lost_at_us.is_none() && part.state < PartState::Finished && !self.is_complete(part)
    }

    /// Frames of some part have come.
    #[must_use]
    pub fn has_frames(&self) -> bool {
        self.progress.values().any(|progress| progress.next > 0)
    }
}
