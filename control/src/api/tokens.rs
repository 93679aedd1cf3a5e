//! Tokens of programs.

use super::app::App;
use super::caller::{Admin, As, Auditor};
use super::error::{Answer, ApiError};
use crate::auth::{hash_hex, new_token};
use crate::store::{Role, TokenRecord};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use ulid::Ulid;
use utoipa::ToSchema;

const NAME_MAX: usize = 100;
const DAY_US: u64 = 24 * 3_600_000_000;
const DAYS_MAX: u32 = 3_650;

/// A token, without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TokenView {
    /// Id.
    id: String,
    /// Name for people.
    name: String,
    /// Whose session it is; empty for tokens of programs.
    user: String,
    /// What it is good for.
    role: Role,
    /// When it was made.
    created_unix_us: u64,
    /// When it ends.
    expires_unix_us: Option<u64>,
}

impl From<TokenRecord> for TokenView {
    fn from(token: TokenRecord) -> Self {
        let TokenRecord { id, name, user, role, created_unix_us, expires_unix_us, .. } = token;
        Self { id, name, user, role, created_unix_us, expires_unix_us }
    }
}

/// Every token.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TokenList {
    tokens: Vec<TokenView>,
}

/// A token to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenInput {
    /// Name for people.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// What it is good for.
    role: Role,
    /// Days until it ends; left out: it does not.
    #[schema(minimum = 1, maximum = 3650)]
    days: Option<u32>,
}

/// A new token.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct NewToken {
    #[serde(flatten)]
    token: TokenView,
    /// The token itself. It is shown only here.
    secret: String,
}

/// Lists tokens and sessions.
#[utoipa::path(
    get, path = "/tokens", tag = "users",
    responses((status = 200, description = "all of them", body = TokenList))
)]
pub(super) async fn list(
    _who: As<Auditor>,
    State(app): State<Arc<App>>,
) -> Answer<Json<TokenList>> {
    let tokens = app.store.tokens().await?;
    Ok(Json(TokenList { tokens: tokens.into_iter().map(TokenView::from).collect() }))
}

/// Makes a token for a program.
#[utoipa::path(
    post, path = "/tokens", tag = "users", request_body = TokenInput,
    responses((status = 201, description = "made", body = NewToken))
)]
pub(super) async fn create(
    who: As<Admin>,
    State(app): State<Arc<App>>,
    Json(input): Json<TokenInput>,
) -> Answer<(StatusCode, Json<NewToken>)> {
    let name = input.name.trim();
    if name.is_empty() || name.chars().count() > NAME_MAX {
        return Err(ApiError::unprocessable(format!("a name has 1 to {NAME_MAX} characters")));
    }
    if input.days.is_some_and(|days| !(1..=DAYS_MAX).contains(&days)) {
        return Err(ApiError::unprocessable(format!("days go from 1 to {DAYS_MAX}")));
    }
    let secret = new_token();
    let now = app.clock.now_unix_us();
    let token = TokenRecord {
        id: Ulid::new().to_string(),
        hash: hash_hex(&secret),
        name: name.into(),
        user: String::new(),
        role: input.role,
        created_unix_us: now,
        expires_unix_us: input.days.map(|days| now + u64::from(days) * DAY_US),
    };
    app.store.put_token(&token).await?;
    app.audit(&who.0, "token.create", &token.id, &token.name).await;
    Ok((StatusCode::CREATED, Json(NewToken { token: token.into(), secret })))
}

/// Ends a token or a session.
#[utoipa::path(
    delete, path = "/tokens/{id}", tag = "users", params(("id" = String, Path)),
    responses((status = 204, description = "ended"))
)]
pub(super) async fn delete(
    who: As<Admin>,
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
) -> Answer<StatusCode> {
    if !app.store.delete_token(&id).await? {
        return Err(ApiError::not_found("token", &id));
    }
    app.audit(&who.0, "token.delete", &id, "").await;
    Ok(StatusCode::NO_CONTENT)
}
