//! Tasks as they are shown: what they ask for, and how their last run went.

use super::app::App;
use super::error::{Answer, ApiError};
use super::peaks::with_peaks;
use super::runs::stopping;
use crate::store::{RunRecord, RunState, TaskRecord};
use acp_wire::plan::Model;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// The newest run of a task.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LastRun {
    /// Id.
    id: String,
    /// Where it is.
    state: RunState,
    /// Whether its numbers may be trusted, once it has a report.
    verdict: Option<String>,
    /// Why it is to stop; none while it is to run.
    stopping: Option<String>,
    /// When it was asked for.
    created_unix_us: u64,
    /// When its schedule begins.
    t0_unix_us: Option<u64>,
    /// When it ended.
    ended_unix_us: Option<u64>,
    /// Agents that had a part of it.
    agents: u32,
    /// Completed requests a second in equal slices of its measured part; empty before it has a report.
    spark: Vec<f32>,
}

impl LastRun {
    fn new(run: RunRecord, agents: u32) -> Self {
        Self {
            id: run.id,
            state: run.state,
            verdict: run.verdict,
            stopping: stopping(run.intent),
            created_unix_us: run.created_unix_us,
            t0_unix_us: run.t0_unix_us,
            ended_unix_us: run.ended_unix_us,
            agents,
            spark: run.spark,
        }
    }
}

/// A task in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TaskSummary {
    /// Id.
    id: String,
    /// Name of the plan.
    name: String,
    /// Where it sends to.
    target: String,
    /// Who saved it.
    owner: String,
    /// When it was saved first.
    created_unix_us: u64,
    /// When it was saved last.
    updated_unix_us: u64,
    /// `open`: requests follow a schedule; `closed`: a connection sends when it is free.
    #[schema(value_type = String)]
    model: Model,
    /// Its highest rate; none in a closed loop, or where its plan cannot be run any more.
    peak_rate_per_s: Option<f64>,
    /// Connections in all.
    connections: u32,
    /// Cores that it asks for in all; 0: as many as its rate needs.
    agents_wanted: u32,
    /// Its newest run; none before it is started.
    last_run: Option<LastRun>,
}

impl TaskSummary {
    fn new(task: TaskRecord, peak_rate_per_s: Option<f64>, last_run: Option<LastRun>) -> Self {
        Self {
            id: task.id,
            name: task.name,
            owner: task.owner,
            created_unix_us: task.created_unix_us,
            updated_unix_us: task.updated_unix_us,
            model: task.plan.load.model,
            peak_rate_per_s,
            connections: task.plan.load.connections,
            agents_wanted: task.plan.agents.map_or(0, |agents| agents.cores),
            target: task.plan.target.url,
            last_run,
        }
    }
}

/// A task.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TaskView {
    #[serde(flatten)]
    summary: TaskSummary,
    /// A document `acp.plan/1`.
    #[schema(value_type = Object)]
    plan: acp_wire::Plan,
}

/// Some tasks.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TaskList {
    /// Newest first.
    pub(super) tasks: Vec<TaskSummary>,
    /// How many there are in all.
    pub(super) total: u64,
}

/// Tasks with their newest runs: two more queries, however many tasks there are.
pub(super) async fn summaries(app: &App, tasks: Vec<TaskRecord>) -> Answer<Vec<TaskSummary>> {
    let mut last = last_runs(app, &tasks).await?;
    let with_run = |(task, peak_rate_per_s): (TaskRecord, Option<f64>)| {
        let last_run = last.remove(&task.id);
        TaskSummary::new(task, peak_rate_per_s, last_run)
    };
    Ok(with_peaks(app, tasks).await?.into_iter().map(with_run).collect())
}

/// A task with its newest run and its plan.
pub(super) async fn view(app: &App, task: TaskRecord) -> Answer<TaskView> {
    let plan = task.plan.clone();
    let mut summaries = summaries(app, vec![task]).await?;
    let summary = summaries.pop().ok_or_else(|| ApiError::internal(&"a task has no summary"))?;
    Ok(TaskView { plan, summary })
}

/// Newest runs by task.
async fn last_runs(app: &App, tasks: &[TaskRecord]) -> Answer<BTreeMap<String, LastRun>> {
    let ids: Vec<_> = tasks.iter().map(|task| task.id.clone()).collect();
    let runs = app.store.last_runs(&ids).await?;
    let ids: Vec<_> = runs.iter().map(|run| run.id.clone()).collect();
    let agents = app.store.agent_counts(&ids).await?;
    let last = |run: RunRecord| {
        let count = agents.get(&run.id).copied().unwrap_or(0);
        (run.task.clone(), LastRun::new(run, count))
    };
    Ok(runs.into_iter().map(last).collect())
}
