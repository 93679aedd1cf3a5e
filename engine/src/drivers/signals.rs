//! What the launcher and all shards tell each other while a run goes on: start, stop, lease, changes.
//!
//! Shards look at it once a turn, with relaxed loads of words that are hardly ever written.

use crate::plan::Course;
use crate::plan::pace::MAX_DURATION_NS;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The signals of one run, and its clock.
#[derive(Debug)]
pub struct Signals {
    /// As long ago as a schedule can have begun, so that its start is a number above 0.
    origin: Instant,
    /// When the run starts; 0: not yet known.
    start_ns: AtomicU64,
    stop: AtomicBool,
    /// With a stop: what is under way is not waited for.
    is_hurried: AtomicBool,
    /// When nothing may be sent any more; the greatest time: there is no lease.
    lease_end_ns: AtomicU64,
    /// When somebody saw that the lease was over; 0: it is not.
    lapsed_ns: AtomicU64,
    /// Raised by each change of the course or of the addresses.
    revision: AtomicU32,
    course: Mutex<Option<Course>>,
    addresses: Mutex<Option<Arc<[SocketAddr]>>>,
}

impl Default for Signals {
    fn default() -> Self {
        let now = Instant::now();
        Self {
            origin: now.checked_sub(Duration::from_nanos(MAX_DURATION_NS)).unwrap_or(now),
            start_ns: AtomicU64::new(0),
            stop: AtomicBool::new(false),
            is_hurried: AtomicBool::new(false),
            lease_end_ns: AtomicU64::new(u64::MAX),
            lapsed_ns: AtomicU64::new(0),
            revision: AtomicU32::new(0),
            course: Mutex::new(None),
            addresses: Mutex::new(None),
        }
    }
}

impl Signals {
    /// Where the clock of the run begins.
    #[must_use]
    pub fn origin(&self) -> Instant {
        self.origin
    }

    /// Nanoseconds on the clock of the run.
    #[must_use]
    pub fn now(&self) -> u64 {
        u64::try_from(self.origin.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Sets the start of the run.
    pub fn start_at(&self, start_ns: u64) {
        self.start_ns.store(start_ns.max(1), Ordering::Release);
    }

    /// When the run starts; 0: not yet known.
    #[must_use]
    pub fn start_ns(&self) -> u64 {
        self.start_ns.load(Ordering::Acquire)
    }

    /// Asks all shards to stop sending.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Release);
    }

    /// Asks all shards to stop, and not to wait for what is under way.
    pub fn stop_now(&self) {
        self.is_hurried.store(true, Ordering::Release);
        self.stop();
    }

    /// Whether what is under way is not waited for after a stop.
    #[must_use]
    pub fn is_hurried(&self) -> bool {
        self.is_hurried.load(Ordering::Relaxed)
    }

    /// Whether shards were asked to stop, or have no right to send any more at `now`.
    #[inline]
    #[must_use]
    pub fn is_stopped(&self, now: u64) -> bool {
        self.stop.load(Ordering::Relaxed) || self.is_lease_over(now)
    }

    /// Whether there is a lease.
    #[inline]
    #[must_use]
    pub fn has_lease(&self) -> bool {
        self.lease_end_ns.load(Ordering::Relaxed) != u64::MAX
    }

    /// Whether the right to send is over. Whoever finds that first stops all others, for good.
    #[inline]
    #[must_use]
    pub fn is_lease_over(&self, now: u64) -> bool {
        now > self.lease_end_ns.load(Ordering::Relaxed) && self.lapse(now)
    }

    /// Ends the lease.
    #[cold]
    pub fn lapse(&self, now: u64) -> bool {
        let first = self.lapsed_ns.compare_exchange(0, now, Ordering::AcqRel, Ordering::Acquire);
        if first.is_ok() {
            self.lease_end_ns.store(0, Ordering::Release);
            self.stop();
        }
        true
    }

    /// When the lease was over.
    #[must_use]
    pub fn lapsed_ns(&self) -> Option<u64> {
        Some(self.lapsed_ns.load(Ordering::Acquire)).filter(|&at_ns| at_ns > 0)
    }

    /// Gives the right to send until `end_ns`. A lease that is over stays over: a process that was
    /// held up reads old renewals late.
    pub fn renew_lease(&self, end_ns: u64) {
        let renewed = self.lease_end_ns.fetch_update(Ordering::AcqRel, Ordering::Acquire, |old| {
            (self.now() <= old).then_some(end_ns)
        });
        if renewed.is_err() {
            self.lapse(self.now());
        }
    }

    /// Makes a changed course known.
    pub fn change(&self, course: Course) {
        *self.course.lock().unwrap_or_else(PoisonError::into_inner) = Some(course);
        self.revision.fetch_add(1, Ordering::Release);
    }

    /// Makes changed addresses of the target known.
    pub fn retarget(&self, addresses: Arc<[SocketAddr]>) {
        *self.addresses.lock().unwrap_or_else(PoisonError::into_inner) = Some(addresses);
        self.revision.fetch_add(1, Ordering::Release);
    }

    /// The changed addresses of the target; none: they are as at the start.
    #[must_use]
    pub fn addresses(&self) -> Option<Arc<[SocketAddr]>> {
        self.addresses.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How often something has changed.
    #[inline]
    #[must_use]
    pub fn revision(&self) -> u32 {
        self.revision.load(Ordering::Relaxed)
    }

    /// The changed course; none: it is as planned.
    #[must_use]
    pub fn course(&self) -> Option<Course> {
        self.course.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_ends_by_itself_and_for_good() {
        const HOUR: u64 = 3600 * 1_000_000_000;
        type Act = fn(&Signals, u64);
        let rows: [(&str, Act, u64, bool); 7] = [
            ("without one", |_, _| (), HOUR, false),
            ("within it", |signals, now| signals.renew_lease(now + HOUR), HOUR, false),
            ("behind it", |signals, now| signals.renew_lease(now + HOUR), HOUR + 1, true),
            (
                "renewed",
                |signals, now| {
                    signals.renew_lease(now + HOUR);
                    signals.renew_lease(now + 3 * HOUR);
                },
                2 * HOUR,
                false,
            ),
            (
                "renewed too late",
                |signals, now| {
                    signals.renew_lease(now);
                    signals.renew_lease(now + HOUR);
                },
                0,
                true,
            ),
            (
                "renewed after somebody has seen its end",
                |signals, now| {
                    signals.renew_lease(now + HOUR);
                    assert!(signals.is_lease_over(now + HOUR + 1));
                    signals.renew_lease(now + HOUR);
                },
                0,
                true,
            ),
            (
                "ended from outside",
                |signals, now| {
                    signals.renew_lease(now + HOUR);
                    signals.lapse(now);
                },
                0,
                true,
            ),
        ];
        for (what, act, after_ns, is_over) in rows {
            let signals = Signals::default();
            let now = signals.now();
            act(&signals, now);
            assert_eq!(signals.is_stopped(now + after_ns), is_over, "{what}");
            assert_eq!(signals.lapsed_ns().is_some(), is_over, "{what}");
        }
    }
}
