//! A plan cut into shards: who has which connections, slots and addresses.

use crate::Plan;
use std::net::SocketAddr;
use std::sync::Arc;

/// The part of a plan that one shard runs.
///
/// Shard `s` of `n` owns slots `s, s + n, s + 2n, …`, so every slot has one owner, and a rate is
/// spread over shards slot by slot.
#[derive(Clone, Debug)]
pub struct ShardPlan {
    /// The whole plan.
    pub plan: Arc<Plan>,
    /// Number of this shard, from 0.
    pub shard: u32,
    /// Shards in all.
    pub shards: u32,
    /// Connections of this shard.
    pub connections: u32,
    /// Addresses of the target.
    pub addresses: Arc<[SocketAddr]>,
    /// Number of this shard's first connection among all.
    first_connection: u32,
}

impl ShardPlan {
    /// Which of the addresses connection `conn` of this shard goes to: they take turns.
    #[must_use]
    pub fn address_index(&self, conn: usize) -> usize {
        (self.first_connection as usize + conn) % self.addresses.len()
    }

    /// How many of the first `slots` slots are this shard's.
    #[must_use]
    pub fn share(&self, slots: u64) -> u64 {
        slots.saturating_sub(u64::from(self.shard)).div_ceil(u64::from(self.shards))
    }

    /// The number among all slots of this shard's slot `index`.
    #[must_use]
    pub fn slot(&self, index: u64) -> u64 {
        index.saturating_mul(u64::from(self.shards)).saturating_add(u64::from(self.shard))
    }
}

/// Cuts `plan` into `shards` parts. Connections are spread evenly, the first shards take the rest.
///
/// # Panics
///
/// When there are no shards, no addresses, or more shards than connections.
#[must_use]
pub fn split(plan: &Arc<Plan>, shards: u32, addresses: &[SocketAddr]) -> Vec<ShardPlan> {
    assert!(!addresses.is_empty(), "a target has an address");
    assert!(shards > 0 && shards <= plan.connections, "each shard has a connection");
    let addresses: Arc<[SocketAddr]> = addresses.into();
    let (each, rest) = (plan.connections / shards, plan.connections % shards);
    (0..shards)
        .map(|shard| ShardPlan {
            plan: Arc::clone(plan),
            shard,
            shards,
            connections: each + u32::from(shard < rest),
            addresses: Arc::clone(&addresses),
            first_connection: shard * each + shard.min(rest),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile;
    use proptest::prelude::*;

    fn parts(connections: u32, shards: u32, addresses: u16) -> Vec<ShardPlan> {
        let schema = acp_wire::PLAN_SCHEMA.into();
        let mut document = acp_wire::Plan { schema, ..acp_wire::Plan::default() };
        document.target.url = "http://127.0.0.1/".into();
        document.load.connections = connections;
        let plan = Arc::new(compile(&document).unwrap());
        let addresses: Vec<_> =
            (1..=addresses).map(|port| SocketAddr::from(([127, 0, 0, 1], port))).collect();
        split(&plan, shards, &addresses)
    }

    proptest! {
        #[test]
        fn every_slot_and_connection_has_one_owner(
            connections in 1_u32..500, shards in 1_u32..40, addresses in 1_u16..5, slots in 0_u64..10_000,
        ) {
            let shards = shards.min(connections);
            let parts = parts(connections, shards, addresses);
            prop_assert_eq!(parts.iter().map(|part| part.connections).sum::<u32>(), connections);
            prop_assert_eq!(parts.iter().map(|part| part.share(slots)).sum::<u64>(), slots);
            for part in &parts {
                let share = part.share(slots);
                prop_assert!(share == 0 || part.slot(share - 1) < slots);
                prop_assert!(part.slot(share) >= slots);
            }
            let mut per_address = std::collections::BTreeMap::<_, u32>::new();
            for part in &parts {
                for conn in 0..part.connections as usize {
                    *per_address.entry(part.address_index(conn)).or_default() += 1;
                }
            }
            let (least, most) = (per_address.values().min(), per_address.values().max());
            prop_assert!(most.unwrap() - least.unwrap() <= 1, "addresses take turns");
        }
    }
}
