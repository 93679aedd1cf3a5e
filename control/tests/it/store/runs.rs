//! Runs, their parts, events and reports.

use super::world::{HARD_TEXTS, World, kind, on_both, part};
use acp_control::store::{EventRecord, Intent, Page, RunFilter, RunRecord, RunState, StoreError};
use acp_wire::agent::{Change, ChangeKind, PartState};
use acp_wire::{Plan, Report};

on_both!(comes_back_as_it_was, versions, lists, parts, events, reports);

const ALL: Page = Page { offset: 0, limit: 1_000 };

const STATES: [RunState; 8] = [
    RunState::Pending,
    RunState::Assigned,
    RunState::Ready,
    RunState::Running,
    RunState::Draining,
    RunState::Done,
    RunState::Failed,
    RunState::Aborted,
];

async fn comes_back_as_it_was(world: World) {
    for (number, text) in HARD_TEXTS.into_iter().enumerate() {
        let mut run = RunRecord {
            id: format!("r{number}"),
            task: "t".into(),
            name: text.into(),
            plan: Plan { name: text.into(), seed: 5, ..Plan::default() },
            plan_hash: format!("hash{number}"),
            owner: text.into(),
            epoch: u64::MAX,
            created_unix_us: 3,
            text: text.into(),
            spark: vec![1.5; number],
            version: 9,
            ..RunRecord::default()
        };
        world.store.create_run(&run).await.unwrap();
        assert_eq!(world.store.run(&run.id).await.unwrap(), Some(run.clone()), "{text:?}");
        assert_eq!(world.store.plan(&run.plan_hash).await.unwrap(), Some(run.plan.clone()));

        run.state = STATES[number % STATES.len()];
        run.intent = Intent::Stop { kind: "user".into(), reason: text.into() };
        run.t0_unix_us = Some(4);
        run.changes = vec![
            Change { number: 1, at_us: 2, kind: ChangeKind::Rate("20k".into()) },
            Change { number: 2, at_us: 3, kind: ChangeKind::Pause },
        ];
        run.ended_unix_us = Some(8);
        run.verdict = Some(text.into());
        run.spark = vec![0.0, 0.1, 33_333.332, f32::MAX, f32::MIN_POSITIVE];
        world.store.update_run(&run).await.unwrap();
        run.version += 1;
        assert_eq!(world.store.run(&run.id).await.unwrap(), Some(run), "{text:?} changed");
    }
    assert_eq!(world.store.run("unknown").await.unwrap(), None);
    assert_eq!(world.store.plan("unknown").await.unwrap(), None);
}

async fn versions(world: World) {
    let run = world.run("r").await;
    assert_eq!(kind(world.store.create_run(&run).await), "exists", "twice");
    let mut first = run.clone();
    first.text = "first".into();
    world.store.update_run(&first).await.unwrap();
    let mut second = run.clone();
    second.text = "second".into();
    let error = world.store.update_run(&second).await.unwrap_err();
    assert!(matches!(&error, StoreError::Conflict(what) if what == "run `r`"), "{error}");
    assert_eq!(world.store.run("r").await.unwrap().unwrap().text, "first", "nothing written");
    let unknown = RunRecord { id: "u".into(), ..RunRecord::default() };
    assert_eq!(kind(world.store.update_run(&unknown).await), "conflict", "unknown");

    // Many at once: exactly one wins each version.
    let mut writers = tokio::task::JoinSet::new();
    for number in 0..16 {
        let store = world.store.clone();
        writers.spawn(async move {
            let mut run = store.run("r").await.unwrap().unwrap();
            run.version = 1;
            run.text = number.to_string();
            kind(store.update_run(&run).await)
        });
    }
    let mut results = writers.join_all().await;
    results.sort_unstable();
    assert_eq!(results.iter().filter(|result| **result == "ok").count(), 1, "{results:?}");
    assert_eq!(results.iter().filter(|result| **result == "conflict").count(), 15, "{results:?}");
    assert_eq!(world.store.run("r").await.unwrap().unwrap().version, 2);
}

async fn lists(world: World) {
    for (number, state) in (0..).zip(STATES) {
        let run = RunRecord {
            id: format!("{number}"),
            task: if number % 2 == 0 { "even" } else { "odd" }.into(),
            state,
            created_unix_us: 100 - number / 2,
            ..RunRecord::default()
        };
        world.store.create_run(&run).await.unwrap();
    }
    let ended = &STATES[5..];
    type Row<'a> = (&'a str, Option<&'a str>, &'a [RunState], Page, &'a str, u64);
    let rows: [Row<'_>; 8] = [
        ("newest first", None, &[], ALL, "10325476", 8),
        ("a page", None, &[], Page { offset: 1, limit: 3 }, "032", 8),
        ("behind the end", None, &[], Page { offset: 9, limit: 3 }, "", 8),
        ("of a task", Some("even"), &[], ALL, "0246", 4),
        ("of an unknown task", Some("none"), &[], ALL, "", 0),
        ("in a state", None, &[RunState::Ready], ALL, "2", 1),
        ("in any of some", None, ended, ALL, "576", 3),
        ("of a task in some", Some("odd"), ended, ALL, "57", 2),
    ];
    for (row, task, states, page, expect, total) in rows {
        let filter = RunFilter { task: task.map(str::to_string), states: states.to_vec() };
        let (found, count) = world.store.runs(&filter, page).await.unwrap();
        let ids: String = found.iter().map(|run| run.id.as_str()).collect();
        assert_eq!((ids.as_str(), count), (expect, total), "{row}");
    }
    let active = world.store.active_runs().await.unwrap();
    let ids: String = active.iter().map(|run| run.id.as_str()).collect();
    assert_eq!(ids, "42301", "oldest first, none that has ended");
}

