//! The control plane: API, scheduler, store, ingest and merge of frames, rules that stop a run.

#![forbid(unsafe_code)]

pub mod clock;
pub mod contacts;
pub mod ingest;
pub mod schedule;
pub mod store;
