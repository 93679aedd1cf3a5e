//! One line of a query file → what it says of its request.

use crate::plan::{LineError, RequestLine, RequestTemplate};
use acp_wire::plan::{Format, Headers};
use base64::Engine as _;
use serde::Deserialize;
use std::borrow::Cow;
use thiserror::Error;

/// What is wrong with a line.
#[derive(Debug, Error, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant is its message")]
pub enum BadLine {
    #[error(transparent)]
    Request(#[from] LineError),
    #[error("it is not text in UTF-8")]
    Utf8,
    #[error("it has no path\nhint: METHOD PATH [BODY]")]
    NoPath,
    #[error(
        "bad JSON: {0}\nhint: {{\"method\":\"POST\",\"path\":\"/a\",\"headers\":{{}},\"body\":\"…\",\"tag\":\"a\"}}"
    )]
    Json(String),
    #[error("body and body_base64 exclude each other")]
    TwoBodies,
    #[error("bad body_base64: {0}")]
    Base64(String),
    #[error("a line has at most {} bytes", super::lines::MAX_LINE_BYTES)]
    TooLong,
    #[error(
        "its format is not known\nhint: a path (`/a?b`), `METHOD PATH [BODY]` or a JSON object; --requests-format"
    )]
    Unknown,
    #[error("it is packed\nhint: zcat FILE > pipe")]
    Packed,
    #[error("the file has become shorter while it was read")]
    Gone,
}

/// How lines are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A path with its query.
    Path,
    /// `METHOD PATH [BODY]`.
    Line,
    /// A JSON object.
    Jsonl,
    /// A value of the plan's request.
    Value,
}

/// A line of JSON.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonLine<'a> {
    #[serde(borrow, default)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    path: Option<Cow<'a, str>>,
    #[serde(default)]
    headers: Option<Headers>,
    #[serde(borrow, default)]
    body: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    body_base64: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    tag: Option<Cow<'a, str>>,
    /// When it was sent once, for a replay.
    #[serde(default, rename = "at_us")]
    _at_us: Option<u64>,
}

/// A line, read.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Parsed<'a> {
    pub(super) request: RequestLine<'a>,
    pub(super) tag: Option<Cow<'a, str>>,
}

impl Kind {
    /// The kind that the plan says; none where the first line does.
    pub(super) fn given(format: Format, template: &RequestTemplate) -> Option<Self> {
        match format {
            _ if template.wants_line() => Some(Self::Value),
            Format::Auto => None,
            Format::Path => Some(Self::Path),
            Format::Line => Some(Self::Line),
            Format::Jsonl => Some(Self::Jsonl),
        }
    }

    /// What the first line shows.
    pub(super) fn detect(text: &[u8]) -> Result<Self, BadLine> {
        let text = text.trim_ascii();
        let is_method = |byte: &u8| byte.is_ascii_uppercase();
        match text.iter().position(u8::is_ascii_whitespace) {
            _ if text.starts_with(b"{") => Ok(Self::Jsonl),
            _ if text.starts_with(b"/") => Ok(Self::Path),
            Some(blank) if text[..blank].iter().all(is_method) => Ok(Self::Line),
            _ if text.starts_with(&[0x1f, 0x8b]) => Err(BadLine::Packed),
            _ => Err(BadLine::Unknown),
        }
    }

    /// Whether a line is no request and no fault. Before the kind is known comments are skipped.
    #[inline]
    pub(super) fn skips(kind: Option<Self>, text: &[u8]) -> bool {
        let first = text.iter().find(|byte| !byte.is_ascii_whitespace());
        let may_be_comment = matches!(kind, None | Some(Self::Path | Self::Line));
        first.is_none_or(|&first| may_be_comment && first == b'#')
    }

