//! An agent whose engine only counts: it obeys its assignment, holds a lease, and sends a frame for
//! every second of every part, kept until it is stored.

use acp_control::clock::Clock;
use acp_control::contacts::Contacts;
use acp_control::ingest::Ingest;
use acp_coord::AgentSide;
use acp_plan::Pace;
use acp_wire::agent::{
    AgentInfo, Assignment, FrameBatch, Part, PartFrames, PartState, PartStatus, Status,
};
use acp_wire::frame::Flags;
use acp_wire::{Books, Frame, NotSent};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Where agents reach a control.
#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) contacts: Arc<Contacts>,
    pub(crate) ingest: Arc<Ingest>,
}

/// Every control that lives.
pub(crate) type Desks = Arc<Mutex<Vec<Desk>>>;

struct Engine {
    part: Part,
    pace: Arc<Pace>,
    origin_unix_us: u64,
    /// Own slots that are booked, and the second that comes next.
    booked: u64,
    second: u64,
    frames: Vec<Frame>,
    seq: u64,
    books: Books,
    is_over: bool,
}

impl Engine {
    fn new(part: &Part, pace: &Arc<Pace>) -> Self {
        let from_us = part.share.from_us;
        Self {
            part: part.clone(),
            pace: Arc::clone(pace),
            origin_unix_us: part.t0_unix_us,
            booked: part.share.count_of(pace.slots_before(from_us * 1000)),
            second: from_us / 1_000_000,
            frames: Vec::new(),
            seq: 0,
            books: Books::default(),
            is_over: false,
        }
    }

    fn step(&mut self, now_unix_us: u64) {
        let at_us = now_unix_us.saturating_sub(self.origin_unix_us);
        while !self.is_over && at_us >= (self.second + 1) * 1_000_000 {
            let end_ns = (self.second + 1) * 1_000_000_000;
            let due = self.part.share.count_of(self.pace.slots_before(end_ns));
            let is_last = end_ns >= self.pace.duration_ns();
            self.frame(due, 0, is_last);
        }
    }

    fn end(&mut self) {
        if !self.is_over {
            let all = self.part.share.count_of(self.pace.total());
            self.frame(self.booked, all - self.booked, true);
        }
    }

    fn frame(&mut self, booked: u64, stopped: u64, is_last: bool) {
        let sent = booked - self.booked;
        let not_sent = BTreeMap::from([(NotSent::Stopped, stopped)]);
        let frame = Frame {
            schema: acp_wire::FRAME_SCHEMA.into(),
            run: self.part.run.clone(),
            shard_count: 1,
            seq: self.seq,
            second: self.second,
            flags: Flags { warmup: false, last: is_last },
            planned: sent + stopped,
            sent,
            completed: sent,
            not_sent: if stopped > 0 { not_sent } else { BTreeMap::new() },
            ..Frame::default()
        };
        self.books.planned += frame.planned;
        self.books.sent += sent;
        self.books.completed += sent;
        self.books.not_sent.extend(frame.not_sent.clone());
        self.frames.push(frame);
        self.booked = booked;
        self.seq += 1;
        self.second += 1;
        self.is_over = is_last;
    }

    fn status(&self, now_unix_us: u64) -> PartStatus {
        let state = if self.is_over {
            PartState::Finished
        } else if now_unix_us < self.origin_unix_us {
            PartState::Ready
        } else {
            PartState::Running
        };
        PartStatus {
            part: self.part.part.clone(),
            run: self.part.run.clone(),
            state,
            books: self.is_over.then(|| self.books.clone().close()),
            ..PartStatus::default()
        }
    }
}

/// Lives until its task is ended.
pub(crate) async fn live(
    info: AgentInfo,
    coord: Arc<dyn AgentSide>,
    desks: Desks,
    pace: Arc<Pace>,
    clock: Clock,
) {
    let session = coord.register(&info).await.unwrap();
    let mut engines: BTreeMap<String, Engine> = BTreeMap::new();
    let mut ended = BTreeSet::new();
    let mut lease_end_unix_us = 0;
    let mut turns = tokio::time::interval(Duration::from_millis(50));
    loop {
        turns.tick().await;
        let now_unix_us = clock.now_unix_us();
        let assignment = session.assignment.borrow().clone().unwrap_or_default();
        obey(&mut engines, &ended, &assignment, &pace, now_unix_us < lease_end_unix_us);
        for engine in engines.values_mut() {
            engine.step(now_unix_us);
        }
        let status = Status {
            info: info.clone(),
            epoch: assignment.epoch,
            revision: assignment.revision,
            parts: engines.values().map(|engine| engine.status(now_unix_us)).collect(),
            ..Status::default()
        };
        let all = desks.lock().unwrap().clone();
        for desk in all {
            let Some(heard) = desk.contacts.status(&status, clock.now_unix_us()) else { continue };
            for part in heard.stop {
                engines.get_mut(&part).into_iter().for_each(Engine::end);
                ended.insert(part);
            }
            lease_end_unix_us = now_unix_us + heard.lease_us;
            deliver(&desk.ingest, &info.agent, &mut engines).await;
        }
    }
}

fn obey(
    engines: &mut BTreeMap<String, Engine>,
    ended: &BTreeSet<String>,
    assignment: &Assignment,
    pace: &Arc<Pace>,
    has_lease: bool,
) {
    let wanted: BTreeMap<_, _> =
        assignment.parts.iter().map(|part| (part.part.as_str(), part)).collect();
    for (name, engine) in engines.iter_mut() {
        if !has_lease || wanted.get(name.as_str()).is_none_or(|part| part.stop) {
            engine.end();
        }
    }
    for (name, part) in wanted {
        if has_lease && !part.stop && !engines.contains_key(name) && !ended.contains(name) {
            engines.insert(name.into(), Engine::new(part, pace));
        }
    }
}

async fn deliver(ingest: &Ingest, agent: &str, engines: &mut BTreeMap<String, Engine>) {
    let parts = engines.iter().map(|(part, engine)| PartFrames {
        part: part.clone(),
        run: engine.part.run.clone(),
        frames: engine.frames.clone(),
    });
    let batch = FrameBatch { agent: agent.into(), epoch: 0, parts: parts.collect() };
    for (part, ack) in ingest.take(&batch).await.acks {
        if let Some(engine) = engines.get_mut(&part) {
            engine.frames.retain(|frame| frame.seq >= ack.stored);
        }
    }
}
