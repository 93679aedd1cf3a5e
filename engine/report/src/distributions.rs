//! The histograms of a record, their bounds, and how they are written and summed up.
//!
//! HdrHistogram from 1 ns to one hour with three significant digits: fixed bounds, so recording
//! never allocates and any two add up. 264 KiB each, of which a run touches a few lines; a value
//! above the hour is recorded as the hour.

use crate::Buckets;
use crate::decode::highest_ns;
use acp_wire::report::Distribution;
use base64::Engine as _;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Serializer as _, V2Serializer};

pub(crate) const LOWEST_NS: u64 = 1;
pub(crate) const HIGHEST_NS: u64 = 3_600_000_000_000;
pub(crate) const DIGITS: u8 = 3;

/// An empty histogram with the bounds that all histograms here have.
#[must_use]
#[expect(clippy::missing_panics_doc, reason = "the bounds are constants that are known to be good")]
pub fn new_histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(LOWEST_NS, HIGHEST_NS, DIGITS).expect("constant bounds are valid")
}

/// The histograms of a record, in nanoseconds.
pub struct Distributions {
    /// Due time to last byte, expected responses.
    pub response: Histogram<u64>,
    /// Actual send to last byte, expected responses.
    pub service: Histogram<u64>,
    /// Actual send to first byte, expected responses.
    pub first_byte: Histogram<u64>,
    /// Start of a connection to its being open.
    pub connect: Histogram<u64>,
    /// TLS handshakes, which are a part of `connect`.
    pub handshake: Histogram<u64>,
    /// Due time to actual send, open loop only.
    pub send_lag: Histogram<u64>,
    /// Due time to outcome, requests that did not end as expected.
    pub error_response: Histogram<u64>,
}

impl Default for Distributions {
    fn default() -> Self {
        Self::new()
    }
}

impl Distributions {
    /// Empty histograms. All their memory is allocated here.
    #[must_use]
    pub fn new() -> Self {
        Self {
            response: new_histogram(),
            service: new_histogram(),
            first_byte: new_histogram(),
            connect: new_histogram(),
            handshake: new_histogram(),
            send_lag: new_histogram(),
            error_response: new_histogram(),
        }
    }

    pub(crate) fn all_mut(&mut self) -> [&mut Histogram<u64>; 7] {
        [
            &mut self.response,
            &mut self.service,
            &mut self.first_byte,
            &mut self.connect,
            &mut self.handshake,
            &mut self.send_lag,
            &mut self.error_response,
        ]
    }

    pub(crate) fn all(&self) -> [&Histogram<u64>; 7] {
        [
            &self.response,
            &self.service,
            &self.first_byte,
            &self.connect,
            &self.handshake,
            &self.send_lag,
            &self.error_response,
        ]
    }

    /// Adds the values of other distributions.
    pub fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.all_mut().into_iter().zip(other.all()) {
            add(mine, theirs);
        }
    }

    /// Empties the histograms and keeps their memory.
    pub fn reset(&mut self) {
        for histogram in self.all_mut() {
            if !histogram.is_empty() {
                histogram.reset();
            }
        }
    }

    /// The form on the wire; histograms without values are left out.
    #[must_use]
    pub fn to_wire(&self) -> acp_wire::frame::Histograms {
        acp_wire::frame::Histograms {
            response: encode(&self.response),
            service: encode(&self.service),
            first_byte: encode(&self.first_byte),
            connect: encode(&self.connect),
            handshake: encode(&self.handshake),
            send_lag: encode(&self.send_lag),
            error_response: encode(&self.error_response),
        }
    }
}

/// Adds the values of a histogram with our bounds.
pub(crate) fn add(histogram: &mut Histogram<u64>, other: &Histogram<u64>) {
    // Most seconds have no errors and few connects: looking through all buckets would be the most
    // of the work.
    if !other.is_empty() {
        histogram.add(other).expect("all histograms have the same bounds");
    }
}

/// Adds buckets as they were read.
pub(crate) fn add_read(histogram: &mut Histogram<u64>, buckets: &[(u64, u64)]) {
    for &(place, count) in buckets {
        histogram.record_n(highest_ns(place), count).expect("a bucket of the same bounds");
    }
}

/// Base64 of the HDR V2 form, or none for a histogram without values.
#[must_use]
pub fn encode(histogram: &Histogram<u64>) -> Option<String> {
    if histogram.is_empty() {
        return None;
    }
    let mut bytes = Vec::with_capacity(4096);
    if V2Serializer::new().serialize(histogram, &mut bytes).is_err() {
        // A count that the form has no room for: sums of what hostile engines send.
        return Buckets::from(histogram).encode();
    }
    Some(base64::engine::general_purpose::STANDARD.encode(bytes))
}

/// The figures of a histogram for a report; all 0 when it is empty.
#[must_use]
pub fn summary(histogram: &Histogram<u64>) -> Distribution {
    if histogram.is_empty() {
        return Distribution::default();
    }
    let at = |quantile| histogram.value_at_quantile(quantile);
    Distribution {
        count: histogram.len(),
        min: histogram.min(),
        mean: histogram.mean(),
        stddev: histogram.stdev(),
        max: histogram.max(),
        p50: at(0.5),
        p90: at(0.9),
        p99: at(0.99),
        p99_9: at(0.999),
        p99_99: at(0.9999),
    }
}
