//! The plan: what to send, when, for how long, when to stop.
//!
//! Durations, rates and sizes are the strings a person writes (`30s`, `50k/s`, `64KiB`), the same
//! on the command line, in files and in the page; see [`crate::units`].

use crate::rows::Generate;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What to send, when, for how long, when to stop.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// [`crate::PLAN_SCHEMA`].
    pub schema: String,
    /// Name for people.
    #[serde(default)]
    pub name: String,
    /// Seed of everything random.
    #[serde(default = "one")]
    pub seed: u64,
    /// Free labels, kept in the report.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// Where to.
    pub target: Target,
    /// How much and for how long.
    #[serde(default)]
    pub load: Load,
    /// What.
    #[serde(default)]
    pub request: Request,
    /// Where requests come from, when they are not all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// How connections are used.
    #[serde(default)]
    pub connection: Connection,
    /// TLS of `https` targets.
    #[serde(default, skip_serializing_if = "is_default")]
    pub tls: Tls,
    /// Which responses are as expected.
    #[serde(default, skip_serializing_if = "is_default")]
    pub expect: Expect,
    /// Goals, and rules that stop the run.
    #[serde(default, skip_serializing_if = "is_default")]
    pub stop: Stop,
    /// How a control plane chooses agents; an engine on its own does not look at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agents: Option<Agents>,
}

/// Where the requests go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// `http://host:port/path?query`.
    pub url: String,
    /// Addresses instead of those of the name in the URL; connections are spread evenly.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub connect_to: Vec<String>,
    /// Host header instead of the host of the URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// How often the name is resolved again while it runs: `1s`; none: once, at the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns: Option<String>,
}

/// Whether requests follow a schedule or the responses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Model {
    /// Each connection sends its next request when a response has come.
    #[default]
    Closed,
    /// Each request has a due time that does not depend on responses.
    Open,
}

/// Spacing of requests in an open loop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arrival {
    /// Equal gaps.
    #[default]
    Uniform,
    /// Exponential gaps.
    Poisson,
}

/// What happens to slots that are late because the engine or the target could not keep up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Catchup {
    /// Sent as fast as connections allow.
    Burst,
    /// Sent at no more than twice the rate of the schedule.
    #[default]
    Smooth,
    /// Given up.
    None,
}

/// How much and for how long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Load {
    /// Open or closed.
    #[serde(default)]
    pub model: Model,
    /// Total rate of an open loop, over all shards and agents: `50k/s`, `0.5`, `300/m`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<String>,
    /// Spacing.
    #[serde(default)]
    pub arrival: Arrival,
    /// Schedule instead of a constant rate: `line(0,10k,30s) const(10k,5m) step(1k,10k,1k,10s)`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// Connections in all.
    #[serde(default = "default_connections")]
    pub connections: u32,
    /// Length of the measured part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<String>,
    /// Stop after so many requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<u64>,
    /// Load before the measured part; not counted.
    #[serde(default = "default_warmup")]
    pub warmup: String,
    /// What happens to late slots.
    #[serde(default)]
    pub catchup: Catchup,
    /// Slots that may wait for a connection.
    #[serde(default = "default_backlog")]
    pub backlog: u64,
}

impl Default for Load {
    fn default() -> Self {
        Self {
            model: Model::Closed,
            rate: None,
            arrival: Arrival::Uniform,
            profile: None,
            connections: default_connections(),
            duration: None,
            requests: None,
            warmup: default_warmup(),
            catchup: Catchup::Smooth,
            backlog: default_backlog(),
        }
    }
}

/// The request sent where no source is given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Method.
    #[serde(default = "default_method")]
    pub method: String,
    /// Path and query; default: those of the URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Headers, in order.
    #[serde(default, skip_serializing_if = "Headers::is_empty")]
    pub headers: Headers,
    /// Body as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Body as base64, for bodies that are not text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_base64: Option<String>,
    /// Whether `{{…}}` in path, header values and body is filled in for each slot; if not, it is sent
    /// as it stands.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub templates: bool,
}

impl Default for Request {
    fn default() -> Self {
        Self {
            method: default_method(),
            path: None,
            headers: Headers::default(),
            body: None,
            body_base64: None,
            templates: true,
        }
    }
}

/// Headers: a table `{ name = "value" }`, or a list of `[name, value]` where one repeats.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Headers {
    /// One value each.
    Table(BTreeMap<String, String>),
    /// In this order; names may repeat.
    List(Vec<(String, String)>),
}

impl Default for Headers {
    fn default() -> Self {
        Self::List(Vec::new())
    }
}

impl Headers {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Table(table) => table.is_empty(),
            Self::List(list) => list.is_empty(),
        }
    }

    /// Name and value of each header, in order.
    #[must_use]
    pub fn pairs(&self) -> Vec<(&str, &str)> {
        match self {
            Self::Table(table) => table.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect(),
            Self::List(list) => list.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect(),
        }
    }
}

