//! The core of one shard: which request goes when on which connection, and what became of it.
//!
//! No I/O, no clock, no thread. A driver moves bytes through [`Net`] and calls the shard with what
//! happened and the time; everything the core decides comes back as calls of [`Net`].
//!
//! ```text
//!                    open                      opened
//!   Closed ──────────────────► Connecting ─────────────────► Open ◄─┐ responses, requests
//!     ▲  ▲                         │                          │  └──┘
//!     │  └── time ── BackOff ◄─────┘ open_failed              │
//!     └───────────────────────────────────────────────────────┘ closed, or closed by us
//! ```
//!
//! Times are nanoseconds since an origin that the driver chose. A run is: `prepare` (connections
//! open), `begin` (the schedule starts), `turn` and events until [`Shard::is_finished`], `finish`.

mod check;
mod closed;
mod connection;
mod deadlines;
mod events;
mod fed;
mod feed;
mod slots;
mod slow;
mod tls;
mod wake;

pub use crate::conn::Response;
pub use crate::conn::tls::Client as TlsClient;
use crate::conn::{HeadPool, ProtocolError};
use crate::plan::{Course, ShardPlan};
use crate::record::Record;
use acp_wire::{ErrorClass, NotSent};
pub use check::Check;
use check::Contains;
use connection::{Connection, Requests, State};
use feed::Bytes;
pub use feed::{Answer, Feed, Given, Wanted};
use slots::Slots;
use slow::Inspections;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use tls::Tls;

/// What the core asks of whatever moves its bytes. Connections are numbered from 0.
///
/// After `close` the driver reports nothing more about that connection until the next `open`.
pub trait Net {
    /// Connections that are opened from now on go to these addresses.
    fn retarget(&mut self, addresses: &Arc<[SocketAddr]>);
    /// Start to connect. Answered by `opened` or `open_failed`.
    fn open(&mut self, conn: usize);
    /// Write `count` copies of the plan's request. Answered by [`Shard::written`] where
    /// [`Shard::wants_written`].
    fn send(&mut self, conn: usize, count: usize);
    /// Write these bytes, behind all that was written before. Answered by [`Shard::written`] where
    /// there are more than [`SMALL_BATCH_BYTES`]; until then the core writes nothing more.
    fn write(&mut self, conn: usize, bytes: &[u8]);
    /// Look what the kernel knows of the connection. Answered by [`Shard::inspected`], maybe after
    /// the connection was closed, or not at all.
    fn inspect(&mut self, conn: usize) {
        let _ = conn;
    }
    /// Close at once.
    fn close(&mut self, conn: usize);
}

/// How a connection ended that the core did not close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// The peer closed its side.
    Gracefully,
    /// It was reset, or another error struck.
    Broken,
}

/// When the core wants its next turn, if nothing happens before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wake {
    /// The time.
    pub at_ns: u64,
    /// Whether a request is due then, so that being late is a fault.
    pub due: bool,
}

/// Bytes of requests on one connection up to which a send is taken as done at once. Above, the
/// socket's buffer may not take them all, and the next send has to wait for the end of this one.
pub const SMALL_BATCH_BYTES: usize = 4096;

/// After the last slot's due time, slots that still wait for a connection get so much longer.
pub const GRACE_NS: u64 = 5_000_000_000;

/// Where a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    /// Connections open; nothing is sent.
    Preparing,
    /// Load that is not counted.
    Warmup,
    /// The measured part.
    Measuring,
    /// Nothing new is sent; responses come in.
    Draining,
}

