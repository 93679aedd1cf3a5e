//! Whether the ports and sockets of agents are enough, as far as control can know: the limits of a
//! host are its own, so what is said here is about the usual ones.

use super::checks::{Check, CheckState};
use super::preview::{count, counted, rate};
use crate::auth::peak_rate_per_s;
use crate::schedule::Placement;
use acp_plan::Plan;
use std::collections::BTreeMap;

/// Local ports of an address: 32768 to 60999, the default of `net.ipv4.ip_local_port_range`
/// (Documentation/networking/ip-sysctl.rst of Linux).
const PORTS: f64 = 28_232.0;
/// How long the side that closes a connection first keeps its port: `TCP_TIMEWAIT_LEN`
/// (include/net/tcp.h of Linux).
const TIME_WAIT_S: f64 = 60.0;
/// Open files that a service may raise its limit to: the default of `DefaultLimitNOFILE`
/// (systemd-system.conf(5)). Engines raise theirs as far as they may.
const OPEN_FILES: u32 = 524_288;

/// What the agent with the most of a run has of it.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Most {
    connections: u32,
    /// Of the slots, 0 to 1.
    slots: f64,
}

impl Most {
    fn of(placements: &[Placement]) -> Self {
        let mut agents: BTreeMap<&str, Self> = BTreeMap::new();
        for Placement { agent, share, .. } in placements {
            let most = agents.entry(agent).or_insert(Self { connections: 0, slots: 0.0 });
            most.connections += share.connections;
            most.slots += 1.0 / share.stride.max(1) as f64;
        }
        agents.values().fold(Self { connections: 0, slots: 0.0 }, |most, agent| Self {
            connections: most.connections.max(agent.connections),
            slots: most.slots.max(agent.slots),
        })
    }

    /// One agent has all of it: nobody can have more.
    fn whole(plan: &Plan) -> Self {
        Self { connections: plan.connections, slots: 1.0 }
    }
}

/// Whether local ports are enough for a run on so many addresses.
pub(super) fn ports(plan: &Plan, addresses: usize, placements: Option<&[Placement]>) -> Check {
    let check = |state, text: String| Check::new("ports", state, text);
    let most = placements.map_or_else(|| Most::whole(plan), Most::of);
    let addresses = addresses.max(1) as f64;
    let open = f64::from(most.connections) / addresses;
    let per_connection = match plan.keep_alive {
        true => plan.requests_per_connection.map(f64::from),
        false => Some(1.0),
    };
    let opened_per_s = match (per_connection, peak_rate_per_s(plan)) {
        (None, _) => 0.0,
        (Some(requests), Some(peak)) => peak * most.slots / requests / addresses,
        (Some(_), None) => {
            let text = "a closed loop opens new connections as fast as responses come: how many wait \
                to be used again is not known before";
            return check(CheckState::Unknown, text.into());
        }
    };
    let needed = open + opened_per_s * TIME_WAIT_S;
    let of = "of an agent for each address of the target";
    let what = match opened_per_s > 0.0 {
        true => format!(
            "{} ports {of}, where its side closes first: {} new connections, each port kept for 60 s",
            whole(needed),
            rate(opened_per_s)
        ),
        false => format!("{} {of}", counted(ceil(open), "port")),
    };
    if needed <= PORTS {
        return check(CheckState::Good, what);
    }
    if placements.is_none() {
        let text = format!("depends on how many agents share the run; on one it would be {what}");
        return check(CheckState::Unknown, text);
    }
    let hint = match opened_per_s > 0.0 {
        true => {
            "set connection.keep_alive, or use more agents or more addresses in target.connect_to"
        }
        false => {
            "use more agents, more addresses in target.connect_to, or sysctl -w \
            net.ipv4.ip_local_port_range=\"1024 65535\" on agents"
        }
    };
    let usual = whole(PORTS);
    check(CheckState::Warning, format!("{what}; {usual} are usual\nhint: {hint}"))
}

/// Whether there are connections for every core, and open files for every connection.
pub(super) fn sockets(plan: &Plan, placements: Option<&[Placement]>) -> Check {
    let check = |state, text: String| Check::new("sockets", state, text);
    let connections = plan.connections;
    let cores = plan.document.agents.as_ref().map_or(0, |agents| agents.cores);
    if cores > connections {
        let text = format!(
            "{} keep only as many of the {cores} cores busy that the plan asks for\n\
             hint: set load.connections to {cores} or more",
            counted(connections, "connection")
        );
        return check(CheckState::Warning, text);
    }
    let most = placements.map_or_else(|| Most::whole(plan), Most::of);
    let what = format!("{} on an agent", counted(most.connections, "connection"));
    if most.connections < OPEN_FILES {
        let text = format!("{what}, each an open file: {} are usual", count(OPEN_FILES.into()));
        return check(CheckState::Good, text);
    }
    if placements.is_none() {
        let text = "depends on how many agents share the connections".to_owned();
        return check(CheckState::Unknown, text);
    }
    let text = format!(
        "{what}, each an open file: more than the usual {}\n\
         hint: use more agents, or raise their limit (LimitNOFILE, ulimit -n)",
        count(OPEN_FILES.into())
    );
    check(CheckState::Warning, text)
}

