//! Who sends what: a plan and what agents offer in, placements out.
//!
//! Cores are taken breadth first, one of each agent in turn, most free cores first. The slots of a
//! run are cut into classes of equal size, one for each part, so every part must have the same
//! number of cores: where agents give different numbers, each runs one part for every group of as
//! many cores as divides them all. Where the plan leaves the number of cores open, it is rounded up
//! so that one part an agent is enough.

use super::Refusal;
use acp_plan::{Plan, Schedule};
use acp_wire::agent::{AgentInfo, Share};
use acp_wire::plan::Agents;
use std::cmp::Reverse;

/// Connections of a closed loop that make another core useful, where the plan leaves the number of
/// cores open: a shard that has fewer waits for responses most of the time.
const CONNECTIONS_PER_CORE: u32 = 16;

/// What an agent offers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Offer {
    /// Who.
    pub info: AgentInfo,
    /// Cores that no part has.
    pub cores_free: u32,
    /// It gets new parts: it is in service and not leaving.
    pub is_open: bool,
    /// Requests per second that one of its cores is trusted with.
    pub rate_per_core: f64,
}

/// A share of a run and who sends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// The agent.
    pub agent: String,
    /// Slots and connections.
    pub share: Share,
    /// Cores; 0: those of another part of the same run.
    pub cores: u32,
}

/// Places a run.
///
/// Every slot belongs to one placement, connections add up to the plan's, and no agent gives more
/// than it has free. Cores are never more than connections: a core without one has nothing to do.
///
/// # Errors
///
/// When the agents that match do not have what the plan needs.
pub fn assign(plan: &Plan, offers: &[Offer]) -> Result<Vec<Placement>, Refusal> {
    let wanted = plan.document.agents.clone().unwrap_or_default();
    let room = room(plan, &wanted, offers);
    let free = room.iter().map(|(_, cores)| cores).sum();
    if free == 0 {
        return Err(nobody(plan, &wanted, offers));
    }
    let cores = cores_needed(plan, &wanted, &room, free)?;
    let mut taken = spread(&room, cores);
    if wanted.cores == 0 {
        level(&room, &mut taken, plan.connections);
    }
    Ok(cut(plan.connections, &room, &taken))
}

/// Cores that the plan could have: free ones of agents that match and are open.
pub(super) fn cores_free(plan: &Plan, offers: &[Offer]) -> u32 {
    let wanted = plan.document.agents.clone().unwrap_or_default();
    room(plan, &wanted, offers).iter().map(|(_, cores)| cores).sum()
}

/// Whether an agent is one that the plan asks for.
pub(super) fn is_match(plan: &Plan, wanted: &Agents, info: &AgentInfo) -> bool {
    let has = |(name, value): (&String, &String)| info.labels.get(name) == Some(value);
    info.protocols.iter().any(|protocol| protocol == scheme(plan)) && wanted.labels.iter().all(has)
}

/// The scheme of the target.
pub(super) fn scheme(plan: &Plan) -> &str {
    plan.document.target.url.split_once("://").map_or("http", |(scheme, _)| scheme)
}

/// Agents that can take a part, and how many cores: most first.
fn room<'a>(plan: &Plan, wanted: &Agents, offers: &'a [Offer]) -> Vec<(&'a Offer, u32)> {
    let most = if wanted.per_agent_max == 0 { u32::MAX } else { wanted.per_agent_max };
    let open = offers.iter().filter(|offer| offer.is_open && is_match(plan, wanted, &offer.info));
    let mut room: Vec<_> = open.map(|offer| (offer, offer.cores_free.min(most))).collect();
    room.retain(|(_, cores)| *cores > 0);
    room.sort_by_key(|(offer, cores)| (Reverse(*cores), &offer.info.agent));
    room
}

