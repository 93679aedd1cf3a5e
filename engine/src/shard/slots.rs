//! Which slot comes next and when it may go: a cursor over the schedule of one shard.
//!
//! Slots that wait for a connection are not stored: they are the numbers between the cursor and the
//! clock, so memory does not depend on how far behind a run is.

use crate::pace::Pace;
use crate::plan::{Schedule, ShardPlan};
use acp_wire::plan::Catchup;
use std::sync::Arc;

/// The cursor.
pub(super) enum Slots {
    Open(Open),
    Closed(Closed),
}

/// Slots with due times.
pub(super) struct Open {
    plan: ShardPlan,
    pace: Arc<Pace>,
    start_ns: u64,
    /// Own slots up to here belong to the present part of the run.
    total: u64,
    /// The next own slot, and when it is due.
    next: u64,
    due_ns: u64,
    catchup: Catchup,
    backlog: u64,
    late_limit_ns: u64,
    /// A late slot may not go before this.
    smooth_ns: u64,
    /// Slots given up because they were late, since this was last asked.
    late: u64,
}

/// Slots that are due when a connection is free.
pub(super) struct Closed {
    start_ns: u64,
    end_ns: u64,
    /// Length of the measured part.
    duration_ns: Option<u64>,
    /// Own requests of the measured part.
    requests: Option<u64>,
    left: u64,
    taken: u64,
    given_up: u64,
}

impl Slots {
    pub(super) fn new(plan: &ShardPlan) -> Self {
        match &plan.plan.schedule {
            Schedule::Open { pace, catchup, backlog, late_limit_ns, .. } => Self::Open(Open {
                plan: plan.clone(),
                pace: Arc::clone(pace),
                start_ns: u64::MAX,
                total: 0,
                next: 0,
                due_ns: u64::MAX,
                catchup: *catchup,
                // A share of 0 would give up every slot that is not sent at its very nanosecond.
                backlog: plan.share(*backlog).max(1),
                late_limit_ns: *late_limit_ns,
                smooth_ns: 0,
                late: 0,
            }),
            Schedule::Closed { requests, duration_ns } => Self::Closed(Closed {
                start_ns: u64::MAX,
                end_ns: u64::MAX,
                duration_ns: *duration_ns,
                requests: requests.map(|requests| plan.share(requests)),
                left: 0,
                taken: 0,
                given_up: 0,
            }),
        }
    }

    /// Goes to the first slot of the warm-up or of the measured part, which starts at `start_ns`.
    pub(super) fn begin(&mut self, start_ns: u64, is_warmup: bool) {
        match self {
            Self::Open(open) => open.begin(start_ns, is_warmup),
            Self::Closed(closed) => closed.begin(start_ns, is_warmup),
        }
    }

    /// The due time of a slot that may be sent at `now`; the cursor moves on.
    #[inline]
    pub(super) fn take(&mut self, now: u64) -> Option<u64> {
        match self {
            Self::Open(open) => open.take(now),
            Self::Closed(closed) => closed.take(now),
        }
    }

    /// When the next slot may be sent; none in a closed loop, or when none is left.
    #[inline]
    pub(super) fn next_ns(&self) -> Option<u64> {
        match self {
            Self::Open(open) if open.next < open.total => Some(open.due_ns.max(open.smooth_ns)),
            _ => None,
        }
    }

    /// Whether a slot waits that was due at `now`.
    #[inline]
    pub(super) fn is_overdue(&self, now: u64) -> bool {
        matches!(self, Self::Open(open) if open.next < open.total && open.due_ns <= now)
    }

    /// Slots to give up at `now`: beyond the backlog, or late under `catchup = none`.
    pub(super) fn give_up_late(&mut self, now: u64) -> (u64, u64) {
        match self {
            Self::Open(open) => open.give_up_late(now),
            Self::Closed(_) => (0, 0),
        }
    }

    /// Whether no slot is left, or none may be taken any more.
    pub(super) fn is_exhausted(&self, now: u64) -> bool {
        match self {
            Self::Open(open) => open.next >= open.total && now >= self.end_ns(),
            Self::Closed(closed) => closed.left == 0 || now >= closed.end_ns,
        }
    }

    /// End of the present part of the run.
    pub(super) fn end_ns(&self) -> u64 {
        match self {
            // A count can end before the schedule does.
            Self::Open(open) if open.total == open.plan.share(open.pace.total()) => {
                open.start_ns.saturating_add(open.pace.duration_ns())
            }
            Self::Open(open) => open.start_ns.saturating_add(open.pace.due_ns(open.last_slot())),
            Self::Closed(closed) => closed.end_ns,
        }
    }

    /// Slots that were given up because they were late and are not booked yet.
    pub(super) fn take_late(&mut self) -> u64 {
        match self {
            Self::Open(open) => std::mem::take(&mut open.late),
            Self::Closed(_) => 0,
        }
    }

