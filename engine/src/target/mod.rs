//! Target: the built-in HTTP server to aim load at, for tests and for measuring the load generator
//! itself.
//!
//! It answers every request with one fixed response, on io_uring, one thread a core, and can be
//! told to speak TLS, to be late, to fail and to close. It records when requests arrive, and judges a record
//! against a schedule, or against a Poisson process.
//!
//! ```text
//! TargetArgs ─► TargetOptions ─► Target::start ─► thread × n: Server (bytes) ◄─► Desk (decisions)
//!                                                                │                │
//!                                          Arrivals ◄── Recorder ┘                └─► Board (counts)
//! ```

pub mod cli;

mod launch;
mod secure;
mod server;
mod tls;
mod wire;

mod chunked;
mod head;
mod request;
mod response;

mod desk;
mod faults;

mod clock;
mod counts;

mod arrivals;
mod judge;
mod randomness;

pub use arrivals::{ArrivalsError, MAGIC, read_arrivals};
pub use counts::Counts;
pub use faults::{ErrorRate, FaultError, Stall, parse_error_rate, parse_stall};
pub use judge::{Gap, Judgement, Percentiles, judge};
pub use launch::{Target, TargetError, TargetOptions};
pub use randomness::{Randomness, judge_randomness};
pub use response::{ResponseOptions, body};
pub use tls::{TargetTls, TargetTlsError};
