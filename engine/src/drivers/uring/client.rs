//! The fast driver: one ring, one thread, one `io_uring_enter` a turn.
//!
//! ```text
//! tick ─► core's turn ─► opens ─► enter (submit and wait) ─► spin until due ─► completions ─► core's events
//! ```

use super::links::{CONNECT, INSPECT, Links, RECEIVE, RECEIVE_LARGE, REMAINDER, SEND, WRITE};
use super::{Buffers, Completion, Ring, RingError, RingOptions, SMALL_BUFFER_BYTES, Token, Wait};
use crate::drivers::errno;
use crate::drivers::host::{HEARTBEAT_NS, Host, Start};
use crate::shard::{Closed, Shard, Wake};

/// Completions handled with one reading of the clock.
const COMPLETIONS_PER_CLOCK: usize = 8;
/// Completions copied out of the ring at once.
const BATCH: usize = 256;
/// Batches of one turn, at the most.
const BATCHES: usize = 16;
/// Small receive buffers. A turn fills a few dozen, whatever the number of connections; more would
/// only fall out of the cache before they are used again.
const SMALL_BUFFERS: u16 = 128;
/// Large receive buffers, and their size: for connections whose responses are large.
const LARGE_BUFFERS: u16 = 64;
const LARGE_BUFFER_BYTES: u32 = 32 * 1024;

/// Looks, of a millisecond each, for the answers about connections that are under way at the end.
const LAST_LOOKS: u32 = 8;

/// Runs a shard to its end on the thread that calls.
pub fn run(shard: Shard, mut host: Host) {
    let mut client = match Client::new(shard) {
        Ok(client) => client,
        Err(error) => return host.fail(&error),
    };
    match client.drive(&mut host) {
        Ok(()) => {
            host.load_ended(&mut client.shard);
            client.end_inspections();
            host.end(client.shard, &mut client.links);
        }
        Err(error) => host.abandon(client.shard, &mut client.links, &error),
    }
}

struct Client {
    shard: Shard,
    links: Links,
    /// Small and large.
    buffers: [Buffers; 2],
    completions: Vec<Completion>,
    /// The right to send has ended before all that was queued was sent: nothing goes any more.
    is_cut_off: bool,
}

impl Client {
    fn new(shard: Shard) -> Result<Self, RingError> {
        let connections = shard.plan().connections;
        let mut ring = Ring::new(RingOptions {
            entries: connections.next_power_of_two().clamp(64, 1024),
            // A receive, a send, a connect and a cancel each.
            completions: connections.saturating_mul(4).next_power_of_two().clamp(1024, 1 << 16),
            files: connections,
        })?;
        let buffers = [
            Buffers::register(&mut ring, 0, SMALL_BUFFERS, SMALL_BUFFER_BYTES)?,
            Buffers::register(&mut ring, 1, LARGE_BUFFERS, LARGE_BUFFER_BYTES)?,
        ];
        let groups = [buffers[0].group(), buffers[1].group()];
        let links = Links::new(ring, shard.plan(), groups);
        let completions = Vec::with_capacity(BATCH);
        Ok(Self { shard, links, buffers, completions, is_cut_off: false })
    }

    fn drive(&mut self, host: &mut Host) -> Result<(), RingError> {
        self.prepare(host)?;
        let start_ns = self.await_start(host)?;
        host.begin(&mut self.shard, &mut self.links, start_ns);
        let mut now = host.now();
        loop {
            self.obey(host, now);
            host.govern(&mut self.shard, &mut self.links, now);
            let wake = self.shard.turn(&mut self.links, now);
            if self.shard.is_finished(now) || self.is_cut_off {
                self.shard.record_mut().counts.overflows += self.links.ring.counters().overflows;
                return Ok(());
            }
            now = self.wait(host, wake, now)?;
        }
    }

    /// Opens connections; whoever is slow is left to the run.
    fn prepare(&mut self, host: &mut Host) -> Result<(), RingError> {
        let mut now = host.now();
        self.shard.prepare(&mut self.links, now);
        while !self.shard.is_prepared() && !host.is_stopped(now) {
            let wake = self.shard.turn(&mut self.links, now);
            now = self.wait(host, wake, now)?;
        }
        Ok(())
    }

