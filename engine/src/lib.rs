//! The load engine of acp.
//!
//! `wire::Plan` → compile → `Plan` → split → a shard on each pinned thread → records → report.

pub mod calibration;
pub mod cli;
pub mod conn;
pub mod cpus;
pub mod doctor;
pub mod drivers;
pub mod launch;
pub mod record;
pub mod shard;
pub mod source;
pub mod target;

pub use acp_plan as plan;
pub use acp_plan::pace;
pub use acp_report as report;
