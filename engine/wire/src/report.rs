//! The report of a finished run.

use crate::books::Books;
use crate::frame::{Frame, Histograms};
use crate::plan::Plan;
use crate::verdict::Verdict;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Who, where, when.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Id of the run.
    pub id: String,
    /// Name of the plan.
    pub name: String,
    /// Free labels of the plan.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// Start of the measured part, Unix time.
    pub started_unix_us: u64,
    /// From the start of the measured part to the end of sending.
    pub duration_us: u64,
    /// Warm-up before the measured part.
    #[serde(default)]
    pub warmup_us: u64,
    /// Seed of everything random.
    pub seed: u64,
    /// Version of acp.
    pub version: String,
    /// What moved the bytes: `uring`, `monoio`, `monoio-epoll`, `glommio`.
    pub driver: String,
    /// Why this driver, and which features of the kernel it uses.
    pub driver_reason: String,
    /// Shards.
    pub shards: u32,
    /// CPU each shard was pinned to; empty when not pinned.
    #[serde(default)]
    pub cpus: Vec<u32>,
    /// Kernel release.
    pub kernel: String,
    /// Host name.
    pub host: String,
    /// Addresses of the target.
    #[serde(default)]
    pub addresses: Vec<String>,
    /// What the machine could do when `acp doctor` last measured it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Calibration>,
}

/// Rates over the measured part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rates {
    /// Slots of the schedule per second.
    pub planned_per_s: f64,
    /// Slots handed to a connection, per second of sending.
    pub sent_per_s: f64,
    /// Complete responses per second, until the last one.
    pub completed_per_s: f64,
}

/// A distribution in nanoseconds; all 0 when nothing was recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Distribution {
    /// Values recorded.
    pub count: u64,
    /// Smallest.
    pub min: u64,
    /// Arithmetic mean, from the histogram.
    pub mean: f64,
    /// Standard deviation, from the histogram.
    pub stddev: f64,
    /// Largest.
    pub max: u64,
    /// 50th percentile.
    pub p50: u64,
    /// 90th percentile.
    pub p90: u64,
    /// 99th percentile.
    pub p99: u64,
    /// 99.9th percentile.
    pub p99_9: u64,
    /// 99.99th percentile.
    pub p99_99: u64,
}

/// The distributions of a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// From the due time to the last byte, of expected responses.
    pub response_ns: Distribution,
    /// From the actual send to the last byte, of expected responses.
    pub service_ns: Distribution,
    /// From the actual send to the first byte, of expected responses.
    pub first_byte_ns: Distribution,
    /// From the start of a connection until it was open.
    pub connect_ns: Distribution,
    /// TLS handshakes alone, which are a part of `connect_ns`.
    #[serde(default)]
    pub handshake_ns: Distribution,
    /// From the due time to the actual send.
    pub send_lag_ns: Distribution,
    /// From the due time to the outcome, of requests that did not end as expected.
    pub error_response_ns: Distribution,
}

/// Bytes on the wire, as the application saw them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bytes {
    /// Requests.
    pub sent: u64,
    /// Responses.
    pub received: u64,
}

/// What connections did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connections {
    /// Opened.
    pub opened: u64,
    /// Closed by either side before the run ended.
    pub closed: u64,
    /// Requests sent on a connection that had carried one before.
    pub reused_requests: u64,
    /// Requests sent again because the target closed a kept connection before any byte of the
    /// response; each is booked once.
    #[serde(default)]
    pub retried_requests: u64,
    /// TLS handshakes with certificates and all.
    #[serde(default)]
    pub full_handshakes: u64,
    /// TLS handshakes that resumed an earlier session.
    #[serde(default)]
    pub resumed_handshakes: u64,
}

