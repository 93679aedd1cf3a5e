//! Ring: one io_uring instance and the one system call a turn that drives it.
//!
//! Operations are pushed (`operations.rs`), [`Ring::enter`] submits them and waits, [`Ring::reap`]
//! copies the completions out. The ring is bound to the thread that made it.

use std::collections::VecDeque;
use std::io;
use std::marker::PhantomData;
use std::os::fd::{AsFd, AsRawFd};
use std::rc::Rc;
use std::sync::Arc;

use io_uring::types::{CancelBuilder, SubmitArgs, Timespec};
use io_uring::{EnterFlags, IoUring, squeue};
use socket2::SockAddr;

use super::buffers::Mapping;
use super::error::RingError;
use super::{Completion, Features, registered};

/// Sizes of a ring; each is rounded up to a power of two and clamped to what the kernel allows.
#[derive(Debug, Clone, Copy)]
pub struct RingOptions {
    /// Submission entries. More can be pushed: a full queue is submitted early.
    pub entries: u32,
    /// Completion entries, at least four times what can be in flight.
    pub completions: u32,
    /// Size of the table of registered files.
    pub files: u32,
}

/// How long [`Ring::enter`] stays in the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// Submit, take what is ready, come back.
    No,
    /// Until this many completions are there.
    For(u32),
    /// Until this many completions are there, or the time from now has passed.
    Within {
        /// Completions to wait for.
        count: u32,
        /// Longest wait in ns; the kernel's timer has no slack.
        timeout_ns: u64,
    },
}

/// What happened to a ring, for the report.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// System calls.
    pub enters: u64,
    /// The submission queue was full when an operation was pushed.
    pub full_queues: u64,
    /// Of the system calls, those that found the completion queue overflown: it is too small.
    pub overflows: u64,
    /// The kernel asked to try again (`EBUSY`, `EAGAIN`).
    pub retries: u64,
}

/// An io_uring instance, bound to the thread that made it.
pub struct Ring {
    // First, so that the kernel lets go of all memory below before it is freed.
    ring: IoUring,
    mappings: Vec<Rc<Mapping>>,
    /// Counted and not plain, because a queued connect points at its address while the vector
    /// grows.
    pub(super) addresses: Vec<Rc<SockAddr>>,
    /// Bytes to send, kept for good.
    pub(super) kept: Vec<Arc<[u8]>>,
    /// Bytes of `send_shared_now` that the kernel may not have looked at yet.
    pub(super) outgoing: Vec<Arc<[u8]>>,
    /// Operations that did not fit: submitted before all later ones, never dropped.
    spill: VecDeque<squeue::Entry>,
    /// What `io_uring_enter` is called with: an index of a registered ring, or the file descriptor.
    enter_fd: i32,
    features: Features,
    counters: Counters,
    /// What is queued stays there.
    is_sealed: bool,
    /// The kernel refuses other threads, so does the compiler.
    not_send: PhantomData<*const ()>,
}

impl Ring {
    /// Makes a ring for the calling thread with the best flags that the kernel knows.
    ///
    /// # Errors
    ///
    /// [`RingError::Create`] or [`RingError::RegisterFiles`].
    pub fn new(options: RingOptions) -> Result<Ring, RingError> {
        let mut result = Setup::BEST_FIRST[0].create(options);
        for setup in &Setup::BEST_FIRST[1..] {
            match &result {
                // What an older kernel says about a flag that it does not know.
                Err(RingError::Create { source, .. })
                    if source.raw_os_error() == Some(libc::EINVAL) =>
                {
                    result = setup.create(options);
                }
                _ => break,
            }
        }
        result
    }

    /// What the kernel gave.
    #[must_use]
    pub fn features(&self) -> Features {
        self.features
    }

    /// What happened so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Puts a file into the table of registered files; the caller may close it then.
    ///
    /// # Errors
    ///
    /// [`RingError::Install`]: the index is beyond the table, or the table is full.
    pub fn install(&mut self, file: u32, descriptor: &impl AsFd) -> Result<(), RingError> {
        let descriptors = [descriptor.as_fd().as_raw_fd()];
        self.ring
            .submitter()
            .register_files_update(file, &descriptors)
            .map(drop)
            .map_err(|source| RingError::Install { file, source })
    }

