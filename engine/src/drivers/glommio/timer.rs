//! The alarm of a shard, on the timers of the runtime: a timer of the kernel, which is set before the
//! runtime sleeps.

use crate::drivers::tasks;
use glommio::timer::Timer;
use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// The alarm.
pub(super) struct Alarm {
    timer: Option<Timer>,
    /// When it is over.
    at: Instant,
    /// The runtime knows of it: asking again before its time would only register it once more.
    is_registered: bool,
}

impl tasks::Timer for Alarm {
    fn new() -> io::Result<Self> {
        Ok(Self { timer: None, at: Instant::now(), is_registered: false })
    }

    fn start(&mut self, wait: Duration) -> io::Result<()> {
        self.at = Instant::now() + wait;
        self.timer = Some(Timer::new(wait));
        self.is_registered = false;
        Ok(())
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(timer) = &mut self.timer else { return Poll::Pending };
        if self.is_registered && Instant::now() < self.at {
            return Poll::Pending;
        }
        self.is_registered = true;
        let polled = Pin::new(timer).poll(context).map(drop);
        if polled.is_ready() {
            self.timer = None;
        }
        polled
    }
}
