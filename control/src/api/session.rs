//! Logging in and out, and who one is.

use super::app::{App, Caller};
use super::caller::{As, SignedIn, Viewer, address};
use super::error::{Answer, ApiError};
use crate::auth::{Identity, SESSION_COOKIE, Via, check_origin, hash_hex, new_token};
use crate::store::{Role, TokenRecord, UserRecord};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::{Cookie, SameSite};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use ulid::Ulid;
use utoipa::ToSchema;

const HOUR_US: u64 = 3_600_000_000;

/// A name and its password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Login {
    user: String,
    password: String,
}

/// Who one is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Me {
    /// Name of the user or the token; `local` where there is no login.
    name: String,
    /// What one may do.
    role: Role,
    /// Whether there is a login at all.
    auth: bool,
}

/// Says who one is.
#[utoipa::path(
    get, path = "/me", tag = "session",
    responses((status = 200, description = "that is who", body = Me))
)]
pub(super) async fn me(who: As<Viewer>, State(app): State<Arc<App>>) -> Json<Me> {
    let Identity { name, role, .. } = who.0.identity;
    Json(Me { name, role, auth: app.settings.auth })
}

/// From where a login comes. Nobody is known yet, so there is no [`Caller`].
pub(super) struct Origin {
    address: String,
    is_own_page: bool,
}

impl axum::extract::FromRequestParts<Arc<App>> for Origin {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _app: &Arc<App>) -> Result<Self, ApiError> {
        let is_own_page = check_origin(&parts.headers, &parts.uri);
        Ok(Self { address: address(parts), is_own_page })
    }
}

/// Logs a browser in: the answer sets a cookie.
#[utoipa::path(
    post, path = "/login", tag = "session", request_body = Login, security(()),
    responses((status = 200, description = "logged in", body = Me))
)]
pub(super) async fn login(
    origin: Origin,
    State(app): State<Arc<App>>,
    jar: CookieJar,
    Json(login): Json<Login>,
) -> Answer<(CookieJar, Json<Me>)> {
    if !origin.is_own_page {
        return Err(ApiError::forbidden("this does not come from the page of this control"));
    }
    if !app.settings.auth {
        return Err(ApiError::conflict("there is no login here\nhint: `auth` is off"));
    }
    let user = check_password(&app, &login, &origin.address).await?;
    let secret = new_token();
    let now = app.clock.now_unix_us();
    let token = TokenRecord {
        id: Ulid::new().to_string(),
        hash: hash_hex(&secret),
        name: "session".into(),
        user: user.name.clone(),
        role: user.role,
        created_unix_us: now,
        expires_unix_us: Some(now + u64::from(app.settings.session_hours) * HOUR_US),
    };
    forget_ended_sessions(&app, now).await?;
    app.store.put_token(&token).await?;
    let via = Via::Session(token.id.clone());
    let identity = Identity { name: user.name.clone(), role: user.role, via };
    let caller = Caller { identity, address: origin.address };
    app.audit(&caller, "login", &user.name, "").await;
    let me = Me { name: user.name, role: user.role, auth: true };
    Ok((jar.add(cookie(&app, secret)), Json(me)))
}

async fn check_password(app: &App, login: &Login, address: &str) -> Answer<UserRecord> {
    let keys = [format!("user {}", hash_hex(&login.user)), format!("address {address}")];
    let begun = app.attempts.begin(&keys, app.clock.now_unix_us());
    begun.map_err(|seconds| ApiError {
        retry_after_s: Some(seconds),
        ..ApiError::new(
            StatusCode::TOO_MANY_REQUESTS,
            format!("too many failed logins\nhint: try again in {seconds} s"),
        )
    })?;
    let user = app.store.user(&login.user).await?;
    let hash = user.as_ref().map(|user| user.password_hash.as_str());
    let is_good = app.passwords.verify(&login.password, hash).await?;
    match user.filter(|_| is_good) {
        Some(user) => {
            app.attempts.succeed(&keys);
            Ok(user)
        }
        None => {
            tracing::warn!("failed login from {address}");
            Err(ApiError::new(StatusCode::UNAUTHORIZED, "wrong user or password"))
        }
    }
}

async fn forget_ended_sessions(app: &App, now_unix_us: u64) -> Answer<()> {
    for token in app.store.tokens().await? {
        let is_over = token.expires_unix_us.is_some_and(|end| end <= now_unix_us);
        if is_over && !token.user.is_empty() {
            app.store.delete_token(&token.id).await?;
        }
    }
    Ok(())
}

fn cookie(app: &App, secret: String) -> Cookie<'static> {
    Cookie::build((SESSION_COOKIE, secret))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Strict)
        .secure(app.settings.https)
        .build()
}

/// Ends the session of a browser.
#[utoipa::path(
    post, path = "/logout", tag = "session",
    responses((status = 204, description = "logged out"))
)]
pub(super) async fn logout(
    who: As<SignedIn>,
    State(app): State<Arc<App>>,
    jar: CookieJar,
) -> Answer<(CookieJar, StatusCode)> {
    if let Via::Session(id) = &who.0.identity.via {
        app.store.delete_token(id).await?;
        app.audit(&who.0, "logout", &who.0.identity.name, "").await;
    }
    Ok((jar.remove(cookie(&app, String::new())), StatusCode::NO_CONTENT))
}
