//! Requests that are not all the same, from a feed that now and then has none.

use super::random::Random;
use crate::plan::ShardPlan;
use crate::shard::{Feed, Given, SMALL_BATCH_BYTES, Wanted};
use acp_wire::frame::MAX_TAGS;

/// A feed. It holds the core to what it may ask for.
pub(super) struct SimFeed {
    random: Random,
    part: ShardPlan,
    /// Per mille of the times that it is asked.
    empty: u64,
    /// The request asked for last, and whether it was given.
    last: Option<(Wanted, bool)>,
}

impl SimFeed {
    pub(super) fn new(random: Random, part: ShardPlan, empty: u64) -> Self {
        Self { random, part, empty, last: None }
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
}

/// Tags that there are; some of them are more than a record tells apart.
const TAGS: u64 = MAX_TAGS as u64 + 10;

/// The tag of a slot. Each has one.
fn tag_of(slot: u64) -> u16 {
    1 + (slot % TAGS) as u16
}

impl Feed for SimFeed {
    fn give(&mut self, wanted: Wanted, bytes: &mut Vec<u8>) -> Option<Given> {
        self.check(wanted);
        assert!(bytes.is_empty(), "a place that is in use");
        let is_given = !self.random.chance(self.empty);
        self.last = Some((wanted, is_given));
        if !is_given {
            return None;
        }
        bytes.extend_from_slice(format!("GET /{} HTTP/1.1\r\nx: ", wanted.slot).as_bytes());
        let is_large = self.random.chance(100);
        let padding = if is_large { self.random.index(2 * SMALL_BATCH_BYTES) } else { 0 };
        bytes.resize(bytes.len() + padding, b'x');
        bytes.extend_from_slice(b"\r\n\r\n");
        Some(Given { is_head: self.part.plan.request.is_head, tag: tag_of(wanted.slot) })
    }
}
