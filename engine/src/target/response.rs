//! Response: every answer the target can give, rendered to bytes once at the start.
//!
//! An answer is named by a [`ResponseId`]; small ones are stored many times in a row, so that the
//! answers to a batch of pipelined requests go out in one send.

use std::sync::Arc;

use super::request::{Persistence, Purpose, Request};

/// What the fixed response looks like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseOptions {
    /// Status code, 200 to 599.
    pub status: u16,
    /// Length of the body in bytes.
    pub body_bytes: usize,
    /// More headers, each as `Name: value`.
    pub headers: Vec<String>,
    /// Send the body in chunks.
    pub chunked: bool,
}

impl Default for ResponseOptions {
    fn default() -> Self {
        let body_bytes = GREETING.len();
        ResponseOptions { status: 200, body_bytes, headers: Vec::new(), chunked: false }
    }
}

/// The body of the default size; other sizes have a pattern.
const GREETING: &[u8] = b"Hello, world!\n";

/// The letters of a patterned body. Their number is prime, so that no buffer size is a multiple of
/// it and a block of bytes at the wrong place shows.
const PATTERN: &[u8; 61] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxy";

/// Responses are repeated up to this many bytes or times.
const BLOCK_BYTES: usize = 16 * 1024;
const BLOCK_COUNT: usize = 128;

const CHUNK_BYTES: usize = 4096;

/// The name of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ResponseId(u8);

impl ResponseId {
    /// `400`, closes.
    pub(crate) const BAD_REQUEST: ResponseId = ResponseId(16);
    /// `100`, not the last answer to its request.
    pub(crate) const CONTINUE: ResponseId = ResponseId(17);
    /// The counts, rendered when they are sent.
    pub(crate) const COUNT: ResponseId = ResponseId(18);
    /// The counts; closes.
    pub(crate) const LAST_COUNT: ResponseId = ResponseId(19);

    /// The answer to `request`; `error` asks for the injected failure.
    #[inline]
    pub(crate) fn to(request: Request, error: bool) -> ResponseId {
        let connection = match request.connection {
            Persistence::Keep => 0,
            Persistence::Close => 1,
            Persistence::OldKeep => 2,
            Persistence::OldClose => 3,
        };
        match request.purpose {
            Purpose::Response => ResponseId(connection | u8::from(error) << 3),
            Purpose::Head => ResponseId(connection | 4 | u8::from(error) << 3),
            Purpose::Count if request.connection.closes() => ResponseId::LAST_COUNT,
            Purpose::Count => ResponseId::COUNT,
        }
    }

    #[inline]
    pub(crate) fn index(self) -> usize {
        usize::from(self.0)
    }

    #[inline]
    pub(crate) fn is_count(self) -> bool {
        self == ResponseId::COUNT || self == ResponseId::LAST_COUNT
    }

    /// Whether this answers a request, rather than being on the way to its answer.
    pub(crate) fn is_final(self) -> bool {
        self != ResponseId::CONTINUE
    }
}

/// All responses but the counts.
#[derive(Debug)]
pub(crate) struct Responses {
    blocks: Vec<Block>,
}

/// One response, many times.
#[derive(Debug)]
struct Block {
    bytes: Arc<[u8]>,
    unit: usize,
}

impl Responses {
    pub(crate) fn new(options: &ResponseOptions) -> Responses {
        let error =
            ResponseOptions { status: 500, body_bytes: 0, chunked: false, ..options.clone() };
        let connections =
            [Persistence::Keep, Persistence::Close, Persistence::OldKeep, Persistence::OldClose];
        let mut blocks = Vec::with_capacity(18);
        for options in [options, &error] {
            for with_body in [true, false] {
                for connection in connections {
                    blocks.push(Block::new(&render(options, connection, with_body)));
                }
            }
        }
        blocks.push(Block::new(
            b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        ));
        blocks.push(Block::new(b"HTTP/1.1 100 Continue\r\n\r\n"));
        Responses { blocks }
    }

