//! How many shards, on which CPUs, and whether they may spin.

use super::{Options, Spin};
use crate::plan::Plan;
use std::net::SocketAddr;

/// How long before a due time a shard stops sleeping: a wake-up takes 20 to 80 µs on a virtual
/// machine.
const AUTO_SPIN_NS: u64 = 100_000;

/// Where the shards of a run are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Placement {
    pub(super) shards: u32,
    /// CPU of each shard; empty: left to the scheduler.
    pub(super) cpus: Vec<usize>,
    pub(super) spin_ns: u64,
}

/// The CPUs that this thread may use.
#[must_use]
pub fn usable_cpus() -> Vec<usize> {
    let cores = core_affinity::get_core_ids().unwrap_or_default();
    cores.into_iter().map(|core| core.id).collect()
}

/// Takes a list like `0,2-5` apart.
///
/// # Errors
///
/// When it is not such a list.
pub fn parse_cpus(text: &str) -> Result<Vec<usize>, String> {
    let bad = |part: &str| format!("bad CPU list `{text}`: `{part}` is not a number or a range (0,2-5)");
    let mut cpus = Vec::new();
    for part in text.split(',').map(str::trim) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (Ok(first), Ok(last)) = (first.parse::<usize>(), last.parse::<usize>()) else {
            return Err(bad(part));
        };
        if first > last || last > 65_535 {
            return Err(bad(part));
        }
        cpus.extend((first..=last).filter(|cpu| !cpus.contains(cpu)).collect::<Vec<_>>());
    }
    Ok(cpus)
}

impl Placement {
    /// One shard a usable core, at most one a connection. An open loop against this very machine
    /// leaves half of the cores to the server: a shard that waits for due times takes all of its own.
    pub(super) fn choose(
        plan: &Plan,
        addresses: &[SocketAddr],
        options: &Options,
    ) -> Result<Self, String> {
        let usable = usable_cpus();
        let given = options.cpus.as_deref();
        if let Some(missing) = given.and_then(|cpus| cpus.iter().find(|cpu| !usable.contains(cpu))) {
            return Err(format!("CPU {missing} cannot be used\nhint: there are {usable:?}"));
        }
        let cpus = given.unwrap_or(&usable);
        let is_local = addresses.iter().all(|address| address.ip().is_loopback());
        let shares = is_local && plan.is_open_loop() && given.is_none();
        let default = if shares { cpus.len().div_ceil(2) } else { cpus.len() };
        let default = u32::try_from(default).unwrap_or(u32::MAX).max(1);
        let shards = options.threads.unwrap_or(default).min(plan.connections);
        let is_pinned = shards as usize <= cpus.len();
        // The first CPUs have most of the interrupts, so the last are taken.
        let pinned = cpus[cpus.len().saturating_sub(shards as usize)..].to_vec();
        let online = std::thread::available_parallelism().map_or(1, usize::from).max(usable.len());
        let core_is_ours = is_pinned && (!is_local || online_cpus(online) > shards as usize);
        let spin_ns = match options.spin {
            Spin::Auto if plan.is_open_loop() && core_is_ours => AUTO_SPIN_NS,
            Spin::Auto | Spin::Off => 0,
            Spin::Ns(spin_ns) => spin_ns,
        };
        Ok(Self { shards, cpus: if is_pinned { pinned } else { Vec::new() }, spin_ns })
    }
}

/// CPUs of the machine, whether we may use them or not; `least` where that is not known.
fn online_cpus(least: usize) -> usize {
    let text = std::fs::read_to_string("/sys/devices/system/cpu/online").unwrap_or_default();
    parse_cpus(text.trim()).map_or(least, |cpus| cpus.len().max(least))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_lists_are_numbers_and_ranges() {
        for (text, cpus) in [("0", vec![0]), ("0,2-5", vec![0, 2, 3, 4, 5]), ("3,1-3", vec![3, 1, 2])] {
            assert_eq!(parse_cpus(text).unwrap(), cpus, "{text}");
        }
        for bad in ["", "a", "1-", "-1", "5-2", "1,,2", "0-99999999"] {
            assert!(parse_cpus(bad).is_err(), "`{bad}`");
        }
    }
}
