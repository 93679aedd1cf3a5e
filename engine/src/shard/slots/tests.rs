//! When slots may go, as tables.

use super::*;
use crate::pace::Change;
use crate::plan::{compile, split};
use acp_wire::agent::Share;
use acp_wire::plan::{Arrival, Catchup, Load, Model};
use acp_wire::units::parse_rate;
use std::net::SocketAddr;
use std::sync::Arc;

const MS: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MS;
/// Start of the schedules here; due times in the tables count from it.
const START_NS: u64 = 7 * SECOND;

fn parts(load: Load, shards: u32) -> Vec<Slots> {
    let connections = load.connections;
    begun(&shard_plans(load, &Share::whole(connections), shards))
}

fn shard_plans(load: Load, share: &Share, shards: u32) -> Vec<ShardPlan> {
    let schema = acp_wire::PLAN_SCHEMA.into();
    let mut document = acp_wire::Plan { schema, load, ..Default::default() };
    document.target.url = "http://127.0.0.1/".into();
    let plan = Arc::new(compile(&document).unwrap());
    split(&plan, share, shards, &[SocketAddr::from(([127, 0, 0, 1], 80))])
}

fn begun(plans: &[ShardPlan]) -> Vec<Slots> {
    let begun = plans.iter().map(|plan| {
        let mut slots = Slots::new(plan);
        slots.begin(START_NS, false, START_NS);
        slots
    });
    begun.collect()
}

/// Own slots that are due before `now`.
fn due_before(slots: &mut Slots, now: u64) -> u64 {
    match slots {
        Slots::Open(open) => open.due_before(now),
        Slots::Closed(_) => panic!("a closed loop has no due times"),
    }
}

fn open_loop(rate: &str, duration: &str) -> Load {
    Load {
        model: Model::Open,
        rate: Some(rate.into()),
        duration: Some(duration.into()),
        ..Default::default()
    }
}

fn closed_loop(requests: Option<u64>, duration: Option<&str>) -> Load {
    Load { requests, duration: duration.map(Into::into), ..Default::default() }
}

/// Takes every slot at the nanosecond at which it may go; not one earlier.
/// The due time of the slot that is taken.
fn take(slots: &mut Slots, now: u64) -> Option<u64> {
    slots.take(now).map(|taken| taken.due_ns)
}

