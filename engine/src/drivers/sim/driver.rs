//! The driver of one simulated shard: the loop of a real one, with a clock that it moves itself.

use super::checks::Checks;
use super::feed::SimFeed;
use super::network::{Event, Network, Token};
use super::random::Random;
use super::scenario::Scenario;
use super::secure::Agreement;
use super::slowest::{RTT_US, check_slowest};
use crate::plan::{Course, ShardPlan};
use crate::record::Record;
use crate::shard::{Feed, Shard, Wake};
use acp_wire::frame::TcpInfo;
use std::net::SocketAddr;
use std::sync::Arc;

/// Longest wait of drivers that have a heartbeat.
const HEARTBEAT_NS: u64 = 20_000_000;
/// A turn so near to an edge of the run may come late over it.
const NEAR_NS: u64 = 5_000_000;
/// From the moment that connections are open to the start, at the most.
const START_DELAY_NS: u64 = 5_000_000;

/// Empty records: most of the time of short runs would go into their memory.
#[derive(Default)]
#[expect(clippy::vec_box, reason = "the core takes and gives boxes")]
pub(super) struct Spares(Vec<Box<Record>>);

impl Spares {
    pub(super) fn take(&mut self) -> Box<Record> {
        self.0.pop().unwrap_or_default()
    }

    pub(super) fn give(&mut self, mut record: Box<Record>) {
        // Each shard brings one of its own.
        if self.0.len() < MAX_SPARES {
            record.reset();
            self.0.push(record);
        }
    }
}

const MAX_SPARES: usize = 8;

/// What became of one shard.
pub(super) struct Outcome {
    /// Sum of the frames of the measured part.
    pub(super) measured: Box<Record>,
    /// Sum of the frames of the warm-up, and of what came before it.
    pub(super) warmup: Box<Record>,
    pub(super) sends: u64,
    pub(super) sent_bytes: u64,
    pub(super) received: u64,
    pub(super) answered: u64,
    pub(super) received_bytes: u64,
    pub(super) lost_on_used: u64,
    pub(super) service_ns: u64,
    /// Requests under way, summed up over time: by Little's law the sum of their times.
    pub(super) under_way_ns: u64,
    /// Connections that were open, and requests on connections, at the end.
    pub(super) open: u64,
    pub(super) unanswered: u64,
    pub(super) is_stopped: bool,
    /// With the changes that were told, and whether one was told after its time.
    pub(super) course: Course,
    pub(super) is_told_late: bool,
    pub(super) is_stopped_in_warmup: bool,
    pub(super) start_ns: u64,
    pub(super) drain_ns: u64,
    pub(super) end_ns: u64,
}

pub(super) struct Driver<'a> {
    scenario: &'a Scenario,
    shard: Shard,
    net: Network,
    random: Random,
    now: u64,
    stop_ns: u64,
    is_stopped_in_warmup: bool,
    next_frame_ns: u64,
    /// Start of the measured part; not yet known: the greatest time.
    measured_ns: u64,
    /// Changes that were told.
    told: usize,
    checks: Checks,
    outcome: Outcome,
    spares: &'a mut Spares,
}

/// Runs one shard to its end.
pub(super) fn run(
    scenario: &Scenario,
    part: ShardPlan,
    mut random: Random,
    is_traced: bool,
    spares: &mut Spares,
) -> Outcome {
    let feed = scenario.feed.map(|empty| -> Box<dyn Feed> {
        let random = Random::new(random.next());
        Box::new(SimFeed::new(random, part.clone(), empty, scenario.feed_holds))
    });
    let mut shard = Shard::new(part.clone(), feed);
    let net_random = Random::new(random.next());
    let mut net =
        Network::new(scenario, part.connections, shard.wants_written(), net_random, is_traced);
    if scenario.is_secure {
        let Agreement { client, server } = Agreement::new(&mut random);
        shard = shard.encrypted(client);
        net.secure = Some(server);
    }
    let now = scenario.begun_ns + random.spread(1, 1_000_000_000);
    let outcome = Outcome {
        measured: spares.take(),
        warmup: spares.take(),
        sends: 0,
        sent_bytes: 0,
        received: 0,
        answered: 0,
        received_bytes: 0,
        lost_on_used: 0,
        service_ns: 0,
        under_way_ns: 0,
        open: 0,
        unanswered: 0,
        is_stopped: false,
        course: Course::planned(&scenario.plan),
        is_told_late: false,
        is_stopped_in_warmup: false,
        start_ns: 0,
        drain_ns: 0,
        end_ns: 0,
    };
    let driver = Driver {
        scenario,
        shard,
        net,
        random,
        now,
        stop_ns: u64::MAX,
        is_stopped_in_warmup: false,
        next_frame_ns: u64::MAX,
        measured_ns: u64::MAX,
        told: 0,
        checks: Checks::new(part, scenario.is_fed_well()),
        outcome,
        spares,
    };
    driver.drive()
}

