//! The schedule: slot number → due nanosecond, as a pure function.
//!
//! A pace is a sequence of pieces; in each the rate goes in a straight line from one value to
//! another. With `N(t)` the integral of the rate, slot `k` (from 0) is due at the last nanosecond
//! `t` with `N(t) ≤ k`: slot 0 at once, and no slot at a rate of zero. All arithmetic is in integers,
//! in units of `1 / (2 · denominator · 10⁹)` of a slot, so a constant rate has no drift and
//! the shares of shards and agents add up exactly.
//!
//! With Poisson arrivals slot `k` is due at the last nanosecond with `N(t) ≤ U(k)` instead, where `U(k)`
//! is arrival `k` of a process of one slot a unit that is a function of the seed alone: where the rate
//! is high arrivals are dense, and a change of the rate moves no slot that was due before it.
//!
//! A change of a running schedule makes another pace, a function of nothing but the first one and the
//! changes since: everybody who knows the same changes has the same due times.

mod outline;
mod piece;
mod poisson;
mod spacing;
#[cfg(test)]
pub(crate) mod statistics;

use acp_wire::agent::ChangeKind;
use acp_wire::units::{Rate, UnitError, parse_rate};
use acp_wire::verdict::{SEND_LAG_GAP_RATIO, SEND_LAG_LIMIT_NS};
use outline::{Outline, Window};
use piece::Piece;
pub use poisson::Cursor;
use spacing::Places;
pub use spacing::Spacing;
use thiserror::Error;

/// Largest rate, per second.
pub const MAX_RATE_PER_S: u64 = 1_000_000_000;
/// Longest schedule: a year.
pub const MAX_DURATION_NS: u64 = 366 * 24 * 3600 * 1_000_000_000;
/// Most changes of one schedule: one a second, for a day.
pub const MAX_CHANGES: usize = 100_000;
/// Largest common denominator of the rates of one schedule.
pub(crate) const MAX_DENOMINATOR: u64 = 1_000_000_000;

/// Why a schedule cannot be made.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum PaceError {
    /// A rate above [`MAX_RATE_PER_S`].
    #[error("rate is above {MAX_RATE_PER_S} requests per second")]
    TooFast,
    /// A schedule above [`MAX_DURATION_NS`].
    #[error("schedule is longer than a year")]
    TooLong,
    /// Rates without a common denominator that fits.
    #[error("rates of the schedule have no common denominator up to {MAX_DENOMINATOR}; round them")]
    Denominator,
    /// More changes than [`MAX_CHANGES`].
    #[error("a schedule can be changed {MAX_CHANGES} times")]
    TooManyChanges,
}

/// A change of a running schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The rest of the schedule is this rate. In a pause it is kept for its end.
    Rate(Rate),
    /// No slot is due from now on.
    Pause,
    /// The schedule goes on where it would be by now: at the latest rate set, or as planned.
    Resume,
}

impl Change {
    /// The change that a message asks for.
    ///
    /// # Errors
    ///
    /// When its rate is not one.
    pub fn from_wire(kind: &ChangeKind) -> Result<Self, UnitError> {
        Ok(match kind {
            ChangeKind::Rate(rate) => Self::Rate(parse_rate(rate)?),
            ChangeKind::Pause => Self::Pause,
            ChangeKind::Resume => Self::Resume,
        })
    }
}

/// A stretch of the schedule: the rate goes in a straight line from `from` to `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// Rate at the start.
    pub from: Rate,
    /// Rate at the end.
    pub to: Rate,
    /// Length.
    pub duration_ns: u64,
}

impl Stretch {
    /// A stretch of one rate.
    #[must_use]
    pub fn constant(rate: Rate, duration_ns: u64) -> Self {
        Self { from: rate, to: rate, duration_ns }
    }
}

/// A schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pace {
    pieces: Vec<Piece>,
    denominator: u64,
    places: Places,
    duration_ns: u64,
    total: u64,
    outline: Outline,
}

