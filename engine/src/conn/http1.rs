//! The state machine of one connection: pieces of bytes in, ends of responses out.

use super::body::Body;
use super::error::ProtocolError;
use super::head::{self, Framing, Head, MAX_HEAD_BYTES, Verdict};
use super::partial::Partial;
use super::pool::HeadPool;

/// Most blank lines before a status line (RFC 9112 section 2.2 asks for at least one).
const MAX_BLANK_LINES: u8 = 8;

/// Most interim responses before a final one.
const MAX_INTERIM: u8 = 16;

/// One finished response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Response {
    /// Status code, 100 to 999; of 1xx only 101.
    pub status: u16,
    /// The connection may carry another request.
    pub reuse: bool,
    /// Bytes of the body, without what frames it.
    pub body_bytes: u64,
}

/// What a piece of bytes has brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// All bytes were used and no response ended.
    Partial,
    /// A response ended; bytes behind it were not looked at.
    Done(Response),
}

/// What the end of a connection means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// No byte of a response had come.
    Idle,
    /// It ends a response without a length.
    Done(Response),
    /// A response is cut off, or the connection was broken before.
    Early,
}

/// The receiving half of one HTTP/1.1 connection.
#[derive(Debug)]
pub struct Http1 {
    state: State,
    head_request: bool,
    blank_lines: u8,
    interim: u8,
}

#[derive(Debug)]
enum State {
    /// Before a status line.
    Start,
    /// Before a status line, after a carriage return that may be half a blank line.
    StartReturn,
    Head(Partial),
    Body(Body),
    Broken(ProtocolError),
}

impl Http1 {
    /// A fresh connection, whose requests are all HEAD (their responses have no body) or all not,
    /// until [`Self::expect_head`] says otherwise.
    pub fn new(head_request: bool) -> Self {
        Self { state: State::Start, head_request, blank_lines: 0, interim: 0 }
    }

    /// Says whether the request whose response comes next was HEAD. Call it before the first byte of
    /// the response.
    #[inline]
    pub fn expect_head(&mut self, head_request: bool) {
        self.head_request = head_request;
    }

    /// Feeds bytes in the order of the connection; returns how many were used and whether a
    /// response ended. After [`Progress::Done`] the rest belongs to the next response: call again
    /// with it.
    ///
    /// # Errors
    ///
    /// The bytes are not HTTP/1.1. Every later call returns the same error until [`Http1::reset`].
    #[inline]
    pub fn feed(
        &mut self,
        bytes: &[u8],
        pool: &mut HeadPool,
    ) -> Result<(usize, Progress), ProtocolError> {
        self.feed_to(bytes, pool, &mut |_| ())
    }

    /// The same; pieces of bodies go to `sink` as they come, without what frames them.
    ///
    /// # Errors
    ///
    /// As [`Self::feed`].
    #[inline]
    pub fn feed_to(
        &mut self,
        bytes: &[u8],
        pool: &mut HeadPool,
        sink: &mut impl FnMut(&[u8]),
    ) -> Result<(usize, Progress), ProtocolError> {
        if matches!(self.state, State::Start)
            && let Some((head_bytes, verdict)) = pool.remembered.recall(bytes, self.head_request)
        {
            let (used, response) = self.open(head_bytes, verdict, bytes, sink);
            if let Some(response) = response {
                return Ok((used, Progress::Done(response)));
            }
            return self.feed_slowly(bytes, used, pool, sink);
        }
        self.feed_slowly(bytes, 0, pool, sink)
    }

    /// The peer has closed its side. The state machine is then ready for a new connection.
    pub fn end(&mut self, pool: &mut HeadPool) -> End {
        let end = match &self.state {
            _ if self.is_idle() => End::Idle,
            State::Body(body) => body.end().map_or(End::Early, End::Done),
            _ => End::Early,
        };
        self.reset(pool);
        end
    }

    /// No byte of the next response has come. An interim (1xx) response counts as its beginning, a
    /// blank line does not: some servers send one behind a body.
    #[inline]
    pub fn is_idle(&self) -> bool {
        matches!(self.state, State::Start | State::StartReturn) && self.interim == 0
    }

    /// Makes ready for a new connection and gives any buffer back.
    pub fn reset(&mut self, pool: &mut HeadPool) {
        self.enter(State::Start, pool);
        self.blank_lines = 0;
        self.interim = 0;
    }

