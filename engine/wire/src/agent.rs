//! What agents and a control plane say to each other, and what a coordinator keeps for them.
//!
//! An [`Assignment`] is everything that one agent should be doing: the agent makes it so, whatever it
//! did before. A [`Part`] is the share of a run that one engine process sends: a class of its slots
//! (`slot mod stride = offset`) from a moment of its schedule on.
//!
//! Run time is counted in microseconds from the start of the measured part, as in
//! [`crate::report::Event`]. Times called `_unix_us` are on the clock of the control plane.

use crate::books::Books;
use crate::frame::Frame;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Schema of an assignment document.
pub const ASSIGNMENT_SCHEMA: &str = "acp.assignment/1";

/// Who an agent is and what it offers. Does not change while it is registered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentInfo {
    /// Its name among all agents, by default `host:port`. Letters, digits and `._:-`, at most 64.
    pub agent: String,
    /// Host name.
    pub host: String,
    /// Version of acp.
    pub version: String,
    /// Cores it offers.
    pub cores: u32,
    /// Schemes it can speak: `http`.
    pub protocols: Vec<String>,
    /// Labels that a plan can ask for.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Where its own `/metrics` and `/healthz` are: `host:port`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub address: String,
}

/// The slots and connections of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Share {
    /// Slots `offset`, `offset + stride`, `offset + 2·stride`, … belong to this part.
    pub offset: u64,
    /// Distance of its slots; 1: all of them.
    pub stride: u64,
    /// Connections of this part.
    pub connections: u32,
    /// Number of its first connection among all of the run, so that addresses take turns.
    #[serde(default)]
    pub first_connection: u32,
    /// Open loop: slots due before this moment are not this part's (a lost part's first half).
    #[serde(default)]
    pub from_us: u64,
    /// Closed loop with a count: own slots that a lost part has taken already.
    #[serde(default)]
    pub skip: u64,
}

impl Share {
    /// The whole of a plan with so many connections.
    #[must_use]
    pub fn whole(connections: u32) -> Self {
        Self { offset: 0, stride: 1, connections, first_connection: 0, from_us: 0, skip: 0 }
    }

    /// How many of the first `slots` slots of the run are in the class of this share.
    #[must_use]
    pub fn count_of(&self, slots: u64) -> u64 {
        slots.saturating_sub(self.offset).div_ceil(self.stride)
    }
}

/// What a live change does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// The rest of the schedule is this total rate: `20k`, `300/m`.
    Rate(String),
    /// No slot is due until `Resume`. The schedule's clock goes on.
    Pause,
    /// The schedule goes on where it is by now.
    Resume,
}

/// A change of a running schedule, the same on every agent from the same moment on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// From 1, without holes.
    pub number: u32,
    /// The moment it takes effect.
    pub at_us: u64,
    /// What it does.
    #[serde(flatten)]
    pub kind: ChangeKind,
}

/// The share of a run that one engine process sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Its name: `<run>.<number>`. Never used twice.
    pub part: String,
    /// The run.
    pub run: String,
    /// SHA-256 of the plan document in hex; the plan is at `/agent/v1/plans/<hash>`.
    pub plan: String,
    /// When the schedule begins: its warm-up, if it has one.
    pub t0_unix_us: u64,
    /// Which slots and connections.
    pub share: Share,
    /// Cores of the agent that it takes. 0: it shares those of another part of the same run.
    pub cores: u32,
    /// Changes of the run so far. An agent that has not seen them all asks for
    /// `/agent/v1/runs/<run>/changes`.
    #[serde(default)]
    pub changes: u32,
    /// The last of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Change>,
    /// It is to end now.
    #[serde(default)]
    pub stop: bool,
}

/// Everything one agent should be doing. Engines of parts that are not in it are stopped.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    /// [`ASSIGNMENT_SCHEMA`].
    pub schema: String,
    /// Of the leader that wrote it. An agent ignores assignments of an older epoch.
    pub epoch: u64,
    /// Grows with every assignment of this agent, over leaders too.
    pub revision: u64,
    /// Address of the control plane to talk to: `http://host:port`.
    pub control: String,
    /// What runs.
    pub parts: Vec<Part>,
}

/// State of a part, as its agent sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartState {
    /// The plan is fetched, the engine started, its connections opened.
    #[default]
    Starting,
    /// Connections are open; it waits for the start.
    Ready,
    /// Frames come.
    Running,
    /// The engine has ended and given its report.
    Finished,
    /// The engine could not start, or died.
    Failed,
}

/// What an agent says about one part.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PartStatus {
    /// The part.
    pub part: String,
    /// The run.
    pub run: String,
    /// Its state.
    pub state: PartState,
    /// Why it failed, or what is worth knowing: one sentence.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// Last lines of the engine's standard error, where it failed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub log_tail: String,
    /// Who, where and when, from the engine's own report (finished parts).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_info: Option<crate::report::Run>,
    /// Books of the engine's own report, to check the sum of its frames against.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub books: Option<Books>,
    /// Events of the engine's own report.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<crate::report::Event>,
    /// CPUs its shards are pinned to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cpus: Vec<u32>,
}