    /// Queues an operation. A full queue is submitted; what then still does not fit goes with the
    /// next [`Ring::enter`]. Nothing is lost and the order is kept.
    ///
    /// # Safety
    ///
    /// Memory that `entry` names must stay valid until the operation has ended.
    #[inline]
    pub(super) unsafe fn push(&mut self, entry: squeue::Entry) {
        if self.spill.is_empty() {
            // SAFETY: the caller keeps the memory alive.
            if unsafe { self.ring.submission().push(&entry) }.is_ok() {
                return;
            }
        }
        self.push_full(entry);
    }

    #[cold]
    fn push_full(&mut self, entry: squeue::Entry) {
        self.counters.full_queues += 1;
        self.spill.push_back(entry);
        // A failure shows again in the next `enter`, where there is somebody to tell.
        if self.call(0, None).is_ok() {
            self.unspill();
        }
    }

    fn unspill(&mut self) {
        let mut queue = self.ring.submission();
        while let Some(entry) = self.spill.front() {
            // SAFETY: the promise given to `push` holds until the operation has ended.
            if unsafe { queue.push(entry) }.is_err() {
                break;
            }
            self.spill.pop_front();
        }
    }

    /// Submits what was pushed and waits, in one system call, or in none when there is nothing to
    /// do. Comes back early on a signal. Completions are then read with [`Ring::reap`].
    ///
    /// # Errors
    ///
    /// [`RingError::Enter`]; what passes by itself (a signal, a timeout, a busy kernel) is no
    /// error.
    #[inline]
    pub fn enter(&mut self, wait: Wait) -> Result<(), RingError> {
        if !self.spill.is_empty() {
            self.submit_spill()?;
        }
        let (want, timeout_ns) = match wait {
            Wait::No => (0, None),
            Wait::For(count) => (count, None),
            Wait::Within { count, timeout_ns } => (count, Some(timeout_ns)),
        };
        let idle = self.ring.submission().is_empty() && !self.kernel_has_work();
        if idle && self.ring.completion().len() >= want as usize {
            return Ok(());
        }
        self.call(want, timeout_ns)?;
        if !self.outgoing.is_empty() && !self.has_unsubmitted() {
            self.outgoing.clear();
        }
        Ok(())
    }

    /// Submits until at most one queue's worth is left. Stops when the kernel takes nothing more:
    /// it waits for completions to be reaped then.
    #[cold]
    fn submit_spill(&mut self) -> Result<(), RingError> {
        self.unspill();
        while !self.spill.is_empty() {
            let before = self.spill.len();
            self.call(0, None)?;
            self.unspill();
            if self.spill.len() == before {
                break;
            }
        }
        Ok(())
    }

    /// The system call. Always asks for events: deferred work is only done when asked for.
    #[inline]
    fn call(&mut self, want: u32, timeout_ns: Option<u64>) -> Result<(), RingError> {
        let queue = self.ring.submission();
        let submit = if self.is_sealed { 0 } else { queue.len() };
        let overflown = queue.cq_overflow();
        drop(queue);
        let time = timeout_ns.map(timespec);
        let arguments = time.as_ref().map(|time| SubmitArgs::new().timespec(time));
        let mut flags = EnterFlags::GETEVENTS;
        flags.set(EnterFlags::EXT_ARG, arguments.is_some());
        flags.set(EnterFlags::REGISTERED_RING, self.features.registered_ring);
        self.counters.enters += 1;
        self.counters.overflows += u64::from(overflown);
        // SAFETY: the ring is alive; the argument is null, or points to `arguments`, which lives
        // longer than the call and has the layout of `io_uring_getevents_arg`.
        let result = unsafe {
            libc::syscall(
                libc::SYS_io_uring_enter,
                self.enter_fd,
                submit,
                want,
                flags.bits(),
                arguments.as_ref().map_or(std::ptr::null(), std::ptr::from_ref),
                size_of::<SubmitArgs<'_, '_>>(),
            )
        };
        if result < 0 { self.call_failed(io::Error::last_os_error()) } else { Ok(()) }
    }

    #[cold]
    fn call_failed(&mut self, source: io::Error) -> Result<(), RingError> {
        match source.raw_os_error() {
            Some(libc::ETIME | libc::EINTR) => Ok(()),
            Some(libc::EBUSY | libc::EAGAIN) => {
                self.counters.retries += 1;
                Ok(())
            }
            _ => Err(RingError::Enter { source }),
        }
    }