    /// Looks after the connections until the schedule begins. Returns when that is.
    fn await_start(&mut self, host: &mut Host) -> Result<u64, RingError> {
        host.ready(&self.shard);
        let mut now = host.now();
        loop {
            match host.start(now) {
                Start::At { start_ns } => return Ok(start_ns),
                Start::Wait { until_ns } => {
                    let wake = self.shard.turn(&mut self.links, now);
                    let wake = Wake { at_ns: wake.at_ns.min(until_ns), due: false };
                    now = self.wait(host, wake, now)?;
                }
            }
        }
    }

    /// Stops when that is asked for. Where the lease is over, what is queued is not sent either.
    #[inline]
    fn obey(&mut self, host: &Host, now: u64) {
        if host.is_stopped(now) && !self.shard.is_stopped() {
            self.shard.stop(now);
            if host.is_lease_over() && self.links.has_unsubmitted() {
                self.links.ring.seal();
                self.is_cut_off = true;
            }
        }
    }

    /// Submits, waits until something happened or is due, and tells the core. Returns the time.
    #[inline]
    fn wait(&mut self, host: &mut Host, wake: Wake, now: u64) -> Result<u64, RingError> {
        // Whoever was held up may have lost the right to send since the turn.
        if host.is_lease_over() {
            self.obey(host, host.now());
        }
        self.links.open_waiting()?;
        self.links.flush();
        self.publish();
        let until_ns = wake.at_ns.saturating_sub(now);
        let spin_ns = if wake.due { host.spin_ns() } else { 0 };
        if self.links.has_failures() || self.links.is_held_up() || until_ns <= spin_ns {
            self.links.ring.enter(Wait::No)?;
            if wake.due && until_ns > 0 {
                self.spin(host, wake.at_ns, now);
            }
        } else {
            let timeout_ns = (until_ns - spin_ns).min(HEARTBEAT_NS);
            self.links.ring.enter(Wait::Within { count: 1, timeout_ns })?;
        }
        self.links.entered();
        self.shard.record_mut().counts.turns += 1;
        self.reap(host)
    }

    /// Waits for a due time with open eyes: a sleeping thread wakes up too late.
    fn spin(&mut self, host: &Host, until_ns: u64, since_ns: u64) {
        let mut now = since_ns;
        let until_ns = until_ns.min(since_ns + HEARTBEAT_NS);
        while now < until_ns && !self.links.ring.has_work() {
            std::hint::spin_loop();
            now = host.now();
        }
        self.shard.record_mut().counts.spin_ns += now.saturating_sub(since_ns);
    }

    fn reap(&mut self, host: &mut Host) -> Result<u64, RingError> {
        let mut now = host.now();
        self.obey(host, now);
        while let Some((conn, class, text)) = self.links.next_failure() {
            host.note(now, &text);
            self.shard.open_failed(&mut self.links, conn, class, now);
        }
        // What is left after so many is ready when the ring is entered next: a stop, a frame or a
        // timeout must not wait until a fast server has nothing more to say.
        for _ in 0..BATCHES {
            self.completions.clear();
            let count = self.links.ring.reap(&mut self.completions);
            for number in 0..count {
                if number % COMPLETIONS_PER_CLOCK == COMPLETIONS_PER_CLOCK - 1 {
                    now = host.now();
                    self.obey(host, now);
                }
                let completion = self.completions[number];
                self.complete(host, completion, now);
            }
            self.shard.record_mut().counts.completions += count as u64;
            if count < BATCH {
                self.links.recycle();
                break;
            }
            // More than a batch: let the kernel have its buffers back in between.
            self.publish();
        }
        Ok(host.now())
    }

    #[inline]
    fn publish(&mut self) {
        self.buffers.iter_mut().for_each(Buffers::publish);
    }

    #[inline]
    fn complete(&mut self, host: &mut Host, completion: Completion, now: u64) {
        let token = Token::unpack(completion.user_data);
        match token.kind {
            RECEIVE | RECEIVE_LARGE => self.received(host, completion, token, now),
            CONNECT => self.connected(host, completion, token, now),
            SEND => self.sent(completion, token, now),
            WRITE => self.wrote(completion, token),
            REMAINDER => self.wrote_piece(completion, token, now),
            INSPECT => self.inspected(completion, token),
            // Cancelling and closing: whether there was something to cancel does not matter.
            _ => {}
        }
    }