/// The core of one shard.
pub struct Shard {
    plan: ShardPlan,
    phase: Phase,
    /// A user or a rule has stopped the run: nothing is sent again.
    is_stopped: bool,
    /// What is in flight is not waited for.
    is_left: bool,
    /// Start of the measured part.
    start_ns: u64,
    /// When draining began.
    drain_ns: u64,
    slots: Slots,
    connections: Vec<Connection>,
    requests: Requests,
    /// Where requests come from that are not all the same.
    feed: Option<Box<dyn Feed>>,
    /// Bytes of requests that came from there.
    bytes: Bytes,
    /// Several requests to be written at once.
    scratch: Vec<u8>,
    /// The feed had nothing for a closed loop: when to ask again.
    hungry_ns: u64,
    /// When the feed first had no more requests for the measured part; not yet: the greatest time.
    over_ns: u64,
    heads: HeadPool,
    /// What encrypted connections share; none: the target speaks plain HTTP.
    tls: Option<Box<Tls>>,
    /// Open connections with room for a request; entries may be stale.
    free: VecDeque<usize>,
    /// Requests whose connection was closed under them, to be sent again.
    retries: VecDeque<connection::Request>,
    /// Since when no connection was free for a slot that was due.
    exhausted_since_ns: Option<u64>,
    /// No deadline of a connection lies before this.
    check_ns: u64,
    /// Requests of the measured part without an outcome.
    in_flight: u64,
    /// Requests without an outcome, all.
    active: u64,
    /// Slots that `record.counts.planned` has seen.
    planned: u64,
    /// When the last response of the measured part ended.
    last_response_ns: u64,
    /// What was wrong with responses, each fault once.
    protocol_errors: Vec<ProtocolError>,
    /// Connections of slow requests that the driver is asked about.
    inspections: Inspections,
    record: Box<Record>,
}

impl Shard {
    /// The core for `plan`, whose requests come from `feed`, or are all the plan's one. All memory
    /// is allocated here; that for requests of a feed once more of them are under way than before.
    #[must_use]
    pub fn new(plan: ShardPlan, feed: Option<Box<dyn Feed>>) -> Self {
        let connections = plan.connections as usize;
        let head_request = plan.plan.request.is_head;
        let text = plan.plan.document.expect.body_contains.clone();
        let shard = Self {
            phase: Phase::Preparing,
            is_stopped: false,
            is_left: false,
            start_ns: u64::MAX,
            drain_ns: u64::MAX,
            slots: Slots::new(&plan),
            connections: (0..connections).map(|_| Connection::new(head_request)).collect(),
            requests: Requests::new(connections, plan.plan.pipeline as usize),
            bytes: Bytes::new(feed.as_ref().map_or(0, |_| connections)),
            feed,
            scratch: Vec::new(),
            hungry_ns: u64::MAX,
            over_ns: u64::MAX,
            heads: HeadPool::new(),
            tls: None,
            free: VecDeque::with_capacity(connections),
            retries: VecDeque::with_capacity(connections * plan.plan.pipeline as usize),
            exhausted_since_ns: None,
            check_ns: u64::MAX,
            in_flight: 0,
            active: 0,
            planned: 0,
            last_response_ns: 0,
            protocol_errors: Vec::new(),
            inspections: Inspections::default(),
            record: Box::new(Record::new()),
            plan,
        };
        match text.is_empty() {
            true => shard,
            false => {
                let checks = (0..connections).map(|_| Box::new(Contains::new(&text)) as Box<_>);
                shard.with_checks(checks)
            }
        }
    }

    /// The plan of this shard.
    #[must_use]
    pub fn plan(&self) -> &ShardPlan {
        &self.plan
    }

    /// Whether the driver has to say when a send is done: requests that may not fit into the
    /// socket's buffer.
    #[must_use]
    pub fn wants_written(&self) -> bool {
        wants_written(&self.plan)
    }

    /// Whether a connection waits for [`Self::written`].
    #[inline]
    #[must_use]
    pub fn is_writing(&self, conn: usize) -> bool {
        self.connections[conn].is_writing
    }

    /// Opens connections before the run, so that the first request need not wait for one. Without
    /// keep-alive there is nothing to prepare.
    pub fn prepare(&mut self, net: &mut impl Net, now: u64) {
        if self.plan.plan.keep_alive {
            for conn in 0..self.connections.len() {
                self.open(net, conn, now);
            }
        }
    }

    /// Whether every connection of [`Self::prepare`] is open or has failed.
    #[must_use]
    pub fn is_prepared(&self) -> bool {
        !self.connections.iter().any(|connection| connection.state == State::Connecting)
    }

    /// Connections that are open.
    #[must_use]
    pub fn open_connections(&self) -> usize {
        self.connections.iter().filter(|connection| connection.state == State::Open).count()
    }

    /// Whether a connection is open for requests.
    #[cfg(test)]
    pub(crate) fn is_open(&self, conn: usize) -> bool {
        self.connections[conn].state == State::Open
    }

