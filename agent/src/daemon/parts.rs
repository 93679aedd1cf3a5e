//! The life of parts: from the assignment to the end of the engine.

use super::entry::Entry;
use super::{Daemon, Event};
use crate::client::{Client, ClientError};
use crate::engine::{Command, End, Engine, Launch, News, arguments, conclude};
use crate::files::is_file_name;
use crate::plans::{PlanError, Plans};
use crate::records::PartFolder;
use crate::spool::Spool;
use crate::steps::{Phase, Step, plan_of_action};
use acp_wire::agent::{Change, Part, PartState, PartStatus};
use std::io;
use std::path::PathBuf;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use tokio_util::task::AbortOnDropHandle;

/// Why a leaving agent starts nothing. The part has failed: another agent is to take it.
pub(super) const LEAVING: &str = "the agent is leaving";
/// Between two tries to fetch something.
const FETCH_AGAIN: Duration = Duration::from_secs(1);
/// Frames of an ended part that control does not want are kept for so long.
const KEEP_ENDED: Duration = Duration::from_secs(24 * 3600);

/// What was fetched for a part.
#[derive(Debug)]
pub(super) enum Fetched {
    /// The plan is in its folder, or why not.
    Plan(String, Result<(), String>),
    /// The changes of its run.
    Changes(String, Vec<Change>),
}

