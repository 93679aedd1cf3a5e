//! The chunked transfer coding (RFC 9112 section 7.1): bytes in, payload counted, end found.
//!
//! Chunk lines end in CRLF only; trailers are header lines and may end in a bare LF, as in a head.
//! One byte decides one step, which is what makes the result independent of pieces; only the
//! payload is skipped in one go.

use super::error::ProtocolError;

/// Longest line with a chunk's size and extensions, without its line end.
const MAX_LINE_BYTES: u32 = 4 * 1024;

/// Longest trailers, with the blank line that ends them.
const MAX_TRAILER_BYTES: u32 = 64 * 1024;

/// Where in a chunked body the next byte belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    FirstDigit,
    Digit,
    Padding,
    Extension,
    LineFeed,
    Data,
    DataReturn,
    DataLineFeed,
    FirstTrailer,
    NextTrailer,
    Name,
    Value,
    ValueLineFeed,
    LastLineFeed,
}

/// A chunked body in progress.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chunked {
    /// Size of this chunk while its line is read, then what is left of its payload.
    left: u64,
    /// Bytes of the chunk line or of all trailers so far.
    seen: u32,
    step: Step,
}

impl Chunked {
    pub(super) fn new() -> Self {
        Self { left: 0, seen: 0, step: Step::FirstDigit }
    }

    /// Feeds bytes, adds payload to `body_bytes` and hands it to `sink`; returns how many bytes were used and whether
    /// the body ended.
    ///
    /// # Errors
    ///
    /// The bytes are not chunks, or a limit is passed.
    pub(super) fn feed(
        &mut self,
        bytes: &[u8],
        body_bytes: &mut u64,
        sink: &mut impl FnMut(&[u8]),
    ) -> Result<(usize, bool), ProtocolError> {
        let mut used = 0;
        while used < bytes.len() {
            if self.step == Step::Data {
                let taken = super::body::take(&mut self.left, bytes.len() - used);
                *body_bytes += taken as u64;
                sink(&bytes[used..used + taken]);
                used += taken;
                if self.left == 0 {
                    self.step = Step::DataReturn;
                }
                continue;
            }
            let ended = self.step(bytes[used])?;
            used += 1;
            if ended {
                return Ok((used, true));
            }
        }
        Ok((used, false))
    }

    /// One byte that is not payload; true if it is the last one of the body.
    fn step(&mut self, byte: u8) -> Result<bool, ProtocolError> {
        use Step::{FirstTrailer, LastLineFeed, Name, NextTrailer, Value, ValueLineFeed};
        match self.step {
            FirstTrailer | NextTrailer | Name | Value | ValueLineFeed | LastLineFeed => {
                self.trailer(byte)
            }
            _ => self.line(byte).map(|()| false),
        }
    }

    /// One byte of the line that opens a chunk, or of the line end that closes it.
    fn line(&mut self, byte: u8) -> Result<(), ProtocolError> {
        self.step = match (self.step, byte) {
            (Step::FirstDigit | Step::Digit, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                self.digit(byte)?;
                Step::Digit
            }
            (Step::Digit | Step::Padding | Step::Extension, b'\r') => Step::LineFeed,
            // Padding after the size is common: servers reserve room for it before they know it.
            (Step::Digit | Step::Padding, b' ' | b'\t') => Step::Padding,
            (Step::Digit | Step::Padding, b';') => Step::Extension,
            (Step::Extension, byte) if byte != b'\n' => Step::Extension,
            (Step::LineFeed, b'\n') => self.open(),
            (Step::DataReturn, b'\r') => Step::DataLineFeed,
            (Step::DataLineFeed, b'\n') => Step::FirstDigit,
            _ => return Err(ProtocolError::Chunk),
        };
        if matches!(self.step, Step::Digit | Step::Padding | Step::Extension) {
            self.count(MAX_LINE_BYTES, ProtocolError::ChunkTooLong)?;
        }
        Ok(())
    }

    fn digit(&mut self, byte: u8) -> Result<(), ProtocolError> {
        if self.left >> 60 != 0 {
            return Err(ProtocolError::Chunk);
        }
        let value = char::from(byte).to_digit(16).ok_or(ProtocolError::Chunk)?;
        self.left = self.left << 4 | u64::from(value);
        Ok(())
    }

    /// The chunk line is complete.
    fn open(&mut self) -> Step {
        self.seen = 0;
        if self.left == 0 { Step::FirstTrailer } else { Step::Data }
    }

    /// One byte of the trailers; true if it ends them.
    fn trailer(&mut self, byte: u8) -> Result<bool, ProtocolError> {
        self.count(MAX_TRAILER_BYTES, ProtocolError::TrailersTooLong)?;
        self.step = match (self.step, byte) {
            (Step::FirstTrailer | Step::NextTrailer, b'\r') => Step::LastLineFeed,
            (Step::FirstTrailer | Step::NextTrailer | Step::LastLineFeed, b'\n') => {
                return Ok(true);
            }
            (Step::FirstTrailer | Step::NextTrailer, byte) if is_token(byte) => Step::Name,
            // A line that begins with white space goes on with the value of the line before.
            (Step::NextTrailer, b' ' | b'\t') => Step::Value,
            (Step::Name, b':') => Step::Value,
            (Step::Name, byte) if is_token(byte) => Step::Name,
            (Step::Value, b'\r') => Step::ValueLineFeed,
            (Step::Value | Step::ValueLineFeed, b'\n') => Step::NextTrailer,
            (Step::Value, b'\t' | b' '..=b'~' | 0x80..) => Step::Value,
            _ => return Err(ProtocolError::Trailer),
        };
        Ok(false)
    }

    fn count(&mut self, limit: u32, error: ProtocolError) -> Result<(), ProtocolError> {
        self.seen += 1;
        if self.seen > limit { Err(error) } else { Ok(()) }
    }
}

/// A character of a header's name (RFC 9110 section 5.6.2).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
