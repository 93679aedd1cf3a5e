//! Who gets what: tables, sums, and ten thousand agents.

use super::{document, open_plan};
use crate::schedule::{Offer, Placement, assign};
use acp_plan::Plan;
use acp_wire::agent::AgentInfo;
use acp_wire::plan::Agents;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::time::Instant;

const PER_CORE: f64 = 1000.0;

fn offer(number: usize, cores_free: u32) -> Offer {
    let info = AgentInfo {
        agent: format!("a{number:05}"),
        cores: 64,
        protocols: vec!["http".into()],
        ..AgentInfo::default()
    };
    Offer { info, cores_free, is_open: true, rate_per_core: PER_CORE }
}

fn offers(free: &[u32]) -> Vec<Offer> {
    free.iter().enumerate().map(|(number, cores)| offer(number, *cores)).collect()
}

fn with_agents(mut plan: Plan, agents: Agents) -> Plan {
    plan.document.agents = Some(agents);
    plan
}

fn cores(count: u32) -> Agents {
    Agents { cores: count, ..Agents::default() }
}

/// Agent number and cores of each part.
fn shape(placements: &[Placement]) -> Vec<(u32, u32)> {
    placements.iter().map(|part| (part.agent[1..].parse().unwrap(), part.cores)).collect()
}

#[test]
fn cores_are_taken_breadth_first() {
    let check = |what: &str, plan: &Plan, free: &[u32], expect: &[(u32, u32)]| {
        let found = assign(plan, &offers(free)).unwrap();
        assert_eq!(shape(&found), expect, "{what}");
    };
    let rate = |rate: &str| open_plan(rate, "10s", 64);
    check("one is enough", &rate("900"), &[4, 4], &[(0, 1)]);
    check("exactly one", &rate("1000"), &[4, 4], &[(0, 1)]);
    check("a little more than one", &rate("1001"), &[4, 4], &[(0, 1), (1, 1)]);
    check("most free first", &rate("2k"), &[1, 4, 2], &[(1, 1), (2, 1)]);
    check("rounded up to be even", &rate("3k"), &[4, 4], &[(0, 2), (1, 2)]);
    check("cannot be even: cores apart", &rate("3k"), &[2, 1], &[(0, 1), (0, 1), (1, 1)]);
    check("rate below one a second", &rate("1/h"), &[4, 4], &[(0, 1)]);
    let three = with_agents(rate("1"), cores(3));
    check("as many as asked", &three, &[4, 4], &[(0, 1), (0, 1), (1, 1)]);
    let six = with_agents(rate("1"), cores(6));
    check("even groups", &six, &[4, 2], &[(0, 2), (0, 2), (1, 2)]);
    let few = open_plan("9k", "10s", 2);
    check("no more cores than connections", &few, &[4, 4, 4], &[(0, 1), (1, 1)]);
    let at_most = with_agents(rate("4k"), Agents { per_agent_max: 1, ..Agents::default() });
    check("limit of an agent", &at_most, &[8, 8, 8, 8], &[(0, 1), (1, 1), (2, 1), (3, 1)]);
    let closed = |connections| acp_plan::compile(&document(connections)).unwrap();
    check("closed, one connection", &closed(1), &[4, 4], &[(0, 1)]);
    check("closed, as many as useful", &closed(64), &[4, 4], &[(0, 2), (1, 2)]);
    check("closed, all there are", &closed(1000), &[4, 4], &[(0, 4), (1, 4)]);
    let asked = with_agents(closed(64), cores(2));
    check("closed, as many as asked", &asked, &[4, 4], &[(0, 1), (1, 1)]);
}

#[test]
fn the_slowest_core_that_is_used_sets_the_number() {
    let plan = open_plan("2k", "10s", 64);
    let mut offers = offers(&[4, 4, 4]);
    offers[0].rate_per_core = 4000.0;
    assert_eq!(shape(&assign(&plan, &offers).unwrap()), [(0, 1)], "the fast one is enough");
    offers[1].rate_per_core = 100.0;
    let plan = open_plan("5k", "10s", 64);
    let text = assign(&plan, &offers).unwrap_err().to_string();
    assert!(text.contains("50 cores for 5000/s at 100/s and core, 12 free on 3 agents"), "{text}");
}

