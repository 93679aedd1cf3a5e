//! What happened, as numbers: counts and histograms of one shard over one frame or a whole run.

mod counts;
mod slowest;
mod tagged;
mod tags;

pub use acp_report::Distributions;
pub use counts::Counts;
pub use slowest::{SlowRequest, Slowest};
pub use tagged::{ByTag, Tagged};
pub use tags::TagNames;

use acp_report::{Breakdown, Buckets, class_of};
use acp_wire::ErrorClass;
use acp_wire::frame::Slow;

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

impl Times {
    /// From its due time to its outcome.
    #[inline]
    #[must_use]
    pub fn response_ns(&self) -> u64 {
        self.ended_ns.saturating_sub(self.due_ns)
    }
}

/// Classes of status: none of 1xx to 5xx, and these.
const CLASSES: usize = 6;

/// Counts and histograms.
pub struct Record {
    /// Counters.
    pub counts: Counts,
    /// Histograms.
    pub distributions: Distributions,
    /// Response times of complete responses by [`class_of`] their status.
    pub classes: [Buckets; CLASSES],
    /// Requests that have a tag.
    pub tags: ByTag,
    /// The slowest requests.
    pub slowest: Slowest,
}

impl Default for Record {
    fn default() -> Self {
        Self::new()
    }
}

impl Record {
    /// An empty record. All its memory is allocated here, but for the histograms of classes and tags:
    /// each of those when it gets its first value, once in the life of the record.
    #[must_use]
    pub fn new() -> Self {
        Self {
            counts: Counts::new(),
            distributions: Distributions::new(),
            classes: [const { Buckets::new() }; CLASSES],
            tags: ByTag::new(),
            slowest: Slowest::new(),
        }
    }

    /// Books an expected response.
    #[inline]
    pub fn add_expected(&mut self, status: u16, tag: u16, times: &Times) {
        let service_ns = times.ended_ns.saturating_sub(times.sent_ns);
        let first_ns = times.first_byte_ns.saturating_sub(times.sent_ns);
        let distributions = &mut self.distributions;
        distributions.response.saturating_record(times.response_ns());
        distributions.service.saturating_record(service_ns);
        distributions.first_byte.saturating_record(first_ns);
        self.tags.add_expected(tag, times.response_ns());
        self.add_completed(status, times);
    }

    /// Books a complete response that was not expected.
    #[cold]
    pub fn add_unexpected(&mut self, status: u16, tag: u16, times: &Times) {
        self.add_completed(status, times);
        self.count_error(ErrorClass::Unexpected, times);
        self.tags.add_error(tag, true);
    }

    /// Books a request that ended without a response.
    #[cold]
    pub fn add_error(&mut self, class: ErrorClass, tag: u16, times: &Times) {
        self.count_error(class, times);
        self.tags.add_error(tag, false);
    }

    #[inline]
    fn add_completed(&mut self, status: u16, times: &Times) {
        self.counts.completed += 1;
        self.counts.add_status(status);
        self.classes[usize::from(class_of(status))].record(times.response_ns());
    }

    fn count_error(&mut self, class: ErrorClass, times: &Times) {
        self.counts.errors[class.index()] += 1;
        self.distributions.error_response.saturating_record(times.response_ns());
    }

    /// Adds another record to this one.
    pub fn add(&mut self, other: &Self) {
        self.counts.add(&other.counts);
        self.distributions.add(&other.distributions);
        for (mine, theirs) in self.classes.iter_mut().zip(&other.classes) {
            mine.add(theirs);
        }
        self.tags.add(&other.tags);
        self.slowest.add(&other.slowest);
    }

    /// Empties the record and keeps its memory.
    pub fn reset(&mut self) {
        self.counts.reset();
        self.distributions.reset();
        self.classes.iter_mut().for_each(Buckets::reset);
        self.tags.reset();
        self.slowest.reset();
    }

    /// Requests by class and tag and the slowest ones, with the names of tags and of the agent.
    #[must_use]
    pub fn breakdown(&self, names: &TagNames, agent: &str) -> Breakdown {
        let name = |tag: u16| names.name(tag).unwrap_or_default();
        let mut breakdown = Breakdown::default();
        for (class, response) in (0..).zip(&self.classes) {
            breakdown.add_class(class, response);
        }
        for (tag, tagged) in self.tags.used() {
            let Tagged { completed, errors, response } = tagged;
            breakdown.add_tag(&name(tag), *completed, *errors, response);
        }
        for slow in self.slowest.iter() {
            breakdown.add_slow(&Slow {
                slot: slow.slot,
                due_us: slow.due_us,
                sent_ns: slow.sent_ns,
                connected_ns: slow.connected_ns,
                handshake_ns: slow.handshake_ns,
                first_byte_ns: slow.first_byte_ns,
                ended_ns: slow.ended_ns,
                status: slow.status,
                error: slow.error,
                tag: name(slow.tag),
                agent: agent.to_string(),
                tcp: slow.tcp,
            });
        }
        breakdown
    }
}
