//! Runs on simulated agents: whatever happens, no slot is sent twice and every slot is accounted for.

use super::agent::{FAULTS, Fault, Trouble};
use super::open_plan;
use super::world::{BEGIN_US, STEP_US, World};
use crate::schedule::reconcile;
use crate::store::RunState;
use acp_plan::Plan;
use acp_wire::plan::{Agents, Arrival, OnLoss};

const SECOND_US: u64 = 1_000_000;

fn plan(cores: u32, on_loss: OnLoss, warmup: &str) -> Plan {
    let mut document = open_plan("200", "20s", 64).document;
    document.load.warmup = warmup.into();
    document.agents = Some(Agents { cores, on_loss, ..Agents::default() });
    acp_plan::compile(&document).unwrap()
}

/// A world in which all that can go wrong does, some time.
fn troubled(seed: u64) -> World {
    let on_loss = [OnLoss::Reassign, OnLoss::Reassign, OnLoss::Continue, OnLoss::Abort];
    let on_loss = on_loss[usize::try_from(seed % 4).unwrap()];
    let warmup = if seed.is_multiple_of(3) { "2s" } else { "0s" };
    let agents = 1 + usize::try_from(seed % 7).unwrap();
    let cores = u32::try_from(agents).unwrap();
    let mut document = plan(cores, on_loss, warmup).document;
    if seed.is_multiple_of(5) {
        (document.load.arrival, document.seed) = (Arrival::Poisson, seed);
    }
    let plan = acp_plan::compile(&document).unwrap();
    let mut world = World::new(plan, agents, 2, seed);
    let mut dice = world.dice.clone();
    for agent in &mut world.agents {
        while dice.one_in(2) {
            let from_us = BEGIN_US + dice.between(0, 25 * SECOND_US);
            let until_us = from_us + dice.between(STEP_US, 15 * SECOND_US);
            let fault = FAULTS[usize::try_from(dice.between(0, 6)).unwrap()];
            agent.troubles.push(Trouble { fault, from_us, until_us });
        }
    }
    if dice.one_in(3) {
        let from_us = BEGIN_US + dice.between(0, 25 * SECOND_US);
        world.blind = Some((from_us, from_us + dice.between(0, 10 * SECOND_US)));
    }
    if dice.one_in(2) {
        world.kill_one_in = dice.between(2, 40);
        world.kills_left = 10;
    }
    world.dice = dice;
    world
}

fn check_end(world: &World, what: &str) {
    assert!(world.is_over(), "{what}: it does not end: {:?}\n{:#?}", world.run.state, world.parts);
    let twice = world.sent.iter().position(|count| *count > 1);
    assert_eq!(twice, None, "{what}: a slot was sent twice\n{:#?}", world.parts);
    let sent = world.sent.iter().filter(|count| **count > 0).count() as u64;
    let (planned, sent_at_most) = world.books();
    assert!(sent <= sent_at_most, "{what}: {sent} sent, {sent_at_most} in the books");
    if !world.parts.is_empty() && planned > 0 {
        assert_eq!(planned, world.pace.total(), "{what}: slots in the books\n{:#?}", world.parts);
    }
    let after = reconcile(&world.view(), world.now_us + SECOND_US);
    let is_decision =
        |action: &crate::schedule::Action| !matches!(action, crate::schedule::Action::Assign(_));
    assert!(!after.iter().any(is_decision), "{what}: {after:?}");
}

#[test]
fn no_slot_is_sent_twice_and_all_are_accounted_for() {
    let first: u64 = std::env::var("SEED").map_or(1, |seed| seed.parse().unwrap());
    let count = std::env::var("COUNT").map_or(1500, |count| count.parse().unwrap());
    let mut ends = std::collections::BTreeMap::<RunState, u32>::new();
    let mut taken_over = 0;
    for seed in first..first + count {
        println!("SEED={seed}");
        let mut world = troubled(seed);
        let stops = world.dice.one_in(4).then(|| world.dice.between(0, 25 * SECOND_US));
        if let Some(stop_us) = stops {
            world.go(BEGIN_US + stop_us);
            world.stop("user");
            let told_us = world.now_us;
            let killed = u64::from(world.kills_left > 0);
            world.go(BEGIN_US + 200 * SECOND_US);
            // While leaders come and go, answers tell nobody to stop until one has looked.
            let down_us = u64::from(10 - world.kills_left) * 6 * SECOND_US;
            let patience_us = world.settings.lease_us + 2 * SECOND_US + down_us * killed;
            assert!(world.last_sent_us < told_us + patience_us, "a lease ends what a stop cannot");
        }
        world.go(BEGIN_US + 200 * SECOND_US);
        check_end(&world, &format!("seed {seed}"));
        *ends.entry(world.run.state).or_default() += 1;
        taken_over += world.parts.iter().filter(|part| !part.taken_over_by.is_empty()).count();
    }
    println!("{ends:?}, {taken_over} parts taken over");
    if count > 1 {
        assert!(taken_over > 50, "the seeds do not try what they should");
        assert!(ends.contains_key(&RunState::Done) && ends.contains_key(&RunState::Aborted));
    }
}

