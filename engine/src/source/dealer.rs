//! Deals the lines of a source out to the shards of one part of a run.
//!
//! ```text
//!            ┌── batches ──► shard 0 ──┐
//! lines ─────┤                         ├── empty batches ──► back
//!            └── batches ──► shard 1 ──┘
//! ```
//!
//! In an open loop requests belong to slots: the `n`th own slot of this process is that of shard
//! `n mod shards`. In a closed loop a shard that has room gets the next lines, no more than it has
//! requests left; each line is dealt once, in order of the batches. So it is with a pipe in any loop: a
//! line that comes late could never be read again.

use super::batch::{Batch, Maker};
use super::cursor::{Cursor, Fetched};
use super::feed::{NOT_ASKED, Stream};
use super::files::FileError;
use super::parse::{BadLine, Kind};
use crate::plan::{Schedule, ShardPlan};
use acp_wire::agent::Share;
use acp_wire::plan::Partition;
use rtrb::{Consumer, Producer, RingBuffer};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Batches on their way to one shard.
const RING_BATCHES: usize = 16;
/// Requests of a batch of a closed loop: few, so that nobody holds lines that others could send.
const CLOSED_REQUESTS: usize = 256;
/// Requests made at a time, before the reader looks elsewhere.
const ROUND_REQUESTS: usize = 2048;
/// Memory of all requests that were made and not sent.
const HELD_BYTES: usize = 64 << 20;
/// Bad lines in a row after which a closed loop gives up.
const MAX_BAD_LINES: u64 = 100_000;
/// Bad lines that are told one by one.
const MAX_NOTED_LINES: u64 = 20;

/// What a round has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Work {
    /// Something was done.
    Done,
    /// Nothing could be done now.
    Nothing,
    /// Nothing is left to do.
    Over,
}

/// What a person should know of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A line could not be sent, or a file has changed.
    Fault(String),
    /// There are no more requests: all that there were have been taken.
    Ended(String),
    /// There are no more requests, though there should be.
    Failed(String),
}

/// The way to one shard.
struct Lane {
    part: ShardPlan,
    to: Producer<Batch>,
    back: Consumer<Batch>,
    wanted: Arc<AtomicU64>,
    /// Index of the first and of the next request that is made.
    start: u64,
    next: u64,
    /// Requests that are still to be made.
    quota: u64,
    filling: Option<Batch>,
    pending: VecDeque<Batch>,
    pool: Vec<Batch>,
    held_bytes: usize,
    is_primed: bool,
}

/// Deals one part of a run: its warm-up, or what is measured.
pub(super) struct Dealer {
    cursor: Cursor,
    kind: Option<Kind>,
    maker: Maker,
    partition: Partition,
    share: Share,
    lanes: Vec<Lane>,
    is_by_slot: bool,
    /// The next own request of this process.
    number: u64,
    bad_lines: u64,
    /// Bad lines that were told.
    noted_lines: u64,
    is_over: bool,
    is_end_told: bool,
    has_failed: bool,
    /// Tells the shards that all requests were taken.
    has_ended: Arc<AtomicBool>,
    notices: Vec<Notice>,
    changes_told: usize,
}

impl Dealer {
    /// A dealer for `parts`, the shards of `share`, and the shards' ends of it.
    pub(super) fn new(
        cursor: Cursor,
        kind: Option<Kind>,
        maker: Maker,
        partition: Partition,
        share: Share,
        parts: &[ShardPlan],
    ) -> (Self, Vec<Stream>) {
        let is_by_slot = parts[0].plan.is_open_loop() && !cursor.is_pipe();
        let has_ended = Arc::new(AtomicBool::new(false));
        let ends =
            parts.iter().map(|part| Lane::new(part, maker.is_warmup, is_by_slot, &has_ended));
        let (mut lanes, streams): (Vec<_>, Vec<_>) = ends.unzip();
        let number = first_number(&parts[0], &share, maker.is_warmup);
        if is_by_slot {
            start_at(&mut lanes, number);
        }
        let (bad_lines, is_over, is_end_told) = (0, false, false);
        let (notices, changes_told) = (Vec::new(), 0);
        let dealer = Self {
            cursor,
            kind,
            maker,
            partition,
            share,
            lanes,
            is_by_slot,
            number,
            bad_lines,
            noted_lines: 0,
            is_over,
            is_end_told,
            has_failed: false,
            has_ended,
            notices,
            changes_told,
        };
        (dealer, streams)
    }

