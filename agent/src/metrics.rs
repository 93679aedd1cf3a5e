//! Metrics of an agent: what `/metrics` and `/healthz` say.

use acp_wire::agent::{HostSample, PartState};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};
use serde::Serialize;

/// How an agent is at a moment.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Snapshot {
    /// Its name.
    pub(crate) agent: String,
    /// Version of acp.
    pub(crate) version: String,
    /// Whether the coordinator knows it now.
    pub(crate) is_registered: bool,
    /// Whether it is leaving.
    pub(crate) is_draining: bool,
    /// What is left of its lease.
    pub(crate) lease_left_us: u64,
    /// Cores it offers.
    pub(crate) cores: u32,
    /// Cores that no part has.
    pub(crate) cores_free: u32,
    /// State of every part.
    pub(crate) parts: Vec<(String, PartState)>,
    /// Frames that control has not stored.
    pub(crate) frames_waiting: usize,
    /// Frames that nobody will see.
    pub(crate) frames_lost: u64,
    /// The last sample of the host.
    #[serde(skip)]
    pub(crate) host: HostSample,
}

impl Snapshot {
    /// As Prometheus reads it.
    pub(crate) fn exposition(&self) -> String {
        let mut registry = Registry::default();
        let agent = registry.sub_registry_with_prefix("acp_agent");
        let states = [
            (
                "parts_starting",
                "Parts that wait for plan, cores or connections",
                PartState::Starting,
            ),
            ("parts_ready", "Parts whose connections are open", PartState::Ready),
            ("parts_running", "Parts that send load", PartState::Running),
        ];
        for (name, help, state) in states {
            let count = self.parts.iter().filter(|(_, part)| *part == state).count();
            agent.register(name, help, ConstGauge::new(u64::try_from(count).unwrap_or(u64::MAX)));
        }
        let gauges = [
            (
                "registered",
                "1 while the coordinator knows this agent",
                u64::from(self.is_registered),
            ),
            ("draining", "1 while this agent is leaving", u64::from(self.is_draining)),
            ("cores", "Cores offered", u64::from(self.cores)),
            ("cores_free", "Cores that no part has", u64::from(self.cores_free)),
            (
                "frames_waiting",
                "Frames that control has not stored",
                u64::try_from(self.frames_waiting).unwrap_or(u64::MAX),
            ),
        ];
        for (name, help, value) in gauges {
            agent.register(name, help, ConstGauge::new(value));
        }
        let lost = ConstCounter::new(self.frames_lost);
        agent.register("frames_lost", "Frames that nobody will see", lost);
        let lease = std::time::Duration::from_micros(self.lease_left_us).as_secs_f64();
        let help = "Time that load may be sent without hearing of control";
        agent.register_with_unit("lease_left", help, Unit::Seconds, ConstGauge::new(lease));
        acp_monitor::register(&mut registry, &self.host);
        let mut text = String::new();
        // Writing to a string has no way to fail.
        encode(&mut text, &registry).map_or_else(|_| String::new(), |()| text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_agent_and_host_are_in_one_exposition() {
        let snapshot = Snapshot {
            cores: 4,
            cores_free: 1,
            lease_left_us: 1_500_000,
            frames_lost: 3,
            parts: vec![
                ("a".to_owned(), PartState::Running),
                ("b".to_owned(), PartState::Finished),
            ],
            host: HostSample { load_1m: Some(0.5), ..HostSample::default() },
            ..Snapshot::default()
        };
        let text = snapshot.exposition();
        for line in [
            "acp_agent_cores 4\n",
            "acp_agent_cores_free 1\n",
            "acp_agent_parts_running 1\n",
            "acp_agent_parts_ready 0\n",
            "acp_agent_registered 0\n",
            "acp_agent_lease_left_seconds 1.5\n",
            "acp_agent_frames_lost_total 3\n",
            "acp_host_load_1m 0.5\n",
        ] {
            assert!(text.contains(line), "`{line}` is missing in:\n{text}");
        }
        assert!(text.ends_with("# EOF\n"));
        assert!(!text.contains("disk_free"), "the host does not tell it");
    }
}
