//! Who sends a request: from its bearer token or its session cookie.

use super::hash_hex;
use crate::store::{Role, Store, Stored, TokenRecord};
use axum::http::{HeaderMap, header};
use axum_extra::extract::CookieJar;

/// Name of the cookie of a browser's session.
pub const SESSION_COOKIE: &str = "acp_session";

/// How somebody has said who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Via {
    /// Not at all: there is no login.
    Local,
    /// A bearer token.
    Token,
    /// A session cookie, which a browser sends by itself. With the id of its token.
    Session(String),
}

/// Who sends a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Name of the user, or of the token.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// How they said so.
    pub via: Via,
}

impl Identity {
    /// Whoever reaches a control without a login.
    #[must_use]
    pub fn local() -> Self {
        Self { name: "local".into(), role: Role::Admin, via: Via::Local }
    }
}

/// The bearer token of a request.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

/// Finds out who sends a request; none when it says nothing that is known. A bearer token goes before
/// a cookie.
///
/// # Errors
///
/// When the store does not answer.
pub async fn identify(
    store: &dyn Store,
    headers: &HeaderMap,
    now_unix_us: u64,
) -> Stored<Option<Identity>> {
    if let Some(token) = bearer(headers) {
        return by_secret(store, token, now_unix_us, |_| Via::Token).await;
    }
    let jar = CookieJar::from_headers(headers);
    let Some(cookie) = jar.get(SESSION_COOKIE) else { return Ok(None) };
    by_secret(store, cookie.value(), now_unix_us, |token| Via::Session(token.id.clone())).await
}

async fn by_secret(
    store: &dyn Store,
    secret: &str,
    now_unix_us: u64,
    via: impl Fn(&TokenRecord) -> Via,
) -> Stored<Option<Identity>> {
    let Some(token) = store.token(&hash_hex(secret)).await? else { return Ok(None) };
    if token.expires_unix_us.is_some_and(|end| end <= now_unix_us) {
        return Ok(None);
    }
    let via = via(&token);
    if token.user.is_empty() {
        return Ok(Some(Identity { name: token.name, role: token.role, via }));
    }
    // A session is worth what its user is worth now.
    let user = store.user(&token.user).await?;
    Ok(user.map(|user| Identity { role: token.role.min(user.role), name: user.name, via }))
}
