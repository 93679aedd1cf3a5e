//! Shares of a plan on several engines, and their common start.

use crate::child::{Ended, Engine, target, unix_us};
use crate::server::refusing;
use acp_wire::agent::Share;
use std::net::SocketAddr;

const SECOND_US: u64 = 1_000_000;

fn class(offset: u64, stride: u64) -> Share {
    Share { offset, stride, ..Share::whole(4) }
}

/// Runs to its end with a schedule that began at `start_us`.
fn run(address: SocketAddr, share: Share, start_us: u64, arguments: &[&str]) -> Ended {
    let start = start_us.to_string();
    let mut all = vec!["--start-at", &start, "--run-id", "run-7", "--agent", "host:1"];
    all.extend(arguments);
    let mut engine = Engine::start(address, Some(share), &all);
    engine.await_ready();
    engine.end()
}

#[test]
fn engines_with_shares_and_one_start_send_exactly_the_plan() {
    let target = target();
    let load = ["-R", "500", "-d", "2s", "--warmup", "300ms"];
    let start_us = unix_us() + 1_500_000;
    let engines = [0, 1].map(|offset| {
        let address = target.address();
        std::thread::spawn(move || run(address, class(offset, 2), start_us, &load))
    });
    let ended = engines.map(|engine| engine.join().expect("thread"));
    let mut in_warmup = 0;
    for engine in &ended {
        let report = engine.report();
        let ready = engine.ready.as_deref().expect("a ready line");
        assert_eq!(
            ready,
            "{\"schema\":\"acp.ready/1\",\"run\":\"run-7\",\"open_connections\":4}\n"
        );
        assert_eq!(
            (report.books.planned, report.books.completed),
            (500, 500),
            "{:?}",
            report.books
        );
        assert_eq!(report.run.id, "run-7");
        assert_eq!(report.run.started_unix_us, start_us + 300_000);
        // The last slot is due 2 or 4 ms before the end.
        assert!((1_990_000..20 * SECOND_US).contains(&report.run.duration_us));
        for frame in &engine.frames {
            assert_eq!((frame.run.as_str(), frame.agent.as_str()), ("run-7", "host:1"));
            assert!(frame.second > 1 || (frame.rate_target - 250.0).abs() < 1e-9, "{frame:?}");
        }
        in_warmup += engine.warmup_sent();
    }
    // A busy machine may miss the first or the last of them.
    assert!((1..=150).contains(&in_warmup), "{in_warmup} of the warm-up");
    assert_eq!(target.stop().expect("target").requests, 1000 + in_warmup);
}

#[test]
fn parts_of_a_count_are_exact() {
    let past = unix_us() - SECOND_US;
    for (what, share, arguments, planned) in [
        ("closed loop", class(1, 3), ["-n", "1000"].as_slice(), 333),
        ("of it some is done", Share { skip: 300, ..class(1, 3) }, &["-n", "1000"], 33),
        ("open loop", class(0, 3), &["-R", "5k", "-n", "1000"], 334),
        ("fewer than shares", class(2, 3), &["-R", "10", "-n", "2"], 0),
        ("fewer than shares, closed loop", class(2, 3), &["-n", "2"], 0),
        ("less than a slot", class(6, 7), &["-R", "1", "-d", "1s"], 0),
    ] {
        let target = target();
        let ended = run(target.address(), share, past, arguments);
        let books = &ended.report().books;
        assert_eq!((books.planned, books.completed), (planned, planned), "{what}: {books:?}");
        // A machine that is busy with other tests may make the run invalid.
        assert!(matches!(ended.code, Some(0 | 98)), "{what}: {:?} {}", ended.code, ended.stderr);
        assert_eq!(target.stop().expect("target").requests, planned, "{what}");
    }
}

