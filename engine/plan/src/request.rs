//! The request: encoded once where all are the same, else as a template that is filled in for each
//! slot or each line of a source.

use crate::PlanError;
use crate::template::{Template, Values, push_decimal};
use acp_wire::plan::Request;
use base64::Engine as _;
use http::{HeaderName, HeaderValue, Method};
use std::borrow::Cow;
use thiserror::Error;

/// One request, ready for the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedRequest {
    /// Head and body.
    pub bytes: Vec<u8>,
    /// Whether the method is HEAD: its response has no body.
    pub is_head: bool,
}

/// What one line of a source says of its request; the plan's request says the rest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestLine<'a> {
    /// Method.
    pub method: Option<Cow<'a, str>>,
    /// Path and query.
    pub path: Option<Cow<'a, str>>,
    /// Headers; they replace those of the plan that have the same name.
    pub headers: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// Body.
    pub body: Option<Cow<'a, [u8]>>,
}

/// What is wrong with a line of a source.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant is its message")]
pub enum LineError {
    #[error("bad method `{0}`")]
    Method(String),
    #[error("bad path `{0}`: it starts with `/` and has no blanks\nhint: write a blank as %20")]
    Path(String),
    #[error("bad header `{0}`")]
    Header(String),
    #[error("a Transfer-Encoding header would contradict the body, which is sent with its length")]
    TransferEncoding,
    #[error("a Content-Length header is added to each request\nhint: leave it out")]
    ContentLength,
    #[error("its request has {bytes} bytes, the limit is {limit}")]
    TooLarge { bytes: usize, limit: usize },
}

/// Memory of whoever renders requests, and where in the last one the time stands.
#[derive(Debug, Default)]
pub struct Scratch {
    body: Vec<u8>,
    now_places: Vec<usize>,
    body_places: Vec<usize>,
}

impl Scratch {
    /// Where the time stands in what was rendered last, as indices into all that it was appended to.
    #[must_use]
    pub fn now_places(&self) -> &[usize] {
        &self.now_places
    }
}

/// A request with values that differ from slot to slot, or from line to line.
#[derive(Clone, Debug)]
pub struct RequestTemplate {
    method: String,
    path: Template,
    /// Of the plan, with `Host` and, without keep-alive, `Connection`.
    headers: Vec<(String, Template)>,
    /// The same in one piece.
    head: Template,
    body: Template,
    has_length: bool,
    /// Bytes that one request may have.
    limit_bytes: usize,
}

