//! The records of the store.

use super::{StoreError, Stored};
use acp_wire::agent::{AgentInfo, Change, PartState, PartStatus, Share};
use acp_wire::{Frame, Plan};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A part of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Records left out at the start.
    pub offset: u64,
    /// Records at the most.
    pub limit: u32,
}

/// A plan that a user has saved.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TaskRecord {
    /// ULID.
    pub id: String,
    /// Name of the plan.
    pub name: String,
    /// The plan.
    pub plan: Plan,
    /// Who saved it.
    pub owner: String,
    /// When it was saved first.
    pub created_unix_us: u64,
    /// When it was saved last.
    pub updated_unix_us: u64,
    /// It is not shown any more.
    pub is_deleted: bool,
}

/// Which tasks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskFilter {
    /// Text in the name, the target's URL or the owner's name.
    pub text: Option<String>,
    /// Owner.
    pub owner: Option<String>,
    /// Whose last run is in one of these states; with `is_never_run` unset and none here: any.
    pub states: Vec<RunState>,
    /// Those that have no run, besides those of `states`.
    pub is_never_run: bool,
}

/// Where a run is.
///
/// ```text
/// pending ─► assigned ─► ready ─► running ─► draining ─► done
///    │           │         │         │           │
///    └───────────┴─────────┴─────────┴───────────┴──► failed | aborted
/// ```
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// No agent has it yet.
    #[default]
    Pending,
    /// Agents have their parts.
    Assigned,
    /// Every engine waits for the start.
    Ready,
    /// The schedule has begun.
    Running,
    /// Nothing new is sent; last responses and frames come in.
    Draining,
    /// Ended by itself, with a report.
    Done,
    /// It could not be run.
    Failed,
    /// Stopped by a user, a rule or a loss, with a report where anything was sent.
    Aborted,
}

/// What is wanted of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "intent")]
pub enum Intent {
    /// That it runs to its end.
    #[default]
    Run,
    /// That it stops.
    Stop {
        /// `user`, `rule`, `loss`, `failure`.
        kind: String,
        /// A sentence.
        reason: String,
    },
}

/// One execution of a plan.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunRecord {
    /// ULID.
    pub id: String,
    /// The task.
    pub task: String,
    /// Name of the plan.
    pub name: String,
    /// The plan as it was when the run was made.
    pub plan: Plan,
    /// SHA-256 of the plan's JSON, in hex.
    pub plan_hash: String,
    /// Who started it.
    pub owner: String,
    /// Where it is.
    pub state: RunState,
    /// What is wanted.
    pub intent: Intent,
    /// Epoch of the leader that wrote last.
    pub epoch: u64,
    /// When its schedule begins; none before it is assigned.
    pub t0_unix_us: Option<u64>,
    /// Live changes, by number.
    pub changes: Vec<Change>,
    /// When it was asked for.
    pub created_unix_us: u64,
    /// When it ended.
    pub ended_unix_us: Option<u64>,
    /// Name of the verdict, once there is a report.
    pub verdict: Option<String>,
    /// Completed requests a second in equal slices of the measured part, once there is a report.
    pub spark: Vec<f32>,
    /// Why it failed or was aborted: a sentence, and perhaps a log tail.
    pub text: String,
    /// For [`super::Store::update_run`].
    pub version: i64,
}

/// Which runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// Of this task.
    pub task: Option<String>,
    /// In one of these states; empty: any.
    pub states: Vec<RunState>,
}

/// The share of a run that one engine process sends.
#[derive(Clone, Debug, PartialEq)]
pub struct PartRecord {
    /// `<run>.<number>`.
    pub part: String,
    /// The run.
    pub run: String,
    /// From 0; grows with every part that a run gets, so lost parts keep theirs.
    pub number: u32,
    /// The agent.
    pub agent: String,
    /// Slots and connections.
    pub share: Share,
    /// Cores of the agent; 0: shared with another part of the run.
    pub cores: u32,
    /// As the agent said last.
    pub state: PartState,
    /// When its agent was lost, in run time: its slots from its last frame to here may have been
    /// sent or not.
    pub lost_at_us: Option<i64>,
    /// Its share was given to these parts, from the moment in their shares on.
    pub taken_over_by: Vec<String>,
    /// Frames below this are in the stored frames.
    pub stored: u64,
    /// What the agent said last, for people.
    pub status: PartStatus,
    /// Sums of its frames below `stored`, as JSON of ingest; empty: none.
    pub sums: String,
}

/// A merged frame as it is stored.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StoredFrame {
    /// The run.
    pub run: String,
    /// Grows with every frame that is written for the run.
    pub number: i64,
    /// Seconds that it covers: 1, or more after a roll-up.
    pub width_s: u32,
    /// The frame. `seq` is its number, `agent` is empty, `shard_count` the sum.
    pub frame: Frame,
}