impl Pace {
    /// Makes a schedule of `stretches`, one after the other.
    ///
    /// # Errors
    ///
    /// When a rate, the length or the common denominator is too large.
    pub fn new(stretches: &[Stretch]) -> Result<Self, PaceError> {
        Self::build(Outline::new(stretches, None))
    }

    /// Makes a schedule that ends as soon as it has had `slots` slots, the gap after the last one
    /// included, and with its stretches at the latest.
    ///
    /// # Errors
    ///
    /// As [`Self::new`].
    pub fn counted(stretches: &[Stretch], slots: u64) -> Result<Self, PaceError> {
        Self::build(Outline::new(stretches, Some(slots)))
    }

    /// The schedule with its slots spread in another way. A count stays what it was.
    ///
    /// # Errors
    ///
    /// None that [`Self::new`] has not had.
    pub fn spaced(&self, spacing: Spacing) -> Result<Self, PaceError> {
        Self::build(self.outline.with_spacing(spacing))
    }

    /// The schedule with `change` from `at_ns` on; before, it is untouched. A change does not reach
    /// back behind the one before it. The length stays, unless a count ends the schedule.
    ///
    /// # Errors
    ///
    /// When a rate or the common denominator is too large, or there were too many changes.
    pub fn with_change(&self, at_ns: u64, change: Change) -> Result<Self, PaceError> {
        Self::build(self.outline.with_change(at_ns, change)?)
    }

    fn build(outline: Outline) -> Result<Self, PaceError> {
        if outline.limit_ns() > MAX_DURATION_NS {
            return Err(PaceError::TooLong);
        }
        let windows = outline.windows();
        let denominator = common_denominator(&windows)?;
        let units_per_slot = 2 * u128::from(denominator) * 1_000_000_000;
        let places = Places { spacing: outline.spacing(), units_per_slot };
        let mut cursor = Cursor::default();
        let last_units = outline.slots().map(|slots| places.end_of(slots, &mut cursor));
        let mut pieces = Vec::with_capacity(windows.len());
        let (mut start_ns, mut base) = (0_u64, 0_u128);
        for window in windows {
            let mut piece = Piece::new(&window, denominator, start_ns, base)?;
            let is_last = last_units.is_some_and(|units| piece.end_at(units));
            start_ns += piece.length_ns();
            base += piece.units(piece.length_ns());
            if piece.length_ns() > 0 {
                pieces.push(piece);
            }
            if is_last {
                break;
            }
        }
        let total = places.slots_before(base, &mut cursor);
        Ok(Self { pieces, denominator, places, duration_ns: start_ns, total, outline })
    }

    /// Length of the schedule.
    #[must_use]
    pub fn duration_ns(&self) -> u64 {
        self.duration_ns
    }

