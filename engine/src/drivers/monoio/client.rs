//! A shard on the runtime: turns of the core, and what wakes them.
//!
//! Pacing. The runtime sleeps in whole milliseconds, so it is woken by a timer that is a file
//! ([`Alarm`]); shortly before a due time, where a shard may spin, it looks for I/O without sleeping.
//! How late that is, in µs at 1,000/s and at 20,000/s (2 vCPU VM that others used too, one thread;
//! p99 is preemption, 1 to 4 ms with each of them):
//!
//! | waits by | io_uring p50 | p90 | epoll p50 | p90 |
//! |---|---|---|---|---|
//! | the runtime's timer | 1032, 546 | 1867, 983 | 1056, 585 | 1892, 1055 |
//! | a thread that sleeps and writes to a socket | 86, 72 | 112, – | 90, 70 | 121, 91 |
//! | the alarm | 41, 16 | 47, 36 | 39, 16 | 44, 36 |
//! | the alarm, then 100 µs of looking | 0.2, 0.2 | –, 0.3 | 0.2, 0.2 | 4, – |
//!
//! (–: preempted more often than that.) So it is the alarm, and looking where a core is ours.

use super::alarm::Alarm;
use super::links::{Batch, Links};
use crate::drivers::errno;
use crate::drivers::host::{HEARTBEAT_NS, Host, Start};
use crate::shard::{Closed, Shard, Wake};
use monoio::{Buildable, Driver, IoUringDriver, LegacyDriver, Runtime, RuntimeBuilder};
use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::rc::Rc;
use std::task::{Poll, Waker};
use thiserror::Error;

/// Looks at the end of a run: operations that were cancelled complete, and sockets close.
const LAST_LOOKS: usize = 8;

/// Why a shard cannot go on.
#[derive(Debug, Error)]
enum DriveError {
    #[error("failed to start the runtime")]
    Start(#[source] io::Error),
    #[error("failed to set a timer")]
    Alarm(#[source] io::Error),
}

/// Runs a shard to its end on the thread that calls, over io_uring.
pub(in crate::drivers) fn run_on_uring(shard: Shard, host: Host) {
    run::<IoUringDriver>(shard, host, true);
}

/// Runs a shard to its end on the thread that calls, over epoll.
pub(in crate::drivers) fn run_on_epoll(shard: Shard, host: Host) {
    run::<LegacyDriver>(shard, host, false);
}

fn run<D: Driver + Buildable>(shard: Shard, host: Host, is_on_uring: bool) {
    let entries = shard.plan().connections.next_power_of_two().clamp(256, 4096);
    let runtime = D::build(RuntimeBuilder::<D>::new().with_entries(entries));
    let mut runtime: Runtime<D> = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return host.fail(&DriveError::Start(error)),
    };
    let core = Core::new(shard, host, is_on_uring);
    let result = runtime.block_on(drive(Rc::clone(&core)));
    // Closes what the last tasks have left.
    drop(runtime);
    let core = Rc::into_inner(core).expect("every task has ended").into_inner();
    let Core { shard, mut links, host, .. } = core;
    match result {
        Ok(()) => host.end(shard, &mut links),
        Err(error) => host.fail(&error),
    }
}

/// What the tasks of a shard share. Never borrowed across an `await`.
pub(super) struct Core {
    shard: Shard,
    pub(super) links: Links,
    host: Host,
    is_on_uring: bool,
    /// Something has happened since the last turn.
    has_news: bool,
    /// Wakes the turns.
    waker: Waker,
    /// The right to send has ended before all that was queued was sent: nothing goes any more.
    is_cut_off: bool,
}

impl Core {
    fn new(shard: Shard, host: Host, is_on_uring: bool) -> Rc<RefCell<Self>> {
        Rc::new_cyclic(|core| {
            let links = Links::new(core.clone(), shard.plan());
            let waker = Waker::noop().clone();
            let (has_news, is_cut_off) = (false, false);
            RefCell::new(Self { shard, links, host, is_on_uring, has_news, waker, is_cut_off })
        })
    }

