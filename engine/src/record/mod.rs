//! What happened, as numbers: counts and histograms of one shard over one frame or a whole run.

mod counts;
mod tags;

pub use acp_report::Distributions;
pub use counts::Counts;
pub use tags::TagNames;

use acp_wire::ErrorClass;

/// The times of one request that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// When it was due.
    pub due_ns: u64,
    /// When it was sent.
    pub sent_ns: u64,
    /// When the first byte of the response came; 0 if none came.
    pub first_byte_ns: u64,
    /// When its outcome was known.
    pub ended_ns: u64,
}

/// Counts and histograms.
pub struct Record {
    /// Counters.
    pub counts: Counts,
    /// Histograms.
    pub distributions: Distributions,
}

impl Default for Record {
    fn default() -> Self {
        Self::new()
    }
}

impl Record {
    /// An empty record. All its memory is allocated here.
    #[must_use]
    pub fn new() -> Self {
        Self { counts: Counts::new(), distributions: Distributions::new() }
    }

    /// Books an expected response.
    #[inline]
    pub fn add_expected(&mut self, status: u16, times: &Times) {
        self.counts.completed += 1;
        self.counts.add_status(status);
        let service_ns = times.ended_ns.saturating_sub(times.sent_ns);
        let first_ns = times.first_byte_ns.saturating_sub(times.sent_ns);
        let distributions = &mut self.distributions;
        distributions.response.saturating_record(times.ended_ns.saturating_sub(times.due_ns));
        distributions.service.saturating_record(service_ns);
        distributions.first_byte.saturating_record(first_ns);
    }

    /// Books a complete response that was not expected.
    #[cold]
    pub fn add_unexpected(&mut self, status: u16, times: &Times) {
        self.counts.completed += 1;
        self.counts.add_status(status);
        self.add_error(ErrorClass::Unexpected, times);
    }

    /// Books a request that ended in an error.
    #[cold]
    pub fn add_error(&mut self, class: ErrorClass, times: &Times) {
        self.counts.errors[class.index()] += 1;
        let response_ns = times.ended_ns.saturating_sub(times.due_ns);
        self.distributions.error_response.saturating_record(response_ns);
    }

    /// Adds another record to this one.
    pub fn add(&mut self, other: &Self) {
        self.counts.add(&other.counts);
        self.distributions.add(&other.distributions);
    }

    /// Empties the record and keeps its memory.
    pub fn reset(&mut self) {
        self.counts.reset();
        self.distributions.reset();
    }
}
