//! Commands to a running engine: changes, stop, and the lease.

use crate::child::{Engine, await_condition, await_requests, target, unix_us};
use acp_engine::target::{Target, TargetOptions};
use acp_wire::verdict::State;
use std::time::{Duration, Instant};

const LEASE: Duration = Duration::from_millis(700);

/// An engine that has opened its connections and begins in a moment, so that commands come in time.
fn ready(target: &Target, arguments: &[&str]) -> Engine {
    let start = (unix_us() + 1_000_000).to_string();
    let mut all = vec!["-c", "8", "--start-at", &start];
    all.extend(arguments);
    let mut engine = Engine::start(target.address(), None, &all);
    engine.await_ready();
    engine
}

fn lease() -> String {
    format!("{{\"lease_us\":{}}}", LEASE.as_micros())
}

#[test]
fn a_live_rate_is_exact_and_bad_lines_cost_a_warning() {
    let target = target();
    let mut engine = ready(&target, &["-R", "100", "-d", "3s"]);
    engine.command("{\"rate\":\"300\",\"at_us\":1000000,\"number\":1}");
    engine.command("{\"rate\":\"900\",\"at_us\":1000000,\"number\":1}");
    engine.command("faster, please");
    engine.command("{\"rate\":\"fast\",\"number\":2}");
    engine.command("{\"rate\":\"50\",\"at_us\":2000000,\"number\":3}");
    let ended = engine.end();
    let books = &ended.report().books;
    assert_eq!((books.planned, books.completed), (450, 450), "{books:?}");
    assert_eq!(ended.events(), [("rate", 1_000_000), ("rate", 2_000_000)]);
    for frame in ended.frames.iter().filter(|frame| frame.second < 3) {
        let second = usize::try_from(frame.second).expect("small");
        assert!((frame.rate_target - [100.0, 300.0, 50.0][second]).abs() < 1e-9, "{frame:?}");
    }
    let warnings: Vec<_> = ended.stderr.lines().collect();
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings[0].starts_with("warning: command `faster, please` is ignored: "));
    assert!(warnings[1].contains("bad rate: "), "{warnings:?}");
    assert_eq!(target.stop().expect("target").requests, 450);
}

#[test]
fn a_change_without_a_time_comes_at_once() {
    let target = target();
    let mut engine = ready(&target, &["-R", "100", "-n", "100k"]);
    await_requests(&target, 10);
    // At the old rate it would take a quarter of an hour.
    engine.command("{\"rate\":\"50k\"}");
    await_requests(&target, 5000);
    engine.command("{\"stop\":true}");
    let ended = engine.end();
    let kinds: Vec<_> = ended.events().iter().map(|&(kind, _)| kind.to_string()).collect();
    assert_eq!(kinds, ["rate", "stop"]);
    let books = &ended.report().books;
    assert_eq!(books.planned, 100_000, "a count is a count at any rate");
    assert_eq!(target.stop().expect("target").requests, books.sent);
}

#[test]
fn in_a_pause_nothing_is_sent() {
    let target = target();
    let mut engine = ready(&target, &["-R", "200", "-d", "4s"]);
    engine.command("{\"pause\":true,\"at_us\":500000}");
    engine.command("{\"resume\":true,\"at_us\":3500000}");
    let ended = engine.end();
    let books = &ended.report().books;
    assert_eq!((books.planned, books.completed), (200, 200), "{books:?}");
    assert_eq!(ended.events(), [("pause", 500_000), ("resume", 3_500_000)]);
    // What was late at the pause is made up in its first second.
    let second = |second| ended.frames.iter().filter(move |frame| frame.second == second);
    assert_eq!(second(2).map(|frame| frame.sent).sum::<u64>(), 0);
    assert!(second(2).all(|frame| frame.rate_target == 0.0));
    assert_eq!(target.stop().expect("target").requests, 200);
}

#[test]
fn a_closed_loop_can_be_paused_but_has_no_rate() {
    for driver in ["auto", "monoio-epoll"] {
        let target = target();
        let mut engine = ready(&target, &["-d", "3s", "--driver", driver]);
        engine.command("{\"rate\":\"10\"}");
        engine.command("{\"pause\":null,\"at_us\":200000,\"number\":1}");
        engine.command("{\"resume\":null,\"at_us\":2200000,\"number\":2}");
        let ended = engine.end();
        let sent = |second| {
            let of_second = ended.frames.iter().filter(|frame| frame.second == second);
            of_second.map(|frame| frame.sent).sum::<u64>()
        };
        assert!(sent(0) > 0 && sent(2) > 0, "{driver}: {} and {}", sent(0), sent(2));
        assert_eq!(sent(1), 0, "{driver}");
        assert!(ended.stderr.contains("a closed loop has no rate"), "{}", ended.stderr);
        let books = &ended.report().books;
        assert_eq!(target.stop().expect("target").requests, books.sent, "{driver}");
    }
}

#[test]
fn a_stop_is_not_a_result_and_a_signal_after_it_leaves_the_report() {
    let second_ns = 1_000_000_000;
    let options = TargetOptions { delay_ns: second_ns, ..TargetOptions::default() };
    for (signal, code) in [(None, 98), (Some("TERM"), 130)] {
        let target = Target::start(options.clone()).expect("target");
        let mut engine = ready(&target, &["-R", "100", "-d", "1h"]);
        await_requests(&target, 5);
        engine.command("{\"stop\":true}");
        if let Some(signal) = signal {
            engine.signal(signal);
        }
        let ended = engine.end();
        assert_eq!(ended.code, Some(code), "{}", ended.stderr);
        assert_eq!(ended.report().verdict.state, State::Aborted);
        assert_eq!(target.stop().expect("target").requests, ended.report().books.sent);
    }
}

