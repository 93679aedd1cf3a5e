//! Completion: what the kernel says about one operation, copied out of the completion queue.

use io_uring::cqueue;

use super::BufferId;

/// One completion.
#[derive(Debug, Clone, Copy)]
pub struct Completion {
    /// What the operation was given; see [`super::Token`].
    pub user_data: u64,
    /// The result as a system call would give it: a count, a file index, or a negated `errno`.
    pub result: i32,
    /// `IORING_CQE_F_*`.
    pub flags: u32,
}

impl Completion {
    /// Whether the multishot operation goes on. If not, it must be armed again.
    #[inline]
    #[must_use]
    pub fn more(&self) -> bool {
        cqueue::more(self.flags)
    }

    /// The buffer that the kernel put the data into. Whoever gets it owns it until it is recycled.
    #[inline]
    #[must_use]
    pub fn buffer(&self) -> Option<BufferId> {
        cqueue::buffer_select(self.flags).map(BufferId)
    }

    /// The result as a count, or the `errno` (positive) of the failure.
    ///
    /// # Errors
    ///
    /// The `errno` of the operation.
    #[inline]
    pub fn count(&self) -> Result<u32, i32> {
        u32::try_from(self.result).map_err(|_| self.result.wrapping_neg())
    }
}

impl From<cqueue::Entry> for Completion {
    #[inline]
    fn from(entry: cqueue::Entry) -> Self {
        Completion { user_data: entry.user_data(), result: entry.result(), flags: entry.flags() }
    }
}