    /// Whether every shard has its first requests, or will get none.
    pub(super) fn is_primed(&self) -> bool {
        self.is_over || self.lanes.iter().all(|lane| lane.is_primed || lane.quota == 0)
    }

    /// Whether a shard that wants more has little left.
    pub(super) fn is_short(&self) -> bool {
        let is_short = |lane: &Lane| lane.quota > 0 && lane.waiting() < RING_BATCHES / 2;
        !self.is_over && self.lanes.iter().any(is_short)
    }

    /// What a person should know of since this was last asked.
    pub(super) fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    /// Does what can be done at once.
    pub(super) fn work(&mut self) -> Result<Work, FileError> {
        if self.lanes.iter().all(|lane| lane.to.is_abandoned()) {
            return Ok(Work::Over);
        }
        // Told in the round before: whoever ends by this finds the event in place.
        if self.is_end_told {
            self.has_ended.store(true, Ordering::Release);
        }
        let mut is_moved = false;
        for lane in &mut self.lanes {
            is_moved |= lane.exchange();
        }
        if self.is_by_slot {
            self.follow();
        }
        let is_dealt = !self.is_over && self.deal()?;
        self.tell_changes();
        self.tell_end();
        Ok(if is_moved || is_dealt { Work::Done } else { Work::Nothing })
    }

    fn deal(&mut self) -> Result<bool, FileError> {
        let held: usize = self.lanes.iter().map(|lane| lane.held_bytes).sum();
        let is_full = held > HELD_BYTES;
        let before = self.number;
        let mut filled = None;
        for _ in 0..ROUND_REQUESTS {
            let lane = match self.is_by_slot {
                true if is_full || !self.lanes.iter().any(Lane::is_hungry) => break,
                true => self.lane_of(self.number),
                false if is_full => break,
                // One that is being filled is filled to its end: others are looked at once a batch.
                false => match filled.or_else(|| self.hungriest()) {
                    Some(lane) => lane,
                    None => break,
                },
            };
            if !self.make(lane)? {
                break;
            }
            filled = self.lanes[lane].filling.is_some().then_some(lane);
        }
        for lane in &mut self.lanes {
            lane.flush_if_starving();
            lane.exchange();
        }
        Ok(self.number != before)
    }

    fn lane_of(&self, number: u64) -> usize {
        usize::try_from(number % self.lanes.len() as u64).unwrap_or(0)
    }

    /// The shard that has the fewest requests waiting, of those that want more.
    fn hungriest(&self) -> Option<usize> {
        let hungry = self.lanes.iter().enumerate();
        let hungry = hungry.filter(|(_, lane)| lane.is_hungry() && lane.quota > 0);
        let key = |lane: &Lane| (lane.filling.is_none(), lane.waiting());
        hungry.min_by_key(|(_, lane)| key(lane)).map(|(number, _)| number)
    }

    /// Makes the next request, for the shard `number`. False: there is none now.
    fn make(&mut self, number: usize) -> Result<bool, FileError> {
        let slot = self.lanes[number].part.slot(self.lanes[number].next);
        let line = line_number(self.partition, &self.share, self.number);
        let made = match self.cursor.fetch(line, slot)? {
            Fetched::Waits => return Ok(false),
            Fetched::Ended if self.cursor.is_pipe() => {
                self.end();
                return Ok(false);
            }
            Fetched::Ended => {
                self.fail("has no requests any more");
                return Ok(false);
            }
            Fetched::TooLong => Err(BadLine::TooLong),
            Fetched::Gone => Err(BadLine::Gone),
            Fetched::Line => self.kind().and_then(|kind| {
                let (batch, text) = (self.lanes[number].batch(), self.cursor.text());
                self.maker.add(kind, text, slot, batch)
            }),
        };
        self.number += 1;
        match made {
            Ok(()) => {
                self.bad_lines = 0;
                self.lanes[number].made(self.is_by_slot);
            }
            Err(why) => self.bad_line(number, &why),
        }
        Ok(!self.is_over)
    }