/// How a query file is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// The first line says it.
    #[default]
    Auto,
    /// A path with its query on each line.
    Path,
    /// `METHOD PATH [BODY]` on each line.
    Line,
    /// A JSON object on each line: method, path, headers, body or body_base64, tag.
    Jsonl,
}

/// Which line comes next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// One after the other; after the last the first again.
    #[default]
    Seq,
    /// Any, each time.
    Random,
    /// Each once in a random order, then each once in another.
    Shuffle,
}

/// Which lines an agent sends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Partition {
    /// All of them: every agent goes through the whole file by itself.
    #[default]
    None,
    /// Its own share: line `k` belongs to whoever has slot `k`.
    Agent,
}

/// Where requests come from, when they are not all the same.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// A file or folder on the host; gzip is recognised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// `name@version` of a data set that the agent fetches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataset: Option<String>,
    /// Rows that are made while they are sent, without a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generate: Option<Generate>,
    /// How it is written.
    #[serde(default, skip_serializing_if = "is_default")]
    pub format: Format,
    /// Which line comes next.
    #[serde(default, skip_serializing_if = "is_default")]
    pub order: Order,
    /// Which lines an agent sends.
    #[serde(default, skip_serializing_if = "is_default")]
    pub partition: Partition,
}

/// How connections are used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Connection {
    /// Whether a connection carries more than one request.
    #[serde(default = "yes")]
    pub keep_alive: bool,
    /// Requests after which a connection is closed; 0: no limit.
    #[serde(default)]
    pub requests_per_connection: u32,
    /// Requests that may be on one connection at a time.
    #[serde(default = "default_pipeline")]
    pub pipeline: u32,
    /// From the send to the last byte of the response.
    #[serde(default = "default_timeout")]
    pub timeout: String,
    /// From the start of a connection until it is open.
    #[serde(default = "default_connect_timeout")]
    pub connect_timeout: String,
    /// Local addresses to connect from, in turn: addresses, and ranges of them (`10.0.0.1-10.0.0.9`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub source_ips: Vec<String>,
}

impl Default for Connection {
    fn default() -> Self {
        Self {
            keep_alive: true,
            requests_per_connection: 0,
            pipeline: default_pipeline(),
            timeout: default_timeout(),
            connect_timeout: default_connect_timeout(),
            source_ips: Vec::new(),
        }
    }
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum TlsVersion {
    /// TLS 1.2.
    #[serde(rename = "1.2")]
    V1_2,
    /// TLS 1.3.
    #[serde(rename = "1.3")]
    V1_3,
}

/// TLS of `https` targets. Files are on the host that makes the load.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// Whether the certificate of the target is checked.
    #[serde(default = "yes")]
    pub verify: bool,
    /// Authorities to trust instead of the host's own: a PEM file, or the PEM text itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cacert: Option<String>,
    /// Certificate to show to the target, with its chain: a PEM file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cert: Option<String>,
    /// Private key of `cert`: a PEM file. Never the key itself: plans are stored and shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Name to ask for and to check instead of the host of the URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sni: Option<String>,
    /// Lowest version to offer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_version: Option<TlsVersion>,
    /// Highest version to offer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_version: Option<TlsVersion>,
    /// Whether a new connection may resume the session of an earlier one.
    #[serde(default = "yes")]
    pub resumption: bool,
}

impl Default for Tls {
    fn default() -> Self {
        Self {
            verify: true,
            cacert: None,
            cert: None,
            key: None,
            sni: None,
            min_version: None,
            max_version: None,
            resumption: true,
        }
    }
}

/// Which responses are as expected.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// Status codes or classes (`200`, `2xx`); empty: `2xx` and `3xx`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub status: Vec<String>,
    /// Text that the body holds; empty: any body.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub body_contains: String,
}

/// Goals, and rules that stop the run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stop {
    /// Judged at the end: `p99<50ms`, `errors<0.1%`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slo: Vec<String>,
    /// Judged on a sliding window: `errors>5% over 10s`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub abort_on: Vec<String>,
}

/// What a control plane does about a lost agent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnLoss {
    /// Its share of the rest goes to others.
    #[default]
    Reassign,
    /// The run goes on with less.
    Continue,
    /// The run stops.
    Abort,
}

/// How a control plane chooses agents.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agents {
    /// Cores in all; 0: as many as the rate needs.
    #[serde(default)]
    pub cores: u32,
    /// Cores of one agent; 0: no limit.
    #[serde(default)]
    pub per_agent_max: u32,
    /// Labels that an agent must have.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// What happens when an agent is lost.
    #[serde(default)]
    pub on_loss: OnLoss,
}

fn one() -> u64 {
    1
}

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_yes(value: &bool) -> bool {
    *value
}

fn default_connections() -> u32 {
    64
}

fn default_pipeline() -> u32 {
    1
}

fn default_backlog() -> u64 {
    65_536
}

fn default_warmup() -> String {
    "0s".into()
}

fn default_timeout() -> String {
    "10s".into()
}

fn default_connect_timeout() -> String {
    "5s".into()
}

fn default_method() -> String {
    "GET".into()
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
