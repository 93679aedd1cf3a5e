//! The plan of a run as ingest needs it: when it began, and its schedule with all live changes.

use super::moment::Timeline;
use crate::schedule::IngestFailure;
use crate::store::{RunRecord, StoreError};
use acp_plan::pace::Change;
use acp_plan::{Course, Plan};
use acp_wire::units::parse_duration_ns;
use thiserror::Error;

/// Why ingest could not do what was asked; asked again it may.
#[derive(Debug, Error)]
pub enum IngestError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no such run, or no such part of it.
    #[error("unknown run or part `{0}`")]
    Unknown(String),
    /// The plan of a run cannot be compiled any more.
    #[error("the plan of run `{run}` cannot be read: {why}")]
    Plan {
        /// The run.
        run: String,
        /// What is wrong.
        why: String,
    },
}

impl From<IngestError> for IngestFailure {
    fn from(error: IngestError) -> Self {
        Self(error.to_string())
    }
}

/// When a run began; one that has not, when it was made.
pub(super) fn timeline(run: &RunRecord) -> Timeline {
    let warmup_ns = parse_duration_ns(&run.plan.load.warmup).unwrap_or(0);
    Timeline {
        t0_unix_us: run.t0_unix_us.unwrap_or(run.created_unix_us),
        warmup_us: warmup_ns / 1000,
    }
}

/// The plan of a run with its live changes.
pub(crate) fn changed_plan(run: &RunRecord) -> Result<Plan, IngestError> {
    let fail = |why: String| IngestError::Plan { run: run.id.clone(), why };
    let plan = acp_plan::compile(&run.plan).map_err(|error| fail(error.to_string()))?;
    let mut course = Course::planned(&plan);
    for change in &run.changes {
        let kind = Change::from_wire(&change.kind).map_err(|error| fail(error.to_string()))?;
        let at_ns = change.at_us.saturating_mul(1000);
        course = course.with_change(at_ns, kind).map_err(|error| fail(error.to_string()))?;
    }
    Ok(plan.with_course(&course))
}
