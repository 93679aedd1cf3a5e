//! Wire: the kernel's side of one connection of the target, and what is on its way to the peer.

use std::sync::Arc;

use super::desk::Run;
use crate::conn::tls::ServerSession;

/// Plaintext of one TLS record, at the most: an answer is cut at each so many bytes.
const RECORD_BYTES: usize = 16 * 1024;

/// The kernel's side of a connection. Its number is its place in the table of files.
#[derive(Default)]
pub(super) struct Wire {
    pub(super) generation: u32,
    /// A receive is armed.
    pub(super) receiving: bool,
    pub(super) sending: Sending,
    /// The peer has ended its side.
    pub(super) ended: bool,
    /// Nothing can be sent any more.
    pub(super) broken: bool,
    /// The peer knows, under TLS, that nothing more will be sent.
    pub(super) said_goodbye: bool,
    /// Our side is shut down.
    pub(super) shut: bool,
    /// The shutdown has not completed.
    pub(super) shutting: bool,
    /// What was sent last, or is being sent.
    pub(super) parcel: Option<Parcel>,
    /// Its bytes where they are made for this connection; none: those of the response that the ring
    /// keeps.
    pub(super) own_bytes: Option<Arc<[u8]>>,
    /// Where the connection is encrypted.
    pub(super) session: Option<Box<ServerSession>>,
}

impl Wire {
    /// Whether TLS has something of its own to say.
    #[inline]
    pub(super) fn has_handshake(&self) -> bool {
        self.session.as_ref().is_some_and(|session| session.has_outgoing())
    }
}

/// How far a parcel is.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Sending {
    /// The last one has gone out, as far as we know.
    #[default]
    Idle,
    /// It did not fit; a wait for room is armed.
    Blocked,
    /// There is room for the rest of it.
    Resume,
}

/// A run of answers on its way, or words of TLS.
#[derive(Clone, Copy)]
pub(super) struct Parcel {
    /// None: it holds no answers.
    pub(super) run: Option<Run>,
    /// Bytes that the kernel has taken before.
    pub(super) offset: usize,
    /// Bytes in all.
    pub(super) length: usize,
    /// Bytes of the answers in it, without what encryption adds.
    pub(super) plain: usize,
}

impl Parcel {
    /// Bytes of answers that the peer cannot read: of an encrypted parcel it reads whole records.
    pub(super) fn plain_left(&self) -> usize {
        if self.length == self.plain || self.offset >= self.length {
            return self.length - self.offset;
        }
        let added = (self.length - self.plain) / self.plain.div_ceil(RECORD_BYTES).max(1);
        let whole_records = self.offset / (RECORD_BYTES + added);
        self.plain.saturating_sub(whole_records * RECORD_BYTES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_of_a_parcel_is_what_the_peer_cannot_read() {
        let record = RECORD_BYTES + 22;
        for (what, plain, length, offset, left) in [
            ("nothing went out", 100, 100, 0, 100),
            ("a part", 100, 100, 40, 60),
            ("all", 100, 100, 100, 0),
            ("no byte of a record", 100, 122, 0, 100),
            ("one byte short of a record", 100, 122, 121, 100),
            ("a whole record", 100, 122, 122, 0),
            ("the first of three", 40_000, 40_066, record, 40_000 - RECORD_BYTES),
            ("the second but a byte", 40_000, 40_066, 2 * record - 1, 40_000 - RECORD_BYTES),
            ("two of three", 40_000, 40_066, 2 * record, 40_000 - 2 * RECORD_BYTES),
            ("words of TLS", 0, 24, 3, 0),
        ] {
            let parcel = Parcel { run: None, offset, length, plain };
            assert_eq!(parcel.plain_left(), left, "{what}");
        }
    }
}
