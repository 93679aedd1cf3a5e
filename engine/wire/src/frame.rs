//! A frame: what happened in one second on one engine. Merged frames have the same shape.

use crate::outcome::{ErrorClass, NotSent};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Tags that are told apart.
pub const MAX_TAGS: usize = 64;
/// The tag that all others are counted under.
pub const OTHER_TAGS: &str = "(other)";

/// Marks of a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flags {
    /// The second belongs to the warm-up and is not part of the report.
    #[serde(default)]
    pub warmup: bool,
    /// No frame follows.
    #[serde(default)]
    pub last: bool,
}

/// Histograms of a frame, base64 of HDR V2. Absent: nothing was recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Histograms {
    /// From the due time to the last byte.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<String>,
    /// From the actual send to the last byte.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// From the actual send to the first byte.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_byte: Option<String>,
    /// From the start of a connection until it was open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connect: Option<String>,
    /// TLS handshakes alone, which are a part of `connect`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handshake: Option<String>,
    /// From the due time to the actual send.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send_lag: Option<String>,
    /// Response time of requests that did not end as expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_response: Option<String>,
}

/// What a second of load cost the machine that made it. Sums, but for the two marked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// User time of the engine's process.
    #[serde(default)]
    pub cpu_user_us: u64,
    /// System time of the engine's process.
    #[serde(default)]
    pub cpu_system_us: u64,
    /// Part of the shards' CPU time in which they looked out without sleeping.
    #[serde(default)]
    pub cpu_spin_us: u64,
    /// Time of all CPUs of the machine, busy or not, of which `steal_us` is a part.
    #[serde(default)]
    pub machine_us: u64,
    /// Largest share of the second in which one shard had work. The largest of those merged.
    #[serde(default)]
    pub busy_ratio: f64,
    /// Peak resident set so far. The largest of the parts merged.
    #[serde(default)]
    pub max_rss_bytes: u64,
    /// Turns of the shards.
    #[serde(default)]
    pub turns: u64,
    /// Completions of the driver.
    #[serde(default)]
    pub completions: u64,
    /// Completions that did not fit into the completion queue.
    #[serde(default)]
    pub overflows: u64,
    /// Receives armed again because receive buffers ran out.
    #[serde(default)]
    pub buffer_shortages: u64,
}

/// What became of the requests with one tag.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tagged {
    /// Complete responses.
    pub completed: u64,
    /// Requests that did not end as expected.
    #[serde(default)]
    pub errors: u64,
    /// Histogram of the response times of expected responses, base64 of HDR V2. Absent: there were
    /// none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<String>,
}

/// What the kernel knows of a TCP connection (`TCP_INFO`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TcpInfo {
    /// Smoothed round-trip time.
    pub rtt_us: u32,
    /// Segments sent again since the connection was opened.
    pub retransmits: u32,
}

/// One of the slowest requests. Times are nanoseconds after its due time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slow {
    /// Number of its slot.
    pub slot: u64,
    /// When it was due, since the start of the measured part.
    pub due_us: u64,
    /// When it was sent.
    pub sent_ns: u64,
    /// When the TCP connection was open, where the request waited for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connected_ns: Option<u64>,
    /// When the TLS handshake was done, where the request waited for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handshake_ns: Option<u64>,
    /// When the first byte of the response came; absent: none came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_byte_ns: Option<u64>,
    /// When its outcome was known: the last byte of the response, or the error.
    pub ended_ns: u64,
    /// Status of the response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Why it did not end as expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorClass>,
    /// Its tag.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub tag: String,
    /// The agent that sent it; empty on a single machine.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub agent: String,
    /// Its connection, a moment after the end of the request; absent where it could not be asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tcp: Option<TcpInfo>,
}

/// Counts and histograms of one second. Sums over the frames of a run equal its report exactly.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Frame {
    /// [`crate::FRAME_SCHEMA`].
    pub schema: String,
    /// Id of the run.
    #[serde(default)]
    pub run: String,
    /// Name of the agent; empty on a single machine.
    #[serde(default)]
    pub agent: String,
    /// Shards that are in this frame.
    pub shard_count: u32,
    /// Sequence number of the frame, from 0, no holes.
    pub seq: u64,
    /// Second of the run, from 0; the warm-up counts from its own 0.
    pub second: u64,
    /// Marks.
    pub flags: Flags,
    /// Slots that were settled in this second: sent, or given up.
    pub planned: u64,
    /// Slots handed to a connection.
    pub sent: u64,
    /// Complete responses.
    pub completed: u64,
    /// Slots given up, by reason.
    #[serde(default)]
    pub not_sent: BTreeMap<NotSent, u64>,
    /// Requests that did not end as expected, by class.
    #[serde(default)]
    pub errors: BTreeMap<ErrorClass, u64>,
    /// Responses by status code.
    #[serde(default)]
    pub status: BTreeMap<u16, u64>,
    /// Requests without an outcome at the end of the second.
    pub in_flight: u64,
    /// Slots that waited because no connection was free when they were due.
    pub blocked: u64,
    /// Connections opened.
    pub connects: u64,
    /// Connections closed by either side.
    pub disconnects: u64,
    /// Bytes of requests.
    pub bytes_sent: u64,
    /// Bytes of responses.
    pub bytes_received: u64,
    /// Rate that the schedule asks for in the middle of this second, per second; 0 in a closed loop.
    pub rate_target: f64,
    /// CPU time of the engine in this second, user and system.
    pub cpu_us: u64,
    /// Time stolen by the hypervisor in this second, all CPUs of the machine.
    pub steal_us: u64,
    /// Slots that had a free connection and were sent later than the limit of the verdict.
    #[serde(default)]
    pub late: u64,
    /// Requests without an outcome when the run was cut off; only in last frames.
    #[serde(default)]
    pub in_flight_at_stop: u64,
    /// Requests whose outcome is not known because their agent was lost; only in merged frames.
    #[serde(default)]
    pub lost_with_agent: u64,
    /// Requests sent on a connection that had carried one before.
    #[serde(default)]
    pub reused_requests: u64,
    /// Requests sent again because the target closed a kept connection.
    #[serde(default)]
    pub retried_requests: u64,
    /// TLS handshakes with certificates and all.
    #[serde(default)]
    pub full_handshakes: u64,
    /// TLS handshakes that resumed an earlier session.
    #[serde(default)]
    pub resumed_handshakes: u64,
    /// What the load cost the machine.
    #[serde(default)]
    pub cost: Cost,
    /// The distribution of the response histogram, for those who do not want to decode it. Never
    /// merged; absent where frames were put together without their histograms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_ns: Option<crate::report::Distribution>,
    /// The same of the service histogram.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_ns: Option<crate::report::Distribution>,
    /// The same of the send lag histogram.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send_lag_ns: Option<crate::report::Distribution>,
    /// Values of the response histogram in four bands an octave, by band. They add up, unlike
    /// percentiles. `v` ns below 4 is of band `v`; above, with `octave` the place of its highest
    /// bit, of band `4 * octave +` the two bits below that one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub response_bands: BTreeMap<u16, u64>,
    /// Distributions.
    #[serde(default)]
    pub histograms: Histograms,
    /// Response times of complete responses by class of status (2 is 2xx; 0: none of 1xx to 5xx),
    /// base64 of HDR V2.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub classes: BTreeMap<u8, String>,
    /// Requests by tag: those with one, of at most [`MAX_TAGS`]; the rest is [`OTHER_TAGS`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, Tagged>,
    /// The slowest requests that ended in this second, slowest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slowest: Vec<Slow>,
}
