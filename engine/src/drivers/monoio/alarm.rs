//! An alarm that wakes the runtime at a time, to the accuracy of the kernel's timers.
//!
//! The runtime's own timers are rounded up to milliseconds. A timer that is a file is not: it becomes
//! readable on time, on io_uring and on epoll alike.

use crate::drivers::tasks::Timer;
use monoio::net::UnixStream;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use std::future::Future;
use std::io;
use std::os::fd::AsFd as _;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// The alarm.
pub(super) struct Alarm {
    timer: TimerFd,
    /// The timer once more, as something that the runtime can wait for.
    readiness: Rc<UnixStream>,
    waiting: Option<Pin<Box<dyn Future<Output = ()>>>>,
}

impl Timer for Alarm {
    fn new() -> io::Result<Self> {
        let flags = TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC;
        let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, flags)?;
        // Only waited for, never read or written as a socket.
        let stream = std::os::unix::net::UnixStream::from(timer.as_fd().try_clone_to_owned()?);
        let readiness = Rc::new(UnixStream::from_std(stream)?);
        Ok(Self { timer, readiness, waiting: None })
    }

    fn start(&mut self, wait: Duration) -> io::Result<()> {
        let flags = TimerSetTimeFlags::empty();
        Ok(self.timer.set(Expiration::OneShot(wait.into()), flags)?)
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let waiting = self.waiting.get_or_insert_with(|| {
            let readiness = Rc::clone(&self.readiness);
            Box::pin(async move { drop(readiness.readable(false).await) })
        });
        ready!(waiting.as_mut().poll(context));
        self.waiting = None;
        // Takes the ring back; a timer that was set anew in between has none.
        let _ring: nix::Result<()> = self.timer.wait();
        Poll::Ready(())
    }
}
