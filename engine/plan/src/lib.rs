//! The plan, validated and compiled: immutable, shared by all shards, nothing left to parse.

#![forbid(unsafe_code)]

mod braces;
mod compile;
mod course;
mod digits;
mod endpoint;
mod expect;
mod line;
mod origins;
pub mod pace;
mod pauses;
mod permutation;
mod place;
mod profile;
mod random;
mod request;
#[cfg(test)]
mod request_tests;
pub mod rows;
mod sine;
mod split;
mod survey;
mod template;
mod tls;
mod zipf;

pub use compile::{MAX_BATCH_BYTES, PlanError, compile};
pub use course::{ChangeError, Course};
pub use endpoint::Endpoint;
pub use expect::Expect;
pub use line::{LineError, RequestLine, check_path};
pub use origins::Origins;
pub use pace::Pace;
pub use pauses::Pauses;
pub use permutation::Permutation;
pub use random::{Random, mix};
pub use request::{EncodedRequest, Envelope, Field, RequestTemplate, Scratch};
pub use rustls_pki_types::ServerName;
pub use split::{ShardPlan, ShareError, check_share, split};
pub use survey::{PROBLEMS_MAX, Problem, Survey, survey};
pub use template::{NOW_DIGITS, TemplateError, Values};

use acp_wire::plan::Catchup;
use std::sync::Arc;

/// A compiled plan.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The document it was compiled from.
    pub document: acp_wire::Plan,
    /// Host and port of the URL, or where to connect instead.
    pub endpoints: Vec<Endpoint>,
    /// Local addresses to connect from.
    pub origins: Origins,
    /// How often names are resolved again; none: once.
    pub dns_ns: Option<u64>,
    /// What decides when a request is sent.
    pub schedule: Schedule,
    /// Load before the measured part.
    pub warmup_ns: u64,
    /// Connections in all.
    pub connections: u32,
    /// Requests that may be on one connection at a time.
    pub pipeline: u32,
    /// Whether a connection carries more than one request.
    pub keep_alive: bool,
    /// Requests after which a connection is closed.
    pub requests_per_connection: Option<u32>,
    /// From the send to the last byte of the response.
    pub timeout_ns: u64,
    /// From the start of a connection until it is open.
    pub connect_timeout_ns: u64,
    /// The request that all slots send. It has no bytes where they are not all the same.
    pub request: Arc<EncodedRequest>,
    /// Whom to ask for by TLS, and whose certificate to accept; none: the target speaks plain HTTP.
    pub server_name: Option<ServerName<'static>>,
    /// What requests are made from that are not all the same: they have values, or a source.
    pub template: Option<Arc<RequestTemplate>>,
    /// Which responses are as expected.
    pub expect: Expect,
}

/// What decides when a request is sent.
#[derive(Clone, Debug)]
pub enum Schedule {
    /// Each slot has a due time.
    Open {
        /// Schedule of the warm-up, from the start of the run.
        warmup: Arc<Pace>,
        /// Schedule of the measured part, from its start.
        pace: Arc<Pace>,
        /// Slots of the measured part; less than the pace has where a count ends the run.
        total: u64,
        /// What happens to late slots.
        catchup: Catchup,
        /// Slots that may wait for a connection.
        backlog: u64,
        /// A slot sent later than this is late: 1 ms, or a tenth of the mean gap.
        late_limit_ns: u64,
    },
    /// A connection sends when it is free.
    Closed {
        /// Requests in all.
        requests: Option<u64>,
        /// Length of the measured part.
        duration_ns: Option<u64>,
    },
}

impl Plan {
    /// Length of the measured part, where it is known beforehand.
    #[must_use]
    pub fn duration_ns(&self) -> Option<u64> {
        match &self.schedule {
            Schedule::Open { pace, .. } => Some(pace.duration_ns()),
            Schedule::Closed { duration_ns, .. } => *duration_ns,
        }
    }

    /// Whether requests follow a schedule.
    #[must_use]
    pub fn is_open_loop(&self) -> bool {
        matches!(self.schedule, Schedule::Open { .. })
    }
}
