//! What the connections of one shard share: buffers for heads that arrive in pieces, and the last
//! head.

use super::fast::Remembered;

/// Buffers for heads that arrive in pieces, and the last head seen; one for all connections of a
/// shard, so that an idle connection owns no memory of its own.
///
/// It keeps as many buffers as connections once were in the middle of a head at the same time, each
/// at most 64 KiB.
#[derive(Debug, Default)]
pub struct HeadPool {
    free: Vec<Vec<u8>>,
    pub(super) remembered: Remembered,
}

impl HeadPool {
    /// A pool that owns nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty buffer.
    pub(super) fn take(&mut self) -> Vec<u8> {
        self.free.pop().unwrap_or_default()
    }

    /// Takes a buffer back.
    pub(super) fn give(&mut self, mut buffer: Vec<u8>) {
        buffer.clear();
        self.free.push(buffer);
    }
}
