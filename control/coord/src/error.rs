//! Why a coordinator could not do what was asked.

use thiserror::Error;

/// Why a coordinator could not do what was asked.
#[derive(Debug, Error)]
pub enum CoordError {
    /// Nothing was done, and trying again later may help.
    #[error("coordinator `{coordinator}` is not reachable: {why}")]
    Unreachable {
        /// Its address.
        coordinator: String,
        /// What went wrong.
        why: String,
    },
    /// A newer leader has taken over: the write was refused.
    #[error("epoch {epoch} is over: a newer leader has taken over")]
    StaleLeader {
        /// Epoch of the write.
        epoch: u64,
    },
    /// Another agent with the same name is registered.
    #[error(
        "agent `{agent}` is registered already, from {by}\nhint: give this one another name with --id, or end the other"
    )]
    NameTaken {
        /// The name.
        agent: String,
        /// Host of the other.
        by: String,
    },
    /// Wrong credentials.
    #[error(
        "coordinator `{coordinator}` refused: {why}\nhint: check the user and password, or the token"
    )]
    Refused {
        /// Its address.
        coordinator: String,
        /// What it said.
        why: String,
    },
    /// What is stored there cannot be read.
    #[error("bad document at `{path}`: {why}")]
    BadDocument {
        /// Where.
        path: String,
        /// What is wrong.
        why: String,
    },
    /// The settings cannot be used.
    #[error("{0}")]
    Settings(String),
}
