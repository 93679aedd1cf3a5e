//! What holds after every turn of a shard, whatever happens to it.

use super::network::{Link, Network, State};
use crate::pace::{Cursor, Pace};
use crate::plan::{Course, Schedule, ShardPlan};
use crate::record::Counts;
use crate::shard::{GRACE_NS, Shard, Wake};
use acp_wire::plan::Catchup;
use acp_wire::{ErrorClass, NotSent};
use std::cell::RefCell;

const MS: u64 = 1_000_000;
/// A deadline is looked at so long after it has passed, at the most.
const SLACK_NS: u64 = 2 * MS;
/// Turns in which something happens, at the most: about ten times what the longest runs here have.
const MOST_TURNS: u64 = 2_000_000;
/// Longest rest of a connection after failures.
const LONGEST_REST_NS: u64 = 128 * MS;

/// The counts that books are made of.
#[derive(Clone, Copy, Default)]
struct Sums {
    planned: u64,
    sent: u64,
    completed: u64,
    /// Errors without a response.
    failed: u64,
    not_sent: u64,
    backlog: u64,
    in_flight_at_stop: u64,
}

impl Sums {
    fn of(counts: &Counts) -> Self {
        let errors: u64 = counts.errors.iter().sum();
        Self {
            planned: counts.planned,
            sent: counts.sent,
            completed: counts.completed,
            failed: errors - counts.errors[ErrorClass::Unexpected.index()],
            not_sent: counts.not_sent.iter().sum(),
            backlog: counts.not_sent[NotSent::Backlog.index()],
            in_flight_at_stop: counts.in_flight_at_stop,
        }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            planned: self.planned + other.planned,
            sent: self.sent + other.sent,
            completed: self.completed + other.completed,
            failed: self.failed + other.failed,
            not_sent: self.not_sent + other.not_sent,
            backlog: self.backlog + other.backlog,
            in_flight_at_stop: self.in_flight_at_stop + other.in_flight_at_stop,
        }
    }
}

pub(super) struct Checks {
    part: ShardPlan,
    /// Connections may be about to be closed since the target has other addresses.
    pub(super) is_retargeted: bool,
    /// The feed has always a request.
    is_fed_well: bool,
    course: Course,
    /// Of the schedule; looking at it changes nothing else.
    clock: RefCell<Cursor>,
    /// Slots that were settled when the course was last changed: they stay so.
    settled: u64,
    /// Slots that were due before: some may have been given up and are not booked yet.
    allowed: u64,
    /// Frames that were taken away, of the warm-up and of the measured part.
    warmup: Sums,
    measured: Sums,
    backlog_before: u64,
    begin_ns: u64,
    pub(super) received_bytes: u64,
    /// Turns in which nothing happened.
    idle_turns: u64,
    busy_turns: u64,
    /// Time of the last turn in which something happened.
    busy_ns: u64,
}

impl Checks {
    pub(super) fn new(part: ShardPlan, is_fed_well: bool) -> Self {
        Self {
            is_retargeted: false,
            is_fed_well,
            course: Course::planned(&part.plan),
            clock: RefCell::default(),
            settled: 0,
            allowed: 0,
            part,
            warmup: Sums::default(),
            measured: Sums::default(),
            backlog_before: 0,
            begin_ns: u64::MAX,
            received_bytes: 0,
            idle_turns: 0,
            busy_turns: 0,
            busy_ns: u64::MAX,
        }
    }

    pub(super) fn begin(&mut self, start_ns: u64) {
        self.begin_ns = start_ns;
    }

    pub(super) fn change(&mut self, shard: &mut Shard, course: &Course, now: u64) {
        if !shard.is_warming_up() && shard.start_ns() != u64::MAX {
            self.allowed = self.due(false, shard.start_ns(), now + 1).max(self.allowed);
            let sums = self.sums(shard);
            self.settled = sums.sent + sums.not_sent;
        }
        self.course = course.clone();
    }

    pub(super) fn received(&mut self, bytes: usize) {
        self.received_bytes += bytes as u64;
    }

    pub(super) fn keep(&mut self, counts: &Counts, is_warmup: bool) {
        let sums = if is_warmup { &mut self.warmup } else { &mut self.measured };
        *sums = sums.plus(Sums::of(counts));
    }

