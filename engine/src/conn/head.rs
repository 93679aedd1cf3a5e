//! The head of a response: a complete header block in, what it says about framing out (RFC 9112
//! sections 6 and 9.3).

use std::mem::MaybeUninit;

use super::error::ProtocolError;
use super::http1::Response;

/// Longest head, with status line and blank line.
pub(super) const MAX_HEAD_BYTES: usize = 64 * 1024;

/// Headers that are parsed on the normal path; a head with more is parsed a second time.
const USUAL_HEADERS: usize = 64;

/// Most headers in a head.
const MAX_HEADERS: usize = 256;

/// How the end of a body is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// After so many bytes; 0 if there is no body.
    Length(u64),
    Chunked,
    UntilClose,
}

/// What the head of a final response says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) status: u16,
    pub(super) reuse: bool,
    pub(super) framing: Framing,
}

impl Verdict {
    pub(super) fn response(&self, body_bytes: u64) -> Response {
        Response { status: self.status, reuse: self.reuse, body_bytes }
    }
}

impl Default for Verdict {
    fn default() -> Self {
        Self { status: 0, reuse: false, framing: Framing::UntilClose }
    }
}

/// What a complete head is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Head {
    /// 1xx, but not 101: the final response is still to come.
    Interim,
    Final(Verdict),
}

/// Parses the head that `bytes` begins with; returns its length, or `None` if it is not complete.
///
/// # Errors
///
/// A line is malformed, or the headers contradict each other.
pub(super) fn parse(
    bytes: &[u8],
    head_request: bool,
) -> Result<Option<(usize, Head)>, ProtocolError> {
    match parse_up_to::<USUAL_HEADERS>(bytes, head_request) {
        Err(ProtocolError::TooManyHeaders) => parse_many(bytes, head_request),
        result => result,
    }
}

#[cold]
fn parse_many(bytes: &[u8], head_request: bool) -> Result<Option<(usize, Head)>, ProtocolError> {
    parse_up_to::<MAX_HEADERS>(bytes, head_request)
}

fn parse_up_to<const HEADERS: usize>(
    bytes: &[u8],
    head_request: bool,
) -> Result<Option<(usize, Head)>, ProtocolError> {
    let mut headers = [const { MaybeUninit::uninit() }; HEADERS];
    let mut parsed = httparse::Response::new(&mut []);
    let mut config = httparse::ParserConfig::default();
    config.allow_obsolete_multiline_headers_in_responses(true);
    let status = config
        .parse_response_with_uninit_headers(&mut parsed, bytes, &mut headers)
        .map_err(syntax)?;
    let httparse::Status::Complete(len) = status else { return Ok(None) };
    Ok(Some((len, judge(&parsed, head_request)?)))
}

fn syntax(error: httparse::Error) -> ProtocolError {
    match error {
        httparse::Error::Version => ProtocolError::Version,
        httparse::Error::Status => ProtocolError::Status,
        httparse::Error::TooManyHeaders => ProtocolError::TooManyHeaders,
        _ => ProtocolError::Head,
    }
}

/// The rules of RFC 9112 section 6.3, in its order.
fn judge(parsed: &httparse::Response, head_request: bool) -> Result<Head, ProtocolError> {
    let status = parsed.code.filter(|&code| code >= 100).ok_or(ProtocolError::Status)?;
    if matches!(status, 100 | 102..=199) {
        return Ok(Head::Interim);
    }
    let fields = Fields::read(parsed.headers);
    let http_1_1 = parsed.version == Some(1);
    let framing = match (fields.coding, fields.length) {
        _ if head_request || matches!(status, 101 | 204 | 304) => Framing::Length(0),
        // Chunks of a server that speaks 1.0 cannot be trusted (section 6.1): never guess a length.
        (Coding::Bad, _) => return Err(ProtocolError::TransferEncoding),
        (coding, _) if coding != Coding::Absent && !http_1_1 => {
            return Err(ProtocolError::TransferEncoding);
        }
        (Coding::Chunked, _) => Framing::Chunked,
        (Coding::Other | Coding::ChunkedInside, _) => Framing::UntilClose,
        (Coding::Absent, Length::Bad) => return Err(ProtocolError::ContentLength),
        (Coding::Absent, Length::Bytes(bytes)) => Framing::Length(bytes),
        (Coding::Absent, Length::Absent) => Framing::UntilClose,
    };
    let reuse = fields.persistent(http_1_1) && framing != Framing::UntilClose && status != 101;
    Ok(Head::Final(Verdict { status, reuse, framing }))
}

