//! What agents still offer while the runs of one pass are placed, one after the other.

use super::{Offer, Placement, View};
use std::collections::BTreeMap;

/// What agents still offer.
pub(super) struct Pool<'a> {
    view: &'a View,
    now_unix_us: u64,
    given: BTreeMap<String, u32>,
}

impl<'a> Pool<'a> {
    pub(super) fn new(view: &'a View, now_unix_us: u64) -> Self {
        Self { view, now_unix_us, given: BTreeMap::new() }
    }

    pub(super) fn offers(&self, protocol: &str) -> Vec<Offer> {
        let mut offers = self.view.offers(protocol, self.now_unix_us);
        for offer in &mut offers {
            let given = self.given.get(&offer.info.agent).copied().unwrap_or(0);
            offer.cores_free = offer.cores_free.saturating_sub(given);
        }
        offers
    }

    pub(super) fn give(&mut self, placements: &[Placement]) {
        for placement in placements {
            *self.given.entry(placement.agent.clone()).or_default() += placement.cores;
        }
    }
}
