//! Requests that come from a feed, on their way to a connection.

use super::connection::Requests;
use super::feed::{Answer, Bytes, Given, Wanted};
use super::slots::Taken;
use super::{Net, Phase, SMALL_BATCH_BYTES, Shard};
use acp_wire::NotSent;

/// So long after a feed had nothing a closed loop asks again.
const HUNGRY_NS: u64 = 200_000;

impl Shard {
    /// The next slot that may be sent, and its request from the feed. In an open loop a slot without a
    /// request is given up: the feed is no part of the target, so its delay must not look like the
    /// target's.
    pub(super) fn next_fed_slot(&mut self, now: u64) -> Option<(Taken, Given, u32)> {
        let is_warmup = self.phase == Phase::Warmup;
        let feed = self.feed.as_mut()?;
        let place = self.bytes.take();
        let bytes = self.bytes.get_mut(place);
        let mut is_over = false;
        while let Some(taken) = self.slots.look(now) {
            let wanted = Wanted { index: taken.index, slot: taken.slot, is_warmup };
            let answer = feed.give(wanted, bytes);
            if let Answer::Given(given) = answer {
                self.slots.pass(now);
                return Some((taken, given, place));
            }
            if answer == Answer::Over && !is_warmup {
                self.over_ns = self.over_ns.min(now);
            }
            if self.plan.plan.is_open_loop() {
                self.slots.pass(now);
                let not_sent = &mut self.record.counts.not_sent[NotSent::Source.index()];
                *not_sent += u64::from(!is_warmup);
                continue;
            }
            is_over = answer == Answer::Over;
            if !is_over {
                self.hungry_ns = self.hungry_ns.min(now + HUNGRY_NS);
            }
            break;
        }
        self.bytes.give_back(place);
        if is_over {
            self.end_source(now);
        }
        None
    }

    /// The feed of a closed loop has no more requests.
    #[cold]
    fn end_source(&mut self, now: u64) {
        match self.phase {
            // The measured part has others.
            Phase::Warmup => self.slots.close(),
            Phase::Measuring => self.drain(now, NotSent::Source),
            Phase::Preparing | Phase::Draining => {}
        }
    }

    /// Writes the newest `count` requests of a connection, which came from a feed.
    pub(super) fn write_fed(&mut self, net: &mut impl Net, conn: usize, count: usize, now: u64) {
        let bytes = gather(&self.requests, &self.bytes, &mut self.scratch, conn, count);
        self.record.counts.bytes_sent += bytes.len() as u64;
        if bytes.len() > SMALL_BATCH_BYTES {
            let connection = &mut self.connections[conn];
            (connection.is_writing, connection.since_ns) = (true, now);
        }
        net.write(conn, bytes);
    }

    /// When the feed first had no more requests for the measured part.
    #[must_use]
    pub fn over_ns(&self) -> Option<u64> {
        Some(self.over_ns).filter(|&at_ns| at_ns < u64::MAX)
    }
}

/// The bytes of the newest `count` requests of a connection, which came from a feed.
pub(super) fn gather<'a>(
    requests: &Requests,
    bytes: &'a Bytes,
    scratch: &'a mut Vec<u8>,
    conn: usize,
    count: usize,
) -> &'a [u8] {
    let first = requests.len(conn) - count;
    if count == 1 {
        return bytes.get(requests.get(conn, first).bytes);
    }
    scratch.clear();
    for number in first..first + count {
        scratch.extend_from_slice(bytes.get(requests.get(conn, number).bytes));
    }
    scratch
}
