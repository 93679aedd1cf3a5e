//! How many shards, on which CPUs, and whether they may spin.

use super::{Options, Spin};
use crate::cpus::{allowed, parse_cpus};
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

impl Placement {
    /// One shard a usable core, at most one a connection. An open loop against this very machine
    /// leaves half of the cores to the server: a shard that waits for due times takes all of its own.
    pub(super) fn choose(
        plan: &Plan,
        connections: u32,
        addresses: &[SocketAddr],
        options: &Options,
    ) -> Result<Self, String> {
        let usable = allowed();
        let given = options.cpus.as_deref();
        if let Some(missing) = given.and_then(|cpus| cpus.iter().find(|cpu| !usable.contains(cpu)))
        {
            return Err(format!("CPU {missing} cannot be used\nhint: there are {usable:?}"));
        }
        let cpus = given.unwrap_or(&usable);
        let is_local = addresses.iter().all(|address| address.ip().is_loopback());
        let shares = is_local && plan.is_open_loop() && given.is_none();
        let default = if shares { cpus.len().div_ceil(2) } else { cpus.len() };
        let default = u32::try_from(default).unwrap_or(u32::MAX).max(1);
        let shards = options.threads.unwrap_or(default).min(connections);
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