fn whole(number: f64) -> String {
    count(ceil(number).into())
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped just before")]
fn ceil(number: f64) -> u32 {
    number.ceil().clamp(0.0, f64::from(u32::MAX)) as u32
}

#[cfg(test)]
mod tests {
    use super::CheckState::{Good, Unknown, Warning};
    use super::*;
    use acp_wire::agent::Share;
    use acp_wire::plan::{Agents, Model};

    fn plan(edit: impl Fn(&mut acp_wire::Plan)) -> Plan {
        let schema = acp_wire::PLAN_SCHEMA.into();
        let mut plan = acp_wire::Plan { schema, ..acp_wire::Plan::default() };
        plan.target.url = "http://a/".into();
        edit(&mut plan);
        acp_plan::compile(&plan).unwrap()
    }

    /// An open loop at a rate; a connection for so many requests, 0: for all.
    fn open(rate: &str, requests_per_connection: u32) -> Plan {
        plan(|plan| {
            plan.load.model = Model::Open;
            plan.load.rate = Some(rate.into());
            plan.connection.keep_alive = requests_per_connection != 1;
            plan.connection.requests_per_connection = requests_per_connection;
        })
    }

    fn with_connections(connections: u32) -> Plan {
        plan(|plan| plan.load.connections = connections)
    }

    /// A part for each number of connections, on agents `a`, `b`, `a`, `b`, …
    fn parts(connections: &[u32]) -> Vec<Placement> {
        let stride = connections.len() as u64;
        let part = |(number, connections): (usize, &u32)| Placement {
            agent: if number % 2 == 0 { "a".into() } else { "b".into() },
            share: Share { stride, ..Share::whole(*connections) },
            cores: 1,
        };
        connections.iter().enumerate().map(part).collect()
    }

    #[test]
    fn ports_are_enough_where_the_table_says() {
        let check = |what: &str, plan: &Plan, addresses, on: Option<&[u32]>, state, part: &str| {
            let placements = on.map(parts);
            let found = ports(plan, addresses, placements.as_deref());
            assert_eq!(found.state, state, "{what}: {found:?}");
            assert!(found.text.contains(part), "{what}: {found:?}");
            assert_eq!(found.hint.is_empty(), state != Warning, "{what}: {found:?}");
        };
        let one: Option<&[u32]> = Some(&[64]);
        check("kept", &with_connections(64), 1, one, Good, "64 ports of an agent");
        check("just enough", &with_connections(28_232), 1, Some(&[28_232]), Good, "28,232 ports");
        check("one more", &with_connections(28_233), 1, Some(&[28_233]), Warning, "28,233 ports");
        check("two agents", &with_connections(40_000), 1, Some(&[20_000; 2]), Good, "20,000");
        check("two parts of one", &with_connections(40_000), 1, Some(&[15_000; 4]), Warning, "");
        check("two addresses", &with_connections(40_000), 2, Some(&[40_000]), Good, "20,000");
        check("nobody yet, few", &with_connections(64), 1, None, Good, "64 ports");
        check("nobody yet, many", &with_connections(40_000), 1, None, Unknown, "how many agents");
        check("opened slowly", &open("400", 1), 1, one, Good, "24,064 ports");
        check("opened fast", &open("500", 1), 1, one, Warning, "500/s new connections");
        check("by two agents", &open("500", 1), 1, Some(&[32, 32]), Good, "15,032 ports");
        check("to two addresses", &open("500", 1), 2, one, Good, "15,032 ports");
        check("each for ten", &open("4k", 10), 1, one, Good, "24,064 ports");
        check("each for nine", &open("5k", 9), 1, one, Warning, "555.56/s new connections");
        check("fast, nobody yet", &open("500", 1), 1, None, Unknown, "how many agents");
        let closed = plan(|plan| plan.connection.keep_alive = false);
        check("as responses come", &closed, 1, one, Unknown, "closed loop");
    }

    #[test]
    fn sockets_are_enough_where_the_table_says() {
        let check = |what: &str, plan: &Plan, on: Option<&[u32]>, state, part: &str| {
            let placements = on.map(parts);
            let found = sockets(plan, placements.as_deref());
            assert_eq!(found.state, state, "{what}: {found:?}");
            assert!(found.text.contains(part), "{what}: {found:?}");
            assert_eq!(found.hint.is_empty(), state != Warning, "{what}: {found:?}");
        };
        check("few", &with_connections(64), Some(&[64]), Good, "64 connections on an agent");
        check("too many", &with_connections(600_000), Some(&[600_000]), Warning, "524,288");
        check("shared", &with_connections(600_000), Some(&[300_000; 2]), Good, "300,000");
        check("nobody yet, few", &with_connections(64), None, Good, "");
        check("nobody yet, many", &with_connections(600_000), None, Unknown, "how many agents");
        let cores = |cores| {
            plan(|plan| {
                plan.load.connections = 2;
                plan.agents = Some(Agents { cores, ..Agents::default() });
            })
        };
        check("a core each", &cores(2), Some(&[1, 1]), Good, "1 connection on an agent");
        check("cores without", &cores(3), Some(&[1, 1]), Warning, "2 connections keep only");
    }
}
