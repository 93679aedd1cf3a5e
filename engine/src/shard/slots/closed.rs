//! Slots that are due when a connection is free.

use super::Taken;
use crate::plan::{Pauses, ShardPlan};
use std::sync::Arc;

/// A cursor over slots without due times.
pub(in crate::shard) struct Closed {
    plan: ShardPlan,
    /// Own slots of the present part of the run that were somebody else's.
    first: u64,
    start_ns: u64,
    end_ns: u64,
    /// Length of the measured part.
    duration_ns: Option<u64>,
    /// Own requests of the measured part.
    requests: Option<u64>,
    /// Takes over in the middle of a run: it has no warm-up.
    is_heir: bool,
    left: u64,
    taken: u64,
    given_up: u64,
    is_measuring: bool,
    pauses: Arc<Pauses>,
    /// The pause that goes on, or the next one.
    pause_ns: u64,
    resume_ns: u64,
}

impl Closed {
    pub(super) fn new(plan: &ShardPlan, requests: Option<u64>, duration_ns: Option<u64>) -> Self {
        Self {
            plan: plan.clone(),
            first: 0,
            start_ns: u64::MAX,
            end_ns: u64::MAX,
            duration_ns,
            requests: requests.map(|requests| plan.share(requests).saturating_sub(plan.skip)),
            is_heir: plan.from_ns > 0,
            left: 0,
            taken: 0,
            given_up: 0,
            is_measuring: false,
            pauses: Arc::default(),
            pause_ns: u64::MAX,
            resume_ns: u64::MAX,
        }
    }

    pub(super) fn begin(&mut self, start_ns: u64, is_warmup: bool, now: u64) {
        self.start_ns = start_ns;
        self.taken = 0;
        self.given_up = 0;
        self.is_measuring = !is_warmup;
        self.first = if is_warmup || self.requests.is_none() { 0 } else { self.plan.skip };
        let (left, duration_ns) = match is_warmup {
            true => (self.is_heir.then_some(0), None),
            false => (self.requests, self.duration_ns),
        };
        self.left = left.unwrap_or(u64::MAX);
        self.end_ns = duration_ns.map_or(u64::MAX, |duration| start_ns.saturating_add(duration));
        self.resume(now);
    }

    pub(super) fn change(&mut self, pauses: &Arc<Pauses>, now: u64) {
        self.pauses = Arc::clone(pauses);
        let was_paused = now >= self.pause_ns;
        self.resume(now);
        if was_paused && self.pause_ns > now {
            // Over already: whoever rests is to be woken.
            (self.pause_ns, self.resume_ns) = (now, now);
        }
    }

    pub(super) fn resume_ns(&self) -> u64 {
        self.resume_ns
    }

    /// Finds the pause that goes on at `now`, or the next one.
    pub(super) fn resume(&mut self, now: u64) {
        let (pause_ns, resume_ns) = match self.is_measuring {
            true => self.pauses.from(now.saturating_sub(self.start_ns)),
            false => (u64::MAX, u64::MAX),
        };
        self.pause_ns = self.start_ns.saturating_add(pause_ns);
        self.resume_ns = self.start_ns.saturating_add(resume_ns);
    }

    #[inline]
    pub(super) fn look(&mut self, now: u64) -> Option<Taken> {
        if self.left == 0 || now >= self.end_ns || now < self.start_ns || self.is_paused(now) {
            return None;
        }
        let index = self.first + self.taken;
        Some(Taken { index, slot: self.plan.slot(index), due_ns: now })
    }

    #[inline]
    pub(super) fn pass(&mut self) {
        self.left -= 1;
        self.taken += 1;
    }

    /// Until the turn that ends it, too: it wakes all connections alike.
    #[inline]
    fn is_paused(&self, now: u64) -> bool {
        now >= self.pause_ns
    }

    pub(super) fn is_exhausted(&self, now: u64) -> bool {
        self.left == 0 || now >= self.end_ns
    }

    pub(super) fn end_ns(&self) -> u64 {
        self.end_ns
    }

    pub(super) fn duration_ns(&self) -> Option<u64> {
        self.duration_ns
    }

    pub(super) fn give_up_rest(&mut self) -> u64 {
        let rest = if self.requests.is_some() { self.left } else { 0 };
        self.left = 0;
        self.given_up += rest;
        rest
    }

    pub(super) fn close(&mut self) {
        self.left = 0;
    }

    pub(super) fn settled(&self) -> u64 {
        self.taken + self.given_up
    }
}
