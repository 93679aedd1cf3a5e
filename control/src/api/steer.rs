//! Steering a run: its rate, pause, resume, stop.
//!
//! Each reads the run, changes the record and writes it if nobody else has meanwhile; the scheduler
//! does the rest.

use super::app::{App, Caller};
use super::caller::{As, Operator};
use super::error::{Answer, ApiError};
use super::plans::{Checked, check_ceiling};
use super::runs::{RunSummary, add_event, add_event_at, find};
use super::states::{is_final, state_name};
use crate::schedule::next_change;
use crate::store::{Intent, RunRecord, StoreError};
use acp_wire::agent::ChangeKind;
use acp_wire::units::parse_rate;
use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// The scheduler writes a run at most a few times a second.
const CONFLICTS_MAX: u32 = 10;

/// A new rate.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RateInput {
    /// Total rate from now on: `20k`, `300/m`.
    #[schema(example = "20k")]
    rate: String,
}

/// Changes the rate of the rest of an open loop.
#[utoipa::path(
    post, path = "/runs/{id}/rate", tag = "runs", params(("id" = String, Path)),
    request_body = RateInput, responses((status = 200, description = "changed", body = RunSummary))
)]
pub(super) async fn rate(
    who: As<Operator>,
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Json(input): Json<RateInput>,
) -> Answer<Json<RunSummary>> {
    change_rate(&app, &who.0, &id, input.rate).await.map(|run| Json(run.into()))
}

/// See [`rate`].
pub(super) async fn change_rate(
    app: &App,
    who: &Caller,
    id: &str,
    rate: String,
) -> Answer<RunRecord> {
    let bad = |error: acp_wire::units::UnitError| ApiError::unprocessable(error.to_string());
    let per_s = parse_rate(&rate).map_err(bad)?.per_second();
    if per_s > acp_plan::pace::MAX_RATE_PER_S as f64 {
        return Err(ApiError::unprocessable(acp_plan::pace::PaceError::TooFast.to_string()));
    }
    let run = find(app, id).await?;
    let compiled = acp_plan::compile(&run.plan)?;
    if compiled.is_open_loop() {
        let admitted = app.targets.admit_run(&compiled).await?;
        let admission = app.admission.lock().await;
        check_ceiling(app, &Checked { compiled, admitted }, Some(per_s), id).await?;
        let run = change(app, who, id, ChangeKind::Rate(rate)).await;
        drop(admission);
        return run;
    }
    change(app, who, id, ChangeKind::Rate(rate)).await
}

/// Pauses a run: nothing is due until it is resumed, and the clock of its schedule goes on.
#[utoipa::path(
    post, path = "/runs/{id}/pause", tag = "runs", params(("id" = String, Path)),
    responses((status = 200, description = "paused", body = RunSummary))
)]
pub(super) async fn pause(
    who: As<Operator>,
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
) -> Answer<Json<RunSummary>> {
    change(&app, &who.0, &id, ChangeKind::Pause).await.map(|run| Json(run.into()))
}

/// Resumes a paused run where its schedule is by then.
#[utoipa::path(
    post, path = "/runs/{id}/resume", tag = "runs", params(("id" = String, Path)),
    responses((status = 200, description = "resumed", body = RunSummary))
)]
pub(super) async fn resume(
    who: As<Operator>,
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
) -> Answer<Json<RunSummary>> {
    change(&app, &who.0, &id, ChangeKind::Resume).await.map(|run| Json(run.into()))
}

/// Stops a run. Asking again, or once it has ended, changes nothing.
#[utoipa::path(
    post, path = "/runs/{id}/stop", tag = "runs", params(("id" = String, Path)),
    responses((status = 200, description = "to be stopped", body = RunSummary))
)]
pub(super) async fn stop(
    who: As<Operator>,
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
) -> Answer<Json<RunSummary>> {
    Ok(Json(stop_run(&app, &who.0, &id).await?.0.into()))
}

