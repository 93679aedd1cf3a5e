//! Requests and checks of a program's own.

use super::{HELLO, count, each_driver, options, rate};
use crate::server::Server;
use acp_engine::drivers::DriverKind;
use acp_engine::{
    Answer, Check, Control, Extensions, Feed, Given, LaunchError, Response, Seat, Seen, Wanted,
    run_with,
};
use acp_wire::plan::{Plan, Source};
use acp_wire::verdict::State;
use acp_wire::{ErrorClass, NotSent, Report};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// A feed that is a function, with the number of times that it was asked.
struct Asked<F>(F, u64);

impl<F: FnMut(Wanted, u64, &mut Vec<u8>) -> Answer + Send> Feed for Asked<F> {
    fn give(&mut self, wanted: Wanted, bytes: &mut Vec<u8>) -> Answer {
        self.1 += 1;
        (self.0)(wanted, self.1, bytes)
    }
}

fn fed<F>(give: F) -> Extensions<'static>
where
    F: FnMut(Wanted, u64, &mut Vec<u8>) -> Answer + Clone + Send + 'static,
{
    Extensions::default().with_feed(move |_| Asked(give.clone(), 0))
}

fn get(wanted: Wanted, bytes: &mut Vec<u8>) -> Answer {
    bytes.extend_from_slice(format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", wanted.slot).as_bytes());
    Given::default().into()
}

/// Runs a plan to its end, whatever becomes of it, and checks what holds of every run.
fn report(driver: DriverKind, plan: &Plan, extensions: &Extensions) -> Report {
    let control = Control::default();
    let finished = run_with(plan, &options(driver), &control, extensions, &mut |_| ());
    let report = finished.map_err(|error| error.to_string()).expect("run").report;
    assert!(report.books.balanced, "{:?}", report.books);
    report
}

/// A server that keeps the paths that it was asked for, each once.
fn recording() -> (Server, Arc<Mutex<BTreeSet<String>>>) {
    let asked = Arc::new(Mutex::new(BTreeSet::new()));
    let seen = Arc::clone(&asked);
    let server = Server::start(move |peer| {
        while let Some(request) = peer.request() {
            let path = request.head.split(' ').nth(1).expect("a path").to_string();
            assert!(seen.lock().expect("no panic with the lock").insert(path), "asked for twice");
            peer.send(HELLO.as_bytes());
        }
    });
    (server, asked)
}

#[test]
fn every_slot_has_its_request_and_no_other() {
    each_driver(|driver| {
        let (server, asked) = recording();
        let seats = Mutex::new(Vec::new());
        let extensions = Extensions::default().with_feed(|seat: &Seat| {
            seats.lock().expect("seats").push((seat.shard(), seat.shards(), seat.slot(1)));
            assert_eq!((seat.connections(), seat.plan().connections), (1, 2));
            let tag = seat.tag(if seat.shard() == 0 { "first" } else { "second" });
            Asked(
                move |wanted: Wanted, _, bytes: &mut Vec<u8>| {
                    get(wanted, bytes);
                    Given { is_head: false, tag }.into()
                },
                0,
            )
        });
        let report = report(driver, &count(server.address(), 300), &extensions);
        assert_eq!(report.books.completed, 300);
        assert_eq!(report.verdict.state, State::Valid, "{:?}", report.verdict);
        let counts: Vec<_> =
            report.tags.iter().map(|(tag, of)| (tag.as_str(), of.completed)).collect();
        assert_eq!(counts, [("first", 150), ("second", 150)]);
        drop(extensions);
        assert_eq!(seats.into_inner().expect("seats"), [(0, 2, 2), (1, 2, 3)]);
        server.stop();
        assert_eq!(asked.lock().expect("no panic with the lock").len(), 300);
    });
}

#[test]
fn a_feed_that_has_nothing_yet_is_asked_again_or_costs_its_slot() {
    // Every third time there is a request.
    let sparse = |wanted, asked: u64, bytes: &mut Vec<u8>| match asked % 3 {
        0 => get(wanted, bytes),
        _ => Answer::NotYet,
    };
    each_driver(|driver| {
        let (server, _) = recording();
        let closed = report(driver, &count(server.address(), 60), &fed(sparse));
        assert_eq!((closed.books.completed, closed.books.not_sent.len()), (60, 0));
        server.stop();
        let (server, _) = recording();
        let open = report(driver, &rate(server.address(), "300", "1s"), &fed(sparse));
        let source = open.books.not_sent.get(&NotSent::Source);
        assert_eq!((open.books.planned, open.books.completed, source), (300, 100, Some(&200)));
        server.stop();
    });
}

#[test]
fn a_feed_that_is_over_ends_a_closed_loop_as_planned() {
    let ten = |wanted, asked: u64, bytes: &mut Vec<u8>| match asked {
        1..=10 => get(wanted, bytes),
        _ => Answer::Over,
    };
    type Of = fn(SocketAddr) -> Plan;
    let counted: Of = |address| count(address, 100);
    let timed: Of = |address| {
        let mut plan = count(address, 0);
        plan.load.requests = None;
        plan.load.duration = Some("1h".into());
        plan
    };
    let warm: Of = |address| {
        let mut plan = count(address, 100);
        plan.load.warmup = "200ms".into();
        plan
    };
    let open: Of = |address| rate(address, "100", "1s");
    each_driver(|driver| {
        for (what, plan, completed, not_sent) in [
            ("a count", counted, 20, 80),
            ("a time", timed, 20, 0),
            ("all of it in the warm-up", warm, 0, 100),
            ("an open loop", open, 20, 80),
        ] {
            let server = Server::answering(HELLO);
            let report = report(driver, &plan(server.address()), &fed(ten));
            let books = &report.books;
            let source = books.not_sent.get(&NotSent::Source).copied().unwrap_or(0);
            assert_eq!((books.completed, source), (completed, not_sent), "{what}: {books:?}");
            assert_eq!(books.planned, completed + not_sent, "{what}: {books:?}");
            assert_ne!(report.verdict.state, State::Aborted, "{what}: {:?}", report.verdict);
            let events: Vec<_> = report.events.iter().map(|event| event.text.as_str()).collect();
            assert_eq!(events, ["the feeds of 2 of 2 shards had no more requests"], "{what}");
            assert_eq!(server.stop().requests, 20, "{what}");
        }
    });
}

#[test]
fn responses_to_head_have_no_body_and_the_next_one_is_found() {
    let mixed = |wanted: Wanted, _, bytes: &mut Vec<u8>| {
        let is_head = wanted.index.is_multiple_of(2);
        let method = if is_head { "HEAD" } else { "GET" };
        bytes.extend_from_slice(format!("{method} / HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes());
        Given { is_head, tag: 0 }.into()
    };
    each_driver(|driver| {
        for pipeline in [1, 4] {
            let server = Server::start(|peer| {
                while let Some(request) = peer.request() {
                    let is_head = request.head.starts_with("HEAD ");
                    let bytes = HELLO.len() - if is_head { "hello".len() } else { 0 };
                    peer.send(&HELLO.as_bytes()[..bytes]);
                }
            });
            let mut plan = count(server.address(), 200);
            plan.connection.pipeline = pipeline;
            let report = report(driver, &plan, &fed(mixed));
            assert_eq!(report.books.completed, 200, "{:?}", report.books);
            assert!(report.books.errors.is_empty(), "{:?}", report.books);
            assert_eq!(server.stop().connections, 2, "none had to be given up");
        }
    });
}

/// A run that something has ended must say what, account for all that was sent, and be over soon.
fn ends_with(driver: DriverKind, extensions: &Extensions, reason: &str) {
    let server = Server::answering(HELLO);
    for plan in [
        rate(server.address(), "500", "1h"),
        Plan {
            load: acp_wire::plan::Load {
                connections: 2,
                duration: Some("1h".into()),
                ..Default::default()
            },
            ..count(server.address(), 0)
        },
    ] {
        let report = report(driver, &plan, extensions);
        assert_eq!(report.verdict.state, State::Aborted);
        let found = &report.verdict.reasons[0].text;
        assert!(found.contains(reason), "`{found}` is not `{reason}`");
        assert!(
            report.events.iter().any(|event| event.text.contains(reason)),
            "{:?}",
            report.events
        );
        assert_eq!(report.books.lost_with_agent + report.books.in_flight_at_stop, 0);
    }
    server.stop();
}

#[test]
fn what_is_at_fault_ends_the_run_and_is_named() {
    let panics = |wanted: Wanted, asked, bytes: &mut Vec<u8>| {
        assert!(asked < 20 || wanted.slot.is_multiple_of(2), "out of orders");
        get(wanted, bytes)
    };
    let empty = |wanted, asked, bytes: &mut Vec<u8>| match asked {
        20 => Given::default().into(),
        _ => get(wanted, bytes),
    };
    each_driver(|driver| {
        ends_with(driver, &fed(panics), "the feed of shard 1 panicked: out of orders");
        ends_with(driver, &fed(empty), "gave a request without bytes");
        let broken = Extensions::default().with_check(|_| EveryThird::panicking());
        ends_with(driver, &broken, "panicked: the third response");
    });
}

/// Finds every third response of a connection wrong.
struct EveryThird {
    number: u64,
    panics: bool,
    bytes: u64,
    seen: Arc<AtomicU64>,
}

impl EveryThird {
    fn new(seen: &Arc<AtomicU64>) -> Self {
        Self { number: 0, panics: false, bytes: 0, seen: Arc::clone(seen) }
    }

    fn panicking() -> Self {
        Self { panics: true, ..Self::new(&Arc::default()) }
    }
}

impl Check for EveryThird {
    fn body(&mut self, piece: &[u8]) {
        self.bytes += piece.len() as u64;
    }

    fn end(&mut self, response: &Response) -> bool {
        assert_eq!((self.bytes, response.body_bytes, response.status), (5, 5, 200));
        self.bytes = 0;
        self.number += 1;
        self.seen.fetch_add(1, Ordering::Relaxed);
        let is_third = self.number.is_multiple_of(3);
        assert!(!(is_third && self.panics), "the third response");
        !is_third
    }

    fn reset(&mut self) {
        self.bytes = 0;
    }
}

#[test]
fn a_check_counts_as_what_the_plan_expects_does() {
    each_driver(|driver| {
        for (what, text, unexpected) in [
            ("no text", "", 100),
            ("one that is there", "hell", 100),
            ("one that is not", "x", 300),
        ] {
            let server = Server::answering(HELLO);
            let mut plan = count(server.address(), 300);
            plan.load.connections = 1;
            plan.expect.body_contains = text.into();
            let seen = Arc::default();
            let extensions = Extensions::default().with_check(|_| EveryThird::new(&seen));
            let report = report(driver, &plan, &extensions);
            let errors: Vec<_> = report.books.errors.iter().collect();
            assert_eq!(errors, [(&ErrorClass::Unexpected, &unexpected)], "{what}");
            assert_eq!(report.books.completed, 300, "{what}");
            assert_eq!(report.latency.response_ns.count, 300 - unexpected, "{what}");
            assert_eq!(seen.load(Ordering::Relaxed), 300, "{what}");
            server.stop();
        }
    });
}

#[test]
fn a_stop_at_once_waits_for_nothing() {
    each_driver(|driver| {
        // It reads, and never answers.
        let server = Server::start(|peer| while peer.request().is_some() {});
        let mut plan = rate(server.address(), "100", "1h");
        plan.connection.timeout = "1h".into();
        let control = Control::default();
        let mut frames = 0;
        let mut steer = |seen: Seen| {
            let Seen::Frame(..) = seen else { return };
            frames += 1;
            match frames {
                1 => control.stop(),
                2 => control.stop_now(),
                _ => {}
            }
        };
        let finished =
            run_with(&plan, &options(driver), &control, &Extensions::default(), &mut steer);
        let report = finished.map_err(|error| error.to_string()).expect("run").report;
        assert_eq!(report.verdict.state, State::Aborted);
        let books = &report.books;
        assert!(books.balanced && books.errors.is_empty(), "{books:?}");
        assert_eq!((books.sent, books.completed, books.in_flight_at_stop), (2, 0, 2), "{books:?}");
        // Waiting went on after the first stop.
        assert!(frames >= 2);
        server.stop();
    });
}

#[test]
fn a_plan_with_requests_of_its_own_is_refused_beside_a_feed() {
    let address = SocketAddr::from(([127, 0, 0, 1], 9));
    let mut with_source = count(address, 1);
    with_source.source = Some(Source { file: Some("/no/such/file".into()), ..Source::default() });
    let mut with_values = count(address, 1);
    with_values.request.path = Some("/{{slot}}".into());
    for plan in [with_source, with_values] {
        let feed = fed(|wanted, _, bytes| get(wanted, bytes));
        let (options, control) = (acp_engine::Options::default(), Control::default());
        let Err(error) = run_with(&plan, &options, &control, &feed, &mut |_| ()) else {
            panic!("two sources")
        };
        assert!(matches!(error, LaunchError::TwoSources), "{error}");
        assert!(error.to_string().contains("`{{…}}`"), "{error}");
    }
}