    /// From now on nothing is submitted any more, not even what is queued already.
    pub fn seal(&mut self) {
        self.is_sealed = true;
        self.spill.clear();
    }

    /// Whether operations wait for the next [`Ring::enter`]. Right after one: the kernel is too
    /// busy for them.
    #[inline]
    #[must_use]
    pub fn has_unsubmitted(&mut self) -> bool {
        !self.spill.is_empty() || !self.ring.submission().is_empty()
    }

    /// Copies completions into the free capacity of `into` and returns how many there were.
    #[inline]
    pub fn reap(&mut self, into: &mut Vec<Completion>) -> usize {
        let before = into.len();
        let free = into.capacity() - before;
        into.extend(self.ring.completion().take(free).map(Completion::from));
        into.len() - before
    }

    /// Whether completions are there, or the kernel would make some if it were entered. For
    /// spinning: under `DEFER_TASKRUN` nothing appears by itself.
    #[inline]
    #[must_use]
    pub fn has_work(&mut self) -> bool {
        !self.ring.completion().is_empty() || self.kernel_has_work()
    }

    /// Whether every completion so far was reaped.
    #[inline]
    pub fn is_drained(&mut self) -> bool {
        self.ring.completion().is_empty() && !self.ring.submission().cq_overflow()
    }

    #[inline]
    fn kernel_has_work(&mut self) -> bool {
        let queue = self.ring.submission();
        queue.taskrun() || queue.cq_overflow()
    }

    /// Registers the buffer ring that starts at `mapping`, and keeps the mapping for as long as the
    /// ring.
    pub(super) fn register_buffers(
        &mut self,
        mapping: Rc<Mapping>,
        group: u16,
        count: u16,
    ) -> io::Result<()> {
        let address = mapping.entries().as_ptr() as u64;
        // SAFETY: the mapping has room for `count` entries, starts on a page, and is kept until the
        // ring, which is dropped before it, is gone.
        unsafe {
            self.ring.submitter().register_buf_ring_with_flags(address, count, group, 0)?;
        }
        self.mappings.push(mapping);
        Ok(())
    }
}

impl Ring {
    /// Closing a ring ends its operations some time later, in the background. Ended here, they
    /// cannot touch memory that is freed next, and let go at once of the sockets they hold: a port
    /// is free again.
    fn end_operations(&mut self) {
        let time = Timespec::new().sec(1);
        // Nothing to cancel is reported as a failure.
        self.ring.submitter().register_sync_cancel(Some(time), CancelBuilder::any()).ok();
        // Cancelled operations end as deferred work, a few in each call.
        for _ in 0..self.ring.params().cq_entries() {
            if self.call(0, None).is_err() || !self.ring.submission().taskrun() {
                break;
            }
        }
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        self.end_operations();
        if self.features.registered_ring {
            registered::unregister(self.ring.as_raw_fd(), self.enter_fd);
        }
    }
}

/// A set of set-up flags.
#[derive(Clone, Copy)]
struct Setup {
    single_issuer: bool,
    defer_taskrun: bool,
    no_sqarray: bool,
}

impl Setup {
    /// Linux 6.6, 6.1 and 6.0. Multishot receive came with 6.0, so there is nothing to win below
    /// it.
    const BEST_FIRST: [Setup; 3] = [
        Setup { single_issuer: true, defer_taskrun: true, no_sqarray: true },
        Setup { single_issuer: true, defer_taskrun: true, no_sqarray: false },
        Setup { single_issuer: true, defer_taskrun: false, no_sqarray: false },
    ];

    fn create(self, options: RingOptions) -> Result<Ring, RingError> {
        let entries = options.entries;
        let ring = self.build(options).map_err(|source| RingError::Create { entries, source })?;
        let count = options.files;
        ring.submitter()
            .register_files_sparse(count)
            .map_err(|source| RingError::RegisterFiles { count, source })?;
        let fd = ring.as_raw_fd();
        let registered = registered::register(fd);
        let features = Features {
            single_issuer: self.single_issuer,
            defer_taskrun: self.defer_taskrun,
            coop_taskrun: !self.defer_taskrun,
            no_sqarray: self.no_sqarray,
            registered_ring: registered.is_some(),
            skip_success: ring.params().is_feature_skip_cqe_on_success(),
        };
        Ok(Ring {
            ring,
            mappings: Vec::new(),
            addresses: Vec::new(),
            kept: Vec::new(),
            outgoing: Vec::new(),
            spill: VecDeque::new(),
            enter_fd: registered.unwrap_or(fd),
            features,
            counters: Counters::default(),
            is_sealed: false,
            not_send: PhantomData,
        })
    }