    /// Turns in which nothing happens are as few as deadlines, slots and scans, and something
    /// happens before all patience is over.
    pub(super) fn count_turn(&mut self, is_busy: bool, now: u64) {
        if is_busy {
            (self.busy_turns, self.busy_ns) = (self.busy_turns + 1, now);
        } else {
            self.idle_turns += 1;
        }
        let plan = &self.part.plan;
        let duration_ns = match &self.course {
            Course::Open(pace) => Some(pace.duration_ns()),
            Course::Closed(_) => plan.duration_ns(),
        };
        let patience_ns = plan.warmup_ns
            + duration_ns.unwrap_or(0)
            + GRACE_NS
            + plan.timeout_ns
            + plan.connect_timeout_ns;
        let idle_ns = now.saturating_sub(self.busy_ns);
        assert!(idle_ns <= patience_ns, "nothing happens any more");
        assert!(self.busy_turns < MOST_TURNS, "a run without an end");
        let slots = self.measured.plus(self.warmup).planned + self.busy_turns;
        let most = 10_000 + 2 * slots + now.saturating_sub(self.begin_ns) / (MS / 2);
        assert!(self.idle_turns < most, "the core turns without doing anything");
    }

    fn sums(&self, shard: &mut Shard) -> Sums {
        let kept = if shard.is_warming_up() { self.warmup } else { self.measured };
        kept.plus(Sums::of(&shard.record_mut().counts))
    }

    pub(super) fn before_turn(&mut self, shard: &mut Shard) {
        self.backlog_before = self.sums(shard).backlog;
    }

    pub(super) fn after_turn(&self, shard: &mut Shard, net: &Network, wake: Wake, now: u64) {
        let sums = self.sums(shard);
        let is_warmup = shard.is_warming_up();
        let is_draining = shard.drain_ns() != u64::MAX;
        if !is_warmup {
            let ended = sums.completed + sums.failed + sums.in_flight_at_stop;
            assert_eq!(sums.sent, ended + shard.in_flight(), "every request has one outcome");
        }
        self.check_deadlines(net, wake, now);
        if is_draining {
            self.check_drained(shard, net, now);
            return;
        }
        self.check_schedule(&sums, is_warmup, shard.start_ns(), now);
        self.check_no_rest(net, wake, now);
        if self.part.plan.is_open_loop() {
            self.check_open_loop(&sums, is_warmup, shard.start_ns(), net, wake, now);
        } else {
            self.check_closed_loop(net, &sums, is_warmup, shard.start_ns(), now);
        }
    }

    /// A stop books every slot at once.
    pub(super) fn after_stop(&self, shard: &mut Shard) {
        let sums = self.sums(shard);
        assert_eq!(sums.planned, sums.sent + sums.not_sent, "slots that are not booked");
    }

    /// Nothing waits longer than it may, and the core wants a turn in time for it.
    fn check_deadlines(&self, net: &Network, wake: Wake, now: u64) {
        let plan = &self.part.plan;
        for (conn, link) in net.links.iter().enumerate() {
            let (since_ns, limit_ns) = match link.state {
                State::Closed => continue,
                State::Connecting => (link.since_ns, plan.connect_timeout_ns),
                State::Open => match link.asked_ns.front() {
                    Some(&asked_ns) => (asked_ns, plan.timeout_ns),
                    None if link.is_writing => (link.written_since_ns, plan.timeout_ns),
                    None => continue,
                },
            };
            let last_ns = since_ns + limit_ns + SLACK_NS;
            assert!(now <= last_ns, "connection {conn} waits since {since_ns}");
            assert!(wake.at_ns <= last_ns, "no turn is wanted for the deadline of {conn}");
        }
    }

    /// With nothing under way a draining shard is done.
    fn check_drained(&self, shard: &Shard, net: &Network, now: u64) {
        let is_quiet = |link: &Link| match link.state {
            State::Closed => now > link.since_ns + LONGEST_REST_NS + SLACK_NS,
            State::Connecting => false,
            State::Open => link.asked_ns.is_empty() && !link.is_writing,
        };
        if net.links.iter().all(is_quiet) {
            assert!(shard.is_finished(now), "nothing is under way, but the run goes on");
        }
    }

    /// No slot goes before it is due.
    fn check_schedule(&self, sums: &Sums, is_warmup: bool, start_ns: u64, now: u64) {
        let due = self.due(is_warmup, start_ns, now + 1);
        let due = if is_warmup { due } else { due.max(self.allowed) };
        assert!(sums.sent + sums.not_sent <= due, "{} slots sent, {due} were due", sums.sent);
    }

