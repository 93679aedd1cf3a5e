//! The daemon of a load host: it offers cores, and makes its engines be what it is assigned.
//!
//! ```text
//!  coordinator ── assignment ──► membership ──► steps ──► engine (child process)
//!                                                 ▲           │ frames
//!  control ◄── frames, status ── client ◄─────────┴── spool ◄─┘
//!     └─────── lease, acknowledgements, stop ──► daemon
//! ```
//!
//! - No frame is lost: it is on disk before it is sent, and stays until control has stored it.
//! - No load without a lease: it is counted from the message that control answered, engines hold it
//!   too, and they end by themselves when it ends or when the agent does.
//! - A part is started once, whatever happens to agent, control or coordinator.
//! - No core is given to two parts, but where an assignment says so.

#![forbid(unsafe_code)]

mod addresses;
mod agent;
mod client;
mod clock;
mod cores;
mod daemon;
mod engine;
mod error;
mod files;
mod http;
mod lease;
mod membership;
mod metrics;
mod plans;
mod records;
mod settings;
mod spool;
mod steps;

pub use agent::{Agent, run};
pub use error::AgentError;
pub use settings::{CoresSetting, Secret, Settings, SpoolSettings};
