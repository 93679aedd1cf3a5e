//! What a schedule was planned to be and what was changed since, as a sequence of windows.

use super::{Change, MAX_CHANGES, PaceError, Spacing, Stretch};
use acp_wire::units::Rate;
use std::sync::Arc;

/// Nothing is due.
const PAUSED: Rate = Rate { numerator: 0, denominator: 1 };

/// A part of a stretch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) stretch: Stretch,
    /// In nanoseconds of the stretch.
    pub(super) from_ns: u64,
    pub(super) to_ns: u64,
}

/// A plan of a schedule, and its changes in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Outline {
    planned: Arc<[Stretch]>,
    slots: Option<u64>,
    spacing: Spacing,
    changes: Vec<(u64, Change)>,
}

impl Outline {
    pub(super) fn new(stretches: &[Stretch], slots: Option<u64>) -> Self {
        let spacing = Spacing::default();
        Self { planned: stretches.into(), slots, spacing, changes: Vec::new() }
    }

    pub(super) fn with_spacing(&self, spacing: Spacing) -> Self {
        Self { spacing, ..self.clone() }
    }

    pub(super) fn with_change(&self, at_ns: u64, change: Change) -> Result<Self, PaceError> {
        if self.changes.len() == MAX_CHANGES {
            return Err(PaceError::TooManyChanges);
        }
        let mut changed = self.clone();
        let after_ns = changed.changes.last().map_or(0, |&(at_ns, _)| at_ns);
        changed.changes.push((at_ns.max(after_ns), change));
        Ok(changed)
    }

    pub(super) fn spacing(&self) -> Spacing {
        self.spacing
    }

    /// Slots after which the schedule is over.
    pub(super) fn slots(&self) -> Option<u64> {
        self.slots
    }

    /// The end of the schedule at the latest.
    pub(super) fn limit_ns(&self) -> u64 {
        let lengths = self.planned.iter().map(|stretch| stretch.duration_ns);
        lengths.fold(0, u64::saturating_add)
    }

    /// The schedule up to its limit.
    pub(super) fn windows(&self) -> Vec<Window> {
        let limit_ns = self.limit_ns();
        let mut windows = self.planned_from(0);
        let (mut is_paused, mut rate) = (false, None);
        for &(at_ns, change) in &self.changes {
            let was_paused = is_paused;
            match change {
                Change::Rate(changed) => rate = Some(changed),
                Change::Pause => is_paused = true,
                Change::Resume => is_paused = false,
            }
            let has_effect = match change {
                Change::Rate(_) => !is_paused,
                Change::Pause | Change::Resume => is_paused != was_paused,
            };
            if !has_effect || at_ns >= limit_ns {
                continue;
            }
            cut(&mut windows, limit_ns, at_ns);
            match if is_paused { Some(PAUSED) } else { rate } {
                Some(rate) => windows.push(Window::whole(rate, limit_ns - at_ns)),
                None => windows.extend(self.planned_from(at_ns)),
            }
        }
        windows
    }

    /// The schedule as it was planned, from `at_ns` on.
    fn planned_from(&self, at_ns: u64) -> Vec<Window> {
        let mut start_ns = 0_u64;
        let mut windows = Vec::new();
        for &stretch in self.planned.iter() {
            let from_ns = at_ns.saturating_sub(start_ns);
            if from_ns < stretch.duration_ns {
                windows.push(Window { stretch, from_ns, to_ns: stretch.duration_ns });
            }
            start_ns = start_ns.saturating_add(stretch.duration_ns);
        }
        windows
    }
}

impl Window {
    fn whole(rate: Rate, length_ns: u64) -> Self {
        Self { stretch: Stretch::constant(rate, length_ns), from_ns: 0, to_ns: length_ns }
    }
}

