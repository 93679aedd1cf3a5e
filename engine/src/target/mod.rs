//! Target: the built-in HTTP server to aim load at, for tests and for measuring the load generator
//! itself.
//!
//! It answers every request with one fixed response, on io_uring, one thread a core, and can be
//! told to be late, to fail and to close. It records when requests arrive, and judges a record
//! against a schedule.
//!
//! ```text
//! TargetArgs ─► TargetOptions ─► Target::start ─► thread × n: Server (bytes) ◄─► Desk (decisions)
//!                                                                │                │
//!                                          Arrivals ◄── Recorder ┘                └─► Board (counts)
//! ```

pub mod cli;

mod launch;

pub(crate) mod clock;
pub(crate) mod counts;
pub(crate) mod desk;
pub(crate) mod request;
pub(crate) mod response;

mod arrivals;
mod chunked;
mod faults;
mod judge;

pub use arrivals::{ArrivalsError, MAGIC, read_arrivals};
pub use counts::Counts;
pub use faults::{ErrorRate, FaultError, Stall, parse_error_rate, parse_stall};
pub use judge::{Gap, Judgement, Percentiles, judge};
pub use launch::{Target, TargetError, TargetOptions};
pub use response::{ResponseOptions, body};
