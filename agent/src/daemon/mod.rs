//! The daemon: one task that owns all state, and takes one event after the other. It never waits for
//! the network or an engine: both answer by events.

mod entry;
mod leave;
mod never;
mod parts;
mod reach;
mod start;
mod talk;

use crate::AgentError;
use crate::addresses::Addresses;
use crate::client::Client;
use crate::clock::{ClockOffset, Now, micros};
use crate::cores::Cores;
use crate::engine::{Cause, News};
use crate::lease::Lease;
use crate::membership::Word;
use crate::metrics::Snapshot;
use crate::plans::Plans;
use crate::records::PartFolder;
use crate::settings::Settings;
use crate::spool::Budget;
use crate::steps::Phase;
use acp_coord::{AgentSide, SessionState};
use acp_monitor::Sampler;
use acp_wire::agent::{AgentInfo, Assignment, HostSample};
use entry::Entry;
use leave::Leaving;
use never::Never;
use parts::Fetched;
use std::collections::BTreeMap;
use std::sync::Arc;
use talk::{Answer, Talk};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

/// Events that wait. Engines say one thing a second each.
const EVENTS: usize = 1024;

/// Something that happened outside of the daemon.
#[derive(Debug)]
enum Event {
    /// Control answered, or did not.
    Answered(Box<Answer>),
    /// A plan or the changes of a run are here, or are not.
    Fetched(Fetched),
}

/// All state of a running agent.
pub(crate) struct Daemon {
    settings: Settings,
    info: AgentInfo,
    cores: Cores,
    client: Client,
    coordinator: Arc<dyn AgentSide>,
    plans: Plans,
    budget: Budget,
    sampler: Sampler,
    host: Option<HostSample>,
    clock: ClockOffset,
    lease: Lease,
    addresses: Addresses,
    assignment: Option<Arc<Assignment>>,
    is_registered: bool,
    entries: BTreeMap<String, Entry>,
    never: Never,
    talk: Talk,
    leaving: Leaving,
    snapshot: watch::Sender<Snapshot>,
    events: mpsc::Sender<Event>,
    events_received: Option<mpsc::Receiver<Event>>,
    news: mpsc::Sender<(String, News)>,
    news_received: Option<mpsc::Receiver<(String, News)>>,
}

impl Daemon {
    /// Opens the state folder with what an agent before this one left in it.
    pub(crate) fn open(
        settings: Settings,
        info: AgentInfo,
        cores: Cores,
        client: Client,
        coordinator: Arc<dyn AgentSide>,
        snapshot: watch::Sender<Snapshot>,
    ) -> Result<Self, AgentError> {
        let folder = settings.state_folder.clone();
        let failed = |source| AgentError::StateFolder { path: folder.clone(), source };
        let plans = Plans::open(&folder).map_err(failed)?;
        let budget = Budget::new(settings.spool.disk_bytes);
        let mut entries = BTreeMap::new();
        for found in PartFolder::all(&folder).map_err(failed)? {
            let entry = Entry::found(found, settings.spool, &budget).map_err(failed)?;
            entries.insert(entry.part.part.clone(), entry);
        }
        let (events, events_received) = mpsc::channel(EVENTS);
        let (news, news_received) = mpsc::channel(EVENTS);
        Ok(Self {
            sampler: Sampler::new(&folder),
            settings,
            info,
            cores,
            client,
            coordinator,
            plans,
            budget,
            host: None,
            clock: ClockOffset::default(),
            lease: Lease::default(),
            addresses: Addresses::default(),
            assignment: None,
            is_registered: false,
            entries,
            never: Never::default(),
            talk: Talk::default(),
            leaving: Leaving::No,
            snapshot,
            events,
            events_received: Some(events_received),
            news,
            news_received: Some(news_received),
        })
    }

    /// Works until `shutdown`, and then until everything is handed over or given up.
    pub(crate) async fn run(
        mut self,
        mut word: watch::Receiver<Word>,
        shutdown: CancellationToken,
    ) {
        let (Some(mut events), Some(mut news)) =
            (self.events_received.take(), self.news_received.take())
        else {
            return;
        };
        while !self.has_left() {
            let lease_end = self.lease.end().filter(|_| self.has_phase(Phase::Alive));
            let leaving_end = self.leaving.deadline();
            tokio::select! {
                biased;
                () = until(lease_end) => self.lease_over(),
                () = shutdown.cancelled(), if self.leaving == Leaving::No => self.drain(),
                () = until(leaving_end) => self.leaving_deadline(),
                Some((part, news)) = news.recv() => self.heard(&part, news),
                Some(event) = events.recv() => self.handle(event),
                Ok(()) = word.changed() => {
                    let word = word.borrow_and_update().clone();
                    self.coordinated(word);
                }
                () = sleep_until(self.talk.next_frames()) => self.talk.frames_are_due(),
            }
            self.reconcile();
            self.go_on_leaving();
            self.talk_if_due();
            self.publish();
        }
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Answered(answer) => self.answered(*answer),
            Event::Fetched(fetched) => self.fetched(fetched),
        }
    }

    /// Takes over a newer assignment. Older ones are what a leader wrote that is none any more, or a
    /// coordinator that has not caught up.
    fn coordinated(&mut self, word: Word) {
        let is_registered = word.session == Some(SessionState::Connected);
        if is_registered != self.is_registered {
            self.talk.status_is_due();
        }
        self.is_registered = is_registered;
        let Some(new) = word.assignment else { return };
        let is_newer = self
            .assignment
            .as_ref()
            .is_none_or(|old| new.epoch >= old.epoch && new.revision > old.revision);
        if is_newer {
            tracing::info!(
                "assignment {} of epoch {}: {} parts",
                new.revision,
                new.epoch,
                new.parts.len()
            );
            self.addresses.assigned(&new.control);
            self.assignment = Some(new);
            self.talk.status_is_due();
        }
    }

    fn has_phase(&self, phase: Phase) -> bool {
        self.entries.values().any(|entry| entry.phase == phase)
    }

    /// Whether there is an engine.
    fn has_engines(&self) -> bool {
        self.has_phase(Phase::Alive) || self.has_phase(Phase::Stopping)
    }

    fn lease_over(&mut self) {
        tracing::error!(
            "the lease is over: control has not answered for too long, all engines stop"
        );
        self.stop_all(Cause::LeaseOver);
    }

    fn sample_host(&mut self) -> HostSample {
        let sample = self.sampler.sample(self.clock.control_unix_us(Now::read()));
        self.host = Some(sample);
        sample
    }

    fn publish(&self) {
        let now = Instant::now();
        let snapshot = Snapshot {
            agent: self.info.agent.clone(),
            version: self.info.version.clone(),
            is_registered: self.is_registered,
            is_draining: self.leaving != Leaving::No,
            lease_left_us: micros(self.lease.left(now)),
            cores: self.cores.total(),
            cores_free: self.cores.free(),
            parts: self
                .entries
                .values()
                .map(|entry| (entry.part.part.clone(), entry.status.state))
                .collect(),
            frames_waiting: self.entries.values().map(Entry::frames_waiting).sum(),
            frames_lost: self.entries.values().map(Entry::frames_lost).sum(),
            host: self.host.unwrap_or_default(),
        };
        self.snapshot.send_replace(snapshot);
    }
}

/// Waits for a moment; for ever where there is none.
async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
