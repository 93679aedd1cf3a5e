//! The share of a lost part, cut for those who take it over.

use super::Placement;
use super::assign::Split;
use acp_wire::agent::Share;

/// An agent that takes a share of a lost part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Survivor {
    /// The agent.
    pub agent: String,
    /// Free cores that it gives; 0: the part shares those of another part of the run.
    pub cores: u32,
}

/// Cuts the class `lost` (offset `o`, stride `d`) into `(o + j·d, m·d)` for `m` survivors, from
/// `from_us` of the run on.
///
/// Connections are split exactly, each gets one at least; survivors beyond that get nothing. In a
/// closed loop with a count the lost part has taken its first `taken` own slots, those that `lost`
/// skips not counted; the new parts skip exactly these.
#[must_use]
pub fn take_over(lost: &Share, from_us: u64, taken: u64, survivors: &[Survivor]) -> Vec<Placement> {
    let parts = u32::try_from(survivors.len()).unwrap_or(u32::MAX).min(lost.connections.max(1));
    let mut connections = Split::new(lost.connections, parts);
    let gone = lost.skip.saturating_add(taken);
    let placement = |(number, survivor): (u64, &Survivor)| {
        let (first, connections) = connections.next();
        let share = Share {
            offset: lost.offset + number * lost.stride,
            stride: lost.stride * u64::from(parts),
            connections,
            first_connection: lost.first_connection + first,
            from_us: from_us.max(lost.from_us),
            skip: gone.saturating_sub(number).div_ceil(u64::from(parts)),
        };
        Placement { agent: survivor.agent.clone(), share, cores: survivor.cores }
    };
    (0..u64::from(parts)).zip(survivors).map(placement).collect()
}

/// Whether every slot of `inner` is one of `outer`, from a later or the same moment on.
pub(super) fn is_within(inner: &Share, outer: &Share) -> bool {
    inner.stride.is_multiple_of(outer.stride) && inner.offset % outer.stride == outer.offset
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn survivors(count: usize) -> Vec<Survivor> {
        (0..count).map(|n| Survivor { agent: format!("a{n}"), cores: 1 }).collect()
    }

    #[test]
    fn a_lost_share_is_cut_among_survivors() {
        let lost = Share { offset: 1, stride: 3, first_connection: 10, ..Share::whole(5) };
        let check =
            |what: &str, from_us, taken, count, expect: &[(u64, u64, u32, u32, u64, u64)]| {
                let found: Vec<_> = take_over(&lost, from_us, taken, &survivors(count))
                    .iter()
                    .map(|placement| placement.share)
                    .map(|s| {
                        (s.offset, s.stride, s.connections, s.first_connection, s.from_us, s.skip)
                    })
                    .collect();
                assert_eq!(found, expect, "{what}");
            };
        check("nobody is left", 7, 0, 0, &[]);
        check("one takes all", 7, 0, 1, &[(1, 3, 5, 10, 7, 0)]);
        check("two", 7, 0, 2, &[(1, 6, 3, 10, 7, 0), (4, 6, 2, 13, 7, 0)]);
        check("three of five slots are gone", 7, 3, 2, &[(1, 6, 3, 10, 7, 2), (4, 6, 2, 13, 7, 1)]);
        let found = take_over(&lost, 7, 0, &survivors(9));
        assert_eq!(found.len(), 5, "more survivors than connections");
        assert!(found.iter().all(|placement| placement.share.connections == 1));
    }

    proptest! {
        #[test]
        fn every_slot_of_the_lost_share_has_one_owner(
            stride in 1_u64..50, connections in 1_u32..40, count in 1_usize..20, taken in 0_u64..500,
            skip in 0_u64..100, slot in 0_u64..100_000,
        ) {
            let lost = Share { offset: slot % stride, stride, skip, ..Share::whole(connections) };
            let parts = take_over(&lost, 0, taken, &survivors(count));
            let sum: u32 = parts.iter().map(|part| part.share.connections).sum();
            prop_assert_eq!(sum, connections);
            prop_assert!(parts.iter().all(|part| part.share.connections > 0));
            prop_assert!(parts.iter().all(|part| is_within(&part.share, &lost)));
            // Own slot `index` of the lost part is run by the one that owns it and does not skip it.
            let index = slot / stride;
            let owners = parts.iter().filter(|part| slot % part.share.stride == part.share.offset);
            let runs = owners.filter(|part| slot / part.share.stride >= part.share.skip).count();
            prop_assert_eq!(runs, usize::from(index >= skip + taken));
        }
    }
}
