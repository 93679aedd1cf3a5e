//! The addresses behind the names of a target.

use crate::plan::Endpoint;
use std::net::{SocketAddr, ToSocketAddrs};
use thiserror::Error;

/// A name that has no address.
#[derive(Debug, Error)]
#[error(
    "no address for host `{host}`: {why}\nhint: check the spelling, or give an address with --connect-to HOST:PORT"
)]
pub struct ResolveError {
    host: String,
    why: String,
}

/// The addresses behind `endpoints`, each once, in order.
///
/// # Errors
///
/// When a name has no address.
pub(super) fn resolve(endpoints: &[Endpoint]) -> Result<Vec<SocketAddr>, ResolveError> {
    let mut addresses = Vec::new();
    for endpoint in endpoints {
        let error = |why: String| ResolveError { host: endpoint.host.clone(), why };
        let found = (endpoint.host.as_str(), endpoint.port)
            .to_socket_addrs()
            .map_err(|source| error(source.to_string()))?;
        let before = addresses.len();
        for address in found {
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        if before == 0 && addresses.is_empty() {
            return Err(error("the name has no address".into()));
        }
    }
    Ok(addresses)
}
