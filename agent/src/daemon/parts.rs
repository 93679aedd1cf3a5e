//! The life of parts: from the assignment to the end of the engine.

use super::entry::Entry;
use super::start::warmup_us;
use super::{Daemon, Event};
use crate::client::{Client, ClientError};
use crate::engine::{Cause, Command, End, News, change_line, conclude};
use crate::files::is_file_name;
use crate::plans::{PlanError, Plans};
use crate::records::PartFolder;
use crate::spool::Spool;
use crate::steps::{Phase, Step, plan_of_action};
use acp_wire::agent::{Change, Part, PartState, PartStatus};
use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;
use tokio::time::sleep;
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
            Step::Stop(part) => self.stop(&part, Cause::Control),
            Step::Forget(part) => self.forget(&part),
            Step::Start(part) if !self.never.has(&part.part) => self.begin(part),
            Step::Start(part) | Step::Never(part) => {
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

    /// Something of what was fetched is here.
    pub(super) fn fetched(&mut self, fetched: Fetched) {
        match fetched {
            Fetched::Plan(name, Err(error)) => self.fail(&name, &error),
            Fetched::Plan(name, Ok(())) => {
                if let Some(entry) = self.entries.get_mut(&name) {
                    entry.fetch = None;
                    entry.has_plan = true;
                    entry.warmup_us =
                        entry.folder.as_ref().and_then(|folder| warmup_us(&folder.plan()));
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

    /// Tells an engine the changes that it was not told, in order and without a hole. One that is not
    /// there yet is told at its start.
    fn pass(&mut self, name: &str, changes: &[Change]) {
        let Some(entry) = self.entries.get_mut(name) else { return };
        for change in changes {
            if change.number != entry.changes + 1 {
                continue;
            }
            match (change_line(change), &entry.engine) {
                (Ok(line), Some(engine)) => engine.tell(Command::Line(line)),
                (Ok(line), None) => entry.first_lines.push(line),
                (Err(error), _) => {
                    tracing::error!("failed to write change {}: {error}", change.number);
                }
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
    pub(super) fn stop(&mut self, name: &str, cause: Cause) {
        let Some(entry) = self.entries.get_mut(name) else { return };
        entry.fetch = None;
        match (entry.phase, &entry.engine) {
            (Phase::Waiting, _) => self.never_started(name),
            (Phase::Alive, Some(engine)) => {
                tracing::info!("part {name} is told to stop: {cause}");
                engine.tell(Command::Stop);
                entry.stopped = Some(cause);
                entry.phase = Phase::Stopping;
            }
            (Phase::Alive, None) => self.fail(name, "its engine is gone"),
            // What control wants it does not give to others, so it counts more.
            (Phase::Stopping, _) if cause == Cause::Control => entry.stopped = Some(cause),
            (Phase::Stopping | Phase::Ended, _) => {}
        }
    }

    /// Stops every engine there is.
    pub(super) fn stop_all(&mut self, cause: Cause) {
        let alive = self.entries.values().filter(|entry| entry.phase == Phase::Alive);
        let names: Vec<String> = alive.map(|entry| entry.part.part.clone()).collect();
        for name in names {
            self.stop(&name, cause);
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
                self.talk.frame_came();
                if entry.status.state != PartState::Running {
                    entry.status.state = PartState::Running;
                    self.talk.status_is_due();
                }
                // It settles all slots that are left: only once it is known that this was to be.
                if frame.flags.last {
                    entry.last_frame = Some(frame);
                } else if let Some(spool) = &mut entry.spool {
                    spool.push(*frame);
                }
            }
            News::BadLine(why) => {
                tracing::error!("a line of the engine of {name} is lost: {why}");
                entry.bad_lines += 1;
            }
            News::Ended { exit, log_tail } => self.engine_ended(name, exit, log_tail),
        }
    }

    /// The engine is gone. Where the part is to go on elsewhere, its last frame is not passed on: that
    /// books what the engine has left as not sent.
    fn engine_ended(&mut self, name: &str, exit: Option<ExitStatus>, log_tail: String) {
        let is_wanted = self.assignment.as_ref().is_none_or(|assignment| {
            assignment.parts.iter().any(|part| part.part == name && !part.stop)
        });
        let Some(entry) = self.entries.get_mut(name) else { return };
        let Some(folder) = &entry.folder else { return };
        let stopped = if is_wanted { entry.stopped } else { Some(Cause::Control) };
        let status = conclude(&entry.part, End { exit, log_tail, stopped }, &folder.report());
        let last_frame = entry.last_frame.take();
        if status.state == PartState::Finished
            && let (Some(frame), Some(spool)) = (last_frame, &mut entry.spool)
        {
            spool.push(*frame);
        }
        self.end(name, status);
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
