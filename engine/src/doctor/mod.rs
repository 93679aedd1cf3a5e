//! Is this host fit to make load? A look at limits, ports, CPUs, clock and kernel: a [`Host`], of which
//! only files are read, and the [`Needs`] of a plan → [`Finding`]s. What cannot be read is not known,
//! and not taken for good.

mod finding;
mod host;
mod needs;

mod files;
mod network;
mod ports;

mod cpu_time;
mod processors;

mod clock;
mod kernel;
mod memory;

mod calibrate;
pub mod cli;

#[cfg(test)]
mod tests;

pub use calibrate::{CalibrateError, calibrate};
pub use finding::{Finding, State};
pub use host::Host;
pub use needs::Needs;

type Check = fn(&Host, &Needs) -> Finding;

/// All of them, in the order in which they are shown.
const CHECKS: [Check; 18] = [
    files::open_files,
    ports::local_ports,
    ports::time_wait,
    ports::conntrack,
    network::listen_backlog,
    network::congestion_control,
    network::socket_buffers,
    processors::governor,
    processors::siblings,
    processors::isolated,
    processors::hypervisor,
    cpu_time::steal,
    cpu_time::quota,
    clock::source,
    clock::synchronised,
    kernel::uring,
    memory::available,
    memory::huge_pages,
];

/// What was found, check by check. Steal is that since the host was opened.
#[must_use]
pub fn examine(host: &Host, needs: &Needs) -> Vec<Finding> {
    CHECKS.iter().map(|check| check(host, needs)).collect()
}
