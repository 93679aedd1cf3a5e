//! Request: where one HTTP/1 request ends and the next begins, and the little that an answer
//! depends on.
//!
//! Bytes in, in pieces of any size; events out. What the events are does not depend on how the
//! bytes were cut.
//!
//! ```text
//!            ┌────────────── Event::Request ◄──────────────┐
//!            ▼                                             │
//! Head ──(head complete)──┬─ no body ───────────────────── ┤
//!                         ├─ Content-Length ─► Body ───────┤
//!                         └─ chunked ────────► Chunk ──────┘
//! any ──(garbage, or a request after the last)──► Stopped
//! ```

use super::chunked::{Chunk, Step};
use super::head::{HEAD_LIMIT_BYTES, Head, Length, Parsed, parse};

/// The path that answers with the target's counts.
pub(crate) const COUNT_PATH: &str = "/__acp/count";

/// What an answer depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) purpose: Purpose,
    pub(crate) connection: Persistence,
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The fixed response.
    Response,
    /// The fixed response's head.
    Head,
    /// The counts of the target.
    Count,
}

/// What becomes of the connection, and which version of HTTP the peer speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Persistence {
    /// HTTP/1.1, stays open.
    Keep,
    /// HTTP/1.1 with `Connection: close`.
    Close,
    /// HTTP/1.0 with `Connection: keep-alive`.
    OldKeep,
    /// HTTP/1.0.
    OldClose,
}

impl Persistence {
    pub(crate) fn closes(self) -> bool {
        matches!(self, Persistence::Close | Persistence::OldClose)
    }

    pub(crate) fn closing(self) -> Persistence {
        match self {
            Persistence::Keep | Persistence::Close => Persistence::Close,
            Persistence::OldKeep | Persistence::OldClose => Persistence::OldClose,
        }
    }
}

/// What was found in the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    /// A whole request, body and all.
    Request(Request),
    /// The peer waits for `100 Continue` before it sends a body.
    Continue,
    /// This is not HTTP/1. Nothing follows.
    Bad,
}

/// A head that was seen before: load consists of the same request over and over, and comparing is
/// an order of magnitude cheaper than parsing.
#[derive(Debug, Default)]
pub(crate) struct KnownHead {
    bytes: Vec<u8>,
    request: Option<Request>,
}

impl KnownHead {
    #[inline]
    fn matches(&self, input: &[u8]) -> Option<Request> {
        if input.starts_with(&self.bytes) { self.request } else { None }
    }

    /// Only heads without a body that leave the connection open: then the head is all there is to
    /// know.
    fn learn(&mut self, head: &[u8], request: Request) {
        self.bytes.clear();
        self.bytes.extend_from_slice(head);
        self.request = Some(request);
    }
}

/// The framing of one connection's requests.
#[derive(Debug)]
pub(crate) struct Framing {
    state: State,
    /// The beginning of a head that came in pieces.
    partial: Vec<u8>,
    /// The request whose body is being read.
    request: Request,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Head,
    Body { left: u64 },
    Chunk(Chunk),
    Stopped,
}

impl Framing {
    pub(crate) fn new() -> Framing {
        let request = Request { purpose: Purpose::Response, connection: Persistence::Keep };
        Framing { state: State::Head, partial: Vec::new(), request }
    }

    /// No more requests are read from this connection.
    pub(crate) fn stop(&mut self) {
        self.state = State::Stopped;
        self.partial = Vec::new();
    }

    /// Takes bytes off `input` up to the next event; nothing when `input` is used up before.
    #[inline]
    pub(crate) fn next(&mut self, input: &mut &[u8], known: &mut KnownHead) -> Option<Event> {
        if self.state == State::Head
            && self.partial.is_empty()
            && let Some(request) = known.matches(input)
        {
            *input = &input[known.bytes.len()..];
            return Some(Event::Request(request));
        }
        self.next_slow(input, known)
    }

    fn next_slow(&mut self, input: &mut &[u8], known: &mut KnownHead) -> Option<Event> {
        loop {
            let event = match self.state {
                State::Head => self.head(input, known),
                State::Body { left } => self.body(input, left),
                State::Chunk(chunk) => self.chunks(input, chunk),
                State::Stopped => {
                    *input = &[];
                    None
                }
            };
            if event == Some(Event::Bad) {
                self.stop();
            }
            // A head that announces a body is no event; the body may be here too.
            if event.is_some() || input.is_empty() {
                return event;
            }
        }
    }