/// What the load cost the machine that made it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Generator {
    /// User and system time per sent request, looking out included.
    pub cpu_us_per_request: f64,
    /// User time of the process in the measured part.
    pub cpu_user_us: u64,
    /// System time of the process in the measured part.
    pub cpu_system_us: u64,
    /// Part of this CPU time in which shards looked out for a due time or an event without sleeping.
    #[serde(default)]
    pub cpu_spin_us: u64,
    /// Peak resident set.
    pub max_rss_bytes: u64,
    /// Largest share of a second in which a shard had work, without spinning for a due time.
    pub busy_ratio: f64,
    /// Share of CPU time stolen by the hypervisor.
    pub steal_ratio: f64,
    /// Turns of all shards.
    pub turns: u64,
    /// Completions handled per turn.
    pub completions_per_turn: f64,
    /// Slots that waited because no connection was free when they were due.
    pub blocked: u64,
    /// Slots that had a free connection and were sent later than the limit of the verdict.
    #[serde(default)]
    pub late: u64,
    /// Completions that did not fit into the completion queue at once.
    pub overflows: u64,
    /// Multishot receives armed again because receive buffers ran out.
    pub buffer_shortages: u64,
}

/// What became of the requests with one tag.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TagReport {
    /// Complete responses.
    pub completed: u64,
    /// Requests that did not end as expected.
    pub errors: u64,
    /// From the due time to the last byte, of expected responses.
    pub response_ns: Distribution,
}

/// What this machine's engine could do when it was last measured, against a server on the same machine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// When.
    pub measured_unix_us: u64,
    /// Version of acp that measured it.
    pub version: String,
    /// Driver.
    pub driver: String,
    /// Requests per second of one shard in a closed loop.
    pub requests_per_s: f64,
    /// CPU time of the engine for each of them.
    pub cpu_us_per_request: f64,
    /// Send lag of an open loop at 1,000/s: 50th and 99th percentile.
    pub send_lag_p50_ns: u64,
    /// 99th percentile.
    pub send_lag_p99_ns: u64,
}

/// A goal and whether it was met.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Slo {
    /// The expression as given.
    pub expr: String,
    /// The number found, in the unit of the expression.
    pub value: f64,
    /// Whether the goal was met.
    pub pass: bool,
}

/// Something that happened at a moment of the run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Microseconds since the start of the measured part; negative in the warm-up.
    pub at_us: i64,
    /// `error`, `stop`, `note`, `rate`, `pause`, `resume`, `agent_lost`, `agent_took_over`, `rule`.
    pub kind: String,
    /// A sentence for a person.
    pub text: String,
}

/// Everything that is known about a finished run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// [`crate::REPORT_SCHEMA`].
    pub schema: String,
    /// Who, where, when.
    pub run: Run,
    /// The plan as it was run.
    pub plan: Plan,
    /// May the numbers be trusted.
    pub verdict: Verdict,
    /// Where every planned request went.
    pub books: Books,
    /// Rates.
    pub rate: Rates,
    /// Distributions.
    pub latency: Latency,
    /// Responses by status code.
    #[serde(default)]
    pub status: BTreeMap<u16, u64>,
    /// Bytes.
    pub bytes: Bytes,
    /// Connections.
    pub connections: Connections,
    /// Cost.
    pub generator: Generator,
    /// Goals.
    #[serde(default)]
    pub slo: Vec<Slo>,
    /// What happened when.
    #[serde(default)]
    pub events: Vec<Event>,
    /// What each agent did, part by part; empty on a single machine.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub agents: Vec<crate::agent::AgentReport>,
    /// Frames of the measured part, without their histograms.
    #[serde(default)]
    pub series: Vec<Frame>,
    /// Histograms of the whole run, base64 of HDR V2.
    #[serde(default)]
    pub histograms: Histograms,
    /// Response times of complete responses by class of status: 2 is 2xx; 0: none of 1xx to 5xx.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub classes: BTreeMap<u8, Distribution>,
    /// Requests by tag, the most frequent ones; the rest is [`crate::frame::OTHER_TAGS`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, TagReport>,
    /// The slowest requests of the run, slowest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slowest: Vec<crate::frame::Slow>,
}
