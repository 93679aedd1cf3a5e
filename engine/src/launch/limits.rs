//! Limits of the machine that a plan would run into, found before it starts.

use crate::drivers::DriverKind;
use crate::plan::Origins;
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
        "{connections} connections need more local ports than the {ports} from {first} to {last}, once for \
         each of {ways} pair(s) of a local address and one of the target\n\
         hint: sysctl -w net.ipv4.ip_local_port_range=\"1024 65535\", or more addresses (--connect-to, \
         --source-ip)"
    )]
    Ports {
        /// Connections of the plan.
        connections: u32,
        /// Pairs of a local address and one of the target.
        ways: usize,
        /// Ports for each pair.
        ports: u32,
        /// First port of the range.
        first: u32,
        /// Last port of the range.
        last: u32,
    },
}

/// What the machine allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Limits {
    open_files: u64,
    first_port: u32,
    last_port: u32,
}

/// Checks the limits, and raises the soft limit of open files where it is allowed to.
pub(super) fn check(
    connections: u32,
    addresses: &[SocketAddr],
    origins: &Origins,
    shards: u32,
    driver: DriverKind,
) -> Result<(), LimitError> {
    let needed = needed_files(connections, shards, driver, !origins.is_empty());
    let (first_port, last_port) = port_range();
    let limits = Limits { open_files: make_room(needed), first_port, last_port };
    let ways = addresses.iter().map(|address| origins.ways(address)).sum();
    judge(connections, ways, needed, limits)
}

fn needed_files(connections: u32, shards: u32, driver: DriverKind, has_origins: bool) -> u64 {
    let files_each = match driver {
        // Registered files of a ring are bounded by the limit of open files, though they are not open.
        DriverKind::Uring | DriverKind::Glommio => 1,
        // From an address of the plan a socket connects with a second handle on it.
        DriverKind::MonoioEpoll => 1 + u64::from(has_origins),
        // Closing goes through the queue: for a moment there are the old sockets and the new ones.
        DriverKind::Monoio => 2 + u64::from(has_origins),
    };
    files_each * u64::from(connections) + OTHER_FILES + 8 * u64::from(shards)
}

fn judge(connections: u32, ways: usize, needed: u64, limits: Limits) -> Result<(), LimitError> {
    if needed > limits.open_files {
        return Err(LimitError::OpenFiles { connections, needed, limit: limits.open_files });
    }
    let (first, last) = (limits.first_port, limits.last_port);
    let ports = last.saturating_sub(first) + 1;
    if u64::from(connections) > u64::from(ports) * ways as u64 {
        return Err(LimitError::Ports { connections, ways, ports, first, last });
    }
    Ok(())
}

/// Makes room for `needed` files where the hard limit lets us. Returns what there is room for.
fn make_room(needed: u64) -> u64 {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return u64::MAX };
    if soft >= needed || setrlimit(Resource::RLIMIT_NOFILE, hard, hard).is_err() {
        return soft;
    }
    hard
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_driver_that_holds_more_than_a_socket_needs_room_for_it() {
        for (driver, has_origins, files) in [
            (DriverKind::Uring, false, 1000),
            (DriverKind::Uring, true, 1000),
            (DriverKind::Glommio, true, 1000),
            (DriverKind::MonoioEpoll, false, 1000),
            (DriverKind::MonoioEpoll, true, 2000),
            (DriverKind::Monoio, false, 2000),
            (DriverKind::Monoio, true, 3000),
        ] {
            let needed = needed_files(1000, 2, driver, has_origins);
            assert_eq!(needed, files + OTHER_FILES + 16, "{driver:?} {has_origins}");
        }
    }

    #[test]
    fn limits_are_judged_with_the_numbers_needed() {
        let limits = Limits { open_files: 1024, first_port: 32_768, last_port: 60_999 };
        let many = Limits { open_files: 1 << 20, ..limits };
        for (what, connections, addresses, limits, refusal) in [
            ("fits", 952, 1, limits, None),
            (
                "one file too many",
                953,
                1,
                limits,
                Some("953 connections need 1025 open files, the limit is 1024"),
            ),
            ("every port", 28_232, 1, many, None),
            (
                "one port too many",
                28_233,
                1,
                many,
                Some("more local ports than the 28232 from 32768 to 60999"),
            ),
            ("ports are for each address", 28_233, 2, many, None),
        ] {
            let needed = needed_files(connections, 1, DriverKind::Uring, false);
            let found =
                judge(connections, addresses, needed, limits).err().map(|error| error.to_string());
            match (refusal, found) {
                (None, None) => {}
                (Some(part), Some(text)) if text.contains(part) && text.contains("hint: ") => {}
                (_, found) => panic!("{what}: {found:?}"),
            }
        }
    }
}
