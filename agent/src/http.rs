//! The agent's own HTTP: `/metrics` for Prometheus, `/healthz` for whoever asks whether it is well.

use crate::metrics::Snapshot;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// Serves until it is dropped.
pub(crate) async fn serve(
    listener: TcpListener,
    snapshot: watch::Receiver<Snapshot>,
) -> std::io::Result<()> {
    let router = Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(health))
        .with_state(snapshot);
    axum::serve(listener, router).await
}

async fn metrics(State(snapshot): State<watch::Receiver<Snapshot>>) -> Response {
    let text = snapshot.borrow().exposition();
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}

/// An agent that nobody could give work to is not well.
async fn health(State(snapshot): State<watch::Receiver<Snapshot>>) -> Response {
    let snapshot = snapshot.borrow().clone();
    let is_well = snapshot.is_registered && !snapshot.is_draining;
    let status = if is_well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(snapshot)).into_response()
}
