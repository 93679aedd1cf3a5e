//! Clocks: this host's Unix time, and how far it is from the control plane's.

use std::collections::VecDeque;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::Instant;

/// Samples older than this no longer say what the offset is now: clocks drift.
const KEPT: Duration = Duration::from_secs(300);

/// Clocks run apart by at most one part in so many.
const DRIFT: u64 = 2000;

/// Most samples kept: one every half second of that time.
const SAMPLES: usize = 600;

/// Unix time of this host in microseconds.
pub(crate) fn now_unix_us() -> u64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    micros(since_1970)
}

/// Whole microseconds.
pub(crate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// One moment on both clocks of this host. The wall clock may be set; the other only goes on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Now {
    pub(crate) instant: Instant,
    pub(crate) unix_us: u64,
}

impl Now {
    pub(crate) fn read() -> Self {
        Self { instant: Instant::now(), unix_us: now_unix_us() }
    }
}

/// An exchange with the control plane, as far as clocks are concerned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exchange {
    /// When the question was sent.
    pub(crate) sent: Instant,
    /// How long the answer took.
    pub(crate) round_trip: Duration,
    /// The control plane's clock when it answered.
    pub(crate) control_unix_us: u64,
}

/// What the control plane's clock says, by the exchange with the smallest round trip of the last
/// minutes and by what has passed since on a clock that nobody sets. The control plane read its clock
/// somewhere within the round trip, so the middle of it is wrong by at most half.
#[derive(Debug, Default)]
pub(crate) struct ClockOffset {
    samples: VecDeque<Sample>,
}

/// The control plane's clock at a moment.
#[derive(Clone, Copy, Debug)]
struct Sample {
    at: Instant,
    control_unix_us: u64,
    error_us: u64,
}

impl Sample {
    /// The control plane's clock at another moment.
    fn at(&self, moment: Instant) -> u64 {
        let after_us = micros(moment.saturating_duration_since(self.at));
        let before_us = micros(self.at.saturating_duration_since(moment));
        self.control_unix_us.saturating_add(after_us).saturating_sub(before_us)
    }

    /// Whether no clock can have said both.
    fn contradicts(&self, other: &Self) -> bool {
        let passed = self.at.saturating_duration_since(other.at);
        let drift_us = micros(passed) / DRIFT + 1000;
        let allowed_us = self.error_us.saturating_add(other.error_us).saturating_add(drift_us);
        other.at(self.at).abs_diff(self.control_unix_us) > allowed_us
    }
}

/// An offset and its largest error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Offset {
    /// This host's wall clock less the control plane's.
    pub(crate) offset_us: i64,
    /// Half the round trip.
    pub(crate) error_us: u64,
}

impl ClockOffset {
    /// Takes an exchange into account. Where it says that the control plane's clock was set, or that
    /// this host slept, what was known before is worth nothing.
    pub(crate) fn observe(&mut self, exchange: &Exchange) {
        let half = exchange.round_trip / 2;
        let sample = Sample {
            at: exchange.sent + half,
            control_unix_us: exchange.control_unix_us,
            error_us: micros(half),
        };
        if self.best().is_some_and(|best| sample.contradicts(best)) {
            self.samples.clear();
        }
        self.samples.push_back(sample);
        let is_old = |at: Instant| sample.at.saturating_duration_since(at) > KEPT;
        while self.samples.front().is_some_and(|sample| is_old(sample.at))
            || self.samples.len() > SAMPLES
        {
            self.samples.pop_front();
        }
    }

    /// Forgets everything: the control plane is another one, with another clock.
    pub(crate) fn forget(&mut self) {
        self.samples.clear();
    }

    fn best(&self) -> Option<&Sample> {
        self.samples.iter().min_by_key(|sample| sample.error_us)
    }

    /// The best estimate of what this host's wall clock is ahead by now; none before the first
    /// exchange, or where it is beyond reason.
    pub(crate) fn offset(&self, now: Now) -> Option<Offset> {
        let best = self.best()?;
        let offset_us = i128::from(now.unix_us) - i128::from(best.at(now.instant));
        Some(Offset { offset_us: i64::try_from(offset_us).ok()?, error_us: best.error_us })
    }