fn cores_needed(
    plan: &Plan,
    wanted: &Agents,
    room: &[(&Offer, u32)],
    free: u32,
) -> Result<u32, Refusal> {
    let Schedule::Open { pace, .. } = &plan.schedule else {
        let useful = plan.connections.div_ceil(CONNECTIONS_PER_CORE).min(free);
        let cores = if wanted.cores == 0 { useful } else { wanted.cores.min(plan.connections) };
        return enough(plan, wanted, room, cores, free, "");
    };
    if wanted.cores > 0 {
        return enough(plan, wanted, room, wanted.cores.min(plan.connections), free, "");
    }
    // Classes are of equal size, so the slowest core that is used sets the number; with more cores
    // a slower one may come in, and none goes out: this ends.
    let peak = pace.peak_rate_per_s();
    let mut cores = 1;
    loop {
        let used = spread(room, cores);
        let used = room.iter().zip(&used).filter(|(_, cores)| **cores > 0);
        let rate = used.map(|((offer, _), _)| offer.rate_per_core).fold(f64::INFINITY, f64::min);
        let needed = whole(peak / rate.max(1.0)).clamp(1, plan.connections);
        if needed <= cores {
            let why = format!(" for {peak:.0}/s at {rate:.0}/s and core");
            return enough(plan, wanted, room, cores, free, &why);
        }
        if needed > free {
            let why = format!(" for {peak:.0}/s at {rate:.0}/s and core");
            return enough(plan, wanted, room, needed, free, &why);
        }
        cores = needed;
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped just before")]
fn whole(number: f64) -> u32 {
    number.ceil().clamp(0.0, f64::from(u32::MAX)) as u32
}

fn enough(
    plan: &Plan,
    wanted: &Agents,
    room: &[(&Offer, u32)],
    cores: u32,
    free: u32,
    why: &str,
) -> Result<u32, Refusal> {
    if cores <= free {
        return Ok(cores);
    }
    let agents = room.len();
    Err(Refusal::new(
        format!(
            "the run needs {cores} cores{why}, {free} free on {agents} agents that {}",
            asked(plan, wanted)
        ),
        "wait for other runs to end, add agents, or set agents.cores",
    ))
}

fn nobody(plan: &Plan, wanted: &Agents, offers: &[Offer]) -> Refusal {
    let known = offers.len();
    let matching = offers.iter().filter(|offer| is_match(plan, wanted, &offer.info)).count();
    let closed = offers.iter().filter(|offer| !offer.is_open).count();
    let asked = asked(plan, wanted);
    match (known, matching) {
        (0, _) => Refusal::new("no agent is there", "start one with `acp agent`"),
        (_, 0) => Refusal::new(
            format!("none of {known} agents can {asked}"),
            "check agents.labels of the plan and the labels of the agents",
        ),
        _ => Refusal::new(
            format!(
                "no core is free on {matching} agents that {asked}; {closed} of {known} agents take no new part"
            ),
            "wait for other runs to end, or enable drained agents",
        ),
    }
}

/// What a plan asks of agents, in words.
fn asked(plan: &Plan, wanted: &Agents) -> String {
    let labels: Vec<_> =
        wanted.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let speak = format!("speak {}", scheme(plan));
    if labels.is_empty() { speak } else { format!("{speak} and match {}", labels.join(" ")) }
}

/// `cores` breadth first: one of each in turn, the first ones more where they do not divide.
fn spread(room: &[(&Offer, u32)], cores: u32) -> Vec<u32> {
    let mut taken = vec![0; room.len()];
    let mut left = cores;
    let mut is_room = true;
    while left > 0 && is_room {
        is_room = false;
        for ((_, most), taken) in room.iter().zip(&mut taken) {
            if left > 0 && *taken < *most {
                *taken += 1;
                left -= 1;
                is_room = true;
            }
        }
    }
    taken
}

/// Rounds up to the same number of cores for every agent that is used, where there are as many.
fn level(room: &[(&Offer, u32)], taken: &mut [u32], connections: u32) {
    let most = taken.iter().copied().max().unwrap_or(0);
    let used = taken.iter().filter(|cores| **cores > 0).count() as u64;
    let fits = room.iter().zip(&*taken).all(|((_, free), taken)| *taken == 0 || *free >= most);
    if fits && used * u64::from(most) <= u64::from(connections) {
        taken.iter_mut().filter(|cores| **cores > 0).for_each(|cores| *cores = most);
    }
}

/// Parts of equal size from the cores of each agent.
fn cut(connections: u32, room: &[(&Offer, u32)], taken: &[u32]) -> Vec<Placement> {
    let group = taken.iter().copied().fold(0, greatest_common_divisor).max(1);
    let parts: u32 = taken.iter().map(|cores| cores / group).sum();
    let mut connections = Split::new(connections, parts);
    let mut placements = Vec::with_capacity(parts as usize);
    for ((offer, _), cores) in room.iter().zip(taken) {
        for _ in 0..cores / group {
            let (first_connection, connections) = connections.next();
            let share = Share {
                offset: placements.len() as u64,
                stride: u64::from(parts),
                first_connection,
                ..Share::whole(connections)
            };
            let agent = offer.info.agent.clone();
            placements.push(Placement { agent, share, cores: group });
        }
    }
    placements
}

fn greatest_common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

/// Connections spread evenly, the first parts take the rest.
pub(super) struct Split {
    each: u32,
    rest: u32,
    first: u32,
}

impl Split {
    pub(super) fn new(connections: u32, parts: u32) -> Self {
        let parts = parts.max(1);
        Self { each: connections / parts, rest: connections % parts, first: 0 }
    }

    /// First connection and number of connections of the next part.
    pub(super) fn next(&mut self) -> (u32, u32) {
        let more = u32::from(self.rest > 0);
        self.rest -= more;
        let found = (self.first, self.each + more);
        self.first += found.1;
        found
    }
}
