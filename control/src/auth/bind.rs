//! Where the API may listen: on loopback freely, elsewhere only when everybody says who they are.

use std::net::SocketAddr;
use thiserror::Error;

/// Why the API must not listen there.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum BindError {
    /// Everybody on the network could start load.
    #[error(
        "`{0}` is not a loopback address, and auth is off: anybody who reaches it could start load\nhint: set `auth = true`, or listen on 127.0.0.1"
    )]
    Open(SocketAddr),
    /// Anybody could pretend to be an agent.
    #[error(
        "auth is on, and agents have no token\nhint: set `agent_token` here and for the agents"
    )]
    NoAgentToken,
    /// A token that can be guessed.
    #[error(
        "the agents' token is shorter than 16 characters\nhint: `openssl rand -hex 32` makes a good one"
    )]
    WeakAgentToken,
}

/// Whether the API may listen on `address`.
///
/// # Errors
///
/// [`BindError::Open`] for an address that others reach, without `auth`.
pub fn check_bind(address: SocketAddr, auth: bool) -> Result<(), BindError> {
    if auth || address.ip().to_canonical().is_loopback() {
        return Ok(());
    }
    Err(BindError::Open(address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_open_to_everybody() {
        for (address, auth, good) in [
            ("127.0.0.1:7700", false, true),
            ("127.8.8.8:1", false, true),
            ("[::1]:7700", false, true),
            ("[::ffff:127.0.0.1]:7700", false, true),
            ("0.0.0.0:7700", false, false),
            ("[::]:7700", false, false),
            ("10.0.0.5:7700", false, false),
            ("[::ffff:10.0.0.5]:7700", false, false),
            ("0.0.0.0:7700", true, true),
            ("10.0.0.5:7700", true, true),
        ] {
            let result = check_bind(address.parse().unwrap(), auth);
            assert_eq!(result.is_ok(), good, "{address}, auth {auth}: {result:?}");
        }
    }
}
