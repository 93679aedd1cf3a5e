//! Ingest: frames of parts in, merged frames of the run out, exactly once each.
//!
//! ```text
//! agents ── frames ─► take ─► RunMerge (memory) ── commit, every 250 ms ─► store
//!    ◄── next, stored ──┘                              └─► rules ─► stop
//! ```
//!
//! A part's frames come with sequence numbers without holes. A frame is acknowledged as stored only
//! once the merged frame that holds it is, in one transaction with the number. So agents send again
//! what a killed control had in memory only, and what is stored is known not to be added again.

mod finish;
mod loss;
mod merge;
mod moment;
mod part;
mod plan;
mod rules;
mod service;

pub use loss::{LostShare, lost_share};
pub use merge::RunMerge;
pub use moment::{Moment, Timeline};
pub use part::{CLOSED, PartSum};
pub use plan::IngestError;
pub(crate) use plan::changed_plan;
pub use service::Ingest;
