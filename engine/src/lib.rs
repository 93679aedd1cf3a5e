//! The load engine of acp.

pub mod cpus;
pub mod drivers;
pub mod target;
