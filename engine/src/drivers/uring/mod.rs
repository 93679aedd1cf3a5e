//! Raw io_uring: the fast driver, and every line of `unsafe` of the workspace.
//!
//! ```text
//! probe ──► can this kernel do it, and if not, why
//! Ring ───► operations (accept, receive, send, …) ──► enter ──► reap ──► Completion ──► Token
//!             ▲                                                             │
//!             └───────────── Buffers::recycle ◄── Buffers::get ◄────────────┘
//! ```
//!
//! One thread owns one ring. Nothing in here allocates once a run has begun, takes a lock or reads
//! a clock.

#![expect(unsafe_code, reason = "the kernel interface: shared memory and raw system calls")]

mod buffers;
mod client;
mod completion;
mod error;
mod features;
mod links;
mod operations;
mod outbox;
mod probe;
mod registered;
mod remainder;
mod ring;
mod tcp_info;
mod token;

pub use buffers::{BufferId, Buffers, SMALL_BUFFER_BYTES};
pub use client::run;
pub use completion::Completion;
pub use error::RingError;
pub use features::Features;
pub use operations::{AddressId, BytesId, Notify, Shutdown};
pub use probe::probe;
pub use ring::{Counters, Ring, RingOptions, Wait};
pub use tcp_info::tcp_info;
pub use token::Token;
