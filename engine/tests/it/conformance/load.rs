//! How much load there is, on which connections, from when to when.

use super::{HELLO, clean, count, each_driver, measure, rate};
use crate::server::{PATIENCE, Server};
use acp_engine::launch::Control;
use acp_wire::NotSent;
use acp_wire::verdict::State;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

#[test]
fn closed_loop_sends_its_count_on_kept_connections() {
    each_driver(|driver| {
        let server = Server::answering(HELLO);
        let mut plan = count(server.address(), 1000);
        plan.load.connections = 8;
        let report = clean(driver, &plan);
        assert_eq!(report.books.completed, 1000);
        assert_eq!(report.connections.opened, 8);
        assert_eq!(report.connections.reused_requests, 1000 - 8);
        assert_eq!(report.bytes.received, 1000 * HELLO.len() as u64);
        let seen = server.stop();
        assert_eq!((seen.requests, seen.connections), (1000, 8));
    });
}

#[test]
fn open_loop_sends_exactly_what_its_rate_says() {
    let rows = [("300/m", "2s", None, 10), ("1k", "500ms", None, 500), ("1k", "9s", Some(37), 37)];
    each_driver(|driver| {
        for (per_second, duration, requests, expected) in rows {
            let server = Server::answering(HELLO);
            let mut plan = rate(server.address(), per_second, duration);
            plan.load.requests = requests;
            let report = clean(driver, &plan);
            assert_eq!(report.books.completed, expected, "{per_second} {duration}");
            assert_eq!(server.stop().requests, expected, "{per_second} {duration}");
        }
    });
}

#[test]
fn a_last_slot_ends_the_run_no_sooner_than_it_is_due() {
    each_driver(|driver| {
        let server = Server::answering(HELLO);
        let report = clean(driver, &rate(server.address(), "10", "1s"));
        assert!(report.run.duration_us >= 900_000, "the tenth of ten is due after 900 ms");
        assert_eq!(server.stop().requests, 10);
    });
}

#[test]
fn without_keep_alive_each_request_has_a_connection() {
    each_driver(|driver| {
        let server = Server::answering(HELLO);
        let mut plan = count(server.address(), 200);
        plan.connection.keep_alive = false;
        plan.load.connections = 8;
        let report = clean(driver, &plan);
        assert_eq!(report.connections.opened, 200);
        assert_eq!(report.connections.reused_requests, 0);
        let seen = server.stop();
        assert_eq!((seen.requests, seen.connections), (200, 200));
    });
}

#[test]
fn connections_come_from_the_addresses_that_are_given() {
    each_driver(|driver| {
        let clients = Arc::new(Mutex::new(BTreeMap::<IpAddr, u32>::new()));
        let seen = Arc::clone(&clients);
        let server = Server::start(move |peer| {
            *seen.lock().expect("no panic").entry(peer.client().ip()).or_default() += 1;
            peer.answer_all(HELLO.as_bytes());
        });
        let mut plan = count(server.address(), 300);
        plan.load.connections = 6;
        plan.connection.source_ips = vec!["127.0.0.1".into(), "127.0.0.7-127.0.0.8".into()];
        clean(driver, &plan);
        server.stop();
        let expected = [1, 7, 8].map(|last| (IpAddr::from([127, 0, 0, last]), 2));
        assert_eq!(*clients.lock().expect("no panic"), BTreeMap::from(expected));
    });
}

#[test]
fn a_limit_of_requests_per_connection_is_kept() {
    each_driver(|driver| {
        let server = Server::answering(HELLO);
        let mut plan = count(server.address(), 100);
        plan.connection.requests_per_connection = 5;
        clean(driver, &plan);
        let seen = server.stop();
        assert_eq!(seen.requests, 100);
        assert!(seen.connections >= 20, "{seen:?}");
    });
}

#[test]
fn a_thousand_connections_are_opened_and_used() {
    each_driver(|driver| {
        let server = Server::answering(HELLO);
        let mut plan = rate(server.address(), "5k", "1s");
        plan.load.connections = 1000;
        let report = clean(driver, &plan);
        assert_eq!(report.connections.opened, 1000);
        let seen = server.stop();
        assert_eq!((seen.requests, seen.connections), (5000, 1000));
    });
}

#[test]
fn connections_are_spread_evenly_over_addresses() {
    each_driver(|driver| {
        let servers = [Server::answering(HELLO), Server::answering(HELLO)];
        let mut plan = rate(servers[0].address(), "1k", "400ms");
        plan.load.connections = 8;
        plan.target.connect_to =
            servers.iter().map(|server| server.address().to_string()).collect();
        clean(driver, &plan);
        let seen = servers.map(Server::stop);
        assert_eq!(seen.map(|seen| seen.connections), [4, 4]);
        assert_eq!(seen.map(|seen| seen.requests).iter().sum::<u64>(), 400);
    });
}

#[test]
fn the_warm_up_is_not_counted() {
    each_driver(|driver| {
        for is_open in [false, true] {
            let server = Server::answering(HELLO);
            let mut plan = match is_open {
                true => rate(server.address(), "200", "500ms"),
                false => count(server.address(), 100),
            };
            plan.load.warmup = "300ms".into();
            let (report, frames) = measure(driver, &plan, &Control::default());
            assert_eq!(report.books.completed, 100);
            assert_eq!(report.status.get(&200), Some(&100));
            assert!(frames[0].flags.warmup && frames[0].completed > 0);
            let in_warmup: u64 = frames.iter().filter(|f| f.flags.warmup).map(|f| f.sent).sum();
            assert_eq!(server.stop().requests, 100 + in_warmup);
        }
    });
}

#[test]
fn a_stop_ends_the_run_and_nothing_is_sent_after() {
    each_driver(|driver| {
        for is_open in [false, true] {
            let server = Server::answering(HELLO);
            let mut plan = match is_open {
                true => rate(server.address(), "1k", "1h"),
                false => count(server.address(), u64::MAX >> 1),
            };
            plan.load.connections = 8;
            let stop = Control::default();
            let (report, _) = std::thread::scope(|scope| {
                scope.spawn(|| {
                    server.await_requests(100);
                    stop.stop();
                });
                measure(driver, &plan, &stop)
            });
            let books = &report.books;
            assert_eq!(report.verdict.state, State::Aborted);
            assert!(books.not_sent.contains_key(&NotSent::Stopped), "{books:?}");
            assert!(u128::from(report.run.duration_us) < PATIENCE.as_micros());
            let seen = server.seen();
            assert_eq!(seen.requests, books.sent);
            assert_eq!(server.stop(), seen, "requests came after the run");
        }
    });
}