impl RequestTemplate {
    /// Compiles `request` for `path` of the URL with `host` as its Host header.
    ///
    /// Host, Content-Length and, without keep-alive, `Connection: close` are added where the request
    /// does not name them itself.
    pub(super) fn compile(
        request: &Request,
        path: &str,
        host: &str,
        keep_alive: bool,
        limit_bytes: usize,
    ) -> Result<Self, PlanError> {
        let method = Method::from_bytes(request.method.as_bytes())
            .map_err(|_| PlanError::Method(request.method.clone()))?;
        let text = |field: Field, text: &[u8]| match request.templates {
            true => Template::parse(text).map_err(|why| PlanError::Template { field, why }),
            false => Ok(Template::text(text)),
        };
        let path_field = request.path.as_ref().map_or(Field::Url, |_| Field::Path);
        let path = request.path.as_deref().unwrap_or(path);
        let path_template = text(path_field, path.as_bytes())?;
        if !is_path_template(&path_template) {
            return Err(PlanError::Path(path.into()));
        }
        let body_field = request.body.as_ref().map_or(Field::BodyBase64, |_| Field::Body);
        let given_headers = given_headers(request, &text)?;
        let body_bytes = body(request)?;
        // What is given as base64 is not text.
        let body_template = match body_field {
            Field::Body => text(body_field, &body_bytes)?,
            _ => Template::text(&body_bytes),
        };
        let has_length = check_framing(&given_headers, &body_template)?;
        let named = |wanted: HeaderName| {
            given_headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(wanted.as_str()))
        };
        let mut headers = Vec::new();
        if !named(http::header::HOST) {
            headers.push(("Host".into(), Template::text(host.as_bytes())));
        }
        let closes = !keep_alive && !named(http::header::CONNECTION);
        headers.extend(given_headers);
        if closes {
            headers.push(("Connection".into(), Template::text(b"close")));
        }
        let mut head = Template::default();
        for (name, value) in &headers {
            head.push_text(format!("{name}: ").as_bytes());
            head.push(value);
            head.push_text(b"\r\n");
        }
        Ok(Self {
            method: method.to_string(),
            path: path_template,
            headers,
            head,
            body: body_template,
            has_length,
            limit_bytes,
        })
    }

    /// The request, where it is the same for every slot.
    pub(super) fn encode(&self) -> Option<EncodedRequest> {
        let is_same = [&self.path, &self.head, &self.body].iter().all(|t| t.as_text().is_some());
        is_same.then(|| {
            let mut bytes = Vec::new();
            let mut values = Values::new(0, false, 0, 0, b"");
            let is_head = self.render(
                &RequestLine::default(),
                &mut values,
                &mut Scratch::default(),
                &mut bytes,
            );
            EncodedRequest { bytes, is_head }
        })
    }

    /// Whether the method of the plan is HEAD.
    #[must_use]
    pub fn is_head(&self) -> bool {
        self.method == "HEAD"
    }

    /// Whether lines of a source are values of it; else they are requests.
    #[must_use]
    pub fn wants_line(&self) -> bool {
        [&self.path, &self.head, &self.body].iter().any(|template| template.wants_line())
    }

    /// Checks what a line says of its request.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong with it.
    pub fn check(&self, line: &RequestLine) -> Result<(), LineError> {
        if let Some(method) = &line.method
            && Method::from_bytes(method.as_bytes()).is_err()
        {
            return Err(LineError::Method(shortened(method)));
        }
        if let Some(path) = &line.path
            && !is_path(path.as_bytes())
        {
            return Err(LineError::Path(shortened(path)));
        }
        for (name, value) in &line.headers {
            check_line_header(name, value)?;
        }
        self.check_size(line.body.as_ref().map_or(0, |body| body.len()))
    }

    /// Checks a line that is a value.
    ///
    /// # Errors
    ///
    /// When it cannot stand where the plan puts it.
    pub fn check_value(&self, line: &[u8]) -> Result<(), LineError> {
        let shown = || shortened(&String::from_utf8_lossy(line));
        let is_graphic = line.iter().all(u8::is_ascii_graphic);
        let is_start = !self.path.starts_with_line() || line.first() == Some(&b'/');
        if self.path.wants_line() && !(is_graphic && is_start) {
            return Err(LineError::Path(shown()));
        }
        if self.head.wants_line() && HeaderValue::from_bytes(line).is_err() {
            return Err(LineError::Header(shown()));
        }
        self.check_size(line.len())
    }

    fn check_size(&self, bytes: usize) -> Result<(), LineError> {
        match bytes > self.limit_bytes {
            true => Err(LineError::TooLarge { bytes, limit: self.limit_bytes }),
            false => Ok(()),
        }
    }

    /// Appends the request of a slot. What `line` does not say is the plan's. Returns whether its
    /// method is HEAD.
    ///
    /// The line was checked. Nothing is allocated once the memory that is passed in has grown.
    #[inline]
    pub fn render(
        &self,
        line: &RequestLine,
        values: &mut Values,
        scratch: &mut Scratch,
        bytes: &mut Vec<u8>,
    ) -> bool {
        scratch.now_places.clear();
        let method = line.method.as_deref().unwrap_or(&self.method);
        bytes.extend_from_slice(method.as_bytes());
        bytes.push(b' ');
        match &line.path {
            Some(path) => bytes.extend_from_slice(path.as_bytes()),
            None => self.path.render(values, bytes, &mut scratch.now_places),
        }
        bytes.extend_from_slice(b" HTTP/1.1\r\n");
        if line.headers.is_empty() {
            self.head.render(values, bytes, &mut scratch.now_places);
        } else {
            self.render_headers(line, values, &mut scratch.now_places, bytes);
        }
        match (&line.body, self.body.as_text()) {
            (Some(body), _) => self.end(method, body, bytes),
            (None, Some(body)) => self.end(method, body, bytes),
            (None, None) => {
                scratch.body.clear();
                scratch.body_places.clear();
                self.body.render(values, &mut scratch.body, &mut scratch.body_places);
                self.end(method, &scratch.body, bytes);
                let start = bytes.len() - scratch.body.len();
                scratch.now_places.extend(scratch.body_places.iter().map(|place| start + place));
            }
        }
        method == "HEAD"
    }

    fn render_headers(
        &self,
        line: &RequestLine,
        values: &mut Values,
        now_places: &mut Vec<usize>,
        bytes: &mut Vec<u8>,
    ) {
        for (name, value) in &self.headers {
            let is_replaced = line.headers.iter().any(|(own, _)| own.eq_ignore_ascii_case(name));
            if !is_replaced {
                push_name(bytes, name);
                value.render(values, bytes, now_places);
                bytes.extend_from_slice(b"\r\n");
            }
        }
        for (name, value) in &line.headers {
            push_name(bytes, name);
            bytes.extend_from_slice(value.as_bytes());
            bytes.extend_from_slice(b"\r\n");
        }
    }

    /// The length, the end of the head, and the body.
    #[inline]
    fn end(&self, method: &str, body: &[u8], bytes: &mut Vec<u8>) {
        let wants_length = !body.is_empty() || matches!(method, "POST" | "PUT" | "PATCH");
        if wants_length && !self.has_length {
            bytes.extend_from_slice(b"Content-Length: ");
            push_decimal(bytes, body.len() as u64);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(body);
    }
}