#[test]
fn a_lease_that_is_not_renewed_stops_the_engine() {
    let target = target();
    let mut engine = ready(&target, &["-R", "200", "-d", "1h"]);
    let start = Instant::now();
    while start.elapsed() < LEASE * 3 {
        engine.command(&lease());
        std::thread::sleep(LEASE / 7);
    }
    await_requests(&target, 10);
    let ended = engine.end();
    assert_eq!(ended.code, Some(98), "{}", ended.stderr);
    let report = ended.report();
    assert_eq!(report.verdict.state, State::Aborted);
    let event = report.events.last().expect("an event");
    assert_eq!((event.kind.as_str(), event.text.as_str()), ("stop", "lease is over"));
    assert_eq!(target.stop().expect("target").requests, report.books.sent);
}

#[test]
fn the_end_of_commands_is_the_end_of_a_lease_and_of_nothing_else() {
    let target = target();
    let mut engine = ready(&target, &["-R", "200", "-d", "1h"]);
    engine.command("{\"lease_us\":3600000000}");
    await_requests(&target, 10);
    engine.hang_up();
    let ended = engine.end();
    assert_eq!(ended.report().verdict.state, State::Aborted, "{}", ended.stderr);
    assert_eq!(ended.report().events.last().expect("an event").text, "lease is over");

    let mut engine = ready(&target, &["-R", "200", "-d", "1s"]);
    engine.hang_up();
    let ended = engine.end();
    assert_eq!(ended.report().books.completed, 200, "{}", ended.stderr);
    assert_eq!(ended.report().events, []);
}

/// Whoever started it was gone before it wrote a line: its commands end, or nothing comes.
#[test]
fn a_lease_from_birth_ends_without_a_single_command() {
    for (what, lease, hangs_up) in [
        ("the commands end", "1h", true),
        ("no command comes", "700ms", false),
        ("it was over at once", "0s", false),
    ] {
        let target = target();
        let mut engine =
            Engine::start(target.address(), None, &["-R", "200", "-d", "1h", "--lease", lease]);
        if hangs_up {
            engine.hang_up();
        }
        let ended = engine.end();
        assert_eq!(ended.code, Some(98), "{what}: {}", ended.stderr);
        let report = ended.report();
        assert_eq!(report.verdict.state, State::Aborted, "{what}");
        assert_eq!(report.events.last().expect("an event").text, "lease is over", "{what}");
        assert_eq!(target.stop().expect("target").requests, report.books.sent, "{what}");
    }
}

#[test]
fn a_lease_from_birth_is_renewed_as_any_other() {
    let target = target();
    let mut engine =
        Engine::start(target.address(), None, &["-R", "200", "-d", "1s", "--lease", "5s"]);
    engine.command("{\"lease_us\":3600000000}");
    let ended = engine.end();
    assert_eq!(ended.report().books.completed, 200, "{}", ended.stderr);
    assert_eq!(ended.report().events, []);
}

#[test]
fn a_bad_lease_is_an_error_of_usage() {
    let target = target();
    let ended = Engine::start(target.address(), None, &["--lease", "soon"]).end();
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("bad --lease: "), "{}", ended.stderr);
}

/// A process may be stopped between its last look at the lease and the system call that sends: what
/// that call carries still goes, a turn's worth at the most. So a case that sent something gets
/// another try, and none may send more than a turn.
#[test]
fn an_engine_that_was_stopped_over_its_lease_sends_nothing_any_more() {
    for driver in ["auto", "monoio-epoll"] {
        for load in [["-R", "5k", "-d", "1h"], ["-d", "1h", "--pipeline", "2"]] {
            let late = (0..3).map(|_| requests_after_a_lapsed_stop(driver, &load));
            let late: Vec<_> = late.inspect(|&sent| assert!(sent <= TURN, "{sent}")).collect();
            assert!(late.contains(&0), "{driver} {load:?}: {late:?} came after the lease");
        }
    }
}

/// Requests that one turn may send: connections times pipeline depth.
const TURN: u64 = 64 * 2;

/// Requests that reach the target after an engine that was stopped over its lease goes on.
fn requests_after_a_lapsed_stop(driver: &str, load: &[&str]) -> u64 {
    let target = target();
    let mut arguments = vec!["--driver", driver, "--catchup", "burst"];
    arguments.extend(load);
    let mut engine = ready(&target, &arguments);
    engine.command(&lease());
    // A lease that ends before the start would be none of this test.
    await_condition("requests or end", || {
        engine.command(&lease());
        target.counts().requests >= 500
    });
    engine.signal("STOP");
    engine.await_stopped();
    std::thread::sleep(LEASE + Duration::from_millis(300));
    // Read only when it goes on: too late.
    engine.command(&lease());
    let before = target.counts().requests;
    engine.signal("CONT");
    let ended = engine.end();
    let report = ended.report();
    assert_eq!(report.verdict.state, State::Aborted, "{driver}");
    assert_eq!(report.events.last().expect("an event").text, "lease is over");
    let after = target.stop().expect("target").requests;
    assert!(report.books.sent >= after, "{:?}", report.books);
    after - before
}

#[test]
fn standard_input_is_the_plan_or_the_commands() {
    let target = target();
    let ended = Engine::start(target.address(), None, &["--plan", "-"]).end();
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("hint: give the plan a file"), "{}", ended.stderr);
}
