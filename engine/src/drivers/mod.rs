//! What moves bytes for a shard.

pub mod errno;
pub mod host;
mod monoio;
pub mod signals;
#[cfg(test)]
mod sim;
mod socket;
pub mod uring;

use crate::shard::Shard;
use host::Host;

/// The drivers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DriverKind {
    /// Raw io_uring: the fast one.
    Uring,
    /// The monoio runtime on io_uring.
    Monoio,
    /// The monoio runtime on epoll: works where io_uring is forbidden.
    MonoioEpoll,
}

impl DriverKind {
    /// Its name on the command line and in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Uring => "uring",
            Self::Monoio => "monoio",
            Self::MonoioEpoll => "monoio-epoll",
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
    /// Not the one that was hoped for: what a person should know before the run.
    pub warning: Option<String>,
    /// Runs a shard to its end.
    pub run: fn(Shard, Host),
}

impl Driver {
    fn new(kind: DriverKind, reason: String) -> Self {
        let run = match kind {
            DriverKind::Uring => uring::run,
            DriverKind::Monoio => monoio::run_on_uring,
            DriverKind::MonoioEpoll => monoio::run_on_epoll,
        };
        Self { kind, reason, warning: None, run }
    }

    /// Epoll, because io_uring cannot be used.
    fn fallback(why: &str) -> Self {
        let warning = format!("io_uring is not available ({why}): using the epoll driver");
        let reason = format!("monoio on epoll: {why}");
        Self { warning: Some(warning), ..Self::new(DriverKind::MonoioEpoll, reason) }
    }
}

/// The driver asked for, or the best that works here.
///
/// # Errors
///
/// The driver that cannot run, and why.
pub fn choose(asked: Option<DriverKind>) -> Result<Driver, (&'static str, String)> {
    match asked {
        None => Ok(match uring::probe() {
            Ok(features) => Driver::new(DriverKind::Uring, features.to_string()),
            Err(why) => Driver::fallback(&why),
        }),
        Some(DriverKind::Uring) => match uring::probe() {
            Ok(features) => Ok(Driver::new(DriverKind::Uring, features.to_string())),
            Err(why) => Err((DriverKind::Uring.name(), why)),
        },
        // The runtime needs less of io_uring than the fast driver does.
        Some(DriverKind::Monoio) if monoio::has_uring() => {
            Ok(Driver::new(DriverKind::Monoio, "monoio on io_uring".into()))
        }
        Some(DriverKind::Monoio) => Ok(Driver::fallback(&why_not_uring())),
        Some(DriverKind::MonoioEpoll) => {
            Ok(Driver::new(DriverKind::MonoioEpoll, "monoio on epoll: as asked for".into()))
        }
    }
}

fn why_not_uring() -> String {
    uring::probe().err().unwrap_or_else(|| "the runtime finds it unfit".into())
}
