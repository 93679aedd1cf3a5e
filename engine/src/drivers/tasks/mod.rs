//! The core on a runtime of tasks: one task a connection, woken when there is work. Whatever does not
//! depend on which runtime that is.
//!
//! ```text
//! turns ──► the core of the shard ──► links ──► connection tasks ──► events ──► turns
//!    └─ sleep until an event, or until their alarm; look without sleeping shortly before a due time
//! ```

mod alarm;
mod connection;
mod core;
mod links;
mod runtime;
mod turns;

pub(super) use links::Batch;
pub(super) use runtime::{Reader, Runtime, Timer, Writer};
pub(super) use turns::{DriveError, Load};