impl Daemon {
    /// Does what is to be done so that engines are what is assigned.
    pub(super) fn reconcile(&mut self) {
        if let Some(assignment) = self.assignment.clone() {
            let known = self.entries.iter().map(|(name, entry)| (name.clone(), entry.known()));
            for step in plan_of_action(&assignment, &known.collect()) {
                self.take(step);
            }
        }
        self.start_waiting();
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Stop(part) => self.stop(&part, "control said so"),
            Step::Forget(part) => self.forget(&part),
            Step::Start(part) => self.begin(part),
            Step::Never(part) => {
                let name = part.part.clone();
                self.remember(Entry::new(part));
                self.never_started(&name);
            }
            Step::Pass(part, change) => self.pass(&part, &[change]),
            Step::AskChanges(part) => self.ask_changes(&part),
        }
    }

    /// Makes a part known, and fetches its plan.
    fn begin(&mut self, part: Part) {
        if self.is_leaving() {
            return self.refuse(part, LEAVING);
        }
        if part.cores > self.cores.total() {
            return self.refuse(part, "it needs more cores than the agent has");
        }
        tracing::info!("part {} of run {} begins", part.part, part.run);
        let name = part.part.clone();
        self.remember(Entry::new(part));
        let (asks, events) = (self.talk_asks(), self.events.clone());
        let Some(entry) = self.entries.get_mut(&name).filter(|entry| entry.phase == Phase::Waiting)
        else {
            return;
        };
        let Some(folder) = entry.folder.clone() else { return };
        let fetch = PlanFetch {
            plans: self.plans.clone(),
            client: self.client.clone(),
            hash: entry.part.plan.clone(),
            to: folder.plan(),
        };
        entry.fetch = Some(AbortOnDropHandle::new(tokio::spawn(async move {
            let fetched = loop {
                let control = asks.control().await;
                match fetch.try_once(control.as_deref()).await {
                    Err(error) if error.is_passing() => {
                        tracing::warn!("failed to fetch the plan of {name}: {error}");
                        sleep(FETCH_AGAIN).await;
                    }
                    done => break done.map_err(|error| error.to_string()),
                }
            };
            let event = Event::Fetched(Fetched::Plan(name, fetched));
            events.send(event).await.unwrap_or_default();
        })));
    }

    /// Writes down that a part is known. Without its folder nothing of it could be kept, so it fails.
    fn remember(&mut self, mut entry: Entry) {
        let name = entry.part.part.clone();
        let made = if is_file_name(&name) && is_file_name(&entry.part.run) {
            PartFolder::create(&self.settings.state_folder, &entry.part).and_then(|folder| {
                let spool = Spool::open(&folder.frames(), self.settings.spool, &self.budget)?;
                Ok((folder, spool))
            })
        } else {
            Err(io::Error::other("its name is not one of a part"))
        };
        match made {
            Ok((folder, spool)) => (entry.folder, entry.spool) = (Some(folder), Some(spool)),
            Err(error) => {
                entry.phase = Phase::Ended;
                entry.status.state = PartState::Failed;
                entry.status.text = format!("failed to make its folder: {error}");
                tracing::error!("part {name} failed: {}", entry.status.text);
            }
        }
        self.entries.insert(name, entry);
        self.talk.status_is_due();
    }

    /// A part that is never started: only said so, and remembered.
    fn refuse(&mut self, part: Part, why: &str) {
        let name = part.part.clone();
        self.remember(Entry::new(part));
        self.fail(&name, why);
    }

    /// Starts engines whose plan, cores and lease are there.
    fn start_waiting(&mut self) {
        if !self.lease.is_valid(Instant::now()) || self.is_leaving() {
            return;
        }
        let ready =
            self.entries.values().filter(|entry| entry.phase == Phase::Waiting && entry.has_plan);
        let names: Vec<String> = ready.map(|entry| entry.part.part.clone()).collect();
        for name in names {
            if let Err(error) = self.start(&name) {
                self.fail(&name, &format!("failed to start the engine: {error}"));
            }
        }
    }

    /// Starts an engine; leaves the part waiting while there are not enough cores.
    fn start(&mut self, name: &str) -> io::Result<()> {
        let Some(entry) = self.entries.get(name) else { return Ok(()) };
        let Some(folder) = &entry.folder else { return Ok(()) };
        let (part, connections) = (&entry.part, entry.part.share.connections);
        let placement = if part.cores == 0 {
            match self.peer_of(part) {
                Peer::Waits => return Ok(()),
                Peer::Runs(peer) => self.cores.share(Some(&peer), connections),
                Peer::None => self.cores.share(None, connections),
            }
        } else {
            match self.cores.take(name, part.cores, connections) {
                Some(placement) => placement,
                None => return Ok(()),
            }
        };
        let start_at_unix_us = self.clock.to_local(part.t0_unix_us);
        let mut all: Vec<_> = self.settings.engine_arguments.iter().map(Into::into).collect();
        all.extend(arguments(part, folder, &self.info.agent, start_at_unix_us, &placement)?);
        let program = match &self.settings.engine_program {
            Some(program) => program.clone(),
            None => std::env::current_exe()?,
        };
        let launch = Launch {
            part: name.to_owned(),
            program,
            arguments: all,
            folder: folder.path().to_path_buf(),
            stop_time: self.settings.stop_time,
        };
        let engine = Engine::start(&launch, &self.news)?;
        if let Some(end) = self.lease.end() {
            engine.tell(Command::Lease(end));
        }
        tracing::info!("engine of {name} started on CPUs {:?}", placement.cpus);
        if let Some(entry) = self.entries.get_mut(name) {
            entry.engine = Some(engine);
            entry.phase = Phase::Alive;
            entry.status.cpus = placement.cpus;
        }
        Ok(())
    }

    /// Whose cores a part without any shares: those of another part of its run.
    fn peer_of(&self, part: &Part) -> Peer {
        let is_peer = |other: &&Entry| other.part.run == part.run && other.part.cores > 0;
        let mut peers = self.entries.values().filter(is_peer);
        if let Some(peer) = peers.clone().find(|peer| peer.engine.is_some()) {
            return Peer::Runs(peer.part.part.clone());
        }
        if peers.any(|peer| peer.phase == Phase::Waiting) { Peer::Waits } else { Peer::None }
    }

    /// Something of what was fetched is here.
    pub(super) fn fetched(&mut self, fetched: Fetched) {
        match fetched {
            Fetched::Plan(name, Err(error)) => self.fail(&name, &error),
            Fetched::Plan(name, Ok(())) => {
                if let Some(entry) = self.entries.get_mut(&name) {
                    entry.fetch = None;
                    entry.has_plan = true;
                }
            }
            Fetched::Changes(name, changes) => {
                if let Some(entry) = self.entries.get_mut(&name) {
                    entry.fetch = None;
                }
                self.pass(&name, &changes);
            }
        }
    }

    /// Tells an engine the changes that it was not told, in order and without a hole.
    fn pass(&mut self, name: &str, changes: &[Change]) {
        let Some(entry) = self.entries.get_mut(name) else { return };
        let Some(engine) = &entry.engine else { return };
        for change in changes {
            if change.number != entry.changes + 1 {
                continue;
            }
            match serde_json::to_string(&ChangeLine::of(change)) {
                Ok(line) => engine.tell(Command::Line(line)),
                Err(error) => tracing::error!("failed to write change {}: {error}", change.number),
            }
            entry.changes = change.number;
        }
    }

    fn ask_changes(&mut self, name: &str) {
        let asks = self.talk_asks();
        let (client, events) = (self.client.clone(), self.events.clone());
        let Some(entry) = self.entries.get_mut(name).filter(|entry| entry.fetch.is_none()) else {
            return;
        };
        let (name, run) = (name.to_owned(), entry.part.run.clone());
        entry.fetch = Some(AbortOnDropHandle::new(tokio::spawn(async move {
            let mut changes = match asks.control().await {
                Some(control) => client.changes(&control, &run).await,
                None => Err(ClientError::NobodyKnown),
            }
            .unwrap_or_else(|error| {
                tracing::warn!("failed to fetch the changes of {run}: {error}");
                Vec::new()
            });
            if changes.is_empty() {
                // None came, so the next step will be to ask again.
                sleep(FETCH_AGAIN).await;
            }
            changes.sort_by_key(|change| change.number);
            let event = Event::Fetched(Fetched::Changes(name, changes));
            events.send(event).await.unwrap_or_default();
        })));
    }

    /// Stops a part: its engine, or the wait for one.
    pub(super) fn stop(&mut self, name: &str, because: &'static str) {
        let Some(entry) = self.entries.get_mut(name) else { return };
        entry.fetch = None;
        match (entry.phase, &entry.engine) {
            (Phase::Waiting, _) => self.never_started(name),
            (Phase::Alive, Some(engine)) => {
                tracing::info!("part {name} is told to stop: {because}");
                engine.tell(Command::Stop);
                entry.stopped_because = because;
                entry.phase = Phase::Stopping;
            }
            (Phase::Alive, None) => self.fail(name, "its engine is gone"),
            (Phase::Stopping | Phase::Ended, _) => {}
        }
    }

    /// Stops every engine there is.
    pub(super) fn stop_all(&mut self, because: &'static str) {
        let alive = self.entries.values().filter(|entry| entry.phase == Phase::Alive);
        let names: Vec<String> = alive.map(|entry| entry.part.part.clone()).collect();
        for name in names {
            self.stop(&name, because);
        }
    }

    /// An engine said something.
    pub(super) fn heard(&mut self, name: &str, news: News) {
        let Some(entry) = self.entries.get_mut(name) else { return };
        match news {
            News::Ready { open_connections } => {
                tracing::info!("part {name} is ready with {open_connections} connections");
                entry.status.state = PartState::Ready;
                self.talk.status_is_due();
            }
            News::Frame(frame) => {
                if entry.status.state != PartState::Running {
                    entry.status.state = PartState::Running;
                    self.talk.status_is_due();
                }
                if let Some(spool) = &mut entry.spool {
                    spool.push(*frame);
                }
            }
            News::BadLine(why) => {
                tracing::error!("a line of the engine of {name} is lost: {why}");
                entry.bad_lines += 1;
            }
            News::Ended { exit, log_tail } => {
                let Some(folder) = &entry.folder else { return };
                let end = End { exit, log_tail, stopped_because: entry.stopped_because };
                let status = conclude(&entry.part, end, &folder.report());
                self.end(name, status);
            }
        }
    }

    /// A part could not be, or could not go on.
    pub(super) fn fail(&mut self, name: &str, why: &str) {
        let Some(entry) = self.entries.get(name).filter(|entry| entry.phase != Phase::Ended) else {
            return;
        };
        let (text, status) = (why.to_owned(), entry.status.clone());
        self.end(name, PartStatus { state: PartState::Failed, text, ..status });
    }

    /// A part that was to end before it had an engine: finished, and nothing was planned, so there are
    /// no books.
    fn never_started(&mut self, name: &str) {
        let Some(entry) = self.entries.get(name).filter(|entry| entry.phase != Phase::Ended) else {
            return;
        };
        let text = "it was stopped before it was started".to_owned();
        let status = PartStatus { state: PartState::Finished, text, ..entry.status.clone() };
        self.end(name, status);
    }

    /// The end of a part: remembered, so that it is not started again.
    fn end(&mut self, name: &str, mut status: PartStatus) {
        let Some(entry) = self.entries.get_mut(name) else { return };
        let lost = entry.frames_lost();
        if lost > 0 {
            let comma = if status.text.is_empty() { "" } else { "; " };
            status.text = format!("{}{comma}{lost} frames are lost", status.text);
        }
        tracing::info!("part {name} ended: {:?} {}", status.state, status.text);
        entry.fetch = None;
        entry.phase = Phase::Ended;
        entry.engine = None;
        entry.status = status;
        if let Some(folder) = &entry.folder
            && let Err(error) = folder.end(&entry.status)
        {
            tracing::error!("failed to remember the end of {name}: {error}");
        }
        self.cores.give_back(name);
        self.talk.status_is_due();
        self.talk.frames_are_due();
    }

    fn forget(&mut self, name: &str) {
        let Some(entry) = self.entries.remove(name) else { return };
        tracing::info!("part {name} is done");
        if let Some(folder) = entry.folder
            && let Err(error) = folder.remove()
        {
            tracing::warn!("failed to remove the folder of {name}: {error}");
        }
    }

    /// Gives up frames of ended parts that control has not wanted for a day: it does not know them.
    pub(super) fn give_up_old_frames(&mut self) {
        for (name, entry) in &mut self.entries {
            let is_old = |folder: &PartFolder| folder.ended_ago() > KEEP_ENDED;
            let is_ended = entry.phase == Phase::Ended && entry.folder.as_ref().is_some_and(is_old);
            let count = entry.frames_waiting();
            if let Some(spool) = entry.spool.as_mut().filter(|_| is_ended && count > 0) {
                tracing::error!(
                    "{count} frames of {name} are lost: control has not wanted them for a day"
                );
                spool.forget(u64::MAX);
            }
        }
    }
}

