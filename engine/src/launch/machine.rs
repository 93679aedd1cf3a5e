//! What the kernel knows of this machine and this process.

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;
use std::time::{SystemTime, UNIX_EPOCH};

/// A tick is 10 ms on every Linux that user space sees.
const TICK_US: u64 = 10_000;

/// CPU time at one moment: of this process, and stolen from all CPUs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct CpuTimes {
    pub(super) user_us: u64,
    pub(super) system_us: u64,
    pub(super) steal_ticks: u64,
    pub(super) all_ticks: u64,
}

impl CpuTimes {
    pub(super) fn now() -> Self {
        let usage = getrusage(UsageWho::RUSAGE_SELF).ok();
        let micros = |time: nix::sys::time::TimeVal| time.num_microseconds().unsigned_abs();
        let (steal_ticks, all_ticks) = machine_ticks();
        Self {
            user_us: usage.map_or(0, |usage| micros(usage.user_time())),
            system_us: usage.map_or(0, |usage| micros(usage.system_time())),
            steal_ticks,
            all_ticks,
        }
    }

    pub(super) fn since(self, before: Self) -> Self {
        Self {
            user_us: self.user_us.saturating_sub(before.user_us),
            system_us: self.system_us.saturating_sub(before.system_us),
            steal_ticks: self.steal_ticks.saturating_sub(before.steal_ticks),
            all_ticks: self.all_ticks.saturating_sub(before.all_ticks),
        }
    }

    /// Time stolen from all CPUs.
    pub(super) fn steal_us(self) -> u64 {
        self.steal_ticks * TICK_US
    }

    /// Time of all CPUs, busy or not.
    pub(super) fn all_us(self) -> u64 {
        self.all_ticks * TICK_US
    }
}

/// Steal and all ticks of the line `cpu` of `/proc/stat`; see proc(5).
fn machine_ticks() -> (u64, u64) {
    let text = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    let line = text.lines().next().unwrap_or_default();
    let ticks: Vec<u64> =
        line.split_whitespace().skip(1).filter_map(|word| word.parse().ok()).collect();
    // Guest time is in user time already.
    (ticks.get(7).copied().unwrap_or(0), ticks.iter().take(8).sum())
}

/// Peak resident set of this process.
pub(super) fn max_rss_bytes() -> u64 {
    getrusage(UsageWho::RUSAGE_SELF).map_or(0, |usage| usage.max_rss().unsigned_abs() * 1024)
}

/// Release of the running kernel.
pub(super) fn kernel() -> String {
    read_line("/proc/sys/kernel/osrelease")
}

/// Name of this host.
pub(super) fn host() -> String {
    read_line("/proc/sys/kernel/hostname")
}

/// Microseconds since 1970.
pub(super) fn unix_us() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_micros()).unwrap_or(u64::MAX)
}

fn read_line(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default().trim().to_string()
}