    /// The control plane's clock now; this host's before the first exchange.
    pub(crate) fn control_unix_us(&self, now: Now) -> u64 {
        self.best().map_or(now.unix_us, |best| best.at(now.instant))
    }

    /// A moment on the control plane's clock as one on this host's wall clock, as that is set now.
    pub(crate) fn to_local(&self, control_unix_us: u64, now: Now) -> u64 {
        let ahead_us = i128::from(control_unix_us) - i128::from(self.control_unix_us(now));
        u64::try_from((i128::from(now.unix_us) + ahead_us).max(0)).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Exchanges as (second, round trip, control's clock) in µs but for the first; found is control's
    /// clock at second 400, its largest error, and what a wall clock of 500 s is ahead by.
    fn check(row: &str, exchanges: &[(u64, u64, u64)], expect: Option<(u64, u64, i64)>) {
        let start = Instant::now();
        let mut clock = ClockOffset::default();
        for &(second, round_trip_us, control_unix_us) in exchanges {
            clock.observe(&Exchange {
                sent: start + Duration::from_secs(second),
                round_trip: Duration::from_micros(round_trip_us),
                control_unix_us,
            });
        }
        let now = Now { instant: start + Duration::from_secs(400), unix_us: 500_000_000 };
        let offset = clock.offset(now);
        let found =
            offset.map(|found| (clock.control_unix_us(now), found.error_us, found.offset_us));
        assert_eq!(found, expect, "{row}");
    }

    #[test]
    fn the_smallest_round_trip_tells() {
        const S: u64 = 1_000_000;
        check("nothing yet", &[], None);
        check("ours is ahead", &[(0, 200, 100)], Some((400 * S, 100, 100_000_000)));
        check("ours is behind", &[(0, 200, 300 * S + 100)], Some((700 * S, 100, -200_000_000)));
        check("an answer that took no time", &[(0, 0, 0)], Some((400 * S, 0, 100_000_000)));
        check(
            "a slow answer after a fast one",
            &[(0, 200, 100), (1, 5000, S + 4000)],
            Some((400 * S, 100, 100_000_000)),
        );
        check(
            "a fast answer after a slow one",
            &[(0, 5000, 1000), (1, 20, S + 10)],
            Some((400 * S, 10, 100_000_000)),
        );
        check(
            "the fast one is too old",
            &[(0, 20, 10), (301, 200, 301 * S + 110)],
            Some((400 * S + 10, 100, 99_999_990)),
        );
        check(
            "its clock was set, though the answer is slow",
            &[(0, 20, 10), (1, 5000, 51 * S + 2500)],
            Some((450 * S, 2500, 50_000_000)),
        );
        check(
            "its clock was set back",
            &[(0, 20, 50 * S + 10), (1, 5000, S + 2500)],
            Some((400 * S, 2500, 100_000_000)),
        );
        check(
            "an old exchange whose answer comes late",
            &[(2, 200, 2 * S + 100), (1, 20, S + 10)],
            Some((400 * S, 10, 100_000_000)),
        );
        check("a clock beyond reason", &[(0, 0, u64::MAX)], None);
    }

    /// The wall clock was set by these µs since the exchange: the start is as far ahead as before.
    #[test]
    fn a_step_of_the_wall_clock_moves_no_start() {
        let exchanged = Instant::now();
        let mut clock = ClockOffset::default();
        let before = Now { instant: exchanged, unix_us: 7_000_000 };
        assert_eq!(clock.to_local(70, before), 70, "nothing known yet");
        let round_trip = Duration::ZERO;
        clock.observe(&Exchange { sent: exchanged, round_trip, control_unix_us: 1_000_000 });
        for step_us in [-5_000_000_i64, -1, 0, 1, 3_600_000_000] {
            let unix_us = 17_000_000_u64.checked_add_signed(step_us).unwrap();
            let now = Now { instant: exchanged + Duration::from_secs(10), unix_us };
            assert_eq!(clock.control_unix_us(now), 11_000_000, "{step_us}");
            assert_eq!(clock.to_local(14_000_000, now), unix_us + 3_000_000, "{step_us}");
            assert_eq!(clock.to_local(10_000_000, now), unix_us - 1_000_000, "{step_us}: past");
        }
        clock.forget();
        assert_eq!(clock.offset(before), None);
    }
}
