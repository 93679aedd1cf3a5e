//! TLS of one connection: bytes of the peer in, plaintext and bytes for the peer out. No I/O, no
//! clock but the one that certificates are checked against.
//!
//! ```text
//! Client::open ─► Session ── receive ─► BlockedHandshake, handshake bytes to send
//!                    │                          │
//!                    │                          ▼ is_handshaking() == false
//!                    ├── receive ─► plaintext, piece by piece ─► HTTP/1.1
//!                    └── encrypt ─► records to send
//! ```
//!
//! The same from the server's side, for the built-in target: `Server::open ─► ServerSession`.
//!
//! It is rustls' unbuffered connection. The buffered one does the same work, with an allocation for
//! each record either way, and besides keeps a receive buffer of 4 KiB for each connection and copies
//! what it has decrypted once more. An idle connection costs about 6 KiB, most of it keys.
//!
//! A fatal alert is not sent: a connection that has failed is closed at once.

mod client;
mod failure;
mod server;
mod session;
mod side;
#[cfg(test)]
mod tests;

pub use client::Client;
pub use failure::Failure;
pub use server::{Server, ServerSession};
pub use session::{Buffers, Received, Session};
pub use side::Side;
