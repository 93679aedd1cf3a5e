//! Ctrl-C, and what is shown of work that takes long.

use crate::output;
use acp_data::grouped;
use acp_engine::cli::EXIT_INTERRUPTED;
use anyhow::{Context as _, Result};
use signal_hook::consts::{SIGINT, SIGTERM};
use std::io::{IsTerminal as _, stderr};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// From line to line.
const EVERY: Duration = Duration::from_secs(1);

/// Whether somebody wants it to end.
#[derive(Clone)]
pub(super) struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Listens for signals from now on. The second ends the program at once.
    pub(super) fn listen() -> Result<Self> {
        let flag = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            let code = EXIT_INTERRUPTED.into();
            let flags = [Arc::clone(&flag), Arc::clone(&flag)];
            let [shutdown, set] = flags;
            signal_hook::flag::register_conditional_shutdown(signal, code, shutdown)
                .and_then(|_| signal_hook::flag::register(signal, set))
                .context("failed to listen for signals")?;
        }
        Ok(Self(flag))
    }

    pub(super) fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A line a second on a terminal.
pub(super) struct Progress {
    start: Instant,
    last: Mutex<Instant>,
    is_shown: bool,
    rows: u64,
}

impl Progress {
    /// Of so many rows.
    pub(super) fn new(rows: u64, is_quiet: bool) -> Self {
        let now = Instant::now();
        let is_shown = !is_quiet && stderr().is_terminal();
        Self { start: now, last: Mutex::new(now), is_shown, rows }
    }

    pub(super) fn tell(&self, done: u64) {
        if !self.is_shown {
            return;
        }
        // Somebody else may be telling it.
        let Ok(mut last) = self.last.try_lock() else { return };
        if last.elapsed() < EVERY {
            return;
        }
        *last = Instant::now();
        let rate = done as f64 / self.start.elapsed().as_secs_f64();
        let of = if self.rows > 0 { format!(" of {}", grouped(self.rows)) } else { String::new() };
        let (done, rate) = (grouped(done), millions(rate));
        output::tell(format_args!("{done}{of} rows, {rate} rows/s"));
    }

    pub(super) fn seconds(&self) -> f64 {
        self.start.elapsed().as_secs_f64().max(1e-9)
    }
}

/// `2600000.0` → `2.60 M`.
pub(super) fn millions(rate: f64) -> String {
    match rate {
        rate if rate >= 1e6 => format!("{:.2} M", rate / 1e6),
        rate if rate >= 1e3 => format!("{:.1} k", rate / 1e3),
        rate => format!("{rate:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_for_people() {
        for (rate, expect) in [(0.4, "0"), (950.0, "950"), (1500.0, "1.5 k"), (2.6e6, "2.60 M")] {
            assert_eq!(millions(rate), expect);
        }
    }
}