/// A sample of the host of an agent. `None`: the host does not tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HostSample {
    /// When, on the control plane's clock.
    pub at_unix_us: u64,
    /// Share of CPU time in use, all CPUs, since the sample before: 0 to 1.
    #[serde(default)]
    pub cpu_busy_ratio: Option<f64>,
    /// Share of CPU time stolen by the hypervisor: 0 to 1.
    #[serde(default)]
    pub cpu_steal_ratio: Option<f64>,
    /// Load average of the last minute.
    #[serde(default)]
    pub load_1m: Option<f64>,
    /// Memory in all.
    #[serde(default)]
    pub memory_total_bytes: Option<u64>,
    /// Memory that programs could still get.
    #[serde(default)]
    pub memory_available_bytes: Option<u64>,
    /// Received on all interfaces but loopback, per second.
    #[serde(default)]
    pub network_received_bytes_per_s: Option<f64>,
    /// Sent on all interfaces but loopback, per second.
    #[serde(default)]
    pub network_sent_bytes_per_s: Option<f64>,
    /// TCP sockets in use.
    #[serde(default)]
    pub tcp_in_use: Option<u64>,
    /// TCP sockets in TIME_WAIT.
    #[serde(default)]
    pub tcp_time_wait: Option<u64>,
    /// TCP segments sent again, per second.
    #[serde(default)]
    pub tcp_retransmits_per_s: Option<f64>,
    /// Free space of the agent's state folder.
    #[serde(default)]
    pub disk_free_bytes: Option<u64>,
}

/// `POST /agent/v1/register` (direct mode).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    /// Who.
    pub info: AgentInfo,
    /// Session it had, if it comes back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
}

/// Answer to [`Registration`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registered {
    /// Session; it lives as long as the agent is heard of within `session_timeout_us`.
    pub session: String,
    /// How long a session lives without a word.
    pub session_timeout_us: u64,
    /// Clock of the control plane.
    pub now_unix_us: u64,
}

/// Frames of one part.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PartFrames {
    /// The part.
    pub part: String,
    /// The run.
    pub run: String,
    /// Frames in the order of their sequence numbers.
    pub frames: Vec<Frame>,
}

/// `POST /agent/v1/frames`: sent every second while a part runs, with or without frames; its answer
/// renews the lease.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FrameBatch {
    /// Who.
    pub agent: String,
    /// Epoch of the assignment it works on.
    pub epoch: u64,
    /// By part.
    pub parts: Vec<PartFrames>,
}

/// What control has of one part's frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartAck {
    /// Sequence number of the frame it wants next: frames below are in its memory.
    pub next: u64,
    /// Frames below this are stored and may be forgotten.
    pub stored: u64,
}

/// `POST /agent/v1/status`: sent when a part changes its state, and every few seconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Who and what it offers.
    pub info: AgentInfo,
    /// Epoch of the assignment it works on.
    pub epoch: u64,
    /// Revision of that assignment.
    pub revision: u64,
    /// Cores that no part uses.
    pub cores_free: u32,
    /// Clock of the agent less that of the control plane, and half the round trip it was found with.
    #[serde(default)]
    pub clock_offset_us: Option<i64>,
    /// See `clock_offset_us`.
    #[serde(default)]
    pub clock_error_us: Option<u64>,
    /// The agent is leaving: it takes no new part.
    #[serde(default)]
    pub draining: bool,
    /// Every part it knows of.
    pub parts: Vec<PartStatus>,
    /// Its host.
    #[serde(default)]
    pub host: Option<HostSample>,
}

/// Answer to [`FrameBatch`] and [`Status`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// How long the agent may send load from the moment at which it sent its message.
    pub lease_us: u64,
    /// Clock of the control plane.
    pub now_unix_us: u64,
    /// Epoch of the leader, as far as this control plane knows.
    pub epoch: u64,
    /// Revision of the agent's assignment: a newer one than it has means it missed a watch.
    pub revision: u64,
    /// By part of the message.
    #[serde(default)]
    pub parts: BTreeMap<String, PartAck>,
    /// Parts of the message that are to end now.
    #[serde(default)]
    pub stop: Vec<String>,
    /// This control plane does not lead; talk to that one instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leader: Option<String>,
}

/// The answer to any request that failed: `{"error":{"code","message","hint"}}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// The error.
    pub error: ErrorText,
}

/// See [`ErrorBody`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorText {
    /// Stable name for programs: `not_found`.
    pub code: String,
    /// A sentence for people.
    pub message: String,
    /// What to do.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hint: String,
}

/// One agent's share in a report: what it did, part by part.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AgentReport {
    /// The agent.
    pub agent: String,
    /// The part.
    pub part: String,
    /// Its slots.
    pub share: Option<Share>,
    /// Its state at the end: `finished`, `failed`, `lost`.
    pub state: String,
    /// Sums of its frames.
    pub books: Books,
    /// CPUs.
    #[serde(default)]
    pub cpus: Vec<u32>,
    /// What moved the bytes.
    #[serde(default)]
    pub driver: String,
    /// p99 of its send lag.
    #[serde(default)]
    pub send_lag_p99_ns: u64,
    /// Largest share of a second in which one of its shards had work.
    #[serde(default)]
    pub busy_ratio: f64,
    /// Clock offset at the start.
    #[serde(default)]
    pub clock_offset_us: Option<i64>,
    /// What there is to say about it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
}
