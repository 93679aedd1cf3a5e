//! The files of the page.

use super::error::ApiError;
use acp_web::Pages;
use axum::http::{Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

/// Serves a file of the page, or says that there is nothing here.
pub(super) async fn file(method: Method, uri: Uri) -> Response {
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
        refused.headers_mut().insert(header::ALLOW, header::HeaderValue::from_static("GET,HEAD"));
        return refused;
    }
    let headers = [(header::CONTENT_TYPE, kind(path)), (header::CACHE_CONTROL, "no-cache")];
    (headers, file.data.into_owned()).into_response()
}

fn kind(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("json") => "application/json",
        Some("png") => "image/png",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    }
}
