//! TCP: sockets in use, sockets that wait, segments sent again (`/proc/net/sockstat`,
//! `/proc/net/sockstat6`, `/proc/net/snmp`).

use crate::elapsed::rate_per_s;
use crate::metric::{Metric, Unit, number};
use acp_wire::agent::HostSample;
use procfs::FromRead;
use procfs::net::Snmp;
use std::path::Path;

pub(crate) const METRICS: [Metric; 3] = [
    Metric {
        name: "tcp_in_use",
        unit: Unit::None,
        description: "TCP sockets in use, both versions of IP",
        value: |sample| sample.tcp_in_use.map(number),
    },
    Metric {
        name: "tcp_time_wait",
        unit: Unit::None,
        description: "TCP sockets in TIME_WAIT",
        value: |sample| sample.tcp_time_wait.map(number),
    },
    Metric {
        name: "tcp_retransmits",
        unit: Unit::PerSecond,
        description: "TCP segments sent again since the sample before",
        value: |sample| sample.tcp_retransmits_per_s,
    },
];

/// Remembers the counter of the last sample.
#[derive(Debug, Default)]
pub(crate) struct TcpSampler {
    retransmits_before: Option<u64>,
}

impl TcpSampler {
    pub(crate) fn sample(&mut self, proc: &Path, seconds: Option<f64>, sample: &mut HostSample) {
        let read = |name: &str| std::fs::read_to_string(proc.join(name)).unwrap_or_default();
        let (version_4, version_6) = (read("net/sockstat"), read("net/sockstat6"));
        // A host without IPv6 has no second file; one without the first tells nothing.
        let in_use_6 = field(&version_6, "TCP6:", "inuse").unwrap_or_default();
        sample.tcp_in_use = field(&version_4, "TCP:", "inuse").map(|in_use| in_use + in_use_6);
        sample.tcp_time_wait = field(&version_4, "TCP:", "tw");
        let now = Snmp::from_file(proc.join("net/snmp")).ok().map(|snmp| snmp.tcp_retrans_segs);
        let before = std::mem::replace(&mut self.retransmits_before, now);
        if let (Some(before), Some(now), Some(seconds)) = (before, now, seconds) {
            sample.tcp_retransmits_per_s = rate_per_s(before, now, seconds);
        }
    }
}

/// The number after a name in a line of a socket statistics file: `TCP: inuse 5 orphan 0 tw 7`.
fn field(text: &str, line: &str, name: &str) -> Option<u64> {
    let fields = text.lines().find_map(|text| text.strip_prefix(line))?;
    let mut words = fields.split_whitespace();
    words.find(|word| *word == name)?;
    words.next()?.parse().ok()
}