    pub(super) fn is_on_uring(&self) -> bool {
        self.is_on_uring
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
        // An earlier life may not speak for this one.
        if !self.links.is_live(conn, life) || !self.shard.is_writing(conn) {
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

    fn turn(&mut self) -> (Wake, u64) {
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
}

async fn drive(core: Rc<RefCell<Core>>) -> Result<(), DriveError> {
    core.borrow_mut().waker = poll_fn(|context| Poll::Ready(context.waker().clone())).await;
    let mut alarm = Alarm::new().map_err(DriveError::Alarm)?;
    let result = drive_to_end(&core, &mut alarm).await;
    drop(alarm);
    core.borrow_mut().close_all();
    for _ in 0..LAST_LOOKS {
        look().await;
    }
    result
}

async fn drive_to_end(core: &RefCell<Core>, alarm: &mut Alarm) -> Result<(), DriveError> {
    prepare(core, alarm).await?;
    await_start(core, alarm).await?;
    loop {
        let (wake, now) = core.borrow_mut().turn();
        if core.borrow().is_finished(now) {
            return Ok(());
        }
        wait(core, alarm, wake, now).await?;
    }
}

/// Opens connections; whoever is slow is left to the run.
async fn prepare(core: &RefCell<Core>, alarm: &mut Alarm) -> Result<(), DriveError> {
    core.borrow_mut().prepare();
    while !core.borrow().is_prepared() {
        let (wake, now) = core.borrow_mut().turn();
        wait(core, alarm, wake, now).await?;
    }
    Ok(())
}

/// Looks after the connections until the schedule begins, and begins it.
async fn await_start(core: &RefCell<Core>, alarm: &mut Alarm) -> Result<(), DriveError> {
    core.borrow_mut().ready();
    loop {
        let now = core.borrow().host.now();
        let start = core.borrow().host.start(now);
        match start {
            Start::At { start_ns } => {
                core.borrow_mut().begin(start_ns);
                return Ok(());
            }
            Start::Wait { until_ns } => {
                let (wake, now) = core.borrow_mut().turn();
                let wake = Wake { at_ns: wake.at_ns.min(until_ns), due: false };
                wait(core, alarm, wake, now).await?;
            }
        }
    }
}

impl Core {
    fn prepare(&mut self) {
        let now = self.host.now();
        self.shard.prepare(&mut self.links, now);
    }

    fn is_prepared(&self) -> bool {
        self.shard.is_prepared() || self.host.is_stopped(self.host.now())
    }

    fn ready(&mut self) {
        self.host.ready(&self.shard);
    }

    fn is_finished(&self, now: u64) -> bool {
        self.shard.is_finished(now) || self.is_cut_off
    }

    fn close_all(&mut self) {
        self.host.load_ended(&mut self.shard);
        self.links.close_all();
    }

    fn begin(&mut self, start_ns: u64) {
        self.host.begin(&mut self.shard, &mut self.links, start_ns);
    }
}

/// Waits until something has happened or is due.
async fn wait(
    core: &RefCell<Core>,
    alarm: &mut Alarm,
    wake: Wake,
    now: u64,
) -> Result<(), DriveError> {
    let until_ns = wake.at_ns.saturating_sub(now);
    let spin_ns = if wake.due { core.borrow().host.spin_ns() } else { 0 };
    if until_ns <= spin_ns {
        spin(core, wake.at_ns, now).await;
        return Ok(());
    }
    let sleep_ns = (until_ns - spin_ns).min(HEARTBEAT_NS);
    alarm.set(now + sleep_ns, now).map_err(DriveError::Alarm)?;
    poll_fn(|context| {
        if std::mem::take(&mut core.borrow_mut().has_news) {
            return Poll::Ready(());
        }
        alarm.poll(context)
    })
    .await;
    Ok(())
}

/// Looks again and again until something has happened or is due: a sleeping thread wakes up too late.
async fn spin(core: &RefCell<Core>, until_ns: u64, since_ns: u64) {
    loop {
        look().await;
        let mut core = core.borrow_mut();
        let now = core.host.now();
        if std::mem::take(&mut core.has_news) || now >= until_ns {
            core.shard.record_mut().counts.spin_ns += now.min(until_ns).saturating_sub(since_ns);
            return;
        }
    }
}

/// Lets I/O and all tasks go on for one round, without sleeping.
///
/// The runtime sleeps only when no task can run, so there is one. A future that wakes itself would
/// not do: the runtime polls it again before anything else.
async fn look() {
    let mut has_looked = false;
    poll_fn(|context| {
        if std::mem::replace(&mut has_looked, true) {
            return Poll::Ready(());
        }
        let waker = context.waker().clone();
        drop(monoio::spawn(async move { waker.wake() }));
        Poll::Pending
    })
    .await;
}