    fn build(self, options: RingOptions) -> io::Result<IoUring> {
        let mut builder = IoUring::builder();
        builder.setup_clamp().setup_submit_all().setup_taskrun_flag();
        builder.setup_cqsize(options.completions.max(options.entries));
        if self.single_issuer {
            builder.setup_single_issuer();
        }
        if self.defer_taskrun {
            builder.setup_defer_taskrun();
        } else {
            builder.setup_coop_taskrun();
        }
        if self.no_sqarray {
            builder.setup_no_sqarray();
        }
        builder.dontfork().build(options.entries)
    }
}

fn timespec(ns: u64) -> Timespec {
    Timespec::from(std::time::Duration::from_nanos(ns))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: RingOptions = RingOptions { entries: 4, completions: 16, files: 4 };

    fn reap_all(ring: &mut Ring) -> Vec<u64> {
        let mut completions = Vec::with_capacity(64);
        ring.reap(&mut completions);
        completions.iter().map(|completion| completion.user_data).collect()
    }

    #[test]
    fn every_set_of_flags_makes_a_ring_that_works() {
        for setup in Setup::BEST_FIRST {
            let mut ring = match setup.create(SMALL) {
                Ok(ring) => ring,
                Err(RingError::Create { source, .. })
                    if source.raw_os_error() == Some(libc::EINVAL) =>
                {
                    eprintln!("skipped: this kernel is too old for a set of flags");
                    continue;
                }
                Err(error) => panic!("{error}"),
            };
            ring.nop(7);
            ring.enter(Wait::For(1)).expect("enter");
            assert_eq!(reap_all(&mut ring), [7]);
            assert_eq!(ring.features().defer_taskrun, setup.defer_taskrun);
        }
    }

    #[test]
    fn a_full_queue_loses_nothing_and_keeps_the_order() {
        let mut ring = Ring::new(SMALL).expect("ring");
        for number in 0..15 {
            ring.nop(number);
        }
        ring.enter(Wait::For(15)).expect("enter");
        assert_eq!(reap_all(&mut ring), (0..15).collect::<Vec<u64>>());
        assert!(ring.counters().full_queues > 0);
    }

    #[test]
    fn more_completions_than_the_queue_holds_are_kept_by_the_kernel_and_counted() {
        let mut ring = Ring::new(SMALL).expect("ring");
        for number in 0..100 {
            ring.nop(number);
        }
        let mut seen = Vec::new();
        while seen.len() < 100 {
            ring.enter(Wait::For(1)).expect("enter");
            seen.extend(reap_all(&mut ring));
        }
        assert_eq!(seen, (0..100).collect::<Vec<u64>>());
        assert!(ring.counters().overflows > 0, "{:?}", ring.counters());
    }

    #[test]
    fn nothing_to_do_needs_no_system_call() {
        let mut ring = Ring::new(SMALL).expect("ring");
        ring.enter(Wait::No).expect("enter");
        assert_eq!(ring.counters().enters, 0);
        assert!(!ring.has_work());
    }

    #[test]
    fn a_wait_ends_in_time_without_an_event() {
        let mut ring = Ring::new(SMALL).expect("ring");
        let start = std::time::Instant::now();
        ring.enter(Wait::Within { count: 1, timeout_ns: 2_000_000 }).expect("enter");
        assert!(start.elapsed().as_nanos() >= 2_000_000);
        assert!(reap_all(&mut ring).is_empty());
    }

    #[test]
    fn rings_can_be_made_and_dropped_on_one_thread_for_ever() {
        // A thread can register 16 rings; more only works if each is given back.
        for _ in 0..40 {
            let ring = Ring::new(SMALL).expect("ring");
            assert!(ring.features().registered_ring);
        }
    }
}