#[test]
fn without_trouble_everything_is_sent() {
    for (agents, cores, warmup) in [(1, 1, "0s"), (3, 3, "0s"), (3, 5, "2s"), (5, 10, "0s")] {
        let what = format!("{agents} agents, {cores} cores, warm-up {warmup}");
        let mut world = World::new(plan(cores, OnLoss::Reassign, warmup), agents, 4, 7);
        world.go(BEGIN_US + 60 * SECOND_US);
        check_end(&world, &what);
        assert_eq!(world.run.state, RunState::Done, "{what}");
        assert!(world.sent.iter().all(|count| *count == 1), "{what}");
        assert!(world.events.is_empty(), "{what}: {:?}", world.events);
    }
}

#[test]
fn a_lost_agent_costs_no_more_than_its_lease() {
    for (fault, gap_s) in [
        (Fault::EngineFails, 4.0),
        (Fault::Dies, 8.0),
        (Fault::HostFreezes, 8.0),
        (Fault::CutFromControl, 8.0),
    ] {
        for seed in 1..20 {
            println!("{fault:?} seed {seed}");
            let mut world = World::new(plan(4, OnLoss::Reassign, "0s"), 4, 2, seed);
            let from_us = BEGIN_US + 10 * SECOND_US;
            let until_us = BEGIN_US + 100 * SECOND_US;
            world.agents[1].troubles.push(Trouble { fault, from_us, until_us });
            world.go(BEGIN_US + 100 * SECOND_US);
            check_end(&world, &format!("{fault:?} seed {seed}"));
            assert_eq!(world.run.state, RunState::Done);
            let missing = world.sent.iter().filter(|count| **count == 0).count();
            let all = world.sent.len();
            // A quarter of 200/s.
            assert!(missing as f64 <= gap_s * 50.0, "{missing} of {all} were not sent");
            assert!(world.parts.iter().any(|part| !part.taken_over_by.is_empty()));
        }
    }
}

/// An engine whose lease is over books all that it leaves. Its agent comes back in the very moment in
/// which it is given up: either its books count, or those of whoever takes over.
#[test]
fn an_agent_that_comes_back_while_it_is_given_up_is_not_booked_twice() {
    let mut both = [0, 0];
    for seed in 1..600 {
        println!("seed {seed}");
        let mut world = World::new(plan(2, OnLoss::Reassign, "0s"), 2, 2, seed);
        let from_us = BEGIN_US + 10 * SECOND_US + world.dice.between(0, SECOND_US);
        let until_us = from_us + world.dice.between(4 * SECOND_US, 5 * SECOND_US);
        let fault = Fault::CutFromControl;
        world.agents[1].troubles.push(Trouble { fault, from_us, until_us });
        world.go(BEGIN_US + 100 * SECOND_US);
        check_end(&world, &format!("seed {seed}"));
        both[usize::from(world.parts.len() > 2)] += 1;
    }
    println!("came back in time, taken over: {both:?}");
    assert!(both.iter().all(|count| *count > 10), "{both:?}");
}

#[test]
fn a_stop_reaches_everyone_in_two_seconds() {
    for seed in 1..50 {
        let mut world = World::new(plan(4, OnLoss::Reassign, "0s"), 4, 2, seed);
        world.go(BEGIN_US + 10 * SECOND_US);
        world.stop("user");
        let stopped_us = world.now_us;
        world.go(BEGIN_US + 60 * SECOND_US);
        check_end(&world, &format!("seed {seed}"));
        assert_eq!(world.run.state, RunState::Aborted);
        assert!(world.last_sent_us <= stopped_us + 2 * SECOND_US, "seed {seed}");
    }
}

#[test]
fn a_run_that_no_agent_can_start_fails_with_the_reason() {
    let mut world = World::new(plan(3, OnLoss::Reassign, "0s"), 5, 2, 3);
    let (from_us, until_us) = (BEGIN_US, BEGIN_US + 100 * SECOND_US);
    for agent in &mut world.agents {
        agent.troubles.push(Trouble { fault: Fault::EngineFails, from_us, until_us });
    }
    world.go(BEGIN_US + 60 * SECOND_US);
    check_end(&world, "no engine starts");
    assert_eq!(world.run.state, RunState::Failed);
    assert!(world.run.text.contains("it died"), "{}", world.run.text);
    assert_eq!(world.parts.len(), 3, "other agents would not do better");
    assert!(world.now_us < world.clock().unix_us(0) + 10 * SECOND_US);
}
