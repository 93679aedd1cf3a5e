//! The scheduler: which agent sends what of which run, from when on, and what happens when one is
//! lost.
//!
//! ```text
//! store, coordinator, contacts, ingest ──► View ──► reconcile ──► Actions ──► store, coordinator, ingest
//!                                           ▲                                        │
//!                                           └──────── every second and when nudged ──┘
//! ```
//!
//! [`reconcile`] is pure: it looks at what is stored, who is registered, what agents said lately and
//! what is written for them, and says what to do next. It keeps nothing between two calls, so another
//! leader, or the same after a kill, goes on where the last one was.
//!
//! Agents that are out of service get no new part; parts that they have go on. So do those of an
//! agent that is leaving: it ends them in its own time, and what it has not ended when it is gone is
//! lost.

mod action;
mod assign;
mod assignments;
mod calibration;
mod case;
mod change;
mod handover;
mod ingest_view;
mod lifecycle;
mod loss;
mod memory;
mod pool;
mod preview;
mod reconcile;
mod refusal;
mod scheduler;
mod settings;
mod steps;
mod takeover;
mod view;

pub use action::Action;
pub use assign::{Offer, Placement, assign};
pub(crate) use change::is_paused;
pub use change::next_change;
pub use ingest_view::{IngestFailure, IngestView, PartProgress};
pub use preview::{Preview, preview};
pub use reconcile::reconcile;
pub use refusal::Refusal;
pub use scheduler::Scheduler;
pub use settings::SchedulerSettings;
pub use steps::{is_final, is_step, step};
pub use takeover::{Survivor, take_over};
pub use view::{RunClock, RunView, View};

#[cfg(test)]
mod tests;