    /// How lines are read. The first one says it, where the plan does not.
    fn kind(&mut self) -> Result<Kind, BadLine> {
        if let Some(kind) = self.kind {
            return Ok(kind);
        }
        let kind = Kind::detect(self.cursor.text())?;
        self.cursor.set_kind(kind);
        self.kind = Some(kind);
        Ok(kind)
    }

    #[cold]
    fn bad_line(&mut self, number: usize, why: &BadLine) {
        self.bad_lines += 1;
        // Finding out the number of a line may take a look through all of a file.
        if self.noted_lines < MAX_NOTED_LINES {
            self.noted_lines += 1;
            self.notices.push(Notice::Fault(format!("{}: {why}", self.cursor.place())));
        }
        if self.is_by_slot {
            self.lanes[number].batch().push_nothing();
            self.lanes[number].made(true);
        } else if self.bad_lines > MAX_BAD_LINES {
            self.fail(&format!("has more than {MAX_BAD_LINES} bad lines in a row"));
        }
    }

    /// Gives up a source that should have had more.
    #[cold]
    fn fail(&mut self, why: &str) {
        self.end();
        if !self.has_failed {
            self.has_failed = true;
            self.notices.push(Notice::Failed(format!("{} {why}", self.cursor.name())));
        }
    }

    fn end(&mut self) {
        self.is_over = true;
        self.lanes.iter_mut().for_each(Lane::flush);
    }

    /// Says once that there are no more requests, when all that there were have been taken.
    fn tell_end(&mut self) {
        // A shard that has had its share keeps its last requests until it ends.
        let is_taken = self.lanes.iter().all(|lane| lane.held_bytes == 0 || lane.to.is_abandoned());
        if self.is_over && is_taken && !self.is_end_told && !self.has_failed {
            self.is_end_told = true;
            let text = format!("{} has no more requests", self.cursor.name());
            self.notices.push(Notice::Ended(text));
        }
    }

    fn tell_changes(&mut self) {
        let changed = self.cursor.changed(self.changes_told);
        self.changes_told += changed.len();
        let told = changed.iter().map(|path| {
            Notice::Fault(format!("`{}` has changed while it was read", path.display()))
        });
        self.notices.extend(told);
    }

    /// Goes where the shards are: a part that joins late asks for later slots than its first, one
    /// whose schedule was changed before it began may ask for earlier ones.
    fn follow(&mut self) {
        let wanted = |lane: &Lane| lane.wanted.load(Ordering::Relaxed);
        let asked = self.lanes.iter().filter(|lane| wanted(lane) != NOT_ASKED);
        let Some(least) = asked.clone().map(wanted).min() else { return };
        let are_all_ahead = self.lanes.iter().all(|lane| {
            let wanted = wanted(lane);
            wanted != NOT_ASKED && wanted > lane.next
        });
        let is_any_before = asked.clone().any(|lane| wanted(lane) < lane.start);
        if are_all_ahead || is_any_before {
            self.number = least.saturating_mul(self.lanes.len() as u64);
            self.is_over = false;
            start_at(&mut self.lanes, self.number);
        }
    }
}

/// The number of the line, over all passes, for the own request `number` of a process.
#[inline]
pub(super) fn line_number(partition: Partition, share: &Share, number: u64) -> u64 {
    match partition {
        Partition::None => number,
        Partition::Agent => share.offset.saturating_add(number.saturating_mul(share.stride)),
    }
}

/// The first own request of a process: those before are somebody else's.
fn first_number(part: &ShardPlan, share: &Share, is_warmup: bool) -> u64 {
    match &part.plan.schedule {
        _ if is_warmup => 0,
        Schedule::Open { pace, .. } => share.count_of(pace.slots_before(part.from_ns)),
        Schedule::Closed { requests: Some(_), .. } => share.skip,
        Schedule::Closed { requests: None, .. } => 0,
    }
}

