//! Which slot comes next and when it may go: a cursor over the schedule of one shard.
//!
//! Slots that wait for a connection are not stored: they are the numbers between the cursor and the
//! clock, so memory does not depend on how far behind a run is.

mod closed;
mod open;
#[cfg(test)]
mod tests;

use crate::plan::{Course, Schedule, ShardPlan};
use closed::Closed;
use open::Open;

/// A slot that may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Taken {
    /// Number among the shard's own slots of this part of the run.
    pub(super) index: u64,
    /// Number among all slots of this part of the run.
    pub(super) slot: u64,
    pub(super) due_ns: u64,
}

/// The cursor.
pub(super) enum Slots {
    Open(Box<Open>),
    Closed(Closed),
}

impl Slots {
    pub(super) fn new(plan: &ShardPlan) -> Self {
        match &plan.plan.schedule {
            Schedule::Open { .. } => Self::Open(Box::new(Open::new(plan))),
            Schedule::Closed { requests, duration_ns } => {
                Self::Closed(Closed::new(plan, *requests, *duration_ns))
            }
        }
    }

    /// Goes to the first slot of the warm-up or of the measured part, which starts at `start_ns`.
    pub(super) fn begin(&mut self, start_ns: u64, is_warmup: bool, now: u64) {
        match self {
            Self::Open(open) => open.begin(start_ns, is_warmup, now),
            Self::Closed(closed) => closed.begin(start_ns, is_warmup, now),
        }
    }

    /// Takes over a changed course of the measured part. No slot is lost or taken twice: the cursor
    /// stays, and its slot gets a new due time.
    pub(super) fn change(&mut self, course: &Course, now: u64) {
        match (self, course) {
            (Self::Open(open), Course::Open(pace)) => open.change(pace),
            (Self::Closed(closed), Course::Closed(pauses)) => closed.change(pauses, now),
            (Self::Open(_) | Self::Closed(_), _) => {}
        }
    }

    /// A slot that may be sent at `now`; the cursor moves on.
    #[inline]
    pub(super) fn take(&mut self, now: u64) -> Option<Taken> {
        let taken = self.look(now)?;
        self.pass(now);
        Some(taken)
    }

    /// The slot that may be sent at `now`. The cursor stays.
    #[inline]
    pub(super) fn look(&mut self, now: u64) -> Option<Taken> {
        match self {
            Self::Open(open) => open.look(now),
            Self::Closed(closed) => closed.look(now),
        }
    }

    /// The cursor moves on, over a slot that [`Self::look`] has just shown.
    #[inline]
    pub(super) fn pass(&mut self, now: u64) {
        match self {
            Self::Open(open) => open.pass(now),
            Self::Closed(closed) => closed.pass(),
        }
    }

    /// When the next slot may be sent; none in a closed loop, or when none is left.
    #[inline]
    pub(super) fn next_ns(&self) -> Option<u64> {
        match self {
            Self::Open(open) => open.next_ns(),
            Self::Closed(_) => None,
        }
    }

    /// Whether a slot waits that was due at `now`.
    #[inline]
    pub(super) fn is_overdue(&self, now: u64) -> bool {
        matches!(self, Self::Open(open) if open.is_overdue(now))
    }

    /// When connections that have rested in a pause may go on; `u64::MAX`: there is none.
    #[inline]
    pub(super) fn resume_ns(&self) -> u64 {
        match self {
            Self::Open(_) => u64::MAX,
            Self::Closed(closed) => closed.resume_ns(),
        }
    }

    /// Goes on after a pause that is over.
    pub(super) fn resume(&mut self, now: u64) {
        if let Self::Closed(closed) = self {
            closed.resume(now);
        }
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
            Self::Open(open) => open.is_exhausted(now),
            Self::Closed(closed) => closed.is_exhausted(now),
        }
    }

    /// End of the present part of the run.
    pub(super) fn end_ns(&self) -> u64 {
        match self {
            Self::Open(open) => open.end_ns(),
            Self::Closed(closed) => closed.end_ns(),
        }
    }

    /// Length of the measured part, where it is known.
    pub(super) fn duration_ns(&self) -> Option<u64> {
        match self {
            Self::Open(open) => Some(open.duration_ns()),
            Self::Closed(closed) => closed.duration_ns(),
        }
    }

    /// Slots that were given up because they were late and are not booked yet.
    pub(super) fn take_late(&mut self) -> u64 {
        match self {
            Self::Open(open) => open.take_late(),
            Self::Closed(_) => 0,
        }
    }

    /// Gives up all that is left and returns how many.
    pub(super) fn give_up_rest(&mut self) -> u64 {
        match self {
            Self::Open(open) => open.give_up_rest(),
            Self::Closed(closed) => closed.give_up_rest(),
        }
    }

    /// No slot of the present part of a closed loop is taken any more; none is given up.
    pub(super) fn close(&mut self) {
        if let Self::Closed(closed) = self {
            closed.close();
        }
    }

    /// Own slots of the present part of the run that were taken or given up.
    pub(super) fn settled(&self) -> u64 {
        match self {
            Self::Open(open) => open.settled(),
            Self::Closed(closed) => closed.settled(),
        }
    }

    /// A slot sent later than this after its due time is late.
    pub(super) fn late_limit_ns(&self) -> u64 {
        match self {
            Self::Open(open) => open.late_limit_ns(),
            Self::Closed(_) => u64::MAX,
        }
    }
}
