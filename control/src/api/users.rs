//! Users: people with a password and a role.

use super::app::App;
use super::caller::{Admin, As, Auditor};
use super::error::{Answer, ApiError};
use crate::auth::Passwords;
use crate::clock::Clock;
use crate::store::{Role, Store, UserRecord};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

const NAME_MAX: usize = 64;

/// A user.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct UserView {
    /// Name.
    name: String,
    /// What they may do.
    role: Role,
    /// When they were made.
    created_unix_us: u64,
}

impl From<UserRecord> for UserView {
    fn from(user: UserRecord) -> Self {
        Self { name: user.name, role: user.role, created_unix_us: user.created_unix_us }
    }
}

/// Every user.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UserList {
    users: Vec<UserView>,
}

/// What to make of a user.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UserInput {
    /// What they may do.
    role: Role,
    /// 10 to 256 bytes; left out: the one they have.
    password: Option<String>,
}

/// Lists users.
#[utoipa::path(
    get, path = "/users", tag = "users",
    responses((status = 200, description = "all of them", body = UserList))
)]
pub(super) async fn list(_who: As<Auditor>, State(app): State<Arc<App>>) -> Answer<Json<UserList>> {
    let users = app.store.users().await?;
    Ok(Json(UserList { users: users.into_iter().map(UserView::from).collect() }))
}

/// Makes a user, or changes one. Their sessions end.
#[utoipa::path(
    put, path = "/users/{name}", tag = "users", params(("name" = String, Path)),
    request_body = UserInput, responses((status = 200, description = "done", body = UserView))
)]
pub(super) async fn put(
    who: As<Admin>,
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Json(input): Json<UserInput>,
) -> Answer<Json<UserView>> {
    check_name(&name)?;
    let before = app.store.user(&name).await?;
    if input.role != Role::Admin {
        check_not_last_admin(&app, &name).await?;
    }
    let password_hash = match (&input.password, &before) {
        (Some(password), _) => app.passwords.hash(password).await?,
        (None, Some(before)) => before.password_hash.clone(),
        (None, None) => return Err(ApiError::unprocessable("a new user needs a password")),
    };
    let now = app.clock.now_unix_us();
    let created_unix_us = before.map_or(now, |before| before.created_unix_us);
    let user = UserRecord { name, password_hash, role: input.role, created_unix_us };
    app.store.put_user(&user).await?;
    end_sessions(&app, &user.name).await?;
    let text = if input.password.is_some() { "with a new password" } else { "" };
    app.audit(&who.0, "user.put", &user.name, text).await;
    Ok(Json(user.into()))
}

/// Deletes a user. Their sessions end.
#[utoipa::path(
    delete, path = "/users/{name}", tag = "users", params(("name" = String, Path)),
    responses((status = 204, description = "deleted"))
)]
pub(super) async fn delete(
    who: As<Admin>,
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
) -> Answer<StatusCode> {
    // A database may take a name with blanks behind it for the same: such a name is nobody's.
    check_name(&name).map_err(|_| ApiError::not_found("user", &name))?;
    check_not_last_admin(&app, &name).await?;
    if !app.store.delete_user(&name).await? {
        return Err(ApiError::not_found("user", &name));
    }
    end_sessions(&app, &name).await?;
    app.audit(&who.0, "user.delete", &name, "").await;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes an administrator, or gives one another password: for a control that has no users yet.
///
/// # Errors
///
/// A sentence for whoever runs the command.
pub async fn put_admin(
    store: &dyn Store,
    clock: Clock,
    name: &str,
    password: &str,
) -> Result<(), String> {
    let explain = |error: ApiError| error.message;
    check_name(name).map_err(explain)?;
    let password_hash =
        Passwords::default().hash(password).await.map_err(|error| error.to_string())?;
    let created_unix_us = clock.now_unix_us();
    let user = UserRecord { name: name.into(), password_hash, role: Role::Admin, created_unix_us };
    store.put_user(&user).await.map_err(|error| error.to_string())
}

fn check_name(name: &str) -> Answer<()> {
    let is_good = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '@' | '+');
    if name.is_empty() || name.chars().count() > NAME_MAX || !name.chars().all(is_good) {
        return Err(ApiError::unprocessable(format!(
            "a user's name has 1 to {NAME_MAX} letters, digits and any of `._-@+`"
        )));
    }
    Ok(())
}

async fn check_not_last_admin(app: &App, name: &str) -> Answer<()> {
    let users = app.store.users().await?;
    let mut admins = users.iter().filter(|user| user.role == Role::Admin);
    let is_admin = admins.clone().any(|user| user.name == name);
    if is_admin && admins.all(|user| user.name == name) {
        return Err(ApiError::conflict(format!("`{name}` is the last administrator")));
    }
    Ok(())
}

async fn end_sessions(app: &App, user: &str) -> Answer<()> {
    for token in app.store.tokens().await?.iter().filter(|token| token.user == user) {
        app.store.delete_token(&token.id).await?;
    }
    Ok(())
}
