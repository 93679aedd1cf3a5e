//! What one seed stands for: a plan, and what the network and the servers do to it.

use super::random::Random;
use crate::pace::Change;
use crate::plan::{Plan, Schedule, compile};
use acp_wire::agent::Share;
use acp_wire::plan::{Arrival, Catchup, Load, Model};
use acp_wire::units::Rate;
use std::sync::Arc;

const MS: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MS;

/// A run that is yet to be simulated.
pub(super) struct Scenario {
    pub(super) plan: Arc<Plan>,
    pub(super) shards: u32,
    pub(super) faults: Faults,
    /// After the start of the schedule.
    pub(super) stop_ns: Option<u64>,
    /// The part of the plan that is run.
    pub(super) share: Share,
    /// The schedule began so long before the shards.
    pub(super) begun_ns: u64,
    /// In the order in which they are told.
    pub(super) changes: Vec<Told>,
    /// Frames are about so long.
    pub(super) frame_ns: u64,
    /// When the target has another address beside its old one; after the start of the measured part.
    pub(super) retarget_ns: Option<u64>,
    /// Requests come from a feed, which has none so often, per mille.
    pub(super) feed: Option<u64>,
    /// That feed has so many requests for each shard, of each part of the run.
    pub(super) feed_holds: Option<u64>,
    /// Connections are encrypted.
    pub(super) is_secure: bool,
}

/// Every so many seeds have encrypted connections: handshakes cost more than all else of a run.
const SECURE_EVERY: u64 = 50;

/// A change of the course. Times are from the start of the measured part.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told {
    /// When the shards hear of it: before its time, or after it.
    pub(super) told_ns: u64,
    pub(super) at_ns: u64,
    pub(super) change: Change,
}

/// What goes wrong. Chances are per mille: of a connection, a request or a turn.
#[derive(Clone, Debug, Default)]
pub(super) struct Faults {
    /// Nothing goes wrong and servers are fast.
    pub(super) is_calm: bool,
    // Of a connection.
    pub(super) refused: u64,
    pub(super) unanswered: u64,
    pub(super) exhausted: u64,
    /// Closed by the server at any time.
    pub(super) doomed: u64,
    pub(super) unsolicited: u64,
    pub(super) connect_max_ns: u64,
    pub(super) life_max_ns: u64,
    // Of a request.
    /// The server never answers, and reads no more.
    pub(super) stuck: u64,
    pub(super) stalled: u64,
    pub(super) stall_max_ns: u64,
    pub(super) cut: u64,
    pub(super) garbage: u64,
    /// Closed after the response, which says so.
    pub(super) close_said: u64,
    /// Closed after the response, which does not say so.
    pub(super) close_unsaid: u64,
    pub(super) interim: u64,
    pub(super) early: u64,
    pub(super) odd_status: u64,
    pub(super) odd_framing: u64,
    pub(super) blank_line: u64,
    pub(super) think_max_ns: u64,
    pub(super) is_read_slowly: bool,
    pub(super) split: Split,
    /// Pieces that wait for the driver come as one.
    pub(super) merged: u64,
    // Of a turn.
    pub(super) late: u64,
    pub(super) late_max_ns: u64,
    pub(super) has_heartbeat: bool,
}

/// How responses are cut into pieces.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Split {
    #[default]
    Whole,
    Pieces,
    Bytes,
}

impl Scenario {
    pub(super) fn new(seed: u64, random: &mut Random) -> Self {
        let is_calm = random.chance(250);
        let document = document(random, is_calm);
        let plan = Arc::new(compile(&document).unwrap_or_else(|error| {
            panic!("the simulated plan is bad: {error}\n{document:#?}");
        }));
        let faults = if is_calm { Faults::calm() } else { Faults::some(random) };
        let shards = u32::try_from(random.between(1, 4)).unwrap().min(plan.connections);
        let length_ns = plan.warmup_ns + plan.duration_ns().unwrap_or(SECOND).min(5 * SECOND);
        let stop_ns = (!is_calm && random.chance(250)).then(|| random.between(0, length_ns));
        let share = share(random, &plan, length_ns);
        let begun_ns =
            if random.chance(150) { random.between(0, length_ns.min(SECOND)) } else { 0 };
        let changes = changes(random, &plan, share.from_us * 1000, length_ns);
        let frame_ns = random.spread(5 * MS, 2 * SECOND);
        let empty = if is_calm { 0 } else { random.pick(&[0, 0, 10, 300]) };
        let feed = random.chance(300).then_some(empty);
        let retarget_ns = random.chance(150).then(|| random.between(0, length_ns));
        let feed_holds =
            (!is_calm && feed.is_some() && random.chance(200)).then(|| random.spread(1, 2000) - 1);
        let is_secure = seed.is_multiple_of(SECURE_EVERY);
        Self {
            plan,
            shards,
            faults,
            stop_ns,
            share,
            begun_ns,
            changes,
            frame_ns,
            retarget_ns,
            feed,
            feed_holds,
            is_secure,
        }
    }

