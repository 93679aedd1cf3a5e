//! What a leader keeps between two looks, so that it reads only what others may have changed.
//!
//! All of it can be read again: it is forgotten with the leadership, and what a failure has put in
//! doubt is forgotten at once.

use super::{IngestView, RunView, SchedulerSettings, View};
use crate::contacts::{Contacts, Snapshot};
use crate::ingest::changed_plan;
use crate::store::{PartRecord, RunRecord, RunState, Store};
use acp_coord::ControlSide;
use acp_plan::Plan;
use acp_wire::agent::Assignment;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use thiserror::Error;

/// Agents out of service and rates per core are read again after this.
const AGENTS_FRESH_US: u64 = 5_000_000;

/// Why a look, or something that it called for, came to nothing.
#[derive(Debug, Error)]
pub(super) enum Trouble {
    /// The store.
    #[error(transparent)]
    Store(#[from] crate::store::StoreError),
    /// The coordinator.
    #[error(transparent)]
    Coord(#[from] acp_coord::CoordError),
    /// The ingest.
    #[error(transparent)]
    Ingest(#[from] super::IngestFailure),
    /// Somebody else leads now.
    #[error("epoch {0} is over: somebody else leads")]
    Deposed(u64),
}

/// What a leader keeps.
#[derive(Default)]
pub(super) struct Memory {
    pub(super) epoch: u64,
    pub(super) lead_since_unix_us: u64,
    /// What is written for agents; none: to be read.
    pub(super) assigned: Option<BTreeMap<String, Assignment>>,
    /// Parts of runs; a run that is missing is to be read.
    pub(super) parts: BTreeMap<String, Vec<PartRecord>>,
    /// Runs about which nothing is decided in this turn.
    pub(super) frozen: BTreeSet<String>,
    /// Runs that cannot be looked at, which was said.
    stuck: BTreeSet<String>,
    /// Plans of runs, each with so many live changes.
    plans: BTreeMap<String, (usize, Result<Arc<Plan>, String>)>,
    draining_since: BTreeMap<String, u64>,
    disabled: BTreeSet<String>,
    pub(super) calibrations: BTreeMap<(String, String), f64>,
    agents_read_unix_us: Option<u64>,
    pub(super) agents_written_unix_us: u64,
}

impl Memory {
    pub(super) fn new(epoch: u64, now_unix_us: u64) -> Self {
        Self { epoch, lead_since_unix_us: now_unix_us, ..Self::default() }
    }

    /// Reads everything that is not known.
    pub(super) async fn view(
        &mut self,
        store: &dyn Store,
        coord: &dyn ControlSide,
        contacts: &Contacts,
        ingest: &dyn IngestView,
        settings: &SchedulerSettings,
        now_unix_us: u64,
    ) -> Result<View, Trouble> {
        let records = store.active_runs().await?;
        self.forget_ended(&records);
        contacts.forget_parts(|run| records.iter().any(|record| record.id == run));
        self.read_agents(store, &records, now_unix_us).await?;
        if self.assigned.is_none() {
            let assigned = coord.assigned().await?;
            for (agent, assignment) in &assigned {
                contacts.assigned(agent, assignment.revision);
            }
            self.assigned = Some(assigned);
        }
        let mut runs = Vec::with_capacity(records.len());
        for run in records {
            runs.push(self.run(store, ingest, run, now_unix_us).await?);
        }
        let view = View {
            epoch: self.epoch,
            lead_since_unix_us: self.lead_since_unix_us,
            settings: settings.clone(),
            runs,
            membership: Arc::clone(&coord.membership().borrow()),
            contacts: Snapshot::default(),
            disabled: self.disabled.clone(),
            calibrations: self.calibrations.clone(),
            assigned: self.assigned.clone().unwrap_or_default(),
        };
        // Whoever led before may have decided it: nobody is answered before agents are told.
        for part in view.ending() {
            contacts.end(&part.agent, std::slice::from_ref(&part.part));
        }
        contacts.open();
        Ok(View { contacts: contacts.snapshot(), ..view })
    }

    fn forget_ended(&mut self, records: &[RunRecord]) {
        let active: BTreeSet<_> = records.iter().map(|run| run.id.as_str()).collect();
        self.parts.retain(|run, _| active.contains(run.as_str()));
        self.draining_since.retain(|run, _| active.contains(run.as_str()));
        self.plans.retain(|run, _| active.contains(run.as_str()));
        self.stuck.retain(|run| active.contains(run.as_str()));
    }

    async fn read_agents(
        &mut self,
        store: &dyn Store,
        records: &[RunRecord],
        now_unix_us: u64,
    ) -> Result<(), Trouble> {
        let is_stale =
            self.agents_read_unix_us.is_none_or(|read| now_unix_us > read + AGENTS_FRESH_US);
        let is_wanted = records.iter().any(|run| run.state == RunState::Pending);
        if !is_stale && !is_wanted {
            return Ok(());
        }
        let agents = store.agents().await?;
        let disabled = agents.iter().filter(|agent| !agent.is_enabled);
        self.disabled = disabled.map(|agent| agent.info.agent.clone()).collect();
        let calibrations = store.calibrations().await?.into_iter();
        self.calibrations = calibrations
            .map(|found| ((found.agent, found.protocol), found.rate_per_core))
            .collect();
        self.agents_read_unix_us = Some(now_unix_us);
        Ok(())
    }

    async fn run(
        &mut self,
        store: &dyn Store,
        ingest: &dyn IngestView,
        run: RunRecord,
        now_unix_us: u64,
    ) -> Result<RunView, Trouble> {
        let plan = self.plan(&run);
        if !self.parts.contains_key(&run.id) {
            self.parts.insert(run.id.clone(), store.parts(&run.id).await?);
        }
        let parts = self.parts.get(&run.id).cloned().unwrap_or_default();
        // A run that has no start has no frames, whatever parts were chosen for it.
        let progress = match run.t0_unix_us {
            _ if run.epoch > self.epoch => Err(Trouble::Deposed(self.epoch)),
            Some(_) => ingest.progress(&run.id, &parts).await.map_err(Trouble::from),
            None => Ok(Vec::new()),
        };
        let progress = self.freeze_without(&run.id, progress);
        let draining_since_unix_us = (run.state == RunState::Draining)
            .then(|| *self.draining_since.entry(run.id.clone()).or_insert(now_unix_us));
        Ok(RunView {
            plan,
            parts,
            progress: progress.into_iter().map(|part| (part.part.clone(), part)).collect(),
            draining_since_unix_us,
            is_frozen: self.frozen.contains(&run.id),
            run,
        })
    }

    /// A run that cannot be looked at does not hold up the others: it is frozen, which is said once.
    fn freeze_without<T: Default>(&mut self, run: &str, found: Result<T, Trouble>) -> T {
        match found {
            Ok(found) => {
                self.stuck.remove(run);
                found
            }
            Err(trouble) => {
                if self.stuck.insert(run.to_owned()) {
                    tracing::warn!(run, %trouble, "the run waits; others go on");
                }
                self.frozen.insert(run.to_owned());
                T::default()
            }
        }
    }

    /// The plan of a run with its live changes.
    fn plan(&mut self, run: &RunRecord) -> Result<Arc<Plan>, String> {
        let known = self.plans.get(&run.id).filter(|(changes, _)| *changes == run.changes.len());
        if let Some((_, plan)) = known {
            return plan.clone();
        }
        let plan = changed_plan(run).map(Arc::new).map_err(|error| error.to_string());
        self.plans.insert(run.id.clone(), (run.changes.len(), plan.clone()));
        plan
    }

    /// Keeps new and changed parts of a run whose parts are known.
    pub(super) fn keep(&mut self, parts: &[PartRecord]) {
        for part in parts {
            let Some(known) = self.parts.get_mut(&part.run) else { continue };
            match known.iter_mut().find(|known| known.number == part.number) {
                Some(known) => *known = part.clone(),
                None => known.push(part.clone()),
            }
        }
    }
}
