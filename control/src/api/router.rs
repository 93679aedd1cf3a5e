//! Every route, and the server that serves them.

use super::app::{ApiStartError, App};
use super::error::ApiError;
use super::{
    agents, assets, audit, cluster, compare, datasets, desk, events, guard, health, legacy,
    openapi, plans, registry, reports, runs, series, session, steer, tasks, tokens, users,
};
use crate::auth::check_bind;
use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::decompression::RequestDecompressionLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

const BODY_BYTES_MAX: usize = 1 << 20;
const FRAMES_BYTES_MAX: usize = 32 << 20;
/// How long requests may take to end after the server was told to stop.
const STOP_GRACE: Duration = Duration::from_secs(5);

/// Routes of the API proper, with their description.
fn api() -> OpenApiRouter<Arc<App>> {
    let v1 = OpenApiRouter::new()
        .routes(routes!(plans::check))
        .routes(routes!(tasks::list, tasks::create))
        .routes(routes!(tasks::get, tasks::update, tasks::delete))
        .routes(routes!(tasks::clone))
        .routes(routes!(runs::start))
        .routes(routes!(runs::list))
        .routes(routes!(runs::get))
        .routes(routes!(runs::frames))
        .routes(routes!(series::series))
        .routes(routes!(steer::rate))
        .routes(routes!(steer::pause))
        .routes(routes!(steer::resume))
        .routes(routes!(steer::stop))
        .routes(routes!(steer::stop_all))
        .routes(routes!(reports::report))
        .routes(routes!(events::events))
        .routes(routes!(compare::compare))
        .routes(routes!(datasets::list))
        .routes(routes!(agents::list))
        .routes(routes!(agents::drain))
        .routes(routes!(agents::enable))
        .routes(routes!(agents::remove))
        .routes(routes!(agents::host))
        .routes(routes!(cluster::cluster))
        .routes(routes!(cluster::tree))
        .routes(routes!(session::login))
        .routes(routes!(session::logout))
        .routes(routes!(session::me))
        .routes(routes!(users::list))
        .routes(routes!(users::put, users::delete))
        .routes(routes!(tokens::list, tokens::create))
        .routes(routes!(tokens::delete))
        .routes(routes!(audit::list));
    OpenApiRouter::with_openapi(openapi::base()).nest("/api/v1", v1)
}

/// Routes of agents.
fn agent() -> Router<Arc<App>> {
    // The limit is of what comes out of gzip, so that a small body cannot become a large one.
    let frames = Router::new()
        .route("/agent/v1/frames", post(desk::frames))
        .layer(DefaultBodyLimit::max(FRAMES_BYTES_MAX))
        .layer(RequestDecompressionLayer::new());
    Router::new()
        .merge(frames)
        .route("/agent/v1/register", post(registry::register).delete(registry::deregister))
        .route("/agent/v1/assignment", get(registry::assignment))
        .route("/agent/v1/plans/{hash}", get(desk::plan))
        .route("/agent/v1/runs/{run}/changes", get(desk::changes))
        .route("/agent/v1/status", post(desk::status))
}

/// The description of the API, as JSON.
///
/// # Panics
///
/// Never: the description is plain data.
#[must_use]
#[expect(clippy::expect_used, reason = "the description is plain data")]
pub fn openapi_json() -> String {
    let api = openapi::finish(api().into_openapi());
    let mut text = api.to_pretty_json().expect("the description is valid JSON");
    text.push('\n');
    text
}

async fn description(State(app): State<Arc<App>>) -> impl IntoResponse {
    let text = app.openapi.get_or_init(openapi_json).clone();
    ([(header::CONTENT_TYPE, "application/json")], text)
}

async fn wrong_method() -> ApiError {
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "there is no such method here")
}

/// Every route of control.
pub fn router(app: Arc<App>) -> Router {
    let (api, _) = api().split_for_parts();
    api.merge(agent())
        .merge(legacy::router())
        .route("/api/openapi.json", get(description))
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(health::prometheus))
        .fallback(assets::file)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&app), guard::guard))
        // Streams of events are left as they are: what compresses holds back what it was given.
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest))
        .with_state(app)
}

/// Serves until [`super::AppParts::stop`] is cancelled.
///
/// # Errors
///
/// When the listener's address must not be open, or the socket breaks.
pub async fn serve(listener: TcpListener, app: Arc<App>) -> Result<(), ApiStartError> {
    let address = listener.local_addr().map_err(ApiStartError::Serve)?;
    check_bind(address, app.settings.auth)?;
    app.bound.get_or_init(|| address);
    tracing::info!("the API is at http://{address}");
    let stop = app.stop.clone();
    let service = router(app).into_make_service_with_connect_info::<SocketAddr>();
    let told = stop.clone();
    let server = axum::serve(listener, service)
        .with_graceful_shutdown(async move { told.cancelled().await })
        .into_future();
    let grace = async {
        stop.cancelled().await;
        tokio::time::sleep(STOP_GRACE).await;
    };
    tokio::select! {
        result = server => result.map_err(ApiStartError::Serve),
        () = grace => Ok(()),
    }
}
