//! What a program adds to a run: requests of its own, checks of its own.

use super::guard::{Alarm, GuardedCheck, GuardedFeed};
use super::{Control, LaunchError};
use crate::plan::{EncodedRequest, MAX_BATCH_BYTES, Plan, ShardPlan};
use crate::record::TagNames;
use crate::shard::{Check, Feed};
use std::sync::Arc;

/// The place of one shard in a run, for whoever makes something for it.
pub struct Seat<'a> {
    pub(super) part: &'a ShardPlan,
    pub(super) tags: &'a TagNames,
    pub(super) shard: usize,
    pub(super) shards: usize,
}

impl Seat<'_> {
    /// Number of the shard in this process, from 0.
    #[must_use]
    pub fn shard(&self) -> usize {
        self.shard
    }

    /// Shards of this process.
    #[must_use]
    pub fn shards(&self) -> usize {
        self.shards
    }

    /// Connections of the shard.
    #[must_use]
    pub fn connections(&self) -> u32 {
        self.part.connections
    }

    /// The whole plan; its document is what was given to the run.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.part.plan
    }

    /// The slot that the shard's own request `index` is. No other shard has it, in this process or in
    /// one that runs another share of the plan.
    #[must_use]
    pub fn slot(&self, index: u64) -> u64 {
        self.part.slot(index)
    }

    /// The number by which requests carry a tag; the report has what became of them by its name. The
    /// empty name is that of no tag. Names beyond the first 64 are one tag, `(other)`.
    #[must_use]
    pub fn tag(&self, name: &str) -> u16 {
        self.tags.number(name)
    }
}

type MakeFeed<'a> = Box<dyn Fn(&Seat, Alarm) -> Box<dyn Feed> + 'a>;
type MakeCheck<'a> = Box<dyn Fn(&Seat, Alarm) -> Box<dyn Check> + 'a>;

/// What a program adds to a run; see [`super::run_with`]. Without anything, a run is the plan's.
///
/// Both makers are called on the thread that has called [`super::run_with`], before anything is sent:
/// what they panic with goes to the caller. What they make belongs to the thread of a shard from then
/// on. One that panics there, or gives what is no request, ends the run: the report has an event that
/// names it, and the verdict is `aborted`.
#[derive(Default)]
pub struct Extensions<'a> {
    feed: Option<MakeFeed<'a>>,
    checks: Vec<MakeCheck<'a>>,
}

impl<'a> Extensions<'a> {
    /// Requests come from the feed that `make` makes for each shard. The plan must have no source and
    /// no values in its request then. What it says of its request otherwise is not looked at. Of
    /// several feeds the last counts.
    #[must_use]
    pub fn with_feed<F: Feed + 'static>(mut self, make: impl Fn(&Seat) -> F + 'a) -> Self {
        self.feed = Some(Box::new(move |seat, alarm| {
            let limit_bytes = MAX_BATCH_BYTES / seat.plan().pipeline.max(1) as usize;
            Box::new(GuardedFeed::new(make(seat), alarm, limit_bytes))
        }));
        self
    }

    /// Responses are looked at by the check that `make` makes for each connection, besides what the
    /// plan asks of them and other checks: all must hold.
    #[must_use]
    pub fn with_check<C: Check + 'static>(mut self, make: impl Fn(&Seat) -> C + 'a) -> Self {
        self.checks
            .push(Box::new(move |seat, alarm| Box::new(GuardedCheck::new(make(seat), alarm))));
        self
    }

    /// The plan as it is run with these.
    pub(super) fn prepare(&self, plan: Plan) -> Result<Plan, LaunchError> {
        if self.feed.is_none() {
            return Ok(plan);
        }
        if plan.template.is_some() {
            return Err(LaunchError::TwoSources);
        }
        // As where requests come from files: none of them is the plan's.
        let request = EncodedRequest { bytes: Vec::new(), is_head: plan.request.is_head };
        Ok(Plan { request: Arc::new(request), ..plan })
    }

    /// The feed for a shard.
    pub(super) fn feed(&self, seat: &Seat, control: &Control) -> Option<Box<dyn Feed>> {
        let make = self.feed.as_ref()?;
        Some(make(seat, Alarm::new(control, format!("the feed of shard {}", seat.shard))))
    }

    /// The checks for a shard: of each kind one for every connection.
    pub(super) fn checks(&self, seat: &Seat, control: &Control) -> Vec<Vec<Box<dyn Check>>> {
        let of_shard = |make: &MakeCheck| {
            let alarm = Alarm::new(control, format!("the check of shard {}", seat.shard));
            (0..seat.part.connections).map(|_| make(seat, alarm.clone())).collect()
        };
        self.checks.iter().map(of_shard).collect()
    }
}
