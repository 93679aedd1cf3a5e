//! One connection as a state machine: bytes of HTTP/1.1 responses come in, finished responses go
//! out. No I/O, no clock, and no allocation once the pool is warm.
//!
//! ```text
//!         blank lines, 1xx
//!              ┌──┐
//!              ▼  │   whole head in the piece
//! new, reset ─► Start ──────────────────────────► Body ── last byte ─► Done, Start
//!                │ ▲                               ▲
//!                │ └─────────── 1xx ────────────┐  │
//!                └── part of a head ──► Head ───┴──┘
//!
//! a head without a body: Done, Start
//! any state, bytes that are not HTTP/1.1 ─► Broken, until reset
//! ```
//!
//! What comes out depends on the bytes alone, never on how the network cut them into pieces: every
//! rule is a function of the bytes since the start of the stream. So a fault shows at the byte that
//! makes it certain in the opening of a status line (`HTTP/1.1 200`), in chunks and in trailers, and
//! at the end of the head everywhere else in a head.

mod body;
mod chunked;
mod error;
mod fast;
mod head;
mod http1;
mod partial;
mod pool;
#[cfg(test)]
mod tests;
pub mod tls;

pub use error::ProtocolError;
pub use http1::{End, Http1, Progress, Response};
pub use pool::HeadPool;
