//! The second of a run that a frame is of, and when it is over.

use acp_wire::Frame;

const SECOND_US: u64 = 1_000_000;

/// A second of a run; the warm-up comes before the measured part and counts from its own 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    /// It is not of the warm-up.
    pub is_measured: bool,
    /// Its number.
    pub second: u64,
}

impl Moment {
    /// The second of a frame.
    #[must_use]
    pub fn of(frame: &Frame) -> Self {
        Self { is_measured: !frame.flags.warmup, second: frame.second }
    }

    /// A second of the measured part.
    #[must_use]
    pub fn measured(second: u64) -> Self {
        Self { is_measured: true, second }
    }

    /// The least moment after this one.
    #[must_use]
    pub(super) fn next(self) -> Self {
        Self { second: self.second.saturating_add(1), ..self }
    }
}

/// When a run began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timeline {
    /// Start of its schedule.
    pub t0_unix_us: u64,
    /// Length of its warm-up.
    pub warmup_us: u64,
}

impl Timeline {
    /// Start of the measured part.
    #[must_use]
    pub fn origin_unix_us(&self) -> u64 {
        self.t0_unix_us.saturating_add(self.warmup_us)
    }

    /// When a second is over.
    #[must_use]
    pub fn end_unix_us(&self, moment: Moment) -> u64 {
        let since_us = moment.second.saturating_add(1).saturating_mul(SECOND_US);
        match moment.is_measured {
            true => self.origin_unix_us().saturating_add(since_us),
            false => self.t0_unix_us.saturating_add(since_us.min(self.warmup_us)),
        }
    }

    /// Run time at the end of a second: microseconds from the start of the measured part.
    #[must_use]
    pub fn end_us(&self, moment: Moment) -> i64 {
        self.at_us(self.end_unix_us(moment))
    }

    /// Run time at a moment of the clock.
    #[must_use]
    pub fn at_us(&self, unix_us: u64) -> i64 {
        let (at, origin) = (i128::from(unix_us), i128::from(self.origin_unix_us()));
        i64::try_from(at - origin).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_end_when_the_table_says() {
        let timeline = Timeline { t0_unix_us: 100_000_000, warmup_us: 1_500_000 };
        for (is_measured, second, end_us) in [
            (false, 0, -500_000),
            (false, 1, 0),
            (false, 9, 0),
            (true, 0, 1_000_000),
            (true, 59, 60_000_000),
        ] {
            let moment = Moment { is_measured, second };
            assert_eq!(timeline.end_us(moment), end_us, "{moment:?}");
        }
        assert!(timeline.end_unix_us(Moment::measured(u64::MAX)) > u64::MAX / 2, "no overflow");
    }

    #[test]
    fn the_warm_up_comes_first() {
        let warmup = Moment { is_measured: false, second: 1_000 };
        assert!(warmup < Moment::measured(0));
        assert!(Moment::measured(0) < Moment::measured(0).next());
    }
}