    fn head(&mut self, input: &mut &[u8], known: &mut KnownHead) -> Option<Event> {
        if input.is_empty() {
            return None;
        }
        if self.partial.is_empty() {
            return match parse(input) {
                Parsed::Partial => self.hold(input),
                Parsed::Bad => Some(Event::Bad),
                Parsed::Head(head) => {
                    let (bytes, rest) = input.split_at(head.bytes);
                    *input = rest;
                    if head.is_everything() {
                        known.learn(bytes, head.request);
                    }
                    self.begin(&head)
                }
            };
        }
        let before = self.partial.len();
        // A head ends with a newline; without a new one there is no use in parsing again.
        let ends = memchr::memchr(b'\n', input).is_some();
        self.partial.extend_from_slice(input);
        match if ends { parse(&self.partial) } else { Parsed::Partial } {
            Parsed::Partial => {
                self.partial.truncate(before);
                self.hold(input)
            }
            Parsed::Bad => Some(Event::Bad),
            Parsed::Head(head) => {
                *input = &input[head.bytes - before..];
                self.partial = Vec::new();
                self.begin(&head)
            }
        }
    }

    /// Keeps the beginning of a head until the rest of it comes.
    fn hold(&mut self, input: &mut &[u8]) -> Option<Event> {
        self.partial.extend_from_slice(input);
        *input = &[];
        (self.partial.len() > HEAD_LIMIT_BYTES).then_some(Event::Bad)
    }

    fn begin(&mut self, head: &Head) -> Option<Event> {
        self.request = head.request;
        self.state = match head.length {
            Length::Bytes(0) => return Some(Event::Request(head.request)),
            Length::Bytes(left) => State::Body { left },
            Length::Chunked => State::Chunk(Chunk::START),
        };
        // An HTTP/1.0 peer does not know what a 100 is; a body that is already there needs none.
        head.expects_continue.then_some(Event::Continue)
    }

    fn body(&mut self, input: &mut &[u8], left: u64) -> Option<Event> {
        let left = skip(input, left);
        if left > 0 {
            self.state = State::Body { left };
            return None;
        }
        self.end()
    }

    fn end(&mut self) -> Option<Event> {
        self.state = State::Head;
        Some(Event::Request(self.request))
    }

    fn chunks(&mut self, input: &mut &[u8], mut chunk: Chunk) -> Option<Event> {
        loop {
            if let Chunk::Data { left } = chunk {
                let left = skip(input, left);
                chunk = if left > 0 { Chunk::Data { left } } else { Chunk::DataReturn };
            }
            let Some((&byte, rest)) = input.split_first() else {
                self.state = State::Chunk(chunk);
                return None;
            };
            *input = rest;
            match chunk.step(byte) {
                Step::To(next) => chunk = next,
                Step::End => return self.end(),
                Step::Bad => return Some(Event::Bad),
            }
        }
    }
}

