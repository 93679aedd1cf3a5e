//! The slowest requests: their time lines, and what the kernel knows of their connections.
//!
//! A request that enters the list of the slowest has its connection looked at, before the core closes
//! it and at most some twenty times a second. The answer comes later, if at all, and finds the request
//! by its slot, as long as it is in the list of the present frame.

use super::connection::{Request, State};
use super::{Net, Shard};
use crate::record::SlowRequest;
use acp_wire::ErrorClass;
use acp_wire::frame::TcpInfo;

/// Requests that wait for an answer, at the most.
const MOST_WAITING: usize = 8;
/// Connections are looked at so far apart on average.
const GAP_NS: u64 = 50_000_000;
/// So much of that may be made up for at once: about as many requests as a frame has of a shard.
const BURST_NS: u64 = 5 * GAP_NS;

/// What became of a request.
pub(super) struct Outcome {
    pub(super) status: Option<u16>,
    pub(super) error: Option<ErrorClass>,
}

/// Connections that the driver was asked about, or is to be.
#[derive(Default)]
pub(super) struct Inspections {
    /// Connection and slot of each request that waits for an answer.
    waiting: [(usize, u64); MOST_WAITING],
    count: usize,
    /// How many of these the driver was asked about.
    asked: usize,
    /// When the next one may be asked about.
    next_ns: u64,
}

impl Inspections {
    fn want(&mut self, conn: usize, slot: u64, now: u64) {
        let at_ns = self.next_ns.max(now.saturating_sub(BURST_NS));
        if at_ns <= now && self.count < MOST_WAITING {
            self.next_ns = at_ns + GAP_NS;
            self.waiting[self.count] = (conn, slot);
            self.count += 1;
        }
    }

    /// A connection that is to be looked at.
    fn next(&mut self) -> Option<usize> {
        let (conn, _) = *self.waiting[..self.count].get(self.asked)?;
        self.asked += 1;
        Some(conn)
    }

    /// A slot that waits for the answer about a connection; asked for until there is none.
    fn answered(&mut self, conn: usize) -> Option<u64> {
        let asked = &self.waiting[..self.asked];
        let place = asked.iter().position(|&(waiting, _)| waiting == conn)?;
        let (_, slot) = self.waiting[place];
        self.waiting.copy_within(place + 1..self.count, place);
        (self.count, self.asked) = (self.count - 1, self.asked - 1);
        Some(slot)
    }

    /// The requests that wait have gone with their frame.
    pub(super) fn forget(&mut self) {
        (self.count, self.asked) = (0, 0);
    }
}

impl Shard {
    /// Puts a request among the slowest of the frame.
    #[cold]
    pub(super) fn note_slow(
        &mut self,
        conn: Option<usize>,
        request: &Request,
        outcome: &Outcome,
        now: u64,
    ) {
        let after_ns = |at_ns: u64| (at_ns > 0).then(|| at_ns.saturating_sub(request.due_ns));
        let connection = conn.map(|conn| &self.connections[conn]);
        let waited = connection.filter(|_| request.has_waited);
        self.record.slowest.insert(SlowRequest {
            slot: request.slot,
            due_us: request.due_ns.saturating_sub(self.start_ns) / 1000,
            sent_ns: request.sent_ns.saturating_sub(request.due_ns),
            connected_ns: waited.and_then(|connection| after_ns(connection.connected_ns)),
            handshake_ns: waited.and_then(|connection| after_ns(connection.handshake_ns)),
            first_byte_ns: after_ns(request.first_byte_ns),
            ended_ns: now.saturating_sub(request.due_ns),
            status: outcome.status,
            error: outcome.error,
            tag: request.tag,
            tcp: None,
        });
        if let Some(conn) = conn
            && self.connections[conn].state == State::Open
        {
            self.inspections.want(conn, request.slot, now);
        }
    }

    /// Asks the driver about connections of requests that have just been found to be slow. Called
    /// before their connections are closed.
    #[inline]
    pub(super) fn inspect(&mut self, net: &mut impl Net) {
        while let Some(conn) = self.inspections.next() {
            net.inspect(conn);
        }
    }

    /// What the kernel knew of a connection when the driver was asked to inspect it.
    pub fn inspected(&mut self, conn: usize, info: TcpInfo) {
        while let Some(slot) = self.inspections.answered(conn) {
            self.record.slowest.inspected(slot, info);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    /// Slots that are asked about when one a millisecond is wanted, each answered at once.
    fn asked(from_ns: u64, wanted: u64) -> usize {
        let mut inspections = Inspections::default();
        let mut asked = 0;
        for slot in 0..wanted {
            inspections.want(3, slot, from_ns + slot * 1_000_000);
            while let Some(conn) = inspections.next() {
                asked += 1;
                assert_eq!(inspections.answered(conn), Some(slot));
            }
        }
        asked
    }

    #[test]
    fn a_second_has_a_budget() {
        for (what, from_ns, wanted, least, most) in [
            ("few", SECOND, 3, 3, 3),
            ("at the start of the clock", 0, 3, 1, 1),
            ("a second of them", SECOND, 1000, 20, 26),
            ("ten seconds of them", SECOND, 10_000, 200, 206),
        ] {
            let found = asked(from_ns, wanted);
            assert!((least..=most).contains(&found), "{what}: {found}");
        }
    }

    #[test]
    fn answers_find_who_waits_and_nobody_else() {
        let mut inspections = Inspections::default();
        for (conn, slot) in [(1, 10), (2, 20), (1, 11)] {
            inspections.want(conn, slot, SECOND);
        }
        assert_eq!(inspections.answered(1), None, "nobody was asked yet");
        let asked: Vec<_> = std::iter::from_fn(|| inspections.next()).collect();
        assert_eq!(asked, [1, 2, 1]);
        inspections.want(1, 12, SECOND);
        let answers = [1, 1, 1, 3, 2, 2].map(|conn| inspections.answered(conn));
        assert_eq!(answers, [Some(10), Some(11), None, None, Some(20), None]);
        assert_eq!(inspections.next(), Some(1), "the one that was wanted since");
        inspections.forget();
        assert_eq!((inspections.next(), inspections.answered(1)), (None, None));
    }

    #[test]
    fn no_more_wait_than_there_is_room_for() {
        let mut inspections = Inspections::default();
        for second in 1..100 {
            inspections.want(1, second, second * SECOND);
        }
        assert_eq!(std::iter::from_fn(|| inspections.next()).count(), MOST_WAITING);
    }
}
