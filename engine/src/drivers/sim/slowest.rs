//! What holds of the slowest requests of a frame: they are those, and their times are in order.

use crate::record::{Record, SlowRequest};
use hdrhistogram::Histogram;

/// What simulated connections are said to have for a round trip.
pub(super) const RTT_US: u32 = 77;

/// Slowest requests of a frame.
const MOST: usize = 5;

/// The slowest are those that took longer than all others, as far as histograms can tell.
pub(super) fn check_slowest(record: &Record, is_secure: bool) {
    let times = &record.distributions;
    let both = [&times.response, &times.error_response];
    let ended: u64 = both.iter().map(|histogram| histogram.len()).sum();
    let instant: u64 = both.iter().map(|histogram| histogram.count_at(0)).sum();
    let found: Vec<_> = record.slowest.iter().collect();
    assert!(found.len() <= MOST, "{} slowest requests", found.len());
    assert!(found.is_sorted_by_key(|slow| std::cmp::Reverse(slow.ended_ns)), "slowest first");
    let least = (ended - instant).min(MOST as u64);
    assert!(found.len() as u64 >= least, "{} of {ended} requests are kept", found.len());
    if let Some(last) = found.last() {
        let bucket_ns = times.response.highest_equivalent(last.ended_ns);
        let slower = |histogram: &Histogram<u64>| match histogram.max() {
            max_ns if max_ns > bucket_ns => histogram.count_between(bucket_ns + 1, max_ns),
            _ => 0,
        };
        let kept = found.iter().filter(|slow| slow.ended_ns > bucket_ns).count();
        let booked: u64 = both.into_iter().map(slower).sum();
        assert_eq!(kept as u64, booked, "requests slower than the last one kept");
    }
    found.into_iter().for_each(|slow| check_times(slow, is_secure));
}

/// Each thing happens after the one before it.
fn check_times(slow: &SlowRequest, is_secure: bool) {
    let line = [
        slow.connected_ns.unwrap_or(0),
        slow.handshake_ns.or(slow.connected_ns).unwrap_or(0),
        slow.sent_ns,
        slow.first_byte_ns.unwrap_or(slow.sent_ns),
        slow.ended_ns,
    ];
    assert!(line.is_sorted(), "{slow:?}");
    assert!(is_secure || slow.handshake_ns.is_none(), "there was no TLS");
    let is_response = slow.status.is_some();
    assert!(is_response || slow.error.is_some(), "an outcome");
    assert!(!is_response || slow.first_byte_ns.is_some(), "a response without a byte");
    assert!(slow.tcp.is_none_or(|tcp| tcp.rtt_us == RTT_US), "an answer that nobody gave");
}
