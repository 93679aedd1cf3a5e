//! The course of a run: its schedule, with the changes made so far.

use crate::pace::{Change, MAX_CHANGES, PaceError};
use crate::{Pace, Pauses, Plan, Schedule};
use std::sync::Arc;
use thiserror::Error;

/// What decides when the measured part sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Course {
    /// Due times.
    Open(Arc<Pace>),
    /// When nothing is sent.
    Closed(Arc<Pauses>),
}

/// Why a change cannot be made.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ChangeError {
    /// The schedule cannot be like this.
    #[error(transparent)]
    Pace(#[from] PaceError),
    /// There is no rate to change.
    #[error("a closed loop has no rate; it can be paused")]
    ClosedLoop,
}

impl Course {
    /// The course that was planned.
    #[must_use]
    pub fn planned(plan: &Plan) -> Self {
        match &plan.schedule {
            Schedule::Open { pace, .. } => Self::Open(Arc::clone(pace)),
            Schedule::Closed { .. } => Self::Closed(Arc::default()),
        }
    }

    /// With `change` from `at_ns` of the measured part on.
    ///
    /// # Errors
    ///
    /// When the schedule cannot be changed so.
    pub fn with_change(&self, at_ns: u64, change: Change) -> Result<Self, ChangeError> {
        Ok(match (self, change) {
            (Self::Open(pace), _) => Self::Open(Arc::new(pace.with_change(at_ns, change)?)),
            (Self::Closed(_), Change::Rate(_)) => return Err(ChangeError::ClosedLoop),
            (Self::Closed(pauses), _) if pauses.count() >= MAX_CHANGES => {
                return Err(PaceError::TooManyChanges.into());
            }
            (Self::Closed(pauses), Change::Pause | Change::Resume) => {
                Self::Closed(Arc::new(pauses.with_edge(at_ns, change == Change::Pause)))
            }
        })
    }
}

impl Plan {
    /// The plan as it is with a changed course.
    #[must_use]
    pub fn with_course(&self, course: &Course) -> Self {
        let mut changed = self.clone();
        if let (Schedule::Open { pace, total, late_limit_ns, .. }, Course::Open(new)) =
            (&mut changed.schedule, course)
        {
            *total = self.slots_of(new);
            *late_limit_ns = (*late_limit_ns).min(new.late_limit_ns());
            *pace = Arc::clone(new);
        }
        changed
    }

    /// Slots of the measured part with this schedule: a count may end it sooner.
    #[must_use]
    pub fn slots_of(&self, pace: &Pace) -> u64 {
        self.document.load.requests.map_or(pace.total(), |requests| requests.min(pace.total()))
    }
}
