//! The request: encoded once where all are the same, else as a template that is filled in for each
//! slot or each line of a source.

use crate::PlanError;
use crate::digits::push_decimal;
use crate::line::RequestLine;
use crate::template::{Template, Values};
use acp_wire::plan::Request;
use base64::Engine as _;
use http::{HeaderName, HeaderValue, Method};

/// What a request has besides method, path, headers and body: version, ends of lines, length.
const MAX_REST_BYTES: usize = 64;

/// One request, ready for the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedRequest {
    /// Head and body.
    pub bytes: Vec<u8>,
    /// Whether the method is HEAD: its response has no body.
    pub is_head: bool,
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

/// What stands around the paths of requests that differ in nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// The method, and the blank behind it.
    pub before: Vec<u8>,
    /// The rest: version, headers, body.
    pub after: Vec<u8>,
}

/// A request with values that differ from slot to slot, or from line to line.
#[derive(Clone, Debug)]
pub struct RequestTemplate {
    method: String,
    pub(super) path: Template,
    /// Of the plan, with `Host` and, without keep-alive, `Connection`.
    headers: Vec<(String, Template)>,
    /// The same in one piece.
    pub(super) head: Template,
    body: Template,
    has_length: bool,
    /// Bytes that one request may have.
    pub(super) limit_bytes: usize,
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

    /// Whether it holds the time of sending.
    #[must_use]
    pub fn wants_now(&self) -> bool {
        [&self.path, &self.head, &self.body].iter().any(|template| template.wants_now())
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

    /// What stands around the path of a line that says nothing else; none where a value of the plan's
    /// request differs from slot to slot.
    #[must_use]
    pub fn envelope(&self) -> Option<Envelope> {
        let is_same = [&self.head, &self.body].iter().all(|template| template.as_text().is_some());
        is_same.then(|| {
            let line = RequestLine { path: Some(b"".into()), ..RequestLine::default() };
            let (mut values, mut scratch) = (Values::new(0, false, 0, 0, b""), Scratch::default());
            let mut before = Vec::new();
            self.render(&line, &mut values, &mut scratch, &mut before);
            let after = before.split_off(self.method.len() + 1);
            Envelope { before, after }
        })
    }

    /// Bytes that a request can have, at the most, without lines of a source.
    pub(super) fn most_bytes(&self) -> usize {
        let parts = [&self.path, &self.head, &self.body].map(Template::most_bytes);
        self.method.len() + MAX_REST_BYTES + parts.iter().sum::<usize>()
    }

    /// How often a request holds its line of the source.
    pub(super) fn lines(&self) -> usize {
        [&self.path, &self.head, &self.body].map(Template::lines).iter().sum()
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
            Some(path) => bytes.extend_from_slice(path),
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
pub(super) fn is_path(path: &[u8]) -> bool {
    // Of each line of a source: without a way out of the loop many bytes are looked at at once.
    let is_graphic = path.iter().fold(true, |all, byte| all & byte.is_ascii_graphic());
    is_graphic && (path.starts_with(b"/") || path == b"*")
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
