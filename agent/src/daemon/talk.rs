//! The talk with control: frames and status go out, leases, acknowledgements and stops come back.

use super::{Daemon, Event};
use crate::addresses::Addresses;
use crate::client::ClientError;
use crate::clock::{Exchange, Now};
use crate::engine::{Cause, Command};
use crate::steps::Phase;
use acp_coord::AgentSide;
use acp_wire::agent::{Contact, FrameBatch, PartAck, PartFrames, Status};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// Frames of one message.
const BATCH_BYTES: usize = 1 << 20;
/// Between two messages with frames at the most: the answers renew the lease.
const FRAMES_EVERY: Duration = Duration::from_secs(1);
/// From a frame to the message that carries it, of each agent one: engines end their seconds at the
/// same moment everywhere, and control is not to hear of it from ten thousand agents in the same one.
const FRAME_WAIT_S: std::ops::Range<f64> = 0.0..0.25;
/// Between two statuses of an agent where nothing changes, at random: so that agents started together
/// do not stay together.
const STATUS_EVERY_S: std::ops::Range<f64> = 4.0..6.0;
/// Until the next status after one that was not answered.
const FAILED_STATUS_WAIT: Duration = Duration::from_secs(1);
/// How long the coordinator may take to say who leads.
const LEADER_TIMEOUT: Duration = Duration::from_secs(2);

/// What there is to say, and what is being said. One message of each kind at a time: a slow control
/// must not be asked faster than it answers.
#[derive(Debug)]
pub(super) struct Talk {
    frames_are_due: bool,
    next_frames: Instant,
    /// From a frame to the message that carries it.
    frame_wait: Duration,
    frames_are_sent: bool,
    next_status: Instant,
    status_is_sent: bool,
    /// Messages without an answer, since the last one.
    failures: u64,
}

impl Default for Talk {
    fn default() -> Self {
        Self {
            frames_are_due: true,
            next_frames: Instant::now() + FRAMES_EVERY,
            frame_wait: Duration::from_secs_f64(rand::random_range(FRAME_WAIT_S)),
            frames_are_sent: false,
            next_status: Instant::now(),
            status_is_sent: false,
            failures: 0,
        }
    }
}

impl Talk {
    /// When frames are due next, whatever happens.
    pub(super) fn next_frames(&self) -> Instant {
        self.next_frames
    }

    pub(super) fn frames_are_due(&mut self) {
        self.frames_are_due = true;
        self.next_frames = Instant::now() + FRAMES_EVERY;
    }

    /// A frame is there: whoever watches the run waits for it.
    pub(super) fn frame_came(&mut self) {
        self.next_frames = self.next_frames.min(Instant::now() + self.frame_wait);
    }

    /// Something has changed that control waits for. While control does not answer there is no hurry.
    pub(super) fn status_is_due(&mut self) {
        if self.failures == 0 {
            self.next_status = Instant::now();
        }
    }
}

/// What was said.
#[derive(Debug)]
pub(super) enum Said {
    /// Frames; whether there were any.
    Frames { had_frames: bool },
    /// A status, in which these parts had ended.
    Status { ended: Vec<String> },
}

/// An answer of control, or none.
#[derive(Debug)]
pub(super) struct Answer {
    said: Said,
    control: String,
    sent: Instant,
    round_trip: Duration,
    result: Result<Contact, ClientError>,
}

/// Finds out whom to ask.
pub(super) struct Asks {
    addresses: Addresses,
    settings: Vec<String>,
    coordinator: Arc<dyn AgentSide>,
}

impl Asks {
    /// The coordinator is asked only where nobody is known to answer: thousands of agents ask.
    pub(super) async fn control(&self) -> Option<String> {
        if let Some(kept) = self.addresses.kept() {
            return Some(kept.to_owned());
        }
        let leader = timeout(LEADER_TIMEOUT, self.coordinator.control_address()).await;
        self.addresses.choose(leader.ok().flatten(), &self.settings)
    }
}