    #[inline]
    fn received(&mut self, host: &mut Host, completion: Completion, token: Token, now: u64) {
        let conn = token.index as usize;
        let is_live = self.links.is_live(token);
        if is_live && !completion.more() {
            self.links.receive_ended(conn);
        }
        if let Some(buffer) = completion.buffer() {
            let buffers = &mut self.buffers[usize::from(token.kind == RECEIVE_LARGE)];
            if is_live && let Ok(length @ 1..) = completion.count() {
                let bytes = buffers.get(buffer, length);
                self.shard.received(&mut self.links, conn, bytes, now);
                if length == SMALL_BUFFER_BYTES && self.links.is_live(token) {
                    self.links.filled_small_buffer(conn);
                }
            }
            buffers.recycle(buffer);
        }
        if completion.more() || !self.links.is_live(token) {
            return;
        }
        match completion.count() {
            Ok(0) => self.shard.closed(&mut self.links, conn, Closed::Gracefully, now),
            // Ended by the kernel, or by us for the sake of larger buffers.
            Ok(_) | Err(libc::ECANCELED) => self.links.receive(conn),
            Err(libc::ENOBUFS) => {
                self.shard.record_mut().counts.buffer_shortages += 1;
                self.links.receive(conn);
            }
            Err(code) => {
                host.note(now, &errno::describe("receive", code));
                self.shard.closed(&mut self.links, conn, Closed::Broken, now);
            }
        }
    }

    #[cold]
    fn connected(&mut self, host: &mut Host, completion: Completion, token: Token, now: u64) {
        if !self.links.is_live(token) {
            return;
        }
        let conn = token.index as usize;
        match completion.count() {
            Ok(_) => {
                self.links.connected(conn);
                self.shard.opened(&mut self.links, conn, now);
            }
            Err(code) => {
                host.note(now, &errno::describe("connect", code));
                self.shard.open_failed(&mut self.links, conn, errno::connect_class(code), now);
            }
        }
    }

    /// Whatever has become of the connection since: the answer is of when it was asked for.
    #[cold]
    fn inspected(&mut self, completion: Completion, token: Token) {
        if let Some(info) = self.links.inspected(completion.count()) {
            self.shard.inspected(token.index as usize, info);
        }
    }

    /// Descriptors that the kernel is making would stay open for ever.
    fn end_inspections(&mut self) {
        for _ in 0..LAST_LOOKS {
            let wait = Wait::Within { count: 1, timeout_ns: 1_000_000 };
            if !self.links.is_inspecting() || self.links.ring.enter(wait).is_err() {
                return;
            }
            self.completions.clear();
            self.links.ring.reap(&mut self.completions);
            for number in 0..self.completions.len() {
                let completion = self.completions[number];
                let token = Token::unpack(completion.user_data);
                if token.kind == INSPECT {
                    self.inspected(completion, token);
                }
            }
        }
    }

    /// A failed send says nothing that the end of the receive does not say too.
    fn sent(&mut self, completion: Completion, token: Token, now: u64) {
        if self.links.is_live(token) && completion.count().is_ok() && self.shard.wants_written() {
            self.shard.written(&mut self.links, token.index as usize, now);
        }
    }

    /// What fits at once is sent in silence: this one did not.
    #[cold]
    fn wrote(&mut self, completion: Completion, token: Token) {
        if !self.links.is_live(token) {
            return;
        }
        match completion.count() {
            Ok(taken) => self.links.fell_short(token.index as usize, taken as usize),
            Err(libc::EAGAIN) => self.links.fell_short(token.index as usize, 0),
            // The end of the receive says as much.
            Err(_) => {}
        }
    }

    fn wrote_piece(&mut self, completion: Completion, token: Token, now: u64) {
        if !self.links.is_live(token) {
            return self.links.free_orphan(token);
        }
        let conn = token.index as usize;
        // One that has failed has gone too; the end of the receive says why.
        let bytes = completion.count().unwrap_or(0);
        if self.links.piece_gone(conn, bytes as usize) {
            self.shard.written(&mut self.links, conn, now);
        }
    }
}
