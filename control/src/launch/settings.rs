//! Everything a control plane can be told.

use crate::schedule::SchedulerSettings;
use crate::settings::ApiSettings;
use crate::store::Retention;
use acp_coord::CoordSettings;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::PathBuf;

/// Everything a control plane can be told. Unknown names are errors: they are typing mistakes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ControlSettings {
    /// Folder of what control keeps. Made if it is not there.
    pub data_folder: PathBuf,
    /// Records: `sqlite:FILE` or `mysql://user:password@host/database`. Empty: a file in
    /// `data_folder`. In direct mode a database is for one control: files are locked, of a MySQL
    /// nobody can tell.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub store: String,
    /// Address that agents reach this control at, `http://host:port`, where it is not the one that
    /// it listens on.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub advertise: String,
    /// API, page, who may use them, what may be loaded.
    pub api: ApiSettings,
    /// How agents and controls find each other.
    pub coord: CoordSettings,
    /// Times and limits of the scheduler.
    pub schedule: SchedulerSettings,
    /// How long records are kept.
    pub retention: Retention,
}

impl Default for ControlSettings {
    fn default() -> Self {
        Self {
            data_folder: PathBuf::from("/var/lib/acp-control"),
            store: String::new(),
            advertise: String::new(),
            api: ApiSettings::default(),
            coord: CoordSettings::default(),
            schedule: SchedulerSettings::default(),
            retention: Retention::default(),
        }
    }
}

impl ControlSettings {
    /// The URL of the database.
    #[must_use]
    pub fn store_url(&self) -> String {
        match self.store.as_str() {
            "" => format!("sqlite:{}", self.data_folder.join("acp.db").display()),
            url => url.to_string(),
        }
    }

    /// Where agents reach a control that listens on `bound`.
    pub(super) fn address_for_agents(&self, bound: SocketAddr) -> String {
        if !self.advertise.is_empty() {
            return self.advertise.trim_end_matches('/').to_string();
        }
        if !bound.ip().is_unspecified() {
            return format!("http://{bound}");
        }
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        match host.trim() {
            "" => format!("http://127.0.0.1:{}", bound.port()),
            host => format!("http://{host}:{}", bound.port()),
        }
    }

    /// Whether agents elsewhere get an address that leads to themselves. In direct mode they are told
    /// where control is by their own settings.
    pub(super) fn is_out_of_reach(&self, bound: SocketAddr) -> bool {
        matches!(self.coord, CoordSettings::ZooKeeper(_))
            && self.advertise.is_empty()
            && bound.ip().to_canonical().is_loopback()
    }

    /// A direct coordinator that was started again knows no agent until they have come back. Where runs
    /// go on meanwhile, nobody counts as gone before a lease is over.
    pub(super) fn expect_agents_back(&mut self, are_runs_active: bool) {
        let lease_ms = self.schedule.lease_us / 1000;
        if let CoordSettings::Direct(direct) = &mut self.coord
            && are_runs_active
        {
            direct.settle_ms = direct.settle_ms.max(lease_ms);
        }
    }

    pub(super) fn coordinator_in_words(&self) -> String {
        match &self.coord {
            CoordSettings::Direct(_) => "direct".into(),
            CoordSettings::ZooKeeper(settings) => format!("zookeeper at {}", settings.connect),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_survive_a_file() {
        let settings = ControlSettings::default();
        let text = toml::to_string(&settings).unwrap();
        assert!(text.contains("lease = \"15s\""), "{text}");
        assert_eq!(toml::from_str::<ControlSettings>(&text).unwrap(), settings);
    }

    #[test]
    fn the_example_file_says_the_defaults() {
        let text = include_str!("../../deploy/control.toml");
        assert_eq!(toml::from_str::<ControlSettings>(text).unwrap(), ControlSettings::default());
        // What is commented out can be switched on.
        let all: String =
            text.lines().map(|line| format!("{}\n", line.trim_start_matches("#: "))).collect();
        let kind = "kind = \"direct\"\n";
        let all = all.replace(kind, "").replace("session_timeout = \"30s\"", "");
        toml::from_str::<ControlSettings>(&all).unwrap();
    }

    #[test]
    fn agents_get_an_address_that_they_can_reach() {
        let mut settings = ControlSettings::default();
        let bound = |text: &str| text.parse::<SocketAddr>().unwrap();
        assert_eq!(settings.address_for_agents(bound("10.0.0.1:7700")), "http://10.0.0.1:7700");
        assert!(!settings.address_for_agents(bound("0.0.0.0:7700")).contains("0.0.0.0"));
        settings.advertise = "http://acp.example/".into();
        assert_eq!(settings.address_for_agents(bound("0.0.0.0:7700")), "http://acp.example");
    }

    #[test]
    fn an_address_that_only_this_host_reaches_is_noticed() {
        for (kind, advertise, bound, expect) in [
            ("zookeeper", "", "127.0.0.1:7700", true),
            ("zookeeper", "", "[::1]:7700", true),
            ("zookeeper", "", "[::ffff:127.0.0.1]:7700", true),
            ("zookeeper", "", "10.0.0.1:7700", false),
            ("zookeeper", "", "0.0.0.0:7700", false),
            ("zookeeper", "http://proxy:80", "127.0.0.1:7700", false),
            ("direct", "", "127.0.0.1:7700", false),
        ] {
            let text = format!("advertise = \"{advertise}\"\n[coord]\nkind = \"{kind}\"\n");
            let settings: ControlSettings = toml::from_str(&text).unwrap();
            let found = settings.is_out_of_reach(bound.parse().unwrap());
            assert_eq!(found, expect, "{kind} `{advertise}` {bound}");
        }
    }
}
