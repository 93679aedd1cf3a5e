//! The addresses behind the names of a target, at the start and while a run goes on.

use super::Control;
use crate::plan::{Endpoint, Plan};
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;
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

/// Resolves the names of a target again and again, on a thread of its own: an answer may take
/// seconds. Ends when it is dropped, without waiting for the last answer.
pub(super) struct NameWatch {
    _end: Sender<()>,
}

impl NameWatch {
    /// Tells the shards of `control` when the addresses are others than `addresses`, which are in
    /// order.
    pub(super) fn start(
        plan: &Arc<Plan>,
        addresses: &[SocketAddr],
        every_ns: u64,
        control: &Control,
    ) -> Self {
        let (end, ended) = channel();
        let (plan, teller) = (Arc::clone(plan), control.clone());
        let mut known = addresses.to_vec();
        let mut last_error = String::new();
        let every = Duration::from_nanos(every_ns);
        let body = move || {
            while ended.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
                match look(&plan, &known) {
                    Ok(Some(found)) => {
                        known.clone_from(&found);
                        teller.retarget(found.into());
                    }
                    Ok(None) => last_error.clear(),
                    Err(error) if error == last_error => {}
                    Err(error) => {
                        teller.tell("dns", error.clone());
                        last_error = error;
                    }
                }
            }
        };
        if let Err(error) = std::thread::Builder::new().name("names".into()).spawn(body) {
            control.tell("dns", format!("failed to start a thread for names: {error}"));
        }
        Self { _end: end }
    }
}

/// The addresses in order, where they are others than the known ones. A name that is gone, or has
/// none of the families in use, keeps what it had.
fn look(plan: &Plan, known: &[SocketAddr]) -> Result<Option<Vec<SocketAddr>>, String> {
    let mut found = resolve(&plan.endpoints).map_err(|error| {
        let text = error.to_string();
        text.lines().next().unwrap_or_default().to_string()
    })?;
    let is_used = |address: &SocketAddr| {
        known.iter().any(|known| known.is_ipv4() == address.is_ipv4())
            && (plan.origins.is_empty() || !plan.origins.towards(address).is_empty())
    };
    found.retain(is_used);
    found.sort_unstable();
    if found.is_empty() {
        return Err("the name of the target has no address of the kind in use any more".into());
    }
    Ok(Some(found).filter(|found| found != known))
}