    /// Own slots that are due before `now`.
    fn due(&self, is_warmup: bool, start_ns: u64, now: u64) -> u64 {
        match &self.part.plan.schedule {
            Schedule::Open { warmup, .. } if is_warmup => {
                self.part.share(self.slots_before(warmup, now.saturating_sub(self.begin_ns)))
            }
            Schedule::Open { .. } => {
                let Course::Open(pace) = &self.course else { return 0 };
                let total = self.part.plan.slots_of(pace);
                let slots = self.slots_before(pace, now.saturating_sub(start_ns)).min(total);
                let due = self.part.share(slots).saturating_sub(self.part.first_index(pace));
                due.max(self.settled)
            }
            Schedule::Closed { .. } if is_warmup => u64::MAX,
            Schedule::Closed { requests, .. } => {
                let own = |requests| self.part.share(requests).saturating_sub(self.part.skip);
                requests.map_or(u64::MAX, own)
            }
        }
    }

    fn slots_before(&self, pace: &Pace, t_ns: u64) -> u64 {
        pace.slots_before_by(t_ns, &mut self.clock.borrow_mut())
    }

    /// A connection that should be open is not left closed.
    fn check_no_rest(&self, net: &Network, wake: Wake, now: u64) {
        if !self.part.plan.keep_alive {
            return;
        }
        for (conn, link) in net.links.iter().enumerate() {
            if link.state == State::Closed && link.since_ns >= self.begin_ns {
                let last_ns = link.since_ns + LONGEST_REST_NS + SLACK_NS;
                assert!(now <= last_ns, "connection {conn} stays closed");
                assert!(wake.at_ns <= last_ns, "no turn is wanted to open connection {conn}");
            }
        }
    }

    fn room(&self, link: &Link) -> u64 {
        let plan = &self.part.plan;
        if link.state != State::Open || link.is_writing {
            return 0;
        }
        let allowed = plan.requests_per_connection.map_or(u64::MAX, u64::from) - link.issued;
        (u64::from(plan.pipeline) - link.asked_ns.len() as u64).min(allowed)
    }

    fn check_open_loop(
        &self,
        sums: &Sums,
        is_warmup: bool,
        start_ns: u64,
        net: &Network,
        wake: Wake,
        now: u64,
    ) {
        let Schedule::Open { catchup, backlog, .. } = &self.part.plan.schedule else { return };
        if is_warmup {
            return;
        }
        let waiting = |before_ns| {
            self.due(is_warmup, start_ns, before_ns).saturating_sub(sums.sent + sums.not_sent)
        };
        let backlog = self.part.share(*backlog).max(1);
        assert!(waiting(now) <= backlog, "{} slots wait, the backlog is {backlog}", waiting(now));
        if sums.backlog > self.backlog_before {
            assert_eq!(waiting(now), backlog, "slots are given up, but there was room for them");
        }
        let has_room = !self.is_retargeted && net.links.iter().any(|link| self.room(link) > 0);
        if has_room && waiting(now + 1) > 0 {
            assert_eq!(*catchup, Catchup::Smooth, "a due slot waits beside a free connection");
            assert!(wake.at_ns > now, "a slot is held back without a time");
            if sums.backlog == 0 {
                let last_ns = now + self.half_gap_ns(sums.sent + sums.not_sent);
                assert!(wake.at_ns <= last_ns, "a slot is held back for longer than half a gap");
            }
        }
    }

    /// Half the time between the own slot `index` and the one before it.
    fn half_gap_ns(&self, index: u64) -> u64 {
        let Course::Open(pace) = &self.course else { return 0 };
        let index = index + self.part.first_index(pace);
        let cursor = &mut Cursor::default();
        let mut due_ns = |index| pace.due_ns_by(self.part.slot(index), cursor);
        (due_ns(index) - due_ns(index.saturating_sub(1))) / 2
    }

    /// In a closed loop a connection always has all the requests that it may have.
    fn check_closed_loop(
        &self,
        net: &Network,
        sums: &Sums,
        is_warmup: bool,
        start_ns: u64,
        now: u64,
    ) {
        let is_idle = match (&self.course, is_warmup) {
            (_, true) => self.part.from_ns > 0,
            (Course::Closed(pauses), false) => {
                let at_ns = now.saturating_sub(start_ns);
                pauses.from(at_ns).0 <= at_ns
            }
            (Course::Open(_), false) => false,
        };
        if is_idle
            || self.is_retargeted
            || !self.is_fed_well
            || sums.sent >= self.due(is_warmup, 0, now)
        {
            return;
        }
        for (conn, link) in net.links.iter().enumerate() {
            assert_eq!(self.room(link), 0, "connection {conn} has nothing to do");
        }
    }
}
