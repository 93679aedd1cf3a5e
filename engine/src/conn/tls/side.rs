//! The two sides of a TLS connection, which rustls gives no common name.

use rustls::CommonState;
use rustls::client::{ClientConnectionData, UnbufferedClientConnection};
use rustls::server::{ServerConnectionData, UnbufferedServerConnection};
use rustls::unbuffered::UnbufferedStatus;

/// One side of a connection, without memory of its own for what is received and sent.
pub trait Side {
    /// What this side keeps besides the keys.
    type Data;

    /// Goes on with bytes of the peer; they are decrypted where they lie.
    fn process<'c, 'b>(&'c mut self, bytes: &'b mut [u8]) -> UnbufferedStatus<'c, 'b, Self::Data>;

    /// How far the connection is.
    fn state(&self) -> &CommonState;
}

impl Side for UnbufferedClientConnection {
    type Data = ClientConnectionData;

    #[inline]
    fn process<'c, 'b>(&'c mut self, bytes: &'b mut [u8]) -> UnbufferedStatus<'c, 'b, Self::Data> {
        self.process_tls_records(bytes)
    }

    #[inline]
    fn state(&self) -> &CommonState {
        self
    }
}

impl Side for UnbufferedServerConnection {
    type Data = ServerConnectionData;

    #[inline]
    fn process<'c, 'b>(&'c mut self, bytes: &'b mut [u8]) -> UnbufferedStatus<'c, 'b, Self::Data> {
        self.process_tls_records(bytes)
    }

    #[inline]
    fn state(&self) -> &CommonState {
        self
    }
}