    /// Slots of the schedule.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total
    }

    /// When slot `k` is due, in nanoseconds from the start. At or after the end for `k ≥ total`.
    ///
    /// With Poisson arrivals it takes some microseconds: who asks for many has a cursor of its own.
    #[must_use]
    pub fn due_ns(&self, k: u64) -> u64 {
        self.due_ns_by(k, &mut Cursor::default())
    }

    /// As [`Self::due_ns`], but fast for slots in order. The cursor may come from any schedule.
    #[must_use]
    #[inline]
    pub fn due_ns_by(&self, k: u64, cursor: &mut Cursor) -> u64 {
        let units = self.places.units(k, cursor);
        match self.pieces.partition_point(|piece| piece.base <= units).checked_sub(1) {
            Some(number) => self.pieces[number].due_ns(units),
            None => self.duration_ns,
        }
    }

    /// How many slots are due before `t_ns`.
    ///
    /// With Poisson arrivals it takes some microseconds: who asks often has a cursor of its own.
    #[must_use]
    pub fn slots_before(&self, t_ns: u64) -> u64 {
        self.slots_before_by(t_ns, &mut Cursor::default())
    }

    /// As [`Self::slots_before`], but fast for times in order. The cursor may come from any schedule.
    #[must_use]
    pub fn slots_before_by(&self, t_ns: u64, cursor: &mut Cursor) -> u64 {
        let number = self.pieces.partition_point(|piece| piece.start_ns < t_ns).checked_sub(1);
        let Some(piece) = number.map(|number| &self.pieces[number]) else { return 0 };
        let units = piece.base + piece.units((t_ns - piece.start_ns).min(piece.length_ns()));
        self.places.slots_before(units, cursor).min(self.total)
    }

    /// The rate at `t_ns`, per second; 0 after the end.
    #[must_use]
    pub fn rate_per_s(&self, t_ns: u64) -> f64 {
        let number = self.pieces.partition_point(|piece| piece.start_ns <= t_ns).checked_sub(1);
        let rate = number.map_or(0.0, |number| self.pieces[number].rate(t_ns));
        rate / self.denominator as f64
    }

    /// A slot sent later than this after its due time is late: 1 ms, or a tenth of the mean gap.
    ///
    /// Of the mean gap with Poisson arrivals too: their gaps go down to nothing, so that no lag would be
    /// small beside the gap before it, and it is the mean gap that says how much a lag changes the load
    /// that a target sees.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "a tenth of a year fits")]
    #[expect(clippy::cast_sign_loss, reason = "a gap is not negative")]
    pub fn late_limit_ns(&self) -> u64 {
        let gap_ns = self.duration_ns as f64 / self.total.max(1) as f64;
        SEND_LAG_LIMIT_NS.max((gap_ns * SEND_LAG_GAP_RATIO) as u64)
    }

    /// The corners of the rate over time: nanoseconds from the start and the rate per second there.
    /// Between two of them it goes in a straight line; a step is two at the same time.
    #[must_use]
    pub fn corners(&self) -> Vec<(u64, f64)> {
        let ends = self.pieces.iter().flat_map(Piece::ends);
        let mut corners: Vec<_> =
            ends.map(|(at_ns, rate)| (at_ns, rate / self.denominator as f64)).collect();
        corners.dedup();
        corners
    }

    /// The highest rate of the schedule, per second.
    #[must_use]
    pub fn peak_rate_per_s(&self) -> f64 {
        let peak = self.pieces.iter().map(Piece::peak_rate).fold(0.0, f64::max);
        peak / self.denominator as f64
    }
}