impl Driver<'_> {
    fn drive(mut self) -> Outcome {
        self.prepare();
        loop {
            self.tick();
            if self.now >= self.stop_ns {
                self.stop();
            }
            self.tell();
            let calls = self.net.calls;
            self.checks.before_turn(&mut self.shard);
            let wake = self.shard.turn(&mut self.net, self.now);
            self.checks.after_turn(&mut self.shard, &self.net, wake, self.now);
            if self.shard.is_finished(self.now) {
                return self.finish();
            }
            let events = self.wait(wake);
            self.checks.count_turn(events > 0 || self.net.calls > calls, self.now);
        }
    }

    fn prepare(&mut self) {
        self.set_now(self.now);
        self.shard.prepare(&mut self.net, self.now);
        while !self.shard.is_prepared() {
            let wake = self.shard.turn(&mut self.net, self.now);
            self.wait(wake);
        }
        let begin_ns = self.now + self.random.between(0, START_DELAY_NS);
        let start_ns = begin_ns - self.scenario.begun_ns;
        let late_ns = self.late_ns();
        self.set_now(begin_ns + late_ns);
        self.net.trace(|| format!("begin at {start_ns}"));
        self.measured_ns = start_ns + self.scenario.plan.warmup_ns;
        self.tell();
        self.shard.begin(&mut self.net, start_ns, self.now);
        self.checks.begin(start_ns);
        self.stop_ns = self.scenario.stop_ns.map_or(u64::MAX, |after_ns| start_ns + after_ns);
        self.next_frame_ns = start_ns + self.scenario.frame_ns;
    }

    /// When the next change is told.
    fn told_ns(&self) -> u64 {
        let told = self.scenario.changes.get(self.told);
        told.map_or(u64::MAX, |told| self.measured_ns.saturating_add(told.told_ns))
    }

    /// When the target has another address.
    fn retarget_ns(&self) -> u64 {
        let after_ns = self.scenario.retarget_ns.filter(|_| !self.checks.is_retargeted);
        after_ns.map_or(u64::MAX, |after_ns| self.measured_ns.saturating_add(after_ns))
    }

    fn retarget(&mut self) {
        self.checks.is_retargeted = true;
        let old = Arc::clone(&self.shard.plan().addresses);
        let new: Vec<_> =
            old.iter().copied().chain([SocketAddr::from(([127, 0, 0, 9], 9))]).collect();
        self.shard.retarget(&mut self.net, &new.into(), self.now);
    }

    fn tell(&mut self) {
        if self.now >= self.retarget_ns() {
            self.retarget();
        }
        while self.now >= self.told_ns() {
            let told = self.scenario.changes[self.told];
            self.told += 1;
            if self.shard.drain_ns() != u64::MAX {
                continue;
            }
            self.net.trace(|| format!("{told:?}"));
            let outcome = &mut self.outcome;
            outcome.course = outcome.course.with_change(told.at_ns, told.change).expect("change");
            outcome.is_told_late |= self.now > self.measured_ns + told.at_ns;
            self.shard.change(&outcome.course, self.now);
            self.checks.change(&mut self.shard, &outcome.course, self.now);
        }
    }

    fn stop(&mut self) {
        if !self.net.is_stopped {
            self.net.trace(|| "stop".into());
            self.is_stopped_in_warmup = self.shard.is_warming_up();
        }
        self.shard.stop(self.now);
        self.net.is_stopped = true;
        self.checks.after_stop(&mut self.shard);
    }

    /// Ends a frame now and then, and always with the warm-up.
    fn tick(&mut self) {
        let is_warmup = self.shard.is_warming_up();
        let ends_warmup = is_warmup && self.now >= self.shard.start_ns();
        if !ends_warmup && self.now < self.next_frame_ns {
            return;
        }
        let record = self.shard.swap_record(self.spares.take());
        self.keep(record, is_warmup);
        self.next_frame_ns = self.now + self.random.spread(1_000, self.scenario.frame_ns * 2);
    }

    fn keep(&mut self, record: Box<Record>, is_warmup: bool) {
        self.checks.keep(&record.counts, is_warmup);
        check_slowest(&record, self.scenario.is_secure);
        let sum = if is_warmup { &mut self.outcome.warmup } else { &mut self.outcome.measured };
        sum.add(&record);
        self.spares.give(record);
    }

    /// Waits for what is next, handles what has happened, and returns how much that was.
    fn wait(&mut self, wake: Wake) -> usize {
        let heartbeat_ns = match self.scenario.faults.has_heartbeat {
            true => self.now + HEARTBEAT_NS,
            false => u64::MAX,
        };
        let stop_ns = if self.net.is_stopped { u64::MAX } else { self.stop_ns };
        let next_ns = self.net.next_ns().unwrap_or(u64::MAX);
        let until_ns = wake.at_ns.min(next_ns).min(heartbeat_ns).min(stop_ns);
        let until_ns = until_ns.min(self.told_ns()).min(self.retarget_ns());
        assert!(until_ns < u64::MAX, "the core waits for ever");
        let late_ns = self.late_at_edge_ns(until_ns).unwrap_or_else(|| self.late_ns());
        // Time passes in every turn.
        self.set_now(until_ns.max(self.now + 1) + late_ns);
        let due = self.net.take_due();
        let count = due.len();
        due.into_iter().for_each(|token| self.complete(token));
        self.answer();
        let pause_ns = self.random.between(0, 200);
        self.set_now(self.now + pause_ns);
        count
    }

    /// Some questions about connections are answered, some later, some never.
    fn answer(&mut self) {
        while let Some(conn) = self.net.asked.pop() {
            match self.random.index(4) {
                0 => {}
                1 => return self.net.asked.push(conn),
                _ => {
                    let info = TcpInfo { rtt_us: RTT_US, retransmits: 0 };
                    self.shard.inspected(conn, info);
                }
            }
        }
    }

    fn late_ns(&mut self) -> u64 {
        let faults = &self.scenario.faults;
        match self.random.chance(faults.late) {
            true => self.random.spread(10_000, faults.late_max_ns),
            false => self.random.between(0, 500),
        }
    }

    /// Late over the end of the warm-up or the stop, where most is going on in one turn.
    fn late_at_edge_ns(&mut self, until_ns: u64) -> Option<u64> {
        let edges = [self.stop_ns, self.shard.start_ns()];
        let is_near = |edge_ns: &u64| (until_ns..until_ns + NEAR_NS).contains(edge_ns);
        let edge_ns = edges.into_iter().find(is_near)?;
        let is_late = !self.scenario.faults.is_calm && self.random.chance(300);
        is_late.then(|| edge_ns - until_ns + self.random.spread(1_000, NEAR_NS))
    }

    fn complete(&mut self, token: Token) {
        let Some(event) = self.net.arrive(token) else { return };
        let (conn, now) = (token.conn, self.now);
        self.net.trace(|| format!("{conn:>3} {}", describe(&event)));
        match event {
            Event::Opened => self.shard.opened(&mut self.net, conn, now),
            Event::OpenFailed(class) => self.shard.open_failed(&mut self.net, conn, class, now),
            Event::Received { bytes, .. } => {
                self.checks.received(bytes.len());
                self.shard.received(&mut self.net, conn, &bytes, now);
            }
            Event::Written => self.shard.written(&mut self.net, conn, now),
            Event::Closed(how) => self.shard.closed(&mut self.net, conn, how, now),
        }
        if self.scenario.is_secure && self.shard.is_open(conn) {
            self.net.note_handshake(conn);
        }
        let pause_ns = self.random.between(0, 300);
        self.set_now(now + pause_ns);
    }

    fn set_now(&mut self, now: u64) {
        if !self.shard.is_warming_up() {
            self.outcome.under_way_ns += self.shard.in_flight() * (now - self.now);
        }
        self.now = now;
        self.net.now = now;
    }

    fn finish(mut self) -> Outcome {
        self.net.trace(|| "finish".into());
        let outcome = &mut self.outcome;
        outcome.start_ns = self.shard.start_ns();
        outcome.drain_ns = self.shard.drain_ns();
        outcome.end_ns = self.now;
        outcome.open = self.net.open_links();
        outcome.unanswered = self.net.links.iter().map(|link| link.asked_ns.len() as u64).sum();
        outcome.is_stopped = self.net.is_stopped;
        outcome.is_stopped_in_warmup = self.is_stopped_in_warmup;
        let record = self.shard.finish(&mut self.net);
        check_slowest(&record, self.scenario.is_secure);
        let asked_most = 7 + self.now.saturating_sub(outcome.start_ns) / 50_000_000;
        assert!(self.net.inspections <= asked_most, "connections are asked about too often");
        assert_eq!(self.net.open_links(), 0, "connections are open at the end");
        outcome.measured.add(&record);
        outcome.sends = self.net.sends;
        outcome.sent_bytes = self.net.sent_bytes;
        outcome.received = self.net.received;
        outcome.answered = self.net.answered;
        outcome.lost_on_used = self.net.lost_on_used;
        outcome.service_ns = self.net.service_ns;
        outcome.received_bytes = self.checks.received_bytes;
        self.spares.give(record);
        self.outcome
    }
}

fn describe(event: &Event) -> String {
    match event {
        Event::Received { bytes, ends, .. } => {
            let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(60)]).into_owned();
            format!("received {} bytes, {ends} responses end: {shown:?}", bytes.len())
        }
        other => format!("{other:?}"),
    }
}