/// `Content-Length` over all its lines.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Length {
    Absent,
    Bytes(u64),
    Bad,
}

/// `Transfer-Encoding` over all its lines.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Coding {
    Absent,
    /// The last coding is `chunked`: the body is framed.
    Chunked,
    /// `chunked` was applied, but another coding after it.
    ChunkedInside,
    Other,
    Bad,
}

/// The headers that matter for framing.
struct Fields {
    length: Length,
    coding: Coding,
    close: bool,
    keep_alive: bool,
}

impl Fields {
    fn read(headers: &[httparse::Header]) -> Self {
        let mut fields = Self {
            length: Length::Absent,
            coding: Coding::Absent,
            close: false,
            keep_alive: false,
        };
        for header in headers {
            // The length tells most headers apart before a byte is compared.
            match header.name.len() {
                10 if header.name.eq_ignore_ascii_case("connection") => {
                    fields.connection(header.value);
                }
                14 if header.name.eq_ignore_ascii_case("content-length") => {
                    fields.content_length(header.value);
                }
                17 if header.name.eq_ignore_ascii_case("transfer-encoding") => {
                    fields.transfer_encoding(header.value);
                }
                _ => {}
            }
        }
        fields
    }

    fn connection(&mut self, value: &[u8]) {
        for option in elements(value) {
            self.close |= option.eq_ignore_ascii_case(b"close");
            self.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
        }
    }

    /// Equal values may be repeated (section 6.3, rule 5); anything else is a contradiction.
    fn content_length(&mut self, value: &[u8]) {
        for element in elements(value) {
            self.length = match (self.length, decimal(element)) {
                (Length::Absent, Some(bytes)) => Length::Bytes(bytes),
                (Length::Bytes(before), Some(bytes)) if before == bytes => Length::Bytes(bytes),
                _ => Length::Bad,
            };
        }
    }

    fn transfer_encoding(&mut self, value: &[u8]) {
        // A comma in a quoted parameter would be taken for the end of a coding.
        if value.contains(&b'"') || elements(value).all(<[u8]>::is_empty) {
            self.coding = Coding::Bad;
        }
        for element in elements(value).filter(|element| !element.is_empty()) {
            let mut parts = element.split(|&byte| byte == b';').map(<[u8]>::trim_ascii);
            let chunked = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(b"chunked"));
            // `chunked` has no parameters; they are to be treated as an error (section 7.1).
            let bad = chunked && parts.next().is_some();
            self.coding = match (self.coding, chunked) {
                (Coding::Absent | Coding::Other, true) if !bad => Coding::Chunked,
                (Coding::Absent | Coding::Other, false) => Coding::Other,
                (Coding::Chunked | Coding::ChunkedInside, false) => Coding::ChunkedInside,
                _ => Coding::Bad,
            };
        }
    }

    /// Section 9.3; `Content-Length` beside `Transfer-Encoding` may be an attempt at smuggling, so
    /// what follows is not to be trusted (section 6.3, rule 3).
    fn persistent(&self, http_1_1: bool) -> bool {
        let trusted = match self.coding {
            Coding::Absent => true,
            _ => http_1_1 && self.length == Length::Absent,
        };
        trusted && !self.close && (http_1_1 || self.keep_alive)
    }
}

/// The elements of a comma-separated list, without the white space around them (which may hold line
/// ends: folded lines are one value).
fn elements(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii)
}

/// Digits only: no sign, no overflow, not empty.
fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |value, &byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })
}
