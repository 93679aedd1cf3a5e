//! What agents ask and say, besides registering: plans, changes, frames, status.

use super::app::App;
use super::caller::AsAgent;
use super::error::{Answer, ApiError};
use super::plans::plan_json;
use super::runs::find;
use acp_wire::agent::{Change, Contact, FrameBatch, Status};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::IntoResponse;
use std::sync::Arc;
use std::sync::atomic::Ordering;

const NAME_MAX: usize = 64;

/// The plan with a hash: the very bytes that the hash is of.
pub(super) async fn plan(
    _agent: AsAgent,
    State(app): State<Arc<App>>,
    Path(hash): Path<String>,
) -> Answer<impl IntoResponse> {
    let plan = app.store.plan(&hash).await?.ok_or_else(|| ApiError::not_found("plan", &hash))?;
    Ok(([(header::CONTENT_TYPE, "application/json")], plan_json(&plan)))
}

/// Every change of a run so far.
pub(super) async fn changes(
    _agent: AsAgent,
    State(app): State<Arc<App>>,
    Path(run): Path<String>,
) -> Answer<Json<Vec<Change>>> {
    Ok(Json(find(&app, &run).await?.changes))
}

/// Takes frames.
pub(super) async fn frames(
    _agent: AsAgent,
    State(app): State<Arc<App>>,
    Json(batch): Json<FrameBatch>,
) -> Answer<Json<Contact>> {
    check_agent(&batch.agent)?;
    let count: usize = batch.parts.iter().map(|part| part.frames.len()).sum();
    let contact = app.desk.frames(&batch).await;
    app.frames_taken.fetch_add(count as u64, Ordering::Relaxed);
    Ok(Json(contact))
}

/// Takes the state of an agent.
pub(super) async fn status(
    _agent: AsAgent,
    State(app): State<Arc<App>>,
    Json(status): Json<Status>,
) -> Answer<Json<Contact>> {
    check_agent(&status.info.agent)?;
    let contact = app.desk.status(&status).await;
    app.statuses.put(status, app.clock.now_unix_us());
    Ok(Json(contact))
}

/// Names of agents end up in paths and labels.
pub(super) fn check_agent(name: &str) -> Answer<()> {
    let is_good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | ':' | '-');
    if name.is_empty() || name.len() > NAME_MAX || !name.chars().all(is_good) {
        return Err(ApiError::unprocessable(format!(
            "an agent's name has 1 to {NAME_MAX} letters, digits and any of `._:-`"
        )));
    }
    Ok(())
}
