//! The alarm of a shard: a timer that is set as seldom as may be.

use super::runtime::Timer;
use std::io;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// The alarm. Times are nanoseconds on the clock of the shard.
pub(super) struct Alarm<T> {
    timer: T,
    /// When it will ring.
    armed_ns: u64,
}

impl<T: Timer> Alarm<T> {
    /// An alarm that is not set. Must be called inside of the runtime.
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { timer: T::new()?, armed_ns: u64::MAX })
    }

    /// Rings at `at_ns` or before; it is `now`.
    pub(super) fn set(&mut self, at_ns: u64, now: u64) -> io::Result<()> {
        if self.armed_ns <= at_ns && self.armed_ns > now {
            return Ok(());
        }
        self.armed_ns = at_ns;
        // A timer of 0 would never ring.
        self.timer.start(Duration::from_nanos(at_ns.saturating_sub(now).max(1)))
    }

    /// Ready when it rings.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        ready!(self.timer.poll(context));
        self.armed_ns = u64::MAX;
        Poll::Ready(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Waker;

    /// Counts how often it was started.
    struct Counter {
        waits: Vec<u64>,
        is_over: bool,
    }

    impl Timer for Counter {
        fn new() -> io::Result<Self> {
            Ok(Self { waits: Vec::new(), is_over: false })
        }

        fn start(&mut self, wait: Duration) -> io::Result<()> {
            self.waits.push(u64::try_from(wait.as_nanos()).expect("short"));
            Ok(())
        }

        fn poll(&mut self, _: &mut Context<'_>) -> Poll<()> {
            if std::mem::take(&mut self.is_over) { Poll::Ready(()) } else { Poll::Pending }
        }
    }

    #[test]
    fn the_timer_is_started_only_where_it_would_ring_too_late() {
        let mut alarm = Alarm::<Counter>::new().unwrap();
        for (what, at_ns, now, started) in [
            ("the first", 100, 0, Some(100)),
            ("the same", 100, 10, None),
            ("later", 200, 10, None),
            ("earlier", 50, 10, Some(40)),
            ("its time is over", 200, 50, Some(150)),
            ("in the past", 30, 60, Some(1)),
        ] {
            let before = alarm.timer.waits.len();
            alarm.set(at_ns, now).unwrap();
            assert_eq!(alarm.timer.waits[before..].first().copied(), started, "{what}");
        }
    }

    #[test]
    fn after_it_has_rung_it_is_set_anew() {
        let mut alarm = Alarm::<Counter>::new().unwrap();
        let mut context = Context::from_waker(Waker::noop());
        alarm.set(100, 0).unwrap();
        assert!(alarm.poll(&mut context).is_pending());
        alarm.timer.is_over = true;
        assert!(alarm.poll(&mut context).is_ready());
        alarm.set(100, 0).unwrap();
        assert_eq!(alarm.timer.waits, [100, 100]);
    }
}
