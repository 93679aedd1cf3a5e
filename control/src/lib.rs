//! The control plane: API, scheduler, store, ingest and merge of frames, rules that stop a run.

#![forbid(unsafe_code)]

pub mod api;
pub mod auth;
pub mod clock;
pub mod contacts;
pub mod ingest;
mod launch;
mod metrics;
pub mod schedule;
pub mod settings;
pub mod store;

pub use launch::{Control, ControlSettings, LaunchError, make_admin, start};
