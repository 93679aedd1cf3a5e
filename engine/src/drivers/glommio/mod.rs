//! The core on the glommio runtime, over io_uring.

mod runtime;
mod stream;
mod timer;

pub(super) use runtime::driver;
