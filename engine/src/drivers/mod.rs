//! What moves bytes for a shard.

pub mod errno;
pub mod host;
#[cfg(test)]
mod sim;
pub mod uring;

use crate::shard::Shard;
use host::Host;

/// The drivers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DriverKind {
    /// Raw io_uring: the fast one.
    Uring,
    /// The monoio runtime: works on epoll where io_uring is forbidden.
    Monoio,
}

impl DriverKind {
    /// Its name on the command line and in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Uring => "uring",
            Self::Monoio => "monoio",
        }
    }
}

/// A driver that works here.
#[derive(Clone, Debug)]
pub struct Driver {
    /// Which.
    pub kind: DriverKind,
    /// Why this one, and what it found.
    pub reason: String,
    /// Runs a shard to its end.
    pub run: fn(Shard, Host),
}

/// The driver asked for, or the best that works here.
///
/// # Errors
///
/// The driver that cannot run, and why.
pub fn choose(asked: Option<DriverKind>) -> Result<Driver, (&'static str, String)> {
    match (asked, uring::probe()) {
        (None | Some(DriverKind::Uring), Ok(features)) => {
            let reason = features.to_string();
            Ok(Driver { kind: DriverKind::Uring, reason, run: uring::run })
        }
        (_, Err(why)) => Err(("uring", why)),
        (Some(DriverKind::Monoio), _) => Err(("monoio", "not built in".into())),
    }
}
