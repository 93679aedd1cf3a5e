//! The time between two samples, from the host's uptime: it runs on when the wall clock is set.

use procfs::{FromRead, Uptime};
use std::path::Path;

/// Remembers when the last sample was taken.
#[derive(Debug, Default)]
pub(crate) struct Elapsed {
    before_s: Option<f64>,
}

impl Elapsed {
    /// Seconds since the last call; none at the first one, or where the host has no uptime.
    pub(crate) fn seconds(&mut self, proc: &Path) -> Option<f64> {
        let now_s = Uptime::from_file(proc.join("uptime")).ok().map(|uptime| uptime.uptime);
        let before_s = std::mem::replace(&mut self.before_s, now_s);
        let seconds = now_s? - before_s?;
        (seconds > 0.0).then_some(seconds)
    }
}

/// How often a counter grew per second; none where it went back.
pub(crate) fn rate_per_s(before: u64, now: u64, seconds: f64) -> Option<f64> {
    Some(crate::metric::number(now.checked_sub(before)?) / seconds)
}