    /// Starts the schedule, which began at `start_ns`; its warm-up, if there is one and it is not over
    /// by `now`, comes first. A run that was stopped before stays stopped.
    pub fn begin(&mut self, net: &mut impl Net, start_ns: u64, now: u64) {
        if self.is_stopped {
            return;
        }
        let warmup_ns = self.plan.plan.warmup_ns;
        self.start_ns = start_ns + warmup_ns;
        let is_warmup = now < self.start_ns;
        self.phase = if is_warmup { Phase::Warmup } else { Phase::Measuring };
        self.slots.begin(if is_warmup { start_ns } else { self.start_ns }, is_warmup, now);
        for conn in 0..self.connections.len() {
            self.resume(net, conn, now);
        }
    }

    /// Does what is due at `now` and says when to come back.
    pub fn turn(&mut self, net: &mut impl Net, now: u64) -> Wake {
        self.leave_warmup(net, now);
        // At the end of a run at the latest, so that what has timed out by then is booked as such.
        if now >= self.check_ns || self.is_patience_over(now) {
            self.check_deadlines(net, now);
        }
        if now >= self.slots.resume_ns() {
            self.slots.resume(now);
            self.resume_all(net, now);
        }
        if now >= self.hungry_ns {
            self.hungry_ns = u64::MAX;
            self.resume_all(net, now);
        }
        if self.phase > Phase::Preparing && self.plan.plan.is_open_loop() {
            self.send_due(net, now);
        }
        if self.phase == Phase::Measuring && self.is_sending_over(now) {
            self.drain(now, NotSent::Ended);
        }
        self.wake(now)
    }

    /// Takes over a changed course of the measured part.
    pub fn change(&mut self, course: &Course, now: u64) {
        if self.phase < Phase::Draining {
            self.slots.change(course, now);
        }
    }

