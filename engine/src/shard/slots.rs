//! Which slot comes next and when it may go: a cursor over the schedule of one shard.
//!
//! Slots that wait for a connection are not stored: they are the numbers between the cursor and the
//! clock, so memory does not depend on how far behind a run is.

use crate::pace::Pace;
use crate::plan::{Schedule, ShardPlan};
use acp_wire::plan::Catchup;
use std::sync::Arc;

/// The cursor.
pub(super) enum Slots {
    Open(Open),
    Closed(Closed),
}

/// Slots with due times.
pub(super) struct Open {
    plan: ShardPlan,
    pace: Arc<Pace>,
    start_ns: u64,
    /// Own slots up to here belong to the present part of the run.
    total: u64,
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

/// Slots that are due when a connection is free.
pub(super) struct Closed {
    start_ns: u64,
    end_ns: u64,
    /// Length of the measured part.
    duration_ns: Option<u64>,
    /// Own requests of the measured part.
    requests: Option<u64>,
    left: u64,
    taken: u64,
    given_up: u64,
}

impl Slots {
    pub(super) fn new(plan: &ShardPlan) -> Self {
        match &plan.plan.schedule {
            Schedule::Open { pace, catchup, backlog, late_limit_ns, .. } => Self::Open(Open {
                plan: plan.clone(),
                pace: Arc::clone(pace),
                start_ns: u64::MAX,
                total: 0,
                next: 0,
                due_ns: u64::MAX,
                catchup: *catchup,
                // A share of 0 would give up every slot that is not sent at its very nanosecond.
                backlog: plan.share(*backlog).max(1),
                late_limit_ns: *late_limit_ns,
                smooth_ns: 0,
                late: 0,
            }),
            Schedule::Closed { requests, duration_ns } => Self::Closed(Closed {
                start_ns: u64::MAX,
                end_ns: u64::MAX,
                duration_ns: *duration_ns,
                requests: requests.map(|requests| plan.share(requests)),
                left: 0,
                taken: 0,
                given_up: 0,
            }),
        }
    }

    /// Goes to the first slot of the warm-up or of the measured part, which starts at `start_ns`.
    pub(super) fn begin(&mut self, start_ns: u64, is_warmup: bool) {
        match self {
            Self::Open(open) => open.begin(start_ns, is_warmup),
            Self::Closed(closed) => closed.begin(start_ns, is_warmup),
        }
    }

    /// The due time of a slot that may be sent at `now`; the cursor moves on.
    #[inline]
    pub(super) fn take(&mut self, now: u64) -> Option<u64> {
        match self {
            Self::Open(open) => open.take(now),
            Self::Closed(closed) => closed.take(now),
        }
    }

    /// When the next slot may be sent; none in a closed loop, or when none is left.
    #[inline]
    pub(super) fn next_ns(&self) -> Option<u64> {
        match self {
            Self::Open(open) if open.next < open.total => Some(open.due_ns.max(open.smooth_ns)),
            _ => None,
        }
    }

    /// Whether a slot waits that was due at `now`.
    #[inline]
    pub(super) fn is_overdue(&self, now: u64) -> bool {
        matches!(self, Self::Open(open) if open.next < open.total && open.due_ns <= now)
    }

    /// Slots to give up at `now`: beyond the backlog, or late under `catchup = none`.
    pub(super) fn give_up_late(&mut self, now: u64) -> (u64, u64) {
        match self {
            Self::Open(open) => open.give_up_late(now),
            Self::Closed(_) => (0, 0),
        }
    }

    /// Whether no slot is left, or none may be taken any more.
    pub(super) fn is_exhausted(&self, now: u64) -> bool {
        match self {
            Self::Open(open) => open.next >= open.total && now >= self.end_ns(),
            Self::Closed(closed) => closed.left == 0 || now >= closed.end_ns,
        }
    }

    /// End of the present part of the run.
    pub(super) fn end_ns(&self) -> u64 {
        match self {
            // A count can end before the schedule does.
            Self::Open(open) if open.total == open.plan.share(open.pace.total()) => {
                open.start_ns.saturating_add(open.pace.duration_ns())
            }
            Self::Open(open) => open.start_ns.saturating_add(open.pace.due_ns(open.last_slot())),
            Self::Closed(closed) => closed.end_ns,
        }
    }

