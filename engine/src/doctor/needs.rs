//! What a plan needs of a host.

use crate::plan::{Plan, Schedule};
use std::net::IpAddr;

/// Connections, and how fast they are opened.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Needs {
    /// Connections in all.
    pub connections: u32,
    /// New connections per second at the most; none: as many as the target answers.
    pub connects_per_s: Option<f64>,
    /// Pairs of an address of ours and an address of the target: each has all local ports.
    pub address_pairs: u64,
    /// All of the target is on this host.
    pub is_local: bool,
}

impl Needs {
    /// Of a plan. A name counts as one address.
    #[must_use]
    pub fn of(plan: &Plan) -> Self {
        let per_connection = match plan.requests_per_connection {
            _ if !plan.keep_alive => Some(1.0),
            Some(requests) => Some(f64::from(requests.max(1))),
            None => None,
        };
        let highest = match &plan.schedule {
            Schedule::Open { pace, .. } => {
                Some(pace.corners().iter().map(|corner| corner.1).fold(0.0, f64::max))
            }
            Schedule::Closed { .. } => None,
        };
        let connects_per_s = match per_connection {
            None => Some(0.0),
            Some(requests) => highest.map(|rate| rate / requests),
        };
        let sources = plan.origins.all().count().max(1);
        let is_loopback = |host: &str| {
            let host = host.trim_matches(['[', ']']);
            host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
        };
        Self {
            connections: plan.connections,
            connects_per_s,
            address_pairs: (sources * plan.endpoints.len().max(1)) as u64,
            is_local: plan.endpoints.iter().all(|endpoint| is_loopback(&endpoint.host)),
        }
    }
}
