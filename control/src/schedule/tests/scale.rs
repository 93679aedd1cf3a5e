//! Ten thousand agents, of which a tenth goes at once.

use super::open_plan;
use super::world::World;
use acp_wire::agent::{PartState, PartStatus, Status};
use acp_wire::plan::Agents;
use std::collections::BTreeSet;
use std::time::Instant;

const AGENTS: usize = 10_000;
const LOST: usize = 1_000;
const SECOND_US: u64 = 1_000_000;

/// Every agent but the first `gone` is heard of.
fn hear(world: &mut World, gone: usize, state: PartState) {
    let mut statuses: Vec<_> = world.agents[gone..]
        .iter()
        .map(|agent| Status { info: agent.info.clone(), ..Status::default() })
        .collect();
    for part in &world.parts {
        let number: usize = part.agent[1..].parse().unwrap();
        if let Some(number) = number.checked_sub(gone) {
            let (part, run) = (part.part.clone(), part.run.clone());
            statuses[number].parts.push(PartStatus { part, run, state, ..PartStatus::default() });
        }
    }
    for status in statuses {
        assert!(world.contacts.status(&status, world.now_us).is_some());
    }
    let here = world.agents[gone..].iter();
    world.members.agents = here.map(|a| (a.info.agent.clone(), a.info.clone())).collect();
    world.members.is_current = true;
}

#[test]
fn a_tenth_of_ten_thousand_agents_is_lost_and_taken_over() {
    let mut plan = open_plan("20k", "60s", 20_000);
    let cores = u32::try_from(AGENTS).unwrap();
    plan.document.agents = Some(Agents { cores, ..Agents::default() });
    let mut world = World::new(plan, AGENTS, 2, 1);
    world.contacts.open();
    let turn = |world: &mut World, what: &str| {
        let begin = Instant::now();
        world.turn();
        println!("{what}: {:?}", begin.elapsed());
        begin.elapsed()
    };
    hear(&mut world, 0, PartState::Starting);
    turn(&mut world, "10,000 agents placed and assigned");
    assert_eq!(world.parts.len(), AGENTS);
    world.now_us += 4 * SECOND_US;
    hear(&mut world, 0, PartState::Running);
    turn(&mut world, "10,000 agents say that they run");
    world.now_us += 3 * SECOND_US;
    hear(&mut world, LOST, PartState::Running);
    let took = turn(&mut world, "1,000 agents lost and taken over");
    let lost: Vec<_> = world.parts.iter().filter(|part| part.lost_at_us.is_some()).collect();
    assert_eq!(lost.len(), LOST);
    assert!(lost.iter().all(|part| !part.taken_over_by.is_empty()));
    let soon_us = world.clock().at(world.now_us + 2 * SECOND_US).cast_unsigned();
    let new = &world.parts[AGENTS..];
    assert!(new.iter().all(|part| part.share.from_us <= soon_us), "back in two seconds");
    let heirs: BTreeSet<_> = new.iter().map(|part| &part.agent).collect();
    assert!(heirs.len() >= LOST, "not all on the same few");
    assert!(heirs.iter().all(|agent| agent[1..].parse::<usize>().unwrap() >= LOST));
    assert!(took.as_secs() < 20, "{took:?}");
}
