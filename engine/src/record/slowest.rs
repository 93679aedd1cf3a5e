//! The slowest requests of a second: a short list in order, in memory that is there from the start.

use acp_report::SLOWEST_OF_SECOND;
use acp_wire::ErrorClass;
use acp_wire::frame::TcpInfo;

/// Slowest requests of a second and a shard.
const OF_SHARD: usize = 5;

/// When what happened to a slow request. Nanoseconds are after its due time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlowRequest {
    /// Number of its slot.
    pub slot: u64,
    /// When it was due, since the start of the measured part.
    pub due_us: u64,
    /// When it was sent.
    pub sent_ns: u64,
    /// When its connection was open, if it waited for that.
    pub connected_ns: Option<u64>,
    /// When the TLS handshake was done, if it waited for that.
    pub handshake_ns: Option<u64>,
    /// When the first byte of the response came.
    pub first_byte_ns: Option<u64>,
    /// When its outcome was known.
    pub ended_ns: u64,
    /// Status of the response.
    pub status: Option<u16>,
    /// Why it did not end as expected.
    pub error: Option<ErrorClass>,
    /// Number of its tag.
    pub tag: u16,
    /// What the kernel knew of its connection.
    pub tcp: Option<TcpInfo>,
}

/// The slowest requests, slowest first.
pub struct Slowest {
    requests: Vec<SlowRequest>,
    /// What is not slower than this is none of them.
    least_ns: u64,
}

impl Slowest {
    pub(super) fn new() -> Self {
        Self { requests: Vec::with_capacity(SLOWEST_OF_SECOND + 1), least_ns: 0 }
    }

    /// Whether a request that took so long is one of them.
    #[inline]
    #[must_use]
    pub fn takes(&self, response_ns: u64) -> bool {
        response_ns > self.least_ns
    }

    /// Puts a request of a shard in.
    #[cold]
    pub fn insert(&mut self, request: SlowRequest) {
        self.put(request, OF_SHARD);
        if let Some(last) = self.requests.get(OF_SHARD - 1) {
            self.least_ns = last.ended_ns;
        }
    }

    fn put(&mut self, request: SlowRequest, most: usize) {
        let key = |request: &SlowRequest| (std::cmp::Reverse(request.ended_ns), request.slot);
        let place = self.requests.partition_point(|known| key(known) <= key(&request));
        self.requests.insert(place, request);
        self.requests.truncate(most);
    }

    /// What the kernel knew of the connection of a request, if it is still one of them.
    pub fn inspected(&mut self, slot: u64, info: TcpInfo) {
        let found = self.requests.iter_mut().find(|request| request.slot == slot);
        if let Some(request) = found {
            request.tcp = Some(info);
        }
    }

    /// Adds those of another shard.
    pub(super) fn add(&mut self, other: &Self) {
        other.requests.iter().for_each(|&request| self.put(request, SLOWEST_OF_SECOND));
    }

    pub(super) fn reset(&mut self) {
        self.requests.clear();
        self.least_ns = 0;
    }

    /// All of them, slowest first.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &SlowRequest> {
        self.requests.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(slot: u64, ended_ns: u64) -> SlowRequest {
        SlowRequest {
            slot,
            due_us: 0,
            sent_ns: 0,
            connected_ns: None,
            handshake_ns: None,
            first_byte_ns: None,
            ended_ns,
            status: Some(200),
            error: None,
            tag: 0,
            tcp: None,
        }
    }

    fn slowest(times: &[u64]) -> Slowest {
        let mut slowest = Slowest::new();
        for (slot, &ended_ns) in (0..).zip(times) {
            if slowest.takes(ended_ns) {
                slowest.insert(request(slot, ended_ns));
            }
        }
        slowest
    }

    fn times(slowest: &Slowest) -> Vec<u64> {
        slowest.iter().map(|request| request.ended_ns).collect()
    }

    #[test]
    fn a_shard_keeps_the_five_slowest() {
        for (what, given, expect) in [
            ("none", &[][..], &[][..]),
            ("few", &[3, 9], &[9, 3]),
            ("no time at all", &[0, 0], &[]),
            ("growing", &[1, 2, 3, 4, 5, 6, 7], &[7, 6, 5, 4, 3]),
            ("falling", &[7, 6, 5, 4, 3, 2, 1], &[7, 6, 5, 4, 3]),
            ("alike", &[4, 4, 4, 4, 4, 4, 9, 4], &[9, 4, 4, 4, 4]),
        ] {
            assert_eq!(times(&slowest(given)), expect, "{what}");
        }
    }

    #[test]
    fn those_of_all_shards_are_bounded_and_in_order() {
        let mut all = Slowest::new();
        for shard in 0..10 {
            let given: Vec<_> = (0..20).map(|number| 1 + shard + 10 * number).collect();
            all.add(&slowest(&given));
        }
        assert_eq!(all.iter().len(), SLOWEST_OF_SECOND);
        assert_eq!(times(&all), (181..=200).rev().collect::<Vec<u64>>());
        assert_eq!(all.requests.capacity(), SLOWEST_OF_SECOND + 1, "nothing was allocated");
    }

    #[test]
    fn an_answer_finds_its_request_or_nothing() {
        let mut slowest = slowest(&[5, 6, 7, 8, 9, 10]);
        let info = TcpInfo { rtt_us: 80, retransmits: 2 };
        slowest.inspected(0, info);
        slowest.inspected(2, info);
        let found: Vec<_> = slowest.iter().map(|request| request.tcp).collect();
        assert_eq!(found, [None, None, None, Some(info), None], "the first is none of them");
        slowest.reset();
        assert!(slowest.takes(1));
        slowest.inspected(2, info);
        assert_eq!(slowest.iter().len(), 0);
    }
}
