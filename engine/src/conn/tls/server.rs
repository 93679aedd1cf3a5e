//! The server's side of TLS, for all connections of one thread.

use super::failure::Failure;
use super::session::Session;
use rustls::ServerConfig;
use rustls::server::UnbufferedServerConnection;
use std::sync::Arc;

/// A TLS connection, seen from the server's side.
pub type ServerSession = Session<UnbufferedServerConnection>;

/// The server's side of TLS.
#[derive(Clone, Debug)]
pub struct Server {
    config: Arc<ServerConfig>,
}

impl Server {
    /// A server with these settings.
    #[must_use]
    pub fn new(config: ServerConfig) -> Self {
        Self { config: Arc::new(config) }
    }

    /// Makes the thread that calls ready: its source of random numbers collects entropy at first use,
    /// which takes 50 ms and more.
    pub fn prepare_thread(&self) {
        // Whoever has no random numbers finds out at the first handshake.
        drop(self.config.crypto_provider().secure_random.fill(&mut [0; 1]));
    }

    /// The beginning of a handshake, which waits for the client.
    ///
    /// # Errors
    ///
    /// When there is nothing to begin with, such as no version in common with the own settings.
    pub fn open(&self) -> Result<ServerSession, Failure> {
        Session::begin(UnbufferedServerConnection::new(Arc::clone(&self.config))?, 0)
    }
}
