//! Keeping house: what is put together and deleted when, and that sums stay.

use super::world::{World, commit, frame, on_both, part};
use acp_control::store::{
    AuditRecord, EventRecord, Page, Retention, RunState, Store, StoredFrame, TokenRecord,
};
use acp_report::{Sum, encode, new_histogram};
use acp_wire::agent::HostSample;
use acp_wire::frame::Flags;
use std::collections::BTreeMap;

on_both!(rolls_up, leaves_what_it_must, deletes, host_samples, two_at_once, long_run);

const DAY_US: u64 = 86_400_000_000;
const NOW_US: u64 = 1_000 * DAY_US;

/// A second with values that differ from second to second.
fn second(number: u64) -> StoredFrame {
    let mut stored = frame(number, 10 + number);
    let frame = &mut stored.frame;
    frame.status = BTreeMap::from([(200, number), (500, 1)]);
    frame.in_flight = number;
    frame.rate_target = 100.0;
    frame.cost.busy_ratio = 0.001 * number as f64;
    let mut histogram = new_histogram();
    for value in 0..20 {
        histogram.record(1 + number * 7_919 + value * 104_729).unwrap();
    }
    frame.histograms.response = encode(&histogram);
    if number.is_multiple_of(2) {
        frame.histograms.connect = encode(&histogram);
    }
    frame.response_ns = Some(acp_report::summary(&histogram));
    stored
}

fn warmup(number: u64) -> StoredFrame {
    let mut stored = second(number);
    stored.frame.flags.warmup = true;
    stored
}

async fn ended_run(world: &World, id: &str, days_ago: u64, frames: Vec<StoredFrame>) {
    let mut run = world.run(id).await;
    for frames in frames.chunks(500) {
        world.store.commit_frames(&commit(id, frames.to_vec(), &[])).await.unwrap();
    }
    run.state = RunState::Done;
    run.ended_unix_us = Some(NOW_US - days_ago * DAY_US);
    world.store.update_run(&run).await.unwrap();
}

/// The sum of a run's frames of the warm-up or behind it, as text.
async fn sum(store: &dyn Store, run: &str, is_warmup: bool) -> String {
    let frames = store.frames_from(run, true, 0, u32::MAX).await.unwrap();
    let mut sum = Sum::new();
    for stored in frames.iter().filter(|stored| stored.frame.flags.warmup == is_warmup) {
        sum.add_next_frame(&stored.frame).unwrap();
    }
    let mut frame = sum.to_frame("", 0, 0, Flags::default());
    // The mean over seconds is the same number, but not to the last bit.
    frame.rate_target = frame.rate_target.round();
    serde_json::to_string(&frame).unwrap()
}

/// Second and width of every frame, in the order of time.
async fn shape(world: &World, run: &str) -> Vec<(u64, u32)> {
    let frames = world.store.frames_from(run, true, 0, u32::MAX).await.unwrap();
    frames.iter().map(|stored| (stored.frame.second, stored.width_s)).collect()
}

async fn keep(world: &World, days_later: u64) -> u64 {
    let now_unix_us = NOW_US + days_later * DAY_US;
    world.store.keep_house(&Retention::default(), now_unix_us).await.unwrap()
}

async fn rolls_up(world: World) {
    let mut frames: Vec<_> = (0..7).map(warmup).collect();
    frames.extend((0..95).map(second));
    frames[101].frame.flags.last = true;
    ended_run(&world, "r", 8, frames).await;
    let before = [sum(&*world.store, "r", true).await, sum(&*world.store, "r", false).await];

    assert_eq!(keep(&world, 0).await, 102 - 11);
    let mut expect = vec![(0, 7)];
    expect.extend((0..9).map(|ten| (ten * 10, 10)));
    expect.push((90, 5));
    assert_eq!(shape(&world, "r").await, expect, "tens, the ends as long as they are");
    let after = [sum(&*world.store, "r", true).await, sum(&*world.store, "r", false).await];
    assert_eq!(after, before, "sums of tens");
    let numbers = world.store.frames_after("r", 0, 100).await.unwrap();
    assert!(numbers.is_sorted_by(|a, b| a.number < b.number), "numbers go with time");
    assert!(numbers.iter().all(|stored| stored.frame.seq == stored.number.unsigned_abs()));
    assert!(numbers[10].frame.flags.last && !numbers[9].frame.flags.last, "the last is the last");
    assert_eq!(keep(&world, 0).await, 0, "again");

    assert_eq!(keep(&world, 23).await, 11 - 3, "30 days after");
    assert_eq!(shape(&world, "r").await, [(0, 7), (0, 60), (60, 35)], "minutes");
    let after = [sum(&*world.store, "r", true).await, sum(&*world.store, "r", false).await];
    assert_eq!(after, before, "sums of minutes");
    assert_eq!(keep(&world, 23).await, 0, "again");
}

