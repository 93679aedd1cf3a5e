//! Buffers: receive memory that the kernel picks from by itself, shared by all connections of a
//! ring.
//!
//! A connection that waits for data holds none of it, so memory follows what is in flight and not
//! the number of connections.
//!
//! ```text
//! kernel's ──(receive completes: BufferId)──► ours ──(recycle, publish)──► kernel's
//! ```

use std::io;
use std::ptr::NonNull;
use std::rc::Rc;
use std::sync::atomic::{AtomicU16, Ordering};

use io_uring::types::BufRingEntry;

use super::error::RingError;
use super::ring::Ring;

/// Size of a buffer that a response head with a small body fits into; a large body takes several.
pub const SMALL_BUFFER_BYTES: u32 = 2048;

/// The name of a buffer that the kernel has filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BufferId(pub(super) u16);

/// A group of provided buffers of one size.
pub struct Buffers {
    mapping: Rc<Mapping>,
    group: u16,
    count: u16,
    /// Size of each buffer.
    bytes: u32,
    /// Our side of the tail; the kernel sees it after [`Buffers::publish`].
    tail: u16,
}

impl Buffers {
    /// Makes `count` buffers of `bytes` each and gives them to `ring` as its buffer group `group`.
    ///
    /// # Errors
    ///
    /// No memory, or the kernel has no buffer rings (before 5.19).
    ///
    /// # Panics
    ///
    /// `count` must be a power of two, at most 32,768.
    pub fn register(
        ring: &mut Ring,
        group: u16,
        count: u16,
        bytes: u32,
    ) -> Result<Buffers, RingError> {
        assert!(count.is_power_of_two() && count <= 1 << 15, "`{count}` buffers");
        let failed = |source| RingError::RegisterBuffers { count, source };
        let mapping = Rc::new(Mapping::new(usize::from(count), bytes as usize).map_err(failed)?);
        ring.register_buffers(Rc::clone(&mapping), group, count).map_err(failed)?;
        let mut buffers = Buffers { mapping, group, count, bytes, tail: 0 };
        for index in 0..count {
            buffers.recycle(BufferId(index));
        }
        buffers.publish();
        Ok(buffers)
    }

    /// The group's number, which a receive names.
    #[inline]
    #[must_use]
    pub fn group(&self) -> u16 {
        self.group
    }

    /// What the kernel wrote: the first `length` bytes of the buffer.
    ///
    /// # Panics
    ///
    /// `id` and `length` must come from one completion of this group.
    #[inline]
    #[must_use]
    pub fn get(&self, id: BufferId, length: u32) -> &[u8] {
        let length = length as usize;
        assert!(id.0 < self.count && length <= self.bytes as usize);
        let start = self.mapping.buffer(id.0);
        // SAFETY: in bounds by the assertion, and zeroed or written since it was mapped. The kernel
        // writes only to buffers that it holds; it gave this one away with the completion that `id`
        // came from, and gets it back by `recycle`, which needs `&mut self` and so outlives no
        // slice.
        unsafe { std::slice::from_raw_parts(start.as_ptr(), length) }
    }

    /// Gives a buffer back. The kernel sees it after [`Buffers::publish`].
    #[inline]
    pub fn recycle(&mut self, id: BufferId) {
        let index = self.tail & (self.count - 1);
        let address = self.mapping.buffer(id.0).as_ptr() as u64;
        // SAFETY: `index` is below `count`, and entries at and after the published tail are ours to
        // write.
        let entry = unsafe { &mut *self.mapping.entries().add(usize::from(index)).as_ptr() };
        entry.set_addr(address);
        entry.set_len(self.bytes);
        entry.set_bid(id.0);
        self.tail = self.tail.wrapping_add(1);
    }

    /// Shows the kernel all buffers that were given back: once a turn, before entering the ring.
    #[inline]
    pub fn publish(&mut self) {
        // SAFETY: the mapping starts with the first entry of the ring, whose reserved field is the
        // tail.
        let tail = unsafe { BufRingEntry::tail(self.mapping.entries().as_ptr()) };
        // SAFETY: aligned and alive as above; the kernel only reads it.
        let tail = unsafe { AtomicU16::from_ptr(tail.cast_mut()) };
        tail.store(self.tail, Ordering::Release);
    }
}

/// One anonymous mapping: the ring's entries, then the buffers. The ring holds it too, so that the
/// kernel never knows an address that is no longer mapped.
pub(super) struct Mapping {
    start: NonNull<u8>,
    bytes: usize,
    buffers_offset: usize,
    buffer_bytes: usize,
}

impl Mapping {
    fn new(count: usize, buffer_bytes: usize) -> io::Result<Mapping> {
        // The entries must start on a page; the buffers follow on a multiple of their size.
        let buffers_offset = (count * size_of::<BufRingEntry>()).next_multiple_of(buffer_bytes);
        let bytes = buffers_offset + count * buffer_bytes;
        // SAFETY: a new private mapping, no address asked for.
        let start = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                bytes,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = NonNull::new(start.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Mapping { start, bytes, buffers_offset, buffer_bytes })
    }

    #[inline]
    pub(super) fn entries(&self) -> NonNull<BufRingEntry> {
        self.start.cast()
    }

    #[inline]
    fn buffer(&self, index: u16) -> NonNull<u8> {
        let offset = self.buffers_offset + usize::from(index) * self.buffer_bytes;
        assert!(offset + self.buffer_bytes <= self.bytes);
        // SAFETY: inside the mapping by the assertion.
        unsafe { self.start.add(offset) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the mapping made in `new`, of which nothing is borrowed any more: `Buffers` and
        // `Ring`, which lend from it, each hold a count of it.
        let result = unsafe { libc::munmap(self.start.as_ptr().cast(), self.bytes) };
        debug_assert_eq!(result, 0);
    }
}
