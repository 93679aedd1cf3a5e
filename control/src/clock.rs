//! The clock of a control plane: Unix time that never goes back.
//!
//! It is read from tokio's clock, set once by the machine's: so it does not jump when the machine's
//! is set, and tests on paused time move it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::Instant;

/// Unix time in microseconds.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    origin: Instant,
    origin_unix_us: u64,
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock {
    /// A clock that shows the machine's time now.
    #[must_use]
    pub fn new() -> Self {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { origin: Instant::now(), origin_unix_us: micros(since_1970) }
    }

    /// The time.
    #[must_use]
    pub fn now_unix_us(&self) -> u64 {
        self.origin_unix_us + micros(self.origin.elapsed())
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
