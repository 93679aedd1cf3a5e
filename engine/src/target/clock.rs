//! Clock: the one clock of the target, the same that load is scheduled by.

use nix::time::{ClockId, clock_gettime};

/// Now, in ns of `CLOCK_MONOTONIC`.
///
/// # Panics
///
/// Never on Linux, where this clock always exists.
#[inline]
pub(crate) fn monotonic_ns() -> u64 {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).expect("CLOCK_MONOTONIC exists");
    let (seconds, ns) = (now.tv_sec().unsigned_abs(), now.tv_nsec().unsigned_abs());
    seconds * 1_000_000_000 + ns
}
