//! The body of one response: counted, never stored.

use super::chunked::Chunked;
use super::error::ProtocolError;
use super::head::{Framing, Verdict};
use super::http1::Response;

/// How the rest of a body is told from the next response.
#[derive(Debug)]
enum Rest {
    Length { left: u64 },
    Chunked(Chunked),
    UntilClose,
}

/// A body in progress, with what its head said.
#[derive(Debug)]
pub(super) struct Body {
    response: Response,
    rest: Rest,
}

impl Body {
    pub(super) fn new(verdict: Verdict) -> Self {
        let rest = match verdict.framing {
            Framing::Length(left) => Rest::Length { left },
            Framing::Chunked => Rest::Chunked(Chunked::new()),
            Framing::UntilClose => Rest::UntilClose,
        };
        Self { response: verdict.response(0), rest }
    }

    /// Feeds bytes and hands the payload to `sink`; returns how many were used and the response if it ended.
    ///
    /// # Errors
    ///
    /// The body is chunked and the bytes are not chunks.
    pub(super) fn feed(
        &mut self,
        bytes: &[u8],
        sink: &mut impl FnMut(&[u8]),
    ) -> Result<(usize, Option<Response>), ProtocolError> {
        let counted = &mut self.response.body_bytes;
        let (used, ended) = match &mut self.rest {
            Rest::Length { left } => {
                let taken = take(left, bytes.len());
                *counted += taken as u64;
                sink(&bytes[..taken]);
                (taken, *left == 0)
            }
            Rest::Chunked(chunked) => chunked.feed(bytes, counted, sink)?,
            Rest::UntilClose => {
                *counted += bytes.len() as u64;
                sink(bytes);
                (bytes.len(), false)
            }
        };
        Ok((used, ended.then_some(self.response)))
    }

    /// The response, if the end of the connection is the end of this body.
    pub(super) fn end(&self) -> Option<Response> {
        matches!(self.rest, Rest::UntilClose).then_some(self.response)
    }
}

/// Takes up to `available` bytes off `left`; returns how many.
pub(super) fn take(left: &mut u64, available: usize) -> usize {
    let taken = usize::try_from(*left).map_or(available, |left| left.min(available));
    *left -= taken as u64;
    taken
}