/// Where a template stands in a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The path of the URL.
    Url,
    /// `request.path`.
    Path,
    /// A header, by its number.
    Header(usize),
    /// `request.body`.
    Body,
    /// `request.body_base64`.
    BodyBase64,
}

impl Field {
    /// The field of the plan.
    #[must_use]
    pub fn place(self) -> String {
        match self {
            Self::Url => "target.url".into(),
            Self::Path => "request.path".into(),
            Self::Header(number) => format!("request.headers[{number}]"),
            Self::Body => "request.body".into(),
            Self::BodyBase64 => "request.body_base64".into(),
        }
    }
}

fn push_name(bytes: &mut Vec<u8>, name: &str) {
    bytes.extend_from_slice(name.as_bytes());
    bytes.extend_from_slice(b": ");
}

/// A path as it may stand in a request line: no blanks, no control characters, ASCII.
fn is_path(path: &[u8]) -> bool {
    (path.starts_with(b"/") || path == b"*") && path.iter().all(u8::is_ascii_graphic)
}

fn is_path_template(path: &Template) -> bool {
    match path.as_text() {
        Some(text) => is_path(text),
        None => {
            path.starts(|text| text.starts_with(b"/"))
                && path.texts().all(|text| text.iter().all(u8::is_ascii_graphic))
        }
    }
}

fn given_headers(
    request: &Request,
    text: &impl Fn(Field, &[u8]) -> Result<Template, PlanError>,
) -> Result<Vec<(String, Template)>, PlanError> {
    let pairs = request.headers.pairs().into_iter().enumerate();
    let checked = pairs.map(|(number, (name, value))| {
        let bad = || PlanError::Header(format!("{name}: {value}"));
        let checked_name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad())?;
        if checked_name == http::header::TRANSFER_ENCODING {
            return Err(PlanError::TransferEncoding);
        }
        HeaderValue::from_bytes(value.as_bytes()).map_err(|_| bad())?;
        Ok((name.to_owned(), text(Field::Header(number), value.as_bytes())?))
    });
    checked.collect()
}

/// Whether the plan names the length of the body, which then must be right.
fn check_framing(headers: &[(String, Template)], body: &Template) -> Result<bool, PlanError> {
    let wanted = http::header::CONTENT_LENGTH;
    let length = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted.as_str()));
    let Some((_, value)) = length else { return Ok(false) };
    let Some(body) = body.as_text() else { return Err(PlanError::VaryingLength) };
    let body_bytes = body.len().to_string();
    match value.as_text() == Some(body_bytes.as_bytes()) {
        true => Ok(true),
        false => Err(PlanError::ContentLength(body_bytes)),
    }
}