async fn leaves_what_it_must(world: World) {
    ended_run(&world, "young", 6, (0..20).map(second).collect()).await;
    let mut running = world.run("running").await;
    let frames = (0..20).map(second).collect();
    world.store.commit_frames(&commit("running", frames, &[])).await.unwrap();
    running.state = RunState::Running;
    world.store.update_run(&running).await.unwrap();
    let mut broken: Vec<_> = (0..20).map(second).collect();
    broken[3].frame.histograms.service = Some("not a histogram".into());
    ended_run(&world, "broken", 8, broken).await;
    let gap = [0, 1, 8, 25, 26].map(second).into();
    ended_run(&world, "gap", 8, gap).await;
    ended_run(&world, "empty", 8, Vec::new()).await;

    keep(&world, 0).await;
    assert_eq!(shape(&world, "young").await.len(), 20, "not old enough");
    assert_eq!(shape(&world, "running").await.len(), 20, "not ended");
    let broken = shape(&world, "broken").await;
    assert_eq!(broken.len(), 11, "what cannot be read stays as it is: {broken:?}");
    assert_eq!(broken[10], (10, 10), "and the rest does not wait for it");
    assert_eq!(shape(&world, "gap").await, [(0, 9), (25, 2)], "seconds without a frame");
}

async fn deletes(world: World) {
    let store = &world.store;
    ended_run(&world, "old", 366, (0..700).map(second).collect()).await;
    ended_run(&world, "new", 364, (0..20).map(second).collect()).await;
    store.put_report("old", &acp_wire::Report::default()).await.unwrap();
    store.add_parts(&[part("old", 0)]).await.unwrap();
    for run in ["old", "old", "new"] {
        let event = EventRecord { run: run.into(), ..EventRecord::default() };
        store.add_event(&event).await.unwrap();
    }
    for days in [0, 500, 900] {
        let audit = AuditRecord { at_unix_us: days * DAY_US, ..AuditRecord::default() };
        store.add_audit(&audit).await.unwrap();
    }
    for (id, end) in [("past", Some(NOW_US - 1)), ("future", Some(NOW_US + 1)), ("ever", None)] {
        let token = TokenRecord { id: id.into(), hash: id.into(), ..TokenRecord::default() };
        store.put_token(&TokenRecord { expires_unix_us: end, ..token }).await.unwrap();
    }
    let never = Retention { frames_days: 0, ..Retention::default() };
    store.keep_house(&never, NOW_US).await.unwrap();
    assert_eq!(shape(&world, "old").await.len(), 12, "0 days: never deleted");
    keep(&world, 0).await;
    assert_eq!(shape(&world, "old").await, [], "frames");
    assert_eq!(store.events_after("old", 0, 9).await.unwrap(), [], "events");
    assert_eq!(shape(&world, "new").await.len(), 1);
    assert_eq!(store.events_after("new", 0, 9).await.unwrap().len(), 1);
    assert!(store.report("old").await.unwrap().is_some(), "reports stay");
    assert!(store.run("old").await.unwrap().is_some(), "and runs");
    assert_eq!(store.parts("old").await.unwrap().len(), 1, "and parts");
    let page = Page { offset: 0, limit: 9 };
    assert_eq!(store.audit(page).await.unwrap().len(), 3, "0 days: never deleted");
    let tokens = store.tokens().await.unwrap();
    let tokens: Vec<_> = tokens.iter().map(|token| token.id.as_str()).collect();
    assert_eq!(tokens, ["ever", "future"]);
    let audited = Retention { audit_days: 500, ..Retention::default() };
    assert_eq!(store.keep_house(&audited, NOW_US).await.unwrap(), 1);
    assert_eq!(store.audit(page).await.unwrap().len(), 2, "the one at the edge stays");
}

