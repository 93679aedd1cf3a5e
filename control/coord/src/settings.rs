//! Settings of a coordinator, and how to connect to it.

use crate::direct::{DirectAgent, DirectAgentOptions, DirectControl, DirectOptions};
use crate::keeper::Dial;
use crate::recipe::{KeeperAgent, KeeperControl, Layout, prepare};
use crate::zookeeper::{Login, ZooKeeperDial};
use crate::{AgentSide, ControlSide, CoordError};
use serde::{Deserialize, Serialize};
use std::fmt::{self, Debug, Formatter};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Where the password of ZooKeeper's user is looked for when the settings do not say.
const PASSWORD_VARIABLE: &str = "ACP_ZOOKEEPER_PASSWORD";

/// Which coordinator, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum CoordSettings {
    /// Agents talk to the one control.
    Direct(DirectSettings),
    /// Agents and controls meet at a ZooKeeper.
    ZooKeeper(ZooKeeperSettings),
}

impl Default for CoordSettings {
    fn default() -> Self {
        Self::Direct(DirectSettings::default())
    }
}

/// Settings of direct mode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DirectSettings {
    /// How long a session lives without a word.
    #[serde(rename = "session_timeout", with = "acp_wire::units::duration_ms")]
    pub session_timeout_ms: u64,
    /// See [`DirectOptions::settle`]. Of a control.
    #[serde(rename = "settle", with = "acp_wire::units::duration_ms")]
    pub settle_ms: u64,
    /// Addresses of the control: `http://host:port`. Of an agent.
    pub controls: Vec<String>,
    /// Token of the agents. Of an agent.
    #[serde(skip_serializing)]
    pub token: Option<Secret>,
}

impl Default for DirectSettings {
    fn default() -> Self {
        Self { session_timeout_ms: 30_000, settle_ms: 0, controls: Vec::new(), token: None }
    }
}

/// Settings of ZooKeeper.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ZooKeeperSettings {
    /// `host:port,host:port`, and a path below which everything is: `host:port/path`.
    pub connect: String,
    /// Everything of this installation is below it.
    pub root: String,
    /// How long a session lives without a word. The server has its own limits.
    #[serde(rename = "session_timeout", with = "acp_wire::units::duration_ms")]
    pub session_timeout_ms: u64,
    /// Longest wait of an agent before it connects first: a random part of it.
    #[serde(rename = "jitter", with = "acp_wire::units::duration_ms")]
    pub jitter_ms: u64,
    /// User of the digest scheme: nodes are made for this user only.
    pub user: Option<String>,
    /// Its password; without one, `password_file` or the environment's `ACP_ZOOKEEPER_PASSWORD`.
    #[serde(skip_serializing)]
    pub password: Option<Secret>,
    /// A file that holds the password, and maybe a line end.
    pub password_file: Option<PathBuf>,
}

impl Default for ZooKeeperSettings {
    fn default() -> Self {
        Self {
            connect: String::new(),
            root: "/acp".to_string(),
            session_timeout_ms: 30_000,
            jitter_ms: 5_000,
            user: None,
            password: None,
            password_file: None,
        }
    }
}

/// A text that is not printed.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub String);

impl Debug for Secret {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str("(secret)")
    }
}

impl ZooKeeperSettings {
    fn login(&self) -> Result<Option<Login>, CoordError> {
        let Some(user) = self.user.clone().filter(|user| !user.is_empty()) else {
            return Ok(None);
        };
        let password = match (&self.password, &self.password_file) {
            (Some(Secret(password)), _) => password.clone(),
            (None, Some(file)) => std::fs::read_to_string(file)
                .map(|text| text.trim_end_matches(['\r', '\n']).to_string())
                .map_err(|error| {
                    CoordError::Settings(format!("failed to read `{}`: {error}", file.display()))
                })?,
            (None, None) => std::env::var(PASSWORD_VARIABLE).map_err(|_| {
                CoordError::Settings(format!(
                    "no password for user `{user}` of ZooKeeper\nhint: set {PASSWORD_VARIABLE}, or password_file"
                ))
            })?,
        };
        if user.contains(':') {
            return Err(CoordError::Settings(format!(
                "`{user}` cannot be a user of ZooKeeper: it has a colon"
            )));
        }
        Ok(Some(Login { user, password }))
    }

