//! Parts from the assignment to their end.

use crate::host::{Host, is_alive, until};
use acp_wire::agent::{Change, ChangeKind, Part, PartState, Share};
use std::time::Duration;

#[tokio::test]
async fn a_part_runs_from_its_plan_to_its_books_and_is_forgotten() {
    let mut host = Host::running("5 good").await;
    host.assign(&[host.part("r.0")]).await;
    let finished = |memory: &crate::control::Memory| memory.has_state("r.0", PartState::Finished);
    host.control.wait("it is finished", finished).await;
    host.control.wait("all is stored", |memory| memory.has_last("r.0")).await;
    {
        let memory = host.control.memory();
        memory.check_whole("r.0");
        let part = memory.part("r.0").unwrap();
        assert_eq!(part.books.as_ref().unwrap().planned, 7, "the engine's own report");
        assert_eq!((part.text.as_str(), part.log_tail.as_str()), ("", ""));
        let states: Vec<_> = memory.statuses.iter().flat_map(|status| &status.parts).collect();
        assert!(states.iter().any(|part| part.state == PartState::Running), "{states:?}");
        assert!(memory.statuses.last().unwrap().host.unwrap().memory_total_bytes.is_some());
    }
    let plan = std::fs::read(host.part_folder("r.0").join("plan.json")).unwrap();
    assert_eq!(plan, b"{\"schema\":\"acp.plan/1\"}");
    // It ended, and it is still assigned: only a later revision may forget it.
    host.assign(&[host.part("r.0"), host.part("s.0")]).await;
    host.control.wait("another one runs", |memory| memory.frames("s.0") > 0).await;
    assert_eq!(host.control.memory().parts["r.0"].again, 0);
    assert!(host.part_folder("r.0").exists(), "remembered while it is assigned");
    host.assign(&[]).await;
    until("both are forgotten", || {
        !host.part_folder("r.0").exists() && !host.part_folder("s.0").exists()
    })
    .await;
}

#[tokio::test]
async fn an_ended_part_is_never_started_again_even_by_another_agent() {
    let mut host = Host::running("3 good").await;
    host.assign(&[host.part("r.0")]).await;
    host.control.wait("it ends", |memory| memory.has_state("r.0", PartState::Finished)).await;
    let pid = host.pid("r.0").await;
    host.shut_down();
    host.left().await.unwrap();
    host.control.memory().statuses.clear();
    host.start().await;
    host.control
        .wait("it is told again", |memory| memory.has_state("r.0", PartState::Finished))
        .await;
    host.assign(&[host.part("r.0"), host.part("s.0")]).await;
    host.control.wait("another ends", |memory| memory.has_state("s.0", PartState::Finished)).await;
    assert_eq!(host.pid("r.0").await, pid, "the same engine as before");
}

#[tokio::test]
async fn the_start_is_on_the_clock_of_this_host() {
    let mut host = Host::new("3 good").await;
    let ahead = Duration::from_secs(3600);
    host.control.memory().ahead = ahead;
    host.start().await;
    let now_unix_us = crate::control::now_unix_us();
    let hour_us = u64::try_from(ahead.as_micros()).unwrap();
    host.assign(&[Part { t0_unix_us: now_unix_us + hour_us, ..host.part("r.0") }]).await;
    host.control.wait("it ends", |memory| memory.has_state("r.0", PartState::Finished)).await;
    let text = host.wrote("r.0", "arguments");
    let mut arguments = text.lines();
    arguments.find(|argument| *argument == "--start-at").unwrap();
    let start_at: u64 = arguments.next().unwrap().parse().unwrap();
    let wrong_us = start_at.abs_diff(now_unix_us);
    assert!(wrong_us < 60_000_000, "an hour of skew became {wrong_us} µs");
    let offset_us = host.control.memory().statuses.last().unwrap().clock_offset_us.unwrap();
    assert!((offset_us + 3_600_000_000).abs() < 60_000_000, "{offset_us}");
}

