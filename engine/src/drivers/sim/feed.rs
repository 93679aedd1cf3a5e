//! Requests that are not all the same, from a feed that now and then has none.

use super::random::Random;
use crate::plan::ShardPlan;
use crate::shard::{Answer, Feed, Given, SMALL_BATCH_BYTES, Wanted};
use acp_wire::frame::MAX_TAGS;

/// A feed. It holds the core to what it may ask for.
pub(super) struct SimFeed {
    random: Random,
    part: ShardPlan,
    /// Per mille of the times that it is asked.
    empty: u64,
    /// Requests that it has of each part of the run; none: as many as are asked for.
    holds: Option<u64>,
    given: u64,
    /// The request asked for last, and whether it was given.
    last: Option<(Wanted, bool)>,
}

impl SimFeed {
    pub(super) fn new(random: Random, part: ShardPlan, empty: u64, holds: Option<u64>) -> Self {
        Self { random, part, empty, holds, given: 0, last: None }
    }

    fn check(&self, wanted: Wanted) {
        assert_eq!(wanted.slot, self.part.slot(wanted.index), "a slot of this shard");
        let Some((last, was_given)) = self.last else { return };
        if wanted.is_warmup == last.is_warmup {
            let least = last.index + u64::from(was_given);
            assert!(wanted.index >= least, "request {} was given already", wanted.index);
        } else {
            assert!(last.is_warmup, "a warm-up behind the measured part");
        }
    }

    /// Whether all that there was for this part of the run was given.
    fn is_over(&mut self, wanted: Wanted) -> bool {
        if self.last.is_some_and(|(last, _)| last.is_warmup != wanted.is_warmup) {
            self.given = 0;
        }
        self.holds.is_some_and(|holds| self.given >= holds)
    }
}

/// Tags that there are; some of them are more than a record tells apart.
const TAGS: u64 = MAX_TAGS as u64 + 10;

/// The tag of a slot. Each has one.
fn tag_of(slot: u64) -> u16 {
    1 + (slot % TAGS) as u16
}

impl Feed for SimFeed {
    fn give(&mut self, wanted: Wanted, bytes: &mut Vec<u8>) -> Answer {
        self.check(wanted);
        assert!(bytes.is_empty(), "a place that is in use");
        let is_over = self.is_over(wanted);
        let is_given = !is_over && !self.random.chance(self.empty);
        self.last = Some((wanted, is_given));
        match (is_given, is_over) {
            (_, true) => return Answer::Over,
            (false, _) => return Answer::NotYet,
            (true, _) => self.given += 1,
        }
        bytes.extend_from_slice(format!("GET /{} HTTP/1.1\r\nx: ", wanted.slot).as_bytes());
        let is_large = self.random.chance(100);
        let padding = if is_large { self.random.index(2 * SMALL_BATCH_BYTES) } else { 0 };
        bytes.resize(bytes.len() + padding, b'x');
        bytes.extend_from_slice(b"\r\n\r\n");
        Answer::Given(Given { is_head: self.part.plan.request.is_head, tag: tag_of(wanted.slot) })
    }
}
