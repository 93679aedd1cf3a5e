//! A plan cut into shards: who has which connections, slots and addresses.

use crate::{Pace, Plan};
use acp_wire::agent::Share;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use thiserror::Error;

/// Largest distance of the slots of a share.
const MAX_STRIDE: u64 = 1 << 32;

/// Why a share is not one.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ShareError {
    /// No distance, or too large a one.
    #[error("the stride of a share is {0}, it must be 1 to {MAX_STRIDE}")]
    Stride(u64),
    /// A class that there is not.
    #[error("the offset of a share is {offset}, it must be below its stride of {stride}")]
    Offset {
        /// As given.
        offset: u64,
        /// As given.
        stride: u64,
    },
    /// More connections than a plan can have, or none.
    #[error("a share has {0} connections, it must be 1 to {max}", max = crate::compile::MAX_CONNECTIONS)]
    Connections(u32),
    /// A moment that no schedule reaches.
    #[error("a share begins {0} µs after the start, later than any schedule ends")]
    From(u64),
}

/// Checks a share that came from outside.
///
/// # Errors
///
/// The first thing that is wrong with it.
pub fn check_share(share: &Share) -> Result<(), ShareError> {
    let &Share { offset, stride, connections, from_us, .. } = share;
    if stride == 0 || stride > MAX_STRIDE {
        return Err(ShareError::Stride(stride));
    }
    if offset >= stride {
        return Err(ShareError::Offset { offset, stride });
    }
    if connections == 0 || connections > crate::compile::MAX_CONNECTIONS {
        return Err(ShareError::Connections(connections));
    }
    if from_us > crate::pace::MAX_DURATION_NS / 1000 {
        return Err(ShareError::From(from_us));
    }
    Ok(())
}

/// The part of a plan that one shard runs.
///
/// Shard `s` of `n` within a share of offset `o` and stride `d` owns slots `o + d·s`, `o + d·(s + n)`,
/// …, so every slot has one owner, and a rate is spread over agents and shards slot by slot.
#[derive(Clone, Debug)]
pub struct ShardPlan {
    /// The whole plan.
    pub plan: Arc<Plan>,
    /// Connections of this shard.
    pub connections: u32,
    /// Addresses of the target.
    pub addresses: Arc<[SocketAddr]>,
    /// Open loop: slots due before this moment of the measured part are somebody else's.
    pub from_ns: u64,
    /// Closed loop with a count: own slots that were taken by somebody else.
    pub skip: u64,
    /// The first slot, and the distance of slots.
    offset: u64,
    stride: u64,
    /// Number of this shard's first connection among all.
    first_connection: u32,
}

impl ShardPlan {
    /// Which of the addresses connection `conn` of this shard goes to: they take turns.
    #[must_use]
    pub fn address_index(&self, conn: usize) -> usize {
        (self.first_connection as usize + conn) % self.addresses.len()
    }

    /// The local address that connection `conn` of this shard comes from; none: the kernel chooses.
    /// They take turns too, so that each meets each address of the target.
    #[must_use]
    pub fn origin(&self, conn: usize) -> Option<IpAddr> {
        let turn = (self.first_connection as usize + conn) / self.addresses.len();
        let origins = self.plan.origins.towards(&self.addresses[self.address_index(conn)]);
        origins.get(turn % origins.len().max(1)).copied()
    }

    /// How many of the first `slots` slots are this shard's.
    #[must_use]
    pub fn share(&self, slots: u64) -> u64 {
        slots.saturating_sub(self.offset).div_ceil(self.stride)
    }

    /// The number among all slots of this shard's slot `index`.
    #[must_use]
    pub fn slot(&self, index: u64) -> u64 {
        index.saturating_mul(self.stride).saturating_add(self.offset)
    }

    /// The first own slot, as an index, that is due at or after the moment at which this part begins.
    #[must_use]
    pub fn first_index(&self, pace: &Pace) -> u64 {
        self.share(pace.slots_before(self.from_ns))
    }
}

