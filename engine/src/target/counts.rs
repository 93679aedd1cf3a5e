//! Counts: what a target has done so far. Each thread counts for itself and shows its numbers once
//! a turn.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

/// What a target has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Whole requests, without those for the counts and bad ones.
    pub requests: u64,
    /// Answers to them that were given to the kernel.
    pub responses: u64,
    /// Of the responses, those that were failed by `--error-rate`.
    pub injected_errors: u64,
    /// Things that were not HTTP/1, or not TLS where that is spoken.
    pub bad_requests: u64,
    /// Connections accepted.
    pub connections: u64,
    /// Bytes received, without what encryption adds.
    pub bytes_received: u64,
    /// Bytes given to the kernel to send, without what encryption adds.
    pub bytes_sent: u64,
}

impl Counts {
    /// How many numbers there are.
    const LENGTH: usize = 7;

    fn to_array(self) -> [u64; Self::LENGTH] {
        [
            self.requests,
            self.responses,
            self.injected_errors,
            self.bad_requests,
            self.connections,
            self.bytes_received,
            self.bytes_sent,
        ]
    }

    fn from_array(array: [u64; Self::LENGTH]) -> Counts {
        let [
            requests,
            responses,
            injected_errors,
            bad_requests,
            connections,
            bytes_received,
            bytes_sent,
        ] = array;
        Counts {
            requests,
            responses,
            injected_errors,
            bad_requests,
            connections,
            bytes_received,
            bytes_sent,
        }
    }

    /// The counts as one line of JSON.
    #[must_use]
    pub fn to_json(self) -> String {
        serde_json::to_string(&self).unwrap_or_default()
    }
}

/// The counts of all threads, for anybody to read while they change.
#[derive(Debug)]
pub(crate) struct Board {
    threads: Vec<Row>,
}

/// One thread's counts, alone on its cache lines: threads write theirs without slowing each other.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Row([AtomicU64; Counts::LENGTH]);

impl Board {
    pub(crate) fn new(threads: usize) -> Board {
        Board { threads: (0..threads).map(|_| Row::default()).collect() }
    }

    #[inline]
    pub(crate) fn show(&self, thread: usize, counts: Counts) {
        for (shown, count) in self.threads[thread].0.iter().zip(counts.to_array()) {
            shown.store(count, Ordering::Relaxed);
        }
    }

    /// The sum over all threads.
    pub(crate) fn sum(&self) -> Counts {
        let mut sum = [0; Counts::LENGTH];
        for row in &self.threads {
            for (total, shown) in sum.iter_mut().zip(&row.0) {
                *total += shown.load(Ordering::Relaxed);
            }
        }
        Counts::from_array(sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_board_sums_what_the_threads_show() {
        let board = Board::new(2);
        board.show(0, Counts { requests: 1, bytes_sent: 10, ..Counts::default() });
        board.show(1, Counts { requests: 2, responses: 5, ..Counts::default() });
        board.show(1, Counts { requests: 4, responses: 5, ..Counts::default() });
        let expected = Counts { requests: 5, responses: 5, bytes_sent: 10, ..Counts::default() };
        assert_eq!(board.sum(), expected);
    }

    #[test]
    fn the_json_is_one_line_with_every_count() {
        assert_eq!(
            Counts { requests: 1, ..Counts::default() }.to_json(),
            "{\"requests\":1,\"responses\":0,\"injected_errors\":0,\"bad_requests\":0,\
             \"connections\":0,\"bytes_received\":0,\"bytes_sent\":0}"
        );
    }
}
