//! Slots with due times.

use super::Taken;
use crate::pace::{Cursor, Pace};
use crate::plan::{Schedule, ShardPlan};
use acp_wire::plan::Catchup;
use std::sync::Arc;

/// Up to so much may be made up at once, so that a turn that came late does not slow the catching up.
const SMOOTH_STEP_NS: u64 = 100_000;

/// A cursor over slots with due times.
pub(in crate::shard) struct Open {
    plan: ShardPlan,
    /// Of the measured part, with all changes so far.
    measured: Arc<Pace>,
    /// Of the present part.
    pace: Arc<Pace>,
    /// Of the slots, and of the clock behind them: each goes forward in small steps.
    ahead: Cursor,
    clock: Cursor,
    is_measuring: bool,
    start_ns: u64,
    /// Own slots up to here are somebody else's.
    first: u64,
    /// Own slots up to here belong to the present part of the run.
    total: u64,
    /// End of the present part of the run.
    end_ns: u64,
    /// The next own slot, and when it is due.
    next: u64,
    due_ns: u64,
    catchup: Catchup,
    backlog: u64,
    late_limit_ns: u64,
    /// A late slot may not go before this.
    smooth_ns: u64,
    /// Slots given up because they were late, since this was last asked.
    late: u64,
}

impl Open {
    pub(super) fn new(plan: &ShardPlan) -> Self {
        let Schedule::Open { pace, catchup, backlog, late_limit_ns, .. } = &plan.plan.schedule
        else {
            unreachable!("a closed loop has no due times");
        };
        Self {
            plan: plan.clone(),
            measured: Arc::clone(pace),
            pace: Arc::clone(pace),
            ahead: Cursor::default(),
            clock: Cursor::default(),
            is_measuring: false,
            start_ns: u64::MAX,
            first: 0,
            total: 0,
            end_ns: u64::MAX,
            next: 0,
            due_ns: u64::MAX,
            catchup: *catchup,
            // A share of 0 would give up every slot that is not sent at its very nanosecond.
            backlog: plan.share(*backlog).max(1),
            late_limit_ns: *late_limit_ns,
            smooth_ns: 0,
            late: 0,
        }
    }

    pub(super) fn begin(&mut self, start_ns: u64, is_warmup: bool, now: u64) {
        self.is_measuring = !is_warmup;
        self.start_ns = start_ns;
        self.smooth_ns = 0;
        self.late = 0;
        if is_warmup {
            let Schedule::Open { warmup, .. } = &self.plan.plan.schedule else { return };
            self.pace = Arc::clone(warmup);
            self.total = self.plan.share(warmup.total());
            self.first = self.missed_of_warmup(now).min(self.total);
        } else {
            self.pace = Arc::clone(&self.measured);
            self.total = self.plan.share(self.plan.plan.slots_of(&self.pace));
            self.first = self.plan.first_index(&self.pace).min(self.total);
        }
        self.end_ns = self.end_of_part_ns();
        self.seek(self.first);
        // The first look takes memory; none may be taken later.
        self.due_before(start_ns);
    }

    /// A part that takes over in the middle of a run has no warm-up, and one that comes late has only
    /// the rest of it: it is not made up.
    fn missed_of_warmup(&self, now: u64) -> u64 {
        let late_ns = now.saturating_sub(self.start_ns);
        match (self.plan.from_ns, late_ns > self.late_limit_ns) {
            (0, false) => 0,
            (0, true) => self.plan.share(self.pace.slots_before(late_ns)),
            _ => u64::MAX,
        }
    }

    pub(super) fn change(&mut self, pace: &Arc<Pace>) {
        self.measured = Arc::clone(pace);
        self.late_limit_ns = self.late_limit_ns.min(pace.late_limit_ns());
        if !self.is_measuring {
            return;
        }
        self.pace = Arc::clone(pace);
        self.skip_to(self.plan.first_index(pace));
        // A change that comes late may leave fewer slots than were taken.
        self.total = self.plan.share(self.plan.plan.slots_of(pace)).max(self.next);
        self.end_ns = self.end_of_part_ns();
        self.smooth_ns = 0;
        self.seek(self.next);
    }

