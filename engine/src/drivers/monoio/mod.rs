//! The portable driver: the same core on the monoio runtime, over io_uring or over epoll.
//!
//! ```text
//! client ──► core's turn ──► links ──► connection tasks ──► core's events ──► client
//!    └─ sleeps until an event, or until its alarm; looks without sleeping shortly before a due time
//! ```

mod alarm;
mod client;
mod connection;
mod links;

pub(super) use client::{run_on_epoll, run_on_uring};
pub(super) use monoio::utils::detect_uring as has_uring;