    /// The bytes of each response, many times in a row, at its [`ResponseId::index`].
    pub(crate) fn blocks(&self) -> impl Iterator<Item = Arc<[u8]>> {
        self.blocks.iter().map(|block| Arc::clone(&block.bytes))
    }

    /// Up to `count` responses in a row, at least one.
    #[inline]
    pub(crate) fn bytes(&self, id: ResponseId, count: u32) -> &[u8] {
        let block = &self.blocks[id.index()];
        let wanted = (count as usize).saturating_mul(block.unit);
        &block.bytes[..wanted.min(block.bytes.len())]
    }

    /// The length of one response.
    #[inline]
    pub(crate) fn unit(&self, id: ResponseId) -> usize {
        self.blocks[id.index()].unit
    }
}

impl Block {
    fn new(response: &[u8]) -> Block {
        let count = (BLOCK_BYTES / response.len()).clamp(1, BLOCK_COUNT);
        Block { bytes: response.repeat(count).into(), unit: response.len() }
    }
}

/// The answer to a request for the counts.
pub(crate) fn render_count(json: &str, closes: bool) -> Box<[u8]> {
    let close = if closes { "Connection: close\r\n" } else { "" };
    let length = json.len();
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
         {close}\r\n{json}"
    )
    .into_bytes()
    .into()
}

fn render(options: &ResponseOptions, connection: Persistence, with_body: bool) -> Vec<u8> {
    let ResponseOptions { status, body_bytes, headers, .. } = options;
    let old = matches!(connection, Persistence::OldKeep | Persistence::OldClose);
    let chunked = options.chunked && !old;
    let mut head = format!("HTTP/1.1 {status} {}\r\n", reason(*status));
    if has_body(*status) {
        head.push_str("Content-Type: text/plain\r\n");
        if chunked {
            head.push_str("Transfer-Encoding: chunked\r\n");
        } else {
            head.push_str(&format!("Content-Length: {body_bytes}\r\n"));
        }
    }
    for header in headers {
        head.push_str(header);
        head.push_str("\r\n");
    }
    head.push_str(match connection {
        Persistence::Keep => "",
        Persistence::OldKeep => "Connection: keep-alive\r\n",
        Persistence::Close | Persistence::OldClose => "Connection: close\r\n",
    });
    head.push_str("\r\n");
    let mut bytes = head.into_bytes();
    if with_body && has_body(*status) {
        let body = body(*body_bytes);
        if chunked {
            write_chunks(&mut bytes, &body);
        } else {
            bytes.extend_from_slice(&body);
        }
    }
    bytes
}

/// The body of `length` bytes that the target sends: a greeting if it fits exactly, else a pattern.
#[must_use]
pub fn body(length: usize) -> Vec<u8> {
    if length == GREETING.len() {
        return GREETING.to_vec();
    }
    PATTERN.iter().copied().cycle().take(length).collect()
}