#[test]
fn what_cannot_be_is_refused_with_numbers() {
    let check = |what: &str, plan: &Plan, offers: &[Offer], expect: &str| {
        let text = assign(plan, offers).expect_err(what).to_string();
        assert!(text.contains(expect) && text.contains("hint: "), "{what}: {text}");
    };
    let plan = open_plan("9k", "10s", 64);
    check("nobody", &plan, &[], "no agent is there");
    check(
        "too few",
        &plan,
        &offers(&[4, 3]),
        "needs 9 cores for 9000/s at 1000/s and core, 7 free",
    );
    let asked = with_agents(plan.clone(), cores(12));
    check("fewer than asked", &asked, &offers(&[4, 3]), "needs 12 cores, 7 free on 2 agents");
    check("nothing free", &plan, &offers(&[0, 0]), "no core is free on 2 agents");
    let labels = BTreeMap::from([("zone".into(), "a".into())]);
    let labelled = with_agents(plan.clone(), Agents { labels, ..Agents::default() });
    check("no label", &labelled, &offers(&[9]), "none of 1 agents can speak http and match zone=a");
    let mut other = offers(&[9]);
    other[0].info.protocols = vec!["https".into()];
    check("no protocol", &plan, &other, "can speak http");
    let mut secure = document(64);
    secure.target.url = "https://127.0.0.1/".into();
    let secure = acp_plan::compile(&secure).unwrap();
    check("plain text only", &secure, &offers(&[9]), "can speak https");
    assert_eq!(shape(&assign(&secure, &other).unwrap()), [(0, 4)], "who speaks it gets it");
    let mut drained = offers(&[9, 0]);
    drained[0].is_open = false;
    check("drained", &plan, &drained, "1 of 2 agents take no new part");
    let limit = with_agents(plan, Agents { per_agent_max: 1, ..Agents::default() });
    check("limit of an agent", &limit, &offers(&[9, 9]), "2 free");
}

proptest! {
    #[test]
    fn every_slot_and_connection_has_one_owner(
        free in proptest::collection::vec(0_u32..9, 1..30),
        connections in 1_u32..300, wanted in 0_u32..40, rate in 1_u32..20_000, slot in 0_u64..100_000,
    ) {
        let plan = open_plan(&rate.to_string(), "10s", connections);
        let plan = with_agents(plan, cores(wanted));
        let Ok(placements) = assign(&plan, &offers(&free)) else {
            let all: u32 = free.iter().sum();
            let needed = if wanted > 0 { wanted } else { rate.div_ceil(1000) };
            prop_assert!(all == 0 || needed.min(connections) > all, "refused without need");
            return Ok(());
        };
        let sum: u32 = placements.iter().map(|part| part.share.connections).sum();
        prop_assert_eq!(sum, connections);
        let owners = placements.iter().filter(|part| slot % part.share.stride == part.share.offset);
        prop_assert_eq!(owners.count(), 1);
        let mut taken: BTreeMap<&str, u32> = BTreeMap::new();
        let mut next = 0;
        for part in &placements {
            prop_assert!(part.share.connections >= part.cores && part.cores > 0);
            prop_assert_eq!(part.cores, placements[0].cores, "classes are of equal size");
            prop_assert_eq!(part.share.first_connection, next);
            next += part.share.connections;
            *taken.entry(&part.agent).or_default() += part.cores;
        }
        for (agent, cores) in taken {
            let number: usize = agent[1..].parse().unwrap();
            prop_assert!(cores <= free[number]);
        }
        let cores: u32 = placements.iter().map(|part| part.cores).sum();
        if wanted > 0 {
            prop_assert_eq!(cores, wanted.min(connections));
        }
    }
}

#[test]
fn ten_thousand_agents_are_placed_in_less_than_a_second() {
    let plan = with_agents(open_plan("10M", "10s", 100_000), cores(10_000));
    let offers = offers(&vec![4; 10_000]);
    let begin = Instant::now();
    let placements = assign(&plan, &offers).unwrap();
    let took = begin.elapsed();
    println!("10,000 agents placed in {took:?}");
    assert_eq!(placements.len(), 10_000);
    assert!(took.as_millis() < 1000, "{took:?}");
}
