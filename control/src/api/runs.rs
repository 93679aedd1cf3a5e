//! Runs: started, listed, shown.

use super::app::{App, Caller};
use super::caller::{As, Operator, Viewer};
use super::error::{Answer, ApiError};
use super::live::Live;
use super::pace_now::{PaceNow, pace_now};
use super::paging::page;
use super::plans::{check_ceiling, check_plan, plan_hash};
use super::states::is_final;
use super::tasks;
use crate::auth::peak_rate_per_s;
use crate::store::{
    EventRecord, Intent, PartRecord, RunFilter, RunRecord, RunState, StoredFrame, TaskRecord,
};
use acp_wire::Frame;
use acp_wire::agent::{Change, PartState, Share};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;
use ulid::Ulid;
use utoipa::{IntoParams, ToSchema};

const FRAMES_DEFAULT: u32 = 100;
const FRAMES_MAX: u32 = 1000;

/// A run in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RunSummary {
    /// Id.
    pub(super) id: String,
    /// Id of its task.
    task: String,
    /// Name of its plan.
    name: String,
    /// Where it sends to.
    target: String,
    /// Who started it.
    owner: String,
    /// Where it is.
    pub(super) state: RunState,
    /// Why it is to stop; none while it is to run.
    stopping: Option<String>,
    /// When it was asked for.
    created_unix_us: u64,
    /// When its schedule begins.
    t0_unix_us: Option<u64>,
    /// When it ended.
    ended_unix_us: Option<u64>,
    /// Whether its numbers may be trusted, once it has a report.
    verdict: Option<String>,
    /// Why it failed or was aborted.
    text: String,
}

impl From<RunRecord> for RunSummary {
    fn from(run: RunRecord) -> Self {
        Self {
            id: run.id,
            task: run.task,
            name: run.name,
            target: run.plan.target.url,
            owner: run.owner,
            state: run.state,
            stopping: stopping(run.intent),
            created_unix_us: run.created_unix_us,
            t0_unix_us: run.t0_unix_us,
            ended_unix_us: run.ended_unix_us,
            verdict: run.verdict,
            text: run.text,
        }
    }
}

/// Why a run is to stop; none while it is to run.
pub(super) fn stopping(intent: Intent) -> Option<String> {
    match intent {
        Intent::Run => None,
        Intent::Stop { kind, reason } => Some(format!("{kind}: {reason}")),
    }
}

/// A run in a list, with its shape.
#[derive(Debug, Serialize, ToSchema)]
struct RunItem {
    #[serde(flatten)]
    summary: RunSummary,
    /// Agents that had a part of it.
    agents: u32,
    /// Completed requests a second in equal slices of its measured part; empty before it has a report.
    spark: Vec<f32>,
}

impl RunItem {
    fn new(run: RunRecord, agents: u32) -> Self {
        Self { agents, spark: run.spark.clone(), summary: run.into() }
    }
}

/// The share of a run that one engine sends.
#[derive(Debug, Serialize, ToSchema)]
struct PartView {
    /// Its name.
    part: String,
    /// Its agent.
    agent: String,
    /// Its slots and connections.
    #[schema(value_type = Object)]
    share: Share,
    /// Cores that it takes.
    cores: u32,
    /// As its agent said last.
    #[schema(value_type = String)]
    state: PartState,
    /// When its agent was lost, in run time.
    lost_at_us: Option<i64>,
    /// Parts that have its share now.
    taken_over_by: Vec<String>,
    /// What its agent said.
    text: String,
    /// Last lines of its engine, where it failed.
    log_tail: String,
}

impl From<PartRecord> for PartView {
    fn from(part: PartRecord) -> Self {
        Self {
            part: part.part,
            agent: part.agent,
            share: part.share,
            cores: part.cores,
            state: part.state,
            lost_at_us: part.lost_at_us,
            taken_over_by: part.taken_over_by,
            text: part.status.text,
            log_tail: part.status.log_tail,
        }
    }
}

/// A run.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RunView {
    #[serde(flatten)]
    item: RunItem,
    #[serde(flatten)]
    pace: PaceNow,
    /// The plan as it was when the run was started: a document `acp.plan/1`.
    #[schema(value_type = Object)]
    plan: acp_wire::Plan,
    /// Live changes so far.
    #[schema(value_type = Vec<Object>)]
    changes: Vec<Change>,
    /// What each agent has of it.
    parts: Vec<PartView>,
    /// Where it is by now, while it is active.
    live: Option<Live>,
}