    /// Gives up all that is left and returns how many.
    pub(super) fn give_up_rest(&mut self) -> u64 {
        match self {
            Self::Open(open) => {
                let rest = open.total - open.next;
                open.next = open.total;
                rest
            }
            Self::Closed(closed) => closed.give_up_rest(),
        }
    }

    /// Own slots of the present part of the run that are due before `now`.
    pub(super) fn planned_before(&self, now: u64) -> u64 {
        match self {
            Self::Open(open) => open.planned_before(now),
            Self::Closed(closed) => closed.taken + closed.given_up,
        }
    }

    /// A slot sent later than this after its due time is late.
    pub(super) fn late_limit_ns(&self) -> u64 {
        match self {
            Self::Open(open) => open.late_limit_ns,
            Self::Closed(_) => u64::MAX,
        }
    }
}

impl Open {
    fn begin(&mut self, start_ns: u64, is_warmup: bool) {
        let Schedule::Open { warmup, pace, total, .. } = &self.plan.plan.schedule else { return };
        let (pace, total) = if is_warmup { (warmup, warmup.total()) } else { (pace, *total) };
        self.pace = Arc::clone(pace);
        self.total = self.plan.share(total);
        self.start_ns = start_ns;
        self.smooth_ns = 0;
        self.late = 0;
        self.seek(0);
    }

    fn seek(&mut self, next: u64) {
        self.next = next;
        self.due_ns = self.start_ns.saturating_add(self.pace.due_ns(self.plan.slot(next)));
    }

    fn last_slot(&self) -> u64 {
        self.plan.slot(self.total.saturating_sub(1))
    }

    #[inline]
    fn take(&mut self, now: u64) -> Option<u64> {
        if self.catchup == Catchup::None {
            self.skip_late(now);
        }
        if self.due_ns > now || self.next >= self.total || now < self.smooth_ns {
            return None;
        }
        let due_ns = self.due_ns;
        self.seek(self.next + 1);
        if now - due_ns > self.late_limit_ns && self.catchup == Catchup::Smooth {
            // Twice the rate is half the gap. Up to a tenth of a millisecond may be made up at once,
            // so that a turn that came late does not slow the catching up.
            let half_gap_ns = (self.due_ns - due_ns) / 2;
            self.smooth_ns = self.smooth_ns.max(now.saturating_sub(100_000)) + half_gap_ns;
        }
        Some(due_ns)
    }

    fn give_up_late(&mut self, now: u64) -> (u64, u64) {
        if self.catchup == Catchup::None {
            self.skip_late(now);
        }
        let late = std::mem::take(&mut self.late);
        if self.next >= self.total || self.due_ns > now {
            return (0, late);
        }
        let waiting = self.planned_before(now) - self.next.min(self.planned_before(now));
        let excess = waiting.saturating_sub(self.backlog);
        if excess > 0 {
            // The oldest go: what is sent stays as close to its time as it can.
            self.seek(self.next + excess);
        }
        (excess, late)
    }

    /// Goes to the first slot that is not late.
    #[inline]
    fn skip_late(&mut self, now: u64) {
        if now.saturating_sub(self.due_ns) > self.late_limit_ns && self.next < self.total {
            let first = self.planned_before(now - self.late_limit_ns);
            self.late += first - self.next;
            self.seek(first);
        }
    }

    fn planned_before(&self, now: u64) -> u64 {
        let slots = self.pace.slots_before(now.saturating_sub(self.start_ns));
        self.plan.share(slots).min(self.total)
    }
}

impl Closed {
    fn begin(&mut self, start_ns: u64, is_warmup: bool) {
        self.start_ns = start_ns;
        self.taken = 0;
        self.given_up = 0;
        let (left, duration_ns) =
            if is_warmup { (None, None) } else { (self.requests, self.duration_ns) };
        self.left = left.unwrap_or(u64::MAX);
        self.end_ns = duration_ns.map_or(u64::MAX, |duration| start_ns.saturating_add(duration));
    }

    #[inline]
    fn take(&mut self, now: u64) -> Option<u64> {
        if self.left == 0 || now >= self.end_ns || now < self.start_ns {
            return None;
        }
        self.left -= 1;
        self.taken += 1;
        Some(now)
    }

