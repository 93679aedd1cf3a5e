//! The files of the page.

use super::error::ApiError;
use acp_web::Pages;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

/// Serves a file of the page, or says that there is nothing here. A browser that has the file already
/// is told so: it asks every time, because a new binary has new files under the same names.
pub(super) async fn file(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let path = match uri.path() {
        "/" => "index.html",
        path => path.trim_start_matches('/'),
    };
    let Some(file) = Pages::get(path) else {
        return ApiError::not_found("page", uri.path()).into_response();
    };
    if !matches!(method, Method::GET | Method::HEAD) {
        let mut refused = ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "a page can only be read")
            .into_response();
        refused.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET,HEAD"));
        return refused;
    }
    let tag = tag(&file.metadata.sha256_hash());
    let is_there = headers.get_all(header::IF_NONE_MATCH).iter().any(|held| names(held, &tag));
    let common = [(header::CACHE_CONTROL, "no-cache".to_owned()), (header::ETAG, tag)];
    if is_there {
        return (StatusCode::NOT_MODIFIED, common).into_response();
    }
    (common, [(header::CONTENT_TYPE, kind(path))], file.data.into_owned()).into_response()
}

/// The tag of a file with this hash. It is weak: the same file may come compressed.
fn tag(sha256: &[u8]) -> String {
    let hex: String = sha256.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("W/\"{hex}\"")
}

/// Whether `If-None-Match` names a tag. Weak or not makes no difference here (RFC 9110, 13.1.2).
fn names(held: &HeaderValue, tag: &str) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let held = held.to_str().unwrap_or_default();
    held.split(',').any(|held| held.trim() == "*" || opaque(held) == opaque(tag))
}

fn kind(path: &str) -> &'static str {
    let name = path.rsplit('/').next().unwrap_or(path);
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("json") => "application/json",
        Some("png") => "image/png",
        Some("woff2") => "font/woff2",
        Some("txt") => "text/plain; charset=utf-8",
        // Files of others bring theirs.
        None if name == "LICENSE" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_have_the_kind_of_their_name() {
        for (path, expect) in [
            ("icon.svg", "image/svg+xml"),
            ("vendor/uplot/uPlot.esm.js", "text/javascript; charset=utf-8"),
            ("vendor/uplot/LICENSE", "text/plain; charset=utf-8"),
            ("LICENSE", "text/plain; charset=utf-8"),
            ("a.js/LICENSE", "text/plain; charset=utf-8"),
            ("a.js/b", "application/octet-stream"),
            ("js", "application/octet-stream"),
            ("a.exe", "application/octet-stream"),
        ] {
            assert_eq!(kind(path), expect, "{path}");
        }
    }

    #[test]
    fn tags_are_found_in_what_a_browser_holds() {
        for (what, held, expect) in [
            ("as it was given", "W/\"0a\"", true),
            ("strong", "\"0a\"", true),
            ("anything", "*", true),
            ("one of some", "\"1\",W/\"0a\" , \"2\"", true),
            ("another", "\"0b\"", false),
            ("a part of it", "\"0\"", false),
            ("without quotes", "0a", false),
            ("nothing", "", false),
        ] {
            let held = HeaderValue::from_static(held);
            assert_eq!(names(&held, &tag(&[0x0a])), expect, "{what}");
        }
        let bytes = HeaderValue::from_bytes(b"\"\xff\"").unwrap();
        assert!(!names(&bytes, &tag(&[0x0a])), "what is not text");
    }
}
