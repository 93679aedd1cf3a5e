//! Memory: how much there is and how much programs could still get (`/proc/meminfo`).

use crate::metric::{Metric, Unit, number};
use acp_wire::agent::HostSample;
use procfs::{FromRead, Meminfo};
use std::path::Path;

pub(crate) const METRICS: [Metric; 2] = [
    Metric {
        name: "memory_total",
        unit: Unit::Bytes,
        description: "Memory of the machine",
        value: |sample| sample.memory_total_bytes.map(number),
    },
    Metric {
        name: "memory_available",
        unit: Unit::Bytes,
        description: "Memory that programs could still get",
        value: |sample| sample.memory_available_bytes.map(number),
    },
];

pub(crate) fn sample(proc: &Path, sample: &mut HostSample) {
    if let Ok(memory) = Meminfo::from_file(proc.join("meminfo")) {
        sample.memory_total_bytes = Some(memory.mem_total);
        sample.memory_available_bytes = memory.mem_available;
    }
}
