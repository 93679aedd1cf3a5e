//! Disk: free space where an agent keeps its state (`statvfs`).

use crate::metric::{Metric, Unit, number};
use acp_wire::agent::HostSample;
use nix::sys::statvfs::statvfs;
use std::path::Path;

pub(crate) const METRICS: [Metric; 1] = [Metric {
    name: "disk_free",
    unit: Unit::Bytes,
    description: "Free space of the state folder's file system",
    value: |sample| sample.disk_free_bytes.map(number),
}];

/// Free is what an ordinary user may still write: blocks kept for root are not.
pub(crate) fn sample(state_folder: &Path, sample: &mut HostSample) {
    let space = statvfs(state_folder).ok();
    sample.disk_free_bytes =
        space.and_then(|space| space.blocks_available().checked_mul(space.fragment_size()));
}