    fn feed_slowly(
        &mut self,
        bytes: &[u8],
        mut used: usize,
        pool: &mut HeadPool,
        sink: &mut impl FnMut(&[u8]),
    ) -> Result<(usize, Progress), ProtocolError> {
        while used < bytes.len() {
            match self.step(&bytes[used..], pool, sink) {
                Ok((taken, None)) => used += taken,
                Ok((taken, Some(response))) => {
                    return Ok((used + taken, Progress::Done(response)));
                }
                Err(error) => {
                    self.enter(State::Broken(error), pool);
                    return Err(error);
                }
            }
        }
        Ok((used, Progress::Partial))
    }

    /// One step: feeds the state we are in, which uses some bytes or leads to another state.
    fn step(
        &mut self,
        bytes: &[u8],
        pool: &mut HeadPool,
        sink: &mut impl FnMut(&[u8]),
    ) -> Result<(usize, Option<Response>), ProtocolError> {
        match &mut self.state {
            State::Start | State::StartReturn => match bytes[0] {
                byte @ (b'\r' | b'\n') => self.blank(byte).map(|()| (1, None)),
                _ if matches!(self.state, State::StartReturn) => Err(ProtocolError::Head),
                _ => self.whole_head(bytes, pool, sink),
            },
            State::Head(partial) => {
                let (used, head) = partial.feed(bytes, self.head_request)?;
                let Some(head) = head else { return Ok((used, None)) };
                self.enter(State::Start, pool);
                self.after_head(used, head, bytes, sink)
            }
            State::Body(body) => {
                let (used, response) = body.feed(bytes, sink)?;
                if response.is_some() {
                    self.state = State::Start;
                }
                Ok((used, response))
            }
            State::Broken(error) => Err(*error),
        }
    }

    /// A byte of a blank line before a status line.
    fn blank(&mut self, byte: u8) -> Result<(), ProtocolError> {
        self.state = match (&self.state, byte) {
            (State::Start, b'\r') => State::StartReturn,
            (_, b'\n') => State::Start,
            _ => return Err(ProtocolError::Head),
        };
        if byte == b'\n' {
            self.blank_lines += 1;
            if self.blank_lines > MAX_BLANK_LINES {
                return Err(ProtocolError::TooManyBlankLines);
            }
        }
        Ok(())
    }

    /// The head begins here: in most cases all of it is here, and is parsed where it lies.
    fn whole_head(
        &mut self,
        bytes: &[u8],
        pool: &mut HeadPool,
        sink: &mut impl FnMut(&[u8]),
    ) -> Result<(usize, Option<Response>), ProtocolError> {
        let window = &bytes[..bytes.len().min(MAX_HEAD_BYTES)];
        // A fault in bytes that are not yet a whole head must not show before a fault that pieces
        // would show first: so only a good head counts here, and the collector finds out the rest.
        let Ok(Some((head_bytes, head))) = head::parse(window, self.head_request) else {
            self.state = State::Head(Partial::new(pool.take()));
            return Ok((0, None));
        };
        if let Head::Final(verdict) = head {
            pool.remembered.learn(&bytes[..head_bytes], self.head_request, verdict);
        }
        self.after_head(head_bytes, head, bytes, sink)
    }

    fn after_head(
        &mut self,
        head_bytes: usize,
        head: Head,
        bytes: &[u8],
        sink: &mut impl FnMut(&[u8]),
    ) -> Result<(usize, Option<Response>), ProtocolError> {
        match head {
            Head::Final(verdict) => Ok(self.open(head_bytes, verdict, bytes, sink)),
            Head::Interim if self.interim == MAX_INTERIM => Err(ProtocolError::TooManyInterim),
            Head::Interim => {
                self.interim += 1;
                self.blank_lines = 0;
                Ok((head_bytes, None))
            }
        }
    }

    /// A final head is known, and `bytes` go on behind it: a body that is here already is done at
    /// once. Returns the bytes used with the head.
    #[inline]
    fn open(
        &mut self,
        head_bytes: usize,
        verdict: Verdict,
        bytes: &[u8],
        sink: &mut impl FnMut(&[u8]),
    ) -> (usize, Option<Response>) {
        self.blank_lines = 0;
        self.interim = 0;
        if let Framing::Length(body_bytes) = verdict.framing
            && body_bytes <= (bytes.len() - head_bytes) as u64
            && let Ok(here) = usize::try_from(body_bytes)
        {
            sink(&bytes[head_bytes..head_bytes + here]);
            return (head_bytes + here, Some(verdict.response(body_bytes)));
        }
        self.state = State::Body(Body::new(verdict));
        (head_bytes, None)
    }

    /// Changes the state; a buffer of the old one goes back to the pool.
    fn enter(&mut self, state: State, pool: &mut HeadPool) {
        if let State::Head(partial) = std::mem::replace(&mut self.state, state) {
            pool.give(partial.into_buffer());
        }
    }
}