    /// Slots that were given up because they were late and are not booked yet.
    pub(super) fn take_late(&mut self) -> u64 {
        match self {
            Self::Open(open) => std::mem::take(&mut open.late),
            Self::Closed(_) => 0,
        }
    }

    /// Gives up all that is left and returns how many.
    pub(super) fn give_up_rest(&mut self) -> u64 {
        match self {
            Self::Open(open) => {
                let rest = open.total - open.next;
                open.next = open.total;
                rest
            }
            Self::Closed(closed) => closed.give_up_rest(),
        }
    }

    /// Own slots of the present part of the run that are due before `now`.
    pub(super) fn planned_before(&self, now: u64) -> u64 {
        match self {
            Self::Open(open) => open.planned_before(now),
            Self::Closed(closed) => closed.taken + closed.given_up,
        }
    }

    /// A slot sent later than this after its due time is late.
    pub(super) fn late_limit_ns(&self) -> u64 {
        match self {
            Self::Open(open) => open.late_limit_ns,
            Self::Closed(_) => u64::MAX,
        }
    }
}

impl Open {
    fn begin(&mut self, start_ns: u64, is_warmup: bool) {
        let Schedule::Open { warmup, pace, total, .. } = &self.plan.plan.schedule else { return };
        let (pace, total) = if is_warmup { (warmup, warmup.total()) } else { (pace, *total) };
        self.pace = Arc::clone(pace);
        self.total = self.plan.share(total);
        self.start_ns = start_ns;
        self.smooth_ns = 0;
        self.late = 0;
        self.seek(0);
    }

    fn seek(&mut self, next: u64) {
        self.next = next;
        self.due_ns = self.start_ns.saturating_add(self.pace.due_ns(self.plan.slot(next)));
    }

    fn last_slot(&self) -> u64 {
        self.plan.slot(self.total.saturating_sub(1))
    }

    #[inline]
    fn take(&mut self, now: u64) -> Option<u64> {
        if self.catchup == Catchup::None {
            self.skip_late(now);
        }
        if self.due_ns > now || self.next >= self.total || now < self.smooth_ns {
            return None;
        }
        let due_ns = self.due_ns;
        self.seek(self.next + 1);
        if now - due_ns > self.late_limit_ns && self.catchup == Catchup::Smooth {
            // Twice the rate is half the gap. Up to a tenth of a millisecond may be made up at once,
            // so that a turn that came late does not slow the catching up.
            let half_gap_ns = (self.due_ns - due_ns) / 2;
            self.smooth_ns = self.smooth_ns.max(now.saturating_sub(100_000)) + half_gap_ns;
        }
        Some(due_ns)
    }

    fn give_up_late(&mut self, now: u64) -> (u64, u64) {
        if self.catchup == Catchup::None {
            self.skip_late(now);
        }
        let late = std::mem::take(&mut self.late);
        if self.next >= self.total || self.due_ns > now {
            return (0, late);
        }
        let waiting = self.planned_before(now) - self.next.min(self.planned_before(now));
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
            let first = self.planned_before(now - self.late_limit_ns);
            self.late += first - self.next;
            self.seek(first);
        }
    }

    fn planned_before(&self, now: u64) -> u64 {
        let slots = self.pace.slots_before(now.saturating_sub(self.start_ns));
        self.plan.share(slots).min(self.total)
    }
}

impl Closed {
    fn begin(&mut self, start_ns: u64, is_warmup: bool) {
        self.start_ns = start_ns;
        self.taken = 0;
        self.given_up = 0;
        let (left, duration_ns) =
            if is_warmup { (None, None) } else { (self.requests, self.duration_ns) };
        self.left = left.unwrap_or(u64::MAX);
        self.end_ns = duration_ns.map_or(u64::MAX, |duration| start_ns.saturating_add(duration));
    }

    #[inline]
    fn take(&mut self, now: u64) -> Option<u64> {
        if self.left == 0 || now >= self.end_ns || now < self.start_ns {
            return None;
        }
        self.left -= 1;
        self.taken += 1;
        Some(now)
    }

    fn give_up_rest(&mut self) -> u64 {
        let rest = if self.requests.is_some() { self.left } else { 0 };
        self.left = 0;
        self.given_up += rest;
        rest
    }
}
