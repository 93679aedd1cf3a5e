//! The request as bytes, encoded once.

use crate::PlanError;
use acp_wire::plan::Request;
use base64::Engine as _;
use http::{HeaderName, HeaderValue, Method};

/// One request, ready for the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedRequest {
    /// Head and body.
    pub bytes: Vec<u8>,
    /// Whether the method is HEAD: its response has no body.
    pub is_head: bool,
}

/// Encodes `request` for `path` of the URL with `host` as its Host header.
///
/// Host, Content-Length and, without keep-alive, `Connection: close` are added where the request
/// does not name them itself.
pub(super) fn encode(
    request: &Request,
    path: &str,
    host: &str,
    keep_alive: bool,
) -> Result<EncodedRequest, PlanError> {
    let method = Method::from_bytes(request.method.as_bytes())
        .map_err(|_| PlanError::Method(request.method.clone()))?;
    let path = request.path.as_deref().unwrap_or(path);
    if !is_path(path) {
        return Err(PlanError::Path(path.into()));
    }
    let headers = checked_headers(request)?;
    let body = body(request)?;
    let named = |name: HeaderName| headers.iter().any(|(given, _)| *given == name);

    let mut bytes = format!("{method} {path} HTTP/1.1\r\n").into_bytes();
    let mut add = |name: &str, value: &[u8]| {
        bytes.extend_from_slice(name.as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value);
        bytes.extend_from_slice(b"\r\n");
    };
    if !named(http::header::HOST) {
        add("Host", host.as_bytes());
    }
    for ((_, value), (name, _)) in headers.iter().zip(request.headers.pairs()) {
        add(name, value.as_bytes());
    }
    let wants_length = !body.is_empty() || matches!(method.as_str(), "POST" | "PUT" | "PATCH");
    if wants_length && !named(http::header::CONTENT_LENGTH) {
        add("Content-Length", body.len().to_string().as_bytes());
    }
    if !keep_alive && !named(http::header::CONNECTION) {
        add("Connection", b"close");
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(&body);
    Ok(EncodedRequest { bytes, is_head: method == Method::HEAD })
}

/// A path as it may stand in a request line: no blanks, no control characters, ASCII.
fn is_path(path: &str) -> bool {
    (path.starts_with('/') || path == "*") && path.bytes().all(|byte| byte.is_ascii_graphic())
}

fn checked_headers(request: &Request) -> Result<Vec<(HeaderName, HeaderValue)>, PlanError> {
    let pairs = request.headers.pairs().into_iter();
    let checked = pairs.map(|(name, value)| {
        let bad = || PlanError::Header(format!("{name}: {value}"));
        let checked_name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad())?;
        if checked_name == http::header::TRANSFER_ENCODING {
            return Err(PlanError::TransferEncoding);
        }
        Ok((checked_name, HeaderValue::from_bytes(value.as_bytes()).map_err(|_| bad())?))
    });
    let checked = checked.collect::<Result<Vec<_>, _>>()?;
    let length = checked.iter().find(|(name, _)| *name == http::header::CONTENT_LENGTH);
    if let Some((_, value)) = length {
        let body_bytes = body(request)?.len().to_string();
        if value.as_bytes() != body_bytes.as_bytes() {
            return Err(PlanError::ContentLength(body_bytes));
        }
    }
    Ok(checked)
}

fn body(request: &Request) -> Result<Vec<u8>, PlanError> {
    match (&request.body, &request.body_base64) {
        (Some(_), Some(_)) => Err(PlanError::TwoBodies),
        (Some(text), None) => Ok(text.clone().into_bytes()),
        (None, Some(text)) => base64::engine::general_purpose::STANDARD
            .decode(text)
            .map_err(|error| PlanError::Base64(error.to_string())),
        (None, None) => Ok(Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use acp_wire::plan::Headers;

    fn request(method: &str, headers: &[(&str, &str)], body: Option<&str>) -> Request {
        Request {
            method: method.into(),
            path: None,
            headers: Headers::List(
                headers.iter().map(|(n, v)| ((*n).to_string(), (*v).to_string())).collect(),
            ),
            body: body.map(Into::into),
            body_base64: None,
            templates: true,
        }
    }

    #[test]
    fn requests_are_encoded_as_given() {
        for (what, request, keep_alive, expected) in [
            ("plain", request("GET", &[], None), true, "GET /a?b HTTP/1.1\r\nHost: h\r\n\r\n"),
            (
                "own host once",
                request("GET", &[("hOst", "x")], None),
                true,
                "GET /a?b HTTP/1.1\r\nhOst: x\r\n\r\n",
            ),
            (
                "body with its length",
                request("POST", &[("A", "b"), ("A", "c")], Some("hé")),
                true,
                "POST /a?b HTTP/1.1\r\nHost: h\r\nA: b\r\nA: c\r\nContent-Length: 3\r\n\r\nhé",
            ),
            (
                "an empty POST says so",
                request("POST", &[], None),
                true,
                "POST /a?b HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n",
            ),
            (
                "no keep-alive",
                request("GET", &[], None),
                false,
                "GET /a?b HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
            ),
        ] {
            let encoded = encode(&request, "/a?b", "h", keep_alive).unwrap();
            assert_eq!(String::from_utf8(encoded.bytes).unwrap(), expected, "{what}");
        }
        assert!(encode(&request("HEAD", &[], None), "/", "h", true).unwrap().is_head);
    }

    #[test]
    fn bad_requests_are_refused() {
        for (what, request, path) in [
            ("method with a blank", request("GE T", &[], None), "/"),
            ("header with a line break", request("GET", &[("a", "b\r\nc: d")], None), "/"),
            ("header name with a blank", request("GET", &[("a b", "c")], None), "/"),
            ("path with a blank", request("GET", &[], None), "/a b"),
            ("path without slash", request("GET", &[], None), "a"),
            ("wrong length", request("POST", &[("content-length", "5")], Some("1234")), "/"),
            ("own framing", request("POST", &[("transfer-encoding", "chunked")], None), "/"),
        ] {
            assert!(encode(&request, path, "h", true).is_err(), "{what}");
        }
    }
}