    /// What lies before the beginning of this part is somebody else's, as far as it is not taken.
    fn skip_to(&mut self, first: u64) {
        let passed = self.next - self.first;
        if passed == 0 || first > self.next {
            self.first = first.saturating_sub(passed);
            self.next = first;
        }
    }

    fn seek(&mut self, next: u64) {
        self.next = next;
        let due_ns = self.pace.due_ns_by(self.plan.slot(next), &mut self.ahead);
        self.due_ns = self.start_ns.saturating_add(due_ns);
    }

    #[inline]
    pub(super) fn look(&mut self, now: u64) -> Option<Taken> {
        if self.catchup == Catchup::None {
            self.skip_late(now);
        }
        if self.due_ns > now || self.next >= self.total || now < self.smooth_ns {
            return None;
        }
        let slot = self.plan.slot(self.next);
        Some(Taken { index: self.next, slot, due_ns: self.due_ns })
    }

    #[inline]
    pub(super) fn pass(&mut self, now: u64) {
        let due_ns = self.due_ns;
        self.seek(self.next + 1);
        if now - due_ns > self.late_limit_ns && self.catchup == Catchup::Smooth {
            // Twice the rate is half the gap.
            let half_gap_ns = (self.due_ns - due_ns) / 2;
            self.smooth_ns = self.smooth_ns.max(now.saturating_sub(SMOOTH_STEP_NS)) + half_gap_ns;
        }
    }

    #[inline]
    pub(super) fn next_ns(&self) -> Option<u64> {
        (self.next < self.total).then(|| self.due_ns.max(self.smooth_ns))
    }

    #[inline]
    pub(super) fn is_overdue(&self, now: u64) -> bool {
        self.next < self.total && self.due_ns <= now
    }

    pub(super) fn give_up_late(&mut self, now: u64) -> (u64, u64) {
        if self.catchup == Catchup::None {
            self.skip_late(now);
        }
        let late = self.take_late();
        if !self.is_overdue(now) {
            return (0, late);
        }
        let waiting = self.due_before(now).saturating_sub(self.next);
        let excess = waiting.saturating_sub(self.backlog);
        if excess > 0 {
            // The oldest go: what is sent stays as close to its time as it can.
            self.seek(self.next + excess);
        }
        (excess, late)
    }

    /// Goes to the first slot that is not late.
    #[inline]
    fn skip_late(&mut self, now: u64) {
        if now.saturating_sub(self.due_ns) > self.late_limit_ns && self.next < self.total {
            let first = self.due_before(now - self.late_limit_ns).max(self.next);
            self.late += first - self.next;
            self.seek(first);
        }
    }

    /// Own slots that are due before `now`, from the start of the schedule.
    pub(super) fn due_before(&mut self, now: u64) -> u64 {
        let slots = self.pace.slots_before_by(now.saturating_sub(self.start_ns), &mut self.clock);
        self.plan.share(slots).min(self.total)
    }

    pub(super) fn is_exhausted(&self, now: u64) -> bool {
        self.next >= self.total && now >= self.end_ns
    }

    pub(super) fn end_ns(&self) -> u64 {
        self.end_ns
    }

    fn end_of_part_ns(&self) -> u64 {
        // A count can end before the schedule does.
        let length_ns = if self.total == self.plan.share(self.pace.total()) {
            self.pace.duration_ns()
        } else {
            self.pace.due_ns(self.plan.slot(self.total.saturating_sub(1)))
        };
        self.start_ns.saturating_add(length_ns)
    }

    pub(super) fn duration_ns(&self) -> u64 {
        self.measured.duration_ns()
    }

    pub(super) fn take_late(&mut self) -> u64 {
        std::mem::take(&mut self.late)
    }

    pub(super) fn give_up_rest(&mut self) -> u64 {
        let rest = self.total - self.next;
        self.next = self.total;
        rest
    }

    /// Without those that are yet to be booked as late.
    pub(super) fn settled(&self) -> u64 {
        self.next - self.first - self.late
    }

    pub(super) fn late_limit_ns(&self) -> u64 {
        self.late_limit_ns
    }
}