/// Cuts a share of `plan` into `shards` parts. Connections are spread evenly, the first shards take
/// the rest.
///
/// # Panics
///
/// When there are no shards, no addresses, or more shards than connections.
#[must_use]
pub fn split(
    plan: &Arc<Plan>,
    share: &Share,
    shards: u32,
    addresses: &[SocketAddr],
) -> Vec<ShardPlan> {
    assert!(!addresses.is_empty(), "a target has an address");
    assert!(shards > 0 && shards <= share.connections, "each shard has a connection");
    let addresses: Arc<[SocketAddr]> = addresses.into();
    let (each, rest) = (share.connections / shards, share.connections % shards);
    (0..shards)
        .map(|shard| ShardPlan {
            plan: Arc::clone(plan),
            connections: each + u32::from(shard < rest),
            addresses: Arc::clone(&addresses),
            from_ns: share.from_us.saturating_mul(1000),
            skip: share.skip.saturating_sub(u64::from(shard)).div_ceil(u64::from(shards)),
            offset: share.offset + share.stride * u64::from(shard),
            stride: share.stride * u64::from(shards),
            first_connection: share.first_connection.saturating_add(shard * each + shard.min(rest)),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile;
    use crate::pace::statistics::assert_poisson;
    use acp_wire::plan::Arrival;
    use proptest::prelude::*;

    fn plan(change: impl FnOnce(&mut acp_wire::plan::Load)) -> Arc<Plan> {
        let schema = acp_wire::PLAN_SCHEMA.into();
        let mut document = acp_wire::Plan { schema, ..acp_wire::Plan::default() };
        document.target.url = "http://127.0.0.1/".into();
        change(&mut document.load);
        Arc::new(compile(&document).unwrap())
    }

    fn addresses(count: u16) -> Vec<SocketAddr> {
        (1..=count).map(|port| SocketAddr::from(([127, 0, 0, 1], port))).collect()
    }

    fn profile(text: &str) -> Arc<Plan> {
        spaced(text, Arrival::Uniform)
    }

    fn spaced(text: &str, arrival: Arrival) -> Arc<Plan> {
        plan(|load| {
            load.model = acp_wire::plan::Model::Open;
            load.profile = Some(text.into());
            load.arrival = arrival;
        })
    }

    fn pace(plan: &Plan) -> Arc<Pace> {
        match &plan.schedule {
            crate::Schedule::Open { pace, .. } => Arc::clone(pace),
            crate::Schedule::Closed { .. } => panic!("an open loop has a pace"),
        }
    }

    fn share(offset: u64, stride: u64) -> Share {
        Share { offset, stride, ..Share::whole(8) }
    }

    /// Due times of all slots of `shares`, in order, each cut into `shards`.
    fn due_times(plan: &Arc<Plan>, pace: &Pace, shares: &[Share], shards: u32) -> Vec<(u64, u64)> {
        let parts = shares.iter().flat_map(|share| split(plan, share, shards, &addresses(1)));
        let mut due = Vec::new();
        for part in parts {
            let own = part.first_index(pace)..part.share(pace.total());
            let slots = own.map(|index| part.slot(index));
            due.extend(slots.map(|slot| (slot, pace.due_ns(slot))));
        }
        due.sort_unstable();
        due
    }

    fn whole(pace: &Pace) -> Vec<(u64, u64)> {
        (0..pace.total()).map(|slot| (slot, pace.due_ns(slot))).collect()
    }

    #[test]
    fn shares_of_a_schedule_are_the_schedule() {
        for text in [
            "const(1,10s)",
            "line(0,200,4s)",
            "line(100,0,3s) const(7,2s)",
            "sine(50,50,2s,3s)",
            "const(0,1s)",
        ] {
            for arrival in [Arrival::Uniform, Arrival::Poisson] {
                let plan = spaced(text, arrival);
                let pace = pace(&plan);
                for count in [1, 2, 3, 7] {
                    let shares: Vec<_> = (0..count).map(|offset| share(offset, count)).collect();
                    let found = due_times(&plan, &pace, &shares, 2);
                    assert_eq!(found, whole(&pace), "{text}, {arrival:?}, over {count}");
                }
            }
        }
    }

    #[test]
    fn shares_of_a_poisson_process_are_one_together() {
        let plan = spaced("const(1k,20s)", Arrival::Poisson);
        let pace = pace(&plan);
        let shares: Vec<_> = (0..3).map(|offset| share(offset, 3)).collect();
        let in_gaps = |due: &[(u64, u64)]| -> Vec<_> {
            due.iter().map(|&(_, due_ns)| due_ns as f64 / 1e6).collect()
        };
        let all = due_times(&plan, &pace, &shares, 2);
        assert!(all.is_sorted_by_key(|&(_, due_ns)| due_ns), "in the order of their numbers");
        assert_poisson(&in_gaps(&all), "3 agents of 2 shards");
        // Every third slot has gaps of three: these are not exponential.
        let one: Vec<_> = in_gaps(&due_times(&plan, &pace, &shares[..1], 2));
        let one: Vec<_> = one.into_iter().map(|time| time / 3.0).collect();
        assert!(crate::pace::statistics::distance_of_gaps(&one) > 4.0, "one share alone");
    }

    #[test]
    fn a_share_of_less_than_a_slot_is_empty() {
        let plan = profile("const(1,2s)");
        let found = due_times(&plan, &pace(&plan), &[share(2, 3)], 4);
        assert_eq!(found, [], "two slots, three shares");
    }

    #[test]
    fn bad_shares_are_refused() {
        let good = share(1, 2);
        for (what, share, error) in [
            ("good", good, None),
            ("no stride", Share { stride: 0, ..good }, Some(ShareError::Stride(0))),
            ("too many parts", share(0, MAX_STRIDE + 1), Some(ShareError::Stride(MAX_STRIDE + 1))),
            ("no such class", share(2, 2), Some(ShareError::Offset { offset: 2, stride: 2 })),
            ("no connection", Share { connections: 0, ..good }, Some(ShareError::Connections(0))),
            (
                "too many connections",
                Share { connections: u32::MAX, ..good },
                Some(ShareError::Connections(u32::MAX)),
            ),
            ("too late", Share { from_us: u64::MAX, ..good }, Some(ShareError::From(u64::MAX))),
        ] {
            assert_eq!(check_share(&share).err(), error, "{what}");
        }
    }

    #[test]
    fn every_origin_meets_every_address() {
        let schema = acp_wire::PLAN_SCHEMA.into();
        let mut document = acp_wire::Plan { schema, ..acp_wire::Plan::default() };
        document.target.url = "http://127.0.0.1/".into();
        document.connection.source_ips = vec!["127.0.0.1-127.0.0.3".into(), "::1".into()];
        let plan = Arc::new(compile(&document).unwrap());
        let parts = split(&plan, &Share::whole(12), 2, &addresses(2));
        let pairs: std::collections::BTreeSet<_> = parts
            .iter()
            .flat_map(|part| (0..6).map(move |conn| (part.address_index(conn), part.origin(conn))))
            .collect();
        assert_eq!(pairs.len(), 2 * 3, "{pairs:?}");
        assert!(pairs.iter().all(|(_, origin)| origin.is_some_and(|origin| origin.is_ipv4())));
        let v6 = [SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], 1))];
        let parts = split(&plan, &Share::whole(1), 1, &v6);
        assert_eq!(parts[0].origin(0), Some("::1".parse().unwrap()));
    }

    proptest! {
        #[test]
        fn every_slot_and_connection_has_one_owner(
            connections in 1_u32..500, shards in 1_u32..40, ports in 1_u16..5, slots in 0_u64..10_000,
            first_connection in 0_u32..100,
        ) {
            let shards = shards.min(connections);
            let whole = Share { first_connection, ..Share::whole(connections) };
            let parts = split(&plan(|_| ()), &whole, shards, &addresses(ports));
            prop_assert_eq!(parts.iter().map(|part| part.connections).sum::<u32>(), connections);
            prop_assert_eq!(parts.iter().map(|part| part.share(slots)).sum::<u64>(), slots);
            for part in &parts {
                let share = part.share(slots);
                prop_assert!(share == 0 || part.slot(share - 1) < slots);
                prop_assert!(part.slot(share) >= slots);
            }
            let first = usize::try_from(first_connection).unwrap() % usize::from(ports);
            prop_assert_eq!(parts[0].address_index(0), first, "addresses go on");
            let mut per_address = std::collections::BTreeMap::<_, u32>::new();
            for part in &parts {
                for conn in 0..part.connections as usize {
                    *per_address.entry(part.address_index(conn)).or_default() += 1;
                }
            }
            let (least, most) = (per_address.values().min(), per_address.values().max());
            prop_assert!(most.unwrap() - least.unwrap() <= 1, "addresses take turns");
        }

        /// Parts that are lost and taken over by several others, again and again.
        #[test]
        fn shares_that_are_cut_and_split_again_have_each_slot_once(
            count in 1_u64..6,
            losses in prop::collection::vec((any::<prop::sample::Index>(), 1_u64..4, 0_u64..4_000_000), 0..5),
            shards in 1_u32..5,
            text in prop::sample::select(vec!["const(100,3s)", "line(0,300,2s) const(50,2s)"]),
            arrival in prop::sample::select(vec![Arrival::Uniform, Arrival::Poisson]),
        ) {
            let plan = spaced(text, arrival);
            let pace = pace(&plan);
            // Each with the moment at which it was lost.
            let mut shares: Vec<_> = (0..count).map(|o| (share(o, count), u64::MAX)).collect();
            for (which, heirs, lost_us) in losses {
                let which = which.index(shares.len());
                let (lost, until_us) = shares[which];
                let lost_us = lost_us.clamp(lost.from_us, until_us);
                shares[which].1 = lost_us;
                shares.extend((0..heirs).map(|heir| {
                    let offset = lost.offset + heir * lost.stride;
                    let stride = lost.stride * heirs;
                    (Share { offset, stride, from_us: lost_us, ..lost }, until_us)
                }));
            }
            let mut found = Vec::new();
            for (share, until_us) in shares {
                let until_ns = until_us.saturating_mul(1000);
                let due = due_times(&plan, &pace, &[share], shards);
                found.extend(due.into_iter().filter(|&(_, due_ns)| due_ns < until_ns));
            }
            found.sort_unstable();
            prop_assert_eq!(found, whole(&pace));
        }

        #[test]
        fn skipped_slots_are_shared_out(skip in 0_u64..1000, shards in 1_u32..8, offset in 0_u64..3) {
            let share = Share { skip, ..share(offset, 3) };
            let parts = split(&plan(|_| ()), &share, shards, &addresses(1));
            prop_assert_eq!(parts.iter().map(|part| part.skip).sum::<u64>(), skip);
            // They are the first ones of the share.
            for part in &parts {
                let index_in_share = (part.slot(part.skip) - offset) / 3;
                prop_assert!(index_in_share >= skip);
                prop_assert!(part.skip == 0 || (part.slot(part.skip - 1) - offset) / 3 < skip);
            }
        }
    }
}