    /// Whoever asks for a request gets one.
    pub(super) fn is_fed_well(&self) -> bool {
        self.feed.is_none_or(|empty| empty == 0) && self.feed_holds.is_none()
    }

    /// By so much a run may be longer than its plan says: nothing is sent in a pause.
    pub(super) fn extra_ns(&self) -> u64 {
        self.begun_ns + self.changes.iter().map(|told| told.at_ns + told.told_ns).sum::<u64>()
    }
}

impl Faults {
    fn calm() -> Self {
        Self {
            is_calm: true,
            connect_max_ns: 50_000,
            think_max_ns: 50_000,
            has_heartbeat: true,
            ..Self::default()
        }
    }

    /// Each fault is absent, rare or common.
    fn some(random: &mut Random) -> Self {
        let all = random.pick(&[300, 300, 1000]);
        let mut rate = |most| if random.chance(all) { random.spread(1, most) } else { 0 };
        let mut faults = Self {
            refused: rate(600),
            unanswered: rate(300),
            exhausted: rate(300),
            doomed: rate(1000),
            unsolicited: rate(500),
            stuck: rate(60),
            stalled: rate(100),
            cut: rate(300),
            garbage: rate(100),
            close_said: rate(500),
            close_unsaid: rate(500),
            interim: rate(500),
            early: rate(500),
            odd_status: rate(300),
            odd_framing: rate(500),
            blank_line: rate(300),
            merged: rate(1000),
            late: rate(500),
            ..Self::default()
        };
        faults.connect_max_ns = random.spread(20_000, 100 * MS);
        faults.life_max_ns = random.spread(MS, SECOND);
        faults.stall_max_ns = random.spread(10 * MS, 3 * SECOND);
        faults.think_max_ns = random.spread(1_000, 20 * MS);
        faults.late_max_ns = random.spread(10_000, 50 * MS);
        faults.is_read_slowly = random.chance(300);
        faults.has_heartbeat = random.chance(300);
        faults.split = random.pick(&[Split::Whole, Split::Whole, Split::Pieces, Split::Bytes]);
        faults
    }
}

/// Mostly everything, else a class of it, from some moment on.
fn share(random: &mut Random, plan: &Plan, length_ns: u64) -> Share {
    let mut share = Share::whole(plan.connections);
    if random.chance(300) {
        share.stride = random.between(1, 5);
        share.offset = random.between(0, share.stride - 1);
        share.skip = random.between(0, 50);
        if random.chance(300) {
            share.from_us = random.between(0, length_ns / 1000);
        }
    }
    share
}

/// Several changes; every pause has an end.
fn changes(random: &mut Random, plan: &Plan, from_ns: u64, length_ns: u64) -> Vec<Told> {
    let mut changes = Vec::new();
    if !random.chance(350) {
        return changes;
    }
    let (mut at_ns, mut told_ns) = (0, 0);
    let mut tell = |random: &mut Random, change| {
        at_ns += random.between(0, length_ns / 2);
        // A part that takes over is told all that was before it as soon as it begins.
        let heard_ns = match random.chance(700) || from_ns > 0 {
            true if at_ns < from_ns => 0,
            true => at_ns.saturating_sub(random.between(1, 100 * MS)),
            false => at_ns + random.between(0, 100 * MS),
        };
        told_ns = heard_ns.max(told_ns);
        changes.push(Told { told_ns, at_ns, change });
    };
    for _ in 0..random.between(1, 3) {
        match &plan.schedule {
            Schedule::Open { pace, .. } if random.chance(600) => {
                let per_ms =
                    pace.total().max(1) * 1_000_000_000 / (pace.duration_ns() / 1000).max(1);
                let numerator = per_ms * random.between(50, 200) / 100;
                tell(random, Change::Rate(Rate { numerator, denominator: 1000 }));
            }
            _ => {
                tell(random, Change::Pause);
                tell(random, Change::Resume);
            }
        }
    }
    changes
}

