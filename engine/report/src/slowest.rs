//! The slowest requests of several lists: the slowest of all, in an order that has no ties.

use acp_wire::frame::Slow;
use std::cmp::Ordering;

/// Slowest requests of a second of a run.
pub const SLOWEST_OF_SECOND: usize = 20;
/// Slowest requests of a run.
pub const SLOWEST_OF_RUN: usize = 50;

/// Slowest first. Every field takes part, so that two lists are the same if they have the same
/// requests.
fn order(one: &Slow, other: &Slow) -> Ordering {
    other.ended_ns.cmp(&one.ended_ns).then_with(|| {
        let rest = |slow: &Slow| {
            let times = (slow.sent_ns, slow.connected_ns, slow.handshake_ns, slow.first_byte_ns);
            let tcp = slow.tcp.map(|tcp| (tcp.rtt_us, tcp.retransmits));
            (slow.due_us, slow.slot, times, slow.status, slow.error, tcp)
        };
        let names = |slow: &Slow| (slow.agent.clone(), slow.tag.clone());
        rest(one).cmp(&rest(other)).then_with(|| names(one).cmp(&names(other)))
    })
}

/// Puts a request where it belongs in a list of the slowest of a run, if it is one of them.
pub(crate) fn insert(slowest: &mut Vec<Slow>, slow: &Slow) {
    let place = slowest.partition_point(|known| order(known, slow) != Ordering::Greater);
    if place < SLOWEST_OF_RUN {
        slowest.truncate(SLOWEST_OF_RUN - 1);
        slowest.insert(place, slow.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn slowest(all: &[Slow]) -> Vec<Slow> {
        let mut list = Vec::new();
        all.iter().for_each(|slow| insert(&mut list, slow));
        list
    }

    #[test]
    fn the_slowest_are_kept_slowest_first() {
        let all: Vec<_> = (0..200)
            .map(|slot| Slow { slot, ended_ns: slot * 37 % 200, ..Slow::default() })
            .collect();
        let found: Vec<_> = slowest(&all).iter().map(|slow| slow.ended_ns).collect();
        assert_eq!(found, (150..200).rev().collect::<Vec<u64>>());
    }

    proptest! {
        #[test]
        fn the_order_in_which_they_come_does_not_show(
            times in prop::collection::vec((0_u64..9, 0_u64..4, 0_u32..3), 0..120),
            turn in 0_usize..120,
        ) {
            let slow = |&(ended_ns, slot, agent): &(u64, u64, u32)| {
                Slow { ended_ns, slot, agent: agent.to_string(), ..Slow::default() }
            };
            let mut all: Vec<_> = times.iter().map(slow).collect();
            let expect = slowest(&all);
            if !all.is_empty() {
                let turn = turn % all.len();
                all.rotate_left(turn);
                // Half of them come as a list of the slowest of that half.
                let (left, right) = all.split_at(all.len() / 2);
                let mut list = slowest(left);
                slowest(right).iter().for_each(|slow| insert(&mut list, slow));
                prop_assert_eq!(list, expect);
            }
        }
    }
}
