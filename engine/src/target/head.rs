//! Head: what the head of a request says about its body, its answer and its connection.

use super::request::{COUNT_PATH, Persistence, Purpose, Request};

/// Longest request head, in bytes.
pub(super) const HEAD_LIMIT_BYTES: usize = 32 * 1024;
pub(super) const HEADER_LIMIT: usize = 100;

/// How long a body is.
pub(super) enum Length {
    Bytes(u64),
    Chunked,
}

/// What is known about the beginning of some bytes.
pub(super) enum Parsed {
    Partial,
    Bad,
    Head(Head),
}

/// A whole head.
pub(super) struct Head {
    pub(super) bytes: usize,
    pub(super) request: Request,
    pub(super) length: Length,
    pub(super) expects_continue: bool,
}

impl Head {
    /// Whether the head is the whole request, and tells nothing else but what its bytes are.
    pub(super) fn is_everything(&self) -> bool {
        matches!(self.length, Length::Bytes(0)) && !self.request.connection.closes()
    }
}

/// Reads the head that `bytes` begin with.
pub(super) fn parse(bytes: &[u8]) -> Parsed {
    let mut headers = [httparse::EMPTY_HEADER; HEADER_LIMIT];
    let mut request = httparse::Request::new(&mut headers);
    match request.parse(bytes) {
        Ok(httparse::Status::Partial) => Parsed::Partial,
        Ok(httparse::Status::Complete(length)) if length <= HEAD_LIMIT_BYTES => {
            understand(&request, length).map_or(Parsed::Bad, Parsed::Head)
        }
        Ok(httparse::Status::Complete(_)) | Err(_) => Parsed::Bad,
    }
}

/// What a head says, or nothing if it contradicts itself.
fn understand(request: &httparse::Request<'_, '_>, bytes: usize) -> Option<Head> {
    let old = request.version? == 0;
    let (mut length, mut chunked) = (None, false);
    let (mut keep, mut close, mut expects_continue) = (false, false, false);
    for header in request.headers.iter() {
        let value = header.value.trim_ascii();
        if header.name.eq_ignore_ascii_case("content-length") {
            let value = decimal(value)?;
            if length.is_some_and(|length| length != value) {
                return None;
            }
            length = Some(value);
        } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
            if chunked || !value.eq_ignore_ascii_case(b"chunked") {
                return None;
            }
            chunked = true;
        } else if header.name.eq_ignore_ascii_case("connection") {
            keep |= has_token(value, b"keep-alive");
            close |= has_token(value, b"close");
        } else if header.name.eq_ignore_ascii_case("expect") {
            expects_continue = value.eq_ignore_ascii_case(b"100-continue");
        }
    }
    // Both lengths at once is how requests are smuggled.
    if chunked && (length.is_some() || old) {
        return None;
    }
    let connection = match (old, keep, close) {
        (false, _, false) => Persistence::Keep,
        (false, _, true) => Persistence::Close,
        (true, true, false) => Persistence::OldKeep,
        (true, _, _) => Persistence::OldClose,
    };
    let purpose = match request.method? {
        "GET" if request.path? == COUNT_PATH => Purpose::Count,
        "HEAD" => Purpose::Head,
        _ => Purpose::Response,
    };
    let length = if chunked { Length::Chunked } else { Length::Bytes(length.unwrap_or(0)) };
    Some(Head {
        bytes,
        request: Request { purpose, connection },
        length,
        expects_continue: expects_continue && !old,
    })
}

fn decimal(value: &[u8]) -> Option<u64> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(value).ok()?.parse().ok()
}

fn has_token(value: &[u8], token: &[u8]) -> bool {
    value.split(|&byte| byte == b',').any(|part| part.trim_ascii().eq_ignore_ascii_case(token))
}
