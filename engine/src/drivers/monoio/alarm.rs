//! An alarm that wakes the runtime at a time, to the accuracy of the kernel's timers.
//!
//! The runtime's own timers are rounded up to milliseconds. A timer that is a file is not: it becomes
//! readable on time, on io_uring and on epoll alike.

use monoio::net::UnixStream;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use std::future::Future;
use std::io;
use std::os::fd::AsFd as _;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// The alarm. Times are nanoseconds on the clock of the shard.
pub(super) struct Alarm {
    timer: TimerFd,
    /// The timer once more, as something that the runtime can wait for.
    readiness: Rc<UnixStream>,
    waiting: Option<Pin<Box<dyn Future<Output = ()>>>>,
    /// When it will ring.
    armed_ns: u64,
}

impl Alarm {
    /// An alarm that is not set. Must be called inside of the runtime.
    pub(super) fn new() -> io::Result<Self> {
        let flags = TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC;
        let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, flags)?;
        // Only waited for, never read or written as a socket.
        let stream = std::os::unix::net::UnixStream::from(timer.as_fd().try_clone_to_owned()?);
        let readiness = Rc::new(UnixStream::from_std(stream)?);
        Ok(Self { timer, readiness, waiting: None, armed_ns: u64::MAX })
    }

    /// Rings at `at_ns` or before; it is `now`.
    pub(super) fn set(&mut self, at_ns: u64, now: u64) -> io::Result<()> {
        if self.armed_ns <= at_ns && self.armed_ns > now {
            return Ok(());
        }
        self.armed_ns = at_ns;
        // A timer of 0 would never ring.
        let wait = Duration::from_nanos(at_ns.saturating_sub(now).max(1));
        let flags = TimerSetTimeFlags::empty();
        Ok(self.timer.set(Expiration::OneShot(wait.into()), flags)?)
    }

    /// Ready when it rings.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let waiting = self.waiting.get_or_insert_with(|| {
            let readiness = Rc::clone(&self.readiness);
            Box::pin(async move { drop(readiness.readable(false).await) })
        });
        ready!(waiting.as_mut().poll(context));
        self.waiting = None;
        self.armed_ns = u64::MAX;
        // Takes the ring back; a timer that was set anew in between has none.
        let _ring: nix::Result<()> = self.timer.wait();
        Poll::Ready(())
    }
}