impl Daemon {
    pub(super) fn talk_asks(&self) -> Asks {
        Asks {
            addresses: self.addresses.clone(),
            settings: self.settings.control.clone(),
            coordinator: Arc::clone(&self.coordinator),
        }
    }

    fn epoch(&self) -> u64 {
        self.assignment.as_ref().map_or(0, |assignment| assignment.epoch)
    }

    /// Sends what is due and not being sent.
    pub(super) fn talk_if_due(&mut self) {
        let has_frames = self.entries.values().any(super::Entry::has_frames);
        if self.talk.frames_are_due && !self.talk.frames_are_sent && has_frames {
            self.talk.frames_are_due = false;
            self.talk.frames_are_sent = true;
            self.send_frames();
        }
        if Instant::now() >= self.talk.next_status && !self.talk.status_is_sent {
            let wait = Duration::from_secs_f64(rand::random_range(STATUS_EVERY_S));
            self.talk.next_status = Instant::now() + wait;
            self.talk.status_is_sent = true;
            self.give_up_old_frames();
            self.send_status();
        }
    }

    /// Parts that have ended come first: what is left of them is older than anything else.
    fn send_frames(&self) {
        let mut room = BATCH_BYTES;
        let mut parts = Vec::new();
        let (ended, others): (Vec<_>, Vec<_>) =
            self.entries.values().partition(|entry| entry.phase == Phase::Ended);
        for entry in ended.into_iter().chain(others).filter(|entry| entry.has_frames()) {
            let frames = match &entry.spool {
                Some(spool) if room > 0 => spool.batch(entry.next, &mut room),
                _ => Vec::new(),
            };
            let (part, run) = (entry.part.part.clone(), entry.part.run.clone());
            parts.push(PartFrames { part, run, frames });
        }
        let said = Said::Frames { had_frames: parts.iter().any(|part| !part.frames.is_empty()) };
        let batch = FrameBatch { agent: self.info.agent.clone(), epoch: self.epoch(), parts };
        self.say(said, Message::Frames(batch));
    }

    fn send_status(&mut self) {
        let host = self.sample_host();
        let offset = self.clock.offset(Now::read());
        let ended = self.entries.values().filter(|entry| entry.phase == Phase::Ended);
        let said = Said::Status { ended: ended.map(|entry| entry.part.part.clone()).collect() };
        let status = Status {
            info: self.info.clone(),
            epoch: self.epoch(),
            revision: self.assignment.as_ref().map_or(0, |assignment| assignment.revision),
            cores_free: self.cores.free(),
            clock_offset_us: offset.map(|offset| offset.offset_us),
            clock_error_us: offset.map(|offset| offset.error_us),
            draining: self.is_leaving(),
            parts: self.entries.values().map(|entry| entry.status.clone()).collect(),
            host: Some(host),
        };
        self.say(said, Message::Status(Box::new(status)));
    }

    fn say(&self, said: Said, message: Message) {
        let (asks, client, events) = (self.talk_asks(), self.client.clone(), self.events.clone());
        tokio::spawn(async move {
            let control = asks.control().await.unwrap_or_default();
            let sent = Instant::now();
            let result = match &message {
                _ if control.is_empty() => Err(ClientError::NobodyKnown),
                Message::Frames(batch) => client.frames(&control, batch).await,
                Message::Status(status) => client.status(&control, status).await,
            };
            let round_trip = sent.elapsed();
            let answer = Answer { said, control, sent, round_trip, result };
            // Nobody is there to hear it once the agent has left.
            events.send(Event::Answered(Box::new(answer))).await.unwrap_or_default();
        });
    }

    /// Takes an answer, or the lack of one.
    pub(super) fn answered(&mut self, mut answer: Answer) {
        match answer.said {
            Said::Frames { .. } => self.talk.frames_are_sent = false,
            Said::Status { .. } => self.talk.status_is_sent = false,
        }
        let result = std::mem::replace(&mut answer.result, Err(ClientError::NobodyKnown));
        match result {
            Ok(contact) => self.contacted(&answer, &contact),
            Err(error) => self.not_answered(&answer, &error.to_string()),
        }
    }