fn taken_on_time(slots: &mut Slots) -> Vec<u64> {
    let mut due = Vec::new();
    while let Some(at_ns) = slots.next_ns() {
        assert_eq!(slots.take(at_ns - 1), None, "before its time");
        assert_eq!(take(slots, at_ns), Some(at_ns), "at its time");
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
fn shards_share_out_random_arrivals() {
    for (what, load) in [
        ("a rate", open_loop("5k", "2s")),
        ("fewer slots than shards", open_loop("2", "2s")),
        ("a slow rate", open_loop("0.5", "60s")),
        ("a count", Load { requests: Some(700), duration: None, ..open_loop("1k", "1s") }),
    ] {
        let load = Load { arrival: Arrival::Poisson, ..load };
        let plans = shard_plans(load.clone(), &Share::whole(64), 1);
        let Schedule::Open { pace, total, .. } = &plans[0].plan.schedule else {
            panic!("{what} has due times");
        };
        let expected: Vec<_> = (0..*total).map(|slot| pace.due_ns(slot)).collect();
        assert!(load.requests.is_none_or(|requests| requests == *total), "{what}: all of a count");
        for shards in [1, 2, 7] {
            let found = parts(load.clone(), shards);
            let mut due: Vec<_> =
                found.into_iter().flat_map(|mut slots| taken_on_time(&mut slots)).collect();
            due.sort_unstable();
            assert_eq!(due, expected, "{what} over {shards} shards");
        }
    }
}

#[test]
fn a_change_moves_no_random_arrival_that_was_due_before() {
    let faster = [(500 * MS, Change::Rate(parse_rate("3k").unwrap()))];
    let load = Load { arrival: Arrival::Poisson, ..open_loop("1k", "1s") };
    for (what, told_ns, shards) in [("in time", 480 * MS, 3), ("at once", 500 * MS, 1)] {
        let plans = shard_plans(load.clone(), &Share::whole(8), shards);
        let planned = Course::planned(&plans[0].plan);
        let changed = planned.with_change(faster[0].0, faster[0].1).unwrap();
        let (Course::Open(planned), Course::Open(changed)) = (planned, changed) else {
            panic!("{what}: an open loop");
        };
        let before = planned.slots_before(500 * MS);
        let early = (0..before).map(|slot| planned.due_ns(slot));
        let expected: Vec<_> =
            early.chain((before..changed.total()).map(|slot| changed.due_ns(slot))).collect();
        let mut all = begun(&plans);
        let mut due = Vec::new();
        for slots in &mut all {
            due.extend(taken_until(slots, 0, told_ns));
        }
        change(&mut all, &plans[0], &faster, START_NS + told_ns);
        for slots in &mut all {
            due.extend(taken_until(slots, told_ns, 5 * SECOND));
            assert!(slots.is_exhausted(START_NS + 5 * SECOND), "{what}");
        }
        due.sort_unstable();
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
        let slots = &mut parts(open_loop(rate, "2s"), 1)[0];
        assert_eq!(due_before(slots, START_NS + after_ns), planned, "{what}");
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
    let load = Load { catchup, backlog, ..open_loop("1k", "1s") };
    let slots = &mut parts(load, 1)[0];
    let held_ns = START_NS + 100 * MS + 500_000;
    let mut late = Late::default();
    for now in (held_ns..=START_NS + SECOND).step_by(10_000) {
        while take(slots, now).is_some() {
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
        .flat_map(|now| take(slots, now).map(|due_ns| (due_ns - START_NS, now - due_ns)))
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
        let load = Load { backlog, ..open_loop("1k", "1s") };
        let mut found = (0, 0);
        for slots in &mut parts(load, shards) {
            let now = START_NS + 100 * MS + 500_000;
            let (given_up, late) = slots.give_up_late(now);
            assert_eq!(slots.give_up_late(now), (0, 0), "{what}: once is enough");
            assert_eq!(late, 0, "{what}");
            found.0 += due_before(slots, now) - given_up;
            found.1 += given_up;
            let oldest_ns = slots.next_ns().unwrap();
            assert_eq!(take(slots, now), Some(oldest_ns), "{what}: the oldest go");
        }
        assert_eq!(found, (left, beyond_backlog), "{what}");
    }
}

#[test]
fn what_is_left_is_given_up() {
    let burst = Load { catchup: Catchup::Burst, ..open_loop("10", "1s") };
    for (what, load, taken, rest) in [
        ("of a schedule", burst, 4, 6),
        ("of a count", closed_loop(Some(10), None), 4, 6),
        ("of a count and a time", closed_loop(Some(10), Some("1s")), 4, 6),
        ("of a time there is none", closed_loop(None, Some("1s")), 4, 0),
    ] {
        let slots = &mut parts(load, 1)[0];
        let now = START_NS + SECOND - 1;
        assert_eq!((0..taken).filter_map(|_| take(slots, now)).count(), taken, "{what}");
        assert_eq!(slots.give_up_rest(), rest, "{what}");
        assert_eq!(slots.give_up_rest(), 0, "{what}: once");
        assert_eq!(take(slots, now), None, "{what}: none is left");
        assert_eq!(slots.settled(), taken as u64 + rest, "{what}: planned");
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
        assert_eq!((0..5).filter_map(|_| take(slots, now)).count(), taken, "{what}");
    }
}

/// Changes a course as the launcher does.
fn change(slots: &mut [Slots], plan: &ShardPlan, changes: &[(u64, Change)], now: u64) {
    let course = changes.iter().fold(Course::planned(&plan.plan), |course, &(at_ns, change)| {
        course.with_change(at_ns, change).unwrap()
    });
    slots.iter_mut().for_each(|slots| slots.change(&course, now));
}

/// Due times of the slots that are taken by turns every half millisecond until `until_ns`.
fn taken_until(slots: &mut Slots, from_ns: u64, until_ns: u64) -> Vec<u64> {
    let turns = (START_NS + from_ns..START_NS + until_ns).step_by(500_000);
    turns.flat_map(|now| take(slots, now).map(|due_ns| due_ns - START_NS)).collect()
}

#[test]
fn a_changed_schedule_loses_and_doubles_no_slot() {
    let rate = |text: &str| Change::Rate(parse_rate(text).unwrap());
    for (what, changes, told_ns, slots) in [
        ("in time", vec![(500 * MS, rate("200"))], 480 * MS, 150),
        ("too late", vec![(500 * MS, rate("200"))], 700 * MS, 150),
        ("a pause", vec![(500 * MS, Change::Pause), (800 * MS, Change::Resume)], 300 * MS, 70),
        ("a pause to the end", vec![(500 * MS, Change::Pause)], 300 * MS, 50),
        // 20 more were sent by then.
        ("a pause to the end, too late", vec![(500 * MS, Change::Pause)], 700 * MS, 70),
        (
            "a pause in time for its end",
            vec![(500 * MS, Change::Pause), (800 * MS, Change::Resume)],
            600 * MS,
            70,
        ),
        ("of what is over", vec![(2 * SECOND, rate("200"))], 0, 100),
    ] {
        for shards in [1, 3] {
            let plans = shard_plans(open_loop("100", "1s"), &Share::whole(8), shards);
            let mut all = begun(&plans);
            let mut due = Vec::new();
            for slots in &mut all {
                due.extend(taken_until(slots, 0, told_ns));
            }
            change(&mut all, &plans[0], &changes, START_NS + told_ns);
            for slots in &mut all {
                // At the end all is caught up that was late.
                due.extend(taken_until(slots, told_ns, 3 * SECOND));
                assert!(slots.is_exhausted(START_NS + 3 * SECOND), "{what}");
                assert_eq!(slots.give_up_rest(), 0, "{what}");
            }
            assert_eq!(due.len(), slots, "{what}, {shards} shards");
            assert_eq!(all.iter().map(Slots::settled).sum::<u64>(), slots as u64, "{what}");
            let before = due.iter().filter(|&&due_ns| due_ns < 500 * MS).count();
            assert_eq!(before, 50, "{what}: what was due before");
        }
    }
}

#[test]
fn a_part_that_takes_over_has_the_rest() {
    for (what, from_us, changes, expected) in [
        ("from the start", 0, vec![], 10),
        ("from the middle", 500_000, vec![], 5),
        ("from a due time on", 300_000, vec![], 7),
        ("from just behind it", 300_001, vec![], 6),
        ("at the end", 1_000_000, vec![], 0),
        (
            "what was changed before",
            500_000,
            vec![(200 * MS, Change::Pause), (400 * MS, Change::Resume)],
            5,
        ),
        ("what is changed later", 500_000, vec![(700 * MS, Change::Pause)], 2),
        (
            "paused when it came",
            500_000,
            vec![(200 * MS, Change::Pause), (800 * MS, Change::Resume)],
            2,
        ),
    ] {
        for told_before in [true, false] {
            let share = Share { from_us, ..Share::whole(8) };
            let plans = shard_plans(open_loop("10", "1s"), &share, 1);
            let mut slots = vec![Slots::new(&plans[0])];
            if told_before {
                change(&mut slots, &plans[0], &changes, START_NS);
            }
            slots[0].begin(START_NS, false, START_NS);
            if !told_before {
                change(&mut slots, &plans[0], &changes, START_NS);
            }
            let due = taken_until(&mut slots[0], 0, 2 * SECOND);
            assert_eq!(due.len(), expected, "{what}: {due:?}");
            assert!(due.iter().all(|&due_ns| due_ns >= from_us * 1000), "{what}: {due:?}");
            assert_eq!(slots[0].settled(), expected as u64, "{what}");
        }
    }
}

#[test]
fn a_warm_up_that_was_missed_is_not_made_up() {
    for (what, from_us, late_ns, expected) in [
        ("in time", 0, 0, 100),
        ("a moment late", 0, MS / 2, 100),
        ("half of it is over", 0, 500 * MS, 50),
        ("all of it is over", 0, SECOND, 0),
        ("somebody else's", 1, 0, 0),
    ] {
        let share = Share { from_us, ..Share::whole(8) };
        let load = Load { warmup: "1s".into(), ..open_loop("100", "1s") };
        let mut slots = Slots::new(&shard_plans(load, &share, 1)[0]);
        slots.begin(START_NS, true, START_NS + late_ns);
        let taken = taken_until(&mut slots, late_ns, 2 * SECOND);
        assert_eq!(taken.len(), expected, "{what}");
    }
}

#[test]
fn a_closed_loop_rests_in_its_pauses() {
    let pause = [(100 * MS, Change::Pause), (300 * MS, Change::Resume)];
    let plans = shard_plans(closed_loop(None, Some("1s")), &Share::whole(8), 1);
    for (what, changes, told_ns, at_ns, is_taken) in [
        ("before it", &pause[..], 0, 99 * MS, true),
        ("at its start", &pause, 0, 100 * MS, false),
        ("within", &pause, 0, 299 * MS, false),
        ("at its end", &pause, 0, 300 * MS, true),
        ("without an end", &pause[..1], 0, 999 * MS, false),
        ("told within it", &pause, 200 * MS, 250 * MS, false),
        ("told after it", &pause, 400 * MS, 400 * MS, true),
        ("behind the end of the run", &pause, 0, SECOND, false),
    ] {
        let mut all = begun(&plans);
        change(&mut all, &plans[0], changes, START_NS + told_ns);
        let (slots, now) = (&mut all[0], START_NS + at_ns);
        if now >= slots.resume_ns() {
            slots.resume(now);
        }
        assert_eq!(take(slots, now).is_some(), is_taken, "{what}");
    }
}

#[test]
fn whoever_rests_is_woken_when_the_end_of_a_pause_is_known_late() {
    let plans = shard_plans(closed_loop(None, Some("1s")), &Share::whole(8), 1);
    let mut all = begun(&plans);
    let pause = [(100 * MS, Change::Pause), (300 * MS, Change::Resume)];
    change(&mut all, &plans[0], &pause[..1], START_NS);
    assert_eq!(all[0].take(START_NS + 200 * MS), None);
    assert_eq!(all[0].resume_ns(), u64::MAX);
    let now = START_NS + 400 * MS;
    change(&mut all, &plans[0], &pause, now);
    assert_eq!(all[0].take(now), None, "first all are woken");
    assert_eq!(all[0].resume_ns(), now);
    all[0].resume(now);
    assert_eq!(take(&mut all[0], now), Some(now));
    assert_eq!(all[0].resume_ns(), u64::MAX);
}

#[test]
fn slots_that_a_lost_part_has_taken_are_skipped() {
    for (skip, shards, expected) in [(0, 1, 5), (3, 1, 2), (3, 2, 2), (5, 3, 0), (100, 2, 0)] {
        let share = Share { offset: 1, stride: 2, skip, ..Share::whole(8) };
        let plans = shard_plans(closed_loop(Some(10), None), &share, shards);
        let mut all = begun(&plans);
        let taken: usize =
            all.iter_mut().map(|slots| (0..10).filter_map(|_| slots.take(START_NS)).count()).sum();
        assert_eq!(taken, expected, "{skip} of five, {shards} shards");
    }
}