/// What became of every active run.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct StopAll {
    /// Runs that are to stop now.
    stopped: Vec<String>,
    /// Runs that could not be stopped, with the reason.
    failed: Vec<StopFailure>,
}

/// A run that could not be stopped.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct StopFailure {
    run: String,
    message: String,
}

/// Stops every run that has not ended.
#[utoipa::path(
    post, path = "/stop-all", tag = "runs",
    responses((status = 200, description = "to be stopped", body = StopAll))
)]
pub(super) async fn stop_all(
    who: As<Operator>,
    State(app): State<Arc<App>>,
) -> Answer<Json<StopAll>> {
    let mut answer = StopAll { stopped: Vec::new(), failed: Vec::new() };
    for run in app.store.active_runs().await? {
        match stop_run(&app, &who.0, &run.id).await {
            Ok((_, true)) => answer.stopped.push(run.id),
            Ok((_, false)) => {}
            Err(error) => {
                answer.failed.push(StopFailure { run: run.id, message: error.message });
            }
        }
    }
    Ok(Json(answer))
}

/// Stops a run; the flag says whether it was to go on before.
pub(super) async fn stop_run(app: &App, who: &Caller, id: &str) -> Answer<(RunRecord, bool)> {
    let name = &who.identity.name;
    let reason = format!("stopped by {name}");
    let (run, changed) = write(app, id, |run| {
        if is_final(run.state) || matches!(run.intent, Intent::Stop { .. }) {
            return Ok(false);
        }
        run.intent = Intent::Stop { kind: "user".into(), reason: reason.clone() };
        Ok(true)
    })
    .await?;
    if changed {
        app.nudge.notify_one();
        let text = format!("{reason}, while {}", state_name(run.state));
        add_event(app, &run, name, "stop", &text).await;
        app.audit(who, "run.stop", id, &run.name).await;
    }
    Ok((run, changed))
}

async fn change(app: &App, who: &Caller, id: &str, kind: ChangeKind) -> Answer<RunRecord> {
    let (run, _) = write(app, id, |run| {
        let now = app.clock.now_unix_us();
        // The ceiling is checked before: it counts every run on the target.
        let change =
            next_change(run, kind.clone(), now, app.change_delay_us, None).map_err(|refusal| {
                ApiError { hint: refusal.hint, ..ApiError::conflict(refusal.text) }
            })?;
        run.changes.push(change);
        Ok(true)
    })
    .await?;
    app.nudge.notify_one();
    let at_us = run.changes.last().map_or(0, |change| change.at_us);
    let at_s = at_us as f64 / 1e6;
    let (action, what) = match &kind {
        ChangeKind::Rate(rate) => ("rate", format!("rate {rate}")),
        ChangeKind::Pause => ("pause", "paused".into()),
        ChangeKind::Resume => ("resume", "resumed".into()),
    };
    let text = format!("{what} from {at_s:.3} s on");
    let at_us = i64::try_from(at_us).ok();
    add_event_at(app, &run, at_us, &who.identity.name, action, &text).await;
    app.audit(who, &format!("run.{action}"), id, &text).await;
    Ok(run)
}

/// Reads a run, lets `edit` change it, and writes it if `edit` says so; again if somebody else was
/// faster.
async fn write(
    app: &App,
    id: &str,
    edit: impl Fn(&mut RunRecord) -> Answer<bool>,
) -> Answer<(RunRecord, bool)> {
    for _ in 0..CONFLICTS_MAX {
        let mut run = find(app, id).await?;
        if !edit(&mut run)? {
            return Ok((run, false));
        }
        match app.store.update_run(&run).await {
            Ok(()) => return Ok((run, true)),
            Err(StoreError::Conflict(_)) => tokio::task::yield_now().await,
            Err(error) => return Err(error.into()),
        }
    }
    Err(ApiError::conflict(format!("run `{id}` changes all the time\nhint: try again")))
}