fn document(random: &mut Random, is_calm: bool) -> acp_wire::Plan {
    let mut document =
        acp_wire::Plan { schema: acp_wire::PLAN_SCHEMA.into(), ..Default::default() };
    document.target.url = "http://127.0.0.1/".into();
    document.load = load(random, is_calm);
    let connection = &mut document.connection;
    connection.keep_alive = !random.chance(200);
    connection.pipeline = if random.chance(400) { to_u32(random.spread(2, 16)) } else { 1 };
    if random.chance(300) {
        connection.requests_per_connection = to_u32(random.spread(1, 20));
    }
    if !is_calm {
        connection.timeout = nanos(random.spread(MS, 2 * SECOND));
        connection.connect_timeout = nanos(random.spread(MS, 2 * SECOND));
    }
    match random.between(0, 5) {
        0 => document.request.method = "HEAD".into(),
        1 => {
            let body_bytes = usize::try_from(random.spread(1, 40_000)).unwrap();
            document.request.body = Some("x".repeat(body_bytes));
        }
        _ => {}
    }
    if document.load.model == Model::Open && random.chance(400) {
        document.load.arrival = Arrival::Poisson;
        document.seed = random.next();
    }
    document
}

fn load(random: &mut Random, is_calm: bool) -> Load {
    let slots = random.spread(1, 1000);
    let length_ns = random.spread(5 * MS, 3 * SECOND);
    let mut load = Load {
        connections: to_u32(random.spread(1, 40)),
        catchup: random.pick(&[Catchup::Burst, Catchup::Smooth, Catchup::None]),
        ..Load::default()
    };
    if random.chance(300) {
        load.warmup = nanos(random.spread(MS, length_ns));
    }
    if !is_calm && random.chance(400) {
        load.backlog = random.spread(1, 100);
    }
    if random.chance(650) {
        load.model = Model::Open;
        schedule(random, &mut load, slots, length_ns);
        return load;
    }
    // Without a count the servers' pace decides, which may be a million a second.
    load.requests = (!random.chance(300)).then_some(slots);
    let most_ns = if is_calm { 5 * MS } else { 60 * MS };
    if load.requests.is_none() || random.chance(200) {
        load.duration = Some(nanos(length_ns.min(most_ns)));
    }
    load.warmup = nanos(if random.chance(300) { random.spread(MS, most_ns) } else { 0 });
    load
}

/// A schedule of about `slots` slots over `length_ns`.
fn schedule(random: &mut Random, load: &mut Load, slots: u64, length_ns: u64) {
    let per_s = slots as f64 * 1e9 / length_ns as f64;
    let rate = |factor: f64| format!("{:.3}", per_s * factor);
    let length = nanos(length_ns);
    let half = nanos(length_ns / 2 + 1);
    match random.between(0, 6) {
        0 => load.profile = Some(format!("line(0,{},{length})", rate(2.0))),
        1 => load.profile = Some(format!("line({},0,{length})", rate(2.0))),
        2 => load.profile = Some(format!("const({},{half}) const(0,{half})", rate(2.0))),
        3 => load.profile = Some(format!("const({0},{half}) line({0},0,{half})", rate(1.3))),
        4 => {
            load.rate = Some(rate(1.0));
            load.requests = Some(slots);
        }
        _ => {
            load.rate = Some(rate(1.0));
            load.duration = Some(length);
        }
    }
    if random.chance(200) && load.requests.is_none() {
        load.requests = Some(random.between(1, slots));
    }
}

fn nanos(nanos: u64) -> String {
    format!("{nanos}ns")
}

fn to_u32(value: u64) -> u32 {
    u32::try_from(value).unwrap()
}