/// Lets each lane begin with its first request from the own request `number` on.
fn start_at(lanes: &mut [Lane], number: u64) {
    let shards = lanes.len() as u64;
    for (shard, lane) in (0_u64..).zip(lanes) {
        let index = number.saturating_sub(shard).div_ceil(shards);
        (lane.start, lane.next) = (index, index);
        lane.pool.extend(lane.filling.take());
        for batch in std::mem::take(&mut lane.pending) {
            lane.take_back(batch);
        }
    }
}

impl Lane {
    fn new(
        part: &ShardPlan,
        is_warmup: bool,
        is_by_slot: bool,
        has_ended: &Arc<AtomicBool>,
    ) -> (Self, Stream) {
        let (to, from) = RingBuffer::new(RING_BATCHES);
        let (back_to, back) = RingBuffer::new(2 * RING_BATCHES);
        let wanted = Arc::new(AtomicU64::new(NOT_ASKED));
        let counted = match &part.plan.schedule {
            Schedule::Closed { requests: Some(requests), .. } if !is_warmup => Some(*requests),
            Schedule::Closed { .. } | Schedule::Open { .. } => None,
        };
        let next = counted.map_or(0, |_| part.skip);
        let left = |requests| part.share(requests).saturating_sub(part.skip);
        let lane = Self {
            part: part.clone(),
            to,
            back,
            wanted: Arc::clone(&wanted),
            start: next,
            next,
            quota: counted.map_or(u64::MAX, left),
            filling: None,
            pending: VecDeque::new(),
            pool: Vec::new(),
            held_bytes: 0,
            is_primed: false,
        };
        (lane, Stream::new(from, back_to, wanted, is_by_slot, Arc::clone(has_ended)))
    }

    /// Batches that wait for the shard.
    fn waiting(&self) -> usize {
        RING_BATCHES - self.to.slots() + self.pending.len()
    }

    fn is_hungry(&self) -> bool {
        self.pending.is_empty() && self.to.slots() > 0 && !self.to.is_abandoned()
    }

    /// The batch that is being filled.
    fn batch(&mut self) -> &mut Batch {
        let next = self.next;
        let pool = &mut self.pool;
        self.filling.get_or_insert_with(|| pool.pop().unwrap_or_default().renewed(next))
    }

    /// One more request is in the batch.
    fn made(&mut self, is_by_slot: bool) {
        self.next += 1;
        self.quota -= 1;
        let is_full = self
            .filling
            .as_ref()
            .is_some_and(|batch| batch.is_full() || !is_by_slot && batch.len() >= CLOSED_REQUESTS);
        if is_full || self.quota == 0 {
            self.flush();
        }
    }

    fn flush(&mut self) {
        if let Some(batch) = self.filling.take_if(|batch| batch.len() > 0) {
            // Nobody asks for those of a shard that has ended.
            if self.to.is_abandoned() {
                return self.pool.push(batch.renewed(0));
            }
            self.held_bytes += batch.memory_bytes();
            self.pending.push_back(batch);
        }
    }

    fn take_back(&mut self, batch: Batch) {
        self.held_bytes = self.held_bytes.saturating_sub(batch.memory_bytes());
        self.pool.push(batch.renewed(0));
    }

    /// A shard that has nothing gets what there is.
    fn flush_if_starving(&mut self) {
        if self.waiting() == 0 {
            self.flush();
        }
    }

    /// Hands batches over and takes empty ones back. Returns whether there were any.
    fn exchange(&mut self) -> bool {
        let mut is_moved = false;
        while let Ok(batch) = self.back.pop() {
            self.take_back(batch);
            is_moved = true;
        }
        while self.to.slots() > 0
            && let Some(batch) = self.pending.pop_front()
        {
            // There is a place for it.
            drop(self.to.push(batch));
            self.is_primed = true;
            is_moved = true;
        }
        is_moved
    }
}
