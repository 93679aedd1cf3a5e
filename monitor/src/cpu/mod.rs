//! CPU: how much of the machine is in use, stolen, and waited for (`/proc/stat`, `/proc/loadavg`).

use crate::metric::{Metric, Unit, number};
use acp_wire::agent::HostSample;
use procfs::prelude::{FromRead, FromReadSI};
use procfs::{CpuTime, KernelStats, LoadAverage};
use std::path::Path;

pub(crate) const METRICS: [Metric; 3] = [
    Metric {
        name: "cpu_busy",
        unit: Unit::Ratio,
        description: "Share of CPU time in use since the sample before, all CPUs",
        value: |sample| sample.cpu_busy_ratio,
    },
    Metric {
        name: "cpu_steal",
        unit: Unit::Ratio,
        description: "Share of CPU time stolen by the hypervisor since the sample before",
        value: |sample| sample.cpu_steal_ratio,
    },
    Metric {
        name: "load_1m",
        unit: Unit::None,
        description: "Load average of the last minute",
        value: |sample| sample.load_1m,
    },
];

/// CPU time since boot, in ticks of all CPUs.
#[derive(Clone, Copy, Debug)]
struct Ticks {
    total: u64,
    busy: u64,
    steal: Option<u64>,
}

impl Ticks {
    /// Guest time is part of user time already. Stolen time is in the total, but nobody here used it.
    fn new(time: &CpuTime) -> Self {
        let irq = time.irq.unwrap_or_default() + time.softirq.unwrap_or_default();
        let busy = time.user + time.nice + time.system + irq;
        let idle = time.idle + time.iowait.unwrap_or_default();
        let total = busy + idle + time.steal.unwrap_or_default();
        Self { total, busy, steal: time.steal }
    }

    fn read(proc: &Path) -> Option<Self> {
        let stats =
            KernelStats::from_file(proc.join("stat"), procfs::current_system_info()).ok()?;
        Some(Self::new(&stats.total))
    }
}

/// Remembers the ticks of the last sample.
#[derive(Debug, Default)]
pub(crate) struct CpuSampler {
    before: Option<Ticks>,
}

impl CpuSampler {
    pub(crate) fn sample(&mut self, proc: &Path, sample: &mut HostSample) {
        let load = LoadAverage::from_file(proc.join("loadavg")).ok();
        // The file has two digits; what a single-precision number adds to them is no information.
        sample.load_1m = load.map(|load| (f64::from(load.one) * 100.0).round() / 100.0);
        let now = Ticks::read(proc);
        let before = std::mem::replace(&mut self.before, now);
        if let (Some(before), Some(now)) = (before, now) {
            sample.cpu_busy_ratio = share(before.busy, now.busy, before, now);
            let steal = before.steal.zip(now.steal);
            sample.cpu_steal_ratio = steal.and_then(|(b, n)| share(b, n, before, now));
        }
    }
}

/// What part of all ticks between two samples some ticks are. The kernel may take idle time back, so
/// a total that did not grow says nothing.
fn share(part_before: u64, part_now: u64, before: Ticks, now: Ticks) -> Option<f64> {
    let total = now.total.checked_sub(before.total).filter(|&total| total > 0)?;
    let part = part_now.checked_sub(part_before)?;
    Some((number(part) / number(total)).min(1.0))
}
