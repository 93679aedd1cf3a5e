//! What control remembers: one trait, SQLite or MySQL behind it.
//!
//! Ids are text, times are microseconds since 1970, documents are JSON text. A control that is
//! killed at any moment finds everything it needs here when it starts again.

mod open;

mod database;

mod accounts;
mod agents;
mod datasets;
mod events;
mod frames;
mod house;
mod parts;
mod rollup;
mod runs;
mod tasks;

mod document;
mod failure;
mod insert;
mod records;
mod session;

pub use open::open;
pub use records::{
    AgentRecord, AuditRecord, CalibrationRecord, DatasetRecord, EventRecord, FrameCommit,
    FrameExtent, Intent, Page, PartRecord, Retention, Role, RunFilter, RunRecord, RunSecond,
    RunState, StoredCounts, StoredFrame, TaskFilter, TaskRecord, TokenRecord, UserRecord,
};

use acp_wire::agent::HostSample;
use acp_wire::{Plan, Report};
use async_trait::async_trait;
use std::collections::BTreeMap;
use thiserror::Error;

/// Why the store could not do what was asked.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The database does not answer, or gave up: trying again later may help.
    #[error("the database cannot be used now: {0}")]
    Unavailable(String),
    /// A record with this key is there already.
    #[error("{0} exists already")]
    Exists(String),
    /// Somebody else has changed the record since it was read.
    #[error("{0} has changed meanwhile")]
    Conflict(String),
    /// What is stored cannot be read.
    #[error("bad record in the database: {0}")]
    BadRecord(String),
    /// The URL or the folder of the database cannot be used.
    #[error("{0}")]
    Settings(String),
}

/// Result of a call of the store.
pub type Stored<T> = Result<T, StoreError>;

/// Everything control remembers. Every method is one transaction.
#[async_trait]
#[expect(missing_docs, reason = "names and records say it; what is not obvious has a sentence")]
pub trait Store: Send + Sync {
    /// Whether the database answers.
    async fn ping(&self) -> Stored<()>;

    async fn create_task(&self, task: &TaskRecord) -> Stored<()>;
    async fn task(&self, id: &str) -> Stored<Option<TaskRecord>>;
    /// Newest first; the second number is how many there are in all.
    async fn tasks(&self, filter: &TaskFilter, page: Page) -> Stored<(Vec<TaskRecord>, u64)>;
    async fn update_task(&self, task: &TaskRecord) -> Stored<()>;
    /// Marks it as deleted; its runs stay.
    async fn delete_task(&self, id: &str) -> Stored<bool>;

    async fn create_run(&self, run: &RunRecord) -> Stored<()>;
    async fn run(&self, id: &str) -> Stored<Option<RunRecord>>;
    /// Newest first; the second number is how many there are in all.
    async fn runs(&self, filter: &RunFilter, page: Page) -> Stored<(Vec<RunRecord>, u64)>;
    /// The newest run of each of these tasks that has one.
    async fn last_runs(&self, tasks: &[String]) -> Stored<Vec<RunRecord>>;
    /// How many agents each of these runs ever had a part on; a run without parts is left out.
    async fn agent_counts(&self, runs: &[String]) -> Stored<BTreeMap<String, u32>>;
    /// Every run that has not ended, oldest first.
    async fn active_runs(&self) -> Stored<Vec<RunRecord>>;
    /// Writes `run` if its `version` is still the stored one, which grows by one.
    /// [`StoreError::Conflict`] otherwise: read it again.
    async fn update_run(&self, run: &RunRecord) -> Stored<()>;
    async fn plan(&self, hash: &str) -> Stored<Option<Plan>>;

    async fn add_parts(&self, parts: &[PartRecord]) -> Stored<()>;
    /// Every part a run ever had, by number.
    async fn parts(&self, run: &str) -> Stored<Vec<PartRecord>>;
    /// Writes everything but `stored` and `sums`, which only [`Self::commit_frames`] moves.
    async fn update_parts(&self, parts: &[PartRecord]) -> Stored<()>;