    /// Reads a line.
    #[inline]
    pub(super) fn parse(self, text: &[u8]) -> Result<Parsed<'_>, BadLine> {
        match self {
            Self::Path => {
                let path = Some(Cow::Borrowed(text.trim_ascii()));
                let request = RequestLine { path, ..RequestLine::default() };
                Ok(Parsed { request, tag: None })
            }
            Self::Line => parse_line(text),
            Self::Jsonl => parse_json(text),
            Self::Value => Ok(Parsed::default()),
        }
    }
}

/// `METHOD PATH [BODY]`: the body is all that follows the blank behind the path.
fn parse_line(text: &[u8]) -> Result<Parsed<'_>, BadLine> {
    let text = text.trim_ascii_start();
    let (method, rest) = split_word(text);
    let (path, body) = split_word(rest.trim_ascii_start());
    if path.is_empty() {
        return Err(BadLine::NoPath);
    }
    let method = str::from_utf8(method).map_err(|_| BadLine::Utf8)?;
    let request = RequestLine {
        method: Some(Cow::Borrowed(method)),
        path: Some(Cow::Borrowed(path)),
        headers: Vec::new(),
        body: body.get(1..).filter(|body| !body.is_empty()).map(Cow::Borrowed),
    };
    Ok(Parsed { request, tag: None })
}

/// The text up to the first blank, and the rest with it.
fn split_word(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| matches!(byte, b' ' | b'\t')).unwrap_or(text.len());
    text.split_at(end)
}

fn parse_json(text: &[u8]) -> Result<Parsed<'_>, BadLine> {
    let line: JsonLine =
        serde_json::from_slice(text).map_err(|error| BadLine::Json(error.to_string()))?;
    let body = match (line.body, line.body_base64) {
        (Some(_), Some(_)) => return Err(BadLine::TwoBodies),
        (Some(text), None) => Some(bytes_of(text)),
        (None, Some(text)) => {
            let decoded = base64::engine::general_purpose::STANDARD.decode(text.as_bytes());
            Some(Cow::Owned(decoded.map_err(|error| BadLine::Base64(error.to_string()))?))
        }
        (None, None) => None,
    };
    let headers = match line.headers {
        None => Vec::new(),
        Some(Headers::Table(table)) => owned(table.into_iter()),
        Some(Headers::List(list)) => owned(list.into_iter()),
    };
    let path = line.path.map(bytes_of);
    let request = RequestLine { method: line.method, path, headers, body };
    Ok(Parsed { request, tag: line.tag.filter(|tag| !tag.is_empty()) })
}

fn bytes_of(text: Cow<'_, str>) -> Cow<'_, [u8]> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    }
}

type OwnedHeaders = Vec<(Cow<'static, str>, Cow<'static, str>)>;