    fn dial(&self) -> Result<(Arc<ZooKeeperDial>, Layout), CoordError> {
        let (servers, chroot) = match self.connect.find('/') {
            // The slashes of `tcp://` are not a chroot's.
            _ if self.connect.contains("://") => {
                return Err(CoordError::Settings(format!(
                    "`{}` is not a list of servers\nhint: write it like host:2181,host:2181/path",
                    self.connect
                )));
            }
            Some(at) => self.connect.split_at(at),
            None => (self.connect.as_str(), ""),
        };
        if servers.split(',').any(|server| server.trim().is_empty()) {
            return Err(CoordError::Settings(format!(
                "`{}` names no server, or an empty one\nhint: write it like host:2181,host:2181/path",
                self.connect
            )));
        }
        if self.session_timeout_ms == 0 {
            return Err(CoordError::Settings("session_timeout is 0".to_string()));
        }
        let layout = Layout::new(&format!("{}{}", chroot.trim_end_matches('/'), self.root))?;
        let dial = ZooKeeperDial {
            servers: servers.to_string(),
            session_timeout: Duration::from_millis(self.session_timeout_ms),
            login: self.login()?,
        };
        Ok((Arc::new(dial), layout))
    }
}

/// A control's side, and in direct mode what its HTTP routes call.
#[derive(Clone)]
pub struct ControlHandle {
    /// The coordinator.
    pub side: Arc<dyn ControlSide>,
    /// The same, in direct mode.
    pub direct: Option<Arc<DirectControl>>,
}

/// Connects a control plane whose API is at `address`. Its epoch in direct mode is the time, with
/// ZooKeeper one more than the last; never below `epoch_floor`: what the caller remembers of epochs may
/// be newer than the clock, or than a tree that was made anew.
///
/// # Errors
///
/// When ZooKeeper cannot be reached or refuses, or the settings cannot be used. Once connected, it
/// connects again by itself.
pub async fn connect_control(
    settings: &CoordSettings,
    address: &str,
    epoch_floor: u64,
) -> Result<ControlHandle, CoordError> {
    match settings {
        CoordSettings::Direct(settings) => {
            let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let direct = DirectControl::start(DirectOptions {
                epoch: u64::try_from(since_1970.as_micros()).unwrap_or(u64::MAX).max(epoch_floor),
                session_timeout: Duration::from_millis(settings.session_timeout_ms),
                settle: Duration::from_millis(settings.settle_ms),
            });
            Ok(ControlHandle { side: direct.clone(), direct: Some(direct) })
        }
        CoordSettings::ZooKeeper(settings) => {
            let (dial, layout) = settings.dial()?;
            let failed = |error: crate::keeper::KeeperError| {
                error.at(&settings.connect, "failed to prepare")
            };
            let keeper = dial.dial().await.map_err(failed)?;
            if let Err(error) = prepare(&*keeper, &layout).await {
                drop(keeper.close().await);
                return Err(failed(error));
            }
            let side =
                Arc::new(KeeperControl::start(dial, layout, address, epoch_floor, Some(keeper)));
            Ok(ControlHandle { side, direct: None })
        }
    }
}

/// An agent's side. Nothing is connected before it registers.
///
/// # Errors
///
/// When the settings cannot be used.
pub fn connect_agent(settings: &CoordSettings) -> Result<Arc<dyn AgentSide>, CoordError> {
    match settings {
        CoordSettings::Direct(settings) => Ok(Arc::new(DirectAgent::new(DirectAgentOptions {
            controls: settings.controls.clone(),
            token: settings.token.clone().map(|Secret(token)| token),
            patience: Duration::from_millis(settings.session_timeout_ms),
        })?)),
        CoordSettings::ZooKeeper(settings) => {
            let (dial, layout) = settings.dial()?;
            let jitter = Duration::from_millis(settings.jitter_ms);
            Ok(Arc::new(KeeperAgent::new(dial, layout, jitter)))
        }
    }
}
