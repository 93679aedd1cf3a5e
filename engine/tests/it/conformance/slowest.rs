//! The slowest requests with their time lines, and response times by class of status.

use super::{HELLO, count, each_driver, measure, report};
use crate::server::Server;
use acp_engine::drivers::DriverKind;
use acp_engine::launch::Control;
use acp_wire::frame::Slow;
use acp_wire::{ErrorClass, Report};
use std::time::Duration;

const FAILURE: &[u8] = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n";

/// Whether what the kernel knows of connections can be asked for by this driver.
fn can_inspect(report: &Report) -> bool {
    let mut numbers = report.run.kernel.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    let can = report.run.driver != DriverKind::Uring.name() || version >= (6, 8);
    if !can {
        eprintln!("this kernel cannot make descriptors for files of a ring: not tested");
    }
    can
}

fn assert_in_order(slow: &Slow) {
    let begun = [slow.connected_ns, slow.handshake_ns].map(|at_ns| at_ns.unwrap_or(0));
    let first_byte_ns = slow.first_byte_ns.unwrap_or(slow.sent_ns);
    let line = [begun[0], slow.sent_ns, first_byte_ns, slow.ended_ns];
    assert!(line.is_sorted() && begun[1] == 0, "{slow:?}");
}

#[test]
fn fast_failures_do_not_make_responses_look_fast() {
    const SLOW: Duration = Duration::from_millis(100);
    each_driver(|driver| {
        let server = Server::start(|peer| {
            while peer.request().is_some() {
                if peer.requests_of_all() % 10 < 3 {
                    peer.send(FAILURE);
                } else {
                    std::thread::sleep(SLOW);
                    peer.send(HELLO.as_bytes());
                }
            }
        });
        let mut plan = count(server.address(), 40);
        plan.load.connections = 4;
        let report = report(driver, &plan);
        let slow_ns = u64::try_from(SLOW.as_nanos()).expect("little");
        let failures = report.books.errors[&ErrorClass::Unexpected];
        assert!(failures >= 9, "{:?}", report.books);
        let response = report.latency.response_ns;
        assert_eq!(response.count, 40 - failures);
        assert!(response.min >= slow_ns - slow_ns / 500, "{response:?}");
        let (good, bad) = (report.classes[&2], report.classes[&5]);
        assert_eq!((good.count, bad.count), (40 - failures, failures));
        assert_eq!((good.p50, good.max), (response.p50, response.max), "the same responses");
        assert!(bad.p50 < slow_ns, "{bad:?}");
        server.stop();
    });
}

#[test]
fn a_request_that_waited_for_its_connection_says_so() {
    each_driver(|driver| {
        for keep_alive in [false, true] {
            let server = Server::answering(HELLO);
            // So few that all of them are among the slowest, and all connections are asked about.
            let mut plan = count(server.address(), 8);
            plan.connection.keep_alive = keep_alive;
            let report = report(driver, &plan);
            assert!(report.slowest.is_sorted_by_key(|slow| std::cmp::Reverse(slow.ended_ns)));
            assert!(report.slowest.len() >= 5, "{:?}", report.slowest);
            for slow in &report.slowest {
                assert_eq!(slow.connected_ns.is_some(), !keep_alive, "{slow:?}");
                assert_eq!((slow.status, slow.error), (Some(200), None));
                assert_in_order(slow);
            }
            let has_tcp =
                report.slowest.iter().any(|slow| slow.tcp.is_some_and(|tcp| tcp.rtt_us > 0));
            assert!(has_tcp || !can_inspect(&report), "{:?}", report.slowest);
            server.stop();
        }
    });
}

#[test]
fn a_request_that_is_not_answered_is_slow() {
    each_driver(|driver| {
        let server = Server::start(|peer| while peer.request().is_some() {});
        let mut plan = count(server.address(), 4);
        plan.connection.timeout = "300ms".into();
        plan.load.connections = 4;
        let (report, frames) = measure(driver, &plan, &Control::default());
        assert_eq!(report.slowest.len(), 4);
        for slow in &report.slowest {
            let outcome = (slow.status, slow.error, slow.first_byte_ns);
            assert_eq!(outcome, (None, Some(ErrorClass::Timeout), None), "{slow:?}");
            assert!(slow.ended_ns >= 300_000_000, "{slow:?}");
            assert!(slow.agent.is_empty() && slow.tag.is_empty(), "{slow:?}");
            assert_in_order(slow);
        }
        let slots: Vec<_> = frames.iter().flat_map(|frame| &frame.slowest).collect();
        assert_eq!(slots.len(), 4, "each once");
        let has_tcp = report.slowest.iter().any(|slow| slow.tcp.is_some());
        assert!(has_tcp || !can_inspect(&report), "asked before the connection is closed");
        assert!(report.classes.is_empty(), "{:?}", report.classes);
        server.stop();
    });
}