fn common_denominator(windows: &[Window]) -> Result<u64, PaceError> {
    let rates = windows.iter().flat_map(|window| [window.stretch.from, window.stretch.to]);
    rates.map(|rate| rate.denominator).try_fold(1_u64, |common, next| {
        let next = (common / gcd(common, next)).checked_mul(next);
        next.filter(|&next| next <= MAX_DENOMINATOR).ok_or(PaceError::Denominator)
    })
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(super) const SECOND: u64 = 1_000_000_000;

    pub(super) fn pace(stretches: &[(&str, &str, u64)]) -> Pace {
        let stretches: Vec<_> = stretches
            .iter()
            .map(|&(from, to, duration_ns)| Stretch {
                from: parse_rate(from).unwrap(),
                to: parse_rate(to).unwrap(),
                duration_ns,
            })
            .collect();
        Pace::new(&stretches).unwrap()
    }

    #[test]
    fn slots_are_due_when_the_table_says() {
        for (what, stretches, k, due_ns) in [
            ("the first slot at once", vec![("1", "1", SECOND)], 0, 0),
            ("equal gaps", vec![("20k", "20k", SECOND)], 3, 150_000),
            (
                "no drift after a day",
                vec![("3", "3", 86_400 * SECOND)],
                259_199,
                86_399_666_666_666,
            ),
            ("a rate below one", vec![("0.5", "0.5", 10 * SECOND)], 4, 8 * SECOND),
            ("a rate per minute", vec![("300/m", "300/m", 10 * SECOND)], 49, 9_800_000_000),
            ("a rate per hour", vec![("5/h", "5/h", 3600 * SECOND)], 1, 720 * SECOND),
            ("a ramp from zero", vec![("0", "1k", SECOND)], 125, SECOND / 2),
            ("a ramp down", vec![("1k", "0", SECOND)], 375, SECOND / 2),
            (
                "a pause holds the slot back",
                vec![("0", "0", SECOND), ("1", "1", SECOND)],
                0,
                SECOND,
            ),
            (
                "a fraction carries over",
                vec![("0.5", "0.5", SECOND), ("1", "1", SECOND)],
                1,
                1_500_000_000,
            ),
            ("steps", vec![("10", "10", SECOND), ("20", "20", SECOND)], 12, 1_100_000_000),
        ] {
            let found = pace(&stretches).due_ns(k);
            assert!(found.abs_diff(due_ns) <= 1, "{what}: due {found}, expected {due_ns}");
        }
    }

    #[test]
    fn totals_are_exact() {
        for (what, stretches, total) in [
            ("one a second", vec![("1", "1", 10 * SECOND)], 10),
            ("half a second's worth counts the slot at 0", vec![("0.5", "0.5", SECOND)], 1),
            ("a third", vec![("1", "1", 10 * SECOND / 3)], 4),
            ("a ramp is a triangle", vec![("0", "20k", 4 * SECOND)], 40_000),
            (
                "ramp and plateau",
                vec![("0", "20k", 4 * SECOND), ("20k", "20k", 6 * SECOND)],
                160_000,
            ),
            ("nothing", vec![("0", "0", SECOND)], 0),
        ] {
            assert_eq!(pace(&stretches).total(), total, "{what}");
        }
    }

    #[test]
    fn corners_are_where_the_rate_turns() {
        let check = |what: &str, stretches: &[(&str, &str, u64)], expect: &[(u64, f64)]| {
            assert_eq!(pace(stretches).corners(), expect, "{what}");
        };
        check("nothing", &[], &[]);
        check("no length", &[("5", "9", 0)], &[]);
        check("constant", &[("0.5", "0.5", 9)], &[(0, 0.5), (9, 0.5)]);
        check("a ramp", &[("0", "1k", SECOND)], &[(0, 0.0), (SECOND, 1000.0)]);
        let peak = [("0", "30", 5), ("30", "6/m", 5)];
        check("up and down", &peak, &[(0, 0.0), (5, 30.0), (10, 0.1)]);
        let steps = [("1", "1", 5), ("2", "2", 0), ("3", "3", 5)];
        check("a step", &steps, &[(0, 1.0), (5, 1.0), (5, 3.0), (10, 3.0)]);
    }

    #[test]
    fn corners_follow_a_count_and_changes() {
        let ramp = Stretch {
            from: parse_rate("0").unwrap(),
            to: parse_rate("10").unwrap(),
            duration_ns: 10 * SECOND,
        };
        let (end_ns, rate) = *Pace::counted(&[ramp], 32).unwrap().corners().last().unwrap();
        assert!(end_ns.abs_diff(8 * SECOND) <= 1, "32 slots of t²/2 by {end_ns}");
        assert!((rate - 8.0).abs() < 1e-6, "{rate} at the end");
        let paused = Pace::new(&[ramp]).unwrap().with_change(4 * SECOND, Change::Pause).unwrap();
        let corners = [(0, 0.0), (4, 4.0), (4, 0.0), (10, 0.0)];
        assert_eq!(paused.corners(), corners.map(|(at_s, rate)| (at_s * SECOND, rate)));
    }

    #[test]
    fn bad_schedules_are_refused() {
        let rate = |text: &str| parse_rate(text).unwrap();
        for (what, stretch, error) in [
            ("too fast", Stretch::constant(rate("1000000001"), SECOND), PaceError::TooFast),
            ("too long", Stretch::constant(rate("1"), MAX_DURATION_NS + 1), PaceError::TooLong),
        ] {
            assert_eq!(Pace::new(&[stretch]), Err(error), "{what}");
        }
        let prime = |denominator| Rate { numerator: 1, denominator };
        let ramp = Stretch { from: prime(999_983), to: prime(999_979), duration_ns: SECOND };
        assert_eq!(Pace::new(&[ramp]), Err(PaceError::Denominator));
    }

    pub(super) fn any_stretch() -> impl Strategy<Value = Stretch> {
        let rate = || {
            (0_u64..2_000_000, prop::sample::select(vec![1_u64, 2, 3, 60, 720, 1000]))
                .prop_map(|(numerator, denominator)| Rate { numerator, denominator })
        };
        (rate(), rate(), 0_u64..20 * SECOND, any::<bool>()).prop_map(
            |(from, to, duration_ns, flat)| Stretch {
                from,
                to: if flat { from } else { to },
                duration_ns,
            },
        )
    }

    pub(super) fn any_spacing() -> impl Strategy<Value = Spacing> {
        let poisson = any::<u64>().prop_map(|seed| Spacing::Poisson { seed });
        prop_oneof![Just(Spacing::Uniform), poisson]
    }

    proptest! {
        #[test]
        fn the_area_below_the_corners_is_the_number_of_slots(
            stretches in prop::collection::vec(any_stretch(), 1..5),
        ) {
            let pace = Pace::new(&stretches).unwrap();
            let corners = pace.corners();
            let area: f64 = corners
                .windows(2)
                .map(|pair| (pair[1].0 - pair[0].0) as f64 / 1e9 * (pair[0].1 + pair[1].1) / 2.0)
                .sum();
            let total = pace.total() as f64;
            prop_assert!((area - total).abs() <= 1.0 + total * 1e-9, "{area} below, {total} slots");
            let peak = corners.iter().map(|corner| corner.1).fold(0.0, f64::max);
            prop_assert_eq!(peak, pace.peak_rate_per_s());
        }

        #[test]
        fn due_and_count_are_inverse(
            stretches in prop::collection::vec(any_stretch(), 1..5),
            spacing in any_spacing(),
            part in 0.0..1.0_f64,
        ) {
            let pace = Pace::new(&stretches).unwrap().spaced(spacing).unwrap();
            #[expect(clippy::cast_possible_truncation, reason = "a sample, not a measurement")]
            #[expect(clippy::cast_sign_loss, reason = "both factors are positive")]
            let k = (pace.total() as f64 * part) as u64;
            if k < pace.total() {
                let due = pace.due_ns(k);
                prop_assert!(due < pace.duration_ns(), "slot {k} of {} due at {due}", pace.total());
                prop_assert!(pace.slots_before(due) <= k);
                prop_assert!(pace.slots_before(due + 1) > k);
                prop_assert!(k == 0 || pace.due_ns(k - 1) <= due);
            }
            prop_assert_eq!(pace.slots_before(pace.duration_ns()), pace.total());
            prop_assert_eq!(pace.slots_before(u64::MAX), pace.total());
            prop_assert!(pace.due_ns(pace.total()) >= pace.duration_ns());
        }

        #[test]
        fn a_count_ends_a_schedule_of_any_spacing(
            stretches in prop::collection::vec(any_stretch(), 1..5),
            spacing in any_spacing(),
            count in 1_u64..100_000,
        ) {
            let whole = Pace::new(&stretches).unwrap().spaced(spacing).unwrap();
            let counted = Pace::counted(&stretches, count).unwrap().spaced(spacing).unwrap();
            prop_assert_eq!(counted.total().min(count), whole.total().min(count));
            prop_assert!(counted.duration_ns() <= whole.duration_ns());
            for k in [0, count / 2, count - 1].into_iter().filter(|&k| k < counted.total()) {
                prop_assert_eq!(counted.due_ns(k), whole.due_ns(k));
            }
            if counted.total() > count {
                prop_assert!(counted.due_ns(count) + 1 >= counted.duration_ns(), "not much later");
            }
        }
    }
}