#[tokio::test]
async fn a_plan_that_names_a_file_outside_is_refused_before_its_engine_starts() {
    let mut host = Host::new("5 good").await;
    let data = host.folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let (inside, outside) = (data.join("q"), host.folder.path().join("secret"));
    std::fs::write(&inside, "/\n").unwrap();
    std::fs::write(&outside, "/\n").unwrap();
    let link = data.join("link");
    std::os::unix::fs::symlink(&outside, &link).unwrap();
    host.settings.data_folders = vec![data];
    let plan = |file: &std::path::Path| {
        format!(
            "{{\"schema\":\"acp.plan/1\",\"target\":{{\"url\":\"http://127.0.0.1/\"}},\
             \"source\":{{\"file\":\"{}\"}}}}",
            file.display()
        )
    };
    let plans = [("good.0", &inside), ("bad.0", &outside), ("linked.0", &link)];
    let parts = plans.map(|(name, file)| {
        let plan = host.control.add_plan(plan(file).as_bytes());
        crate::host::part(name, &plan)
    });
    host.start().await;
    host.assign(&parts).await;
    for (name, file) in [("bad.0", &outside), ("linked.0", &link)] {
        host.control.wait(name, |memory| memory.has_state(name, PartState::Failed)).await;
        let text = host.control.memory().part(name).unwrap().text.clone();
        let expect = format!("source.file `{}` is outside of the folders", file.display());
        assert!(text.starts_with(&expect), "{text}");
        assert!(host.wrote(name, "pid").is_empty(), "{name} has an engine");
    }
    host.control.wait("good", |memory| memory.has_state("good.0", PartState::Finished)).await;
}

fn pause(number: u32) -> Change {
    Change { number, at_us: u64::from(number) * 1000, kind: ChangeKind::Pause }
}

#[tokio::test]
async fn changes_come_in_order_and_missing_ones_are_asked_for() {
    let mut host = Host::running("0 good").await;
    let rate = Change { number: 2, at_us: 9, kind: ChangeKind::Rate("20k".to_owned()) };
    let resume = Change { number: 4, at_us: 11, kind: ChangeKind::Resume };
    let all = vec![pause(1), rate, pause(3), resume.clone()];
    host.assign(&[host.part("r.0")]).await;
    host.pid("r.0").await;
    host.assign(&[Part { changes: 1, change: Some(pause(1)), ..host.part("r.0") }]).await;
    let wrote = |text: &str| host.wrote("r.0", "lines").contains(text);
    until("the first is passed on", || wrote("\"number\":1")).await;
    // The second and third were never seen here.
    host.control.memory().changes.insert("r".to_owned(), all);
    let last = Part { changes: 4, change: Some(resume), ..host.part("r.0") };
    host.assign(&[last]).await;
    let wrote = |text: &str| host.wrote("r.0", "lines").contains(text);
    until("the last is passed on", || wrote("\"number\":4")).await;
    let lines = host.wrote("r.0", "lines");
    let changes: Vec<&str> = lines
        .lines()
        .filter_map(|line| line.split_once(' ').map(|(_, line)| line))
        .filter(|line| line.contains("number"))
        .collect();
    let expect = [
        "{\"number\":1,\"at_us\":1000,\"pause\":true}",
        "{\"number\":2,\"at_us\":9,\"rate\":\"20k\"}",
        "{\"number\":3,\"at_us\":3000,\"pause\":true}",
        "{\"number\":4,\"at_us\":11,\"resume\":true}",
    ];
    assert_eq!(changes, expect);
}

/// A part that begins when its run was changed before: its engine hears of that first of all.
#[tokio::test]
async fn all_changes_so_far_come_before_anything_else() {
    for (what, all) in [("the last is all", 1), ("all are asked for", 3)] {
        let mut host = Host::running("0 good").await;
        let part = Part { changes: all, change: Some(pause(all)), ..host.part("r.0") };
        host.assign(std::slice::from_ref(&part)).await;
        if all > 1 {
            host.control.wait(what, |memory| memory.has_state("r.0", PartState::Starting)).await;
            let messages = host.control.memory().messages;
            host.control.wait(what, |memory| memory.messages > messages).await;
            assert!(host.wrote("r.0", "pid").is_empty(), "not without its changes");
            host.control.memory().changes.insert("r".to_owned(), (1..=all).map(pause).collect());
        }
        let is_there = || host.wrote("r.0", "lines").contains("lease_us");
        until("the lease is told", is_there).await;
        let text = host.wrote("r.0", "lines");
        let lines: Vec<&str> =
            text.lines().filter_map(|line| line.split_once(' ').map(|(_, line)| line)).collect();
        for number in 1..=all {
            let expect = format!("\"number\":{number},");
            let line = lines[usize::try_from(number).unwrap() - 1];
            assert!(line.contains(&expect), "{what}: {lines:?}");
        }
    }
}

/// Another engine may have sent its first half: an agent that lost its state folder cannot know.
#[tokio::test]
async fn a_part_whose_beginning_is_over_is_not_started() {
    let mut host = Host::running("0 good").await;
    let t0_unix_us = crate::control::now_unix_us() - 60_000_000;
    let from_us = 3_600_000_000;
    let share = Share { from_us, ..Share::whole(4) };
    let parts = [
        Part { t0_unix_us, ..host.part("late.0") },
        Part { t0_unix_us, share, ..host.part("successor.0") },
    ];
    host.assign(&parts).await;
    host.control.wait("it failed", |memory| memory.has_state("late.0", PartState::Failed)).await;
    let text = host.control.memory().part("late.0").unwrap().text.clone();
    assert!(text.starts_with("it was to begin 6") && text.ends_with(" s ago"), "{text}");
    assert!(host.wrote("late.0", "pid").is_empty());
    host.control.wait("what begins later runs", |memory| memory.frames("successor.0") > 0).await;
}

