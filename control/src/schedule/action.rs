//! What the reconciler wants done.

use crate::store::{EventRecord, PartRecord, RunRecord};
use acp_wire::agent::Assignment;

/// One thing to do. Everything may be done again after a kill at any moment.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Tell an agent with every answer that these parts are to end.
    End {
        /// The agent.
        agent: String,
        /// Its parts.
        parts: Vec<String>,
    },
    /// Take no more frames of these parts of one run.
    Shut {
        /// The run.
        run: String,
        /// Its parts.
        parts: Vec<String>,
    },
    /// Store new parts of one run.
    AddParts(Vec<PartRecord>),
    /// Store changes of parts of one run.
    UpdateParts(Vec<PartRecord>),
    /// Store a change of a run, if nobody else has changed it meanwhile.
    UpdateRun(Box<RunRecord>),
    /// Store an event.
    AddEvent(EventRecord),
    /// Write what agents should be doing.
    Assign(Vec<(String, Assignment)>),
    /// Remove what is written for agents that are gone and have nothing to do.
    Forget(Vec<String>),
    /// Close the books of a lost part.
    Lose {
        /// The run.
        run: String,
        /// The part.
        part: String,
        /// From where on others have its slots.
        covered_from_us: Option<i64>,
    },
    /// Make the report of a run whose parts have all ended, and store `run`, which says how it ended.
    Finish(Box<RunRecord>),
}
