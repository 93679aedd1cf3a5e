//! What a simulated server answers to one request, and what it does with the connection then.

use super::random::Random;
use super::scenario::Faults;
use crate::plan::Plan;
use crate::shard::Closed;

/// One answer.
pub(super) struct Reply {
    pub(super) bytes: Vec<u8>,
    /// Of those, the bytes with which the response ends; none if they do not end it.
    pub(super) end: Option<usize>,
    /// The client gets a whole response, with the end of the connection where that is its end.
    pub(super) is_whole: bool,
    /// The response says that the connection carries no other.
    pub(super) says_close: bool,
    /// How the connection is closed then.
    pub(super) close: Option<Closed>,
}

/// Bytes that no response begins with. The last two are bad only where a body may follow.
const GARBAGE: [&[u8]; 6] = [
    b"\0\0\0\0",
    b"garbage\r\n\r\n",
    b"HTTP/1.1 abc\r\n\r\n",
    b"HTTP/1.1 2",
    b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
];

/// What a server says before it closes an idle connection.
pub(super) const GOOD_BYE: &[u8] =
    b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// How a body ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Framing {
    Length,
    Chunked,
    UntilClose,
}

impl Reply {
    pub(super) fn new(random: &mut Random, plan: &Plan, faults: &Faults) -> Self {
        if random.chance(faults.garbage) {
            let kinds = if plan.request.is_head { 4 } else { GARBAGE.len() };
            let bytes = random.pick(&GARBAGE[..kinds]).to_vec();
            return Self { bytes, end: None, is_whole: false, says_close: false, close: None };
        }
        let framing = match random.chance(faults.odd_framing) {
            true => random.pick(&[Framing::Chunked, Framing::UntilClose]),
            false => Framing::Length,
        };
        let says_close = !plan.keep_alive || random.chance(faults.close_said);
        let mut bytes = Vec::new();
        while random.chance(faults.interim) && bytes.len() < 200 {
            bytes.extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n");
        }
        let has_end = response(random, plan, faults, framing, says_close, &mut bytes);
        let mut close = (says_close || !has_end).then_some(Closed::Gracefully);
        if close.is_none() && random.chance(faults.close_unsaid) {
            close = Some(random.pick(&[Closed::Gracefully, Closed::Broken]));
        }
        let mut reply =
            Self { end: has_end.then_some(bytes.len()), bytes, is_whole: true, says_close, close };
        if random.chance(faults.cut) {
            reply.cut(random, has_end);
        } else if random.chance(faults.blank_line) {
            reply.bytes.extend_from_slice(b"\r\n");
        }
        reply
    }

    /// Ends the connection before the response has ended.
    fn cut(&mut self, random: &mut Random, has_end: bool) {
        self.bytes.truncate(random.index(self.bytes.len()));
        (self.end, self.is_whole) = (None, false);
        // Where the end of the connection ends the body, only a reset cuts it off.
        let ends = if has_end { [Closed::Gracefully, Closed::Broken] } else { [Closed::Broken; 2] };
        self.close = Some(random.pick(&ends));
    }
}

/// Appends a final response. Returns whether it has an end of its own.
fn response(
    random: &mut Random,
    plan: &Plan,
    faults: &Faults,
    framing: Framing,
    says_close: bool,
    bytes: &mut Vec<u8>,
) -> bool {
    let status = match random.chance(faults.odd_status) {
        true => random.pick(&[204, 304, 301, 404, 500, 503]),
        false => 200,
    };
    let body = vec![b'b'; random.pick(&[0, 1, 20, 90, 90, 300, 3000])];
    let mut add = |text: &str| bytes.extend_from_slice(text.as_bytes());
    add(&format!("HTTP/1.1 {status} Status\r\n"));
    if says_close {
        add("Connection: close\r\n");
    }
    let has_body = !plan.request.is_head && !matches!(status, 204 | 304);
    match framing {
        Framing::Length if matches!(status, 204 | 304) => {}
        Framing::Length => add(&format!("Content-Length: {}\r\n", body.len())),
        Framing::Chunked => add("Transfer-Encoding: chunked\r\n"),
        Framing::UntilClose => {}
    }
    add("\r\n");
    if !has_body {
        return true;
    }
    if framing == Framing::Chunked {
        let (first, rest) = body.split_at(random.index(body.len() + 1));
        for part in [first, rest].into_iter().filter(|part| !part.is_empty()) {
            bytes.extend_from_slice(format!("{:x}\r\n", part.len()).as_bytes());
            bytes.extend_from_slice(part);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"0\r\n\r\n");
    } else {
        bytes.extend_from_slice(&body);
    }
    framing != Framing::UntilClose
}