#[tokio::test]
async fn a_part_waits_for_cores_and_is_never_given_those_of_another() {
    let mut host = Host::running("0 good").await;
    let big = |name: &str| Part { cores: 3, ..part_of(&host, name) };
    let (first, second) = (big("r.0"), big("s.0"));
    let shared = Part { cores: 0, ..part_of(&host, "r.1") };
    host.assign(&[first.clone(), shared.clone()]).await;
    host.control
        .wait("both run", |memory| memory.frames("r.0") > 0 && memory.frames("r.1") > 0)
        .await;
    assert!(host.wrote("r.1", "arguments").contains("--spin\noff"));
    host.assign(&[first, shared, second.clone()]).await;
    host.control
        .wait("the second waits", |memory| {
            memory.has_state("s.0", PartState::Starting)
                && memory.statuses.last().unwrap().cores_free == 1
        })
        .await;
    let pid = host.pid("r.0").await;
    assert!(host.wrote("s.0", "pid").is_empty(), "no core for it yet");
    host.assign(&[second]).await;
    host.control.wait("the second runs", |memory| memory.frames("s.0") > 0).await;
    assert!(!is_alive(pid), "the first has gone before");
}

fn part_of(host: &Host, name: &str) -> Part {
    host.part(name)
}

#[tokio::test]
async fn parts_that_cannot_be_started_say_why() {
    let mut host = Host::running("0 good").await;
    let lie = "0".repeat(64);
    host.control.memory().plans.insert(lie.clone(), b"another plan".to_vec());
    let missing = "1".repeat(64);
    let parts = [
        ("lie.0", Part { plan: lie, ..host.part("lie.0") }, "it is not that plan"),
        ("missing.0", Part { plan: missing, ..host.part("missing.0") }, "no such plan"),
        (
            "hash.0",
            Part { plan: "../x".to_owned(), ..host.part("hash.0") },
            "not the hash of a plan",
        ),
        ("big.0", Part { cores: 5, ..host.part("big.0") }, "more cores than the agent has"),
        ("../../etc.0", host.part("../../etc.0"), "not one of a part"),
    ];
    let assigned: Vec<Part> = parts.iter().map(|(_, part, _)| part.clone()).collect();
    host.assign(&assigned).await;
    for (name, _, expect) in &parts {
        host.control.wait(name, |memory| memory.has_state(name, PartState::Failed)).await;
        let text = host.control.memory().part(name).unwrap().text.clone();
        assert!(text.contains(expect), "{name}: {text}");
        assert!(host.wrote(name, "pid").is_empty(), "{name} has no engine");
    }
    assert!(!host.folder.path().join("etc.0").exists(), "nothing outside of the state folder");
}

#[tokio::test]
async fn an_engine_that_is_no_program_is_a_failed_part() {
    let mut host = Host::new("0 good").await;
    host.settings.engine_program = Some("/no/such/engine".into());
    host.start().await;
    host.assign(&[host.part("r.0")]).await;
    host.control.wait("it failed", |memory| memory.has_state("r.0", PartState::Failed)).await;
    let text = host.control.memory().part("r.0").unwrap().text.clone();
    assert!(text.contains("failed to start the engine"), "{text}");
    host.control
        .wait("its core is free", |memory| memory.statuses.last().unwrap().cores_free == 4)
        .await;
}

/// Nothing was planned for it, so it has not failed.
#[tokio::test]
async fn a_part_that_is_stopped_before_it_is_started_finishes_without_books() {
    let mut host = Host::new("0 good").await;
    host.control.memory().lease = Duration::ZERO;
    host.start().await;
    host.assign(&[host.part("early.0")]).await;
    host.control.wait("waits", |memory| memory.has_state("early.0", PartState::Starting)).await;
    let stopped = |name: &str| Part { stop: true, ..part_of(&host, name) };
    let parts = [stopped("early.0"), stopped("late.0")];
    host.assign(&parts).await;
    for name in ["early.0", "late.0"] {
        host.control.wait(name, |memory| memory.has_state(name, PartState::Finished)).await;
        let part = host.control.memory().part(name).unwrap().clone();
        assert_eq!(
            (part.books, part.text.as_str()),
            (None, "it was stopped before it was started")
        );
        assert!(host.wrote(name, "pid").is_empty(), "{name} has no engine");
    }
}