/// Leaves what lies before `at_ns` of windows that reach up to `length_ns`.
fn cut(windows: &mut Vec<Window>, mut length_ns: u64, at_ns: u64) {
    while let Some(mut last) = windows.pop() {
        length_ns -= last.to_ns - last.from_ns;
        if length_ns < at_ns {
            last.to_ns = last.from_ns + (at_ns - length_ns);
            windows.push(last);
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{SECOND, any_spacing, any_stretch, pace};
    use super::super::{Cursor, MAX_DURATION_NS, Pace};
    use super::*;
    use acp_wire::units::parse_rate;
    use proptest::prelude::*;

    const MS: u64 = SECOND / 1000;

    fn rate(text: &str) -> Change {
        Change::Rate(parse_rate(text).unwrap())
    }

    fn changed(pace: &Pace, changes: &[(u64, Change)]) -> Pace {
        changes
            .iter()
            .fold(pace.clone(), |pace, &(at_ns, change)| pace.with_change(at_ns, change).unwrap())
    }

    #[test]
    fn changes_do_what_the_table_says() {
        use Change::{Pause, Resume};
        let (two, ramp) = ([("2", "2", 4 * SECOND)], [("0", "4", 4 * SECOND)]);
        for (what, stretches, changes, expected) in [
            (
                "twice the rate",
                &two,
                vec![(3000, rate("4"))],
                vec![0, 500, 1000, 1500, 2000, 2500, 3000, 3250, 3500, 3750],
            ),
            (
                "half a slot carries over",
                &two,
                vec![(3250, rate("4"))],
                vec![0, 500, 1000, 1500, 2000, 2500, 3000, 3375, 3625, 3875],
            ),
            ("a rate of nothing", &two, vec![(1250, rate("0"))], vec![0, 500, 1000]),
            (
                "a pause holds the next slot back",
                &two,
                vec![(1250, Pause), (3000, Resume)],
                vec![0, 500, 1000, 3250, 3750],
            ),
            ("a pause from the start", &two, vec![(0, Pause), (3000, Resume)], vec![3000, 3500]),
            ("a pause to the end", &two, vec![(1250, Pause)], vec![0, 500, 1000]),
            (
                "a rate in a pause waits for its end",
                &two,
                vec![(1250, Pause), (2000, rate("4")), (3500, Resume)],
                vec![0, 500, 1000, 3625, 3875],
            ),
            (
                "resume goes back to the latest rate",
                &two,
                vec![(1000, rate("1")), (2000, Pause), (3000, Resume)],
                vec![0, 500, 1000, 3000],
            ),
            (
                "resume goes back to the ramp at its time",
                &ramp,
                vec![(1000, Pause), (3000, Resume)],
                vec![0, 3162, 3464, 3741],
            ),
            (
                "resume without a pause",
                &two,
                vec![(1250, Resume)],
                vec![0, 500, 1000, 1500, 2000, 2500, 3000, 3500],
            ),
            (
                "a pause twice ends once",
                &two,
                vec![(1250, Pause), (1500, Pause), (3000, Resume)],
                vec![0, 500, 1000, 3250, 3750],
            ),
            (
                "none reaches back behind another",
                &two,
                vec![(3000, rate("4")), (1000, Pause)],
                vec![0, 500, 1000, 1500, 2000, 2500],
            ),
            (
                "after the end",
                &two,
                vec![(4000, rate("100"))],
                vec![0, 500, 1000, 1500, 2000, 2500, 3000, 3500],
            ),
        ] {
            let changes: Vec<_> =
                changes.into_iter().map(|(at_ms, change)| (at_ms * MS, change)).collect();
            let found = changed(&pace(stretches), &changes);
            // A ramp is due at most a nanosecond early.
            let due: Vec<_> = (0..found.total()).map(|k| (found.due_ns(k) + 1) / MS).collect();
            assert_eq!(due, expected, "{what}");
            assert_eq!(found.duration_ns(), 4 * SECOND, "{what}: the length stays");
        }
    }

    #[test]
    fn a_count_ends_a_changed_schedule() {
        use Change::{Pause, Resume};
        let limit = MAX_DURATION_NS;
        for (what, limit_ns, changes, total, duration_ns) in [
            ("as planned", limit, vec![], 20, 2 * SECOND),
            ("later", limit, vec![(SECOND, rate("5"))], 20, 3 * SECOND),
            ("sooner", limit, vec![(SECOND, rate("20"))], 20, 1500 * MS),
            ("not after a given length", 2500 * MS, vec![(SECOND, rate("5"))], 18, 2500 * MS),
            ("after a pause", limit, vec![(SECOND, Pause), (5 * SECOND, Resume)], 20, 6 * SECOND),
            ("never in a pause", limit, vec![(SECOND, Pause)], 10, limit),
            ("reached before the change", limit, vec![(3 * SECOND, rate("1"))], 20, 2 * SECOND),
            ("reached at the change", limit, vec![(2 * SECOND, Pause)], 20, 2 * SECOND),
            (
                "with a fraction",
                limit,
                vec![(SECOND, rate("3"))],
                20,
                SECOND + (10 * SECOND).div_ceil(3),
            ),
        ] {
            let ten = Stretch::constant(parse_rate("10").unwrap(), limit_ns);
            let found = changed(&Pace::counted(&[ten], 20).unwrap(), &changes);
            assert_eq!(found.total().min(20), total, "{what}");
            assert_eq!(found.duration_ns(), duration_ns, "{what}");
        }
    }

    #[test]
    fn bad_changes_are_refused() {
        let two = pace(&[("2", "2", SECOND)]);
        let fine = |denominator| Change::Rate(Rate { numerator: 1, denominator });
        for (what, changes, error) in [
            ("too fast", vec![rate("2000M")], PaceError::TooFast),
            ("too fine", vec![fine(999_983), fine(999_979)], PaceError::Denominator),
        ] {
            let (last, first) = changes.split_last().unwrap();
            let first: Vec<_> = first.iter().map(|&change| (SECOND / 4, change)).collect();
            let found = changed(&two, &first).with_change(SECOND / 2, *last);
            assert_eq!(found, Err(error), "{what}");
        }
    }

    #[test]
    fn there_is_a_limit_to_changes() {
        let mut outline = Outline::new(&[], None);
        outline.changes = vec![(0, Change::Pause); MAX_CHANGES];
        assert_eq!(outline.with_change(0, Change::Resume), Err(PaceError::TooManyChanges));
    }

    fn any_change() -> impl Strategy<Value = Change> {
        let slow = (0_u64..200, prop::sample::select(vec![1_u64, 3, 60, 720, 1000]));
        prop_oneof![
            2 => slow.prop_map(|(numerator, denominator)| {
                Change::Rate(Rate { numerator, denominator })
            }),
            1 => Just(Change::Pause),
            1 => Just(Change::Resume),
        ]
    }

    fn slow_stretch() -> impl Strategy<Value = Stretch> {
        any_stretch().prop_map(|mut stretch| {
            stretch.from.numerator %= 300;
            stretch.to.numerator %= 300;
            stretch
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn what_lies_before_a_change_is_untouched(
            stretches in prop::collection::vec(slow_stretch(), 1..4),
            spacing in any_spacing(),
            changes in prop::collection::vec((0_u64..40 * SECOND, any_change()), 1..8),
        ) {
            let mut pace = Pace::new(&stretches).unwrap().spaced(spacing).unwrap();
            let (mut old, mut ahead, mut clock) =
                (Cursor::default(), Cursor::default(), Cursor::default());
            let mut after_ns = 0;
            for (at_ns, change) in changes {
                let new = pace.with_change(at_ns, change).unwrap();
                after_ns = at_ns.max(after_ns);
                let before = pace.slots_before(after_ns);
                prop_assert_eq!(new.slots_before(after_ns), before);
                for slot in 0..before {
                    let expected_ns = pace.due_ns_by(slot, &mut old);
                    prop_assert_eq!(new.due_ns_by(slot, &mut ahead), expected_ns, "slot {}", slot);
                }
                prop_assert_eq!(new.duration_ns(), pace.duration_ns());
                let mut last_ns = 0;
                for slot in 0..new.total() {
                    let due_ns = new.due_ns_by(slot, &mut ahead);
                    prop_assert!(due_ns >= last_ns && due_ns < new.duration_ns());
                    prop_assert!(new.slots_before_by(due_ns, &mut clock) <= slot);
                    prop_assert!(new.slots_before_by(due_ns + 1, &mut clock) > slot);
                    prop_assert!(slot < before || due_ns >= after_ns);
                    last_ns = due_ns;
                }
                pace = new;
            }
        }

        #[test]
        fn a_cut_alone_changes_nothing(
            stretches in prop::collection::vec(slow_stretch(), 1..4),
            spacing in any_spacing(),
            mut cuts in prop::collection::vec(0_u64..60 * SECOND, 1..6),
        ) {
            let pace = Pace::new(&stretches).unwrap().spaced(spacing).unwrap();
            cuts.sort_unstable();
            let cut: Vec<_> = cuts
                .into_iter()
                .flat_map(|at_ns| [(at_ns, Change::Pause), (at_ns, Change::Resume)])
                .collect();
            let cut = changed(&pace, &cut);
            prop_assert_eq!(cut.total(), pace.total());
            let (mut of_cut, mut of_pace) = (Cursor::default(), Cursor::default());
            for slot in 0..pace.total() {
                let expected_ns = pace.due_ns_by(slot, &mut of_pace);
                prop_assert_eq!(cut.due_ns_by(slot, &mut of_cut), expected_ns);
            }
        }

        #[test]
        fn in_a_pause_nothing_is_due_and_after_it_all_is_as_planned(
            stretches in prop::collection::vec(slow_stretch(), 1..4),
            (from_ns, length_ns) in (0_u64..30 * SECOND, 0_u64..30 * SECOND),
            part in 0.0..1.0_f64,
        ) {
            let pace = Pace::new(&stretches).unwrap();
            let to_ns = from_ns + length_ns;
            let paused = changed(&pace, &[(from_ns, Change::Pause), (to_ns, Change::Resume)]);
            prop_assert_eq!(paused.slots_before(to_ns), paused.slots_before(from_ns));
            let rest_ns = pace.duration_ns().saturating_sub(to_ns);
            #[expect(clippy::cast_possible_truncation, reason = "a sample, not a measurement")]
            #[expect(clippy::cast_sign_loss, reason = "both factors are positive")]
            let t_ns = to_ns + (rest_ns as f64 * part) as u64;
            let planned = pace.slots_before(t_ns) - pace.slots_before(to_ns);
            let found = paused.slots_before(t_ns) - paused.slots_before(to_ns);
            prop_assert!(found.abs_diff(planned) <= 1, "{found} slots, {planned} were planned");
        }
    }
}
