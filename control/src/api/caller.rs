//! The role that a handler needs, as its first argument: `who: As<Operator>`.
//!
//! Whatever comes after it (path, query, body) is looked at only when the role is there.

use super::app::{App, Caller};
use super::error::ApiError;
use crate::auth::{Identity, Via, bearer, check_origin, identify, same};
use crate::store::Role;
use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::StatusCode;
use axum::http::request::Parts;
use std::marker::PhantomData;
use std::net::SocketAddr;
use std::sync::Arc;

/// The header that only our own page sends with a session.
const CSRF_HEADER: &str = "x-acp-csrf";

/// A role, and whether what is done with it changes anything.
pub(crate) trait Need: Send + Sync {
    const ROLE: Role;
    const IS_WRITE: bool = true;
}

macro_rules! needs {
    ($($(#[$doc:meta])* $name:ident = $role:ident, $write:literal;)*) => {$(
        $(#[$doc])*
        pub(crate) struct $name;
        impl Need for $name {
            const ROLE: Role = Role::$role;
            const IS_WRITE: bool = $write;
        }
    )*};
}

needs! {
    /// Looks at runs.
    Viewer = Viewer, false;
    /// Ends their own session.
    SignedIn = Viewer, true;
    /// Asks what only operators need to know.
    Planner = Operator, false;
    /// Creates, starts, changes and stops.
    Operator = Operator, true;
    /// Looks at users, tokens and what was done.
    Auditor = Admin, false;
    /// Changes agents, users and tokens.
    Admin = Admin, true;
}

/// A caller who has the role.
pub(crate) struct As<N>(pub(crate) Caller, PhantomData<N>);

impl<N: Need> FromRequestParts<Arc<App>> for As<N> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let identity = who(app, parts).await?;
        if N::IS_WRITE {
            check_not_forged(parts, &identity)?;
        }
        if identity.role < N::ROLE {
            let (has, needs) = (name(identity.role), name(N::ROLE));
            return Err(ApiError::forbidden(format!("this needs the role `{needs}`, not `{has}`")));
        }
        Ok(Self(Caller { identity, address: address(parts) }, PhantomData))
    }
}

async fn who(app: &App, parts: &Parts) -> Result<Identity, ApiError> {
    if !app.settings.auth {
        return Ok(Identity::local());
    }
    let found = identify(app.store.as_ref(), &parts.headers, app.clock.now_unix_us()).await?;
    found.ok_or_else(|| {
        ApiError::new(
            StatusCode::UNAUTHORIZED,
            "this needs a login\nhint: log in, or send `Authorization: Bearer TOKEN`",
        )
    })
}

/// A browser sends cookies, and reaches loopback, for pages of others too: those must not write.
fn check_not_forged(parts: &Parts, identity: &Identity) -> Result<(), ApiError> {
    let is_marked = || parts.headers.get(CSRF_HEADER).is_some_and(|value| value == "1");
    let is_good = match identity.via {
        Via::Token => true,
        Via::Local => check_origin(&parts.headers, &parts.uri),
        Via::Session(_) => check_origin(&parts.headers, &parts.uri) && is_marked(),
    };
    if is_good {
        return Ok(());
    }
    Err(ApiError::forbidden(format!(
        "this does not come from the page of this control\nhint: programs use a token; pages send `{CSRF_HEADER}: 1`"
    )))
}

pub(super) fn address(parts: &Parts) -> String {
    let info = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    info.map(|info| info.0.ip().to_canonical().to_string()).unwrap_or_default()
}

fn name(role: Role) -> &'static str {
    match role {
        Role::Viewer => "viewer",
        Role::Operator => "operator",
        Role::Admin => "admin",
    }
}

/// An agent: it has the agents' token.
pub(crate) struct AsAgent;

impl FromRequestParts<Arc<App>> for AsAgent {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let Some(expected) = &app.settings.agent_token else {
            // Without a login; pages of others are kept out all the same.
            return check_not_forged(parts, &Identity::local()).map(|()| Self);
        };
        match bearer(&parts.headers) {
            Some(given) if same(given, expected.reveal()) => Ok(Self),
            _ => Err(ApiError::new(
                StatusCode::UNAUTHORIZED,
                "this needs the token of agents\nhint: set `token` in the agent's settings",
            )),
        }
    }
}
