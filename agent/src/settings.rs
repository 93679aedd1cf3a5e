//! Settings of an agent: what its file says, and what is used where it says nothing.

use crate::AgentError;
use acp_coord::CoordSettings;
use acp_wire::units::{parse_duration_ns, parse_size};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// Port that agents listen on by default.
const PORT: u16 = 7710;

/// Everything an agent can be told. Unknown names are errors: they are typing mistakes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Name among all agents: letters, digits and `._:-`, at most 64. Default: `<hostname>:<port>`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Where `/metrics` and `/healthz` are. Port 0: any free one.
    pub listen: SocketAddr,
    /// Folder of everything that outlives a restart: plans, parts, frames. Made if it is not there.
    pub state_folder: PathBuf,
    /// Folders that plans may name files of: query files and those of TLS. Default: any file that the
    /// agent can read. A part whose plan names another is refused before its engine starts.
    pub data_folders: Vec<PathBuf>,
    /// Cores to offer. Default: all CPUs that this process may use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cores: Option<CoresSetting>,
    /// Offer so many cores, whatever CPUs there are: cores take turns on them and engines do not spin.
    /// For tests and for hosts that make little load.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub virtual_cores: Option<u32>,
    /// Labels that plans can ask for.
    pub labels: BTreeMap<String, String>,
    /// Addresses of control planes, `http://host:port`: used while nobody says who leads, and to
    /// register with in direct mode.
    pub control: Vec<String>,
    /// Token that control planes know agents by.
    #[serde(skip_serializing)]
    pub token: Option<Secret>,
    /// Longest lease to take from a control plane: so long may this host send without hearing of one.
    #[serde(with = "duration")]
    pub lease_max: Duration,
    /// How long a leaving agent waits for running parts before it stops them.
    #[serde(with = "duration")]
    pub drain_time: Duration,
    /// How long an engine that was told to stop may wait for responses in flight before it is killed.
    #[serde(with = "duration")]
    pub stop_time: Duration,
    /// How long a leaving agent tries to hand over its last frames.
    #[serde(with = "duration")]
    pub flush_time: Duration,
    /// Limits of the frames kept until control has stored them.
    pub spool: SpoolSettings,
    /// Where the agent registers. Direct mode has the addresses of `control` and its token, where it
    /// says nothing else.
    pub coord: CoordSettings,
    /// Program that is the engine. Default: this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine_program: Option<PathBuf>,
    /// Its first arguments.
    pub engine_arguments: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            id: None,
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, PORT)),
            state_folder: PathBuf::from("/var/lib/acp-agent"),
            data_folders: Vec::new(),
            cores: None,
            virtual_cores: None,
            labels: BTreeMap::new(),
            control: Vec::new(),
            token: None,
            lease_max: Duration::from_secs(60),
            drain_time: Duration::from_secs(10),
            stop_time: Duration::from_secs(10),
            flush_time: Duration::from_secs(10),
            spool: SpoolSettings::default(),
            coord: CoordSettings::default(),
            engine_program: None,
            engine_arguments: vec!["bench".to_owned()],
        }
    }
}

impl Settings {
    /// Reads the text of a settings file.
    ///
    /// # Errors
    ///
    /// [`AgentError::Settings`] with line and column.
    pub fn from_toml(text: &str) -> Result<Self, AgentError> {
        let settings: Self =
            toml::from_str(text).map_err(|error| AgentError::Settings(error.to_string()))?;
        settings.check()?;
        Ok(settings)
    }

    /// The coordinator's settings, with what direct mode takes from the agent's.
    #[must_use]
    pub fn coordinator(&self) -> CoordSettings {
        let mut coordinator = self.coord.clone();
        if let CoordSettings::Direct(direct) = &mut coordinator {
            if direct.controls.is_empty() {
                direct.controls.clone_from(&self.control);
            }
            if direct.token.is_none() {
                direct.token = self.token.clone().map(|token| acp_coord::Secret(token.0));
            }
        }
        coordinator
    }

    /// What no agent could work with.
    ///
    /// # Errors
    ///
    /// [`AgentError::Settings`].
    pub fn check(&self) -> Result<(), AgentError> {
        let refuse = |text: String| Err(AgentError::Settings(text));
        if let Some(id) = &self.id
            && !is_agent_name(id)
        {
            return refuse(format!(
                "`{id}` cannot be the name of an agent\nhint: letters, digits and `._:-`, at most 64"
            ));
        }
        if let Some(folder) = self.data_folders.iter().find(|folder| folder.is_relative()) {
            return refuse(format!(
                "`{}` of `data_folders` is not a path from the root",
                folder.display()
            ));
        }
        for address in &self.control {
            let is_http = address.starts_with("http://") || address.starts_with("https://");
            if !is_http || !address.parse::<reqwest::Url>().is_ok_and(|url| url.has_host()) {
                return refuse(format!(
                    "`{address}` is not the address of a control plane\nhint: `http://host:port`"
                ));
            }
        }
        if self.virtual_cores == Some(0) {
            return refuse("`virtual_cores` is 0: an agent offers at least one core".to_owned());
        }
        if self.virtual_cores.is_some() && self.cores.is_some() {
            return refuse("`cores` and `virtual_cores` exclude each other".to_owned());
        }
        if self.spool.memory_frames == 0 {
            return refuse("`spool.memory_frames` is 0: a frame needs a place".to_owned());
        }
        if self.lease_max.is_zero() {
            return refuse("`lease_max` is 0: nothing could be sent".to_owned());
        }
        Ok(())
    }
}

