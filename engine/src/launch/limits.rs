//! Limits of the machine that a plan would run into, found before it starts.

use crate::drivers::DriverKind;
use crate::plan::Plan;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::net::SocketAddr;
use thiserror::Error;

/// Files that the process needs besides connections.
const OTHER_FILES: u64 = 64;

/// A limit that is too low.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum LimitError {
    /// Open files.
    #[error(
        "{connections} connections need {needed} open files, the limit is {limit}\n\
         hint: ulimit -n {needed}"
    )]
    OpenFiles {
        /// Connections of the plan.
        connections: u32,
        /// Files that they need.
        needed: u64,
        /// Files that are allowed.
        limit: u64,
    },
    /// Local ports.
    #[error(
        "{connections} connections to {addresses} address(es) need more local ports than the {ports} \
         from {first} to {last}\n\
         hint: sysctl -w net.ipv4.ip_local_port_range=\"1024 65535\", or more addresses (--connect-to)"
    )]
    Ports {
        /// Connections of the plan.
        connections: u32,
        /// Addresses of the target.
        addresses: usize,
        /// Ports for each address.
        ports: u32,
        /// First port of the range.
        first: u32,
        /// Last port of the range.
        last: u32,
    },
}

/// Checks the limits, and raises the soft limit of open files where it is allowed to.
pub(super) fn check(
    plan: &Plan,
    addresses: &[SocketAddr],
    shards: u32,
    driver: DriverKind,
) -> Result<(), LimitError> {
    let connections = plan.connections;
    let sockets = match driver {
        // Registered files of a ring are bounded by the same limit, though they are not open files.
        DriverKind::Uring | DriverKind::MonoioEpoll => u64::from(connections),
        // Closing goes through the queue: for a moment there are the old sockets and the new ones.
        DriverKind::Monoio => 2 * u64::from(connections),
    };
    let needed = sockets + OTHER_FILES + 8 * u64::from(shards);
    if let Some(limit) = raise_open_files(needed) {
        return Err(LimitError::OpenFiles { connections, needed, limit });
    }
    let (first, last) = port_range();
    let ports = last.saturating_sub(first) + 1;
    if u64::from(connections) > u64::from(ports) * addresses.len() as u64 {
        let addresses = addresses.len();
        return Err(LimitError::Ports { connections, addresses, ports, first, last });
    }
    Ok(())
}

/// Makes room for `needed` files; else returns what there is room for.
fn raise_open_files(needed: u64) -> Option<u64> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).ok()?;
    if soft >= needed {
        return None;
    }
    if hard >= needed && setrlimit(Resource::RLIMIT_NOFILE, hard, hard).is_ok() {
        return None;
    }
    Some(hard.max(soft))
}

/// The range that the kernel takes local ports from.
fn port_range() -> (u32, u32) {
    let text =
        std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    let mut numbers = text.split_whitespace().filter_map(|word| word.parse().ok());
    match (numbers.next(), numbers.next()) {
        (Some(first), Some(last)) => (first, last),
        _ => (32_768, 60_999),
    }
}
