//! Drivers: what moves bytes for a shard. Each file or folder is one way to do it.

pub mod uring;
