//! The portable driver: the core on the monoio runtime, over io_uring or over epoll.

mod alarm;
mod runtime;
mod stream;

pub(super) use monoio::utils::detect_uring as has_uring;
pub(super) use runtime::{run_on_epoll, run_on_uring};
