//! What a client is told when something cannot be done, and what the log is told.
//!
//! Every answer that is not a success is `{"error":{"code","message","hint"}}`, also those that the
//! HTTP library makes by itself: [`as_json`] rewrites them.

use crate::auth::{PasswordError, TargetError};
use crate::store::StoreError;
use acp_coord::CoordError;
use acp_plan::PlanError;
use acp_report::rules::RuleError;
use acp_wire::agent::{ErrorBody, ErrorText};
use axum::Json;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// Bytes of a library's own message that are passed on.
const MESSAGE_MAX: usize = 4096;

/// An answer that is not a success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// Status.
    pub status: StatusCode,
    /// A sentence for people.
    pub message: String,
    /// What to do; may be empty.
    pub hint: String,
    /// When to try again.
    pub retry_after_s: Option<u64>,
}

/// Result of a handler.
pub type Answer<T> = Result<T, ApiError>;

impl ApiError {
    /// An error with a status and a sentence. A hint may follow it in a line of its own.
    pub fn new(status: StatusCode, text: impl Into<String>) -> Self {
        let text = text.into();
        let (message, hint) = text.split_once("\nhint: ").unwrap_or((&text, ""));
        Self { status, message: message.into(), hint: hint.into(), retry_after_s: None }
    }

    /// There is no such thing.
    #[must_use]
    pub fn not_found(what: &str, id: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("there is no {what} `{id}`"))
    }

    /// What is asked for contradicts how things are.
    pub fn conflict(text: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, text)
    }

    /// What is asked for can be read, and cannot be done.
    pub fn unprocessable(text: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, text)
    }

    /// A parameter is not what it should be.
    pub fn bad_request(text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, text)
    }

    /// The caller may not do that.
    pub fn forbidden(text: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, text)
    }

    /// Try again later.
    pub fn unavailable(text: impl Into<String>) -> Self {
        Self { retry_after_s: Some(1), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, text) }
    }

    /// Nothing that the caller can do anything about: the details go to the log.
    pub fn internal(what: &dyn std::fmt::Display) -> Self {
        tracing::error!("{what}");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "control has failed; its log says why")
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let error =
            ErrorText { code: code(self.status).into(), message: self.message, hint: self.hint };
        let mut response = (self.status, Json(ErrorBody { error })).into_response();
        if let Some(seconds) = self.retry_after_s {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static("Bearer");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
        }
        response
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(why) => {
                tracing::warn!("failed to use the database: {why}");
                Self::unavailable("the database cannot be used now\nhint: try again in a moment")
            }
            StoreError::Exists(_) | StoreError::Conflict(_) => Self::conflict(error.to_string()),
            StoreError::BadRecord(_) | StoreError::Settings(_) => Self::internal(&error),
        }
    }
}

impl From<CoordError> for ApiError {
    fn from(error: CoordError) -> Self {
        match error {
            CoordError::Unreachable { .. } => {
                tracing::warn!("{error}");
                Self::unavailable("the coordinator cannot be reached now")
            }
            CoordError::StaleLeader { .. } => {
                Self::unavailable("this control does not lead any more\nhint: try again")
            }
            CoordError::NameTaken { .. } => Self::conflict(error.to_string()),
            CoordError::Refused { .. }
            | CoordError::BadDocument { .. }
            | CoordError::Settings(_) => Self::internal(&error),
        }
    }
}

impl From<PlanError> for ApiError {
    fn from(error: PlanError) -> Self {
        Self::unprocessable(error.to_string())
    }
}

impl From<RuleError> for ApiError {
    fn from(error: RuleError) -> Self {
        Self::unprocessable(error.to_string())
    }
}

impl From<TargetError> for ApiError {
    fn from(error: TargetError) -> Self {
        match error {
            TargetError::NotAllowed(_) | TargetError::Resolves { .. } => {
                Self::forbidden(error.to_string())
            }
            _ => Self::unprocessable(error.to_string()),
        }
    }
}

impl From<PasswordError> for ApiError {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Length => Self::unprocessable(error.to_string()),
            PasswordError::Hash(_) => Self::internal(&error),
        }
    }
}

/// The stable name of a status.
fn code(status: StatusCode) -> &'static str {
    match status.as_u16() {
        401 => "unauthorized",
        403 => "forbidden",
        404 => "not_found",
        405 => "method_not_allowed",
        409 => "conflict",
        410 => "gone",
        413 => "too_large",
        415 => "unsupported_media_type",
        422 => "unprocessable",
        429 => "too_many_requests",
        503 => "unavailable",
        400..=499 => "bad_request",
        _ => "internal",
    }
}

/// Gives an error that the HTTP library has answered by itself the shape of ours.
pub(super) async fn as_json(response: Response) -> Response {
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error();
    let kind = response.headers().get(header::CONTENT_TYPE);
    let is_json = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    if !is_error || is_json {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let text = to_bytes(body, MESSAGE_MAX).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&text).trim().to_owned();
    let usual = status.canonical_reason().unwrap_or("failed").to_lowercase();
    let error = ApiError::new(status, if text.is_empty() { usual } else { text });
    let (own, body) = error.into_response().into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.extend(own.headers);
    Response::from_parts(parts, Body::new(body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_others_get_the_right_status() {
        let unreachable = CoordError::Unreachable { coordinator: "zk".into(), why: "gone".into() };
        for (error, status, message, hint) in [
            (ApiError::from(StoreError::Unavailable("secret".into())), 503, "database", "again"),
            (StoreError::Exists("task `1`".into()).into(), 409, "task `1`", ""),
            (StoreError::Conflict("run `1`".into()).into(), 409, "run `1`", ""),
            (StoreError::BadRecord("secret".into()).into(), 500, "its log", ""),
            (unreachable.into(), 503, "coordinator", ""),
            (CoordError::StaleLeader { epoch: 1 }.into(), 503, "lead", "again"),
            (CoordError::Settings("secret".into()).into(), 500, "its log", ""),
            (PlanError::NoRate.into(), 422, "rate", ""),
            (PlanError::RateInClosedLoop.into(), 422, "closed loop", "load.model"),
            (TargetError::NotAllowed("a:80".into()).into(), 403, "`a:80`", "--allow"),
            (TargetError::NoRate("a".into()).into(), 422, "closed loop", "load.model"),
            (PasswordError::Length.into(), 422, "bytes", ""),
        ] {
            assert_eq!(error.status.as_u16(), status, "{error:?}");
            assert!(error.message.contains(message) && error.hint.contains(hint), "{error:?}");
            assert!(!error.message.contains("secret"), "{error:?}");
        }
    }

    #[tokio::test]
    async fn answers_of_the_library_are_rewritten() {
        for (response, message) in [
            (StatusCode::METHOD_NOT_ALLOWED.into_response(), "method not allowed"),
            ((StatusCode::BAD_REQUEST, "bad query").into_response(), "bad query"),
            ((StatusCode::PAYLOAD_TOO_LARGE, "x".repeat(9999)).into_response(), "payload"),
        ] {
            let status = response.status();
            let response = as_json(response).await;
            assert_eq!(response.status(), status);
            let bytes = to_bytes(response.into_body(), 99_999).await.unwrap();
            let body: ErrorBody = serde_json::from_slice(&bytes).unwrap();
            assert!(body.error.message.contains(message), "{body:?}");
        }
        let untouched = as_json((StatusCode::OK, "fine").into_response()).await;
        assert_eq!(to_bytes(untouched.into_body(), 99).await.unwrap(), "fine");
    }
}
