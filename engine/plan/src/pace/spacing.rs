//! Where slots are on the line of units: one each unit, or as arrivals of a Poisson process.

use super::poisson::Cursor;

/// How slots are spread over the line of units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Spacing {
    /// One each unit: equal gaps at a constant rate.
    #[default]
    Uniform,
    /// As in a Poisson process: exponential gaps at a constant rate.
    Poisson {
        /// Everybody with the same one has the same arrivals.
        seed: u64,
    },
}

/// Where slots are on the line of units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Places {
    pub(super) spacing: Spacing,
    pub(super) units_per_slot: u128,
}

impl Places {
    /// Where slot `k` is.
    #[inline]
    pub(super) fn units(self, k: u64, cursor: &mut Cursor) -> u128 {
        match self.spacing {
            Spacing::Uniform => u128::from(k) * self.units_per_slot,
            Spacing::Poisson { seed } => cursor.place(seed, k).units(self.units_per_slot),
        }
    }

    /// Where the first `slots` slots are over, the gap after the last one included.
    pub(super) fn end_of(self, slots: u64, cursor: &mut Cursor) -> u128 {
        let Some(last) = slots.checked_sub(1) else { return 0 };
        let last_units = self.units(last, cursor);
        // Two slots may be at the same unit.
        self.units(slots, cursor).max(last_units + 1)
    }

    /// How many slots come before `units`. Rates and lengths have limits, so the number fits.
    #[inline]
    pub(super) fn slots_before(self, units: u128, cursor: &mut Cursor) -> u64 {
        match self.spacing {
            Spacing::Uniform => {
                u64::try_from(units.div_ceil(self.units_per_slot)).unwrap_or(u64::MAX)
            }
            Spacing::Poisson { seed } => cursor.slots_before(seed, units, self.units_per_slot),
        }
    }
}
