//! What the tasks of a shard share: its core, its connections, and what they tell each other.

use super::links::{Batch, Links, StartTask};
use super::turns::DriveError;
use crate::drivers::errno;
use crate::drivers::host::{Host, Start};
use crate::shard::{Closed, Shard, Wake};
use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::task::Waker;

/// What the tasks of a shard share. Never borrowed across an `await`.
pub(super) struct Core {
    shard: Shard,
    pub(super) links: Links,
    host: Host,
    /// Something has happened since the last turn.
    has_news: bool,
    /// Wakes the turns.
    waker: Waker,
    /// The right to send has ended before all that was queued was sent: nothing goes any more.
    is_cut_off: bool,
}

impl Core {
    pub(super) fn new(shard: Shard, host: Host, start: StartTask) -> Rc<RefCell<Self>> {
        Rc::new_cyclic(|core| {
            let links = Links::new(core.clone(), start, shard.plan());
            let waker = Waker::noop().clone();
            let (has_news, is_cut_off) = (false, false);
            RefCell::new(Self { shard, links, host, has_news, waker, is_cut_off })
        })
    }

    pub(super) fn opened(&mut self, conn: usize, life: u64) {
        let Some(now) = self.event(conn, life) else { return };
        self.shard.opened(&mut self.links, conn, now);
    }

    pub(super) fn open_failed(&mut self, conn: usize, life: u64, error: &io::Error) {
        let Some(now) = self.event(conn, life) else { return };
        let code = error.raw_os_error().unwrap_or(0);
        self.host.note(now, &errno::describe("connect", code));
        self.shard.open_failed(&mut self.links, conn, errno::connect_class(code), now);
    }

    pub(super) fn received(&mut self, conn: usize, life: u64, bytes: &[u8]) {
        let Some(now) = self.event(conn, life) else { return };
        self.shard.received(&mut self.links, conn, bytes, now);
    }

    pub(super) fn written(&mut self, conn: usize, life: u64) {
        // An earlier life may not speak for this one, nor an earlier write for what waits behind it:
        // a request may wait for the last bytes of a handshake.
        let is_wanted = self.links.is_live(conn, life) && self.shard.is_writing(conn);
        if !is_wanted || self.links.is_waiting_to_write(conn) {
            return;
        }
        let Some(now) = self.event(conn, life) else { return };
        self.shard.written(&mut self.links, conn, now);
    }

    pub(super) fn closed(&mut self, conn: usize, life: u64, how: Closed, why: Option<&io::Error>) {
        let Some(now) = self.event(conn, life) else { return };
        if let Some(error) = why {
            let code = error.raw_os_error().unwrap_or(0);
            self.host.note(now, &errno::describe("receive", code));
        }
        self.shard.closed(&mut self.links, conn, how, now);
    }

    /// Asks for a turn. The time of an event, unless it belongs to an earlier life.
    fn event(&mut self, conn: usize, life: u64) -> Option<u64> {
        if !self.links.is_live(conn, life) {
            return None;
        }
        self.shard.record_mut().counts.completions += 1;
        self.has_news = true;
        self.waker.wake_by_ref();
        let now = self.host.now();
        self.obey(now);
        Some(now)
    }

    /// What is to be written now.
    pub(super) fn take_batch(&mut self, conn: usize, life: u64) -> Option<Batch> {
        // Whoever was held up may have lost the right to send since the request was handed out.
        if self.host.is_lease_over() {
            self.obey(self.host.now());
        }
        if self.is_cut_off { None } else { self.links.take_batch(conn, life) }
    }

    /// Stops when that is asked for. Where the lease is over, what is queued is not sent either.
    fn obey(&mut self, now: u64) {
        if self.host.is_stopped(now) && !self.shard.is_stopped() {
            self.shard.stop(now);
            self.is_cut_off = self.host.is_lease_over() && self.links.has_requests_to_write();
        }
    }

    pub(super) fn turn(&mut self) -> (Wake, u64) {
        let now = self.host.now();
        self.obey(now);
        // Before a frame may end, and after what has timed out.
        self.tell_inspected();
        self.host.govern(&mut self.shard, &mut self.links, now);
        self.shard.record_mut().counts.turns += 1;
        let wake = self.shard.turn(&mut self.links, now);
        self.tell_inspected();
        (wake, now)
    }

    /// Tells the core what it has asked about connections.
    fn tell_inspected(&mut self) {
        while let Some((conn, info)) = self.links.next_inspected() {
            self.shard.inspected(conn, info);
        }
    }

    pub(super) fn prepare(&mut self) {
        let now = self.host.now();
        self.shard.prepare(&mut self.links, now);
    }

    pub(super) fn is_prepared(&self) -> bool {
        self.shard.is_prepared() || self.host.is_stopped(self.host.now())
    }

    pub(super) fn ready(&mut self) {
        self.host.ready(&self.shard);
    }

    pub(super) fn is_finished(&self, now: u64) -> bool {
        self.shard.is_finished(now) || self.is_cut_off
    }

    /// Ends every task.
    pub(super) fn close_all(&mut self) {
        self.host.load_ended(&mut self.shard);
        self.links.close_all();
        self.waker = Waker::noop().clone();
    }

    pub(super) fn begin(&mut self, start_ns: u64) {
        self.host.begin(&mut self.shard, &mut self.links, start_ns);
    }

    /// The moment, and what the host says of the start.
    pub(super) fn start(&self) -> Start {
        self.host.start(self.host.now())
    }

    /// The turns are woken by `waker` from now on.
    pub(super) fn wake_by(&mut self, waker: Waker) {
        self.waker = waker;
    }

    /// Whether something has happened since this was asked.
    pub(super) fn take_news(&mut self) -> bool {
        std::mem::take(&mut self.has_news)
    }

    /// How long before `wake` to stop sleeping.
    pub(super) fn spin_ns(&self, wake: Wake) -> u64 {
        if wake.due { self.host.spin_ns() } else { 0 }
    }

    /// Waits for `until_ns` right here, where nothing has happened and less than `within_ns` is left.
    pub(super) fn wait_out(&self, until_ns: u64, within_ns: u64) {
        if within_ns == 0 || self.has_news || self.host.now() + within_ns < until_ns {
            return;
        }
        while self.host.now() < until_ns {
            std::hint::spin_loop();
        }
    }

    /// Whether a wait without sleeping, since `since_ns` and until `until_ns`, is over.
    pub(super) fn has_spun(&mut self, since_ns: u64, until_ns: u64) -> bool {
        let now = self.host.now();
        let is_over = self.take_news() || now >= until_ns;
        if is_over {
            let spun_ns = now.min(until_ns).saturating_sub(since_ns);
            self.shard.record_mut().counts.spin_ns += spun_ns;
        }
        is_over
    }

    /// Hands out what there is, after every task has ended.
    pub(super) fn end(mut self, result: &Result<(), DriveError>) {
        match result {
            Ok(()) => self.host.end(self.shard, &mut self.links),
            Err(error) => self.host.fail(error),
        }
    }
}
