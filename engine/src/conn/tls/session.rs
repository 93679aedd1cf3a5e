//! One TLS connection: the handshake, then records both ways.

use super::failure::Failure;
use super::side::Side;
use rustls::client::UnbufferedClientConnection;
use rustls::unbuffered::{
    AppDataRecord, ConnectionState, EncodeError, EncodeTlsData, EncryptError, ReadTraffic,
    UnbufferedStatus, WriteTraffic,
};
use rustls::{Error, HandshakeKind};

/// Plaintext of one record, at the most.
const RECORD_BYTES: usize = 16 * 1024;
/// What a record is longer than its plaintext, at the most: head, nonce, tag, type.
const FRAME_BYTES: usize = 40;
/// Memory for a record in pieces that is kept when it is not needed any more.
const KEPT_BYTES: usize = 32 * 1024;

/// Memory that the connections of a shard use one after the other.
#[derive(Default)]
pub struct Buffers {
    /// What was received: it is decrypted where it lies.
    incoming: Vec<u8>,
    /// What is to be sent.
    outgoing: Vec<u8>,
    /// For records that arrive in pieces.
    free: Vec<Vec<u8>>,
}

impl Buffers {
    fn give_back(&mut self, mut buffer: Vec<u8>) {
        buffer.clear();
        if buffer.capacity() <= KEPT_BYTES {
            self.free.push(buffer);
        }
    }
}

/// What a piece of bytes has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// All of them were used; there may be more.
    All,
    /// The peer has said that there will be no more.
    End,
    /// Whoever takes the plaintext wants no more.
    Unwanted,
}

/// A TLS connection, seen from the client's side or the server's.
pub struct Session<S = UnbufferedClientConnection> {
    tls: S,
    /// The beginning of a record or of a message whose rest has not come.
    partial: Vec<u8>,
    /// Bytes of the handshake, or of what came after it, that are to be sent.
    outgoing: Vec<u8>,
    begun_ns: u64,
    /// The peer has said that there will be no more.
    is_ended: bool,
}

impl<S: Side> Session<S> {
    /// Begins a handshake.
    pub(super) fn begin(tls: S, now: u64) -> Result<Self, Failure> {
        let mut session =
            Self { tls, partial: Vec::new(), outgoing: Vec::new(), begun_ns: now, is_ended: false };
        session.process(&mut [], &mut |_| true).1?;
        Ok(session)
    }

    /// When the handshake began.
    #[must_use]
    pub fn begun_ns(&self) -> u64 {
        self.begun_ns
    }

    /// Whether requests cannot be sent yet.
    #[inline]
    #[must_use]
    pub fn is_handshaking(&self) -> bool {
        self.tls.state().is_handshaking()
    }

    /// Whether the handshake has resumed an earlier session.
    #[must_use]
    pub fn is_resumed(&self) -> bool {
        self.tls.state().handshake_kind() == Some(HandshakeKind::Resumed)
    }

