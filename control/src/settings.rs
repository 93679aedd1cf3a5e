//! Settings of the API, as they are in the configuration file.

use crate::auth::{SecretText, TargetRule};
use serde::{Deserialize, Serialize};
use std::net::{Ipv4Addr, SocketAddr};

/// Where the API listens, who may use it, and what may be loaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ApiSettings {
    /// Address to listen on. Anything but loopback needs `auth`.
    pub listen: SocketAddr,
    /// Whether everybody has to say who they are.
    pub auth: bool,
    /// Whether browsers reach the page by https (a proxy in front): session cookies are `Secure` then.
    pub https: bool,
    /// The token of agents. Needed when `auth` is on.
    #[serde(skip_serializing)]
    pub agent_token: Option<SecretText>,
    /// Hours after which a browser's session ends.
    pub session_hours: u32,
    /// Event streams at a time; more are refused.
    pub event_streams_max: usize,
    /// What may be loaded. Anything else is refused.
    pub targets: Vec<TargetRule>,
}

impl Default for ApiSettings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 7700)),
            auth: false,
            https: false,
            agent_token: None,
            session_hours: 12,
            event_streams_max: 256,
            targets: vec![TargetRule::new("127.0.0.0/8"), TargetRule::new("::1")],
        }
    }
}
