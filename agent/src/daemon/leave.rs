//! Leaving: how an agent ends.
//!
//! ```text
//!  serving ──shutdown──► draining ──no engine, or drain_time──► stopping ──no engine──► flushing ──► left
//!                        takes no part                          stops engines           hands over frames
//!                                                                                       or flush_time
//! ```

use super::Daemon;
use super::parts::LEAVING;
use crate::engine::Cause;
use crate::steps::Phase;
use tokio::time::Instant;

/// How far the agent is on its way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leaving {
    /// It stays.
    No,
    /// Running parts may go on until then.
    Draining { until: Instant },
    /// Engines were told to stop; each has its own time.
    Stopping,
    /// The last frames are handed over until then.
    Flushing { until: Instant },
    /// Nothing is left to do.
    Left,
}

impl Leaving {
    /// When to go on even if what it waits for has not come.
    pub(super) fn deadline(self) -> Option<Instant> {
        match self {
            Self::Draining { until } | Self::Flushing { until } => Some(until),
            Self::No | Self::Stopping | Self::Left => None,
        }
    }
}

impl Daemon {
    pub(super) fn is_leaving(&self) -> bool {
        self.leaving != Leaving::No
    }

    pub(super) fn has_left(&self) -> bool {
        self.leaving == Leaving::Left
    }

    /// Begins to leave.
    pub(super) fn drain(&mut self) {
        tracing::info!("leaving: no new part is taken");
        self.leaving = Leaving::Draining { until: Instant::now() + self.settings.drain_time };
        let waiting = self.entries.values().filter(|entry| entry.phase == Phase::Waiting);
        let names: Vec<String> = waiting.map(|entry| entry.part.part.clone()).collect();
        for name in names {
            self.fail(&name, LEAVING);
        }
        self.talk.status_is_due();
    }

    /// Goes on with leaving where what it waited for is there.
    pub(super) fn go_on_leaving(&mut self) {
        let has_engines = self.has_engines();
        match self.leaving {
            Leaving::Draining { .. } | Leaving::Stopping if !has_engines => {
                self.leaving =
                    Leaving::Flushing { until: Instant::now() + self.settings.flush_time };
                self.talk.status_is_due();
                self.talk.frames_are_due();
            }
            Leaving::Flushing { .. } if self.is_handed_over() => self.leaving = Leaving::Left,
            _ => {}
        }
    }

    /// What it waited for has not come in time.
    pub(super) fn leaving_deadline(&mut self) {
        match self.leaving {
            Leaving::Draining { .. } => {
                self.stop_all(Cause::Leaving);
                self.leaving = Leaving::Stopping;
            }
            Leaving::Flushing { .. } => {
                let count: usize = self.entries.values().map(super::Entry::frames_waiting).sum();
                tracing::error!(
                    "leaving with {count} frames that control has not stored: they are sent at the next start"
                );
                self.leaving = Leaving::Left;
            }
            Leaving::No | Leaving::Stopping | Leaving::Left => {}
        }
    }

    /// Whether control has every frame and knows how every part ended.
    fn is_handed_over(&self) -> bool {
        self.entries.values().all(|entry| entry.known().is_handed_over)
    }
}