async fn host_samples(world: World) {
    let store = &world.store;
    let sample = |at_unix_us, busy: f64, bytes| HostSample {
        at_unix_us,
        cpu_busy_ratio: Some(busy),
        memory_available_bytes: bytes,
        ..HostSample::default()
    };
    let minute = NOW_US - 2 * DAY_US;
    let samples = [
        ("a", sample(NOW_US - 31 * DAY_US, 1.0, None)),
        ("a", sample(minute, 0.25, Some(u64::MAX))),
        ("a", sample(minute + 20_000_000, 0.75, None)),
        ("a", sample(minute + 59_999_999, 0.5, Some(1))),
        ("a", sample(minute + 60_000_000, 0.1, None)),
        ("b", sample(minute + 1, 1.0, None)),
        ("a", sample(NOW_US - 100, 0.3, None)),
        ("a", sample(NOW_US - 50, 0.4, None)),
    ];
    let samples = samples.map(|(agent, sample)| (agent.to_string(), sample));
    store.add_host_samples(&samples).await.unwrap();
    assert_eq!(keep(&world, 0).await, 3, "one too old, three that are one");
    let expect = [
        sample(minute, 0.5, Some(1 << 63)),
        sample(minute + 60_000_000, 0.1, None),
        sample(NOW_US - 100, 0.3, None),
        sample(NOW_US - 50, 0.4, None),
    ];
    assert_eq!(store.host_samples("a", 0, u64::MAX, 99).await.unwrap(), expect);
    assert_eq!(store.host_samples("b", 0, u64::MAX, 99).await.unwrap().len(), 1);
    assert_eq!(keep(&world, 0).await, 0, "again");

    // More than one batch: deleted, and put together.
    let many = |days: u64| -> Vec<_> {
        let at = |number: u64| NOW_US - days * DAY_US + number % 3;
        let agent = |number: u64| format!("agent-{:05}", number / 3);
        (0..18_000).map(|number| (agent(number), sample(at(number), 0.5, None))).collect()
    };
    store.add_host_samples(&many(40)).await.unwrap();
    store.add_host_samples(&many(3)).await.unwrap();
    assert_eq!(keep(&world, 0).await, 18_000 + 12_000);
    for agent in ["agent-00000", "agent-01666", "agent-01667", "agent-05999"] {
        let found = store.host_samples(agent, 0, u64::MAX, 99).await.unwrap();
        assert_eq!(found, [sample(NOW_US - 3 * DAY_US, 0.5, None)], "{agent}");
    }
}

async fn two_at_once(world: World) {
    ended_run(&world, "r", 8, (0..400).map(second).collect()).await;
    let before = sum(&*world.store, "r", false).await;
    let (first, second) = tokio::join!(keep(&world, 0), keep(&world, 0));
    assert_eq!(first + second, 360, "each second is taken away once");
    assert_eq!(shape(&world, "r").await.len(), 40);
    assert_eq!(sum(&*world.store, "r", false).await, before);
}

async fn long_run(world: World) {
    ended_run(&world, "r", 31, (0..3_600).map(second).collect()).await;
    let before = sum(&*world.store, "r", false).await;
    let start = std::time::Instant::now();
    assert_eq!(keep(&world, 0).await, 3_600 - 60);
    println!("an hour of frames put together in {:?}", start.elapsed());
    let minutes: Vec<_> = (0..60).map(|minute| (minute * 60, 60)).collect();
    assert_eq!(shape(&world, "r").await, minutes);
    assert_eq!(sum(&*world.store, "r", false).await, before);
}