#[test]
fn a_schedule_that_has_begun_is_joined_where_it_is() {
    for (what, from_us, arguments, began_us, planned, seconds) in [
        ("what is overdue is made up", 0, ["--catchup", "burst"], 1_500_000, 300, 0..3),
        ("what is overdue is given up", 0, ["--catchup", "none"], 1_500_000, 300, 0..3),
        ("somebody else's is left", 2_000_000, ["--catchup", "smooth"], 1_000_000, 100, 1..3),
        ("all of it was somebody else's", 3_000_000, ["--catchup", "smooth"], 2_000_000, 0, 2..3),
    ] {
        let target = target();
        let share = Share { from_us, ..class(0, 1) };
        let mut all = vec!["-R", "100", "-d", "3s", "--warmup", "500ms"];
        all.extend(arguments);
        // The measured part began so long ago.
        let ended = run(target.address(), share, unix_us() - began_us - 500_000, &all);
        let (report, frames) = (ended.report(), &ended.frames);
        assert_eq!(report.books.planned, planned, "{what}: {:?}", report.books);
        assert_eq!(ended.warmup_sent(), 0, "{what}: the warm-up is over");
        assert!(frames.iter().all(|frame| !frame.flags.warmup), "{what}");
        // The last frame holds what is answered after the end.
        let inside = |second| seconds.start <= second && second <= seconds.end + 30;
        assert!(frames.iter().all(|frame| inside(frame.second)), "{what}: {frames:?}");
        if arguments[1] == "none" {
            assert!(report.books.not_sent_total() >= 100, "{what}: {:?}", report.books);
        } else {
            assert_eq!(report.books.completed, planned, "{what}: {:?}", report.books);
        }
        assert_eq!(target.stop().expect("target").requests, report.books.sent, "{what}");
    }
}

#[test]
fn a_target_that_cannot_be_reached_is_an_error_only_at_the_start() {
    let (_socket, address) = refusing();
    let load = ["-R", "100", "-d", "2s"];
    let ended = run(address, class(0, 2), unix_us() + 100_000, &load);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(ended.stderr.starts_with("error: cannot connect to "), "{}", ended.stderr);
    assert!(ended.report.is_none());

    let heir = Share { from_us: SECOND_US, ..class(0, 2) };
    let ended = run(address, heir, unix_us() - SECOND_US, &load);
    let ready = ended.ready.as_deref().expect("a ready line");
    assert!(ready.ends_with("\"open_connections\":0}\n"), "{ready}");
    let books = &ended.report().books;
    assert_eq!((books.planned, books.completed), (50, 0), "{books:?}");
    assert!(ended.report().events.iter().any(|event| event.kind == "error"), "{}", ended.stderr);
}

#[test]
fn goals_are_judged_by_whoever_has_all_shares() {
    let target = target();
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("plan.toml");
    let text = format!(
        "schema = \"acp.plan/1\"\n[target]\nurl = \"http://{}/\"\n[load]\nrequests = 20\n\
         [stop]\nslo = [\"p99<50ms\"]\nabort_on = [\"errors>5% over 10s\"]\n",
        target.address()
    );
    std::fs::write(&path, text).expect("plan");
    let plan = ["--plan", path.to_str().expect("text")];
    let alone = Engine::start(target.address(), None, &plan).end();
    let judged: Vec<_> = alone.report().slo.iter().map(|goal| goal.expr.as_str()).collect();
    assert_eq!(judged, ["p99<50ms"], "{}", alone.stderr);
    let share = Engine::start(target.address(), Some(class(0, 2)), &plan).end();
    assert_eq!(share.report().slo, [], "{}", share.stderr);
    assert_eq!(share.report().books.completed, 10);
    assert_eq!(target.stop().expect("target").requests, 20 + 10);
}

#[test]
fn bad_shares_are_usage_errors() {
    let (_socket, address) = refusing();
    let no_stride = Share { stride: 0, ..class(0, 1) };
    let no_connection = Share { connections: 0, ..class(0, 1) };
    for (share, words) in [
        (class(3, 3), "it must be below its stride of 3"),
        (no_stride, "the stride of a share is 0"),
        (no_connection, "a share has 0 connections"),
    ] {
        let ended = Engine::start(address, Some(share), &[]).end();
        assert_eq!(ended.code, Some(2), "{}", ended.stderr);
        assert!(ended.stderr.contains(words), "{}", ended.stderr);
    }
}