    /// Whether the peer has said that there will be no more: without that, the end of the connection
    /// may be anybody's doing.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.is_ended
    }

    /// Whether there are bytes of the handshake, or of what came after it, to be sent.
    #[inline]
    #[must_use]
    pub fn has_outgoing(&self) -> bool {
        !self.outgoing.is_empty()
    }

    /// Takes the bytes of the handshake that are to be sent.
    #[must_use]
    pub fn take_outgoing(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.outgoing)
    }

    /// Takes in bytes of the peer, and hands out the plaintext in pieces, until `take` says no.
    ///
    /// # Errors
    ///
    /// When the peer cannot be trusted, refuses, or does not keep to the rules.
    #[inline]
    pub fn receive(
        &mut self,
        bytes: &[u8],
        buffers: &mut Buffers,
        mut take: impl FnMut(&[u8]) -> bool,
    ) -> Result<Received, Failure> {
        if !self.partial.is_empty() {
            return self.receive_rest(bytes, buffers, take);
        }
        // The driver's bytes are not ours to change. Copying them costs less than a tenth of
        // decrypting them.
        buffers.incoming.clear();
        buffers.incoming.extend_from_slice(bytes);
        let (used, received) = self.process(&mut buffers.incoming, &mut take);
        if used < buffers.incoming.len() {
            self.partial = buffers.free.pop().unwrap_or_default();
            self.partial.extend_from_slice(&buffers.incoming[used..]);
        }
        Ok(received?)
    }

    /// The same behind the beginning of a record.
    fn receive_rest(
        &mut self,
        bytes: &[u8],
        buffers: &mut Buffers,
        mut take: impl FnMut(&[u8]) -> bool,
    ) -> Result<Received, Failure> {
        let mut partial = std::mem::take(&mut self.partial);
        partial.extend_from_slice(bytes);
        let (used, received) = self.process(&mut partial, &mut take);
        partial.drain(..used);
        if partial.is_empty() {
            buffers.give_back(partial);
        } else {
            self.partial = partial;
        }
        Ok(received?)
    }

    /// Encrypts `plain`. Returns the bytes to be sent, which may hold more than that.
    ///
    /// # Errors
    ///
    /// When the connection has carried as much as its keys are good for.
    #[inline]
    pub fn encrypt<'a>(
        &mut self,
        plain: &[u8],
        buffers: &'a mut Buffers,
    ) -> Result<&'a [u8], Failure> {
        self.write(buffers, |traffic, out| write_traffic(traffic, plain, out))
    }

    /// Says that nothing more will be sent. Returns the bytes to be sent.
    ///
    /// # Errors
    ///
    /// Before the end of the handshake.
    pub fn say_goodbye<'a>(&mut self, buffers: &'a mut Buffers) -> Result<&'a [u8], Failure> {
        self.write(buffers, write_goodbye)
    }

    #[inline]
    fn write<'a>(
        &mut self,
        buffers: &'a mut Buffers,
        append: impl Fn(WriteTraffic<'_, S::Data>, &mut Vec<u8>) -> Result<(), Failure>,
    ) -> Result<&'a [u8], Failure> {
        let out = &mut buffers.outgoing;
        out.clear();
        if !self.outgoing.is_empty() {
            out.append(&mut self.outgoing);
        }
        loop {
            // Where a message has come in part, its bytes must be there too.
            match self.tls.process(&mut self.partial).state? {
                ConnectionState::WriteTraffic(traffic) => {
                    append(traffic, out)?;
                    return Ok(out);
                }
                ConnectionState::EncodeTlsData(data) => encode(data, out),
                ConnectionState::TransmitTlsData(data) => data.done(),
                _ => return Err(Error::HandshakeNotComplete.into()),
            }
        }
    }

    /// Lets rustls go through `incoming`. Returns how many bytes were used, for good.
    fn process(
        &mut self,
        incoming: &mut [u8],
        take: &mut impl FnMut(&[u8]) -> bool,
    ) -> (usize, Result<Received, Error>) {
        let mut used = 0;
        loop {
            let UnbufferedStatus { mut discard, state } = self.tls.process(&mut incoming[used..]);
            let end = match state {
                Err(error) => Some(Err(error)),
                Ok(ConnectionState::ReadTraffic(traffic)) => {
                    let (more, end) = hand_out(traffic, take);
                    discard += more;
                    end
                }
                Ok(ConnectionState::EncodeTlsData(data)) => {
                    encode(data, &mut self.outgoing);
                    None
                }
                Ok(ConnectionState::TransmitTlsData(data)) => {
                    data.done();
                    None
                }
                Ok(ConnectionState::PeerClosed | ConnectionState::Closed) => {
                    self.is_ended = true;
                    Some(Ok(Received::End))
                }
                Ok(ConnectionState::WriteTraffic(_) | ConnectionState::BlockedHandshake) => {
                    Some(Ok(Received::All))
                }
                // Early data is read by servers that offer it, and ours does not.
                Ok(state) => unreachable!("an end in state {state:?}"),
            };
            used += discard;
            if let Some(end) = end {
                return (used, end);
            }
        }
    }
}

/// Hands out records that have come. Returns how many bytes they were, and why no more are wanted.
#[inline]
fn hand_out<D>(
    mut traffic: ReadTraffic<'_, '_, D>,
    take: &mut impl FnMut(&[u8]) -> bool,
) -> (usize, Option<Result<Received, Error>>) {
    let mut used = 0;
    while let Some(record) = traffic.next_record() {
        match record {
            Ok(AppDataRecord { discard, payload }) => {
                used += discard;
                if !take(payload) {
                    return (used, Some(Ok(Received::Unwanted)));
                }
            }
            Err(error) => return (used, Some(Err(error))),
        }
    }
    (used, None)
}

/// Appends a message of the handshake.
#[cold]
fn encode<D>(mut data: EncodeTlsData<'_, D>, out: &mut Vec<u8>) {
    let start = out.len();
    while let Err(EncodeError::InsufficientSize(size)) = data.encode(&mut out[start..]) {
        out.resize(start + size.required_size, 0);
    }
}

/// Appends records with `plain`.
#[inline]
fn write_traffic<D>(
    mut traffic: WriteTraffic<'_, D>,
    plain: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), Failure> {
    let start = out.len();
    let records = plain.len() / RECORD_BYTES + 1;
    let mut required = plain.len() + records * FRAME_BYTES;
    loop {
        out.resize(start + required, 0);
        match traffic.encrypt(plain, &mut out[start..]) {
            Ok(length) => {
                out.truncate(start + length);
                return Ok(());
            }
            // Something waits to be sent before it.
            Err(EncryptError::InsufficientSize(size)) => required = size.required_size,
            Err(error @ EncryptError::EncryptExhausted) => {
                return Err(Error::General(error.to_string()).into());
            }
        }
    }
}

/// Appends the alert that ends a side.
#[cold]
fn write_goodbye<D>(mut traffic: WriteTraffic<'_, D>, out: &mut Vec<u8>) -> Result<(), Failure> {
    let start = out.len();
    loop {
        match traffic.queue_close_notify(&mut out[start..]) {
            Ok(length) => {
                out.truncate(start + length);
                return Ok(());
            }
            Err(EncryptError::InsufficientSize(size)) => {
                out.resize(start + size.required_size, 0);
            }
            Err(error @ EncryptError::EncryptExhausted) => {
                return Err(Error::General(error.to_string()).into());
            }
        }
    }
}
