//! What moves bytes for a shard.

pub mod host;
pub mod uring;