fn check_line_header(name: &str, value: &str) -> Result<(), LineError> {
    let bad = || LineError::Header(shortened(&format!("{name}: {value}")));
    let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad())?;
    HeaderValue::from_bytes(value.as_bytes()).map_err(|_| bad())?;
    match name {
        http::header::TRANSFER_ENCODING => Err(LineError::TransferEncoding),
        http::header::CONTENT_LENGTH => Err(LineError::ContentLength),
        _ => Ok(()),
    }
}

/// What a message quotes of a line.
fn shortened(text: &str) -> String {
    const SHOWN: usize = 80;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into(),
    }
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

    fn compile(
        request: &Request,
        path: &str,
        keep_alive: bool,
    ) -> Result<RequestTemplate, PlanError> {
        RequestTemplate::compile(request, path, "h", keep_alive, 1000)
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
            let encoded = compile(&request, "/a?b", keep_alive).unwrap().encode().unwrap();
            assert_eq!(String::from_utf8(encoded.bytes).unwrap(), expected, "{what}");
        }
        let head = compile(&request("HEAD", &[], None), "/", true).unwrap();
        assert!(head.encode().unwrap().is_head && head.is_head());
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
            assert!(compile(&request, path, true).is_err(), "{what}");
        }
    }

    fn rendered(template: &RequestTemplate, line: &RequestLine, slot: u64) -> String {
        let (mut bytes, mut scratch) = (b"before".to_vec(), Scratch::default());
        let mut values = Values::new(1, false, slot, 1_700_000_000_123, b"value");
        let is_head = template.render(line, &mut values, &mut scratch, &mut bytes);
        let method = line.method.as_deref().unwrap_or("GET");
        assert_eq!(is_head, method == "HEAD");
        for &place in scratch.now_places() {
            assert_eq!(&bytes[place..place + 13], b"1700000000123");
        }
        String::from_utf8(bytes.split_off(6)).unwrap()
    }

    #[test]
    fn values_stand_in_path_headers_and_body() {
        let headers = [("X-Id", "a{{slot}}b"), ("Host", "{{line}}.example")];
        let request = request("POST", &headers, Some("{{now_ms}}:{{slot}}"));
        let template = compile(&request, "/{{slot}}/{{line}}", true).unwrap();
        assert!(template.encode().is_none() && template.wants_line());
        for (slot, length) in [(7, 15), (1234, 18)] {
            let expected = format!(
                "POST /{slot}/value HTTP/1.1\r\nX-Id: a{slot}b\r\nHost: value.example\r\n\
                 Content-Length: {length}\r\n\r\n1700000000123:{slot}"
            );
            assert_eq!(rendered(&template, &RequestLine::default(), slot), expected);
        }
        let plain = Request { templates: false, body: Some("{{no}}".into()), ..request };
        let plain = compile(&plain, "/{{slot}}", true).unwrap().encode().unwrap();
        let text = String::from_utf8(plain.bytes).unwrap();
        assert!(text.starts_with("POST /{{slot}} ") && text.ends_with("\r\n\r\n{{no}}"), "{text}");
    }

    #[test]
    fn lines_replace_what_they_name() {
        let request = request("GET", &[("A", "plan"), ("B", "{{slot}}")], Some("plan"));
        let template = compile(&request, "/plan", true).unwrap();
        let line = RequestLine::default;
        let own = vec![("a".into(), "own".into()), ("C".into(), "c".into())];
        for (what, line, expect) in [
            (
                "nothing",
                line(),
                "GET /plan HTTP/1.1\r\nHost: h\r\nA: plan\r\nB: 5\r\nContent-Length: 4\r\n\r\nplan",
            ),
            (
                "a path",
                RequestLine { path: Some("/own?x".into()), ..line() },
                "GET /own?x HTTP/1.1\r\nHost: h\r\nA: plan\r\nB: 5\r\nContent-Length: 4\r\n\r\nplan",
            ),
            (
                "method and body",
                RequestLine {
                    method: Some("PUT".into()),
                    body: Some(Cow::Borrowed(b"")),
                    ..line()
                },
                "PUT /plan HTTP/1.1\r\nHost: h\r\nA: plan\r\nB: 5\r\nContent-Length: 0\r\n\r\n",
            ),
            (
                "headers",
                RequestLine { headers: own, body: Some(Cow::Borrowed(b"own")), ..line() },
                "GET /plan HTTP/1.1\r\nHost: h\r\nB: 5\r\na: own\r\nC: c\r\nContent-Length: 3\r\n\r\nown",
            ),
            (
                "HEAD",
                RequestLine { method: Some("HEAD".into()), ..line() },
                "HEAD /plan HTTP/1.1\r\nHost: h\r\nA: plan\r\nB: 5\r\nContent-Length: 4\r\n\r\nplan",
            ),
        ] {
            assert_eq!(template.check(&line), Ok(()), "{what}");
            assert_eq!(rendered(&template, &line, 5), expect, "{what}");
        }
    }

    #[test]
    fn bad_lines_are_refused() {
        let template = compile(&request("GET", &[], None), "/", true).unwrap();
        let header = |name: &'static str, value: &'static str| RequestLine {
            headers: vec![(name.into(), value.into())],
            ..RequestLine::default()
        };
        let path =
            |path: &'static str| RequestLine { path: Some(path.into()), ..RequestLine::default() };
        let method = RequestLine { method: Some("A B".into()), ..RequestLine::default() };
        let large = vec![b'x'; 1001];
        let large = RequestLine { body: Some(large.into()), ..RequestLine::default() };
        for (line, part) in [
            (path(""), "bad path ``"),
            (path("a"), "bad path `a`"),
            (path("/a b"), "%20"),
            (path("/é"), "bad path"),
            (method, "bad method `A B`"),
            (header("a b", "c"), "bad header `a b: c`"),
            (header("a", "b\r\nc: d"), "bad header"),
            (header("Transfer-Encoding", "chunked"), "contradict"),
            (header("content-length", "0"), "leave it out"),
            (large, "1001 bytes, the limit is 1000"),
        ] {
            let error = template.check(&line).unwrap_err().to_string();
            assert!(error.contains(part), "{line:?}: {error}");
        }
    }

    #[test]
    fn lines_that_are_values_must_fit_their_place() {
        let of = |path: &str, header: &str, body: &str| {
            let request = request("GET", &[("a", header)], Some(body));
            compile(&request, path, true).unwrap()
        };
        for (path, header, body, line, is_good) in [
            ("/{{line}}", "", "", "a?b=%20", true),
            ("/{{line}}", "", "", "a b", false),
            ("/{{line}}", "", "", "a\r", false),
            ("{{line}}", "", "", "/a", true),
            ("{{line}}", "", "", "a", false),
            ("/", "{{line}}", "", "a b", true),
            ("/", "{{line}}", "", "a\rb", false),
            ("/", "", "{{line}}", "a \r b", true),
        ] {
            let found = of(path, header, body).check_value(line.as_bytes());
            assert_eq!(found.is_ok(), is_good, "{path} {header} {body} {line}");
        }
    }

    #[test]
    fn bad_templates_are_refused_with_their_field() {
        let bodies = |body| request("POST", &[], Some(body));
        for (request, path, field) in [
            (request("GET", &[], None), "/{{x}}", Field::Url),
            (request("GET", &[("a", "b"), ("c", "{{x}}")], None), "/", Field::Header(1)),
            (bodies("{{x}}"), "/", Field::Body),
            (Request { path: Some("/{{x}}".into()), ..bodies("") }, "/", Field::Path),
        ] {
            match compile(&request, path, true).unwrap_err() {
                PlanError::Template { field: found, .. } => assert_eq!(found, field),
                other => panic!("{field:?}: {other}"),
            }
        }
        let length = request("POST", &[("Content-Length", "4")], Some("{{slot}}"));
        assert_eq!(compile(&length, "/", true).unwrap_err(), PlanError::VaryingLength);
        let start = compile(&request("GET", &[], None), "{{slot}}", true);
        assert_eq!(start.unwrap_err(), PlanError::Path("{{slot}}".into()));
    }
}