/// Another part of the same run, with cores of its own.
enum Peer {
    /// It has them.
    Runs(String),
    /// It is about to have them.
    Waits,
    /// There is none.
    None,
}

/// What is needed to fetch a plan.
struct PlanFetch {
    plans: Plans,
    client: Client,
    hash: String,
    to: PathBuf,
}

impl PlanFetch {
    async fn try_once(&self, control: Option<&str>) -> Result<(), PlanError> {
        let plan = self.plans.get(&self.client, control, &self.hash).await?;
        Ok(crate::files::write_whole(&self.to, &plan)?)
    }
}

/// A change as an engine reads it on its control stream.
#[derive(Debug, serde::Serialize)]
struct ChangeLine<'a> {
    number: u32,
    at_us: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    rate: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pause: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    resume: bool,
}

impl<'a> ChangeLine<'a> {
    fn of(change: &'a Change) -> Self {
        use acp_wire::agent::ChangeKind;
        let (number, at_us) = (change.number, change.at_us);
        let line = Self { number, at_us, rate: None, pause: false, resume: false };
        match &change.kind {
            ChangeKind::Rate(rate) => Self { rate: Some(rate), ..line },
            ChangeKind::Pause => Self { pause: true, ..line },
            ChangeKind::Resume => Self { resume: true, ..line },
        }
    }
}
