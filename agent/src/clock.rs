//! Clocks: this host's Unix time, and how far it is from the control plane's.

use std::collections::VecDeque;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::Instant;

/// Samples older than this no longer say what the offset is now: clocks drift.
const KEPT: Duration = Duration::from_secs(300);

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

/// An exchange with the control plane, as far as clocks are concerned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exchange {
    /// When the question was sent.
    pub(crate) sent: Instant,
    /// The same on this host's wall clock.
    pub(crate) sent_unix_us: u64,
    /// How long the answer took.
    pub(crate) round_trip: Duration,
    /// The control plane's clock when it answered.
    pub(crate) control_unix_us: u64,
}

/// How far this host's clock is ahead of the control plane's: from the exchange with the smallest
/// round trip of the last minutes. The control plane read its clock somewhere within the round trip,
/// so the middle of it is wrong by at most half.
#[derive(Debug, Default)]
pub(crate) struct ClockOffset {
    samples: VecDeque<(Instant, Offset)>,
}

/// An offset and its largest error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Offset {
    /// This host's clock less the control plane's.
    pub(crate) offset_us: i64,
    /// Half the round trip.
    pub(crate) error_us: u64,
}

impl ClockOffset {
    /// Takes an exchange into account.
    pub(crate) fn observe(&mut self, exchange: &Exchange) {
        let error_us = micros(exchange.round_trip) / 2;
        let middle = i128::from(exchange.sent_unix_us) + i128::from(error_us);
        let offset = middle - i128::from(exchange.control_unix_us);
        let Ok(offset_us) = i64::try_from(offset) else { return };
        self.samples.push_back((exchange.sent, Offset { offset_us, error_us }));
        let is_old = |sent: Instant| exchange.sent.saturating_duration_since(sent) > KEPT;
        while self.samples.front().is_some_and(|(sent, _)| is_old(*sent))
            || self.samples.len() > SAMPLES
        {
            self.samples.pop_front();
        }
    }

    /// Forgets everything: the control plane is another one, with another clock.
    pub(crate) fn forget(&mut self) {
        self.samples.clear();
    }

    /// The best estimate; none before the first exchange.
    pub(crate) fn best(&self) -> Option<Offset> {
        self.samples.iter().map(|(_, offset)| *offset).min_by_key(|offset| offset.error_us)
    }

    /// A moment on the control plane's clock as one on this host's.
    pub(crate) fn to_local(&self, control_unix_us: u64) -> u64 {
        let offset_us = self.best().unwrap_or_default().offset_us;
        control_unix_us.saturating_add_signed(offset_us)
    }

    /// A moment on this host's clock as one on the control plane's.
    pub(crate) fn to_control(&self, local_unix_us: u64) -> u64 {
        let offset_us = self.best().unwrap_or_default().offset_us;
        local_unix_us.saturating_add_signed(offset_us.saturating_neg())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Exchanges as (second, this clock, round trip, control's clock) in µs but for the first.
    fn check(row: &str, exchanges: &[(u64, u64, u64, u64)], expect: Option<(i64, u64)>) {
        let start = Instant::now();
        let mut clock = ClockOffset::default();
        for &(second, sent_unix_us, round_trip_us, control_unix_us) in exchanges {
            clock.observe(&Exchange {
                sent: start + Duration::from_secs(second),
                sent_unix_us,
                round_trip: Duration::from_micros(round_trip_us),
                control_unix_us,
            });
        }
        let expect = expect.map(|(offset_us, error_us)| Offset { offset_us, error_us });
        assert_eq!(clock.best(), expect, "{row}");
    }

    #[test]
    fn the_smallest_round_trip_tells() {
        check("nothing yet", &[], None);
        check("same clock", &[(0, 1000, 200, 1100)], Some((0, 100)));
        check("ours is ahead", &[(0, 9000, 200, 1100)], Some((8000, 100)));
        check("ours is behind", &[(0, 1000, 200, 9100)], Some((-8000, 100)));
        check(
            "a slow answer after a fast one",
            &[(0, 1000, 200, 1100), (1, 2000, 5000, 9999)],
            Some((0, 100)),
        );
        check(
            "a fast answer after a slow one",
            &[(0, 1000, 5000, 9999), (1, 2000, 20, 2010)],
            Some((0, 10)),
        );
        check(
            "the fast one is too old",
            &[(0, 1000, 20, 1010), (301, 2000, 200, 2400)],
            Some((-300, 100)),
        );
        check("an answer that took no time", &[(0, 5, 0, 5)], Some((0, 0)));
        check("a clock beyond reason", &[(0, 5, 0, u64::MAX)], None);
    }

    #[test]
    fn moments_are_turned_both_ways() {
        let mut clock = ClockOffset::default();
        assert_eq!((clock.to_local(70), clock.to_control(70)), (70, 70), "nothing known yet");
        let round_trip = Duration::ZERO;
        let exchange =
            Exchange { sent: Instant::now(), sent_unix_us: 150, round_trip, control_unix_us: 100 };
        clock.observe(&exchange);
        assert_eq!((clock.to_local(70), clock.to_control(120)), (120, 70));
        clock.forget();
        assert_eq!(clock.best(), None);
    }
}
