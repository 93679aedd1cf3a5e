//! Targets that fail, each in its way.

use super::{HELLO, count, each_driver, failing, options, rate, report};
use crate::server::{Peer, Server, refusing, silent};
use acp_engine::launch::{Control, LaunchError, run};
use acp_wire::ErrorClass;

#[test]
fn a_target_that_refuses_is_an_error_at_the_start() {
    each_driver(|driver| {
        let (_socket, address) = refusing();
        let plan = count(address, 10);
        let result = run(&plan, &options(driver), &Control::default(), &mut |_| ());
        let Err(error) = result else { panic!("a refused connection is not a run") };
        assert!(matches!(error, LaunchError::Unreachable { .. }), "{error}");
        let text = error.to_string();
        assert!(text.contains("Connection refused") && text.contains("hint:"), "{text}");
    });
}

#[test]
fn a_target_that_goes_away_is_counted_as_refusing() {
    each_driver(|driver| {
        let server = Server::start(|peer| {
            while peer.request().is_some() {
                peer.send(HELLO.as_bytes());
                if peer.requests_of_all() >= 50 {
                    return peer.leave();
                }
            }
        });
        let mut plan = rate(server.address(), "200", "1s");
        plan.connection.timeout = "1s".into();
        let report = report(driver, &plan);
        let books = &report.books;
        assert_eq!(books.planned, 200);
        assert!(books.errors.contains_key(&ErrorClass::ConnectRefused), "{books:?}");
        assert!(books.completed >= 49 && books.completed < 200, "{books:?}");
        let events: Vec<_> = report.events.iter().map(|event| event.text.as_str()).collect();
        assert!(events.iter().any(|text| text.contains("Connection refused")), "{events:?}");
        server.stop();
    });
}

/// What a server does after it has read a request.
type Script = fn(&mut Peer);

#[test]
fn each_way_to_fail_has_its_class() {
    /// The first half of a response.
    const HALF: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel";
    let rows: [(&str, ErrorClass, Script); 6] = [
        ("reset within a response", ErrorClass::Reset, |peer| {
            peer.send(HALF);
            peer.reset_at_end();
        }),
        ("reset instead of a response", ErrorClass::Reset, |peer| peer.reset_at_end()),
        ("closed within a response", ErrorClass::ClosedEarly, |peer| peer.send(HALF)),
        ("closed instead of a response", ErrorClass::ClosedEarly, |_| ()),
        ("not HTTP", ErrorClass::Protocol, |peer| {
            peer.send(b"SSH-2.0-OpenSSH_9.2\r\n\r\n");
            peer.await_close();
        }),
        ("no end of the head", ErrorClass::Protocol, |peer| {
            peer.send("X-Long: header\r\n".repeat(100_000).as_bytes());
            peer.await_close();
        }),
    ];
    each_driver(|driver| {
        for (what, class, script) in rows {
            let server = Server::start(move |peer| {
                if peer.request().is_some() {
                    script(peer);
                }
            });
            failing(driver, &count(server.address(), 6), class);
            assert_eq!(server.stop().requests, 6, "{what}");
        }
    });
}

#[test]
fn no_answer_is_a_timeout() {
    each_driver(|driver| {
        for answer in ["", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel"] {
            let server = Server::start(move |peer| {
                if peer.request().is_some() {
                    peer.send(answer.as_bytes());
                    peer.await_close();
                }
            });
            let mut plan = count(server.address(), 4);
            plan.connection.timeout = "100ms".into();
            let report = failing(driver, &plan, ErrorClass::Timeout);
            assert!(report.latency.error_response_ns.min >= 99_000_000, "{:?}", report.latency);
            assert_eq!(server.stop().requests, 4);
        }
    });
}

#[test]
fn no_answer_to_a_connection_is_a_connect_timeout() {
    each_driver(|driver| {
        let (_socket, _queued, address) = silent();
        let mut plan = count(address, 4);
        plan.connection.connect_timeout = "100ms".into();
        // With keep-alive this would be found before the run, and be an error.
        plan.connection.keep_alive = false;
        failing(driver, &plan, ErrorClass::ConnectTimeout);
        plan.connection.keep_alive = true;
        let result = run(&plan, &options(driver), &Control::default(), &mut |_| ());
        assert!(matches!(result, Err(LaunchError::Unreachable { .. })));
    });
}
