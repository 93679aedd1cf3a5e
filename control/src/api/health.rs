//! Whether this control lives, whether it can work, and its numbers for Prometheus.

use super::app::App;
use super::caller::{As, Viewer};
use super::error::{Answer, ApiError};
use crate::metrics;
use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use serde_json::{Value, json};
use std::sync::Arc;

/// It answers.
pub(super) async fn healthz() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

/// Store and coordinator answer too.
pub(super) async fn readyz(State(app): State<Arc<App>>) -> Answer<Json<Value>> {
    app.store.ping().await?;
    if !app.coord.membership().borrow().is_current {
        return Err(ApiError::unavailable("the coordinator cannot be reached now"));
    }
    Ok(Json(json!({ "status": "ready" })))
}

/// See [`metrics`].
pub(super) async fn prometheus(
    _who: As<Viewer>,
    State(app): State<Arc<App>>,
) -> Answer<impl IntoResponse> {
    let text = metrics::render(&app).await?;
    Ok(([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text))
}