async fn parts(world: World) {
    world.run("r").await;
    world.run("s").await;
    let mut first = part("r", 0);
    first.stored = 5;
    first.lost_at_us = Some(-3);
    first.taken_over_by = vec!["r.1".into(), "r.2".into()];
    first.status.log_tail = HARD_TEXTS.concat();
    first.status.cpus = vec![1, 2];
    let all = vec![first, part("r", 1), part("r", 10), part("r", 2)];
    world.store.add_parts(&all).await.unwrap();
    world.store.add_parts(&[]).await.unwrap();
    let numbers = async |run: &str| {
        let parts = world.store.parts(run).await.unwrap();
        parts.iter().map(|part| part.number).collect::<Vec<_>>()
    };
    assert_eq!(numbers("r").await, [0, 1, 2, 10], "by number, not by name");
    assert_eq!(world.store.parts("r").await.unwrap()[0], all[0]);
    assert!(numbers("s").await.is_empty());

    let mut again = part("r", 3);
    again.agent = "agent-1".into();
    world.store.add_parts(&[again]).await.unwrap();
    world.run("t").await;
    world.store.add_parts(&[part("t", 0)]).await.unwrap();
    let counts = async |runs: &[&str]| {
        let runs: Vec<_> = runs.iter().map(|run| (*run).to_string()).collect();
        let found = world.store.agent_counts(&runs).await.unwrap();
        found.iter().map(|(run, count)| format!("{run}{count}")).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(counts(&[]).await, "", "of none");
    assert_eq!(counts(&["s", "none"]).await, "", "of runs without parts");
    assert_eq!(counts(&["t", "s", "r", "r"]).await, "r4 t1", "an agent with two parts is one");

    let rows = [
        ("one that is there", vec![part("r", 1)], "exists"),
        ("a new one and one that is there", vec![part("s", 0), part("r", 1)], "exists"),
        ("the same twice", vec![part("s", 0), part("s", 0)], "exists"),
        ("of no run", vec![part("none", 0)], "conflict"),
    ];
    for (row, parts, expect) in rows {
        assert_eq!(kind(world.store.add_parts(&parts).await), expect, "{row}");
        assert!(numbers("s").await.is_empty(), "{row}: nothing of it");
    }

    let mut changed = all[0].clone();
    changed.state = PartState::Failed;
    changed.lost_at_us = None;
    changed.status.text = "🚀".into();
    changed.stored = 99;
    world.store.update_parts(std::slice::from_ref(&changed)).await.unwrap();
    changed.stored = 5;
    assert_eq!(world.store.parts("r").await.unwrap()[0], changed, "all but `stored`");
    let unknown = [part("r", 1), part("r", 77)];
    assert_eq!(kind(world.store.update_parts(&unknown).await), "conflict", "one is unknown");
    assert_eq!(numbers("r").await, [0, 1, 2, 3, 10], "it was not made");
}

async fn events(world: World) {
    world.run("r").await;
    world.run("s").await;
    let mut expect = Vec::new();
    for (number, text) in (1..).zip(HARD_TEXTS) {
        let mut event = EventRecord {
            run: "r".into(),
            number: 1_000,
            at_unix_us: 5,
            at_us: (number % 2 == 0).then_some(-number),
            kind: "note".into(),
            text: text.into(),
            by: text.into(),
        };
        world.store.add_event(&event).await.unwrap();
        world.store.add_event(&EventRecord { run: "s".into(), ..event.clone() }).await.unwrap();
        event.number = number;
        expect.push(event);
    }
    assert_eq!(world.store.events_after("r", 0, 100).await.unwrap(), expect);
    assert_eq!(world.store.events_after("r", 3, 2).await.unwrap(), expect[3..5]);
    assert_eq!(world.store.events_after("r", 10, 2).await.unwrap(), []);
    assert_eq!(world.store.events_after("none", 0, 2).await.unwrap(), []);
    let stray = EventRecord { run: "none".into(), ..EventRecord::default() };
    assert_eq!(kind(world.store.add_event(&stray).await), "conflict", "of no run");

    let mut writers = tokio::task::JoinSet::new();
    for _ in 0..24 {
        let (store, event) = (world.store.clone(), expect[0].clone());
        writers.spawn(async move { store.add_event(&event).await.unwrap() });
    }
    writers.join_all().await;
    let numbers = world.store.events_after("r", 10, 100).await.unwrap();
    let numbers: Vec<_> = numbers.iter().map(|event| event.number).collect();
    assert_eq!(numbers, (11..=34).collect::<Vec<_>>(), "no number twice, none left out");
}

async fn reports(world: World) {
    world.run("r").await;
    assert_eq!(world.store.report("r").await.unwrap(), None);
    let mut report = Report::default();
    report.run.name = HARD_TEXTS.concat();
    report.rate.sent_per_s = 0.1 + 0.2;
    report.rate.planned_per_s = 33_333.333_333_333_336;
    world.store.put_report("r", &report).await.unwrap();
    assert_eq!(world.store.report("r").await.unwrap(), Some(report.clone()));
    let mut endless = report.clone();
    endless.rate.sent_per_s = f64::INFINITY;
    assert_eq!(kind(world.store.put_report("r", &endless).await), "bad record", "not a number");
    report.run.name = "x🚀".repeat(2_100_000);
    world.store.put_report("r", &report).await.unwrap();
    let read = world.store.report("r").await.unwrap();
    assert!(read == Some(report.clone()), "a report of 10 MB came back otherwise");
    assert_eq!(kind(world.store.put_report("none", &report).await), "conflict", "of no run");
}
