//! The last seconds of a run, for its curves. Memory does not depend on the length of the run.

use acp_wire::Frame;
use std::collections::VecDeque;

/// Seconds that are kept: as many as fit into the widest curve.
pub(super) const SECONDS_MAX: usize = 240;

/// A second, as far as curves show it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Second {
    pub(super) target_per_s: f64,
    pub(super) sent: u64,
    pub(super) completed: u64,
    pub(super) p50_ns: u64,
    pub(super) p99_ns: u64,
    pub(super) lag_p99_ns: u64,
}

impl From<&Frame> for Second {
    fn from(frame: &Frame) -> Self {
        let response = frame.response_ns.unwrap_or_default();
        Self {
            target_per_s: frame.rate_target,
            sent: frame.sent,
            completed: frame.completed,
            p50_ns: response.p50,
            p99_ns: response.p99,
            lag_p99_ns: frame.send_lag_ns.unwrap_or_default().p99,
        }
    }
}

/// The last seconds, oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct History {
    seconds: VecDeque<Second>,
}

impl History {
    pub(super) fn push(&mut self, second: Second) {
        if self.seconds.len() == SECONDS_MAX {
            self.seconds.pop_front();
        }
        self.seconds.push_back(second);
    }

    /// The last `count` seconds, or as many as there are.
    pub(super) fn last(&self, count: usize) -> impl Iterator<Item = &Second> + Clone {
        self.seconds.iter().skip(self.seconds.len().saturating_sub(count))
    }

    pub(super) fn len(&self) -> usize {
        self.seconds.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_seconds_are_kept() {
        let mut history = History::default();
        assert_eq!(history.last(5).count(), 0);
        for sent in 0..=SECONDS_MAX as u64 {
            history.push(Second { sent, ..Second::default() });
        }
        assert_eq!(history.len(), SECONDS_MAX);
        let sent = |count| history.last(count).map(|second| second.sent).collect::<Vec<_>>();
        assert!(sent(0).is_empty());
        assert_eq!(sent(2), [SECONDS_MAX as u64 - 1, SECONDS_MAX as u64]);
        assert_eq!(sent(1_000).first(), Some(&1), "the oldest is gone");
    }
}
