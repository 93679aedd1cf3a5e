//! Network: bytes on all interfaces but loopback (`/proc/net/dev`).

use crate::elapsed::rate_per_s;
use crate::metric::{Metric, Unit};
use acp_wire::agent::HostSample;
use procfs::FromRead;
use procfs::net::InterfaceDeviceStatus;
use std::collections::BTreeMap;
use std::path::Path;

pub(crate) const METRICS: [Metric; 2] = [
    Metric {
        name: "network_received",
        unit: Unit::BytesPerSecond,
        description: "Received on all interfaces but loopback since the sample before",
        value: |sample| sample.network_received_bytes_per_s,
    },
    Metric {
        name: "network_sent",
        unit: Unit::BytesPerSecond,
        description: "Sent on all interfaces but loopback since the sample before",
        value: |sample| sample.network_sent_bytes_per_s,
    },
];

/// Bytes that an interface has received and sent.
type Bytes = (u64, u64);

/// Remembers the counters of the last sample, interface by interface: one that comes or goes between
/// two samples must not look like traffic.
#[derive(Debug, Default)]
pub(crate) struct NetworkSampler {
    before: BTreeMap<String, Bytes>,
}

impl NetworkSampler {
    pub(crate) fn sample(&mut self, proc: &Path, seconds: Option<f64>, sample: &mut HostSample) {
        let now = read(proc).unwrap_or_default();
        let before = std::mem::replace(&mut self.before, now);
        let Some(seconds) = seconds else { return };
        for (name, &(received, sent)) in &self.before {
            let Some(&(received_before, sent_before)) = before.get(name) else { continue };
            add(&mut sample.network_received_bytes_per_s, received_before, received, seconds);
            add(&mut sample.network_sent_bytes_per_s, sent_before, sent, seconds);
        }
    }
}

fn add(sum: &mut Option<f64>, before: u64, now: u64, seconds: f64) {
    if let Some(rate) = rate_per_s(before, now, seconds) {
        *sum = Some(sum.unwrap_or_default() + rate);
    }
}

fn read(proc: &Path) -> Option<BTreeMap<String, Bytes>> {
    let interfaces = InterfaceDeviceStatus::from_file(proc.join("net/dev")).ok()?.0;
    let others = interfaces.into_values().filter(|interface| interface.name != "lo");
    Some(others.map(|other| (other.name, (other.recv_bytes, other.sent_bytes))).collect())
}