fn owned(headers: impl Iterator<Item = (String, String)>) -> OwnedHeaders {
    headers.map(|(name, value)| (Cow::Owned(name), Cow::Owned(value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: Kind, text: &str, expect: Result<(&str, &str, &str), &str>) {
        let shown = kind.parse(text.as_bytes()).map(|parsed| {
            let or_dash = |part: Option<String>| part.unwrap_or("-".into());
            let method = parsed.request.method.map(Cow::into_owned);
            let [path, body] = [parsed.request.path, parsed.request.body]
                .map(|bytes| bytes.map(|bytes| String::from_utf8(bytes.into()).unwrap()));
            (or_dash(method), or_dash(path), or_dash(body))
        });
        match (shown, expect) {
            (Ok(found), Ok((method, path, body))) => {
                assert_eq!(found, (method.into(), path.into(), body.into()), "{text}");
            }
            (Err(error), Err(part)) => {
                assert!(error.to_string().contains(part), "{text}: {error}");
            }
            (found, expect) => panic!("{text}: {found:?}, not {expect:?}"),
        }
    }

    #[test]
    fn lines_are_read() {
        check(Kind::Path, "/a?b=1", Ok(("-", "/a?b=1", "-")));
        check(Kind::Path, "  /a\t ", Ok(("-", "/a", "-")));
        check(Kind::Line, "GET /a", Ok(("GET", "/a", "-")));
        check(Kind::Line, " POST  /a  b c ", Ok(("POST", "/a", " b c ")));
        check(Kind::Line, "POST /a ", Ok(("POST", "/a", "-")));
        check(Kind::Line, "GET", Err("no path"));
        check(Kind::Jsonl, "{}", Ok(("-", "-", "-")));
        check(Kind::Jsonl, r#"{"path":"/a","body":"a\"b"}"#, Ok(("-", "/a", "a\"b")));
        check(Kind::Jsonl, r#"{"method":"PUT","body_base64":"aGk="}"#, Ok(("PUT", "-", "hi")));
        check(Kind::Jsonl, r#"{"at_us":5,"path":"/a"}"#, Ok(("-", "/a", "-")));
        check(Kind::Jsonl, r#"{"at_us":-5,"path":"/a"}"#, Err("bad JSON"));
        check(Kind::Jsonl, r#"{"paht":"/a"}"#, Err("unknown field `paht`"));
        check(Kind::Jsonl, r#"{"path":5}"#, Err("bad JSON"));
        check(Kind::Jsonl, r#"{"path":"/a""#, Err("bad JSON"));
        check(Kind::Jsonl, "# no comment", Err("bad JSON"));
        check(Kind::Jsonl, r#"{"body":"","body_base64":""}"#, Err("exclude"));
        check(Kind::Jsonl, r#"{"body_base64":"?"}"#, Err("bad body_base64"));
    }

    #[test]
    fn headers_and_tags_are_read() {
        for (text, headers, tag) in [
            (r#"{"headers":{"a":"b"},"tag":"x"}"#, vec![("a", "b")], Some("x")),
            (r#"{"headers":[["a","b"],["a","c"]]}"#, vec![("a", "b"), ("a", "c")], None),
            (r#"{"tag":""}"#, vec![], None),
        ] {
            let parsed = Kind::Jsonl.parse(text.as_bytes()).unwrap();
            let found = parsed.request.headers.iter().map(|(name, value)| (&**name, &**value));
            assert_eq!(found.collect::<Vec<_>>(), headers, "{text}");
            assert_eq!(parsed.tag.as_deref(), tag, "{text}");
        }
    }

    #[test]
    fn the_first_line_shows_the_format() {
        for (text, expect) in [
            ("/a", Ok(Kind::Path)),
            (" /a", Ok(Kind::Path)),
            ("GET /a", Ok(Kind::Line)),
            ("{\"path\":\"/a\"}", Ok(Kind::Jsonl)),
            ("a,b", Err(BadLine::Unknown)),
            ("http://a/", Err(BadLine::Unknown)),
            ("get /a", Err(BadLine::Unknown)),
            ("\u{1f}", Err(BadLine::Unknown)),
        ] {
            assert_eq!(Kind::detect(text.as_bytes()), expect, "{text}");
        }
        assert_eq!(Kind::detect(&[0x1f, 0x8b, 8]), Err(BadLine::Packed));
        assert!(matches!(Kind::Line.parse(b"\xff /"), Err(BadLine::Utf8)));
    }

    #[test]
    fn blank_lines_and_comments_are_no_requests() {
        for (kind, text, expect) in [
            (None, "# a", true),
            (Some(Kind::Path), "", true),
            (Some(Kind::Path), " \t", true),
            (Some(Kind::Line), " # a", true),
            (Some(Kind::Jsonl), "", true),
            (Some(Kind::Jsonl), "# a", false),
            (Some(Kind::Value), "# a", false),
            (Some(Kind::Value), " ", true),
            (Some(Kind::Path), "/a#b", false),
        ] {
            assert_eq!(Kind::skips(kind, text.as_bytes()), expect, "{kind:?} {text}");
        }
    }
}
