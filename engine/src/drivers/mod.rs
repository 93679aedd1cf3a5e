//! What moves bytes for a shard.

pub mod errno;
#[cfg(feature = "glommio")]
mod glommio;
pub mod host;
mod monoio;
#[cfg(not(feature = "glommio"))]
mod no_glommio;
pub mod signals;
#[cfg(test)]
mod sim;
mod socket;
mod tasks;
pub mod uring;

use crate::shard::Shard;
#[cfg(feature = "glommio")]
use glommio::driver as glommio_driver;
use host::Host;
#[cfg(not(feature = "glommio"))]
use no_glommio::driver as glommio_driver;

/// The drivers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DriverKind {
    /// Raw io_uring: the fast one.
    Uring,
    /// The monoio runtime on io_uring.
    Monoio,
    /// The monoio runtime on epoll: works where io_uring is forbidden.
    MonoioEpoll,
    /// The glommio runtime on io_uring; built only with the feature `glommio`.
    Glommio,
}

impl DriverKind {
    /// Its name on the command line and in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Uring => "uring",
            Self::Monoio => "monoio",
            Self::MonoioEpoll => "monoio-epoll",
            Self::Glommio => "glommio",
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
    fn new(kind: DriverKind, reason: String, run: fn(Shard, Host)) -> Self {
        Self { kind, reason, warning: None, run }
    }

    fn on_epoll(reason: String) -> Self {
        Self::new(DriverKind::MonoioEpoll, reason, monoio::run_on_epoll)
    }

    /// Epoll, because io_uring cannot be used.
    fn fallback(why: &str) -> Self {
        let warning = format!("io_uring is not available ({why}): using the epoll driver");
        Self { warning: Some(warning), ..Self::on_epoll(format!("monoio on epoll: {why}")) }
    }
}

/// The driver asked for, or the best that works here.
///
/// # Errors
///
/// The driver that cannot run, and why.
pub fn choose(asked: Option<DriverKind>) -> Result<Driver, (&'static str, String)> {
    let Some(kind) = asked else {
        return Ok(fast().unwrap_or_else(|why| Driver::fallback(&why)));
    };
    let chosen = match kind {
        DriverKind::Uring => fast(),
        // The runtime needs less of io_uring than the fast driver does.
        DriverKind::Monoio if monoio::has_uring() => {
            Ok(Driver::new(kind, "monoio on io_uring".into(), monoio::run_on_uring))
        }
        DriverKind::Monoio => Ok(Driver::fallback(&why_not_uring())),
        DriverKind::MonoioEpoll => Ok(Driver::on_epoll("monoio on epoll: as asked for".into())),
        DriverKind::Glommio => {
            glommio_driver().map(|run| Driver::new(kind, "glommio on io_uring".into(), run))
        }
    };
    chosen.map_err(|why| (kind.name(), why))
}

fn fast() -> Result<Driver, String> {
    let features = uring::probe()?;
    Ok(Driver::new(DriverKind::Uring, features.to_string(), uring::run))
}

fn why_not_uring() -> String {
    uring::probe().err().unwrap_or_else(|| "the runtime finds it unfit".into())
}
