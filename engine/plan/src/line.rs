//! What a line of a source says of its request, and whether that can be sent.

use crate::RequestTemplate;
use crate::request::is_path;
use http::{HeaderName, HeaderValue, Method};
use std::borrow::Cow;
use thiserror::Error;

/// What one line of a source says of its request; the plan's request says the rest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestLine<'a> {
    /// Method.
    pub method: Option<Cow<'a, str>>,
    /// Path and query.
    pub path: Option<Cow<'a, [u8]>>,
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

impl RequestTemplate {
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
        if let Some(path) = &line.path {
            check_path(path)?;
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
        // It stands in the request as often as the plan says.
        self.check_size(line.len().saturating_mul(self.lines()).saturating_add(self.most_bytes()))
    }

    fn check_size(&self, bytes: usize) -> Result<(), LineError> {
        match bytes > self.limit_bytes {
            true => Err(LineError::TooLarge { bytes, limit: self.limit_bytes }),
            false => Ok(()),
        }
    }
}

/// Checks a line that is a path.
///
/// # Errors
///
/// When it cannot stand in a request.
#[inline]
pub fn check_path(path: &[u8]) -> Result<(), LineError> {
    match is_path(path) {
        true => Ok(()),
        false => Err(LineError::Path(shortened(&String::from_utf8_lossy(path)))),
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
