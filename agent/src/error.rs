//! Why an agent could not start.

use acp_coord::CoordError;
use std::net::SocketAddr;
use std::path::PathBuf;
use thiserror::Error;

/// Why an agent could not start. What goes wrong later is logged, and the agent goes on.
#[derive(Debug, Error)]
pub enum AgentError {
    /// The settings cannot be used.
    #[error("{0}")]
    Settings(String),
    /// Its address is taken: most often by another agent.
    #[error(
        "failed to listen on `{address}`\nhint: an agent may run on this host already: end it, or give this one another port with `listen`"
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The state folder cannot be used.
    #[error("failed to use the state folder `{path}`")]
    StateFolder {
        /// The folder, or the file in it.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Another agent has the state folder.
    #[error(
        "state folder `{path}` is in use by another agent\nhint: give this one another with `state_folder`"
    )]
    Locked {
        /// The folder.
        path: PathBuf,
    },
    /// The HTTP client could not be set up.
    #[error("failed to set up the HTTP client")]
    Http {
        /// What it said.
        source: reqwest::Error,
    },
    /// The coordinator refuses this agent for good.
    #[error("failed to register")]
    Register {
        /// What it said.
        source: CoordError,
    },
}