/// Some runs.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RunList {
    /// Newest first.
    runs: Vec<RunItem>,
    /// How many there are in all.
    total: u64,
}

/// Which runs.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct RunQuery {
    /// Of this task.
    task: Option<String>,
    /// In one of these states, with commas: `running,draining`. `active`: any that has not ended.
    state: Option<String>,
    /// How many, 50 by default.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// How many to leave out first.
    #[param(maximum = 2147483647)]
    offset: Option<u32>,
}

/// Starts a task. The run connects to the addresses that its target's names lead to now: they are in
/// `target.connect_to` of its plan, and the Host header stays as it is.
#[utoipa::path(
    post, path = "/tasks/{id}/runs", tag = "runs", params(("id" = String, Path)),
    responses((status = 201, description = "to be run", body = RunSummary))
)]
pub(super) async fn start(
    who: As<Operator>,
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
) -> Answer<(StatusCode, Json<RunSummary>)> {
    let task = tasks::find(&app, &id).await?;
    let run = start_task(&app, &who.0, task).await?;
    Ok((StatusCode::CREATED, Json(run.into())))
}

/// Makes a run of a task and wakes the scheduler.
pub(super) async fn start_task(app: &App, who: &Caller, task: TaskRecord) -> Answer<RunRecord> {
    let checked = check_plan(app, &task.plan).await?;
    let mut plan = task.plan;
    // Agents look names up by themselves, and whoever runs the name's DNS may answer otherwise then.
    if plan.target.connect_to.is_empty()
        && let Some(addresses) = checked.admitted.pinned()
    {
        plan.target.connect_to = addresses.to_vec();
    }
    let run = RunRecord {
        id: Ulid::new().to_string(),
        task: task.id,
        name: task.name,
        plan_hash: plan_hash(&plan),
        plan,
        owner: who.identity.name.clone(),
        created_unix_us: app.clock.now_unix_us(),
        ..RunRecord::default()
    };
    let admission = app.admission.lock().await;
    check_ceiling(app, &checked, peak_rate_per_s(&checked.compiled), &run.id).await?;
    app.store.create_run(&run).await?;
    drop(admission);
    app.nudge.notify_one();
    app.audit(who, "run.start", &run.id, &run.name).await;
    Ok(run)
}

/// Lists runs, newest first.
#[utoipa::path(
    get, path = "/runs", tag = "runs", params(RunQuery),
    responses((status = 200, description = "some of them", body = RunList))
)]
pub(super) async fn list(
    _who: As<Viewer>,
    State(app): State<Arc<App>>,
    Query(query): Query<RunQuery>,
) -> Answer<Json<RunList>> {
    let page = page(query.limit, query.offset)?;
    let states = states(query.state.as_deref().unwrap_or_default())?;
    let filter = RunFilter { task: query.task, states };
    let (runs, total) = app.store.runs(&filter, page).await?;
    let ids: Vec<_> = runs.iter().map(|run| run.id.clone()).collect();
    let agents = app.store.agent_counts(&ids).await?;
    let item = |run: RunRecord| {
        let count = agents.get(&run.id).copied().unwrap_or(0);
        RunItem::new(run, count)
    };
    Ok(Json(RunList { runs: runs.into_iter().map(item).collect(), total }))
}

/// Every state of a run that has not ended.
pub(super) const ACTIVE: [RunState; 5] =
    [RunState::Pending, RunState::Assigned, RunState::Ready, RunState::Running, RunState::Draining];

/// States that a list names.
pub(super) fn states(text: &str) -> Answer<Vec<RunState>> {
    let mut states = Vec::new();
    for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        if name == "active" {
            states.extend(ACTIVE);
            continue;
        }
        let state = serde_json::from_value(serde_json::Value::String(name.into()));
        let unknown = |_| ApiError::bad_request(format!("`{name}` is not a state of a run"));
        states.push(state.map_err(unknown)?);
    }
    states.sort_unstable();
    states.dedup();
    Ok(states)
}

/// The run with an id.
pub(super) async fn find(app: &App, id: &str) -> Answer<RunRecord> {
    app.store.run(id).await?.ok_or_else(|| ApiError::not_found("run", id))
}