/// What [`super::Store::commit_frames`] writes at once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FrameCommit {
    /// The run.
    pub run: String,
    /// Epoch of the leader that commits: refused where a later one has the run.
    pub epoch: u64,
    /// Merged frames, new or with late parts added.
    pub frames: Vec<StoredFrame>,
    /// Part and the sequence number below which its frames are in stored frames.
    pub stored: Vec<(String, u64)>,
    /// Part and the sums of its frames below that number.
    pub sums: Vec<(String, String)>,
}

/// A second of a run; the warm-up counts from its own 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunSecond {
    /// It is of the warm-up.
    pub is_warmup: bool,
    /// Its number.
    pub second: u64,
}

/// What there is of the frames of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FrameExtent {
    /// First second.
    pub first: RunSecond,
    /// First second of the last frame.
    pub last: RunSecond,
    /// Greatest width of the first few frames, in seconds.
    pub width_s: u32,
    /// Highest number of a frame.
    pub number: i64,
}

/// The counts of a frame as they are stored: whoever reads many of them takes them apart where it
/// holds nobody up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredCounts {
    /// Number of the frame.
    pub number: i64,
    /// Its first second.
    pub at: RunSecond,
    /// Seconds that it covers.
    pub width_s: u32,
    /// JSON of the frame without its histograms.
    pub text: String,
}

impl StoredCounts {
    /// Reads as much of the frame as is asked for.
    ///
    /// # Errors
    ///
    /// [`StoreError::BadRecord`] where it is not in the text.
    pub fn read<T: DeserializeOwned>(&self) -> Stored<T> {
        serde_json::from_str(&self.text).map_err(|error| StoreError::BadRecord(error.to_string()))
    }
}

/// Something that happened to a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventRecord {
    /// The run.
    pub run: String,
    /// Given by the store, grows within a run.
    pub number: i64,
    /// When.
    pub at_unix_us: u64,
    /// Run time; none before the run has a start.
    pub at_us: Option<i64>,
    /// See [`acp_wire::report::Event`].
    pub kind: String,
    /// A sentence.
    pub text: String,
    /// Who did it; empty: acp itself.
    pub by: String,
}

/// An agent that has been seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AgentRecord {
    /// What it offers.
    pub info: AgentInfo,
    /// It gets new parts.
    pub is_enabled: bool,
    /// First seen.
    pub first_seen_unix_us: u64,
    /// Last seen.
    pub last_seen_unix_us: u64,
}

/// A version of a data set. It is never changed: other lines are another version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DatasetRecord {
    /// Name.
    pub name: String,
    /// From 1.
    pub version: u32,
    /// `csv`, `lines`, `jsonl`.
    pub format: String,
    /// Its size.
    pub bytes: u64,
    /// Its lines.
    pub lines: u64,
    /// SHA-256 of its bytes, in hex.
    pub sha256: String,
    /// When it was made.
    pub created_unix_us: u64,
    /// Who made it.
    pub by: String,
    /// Agents that have it, by name.
    pub agents: Vec<String>,
}

/// Rate per core an agent reached.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CalibrationRecord {
    /// The agent.
    pub agent: String,
    /// The protocol.
    pub protocol: String,
    /// Requests per second and core.
    pub rate_per_core: f64,
    /// When it was learnt.
    pub at_unix_us: u64,
}

/// What a person or program may do.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Look.
    #[default]
    Viewer,
    /// Create, start, change and stop.
    Operator,
    /// Agents, users, tokens, limits.
    Admin,
}

/// A user with a password.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserRecord {
    /// Name.
    pub name: String,
    /// argon2 in PHC form.
    pub password_hash: String,
    /// Role.
    pub role: Role,
    /// When it was made.
    pub created_unix_us: u64,
}

/// A token of a program, or the session of a browser.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenRecord {
    /// ULID.
    pub id: String,
    /// SHA-256 of the token, in hex.
    pub hash: String,
    /// Name for people.
    pub name: String,
    /// Whose; empty for tokens of programs.
    pub user: String,
    /// Role.
    pub role: Role,
    /// When it was made.
    pub created_unix_us: u64,
    /// When it ends.
    pub expires_unix_us: Option<u64>,
}

/// A write, and who did it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditRecord {
    /// When.
    pub at_unix_us: u64,
    /// Who.
    pub by: String,
    /// From where.
    pub address: String,
    /// `run.stop`.
    pub action: String,
    /// Id of what was changed.
    pub subject: String,
    /// What there is to say.
    pub text: String,
}

/// How long things are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    /// Days after which frames of ended runs are put together to 10 s.
    pub frames_10s_days: u32,
    /// Days after which they are put together to 1 min.
    pub frames_1m_days: u32,
    /// Days after which frames and events of ended runs are deleted; their reports stay. 0: never.
    pub frames_days: u32,
    /// Days after which host samples are deleted.
    pub host_samples_days: u32,
    /// Days after which audit records are deleted. 0: never.
    pub audit_days: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            frames_10s_days: 7,
            frames_1m_days: 30,
            frames_days: 365,
            host_samples_days: 30,
            audit_days: 0,
        }
    }
}
