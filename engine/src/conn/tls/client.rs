//! What the TLS connections of one shard have in common.

use super::failure::Failure;
use super::session::Session;
use rustls::client::UnbufferedClientConnection;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, client::Resumption};
use std::sync::Arc;

/// Servers whose sessions are kept: a target has one name.
const SERVERS: usize = 1;

/// The client's side of TLS, for all connections of one shard.
pub struct Client {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl Client {
    /// A client that asks for `name`, and keeps sessions for resumption by itself if it `resumes`:
    /// the store has a lock, which is never waited for where it is not shared.
    #[must_use]
    pub fn new(mut config: ClientConfig, name: ServerName<'static>, resumes: bool) -> Self {
        config.resumption =
            if resumes { Resumption::in_memory_sessions(SERVERS) } else { Resumption::disabled() };
        Self { config: Arc::new(config), name }
    }

    /// Makes the thread that calls ready: its source of random numbers collects entropy at first use,
    /// which takes 50 ms and more, and is not to be a part of the first handshake.
    pub fn prepare_thread(&self) {
        // Whoever has no random numbers finds out at the first handshake.
        drop(self.config.crypto_provider().secure_random.fill(&mut [0; 1]));
    }

    /// The beginning of a handshake, at `now`: its first bytes wait to be taken from the session.
    ///
    /// # Errors
    ///
    /// When there is nothing to begin with, such as no version in common with the own settings.
    pub fn open(&self, now: u64) -> Result<Session, Failure> {
        let connection =
            UnbufferedClientConnection::new(Arc::clone(&self.config), self.name.clone())?;
        Session::begin(connection, now)
    }
}