/// Shows a run, its parts and its changes, and where it is by now.
#[utoipa::path(
    get, path = "/runs/{id}", tag = "runs", params(("id" = String, Path)),
    responses((status = 200, description = "the run", body = RunView))
)]
pub(super) async fn get(
    _who: As<Viewer>,
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
) -> Answer<Json<RunView>> {
    let run = find(&app, &id).await?;
    let parts = app.store.parts(&run.id).await?;
    let live = match is_final(run.state) {
        true => None,
        false => Some(app.live.of(app.store.as_ref(), &run.id).await?),
    };
    let agents: BTreeSet<_> = parts.iter().map(|part| part.agent.as_str()).collect();
    let agents = u32::try_from(agents.len()).unwrap_or(u32::MAX);
    Ok(Json(RunView {
        pace: pace_now(&app, &run).await,
        plan: run.plan.clone(),
        changes: run.changes.clone(),
        item: RunItem::new(run, agents),
        parts: parts.into_iter().map(PartView::from).collect(),
        live,
    }))
}

/// Which frames.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct FrameQuery {
    /// Those with a number above this; 0 by default.
    #[param(minimum = 0)]
    after: Option<i64>,
    /// How many, 100 by default.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// A merged frame.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FrameView {
    /// Its number: a second that is written again comes under a new one.
    number: i64,
    /// Seconds that it covers.
    width_s: u32,
    /// A document `acp.frame/1`.
    #[schema(value_type = Object)]
    frame: Frame,
}

impl From<StoredFrame> for FrameView {
    fn from(stored: StoredFrame) -> Self {
        Self { number: stored.number, width_s: stored.width_s, frame: stored.frame }
    }
}

/// Some frames.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FrameList {
    /// By number.
    frames: Vec<FrameView>,
}

/// Lists merged frames of a run, with their histograms.
#[utoipa::path(
    get, path = "/runs/{id}/frames", tag = "runs", params(("id" = String, Path), FrameQuery),
    responses((status = 200, description = "some of them", body = FrameList))
)]
pub(super) async fn frames(
    _who: As<Viewer>,
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Query(query): Query<FrameQuery>,
) -> Answer<Json<FrameList>> {
    let limit = query.limit.unwrap_or(FRAMES_DEFAULT);
    if !(1..=FRAMES_MAX).contains(&limit) {
        let text = format!("limit is {limit}, it goes from 1 to {FRAMES_MAX}");
        return Err(ApiError::bad_request(text));
    }
    let after = query.after.unwrap_or(0);
    if after < 0 {
        return Err(ApiError::bad_request("after is below 0"));
    }
    let run = find(&app, &id).await?;
    let frames = app.store.frames_after(&run.id, after, limit).await?;
    Ok(Json(FrameList { frames: frames.into_iter().map(FrameView::from).collect() }))
}

/// Adds an event of a run, with who did it. What it tells of has happened by then: where this fails,
/// the log has it.
pub(super) async fn add_event(app: &App, run: &RunRecord, by: &str, kind: &str, text: &str) {
    let now = app.clock.now_unix_us();
    // Run time counts from the end of the warm-up.
    let warmup_us = acp_plan::compile(&run.plan).map_or(0, |plan| plan.warmup_ns / 1_000);
    let at_us = run.t0_unix_us.map(|t0| now.cast_signed() - (t0 + warmup_us).cast_signed());
    add_event_at(app, run, at_us, by, kind, text).await;
}

/// The same for what takes effect at another moment than now.
pub(super) async fn add_event_at(
    app: &App,
    run: &RunRecord,
    at_us: Option<i64>,
    by: &str,
    kind: &str,
    text: &str,
) {
    let event = EventRecord {
        run: run.id.clone(),
        number: 0,
        at_unix_us: app.clock.now_unix_us(),
        at_us,
        kind: kind.into(),
        text: text.into(),
        by: by.into(),
    };
    if let Err(error) = app.store.add_event(&event).await {
        tracing::error!("failed to add {event:?}: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_read_from_a_list() {
        for (text, expected) in [
            ("", Some(0)),
            ("running", Some(1)),
            ("running, draining,", Some(2)),
            ("active", Some(5)),
            ("active,running", Some(5)),
            ("Running", None),
            ("running;done", None),
            ("gone", None),
        ] {
            assert_eq!(states(text).ok().map(|states| states.len()), expected, "`{text}`");
        }
    }
}
