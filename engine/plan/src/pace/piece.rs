//! One piece of a schedule in integers: a window on a straight line of the rate.
//!
//! A line that is cut keeps its definition, so that no rate is rounded at the cut: the units of the
//! parts add up to those of the whole.

use super::outline::Window;
use super::{MAX_RATE_PER_S, PaceError};
use acp_wire::units::Rate;

/// One piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// From the start of the schedule.
    pub(super) start_ns: u64,
    /// Units before this piece.
    pub(super) base: u128,
    line: Line,
    /// The part of the line that is this piece.
    from_ns: u64,
    to_ns: u64,
    /// Units of the line before this piece.
    before: u128,
}

/// The rate in a straight line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Line {
    duration_ns: u64,
    /// Rates × denominator.
    from: u64,
    to: u64,
}

impl Piece {
    pub(super) fn new(
        window: &Window,
        denominator: u64,
        start_ns: u64,
        base: u128,
    ) -> Result<Self, PaceError> {
        let line = Line {
            duration_ns: window.stretch.duration_ns,
            from: scaled(window.stretch.from, denominator)?,
            to: scaled(window.stretch.to, denominator)?,
        };
        let (from_ns, to_ns) = (window.from_ns, window.to_ns);
        Ok(Self { start_ns, base, line, from_ns, to_ns, before: line.units(from_ns) })
    }

    pub(super) fn length_ns(&self) -> u64 {
        self.to_ns - self.from_ns
    }

    /// Units of this piece alone after `t` ns of it.
    pub(super) fn units(&self, t: u64) -> u128 {
        self.line.units(self.from_ns + t) - self.before
    }

    /// When a slot is due that comes after `units` of the schedule, as long as this is its piece.
    #[inline]
    pub(super) fn due_ns(&self, units: u128) -> u64 {
        let at_ns = self.line.last_ns_at(self.before + (units - self.base));
        self.start_ns + (at_ns.clamp(self.from_ns, self.to_ns) - self.from_ns)
    }

    /// Ends the piece where so many units of the schedule have passed. Returns whether they do.
    pub(super) fn end_at(&mut self, units: u128) -> bool {
        if self.base + self.units(self.length_ns()) < units {
            return false;
        }
        let rest = units.saturating_sub(self.base);
        if rest == 0 {
            self.to_ns = self.from_ns;
        } else {
            let last_ns = self.line.last_ns_at(self.before + rest - 1);
            self.to_ns = last_ns.saturating_add(1).clamp(self.from_ns, self.to_ns);
        }
        true
    }

    /// The rate × denominator at `t_ns` of the schedule; 0 behind this piece.
    pub(super) fn rate(&self, t_ns: u64) -> f64 {
        let t = t_ns - self.start_ns;
        if t > self.length_ns() { 0.0 } else { self.line.rate(self.from_ns + t) }
    }

    /// The rate × denominator at the start and at the end of this piece.
    pub(super) fn ends(&self) -> [(u64, f64); 2] {
        let end_ns = self.start_ns + self.length_ns();
        [(self.start_ns, self.line.rate(self.from_ns)), (end_ns, self.line.rate(self.to_ns))]
    }

    /// The highest rate × denominator of this piece.
    pub(super) fn peak_rate(&self) -> f64 {
        self.line.rate(self.from_ns).max(self.line.rate(self.to_ns))
    }
}

impl Line {
    /// Units after `t` ns. Exact where the rate is constant; in a ramp the square is cut to whole
    /// nanoseconds, an error of at most 1 ns that every shard shares.
    fn units(&self, t: u64) -> u128 {
        let linear = 2 * u128::from(self.from) * u128::from(t);
        if self.from == self.to {
            return linear;
        }
        let square = u128::from(t) * u128::from(t) / u128::from(self.duration_ns);
        if self.to > self.from {
            linear + u128::from(self.to - self.from) * square
        } else {
            linear - u128::from(self.from - self.to) * square
        }
    }

    fn rate(&self, t: u64) -> f64 {
        let (from, to) = (self.from as f64, self.to as f64);
        from + (to - from) * (t as f64 / self.duration_ns as f64)
    }

    /// The last nanosecond at which at most `units` have passed.
    fn last_ns_at(&self, units: u128) -> u64 {
        if self.from == self.to {
            if self.from == 0 {
                return self.duration_ns;
            }
            let at = units / (2 * u128::from(self.from));
            return u64::try_from(at).unwrap_or(u64::MAX).min(self.duration_ns);
        }
        let (mut low, mut high) = self.bracket(units);
        while low < high {
            let middle = low + (high - low).div_ceil(2);
            if self.units(middle) <= units { low = middle } else { high = middle - 1 }
        }
        low
    }

    /// Nanoseconds around the answer: from the quadratic formula in floating point, widened until
    /// they hold it.
    fn bracket(&self, units: u128) -> (u64, u64) {
        let (from, to) = (self.from as f64, self.to as f64);
        let slope = (to - from) / self.duration_ns as f64;
        let root = (from * from + slope * units as f64).max(0.0).sqrt();
        // The form without cancellation: units = 2·from·t + slope·t².
        let guess = units as f64 / (from + root).max(f64::MIN_POSITIVE);
        #[expect(clippy::cast_possible_truncation, reason = "floats saturate; clamped just below")]
        #[expect(clippy::cast_sign_loss, reason = "the guess is not negative")]
        let guess = (guess as u64).min(self.duration_ns);
        let mut width = 16;
        loop {
            let low = guess.saturating_sub(width);
            let high = guess.saturating_add(width).min(self.duration_ns);
            let low_fits = low == 0 || self.units(low) <= units;
            let high_fits = high == self.duration_ns || self.units(high) > units;
            if low_fits && high_fits {
                return (low, high);
            }
            width *= 8;
        }
    }
}

fn scaled(rate: Rate, denominator: u64) -> Result<u64, PaceError> {
    if u128::from(rate.numerator) > u128::from(MAX_RATE_PER_S) * u128::from(rate.denominator) {
        return Err(PaceError::TooFast);
    }
    let scaled = u128::from(rate.numerator) * u128::from(denominator / rate.denominator);
    u64::try_from(scaled).map_err(|_| PaceError::TooFast)
}