    fn not_answered(&mut self, answer: &Answer, why: &str) {
        self.talk.failures += 1;
        // Once a second would fill a log; the first time and then seldom says as much.
        if self.talk.failures.is_power_of_two() {
            tracing::warn!("{why} ({} messages in a row)", self.talk.failures);
        }
        self.addresses.failed(&answer.control);
        if matches!(answer.said, Said::Status { .. }) {
            self.talk.next_status = Instant::now() + FAILED_STATUS_WAIT;
        }
    }

    fn contacted(&mut self, answer: &Answer, contact: &Contact) {
        let other = contact.leader.as_ref().filter(|leader| **leader != answer.control);
        if let Some(leader) = other {
            tracing::info!("control plane `{}` says that `{leader}` leads", answer.control);
            self.addresses.leads(leader);
            return;
        }
        if contact.epoch < self.epoch() {
            let why = format!("control plane `{}` led before and does not know it", answer.control);
            return self.not_answered(answer, &why);
        }
        // It has just started and does not know yet who may send: neither what it has nor what it was
        // told counts, and a lease that another gave goes on.
        if contact.lease_us == 0 {
            let why = format!("control plane `{}` gives no lease now", answer.control);
            return self.not_answered(answer, &why);
        }
        if self.talk.failures > 0 {
            tracing::info!("control plane `{}` answers", answer.control);
            self.talk.failures = 0;
        }
        if self.addresses.kept() != Some(&answer.control) {
            self.clock.forget();
        }
        self.addresses.answered(&answer.control);
        self.clock.observe(&Exchange {
            sent: answer.sent,
            round_trip: answer.round_trip,
            control_unix_us: contact.now_unix_us,
        });
        // First, so that no engine has a new lease for a part that is to end.
        for part in &contact.stop {
            self.told_to_stop(part);
        }
        self.renew(answer.sent, Duration::from_micros(contact.lease_us));
        let has_moved = self.acknowledged(contact);
        if matches!(answer.said, Said::Frames { had_frames: true }) && has_moved {
            self.talk.frames_are_due |= self.has_unsent_frames();
        }
        if let Said::Status { ended } = &answer.said {
            self.told(ended);
        }
        if self.assignment.as_ref().is_some_and(|known| contact.revision > known.revision) {
            tracing::debug!("assignment {} has not come yet", contact.revision);
        }
    }

    /// Control wants a part to end, which may not be known yet.
    fn told_to_stop(&mut self, part: &str) {
        if self.entries.contains_key(part) {
            self.stop(part, Cause::Control);
        } else if self.never.add(part) {
            tracing::info!("part {part} is told to stop before it is known");
        }
    }

    fn renew(&mut self, sent: Instant, lease: Duration) {
        self.lease.renew(sent, lease.min(self.settings.lease_max));
        let Some(end) = self.lease.end() else { return };
        for engine in self.entries.values().filter_map(|entry| entry.engine.as_ref()) {
            engine.tell(Command::Lease(end));
        }
    }

    /// Whether control has more than before of anything.
    fn acknowledged(&mut self, contact: &Contact) -> bool {
        let mut has_moved = false;
        for (name, PartAck { next, stored }) in &contact.parts {
            let Some(entry) = self.entries.get_mut(name) else { continue };
            has_moved |= *next > entry.next;
            entry.next = *next;
            if let Some(spool) = &mut entry.spool {
                spool.forget(*stored);
            }
        }
        has_moved
    }

    fn has_unsent_frames(&self) -> bool {
        self.entries
            .values()
            .any(|entry| entry.spool.as_ref().is_some_and(|spool| spool.has_from(entry.next)))
    }

    /// Control knows how these parts ended.
    fn told(&mut self, ended: &[String]) {
        for part in ended {
            if let Some(entry) = self.entries.get_mut(part) {
                entry.is_told = true;
            }
        }
    }
}

/// What is sent.
enum Message {
    Frames(FrameBatch),
    Status(Box<Status>),
}
