//! The scheduler at work: looks, reconciles and does what is to be done, while its control leads.

use super::memory::{Memory, Trouble};
use super::{Action, IngestView, SchedulerSettings, calibration, reconcile};
use crate::clock::Clock;
use crate::contacts::Contacts;
use crate::store::{EventRecord, RunRecord, Store};
use acp_coord::{ControlSide, CoordError};
use acp_wire::agent::Assignment;
use acp_wire::report::Event;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

/// Looks in one turn, at the most: each does what the one before has called for.
const LOOKS_MAX: usize = 32;
/// Events read at once.
const EVENTS_PAGE: u32 = 1000;
/// Between two writes of who was heard of.
const AGENTS_WRITTEN_US: u64 = 5_000_000;
/// Between two turns.
const TURN: Duration = Duration::from_secs(1);

/// The scheduler of one control.
pub struct Scheduler {
    store: Arc<dyn Store>,
    coord: Arc<dyn ControlSide>,
    contacts: Arc<Contacts>,
    ingest: Arc<dyn IngestView>,
    clock: Clock,
    settings: SchedulerSettings,
    memory: Memory,
}

impl Scheduler {
    /// A scheduler that has not looked yet.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store>,
        coord: Arc<dyn ControlSide>,
        contacts: Arc<Contacts>,
        ingest: Arc<dyn IngestView>,
        clock: Clock,
        settings: SchedulerSettings,
    ) -> Self {
        let memory = Memory::default();
        Self { store, coord, contacts, ingest, clock, settings, memory }
    }

    /// Works until `stop`: every second, when nudged, and when the leadership changes.
    pub async fn run(mut self, nudge: Arc<Notify>, stop: CancellationToken) {
        let mut leadership = self.coord.leadership();
        let mut turns = tokio::time::interval(TURN);
        turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let epoch = leadership.borrow_and_update().epoch();
            if epoch.is_none() {
                self.contacts.close();
                self.ingest.lead(None);
                self.memory = Memory::default();
            }
            let turn = async {
                if let Some(epoch) = epoch {
                    self.turn(epoch).await;
                }
                tokio::select! {
                    () = nudge.notified() => {}
                    _ = turns.tick() => {}
                }
            };
            // A turn that is cut short is like one that was killed: another goes on from there.
            tokio::select! {
                () = stop.cancelled() => return,
                changed = leadership.changed() => if changed.is_err() { return },
                () = turn => {}
            }
        }
    }

    /// Does everything that is to be done now.
    async fn turn(&mut self, epoch: u64) {
        if self.memory.epoch != epoch {
            self.contacts.close();
            self.ingest.lead(Some(epoch));
            self.memory = Memory::new(epoch, self.clock.now_unix_us());
            tracing::info!(epoch, "leading");
        }
        self.memory.frozen.clear();
        for _ in 0..LOOKS_MAX {
            match self.look().await {
                Ok(true) => {}
                Ok(false) => break,
                Err(trouble) => {
                    tracing::warn!(epoch, %trouble, "the scheduler tries again");
                    self.memory.parts.clear();
                    self.memory.assigned = None;
                    return;
                }
            }
        }
        if let Err(trouble) = self.write_agents().await {
            tracing::warn!(%trouble, "agents that were heard of are not written");
        }
    }

    /// Looks once and does what is to be done first; whether there was anything.
    async fn look(&mut self) -> Result<bool, Trouble> {
        let now_unix_us = self.clock.now_unix_us();
        let (store, coord) = (self.store.as_ref(), self.coord.as_ref());
        let (contacts, ingest) = (self.contacts.as_ref(), self.ingest.as_ref());
        let memory = &mut self.memory;
        let view = memory.view(store, coord, contacts, ingest, &self.settings, now_unix_us).await?;
        let actions = reconcile(&view, now_unix_us);
        let is_any = !actions.is_empty();
        for action in actions {
            let run = run_of(&action).map(str::to_owned);
            if run.as_ref().is_some_and(|run| self.memory.frozen.contains(run)) {
                continue;
            }
            self.check_leadership()?;
            let Err(trouble) = self.act(action).await else { continue };
            // One run that cannot go on does not hold up the others.
            match run {
                Some(run) if !matches!(trouble, Trouble::Deposed(_) | Trouble::Coord(_)) => {
                    tracing::warn!(run, %trouble, "the run waits");
                    self.memory.parts.remove(&run);
                    self.memory.frozen.insert(run);
                }
                _ => return Err(trouble),
            }
        }
        Ok(is_any)
    }

    /// Whoever does not lead any more does nothing more.
    fn check_leadership(&self) -> Result<(), Trouble> {
        let epoch = self.coord.leadership().borrow().epoch();
        let is_ours = epoch == Some(self.memory.epoch);
        if is_ours { Ok(()) } else { Err(Trouble::Deposed(self.memory.epoch)) }
    }

    async fn act(&mut self, action: Action) -> Result<(), Trouble> {
        match action {
            Action::End { agent, parts } => self.contacts.end(&agent, &parts),
            Action::Shut { run, parts } => self.ingest.shut(&run, &parts).await?,
            Action::AddParts(parts) => {
                self.store.add_parts(&parts).await?;
                self.memory.keep(&parts);
            }
            Action::UpdateParts(parts) => {
                self.store.update_parts(&parts).await?;
                self.memory.keep(&parts);
            }
            Action::UpdateRun(run) => self.store.update_run(&run).await?,
            Action::AddEvent(event) => self.store.add_event(&event).await?,
            Action::Assign(batch) => self.assign(batch).await?,
            Action::Forget(agents) => {
                self.coord.forget(self.memory.epoch, &agents).await?;
                for agent in &agents {
                    self.contacts.forget(agent);
                    self.memory.assigned.as_mut().map(|assigned| assigned.remove(agent));
                }
            }
            Action::Lose { run, part, covered_from_us } => {
                self.lose(&run, &part, covered_from_us).await?;
            }
            Action::Finish(run) => self.finish(*run).await?,
        }
        Ok(())
    }

    async fn assign(&mut self, batch: Vec<(String, Assignment)>) -> Result<(), Trouble> {
        self.coord.assign(self.memory.epoch, &batch).await.map_err(|error| match error {
            CoordError::StaleLeader { epoch } => Trouble::Deposed(epoch),
            other => Trouble::Coord(other),
        })?;
        for (agent, assignment) in batch {
            self.contacts.assigned(&agent, assignment.revision);
            self.memory.assigned.get_or_insert_default().insert(agent, assignment);
        }
        Ok(())
    }

    async fn lose(
        &self,
        run: &str,
        part: &str,
        covered_from_us: Option<i64>,
    ) -> Result<(), Trouble> {
        let parts = self.memory.parts.get(run).map(Vec::as_slice).unwrap_or_default();
        let part = parts.iter().find(|known| known.part == part);
        if let (Some(run), Some(part)) = (self.store.run(run).await?, part) {
            self.ingest.lose(&run, part, covered_from_us).await?;
        }
        Ok(())
    }

    /// The report first, then the end of the run: a kill in between makes the report once more.
    async fn finish(&self, mut run: RunRecord) -> Result<(), Trouble> {
        let parts = self.store.parts(&run.id).await?;
        let events = self.events(&run.id).await?;
        let report = self.ingest.finish(&run, &parts, events).await?;
        self.store.put_report(&run.id, &report).await?;
        run.verdict = Some(report.verdict.state.name().into());
        run.spark = acp_report::spark(&report);
        self.store.update_run(&run).await?;
        let Ok(plan) = acp_plan::compile(&run.plan) else { return Ok(()) };
        let at_unix_us = self.clock.now_unix_us();
        let known = &self.memory.calibrations;
        for found in calibration::learn(&plan, &parts, &report, known, at_unix_us) {
            self.store.put_calibration(&found).await?;
        }
        Ok(())
    }

    /// Everything that happened to a run.
    async fn events(&self, run: &str) -> Result<Vec<Event>, Trouble> {
        let (mut events, mut after) = (Vec::new(), -1);
        loop {
            let page = self.store.events_after(run, after, EVENTS_PAGE).await?;
            let Some(last) = page.last() else { return Ok(events) };
            after = last.number;
            events.extend(page.into_iter().map(event));
        }
    }

    async fn write_agents(&mut self) -> Result<(), Trouble> {
        let now_unix_us = self.clock.now_unix_us();
        if now_unix_us < self.memory.agents_written_unix_us + AGENTS_WRITTEN_US {
            return Ok(());
        }
        self.memory.agents_written_unix_us = now_unix_us;
        let fresh = self.contacts.take_fresh();
        if !fresh.is_empty() {
            self.store.put_agents(&fresh).await?;
        }
        Ok(())
    }
}

fn event(record: EventRecord) -> Event {
    Event { at_us: record.at_us.unwrap_or(0), kind: record.kind, text: record.text }
}

/// The run that an action is about, where it is about one.
fn run_of(action: &Action) -> Option<&str> {
    match action {
        Action::AddParts(parts) | Action::UpdateParts(parts) => {
            parts.first().map(|part| part.run.as_str())
        }
        Action::UpdateRun(run) | Action::Finish(run) => Some(&run.id),
        Action::AddEvent(event) => Some(&event.run),
        Action::Lose { run, .. } | Action::Shut { run, .. } => Some(run),
        Action::End { .. } | Action::Assign(_) | Action::Forget(_) => None,
    }
}
