//! Where agents register when there is no ZooKeeper: their sessions and their assignments.

use super::app::App;
use super::caller::AsAgent;
use super::desk::check_agent;
use super::error::{Answer, ApiError};
use acp_coord::{DirectControl, Gone, problem};
use acp_wire::agent::{Registered, Registration};
use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;

/// A poll is answered after this at the latest.
const WAIT_S_MAX: u64 = 60;

fn direct(app: &App) -> Answer<&DirectControl> {
    let none = || {
        let text = "agents of this control register with its coordinator\nhint: give the agent its address";
        ApiError::new(StatusCode::NOT_FOUND, text)
    };
    app.direct.as_deref().ok_or_else(none)
}

fn gone(gone: Gone) -> ApiError {
    ApiError::new(StatusCode::GONE, gone.to_string())
}

/// Seats an agent.
pub(super) async fn register(
    _agent: AsAgent,
    State(app): State<Arc<App>>,
    Json(registration): Json<Registration>,
) -> Answer<Result<Json<Registered>, Response>> {
    check_agent(&registration.info.agent)?;
    Ok(direct(&app)?.register(registration).map(Json).map_err(|error| {
        // Agents know these by their own codes.
        let (status, body) = problem(&error);
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, Json(body)).into_response()
    }))
}

/// Whose session.
#[derive(Deserialize)]
pub(super) struct SessionQuery {
    agent: String,
    session: String,
}

/// Ends a session.
pub(super) async fn deregister(
    _agent: AsAgent,
    State(app): State<Arc<App>>,
    Query(query): Query<SessionQuery>,
) -> Answer<StatusCode> {
    direct(&app)?.deregister(&query.agent, &query.session);
    Ok(StatusCode::NO_CONTENT)
}

/// Which assignment.
#[derive(Deserialize)]
pub(super) struct AssignmentQuery {
    agent: String,
    session: String,
    /// The revision that the agent has.
    #[serde(default)]
    after: u64,
    /// How long to wait for a newer one.
    #[serde(default)]
    wait_s: u64,
}

/// The assignment of an agent once it is newer than the one it has; nothing (204) after the wait.
pub(super) async fn assignment(
    _agent: AsAgent,
    State(app): State<Arc<App>>,
    Query(query): Query<AssignmentQuery>,
) -> Answer<Response> {
    let AssignmentQuery { agent, session, after, wait_s } = query;
    let wait = Duration::from_secs(wait_s.min(WAIT_S_MAX));
    let direct = direct(&app)?;
    let found = tokio::select! {
        found = direct.assignment_after(&agent, &session, after, wait) => found.map_err(gone)?,
        // The agent asks again, perhaps somebody else.
        () = app.stop.cancelled() => None,
    };
    Ok(match found {
        Some(assignment) => Json(assignment.as_ref()).into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    })
}
