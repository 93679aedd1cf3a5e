//! The routes of direct mode over a [`DirectControl`], with a token.

use acp_coord::{CoordError, DirectControl, Gone, problem};
use acp_wire::agent::Registration;
use axum::extract::{Query, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub(crate) const TOKEN: &str = "token-of-agents";

/// A running server; ended when dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[derive(Deserialize)]
struct Who {
    agent: String,
    session: String,
    #[serde(default)]
    after: u64,
    #[serde(default)]
    wait_s: u64,
}

impl Server {
    pub(crate) async fn start(control: Arc<DirectControl>) -> Self {
        let router = Router::new()
            .route("/agent/v1/register", post(register).delete(deregister))
            .route("/agent/v1/assignment", get(assignment))
            .layer(from_fn(authorize))
            .with_state(control);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, task }
    }
}

async fn authorize(request: Request, next: Next) -> Response {
    let token = request.headers().get(header::AUTHORIZATION);
    if token.is_some_and(|token| *token == format!("Bearer {TOKEN}")) {
        return next.run(request).await;
    }
    StatusCode::UNAUTHORIZED.into_response()
}

fn refuse(error: &CoordError) -> Response {
    let (status, body) = problem(error);
    (StatusCode::from_u16(status).unwrap(), Json(body)).into_response()
}

async fn register(
    State(control): State<Arc<DirectControl>>,
    Json(registration): Json<Registration>,
) -> Response {
    match control.register(registration) {
        Ok(registered) => Json(registered).into_response(),
        Err(error) => refuse(&error),
    }
}

async fn deregister(State(control): State<Arc<DirectControl>>, who: Query<Who>) -> StatusCode {
    control.deregister(&who.agent, &who.session);
    StatusCode::NO_CONTENT
}

async fn assignment(State(control): State<Arc<DirectControl>>, who: Query<Who>) -> Response {
    let wait = Duration::from_secs(who.wait_s);
    match control.assignment_after(&who.agent, &who.session, who.after, wait).await {
        Ok(Some(assignment)) => Json(&*assignment).into_response(),
        Ok(None) => StatusCode::NO_CONTENT.into_response(),
        Err(Gone) => StatusCode::GONE.into_response(),
    }
}