/// Takes up to `left` bytes off `input` and returns how many are still to come.
fn skip(input: &mut &[u8], left: u64) -> u64 {
    let here = usize::try_from(left).unwrap_or(usize::MAX).min(input.len());
    *input = &input[here..];
    left - here as u64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::head::HEADER_LIMIT;
    use super::*;

    /// All events of `input`, given in pieces that end at `cuts`.
    fn events(input: &[u8], cuts: &[usize]) -> Vec<Event> {
        let (mut framing, mut known) = (Framing::new(), KnownHead::default());
        let mut events = Vec::new();
        let mut start = 0;
        for &end in cuts.iter().chain([&input.len()]) {
            let mut piece = &input[start..end];
            while let Some(event) = framing.next(&mut piece, &mut known) {
                events.push(event);
            }
            assert!(piece.is_empty(), "bytes are left when there is no event");
            start = end;
        }
        events
    }

    /// A letter an event: `r` response, `h` head, `n` count, then `c` if the connection closes and
    /// `o` if the peer is old; `+` for a continue, `!` for bad.
    fn letters(events: &[Event]) -> String {
        let letter = |event: &Event| match event {
            Event::Continue => "+".to_owned(),
            Event::Bad => "!".to_owned(),
            Event::Request(Request { purpose, connection }) => {
                let purpose = match purpose {
                    Purpose::Response => "r",
                    Purpose::Head => "h",
                    Purpose::Count => "n",
                };
                let connection = match connection {
                    Persistence::Keep => "",
                    Persistence::Close => "c",
                    Persistence::OldKeep => "o",
                    Persistence::OldClose => "oc",
                };
                format!("{purpose}{connection}")
            }
        };
        events.iter().map(letter).collect::<Vec<_>>().join(" ")
    }

    const ROWS: &[(&str, &str, &str)] = &[
        ("a plain one", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "r"),
        ("a second that equals the first", "GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n", "r r"),
        ("only a beginning", "GET / HTTP/1.1\r\nHost: a\r\n", ""),
        ("bare newlines", "GET / HTTP/1.1\nHost: a\n\n", "r"),
        ("an empty line first", "\r\nGET / HTTP/1.1\r\n\r\n", "r"),
        ("HEAD", "HEAD / HTTP/1.1\r\n\r\n", "h"),
        ("count", "GET /__acp/count HTTP/1.1\r\n\r\n", "n"),
        ("not quite count", "GET /__acp/counts HTTP/1.1\r\n\r\n", "r"),
        ("close", "GET / HTTP/1.1\r\nConnection: Close\r\n\r\n", "rc"),
        ("close in a list", "GET / HTTP/1.1\r\nConnection: te, close\r\n\r\n", "rc"),
        ("not close", "GET / HTTP/1.1\r\nConnection: closed\r\n\r\n", "r"),
        ("old", "GET / HTTP/1.0\r\n\r\n", "roc"),
        ("old, kept", "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "ro"),
        (
            "a body",
            "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhelloGET / HTTP/1.1\r\n\r\n",
            "r r",
        ),
        ("an empty body", "POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n", "r"),
        ("an incomplete body", "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhell", ""),
        (
            "a length twice",
            "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
            "r",
        ),
        (
            "expects continue",
            "POST / HTTP/1.1\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\nx",
            "+ r",
        ),
        (
            "chunked",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1A;a=b\r\n\
             abcdefghijklmnopqrstuvwxyz\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n",
            "r r",
        ),
        (
            "chunked with trailers",
            "POST / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n0\r\na: b\r\nc: d\r\n\r\n",
            "r",
        ),
        ("not HTTP", "hello\r\n\r\n", "!"),
        ("TLS", "\x16\x03\x01\x02\0", "!"),
        ("HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "!"),
        ("nothing after garbage", "\0\r\n\r\nGET / HTTP/1.1\r\n\r\n", "!"),
        ("lengths differ", "GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "!"),
        ("a signed length", "GET / HTTP/1.1\r\nContent-Length: +1\r\n\r\n", "!"),
        ("an empty length", "GET / HTTP/1.1\r\nContent-Length:\r\n\r\n", "!"),
        ("a list of lengths", "GET / HTTP/1.1\r\nContent-Length: 1, 1\r\n\r\n", "!"),
        (
            "too large a length",
            "GET / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
            "!",
        ),
        (
            "length and chunked",
            "GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            "!",
        ),
        ("old and chunked", "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", "!"),
        ("another encoding", "GET / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "!"),
        ("no chunk size", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n\r\n", "!"),
        ("not a chunk size", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", "!"),
        (
            "too large a chunk",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000000\r\n",
            "!",
        ),
        (
            "a chunk too long",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
            "!",
        ),
    ];

    #[test]
    fn requests_are_found_in_the_bytes() {
        for (name, input, expected) in ROWS {
            assert_eq!(&letters(&events(input.as_bytes(), &[])), expected, "{name}");
        }
    }

    #[test]
    fn one_byte_at_a_time_makes_no_difference() {
        for (name, input, expected) in ROWS {
            let cuts: Vec<usize> = (1..input.len()).collect();
            assert_eq!(&letters(&events(input.as_bytes(), &cuts)), expected, "{name}");
        }
    }

    #[test]
    fn heads_and_trailers_have_a_limit() {
        let long = "x".repeat(HEAD_LIMIT_BYTES);
        for input in [
            format!("GET /{long} HTTP/1.1\r\n\r\n"),
            format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(HEADER_LIMIT + 1)),
            format!("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0;{long}x\r\n\r\n"),
            format!("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n{long}x\r\n\r\n"),
        ] {
            assert_eq!(letters(&events(input.as_bytes(), &[])), "!", "{}", &input[..60]);
            assert_eq!(letters(&events(input.as_bytes(), &[100, 500])), "!");
        }
    }

    #[test]
    fn after_a_stop_everything_is_swallowed() {
        let (mut framing, mut known) = (Framing::new(), KnownHead::default());
        let request = b"GET / HTTP/1.1\r\n\r\n";
        let mut input = &request[..];
        assert!(framing.next(&mut input, &mut known).is_some());
        framing.stop();
        let mut input = &request[..];
        assert_eq!(framing.next(&mut input, &mut known), None);
        assert!(input.is_empty());
    }

    proptest! {
        #[test]
        fn cuts_make_no_difference(
            rows in prop::collection::vec(0..ROWS.len(), 1..6),
            mut cuts in prop::collection::vec(0..2000_usize, 0..20),
        ) {
            let input: Vec<u8> = rows.iter().flat_map(|&row| ROWS[row].1.bytes()).collect();
            cuts.retain(|&cut| cut <= input.len());
            cuts.sort_unstable();
            prop_assert_eq!(events(&input, &cuts), events(&input, &[]));
        }

        #[test]
        fn no_bytes_make_it_panic(input: Vec<u8>, cut: prop::sample::Index) {
            events(&input, &[cut.index(input.len() + 1)]);
        }
    }
}
