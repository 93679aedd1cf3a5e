//! A head that arrives in pieces, or is not a head at all: collected until its blank line.

use super::error::ProtocolError;
use super::head::{self, Head, MAX_HEAD_BYTES};

/// What the bytes before the next one say about the end of the head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    /// Inside a line.
    Text,
    /// After a line end.
    Start,
    /// After a line end and a carriage return.
    Return,
}

/// The head so far.
#[derive(Debug)]
pub(super) struct Partial {
    /// Borrowed from the pool.
    buffer: Vec<u8>,
    line: Line,
}

impl Partial {
    /// A head that begins with the next byte; blank lines before it have been skipped.
    pub(super) fn new(buffer: Vec<u8>) -> Self {
        Self { buffer, line: Line::Text }
    }

    /// The buffer, to be given back.
    pub(super) fn into_buffer(self) -> Vec<u8> {
        self.buffer
    }

    /// Feeds bytes; returns how many were used and the head if it is complete.
    ///
    /// # Errors
    ///
    /// The status line is not one; the head is too long; a complete head is malformed.
    pub(super) fn feed(
        &mut self,
        bytes: &[u8],
        head_request: bool,
    ) -> Result<(usize, Option<Head>), ProtocolError> {
        let window = bytes.len().min(MAX_HEAD_BYTES - self.buffer.len());
        let end = self.line.find_end(&bytes[..window]);
        let used = end.unwrap_or(window);
        let before = self.buffer.len();
        self.buffer.extend_from_slice(&bytes[..used]);
        check_opening(&self.buffer, before)?;
        match end {
            Some(_) => {
                let parsed = head::parse(&self.buffer, head_request)?;
                // A blank line ends every head: a parser that wants more has met something else.
                let (_, head) = parsed.ok_or(ProtocolError::Head)?;
                Ok((used, Some(head)))
            }
            None if bytes.len() > window => Err(ProtocolError::HeadTooLong),
            None => Ok((used, None)),
        }
    }
}

impl Line {
    /// Index behind the blank line that ends the head, if it is in `bytes`.
    fn find_end(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        while at < bytes.len() {
            if *self == Self::Text {
                let Some(line_feed) = memchr::memchr(b'\n', &bytes[at..]) else { break };
                at += line_feed + 1;
                *self = Self::Start;
                continue;
            }
            *self = match (*self, bytes[at]) {
                (_, b'\n') => return Some(at + 1),
                (Self::Start, b'\r') => Self::Return,
                _ => Self::Text,
            };
            at += 1;
        }
        None
    }
}

/// Finds what cannot be a status line at its first wrong byte, so that a peer that speaks something
/// else is known at once and not when it closes. Bytes before `checked` have been checked.
fn check_opening(head: &[u8], checked: usize) -> Result<(), ProtocolError> {
    const PATTERN: [(&[u8], ProtocolError); 12] = {
        use ProtocolError::{Status, Version};
        [
            (b"H", Version),
            (b"T", Version),
            (b"T", Version),
            (b"P", Version),
            (b"/", Version),
            (b"1", Version),
            (b".", Version),
            (b"01", Version),
            (b" ", Version),
            (b"123456789", Status),
            (b"0123456789", Status),
            (b"0123456789", Status),
        ]
    };
    for (byte, (allowed, error)) in head.iter().zip(PATTERN).skip(checked) {
        if !allowed.contains(byte) {
            return Err(error);
        }
    }
    Ok(())
}