    fn give_up_rest(&mut self) -> u64 {
        let rest = if self.requests.is_some() { self.left } else { 0 };
        self.left = 0;
        self.given_up += rest;
        rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{compile, split};
    use std::net::SocketAddr;

    const MS: u64 = 1_000_000;
    const SECOND: u64 = 1_000 * MS;
    /// Start of the schedules here; due times in the tables count from it.
    const START_NS: u64 = 7 * SECOND;

    fn parts(load: acp_wire::plan::Load, shards: u32) -> Vec<Slots> {
        let schema = acp_wire::PLAN_SCHEMA.into();
        let mut document = acp_wire::Plan { schema, load, ..Default::default() };
        document.target.url = "http://127.0.0.1/".into();
        let plan = Arc::new(compile(&document).unwrap());
        let parts = split(
            &plan,
            &acp_wire::agent::Share::whole(plan.connections),
            shards,
            &[SocketAddr::from(([127, 0, 0, 1], 80))],
        );
        let begun = parts.iter().map(|part| {
            let mut slots = Slots::new(part);
            slots.begin(START_NS, false);
            slots
        });
        begun.collect()
    }

    fn open_loop(rate: &str, duration: &str) -> acp_wire::plan::Load {
        acp_wire::plan::Load {
            model: acp_wire::plan::Model::Open,
            rate: Some(rate.into()),
            duration: Some(duration.into()),
            ..Default::default()
        }
    }

    fn closed_loop(requests: Option<u64>, duration: Option<&str>) -> acp_wire::plan::Load {
        acp_wire::plan::Load { requests, duration: duration.map(Into::into), ..Default::default() }
    }

    /// Takes every slot at the nanosecond at which it may go; not one earlier.
    fn taken_on_time(slots: &mut Slots) -> Vec<u64> {
        let mut due = Vec::new();
        while let Some(at_ns) = slots.next_ns() {
            assert_eq!(slots.take(at_ns - 1), None, "before its time");
            assert_eq!(slots.take(at_ns), Some(at_ns), "at its time");
            due.push(at_ns - START_NS);
        }
        assert_eq!(slots.take(u64::MAX - 1), None, "after the last one");
        due
    }

    #[test]
    fn shards_share_out_a_schedule() {
        for (what, rate, duration, shards, gap_ns, count) in [
            ("one a second over 12 shards", "1", "60s", 12, SECOND, 60),
            ("fewer slots than shards", "1", "5s", 12, SECOND, 5),
            ("a slot every two seconds", "0.5", "20s", 1, 2 * SECOND, 10),
            ("a slot every two seconds over 3 shards", "0.5", "20s", 3, 2 * SECOND, 10),
            ("300 a minute", "300/m", "10s", 1, 200 * MS, 50),
            ("300 a minute over 4 shards", "300/m", "10s", 4, 200 * MS, 50),
            ("20,000 a second over 7 shards", "20k", "1s", 7, 50_000, 20_000),
            ("less than one slot", "1/h", "1s", 5, SECOND, 1),
        ] {
            let mut due: Vec<_> = parts(open_loop(rate, duration), shards)
                .iter_mut()
                .enumerate()
                .flat_map(|(shard, slots)| {
                    let due = taken_on_time(slots);
                    let first_ns = shard as u64 * gap_ns;
                    assert!(due.first().is_none_or(|&due| due == first_ns), "{what}: {shard}");
                    due
                })
                .collect();
            due.sort_unstable();
            let expected: Vec<_> = (0..count).map(|slot| slot * gap_ns).collect();
            assert_eq!(due, expected, "{what}");
        }
    }

    #[test]
    fn slots_are_planned_when_they_are_due() {
        for (what, rate, after_ns, planned) in [
            ("none at the start itself", "10", 0, 0),
            ("the first one nanosecond later", "10", 1, 1),
            ("up to a due time, without it", "10", 300 * MS, 3),
            ("all at the end", "10", 2 * SECOND, 20),
            ("no more after the end", "10", u64::MAX - START_NS, 20),
            ("rate below one", "0.5", 2 * SECOND, 1),
        ] {
            let slots = &parts(open_loop(rate, "2s"), 1)[0];
            assert_eq!(slots.planned_before(START_NS + after_ns), planned, "{what}");
        }
    }

    /// What became of slots that nobody took for a while.
    #[derive(Debug, Default, PartialEq, Eq)]
    struct Late {
        /// Sent in the turn that came late.
        at_once: u64,
        /// Sent within 20 ms after it.
        within_20_ms: u64,
        beyond_backlog: u64,
        given_up: u64,
    }

    /// 1,000 slots a second, of which none is taken for 100 ms; then turns come every 10 µs.
    fn held_up(catchup: Catchup, backlog: u64) -> Late {
        let load = acp_wire::plan::Load { catchup, backlog, ..open_loop("1k", "1s") };
        let slots = &mut parts(load, 1)[0];
        let held_ns = START_NS + 100 * MS + 500_000;
        let mut late = Late::default();
        for now in (held_ns..=START_NS + SECOND).step_by(10_000) {
            while slots.take(now).is_some() {
                late.at_once += u64::from(now == held_ns);
                late.within_20_ms += u64::from(now <= held_ns + 20 * MS);
            }
            let (beyond_backlog, given_up) = slots.give_up_late(now);
            late.beyond_backlog += beyond_backlog;
            late.given_up += given_up;
        }
        assert!(slots.is_exhausted(START_NS + SECOND), "{catchup:?}: nothing is left");
        late
    }

    #[test]
    fn late_slots_are_caught_up_as_the_plan_says() {
        for (what, catchup, at_once, within_20_ms, given_up) in [
            ("a burst sends all at once", Catchup::Burst, 101, 121, 0),
            // A slot each half millisecond.
            ("smooth sends at twice the rate", Catchup::Smooth, 1, 41, 0),
            ("none keeps what is late by less than the limit", Catchup::None, 1, 21, 100),
        ] {
            let expected = Late { at_once, within_20_ms, beyond_backlog: 0, given_up };
            assert_eq!(held_up(catchup, 65_536), expected, "{what}");
        }
    }

    #[test]
    fn smooth_is_over_when_nothing_is_late() {
        let slots = &mut parts(open_loop("1k", "1s"), 1)[0];
        let held_ns = START_NS + 100 * MS;
        let lags: Vec<_> = (held_ns..START_NS + SECOND)
            .step_by(10_000)
            .flat_map(|now| slots.take(now).map(|due_ns| (due_ns - START_NS, now - due_ns)))
            .collect();
        assert_eq!(lags.len(), 1000);
        assert!(lags.windows(2).all(|pair| pair[1].1 <= pair[0].1), "lag only shrinks");
        // 100 ms are made up at one second a second, down to the limit of 1 ms.
        let (last_late_ns, _) = lags.iter().rfind(|&&(_, lag_ns)| lag_ns > MS).unwrap();
        assert!(last_late_ns.abs_diff(200 * MS) <= 3 * MS, "late up to {last_late_ns}");
        assert_eq!(lags.last().unwrap().1, 0, "on time at the end");
    }

    #[test]
    fn no_more_slots_wait_than_the_backlog_holds() {
        for (what, backlog, shards, left, beyond_backlog) in [
            ("room for all", 101, 1, 101, 0),
            ("one too many", 100, 1, 100, 1),
            ("room for one", 1, 1, 1, 100),
            ("each shard has its share", 40, 4, 40, 61),
            ("a share is one slot at the least", 1, 4, 4, 97),
        ] {
            let load = acp_wire::plan::Load { backlog, ..open_loop("1k", "1s") };
            let mut found = (0, 0);
            for slots in &mut parts(load, shards) {
                let now = START_NS + 100 * MS + 500_000;
                let (given_up, late) = slots.give_up_late(now);
                assert_eq!(slots.give_up_late(now), (0, 0), "{what}: once is enough");
                assert_eq!(late, 0, "{what}");
                found.0 += slots.planned_before(now) - given_up;
                found.1 += given_up;
                let oldest_ns = slots.next_ns().unwrap();
                assert_eq!(slots.take(now), Some(oldest_ns), "{what}: the oldest go");
            }
            assert_eq!(found, (left, beyond_backlog), "{what}");
        }
    }

    #[test]
    fn what_is_left_is_given_up() {
        let burst = acp_wire::plan::Load { catchup: Catchup::Burst, ..open_loop("10", "1s") };
        for (what, load, taken, rest) in [
            ("of a schedule", burst, 4, 6),
            ("of a count", closed_loop(Some(10), None), 4, 6),
            ("of a count and a time", closed_loop(Some(10), Some("1s")), 4, 6),
            ("of a time there is none", closed_loop(None, Some("1s")), 4, 0),
        ] {
            let slots = &mut parts(load, 1)[0];
            let now = START_NS + SECOND - 1;
            assert_eq!((0..taken).filter_map(|_| slots.take(now)).count(), taken, "{what}");
            assert_eq!(slots.give_up_rest(), rest, "{what}");
            assert_eq!(slots.give_up_rest(), 0, "{what}: once");
            assert_eq!(slots.take(now), None, "{what}: none is left");
            assert_eq!(slots.planned_before(u64::MAX), taken as u64 + rest, "{what}: planned");
        }
    }

    #[test]
    fn a_closed_loop_takes_slots_within_its_count_and_time() {
        for (what, requests, duration, after_ns, taken) in [
            ("a count", Some(3), None, 3600 * SECOND, 3),
            ("within its time", None, Some("1s"), SECOND - 1, 5),
            ("not at its end", None, Some("1s"), SECOND, 0),
            ("a count within a time", Some(3), Some("1s"), 0, 3),
            ("a count after its time", Some(3), Some("1s"), SECOND, 0),
        ] {
            let slots = &mut parts(closed_loop(requests, duration), 1)[0];
            assert_eq!(slots.take(START_NS - 1), None, "{what}: before the start");
            let now = START_NS + after_ns;
            assert_eq!((0..5).filter_map(|_| slots.take(now)).count(), taken, "{what}");
        }
    }
}