    /// Whether [`Self::stop`] was called.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.is_stopped
    }

    /// Stops sending; slots that were not sent are booked as `stopped`. May be called again.
    pub fn stop(&mut self, now: u64) {
        if self.is_stopped {
            return;
        }
        self.is_stopped = true;
        if self.phase < Phase::Draining {
            self.drain(now, NotSent::Stopped);
        }
        // A request that waits to be sent again was sent; it will not be answered any more.
        while let Some(request) = self.retries.pop_front() {
            self.fail_request(None, &request, ErrorClass::ClosedEarly, now);
        }
        self.abandon_unwritten();
    }

    /// Takes requests off connections that are not open yet: opening may take long, and nothing
    /// may reach the target then.
    fn abandon_unwritten(&mut self) {
        for conn in 0..self.connections.len() {
            if self.connections[conn].state != State::Connecting {
                continue;
            }
            while let Some(request) = self.requests.pop(conn) {
                self.bytes.give_back(request.bytes);
                self.active -= 1;
                if request.is_measured {
                    self.in_flight -= 1;
                    self.record.counts.in_flight_at_stop += 1;
                }
            }
        }
    }

    /// Whether nothing more will happen: all outcomes are known, or waiting for them took as long as
    /// a request may take.
    #[must_use]
    pub fn is_finished(&self, now: u64) -> bool {
        self.phase == Phase::Draining && (self.active == 0 || self.is_patience_over(now))
    }

    /// What is in flight is not waited for: a run that has stopped sending is finished.
    pub fn leave(&mut self) {
        self.is_left = true;
    }

    fn is_patience_over(&self, now: u64) -> bool {
        self.is_left || now >= self.patience_end_ns()
    }

    /// When the last request must have its outcome: its connection may still have been opening when
    /// sending ended.
    fn patience_end_ns(&self) -> u64 {
        let plan = &self.plan.plan;
        self.drain_ns.saturating_add(plan.connect_timeout_ns).saturating_add(plan.timeout_ns)
    }

    /// Ends the run: books what is still in flight. Returns the last record.
    #[must_use]
    pub fn finish(mut self, net: &mut impl Net) -> Box<Record> {
        self.record.counts.in_flight_at_stop += self.in_flight;
        for (conn, connection) in self.connections.iter().enumerate() {
            if matches!(connection.state, State::Open | State::Connecting) {
                net.close(conn);
            }
        }
        self.record
    }

    /// Start of the measured part; `u64::MAX` before [`Self::begin`].
    #[must_use]
    pub fn start_ns(&self) -> u64 {
        self.start_ns
    }

    /// End of the measured part, where the schedule says it.
    #[must_use]
    pub fn end_ns(&self) -> Option<u64> {
        self.slots.duration_ns().map(|duration_ns| self.start_ns.saturating_add(duration_ns))
    }

    /// When the last response of the measured part ended; 0: there was none.
    #[must_use]
    pub fn last_response_ns(&self) -> u64 {
        self.last_response_ns
    }

    /// When sending ended; `u64::MAX` while it goes on.
    #[must_use]
    pub fn drain_ns(&self) -> u64 {
        self.drain_ns
    }

    /// Whether the run is in its warm-up.
    #[must_use]
    pub fn is_warming_up(&self) -> bool {
        self.phase <= Phase::Warmup && self.plan.plan.warmup_ns > 0
    }

    /// Requests of the measured part (or of the warm-up, during it) without an outcome.
    #[must_use]
    pub fn in_flight(&self) -> u64 {
        if self.is_warming_up() { self.active } else { self.in_flight }
    }

    /// What was wrong with responses that were not HTTP/1.1, each fault once.
    #[must_use]
    pub fn protocol_errors(&self) -> &[ProtocolError] {
        &self.protocol_errors
    }

    /// The record of the present frame, for what only the driver knows.
    pub fn record_mut(&mut self) -> &mut Record {
        &mut self.record
    }

    /// Takes the record of the frame that ends now and goes on with an empty one.
    #[must_use]
    pub fn swap_record(&mut self, empty: Box<Record>) -> Box<Record> {
        self.count_planned();
        self.inspections.forget();
        std::mem::replace(&mut self.record, empty)
    }

    /// Goes on with the measured part, if the warm-up is over by `now`.
    #[inline]
    fn leave_warmup(&mut self, net: &mut impl Net, now: u64) {
        if self.phase == Phase::Warmup && now >= self.start_ns {
            self.end_warmup(net, now);
        }
    }

    fn end_warmup(&mut self, net: &mut impl Net, now: u64) {
        self.phase = Phase::Measuring;
        self.planned = 0;
        self.slots.begin(self.start_ns, false, now);
        self.exhausted_since_ns = None;
        // Retries of warm-up requests are forgotten with the warm-up.
        self.active -= self.retries.len() as u64;
        for request in self.retries.drain(..) {
            self.bytes.give_back(request.bytes);
        }
        if !self.plan.plan.is_open_loop() {
            self.resume_all(net, now);
        }
    }

    fn resume_all(&mut self, net: &mut impl Net, now: u64) {
        (0..self.connections.len()).for_each(|conn| self.resume(net, conn, now));
    }

    /// Adds to the record the slots that were settled since the last time: a schedule that may yet
    /// change says nothing else for certain.
    fn count_planned(&mut self) {
        let settled = self.slots.settled();
        self.record.counts.planned += settled - self.planned;
        self.planned = settled;
    }

    /// Nothing is left to send, or what is left has waited too long.
    fn is_sending_over(&self, now: u64) -> bool {
        let grace_ns = GRACE_NS.min(self.plan.plan.timeout_ns);
        self.slots.is_exhausted(now) || now >= self.slots.end_ns().saturating_add(grace_ns)
    }

    fn drain(&mut self, now: u64, reason: NotSent) {
        if self.phase == Phase::Warmup {
            // Stopped before the measured part began: its slots were planned all the same, and what
            // the warm-up has counted since its last frame must not be mixed with them.
            self.record.reset();
            self.slots.begin(self.start_ns, false, now);
            self.planned = 0;
        }
        self.phase = Phase::Draining;
        self.drain_ns = now;
        self.record.counts.not_sent[NotSent::Catchup.index()] += self.slots.take_late();
        let rest = self.slots.give_up_rest();
        self.record.counts.not_sent[reason.index()] += rest;
        self.count_planned();
    }
}

/// See [`Shard::wants_written`].
#[must_use]
pub fn wants_written(plan: &ShardPlan) -> bool {
    plan.plan.request.bytes.len() * plan.plan.pipeline as usize > SMALL_BATCH_BYTES
}