/// Whether a text can be the name of an agent.
pub(crate) fn is_agent_name(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte);
    (1..=64).contains(&text.len()) && text.bytes().all(is_part)
}

/// Cores as people write them: how many, or which.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum CoresSetting {
    /// The first so many of the CPUs that this process may use.
    Count(u32),
    /// These: `0,2-5`.
    List(String),
}

/// Limits of the frames kept until control has stored them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SpoolSettings {
    /// Frames of one part in memory.
    pub memory_frames: usize,
    /// Bytes of all frames on disk.
    #[serde(with = "size")]
    pub disk_bytes: u64,
}

impl Default for SpoolSettings {
    /// A frame is about 10 KB: memory for five minutes, disk for a day of one engine.
    fn default() -> Self {
        Self { memory_frames: 300, disk_bytes: 1 << 30 }
    }
}

/// A text that is not shown in logs, and not written.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

/// Durations as people write them: `10s`.
mod duration {
    use super::*;

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<Duration, D::Error> {
        let text = String::deserialize(input)?;
        parse_duration_ns(&text).map(Duration::from_nanos).map_err(serde::de::Error::custom)
    }

    pub(super) fn serialize<S: Serializer>(value: &Duration, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&format!("{}ms", value.as_millis()))
    }
}

/// Sizes as people write them: `64MiB`.
mod size {
    use super::*;

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<u64, D::Error> {
        let text = String::deserialize(input)?;
        parse_size(&text).map_err(serde::de::Error::custom)
    }

    pub(super) fn serialize<S: Serializer>(value: &u64, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&value.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_file_is_the_default() {
        assert_eq!(Settings::from_toml("").unwrap(), Settings::default());
    }

    #[test]
    fn what_is_written_is_read_again() {
        let text = "id = \"a:1\"\ncores = \"0,2-3\"\nlabels = { zone = \"a\" }\n\
                    drain_time = \"1m30s\"\ntoken = \"s3cret\"\n[spool]\ndisk_bytes = \"64MiB\"\n";
        let settings = Settings::from_toml(text).unwrap();
        assert_eq!(settings.cores, Some(CoresSetting::List("0,2-3".to_owned())));
        assert_eq!(settings.drain_time, Duration::from_secs(90));
        assert_eq!(settings.spool.disk_bytes, 64 << 20);
        let written = toml::to_string(&settings).unwrap();
        let without_token = Settings { token: None, ..settings.clone() };
        assert_eq!(Settings::from_toml(&written).unwrap(), without_token, "tokens are not written");
        assert!(!format!("{settings:?}").contains("s3cret"), "tokens are not logged");
    }

    #[test]
    fn the_example_says_what_the_defaults_are() {
        let example = include_str!("../deploy/agent.toml");
        assert_eq!(Settings::from_toml(example).unwrap(), Settings::default());
        // What is commented out can be switched on; a kind replaces the other.
        let everything = example.replace("kind = \"direct\"\n", "").replace("#: ", "");
        let everything = Settings::from_toml(&everything).unwrap();
        assert!(everything.id.is_some() && everything.labels.len() == 2);
        let CoordSettings::ZooKeeper(coord) = everything.coord else {
            panic!("{:?} is not the other kind", everything.coord);
        };
        assert_eq!(coord.session_timeout_ms, 20_000);
    }

    #[test]
    fn direct_mode_registers_with_the_control_planes_of_the_agent() {
        let check = |text: &str, expect: (&str, &str)| {
            let CoordSettings::Direct(direct) = Settings::from_toml(text).unwrap().coordinator()
            else {
                panic!("{text} is not direct mode");
            };
            let token = direct.token.map(|token| token.0).unwrap_or_default();
            assert_eq!((direct.controls.join(",").as_str(), token.as_str()), expect, "{text}");
        };
        let agent = "control = [\"http://a:1\"]\ntoken = \"t\"\n";
        check("", ("", ""));
        check(agent, ("http://a:1", "t"));
        let own = "[coord]\nkind = \"direct\"\ncontrols = [\"http://b:2\"]\ntoken = \"u\"\n";
        check(&format!("{agent}{own}"), ("http://b:2", "u"));
    }

    #[test]
    fn what_cannot_work_is_refused_in_words() {
        for (input, expect) in [
            ("spel = 1", "unknown field `spel`"),
            ("[spool]\nmemory = 1", "unknown field `memory`"),
            ("[coord]\nkind = \"etcd\"", "unknown variant `etcd`"),
            ("[coord]\nkind = \"direct\"\nspel = 1", "unknown field `spel`"),
            ("id = \"a b\"", "cannot be the name"),
            ("id = \"\"", "cannot be the name"),
            ("control = [\"10.0.0.1:7700\"]", "not the address of a control plane"),
            ("control = [\"http://\"]", "not the address of a control plane"),
            ("data_folders = [\"/srv\", \"data\"]", "`data` of `data_folders`"),
            ("data_folders = [\"\"]", "not a path from the root"),
            ("data_folders = \"/srv\"", "invalid type"),
            ("virtual_cores = 0", "at least one core"),
            ("virtual_cores = 2\ncores = 2", "exclude each other"),
            ("drain_time = \"soon\"", "`soon`"),
            ("drain_time = 10", "invalid type"),
            ("lease_max = \"0s\"", "nothing could be sent"),
            ("listen = \"localhost\"", "invalid socket address"),
            ("[spool]\nmemory_frames = 0", "a frame needs a place"),
            ("[spool]\ndisk_bytes = \"1 elephant\"", "elephant"),
        ] {
            let error = Settings::from_toml(input).unwrap_err().to_string();
            assert!(error.contains(expect), "{input}: {error}");
        }
    }
}