/// At least two chunks wherever there are two bytes: a client that cannot join them shows.
fn write_chunks(bytes: &mut Vec<u8>, body: &[u8]) {
    let size = body.len().div_ceil(2).clamp(1, CHUNK_BYTES);
    for chunk in body.chunks(size) {
        bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        bytes.extend_from_slice(chunk);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
}

/// RFC 9110: these have no body, whatever the headers say.
pub(crate) fn has_body(status: u16) -> bool {
    status != 204 && status != 304
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        301 => "Moved Permanently",
        302 => "Found",
        304 => "Not Modified",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        408 => "Request Timeout",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        // A reason may be empty; the space before it may not.
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(options: &ResponseOptions, purpose: Purpose, connection: Persistence) -> String {
        let responses = Responses::new(options);
        let id = ResponseId::to(Request { purpose, connection }, false);
        String::from_utf8(responses.bytes(id, 1).to_vec()).expect("text")
    }

    #[test]
    fn the_default_response_is_small() {
        assert_eq!(
            response(&ResponseOptions::default(), Purpose::Response, Persistence::Keep),
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 14\r\n\r\n\
             Hello, world!\n"
        );
    }

    #[test]
    fn each_variant_is_what_its_request_asked_for() {
        let options = ResponseOptions {
            status: 503,
            body_bytes: 5,
            headers: vec!["X-A: b".to_owned()],
            chunked: true,
        };
        let rows = [
            (
                Purpose::Response,
                Persistence::Close,
                "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\n\
                 Transfer-Encoding: chunked\r\nX-A: b\r\nConnection: close\r\n\r\n\
                 3\r\n012\r\n2\r\n34\r\n0\r\n\r\n",
            ),
            (
                Purpose::Head,
                Persistence::Keep,
                "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\n\
                 Transfer-Encoding: chunked\r\nX-A: b\r\n\r\n",
            ),
            (
                Purpose::Response,
                Persistence::OldKeep,
                "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\n\
                 Content-Length: 5\r\nX-A: b\r\nConnection: keep-alive\r\n\r\n01234",
            ),
            (
                Purpose::Head,
                Persistence::OldClose,
                "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\n\
                 Content-Length: 5\r\nX-A: b\r\nConnection: close\r\n\r\n",
            ),
        ];
        for (purpose, connection, expected) in rows {
            assert_eq!(response(&options, purpose, connection), expected);
        }
    }

    #[test]
    fn statuses_without_a_body_have_none() {
        let options = ResponseOptions { status: 204, ..ResponseOptions::default() };
        assert_eq!(
            response(&options, Purpose::Response, Persistence::Keep),
            "HTTP/1.1 204 No Content\r\n\r\n"
        );
    }

    #[test]
    fn an_injected_error_is_a_500_without_body() {
        let responses = Responses::new(&ResponseOptions::default());
        let request = Request { purpose: Purpose::Response, connection: Persistence::Keep };
        let bytes = responses.bytes(ResponseId::to(request, true), 1);
        assert!(bytes.starts_with(b"HTTP/1.1 500 Internal Server Error\r\n"));
        assert!(bytes.ends_with(b"Content-Length: 0\r\n\r\n"));
    }

    #[test]
    fn a_block_holds_whole_responses() {
        let options = ResponseOptions { body_bytes: 1000, ..ResponseOptions::default() };
        let responses = Responses::new(&options);
        let request = Request { purpose: Purpose::Response, connection: Persistence::Keep };
        let id = ResponseId::to(request, false);
        let unit = responses.unit(id);
        assert_eq!(responses.bytes(id, 3).len(), 3 * unit);
        let most = responses.bytes(id, u32::MAX).len();
        assert!(most <= BLOCK_BYTES && most.is_multiple_of(unit));
        let large = Responses::new(&ResponseOptions { body_bytes: 1 << 20, ..options });
        assert_eq!(large.bytes(id, 3).len(), large.unit(id));
    }

    #[test]
    fn a_body_in_chunks_is_the_body() {
        for length in [0, 1, 2, 4096, 8192, 8193, 100_000] {
            let (mut bytes, expected) = (Vec::new(), body(length));
            write_chunks(&mut bytes, &expected);
            assert_eq!(join_chunks(&bytes), expected, "{length}");
        }
    }

    fn join_chunks(mut bytes: &[u8]) -> Vec<u8> {
        let mut joined = Vec::new();
        loop {
            let line = bytes.iter().position(|&byte| byte == b'\r').expect("size line");
            let size = std::str::from_utf8(&bytes[..line]).expect("ascii");
            let size = usize::from_str_radix(size, 16).expect("hex");
            bytes = &bytes[line + 2..];
            joined.extend_from_slice(&bytes[..size]);
            assert_eq!(&bytes[size..size + 2], b"\r\n");
            bytes = &bytes[size + 2..];
            if size == 0 {
                assert!(bytes.is_empty());
                return joined;
            }
        }
    }
}
