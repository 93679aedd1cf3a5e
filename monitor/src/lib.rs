//! Samplers of host metrics: what the machine under an agent does while load is made on it.
//!
//! In come the files of `/proc`; out comes an [`acp_wire::agent::HostSample`] and its exposition for
//! Prometheus. Missing beats wrong: a number that the host does not tell is left out, never a zero.
//! The name, unit and description of a number are next to the code that reads it.

#![forbid(unsafe_code)]

mod cpu;
mod disk;
mod elapsed;
mod exposition;
mod memory;
mod metric;
mod network;
mod sampler;
mod tcp;

pub use exposition::{exposition, register};
pub use metric::{Metric, Unit, metrics};
pub use sampler::Sampler;
