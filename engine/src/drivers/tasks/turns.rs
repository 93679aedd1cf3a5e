//! A shard on a runtime: turns of the core, and what wakes them.
//!
//! Where a core is ours, turns stop sleeping shortly before a due time, and look at I/O without
//! sleeping: a sleeping thread wakes up too late.

use super::alarm::Alarm;
use super::connection;
use super::core::Core;
use super::runtime::Runtime;
use crate::drivers::host::{HEARTBEAT_NS, Host, Start};
use crate::shard::{Shard, Wake};
use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::marker::PhantomData;
use std::rc::Rc;
use std::task::Poll;
use thiserror::Error;

/// Looks at the end of a run: operations that were cancelled complete, and sockets close.
const LAST_LOOKS: usize = 8;

/// Why a shard cannot go on.
#[derive(Debug, Error)]
pub(in crate::drivers) enum DriveError {
    #[error("failed to start the runtime")]
    Start(#[source] io::Error),
    #[error("failed to set a timer")]
    Alarm(#[source] io::Error),
}

/// The load of one shard on a runtime `R`.
pub(in crate::drivers) struct Load<R> {
    core: Rc<RefCell<Core>>,
    runtime: PhantomData<R>,
}

impl<R: Runtime> Load<R> {
    /// What a shard is to do.
    pub(in crate::drivers) fn new(shard: Shard, host: Host) -> Self {
        Self { core: Core::new(shard, host, connection::start::<R>), runtime: PhantomData }
    }

    /// Runs the shard to its end. To be polled by the runtime.
    ///
    /// # Errors
    ///
    /// When the shard cannot go on.
    pub(in crate::drivers) fn drive(
        &self,
    ) -> impl Future<Output = Result<(), DriveError>> + use<R> {
        drive::<R>(Rc::clone(&self.core))
    }

    /// Hands out what there is. The runtime is gone by then.
    ///
    /// # Panics
    ///
    /// When a task is left.
    pub(in crate::drivers) fn end(self, result: &Result<(), DriveError>) {
        let core = Rc::into_inner(self.core).expect("every task has ended");
        core.into_inner().end(result);
    }
}

async fn drive<R: Runtime>(core: Rc<RefCell<Core>>) -> Result<(), DriveError> {
    let waker = poll_fn(|context| Poll::Ready(context.waker().clone())).await;
    core.borrow_mut().wake_by(waker);
    let mut alarm = Alarm::<R::Timer>::new().map_err(DriveError::Alarm)?;
    let result = drive_to_end::<R>(&core, &mut alarm).await;
    drop(alarm);
    core.borrow_mut().close_all();
    for _ in 0..LAST_LOOKS {
        R::look().await;
    }
    result
}

async fn drive_to_end<R: Runtime>(
    core: &RefCell<Core>,
    alarm: &mut Alarm<R::Timer>,
) -> Result<(), DriveError> {
    prepare::<R>(core, alarm).await?;
    await_start::<R>(core, alarm).await?;
    loop {
        let (wake, now) = core.borrow_mut().turn();
        if core.borrow().is_finished(now) {
            return Ok(());
        }
        wait::<R>(core, alarm, wake, now).await?;
    }
}

/// Opens connections; whoever is slow is left to the run.
async fn prepare<R: Runtime>(
    core: &RefCell<Core>,
    alarm: &mut Alarm<R::Timer>,
) -> Result<(), DriveError> {
    core.borrow_mut().prepare();
    while !core.borrow().is_prepared() {
        let (wake, now) = core.borrow_mut().turn();
        wait::<R>(core, alarm, wake, now).await?;
    }
    Ok(())
}

/// Looks after the connections until the schedule begins, and begins it.
async fn await_start<R: Runtime>(
    core: &RefCell<Core>,
    alarm: &mut Alarm<R::Timer>,
) -> Result<(), DriveError> {
    core.borrow_mut().ready();
    loop {
        let start = core.borrow().start();
        match start {
            Start::At { start_ns } => {
                core.borrow_mut().begin(start_ns);
                return Ok(());
            }
            Start::Wait { until_ns } => {
                let (wake, now) = core.borrow_mut().turn();
                let wake = Wake { at_ns: wake.at_ns.min(until_ns), due: false };
                wait::<R>(core, alarm, wake, now).await?;
            }
        }
    }
}

/// Waits until something has happened or is due.
async fn wait<R: Runtime>(
    core: &RefCell<Core>,
    alarm: &mut Alarm<R::Timer>,
    wake: Wake,
    now: u64,
) -> Result<(), DriveError> {
    let until_ns = wake.at_ns.saturating_sub(now);
    let spin_ns = core.borrow().spin_ns(wake);
    if until_ns <= spin_ns {
        spin::<R>(core, wake.at_ns, now).await;
        return Ok(());
    }
    let sleep_ns = (until_ns - spin_ns).min(HEARTBEAT_NS);
    alarm.set(now + sleep_ns, now).map_err(DriveError::Alarm)?;
    poll_fn(|context| {
        if core.borrow_mut().take_news() {
            return Poll::Ready(());
        }
        alarm.poll(context)
    })
    .await;
    Ok(())
}

/// Looks again and again until something has happened or is due.
async fn spin<R: Runtime>(core: &RefCell<Core>, until_ns: u64, since_ns: u64) {
    loop {
        // Once at least: where slots are closer than a look is long, I/O goes on all the same.
        R::look().await;
        let mut core = core.borrow_mut();
        core.wait_out(until_ns, R::LOOK_NS);
        if core.has_spun(since_ns, until_ns) {
            return;
        }
    }
}