    /// Stores merged frames, how far each part's frames are in them, and events, all or nothing.
    /// A frame of a second that is there already replaces it, under a new number.
    async fn commit_frames(&self, commit: &FrameCommit) -> Stored<()>;
    /// Frames of a run whose number is above `after`, by number.
    async fn frames_after(&self, run: &str, after: i64, limit: u32) -> Stored<Vec<StoredFrame>>;
    /// Frames of a run in the order of time: warm-up first, then by second, from `second` on.
    async fn frames_from(
        &self,
        run: &str,
        warmup: bool,
        second: u64,
        limit: u32,
    ) -> Stored<Vec<StoredFrame>>;

    /// As [`Self::frames_from`], without reading histograms: much faster.
    async fn frame_counts_from(
        &self,
        run: &str,
        from: RunSecond,
        limit: u32,
    ) -> Stored<Vec<StoredCounts>>;
    /// What there is of the frames of a run; none: nothing.
    async fn frame_extent(&self, run: &str) -> Stored<Option<FrameExtent>>;

    async fn add_event(&self, event: &EventRecord) -> Stored<()>;
    /// Events of a run whose number is above `after`, by number.
    async fn events_after(&self, run: &str, after: i64, limit: u32) -> Stored<Vec<EventRecord>>;

    async fn put_report(&self, run: &str, report: &Report) -> Stored<()>;
    async fn report(&self, run: &str) -> Stored<Option<Report>>;
    /// Whether there is one, without reading it.
    async fn has_report(&self, run: &str) -> Stored<bool>;

    async fn put_agents(&self, agents: &[AgentRecord]) -> Stored<()>;
    async fn agents(&self) -> Stored<Vec<AgentRecord>>;
    /// Takes it out of service or puts it back; whether there is such an agent.
    async fn set_agent_enabled(&self, agent: &str, enabled: bool) -> Stored<bool>;
    async fn remove_agent(&self, agent: &str) -> Stored<bool>;

    async fn add_host_samples(&self, samples: &[(String, HostSample)]) -> Stored<()>;
    /// By time, `from ≤ at < to`.
    async fn host_samples(
        &self,
        agent: &str,
        from_unix_us: u64,
        to_unix_us: u64,
        limit: u32,
    ) -> Stored<Vec<HostSample>>;

    /// Adds a version of a data set, without its agents. [`StoreError::Exists`] where it is there.
    async fn put_dataset(&self, dataset: &DatasetRecord) -> Stored<()>;
    /// By name, newest version first; the second number is how many there are in all.
    async fn datasets(&self, page: Page) -> Stored<(Vec<DatasetRecord>, u64)>;
    /// Notes that an agent has a version. [`StoreError::Conflict`] where there is no such version.
    async fn put_dataset_agent(&self, name: &str, version: u32, agent: &str) -> Stored<()>;

    /// Rate per core that agents are known to reach, by agent and protocol.
    async fn put_calibration(&self, calibration: &CalibrationRecord) -> Stored<()>;
    async fn calibrations(&self) -> Stored<Vec<CalibrationRecord>>;

    async fn put_user(&self, user: &UserRecord) -> Stored<()>;
    async fn user(&self, name: &str) -> Stored<Option<UserRecord>>;
    async fn users(&self) -> Stored<Vec<UserRecord>>;
    async fn delete_user(&self, name: &str) -> Stored<bool>;
    async fn put_token(&self, token: &TokenRecord) -> Stored<()>;
    async fn token(&self, hash: &str) -> Stored<Option<TokenRecord>>;
    async fn tokens(&self) -> Stored<Vec<TokenRecord>>;
    async fn delete_token(&self, id: &str) -> Stored<bool>;
    async fn add_audit(&self, audit: &AuditRecord) -> Stored<()>;
    /// Newest first.
    async fn audit(&self, page: Page) -> Stored<Vec<AuditRecord>>;

    /// Rolls frames and host samples up and deletes what is too old. Sums over the frames of a run
    /// stay the same. Returns how many rows it took away.
    async fn keep_house(&self, retention: &Retention, now_unix_us: u64) -> Stored<u64>;
}
