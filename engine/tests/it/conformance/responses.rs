//! Bytes: framing of responses, and large bodies both ways.

use super::{HELLO, clean, count, each_driver, failing, report};
use crate::server::Server;
use acp_wire::ErrorClass;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A response with a body.
fn response(body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// Text that repeats at no power of two.
fn pattern(bytes: usize) -> String {
    let printable: Vec<_> = ('!'..='y').collect();
    (0..bytes).map(|at| printable[at * at % printable.len()]).collect()
}

#[test]
fn a_server_that_closes_kept_connections_costs_no_request() {
    const GOOD_BYE: &str = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello";
    each_driver(|driver| {
        for (limit, last) in [(1, GOOD_BYE), (3, GOOD_BYE), (1, HELLO), (3, HELLO)] {
            let server = Server::start(move |peer| {
                for number in 1..=limit {
                    if peer.request().is_some() {
                        peer.send(if number == limit { last } else { HELLO }.as_bytes());
                    }
                }
            });
            let mut plan = count(server.address(), 300);
            plan.load.connections = 8;
            clean(driver, &plan);
            let seen = server.stop();
            assert_eq!(seen.requests, 300, "closed after {limit} with `{last}`");
            assert!(seen.connections >= 300 / limit, "{seen:?}");
        }
    });
}

#[test]
fn every_framing_ends_where_it_should() {
    let rows: [(&str, &str, &str, u16); 9] = [
        ("content length", "GET", HELLO, 200),
        ("no body", "GET", "HTTP/1.1 204 No Content\r\n\r\n", 204),
        ("not modified", "GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", 304),
        ("answer to HEAD", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", 200),
        (
            "chunks",
            "GET",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n1\r\n!\r\n0\r\n\r\n",
            200,
        ),
        (
            "chunks with a trailer",
            "GET",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: 7\r\n\r\n",
            200,
        ),
        (
            "interim responses",
            "GET",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n\
             HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
            200,
        ),
        ("until the end", "GET", "HTTP/1.1 200 OK\r\n\r\nuntil the end", 200),
        ("HTTP/1.0", "GET", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", 200),
    ];
    each_driver(|driver| {
        for (what, method, answer, status) in rows {
            for bytewise in [false, true] {
                let server = Server::start(move |peer| {
                    while peer.request().is_some() {
                        let bite = if bytewise { 1 } else { answer.len() };
                        answer.as_bytes().chunks(bite).for_each(|bytes| peer.send(bytes));
                        if what == "until the end" {
                            return;
                        }
                    }
                });
                let mut plan = count(server.address(), 20);
                plan.request.method = method.into();
                let report = clean(driver, &plan);
                assert_eq!(report.status.get(&status), Some(&20), "{what}");
                assert_eq!(report.bytes.received, 20 * answer.len() as u64, "{what}");
                assert_eq!(server.stop().requests, 20, "{what}");
            }
        }
    });
}

#[test]
fn sixteen_requests_share_a_connection_and_their_answers_a_segment() {
    each_driver(|driver| {
        let server = Server::start(|peer| {
            // Without sixteen under way at a time this would wait for ever.
            while (0..16).map_while(|_| peer.request()).count() == 16 {
                peer.send(HELLO.repeat(16).as_bytes());
            }
        });
        let mut plan = count(server.address(), 1600);
        plan.connection.pipeline = 16;
        let report = clean(driver, &plan);
        assert_eq!(report.bytes.received, 1600 * HELLO.len() as u64);
        let seen = server.stop();
        assert_eq!((seen.requests, seen.connections), (1600, 2));
    });
}

#[test]
fn large_requests_reach_a_slow_reader_to_the_byte() {
    each_driver(|driver| {
        for pipeline in [1, 2] {
            let body = pattern(1 << 20);
            let expected = body.clone();
            let server = Server::start_slow(move |peer| {
                while let Some(request) = peer.request() {
                    assert!(request.head.starts_with("POST / HTTP/1.1\r\n"));
                    assert!(request.body == expected.as_bytes(), "another body has come");
                    peer.send(HELLO.as_bytes());
                }
            });
            let mut plan = count(server.address(), 8);
            plan.request.method = "POST".into();
            plan.request.body = Some(body);
            plan.connection.pipeline = pipeline;
            let report = clean(driver, &plan);
            assert!(report.bytes.sent > 8 << 20);
            assert_eq!(server.stop().requests, 8);
        }
    });
}

#[test]
fn large_responses_arrive_to_the_byte() {
    each_driver(|driver| {
        let answer = response(pattern(1 << 20).as_bytes());
        let length = answer.len() as u64;
        let server = Server::answering(answer);
        let report = clean(driver, &count(server.address(), 32));
        assert_eq!(report.bytes.received, 32 * length);
        assert_eq!(server.stop().requests, 32);
    });
}

/// Bodies that look like heads: whoever loses, doubles or swaps a buffer sees another response.
#[test]
fn no_buffer_of_many_connections_is_lost_or_swapped() {
    each_driver(|driver| {
        let lie = "HTTP/1.1 500 No\r\nContent-Length: 3\r\n\r\nno!".repeat(200);
        let answers: Vec<_> = [4999, 2048, 6001, 77]
            .iter()
            .map(|&length| response(&lie.as_bytes()[..length]))
            .collect();
        let sent_bytes = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&sent_bytes);
        let server = Server::start(move |peer| {
            for answer in answers.iter().cycle() {
                if peer.request().is_none() {
                    return;
                }
                counter.fetch_add(answer.len() as u64, Ordering::Relaxed);
                peer.send(answer);
            }
        });
        let mut plan = count(server.address(), 256 * 40);
        plan.load.connections = 256;
        // Connections are replaced all the time, so that what is late would meet another's buffers.
        plan.connection.requests_per_connection = 7;
        let report = clean(driver, &plan);
        assert_eq!(report.status.get(&200), Some(&(256 * 40)), "{:?}", report.status);
        assert_eq!(server.stop().requests, 256 * 40);
        assert_eq!(report.bytes.received, sent_bytes.load(Ordering::Relaxed));
    });
}

#[test]
fn an_unexpected_status_is_a_response_all_the_same() {
    each_driver(|driver| {
        let server = Server::answering("HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nno");
        let report = failing(driver, &count(server.address(), 50), ErrorClass::Unexpected);
        assert_eq!(report.books.completed, 50);
        assert_eq!(report.status.get(&500), Some(&50));
        assert_eq!(report.connections.opened, 2, "it costs no connection");
        assert_eq!(server.stop().requests, 50);
    });
}

#[test]
fn a_body_without_the_expected_text_is_unexpected() {
    const CHUNKED: &str =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n";
    const EMPTY: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    each_driver(|driver| {
        for (what, answer, is_expected) in [
            ("in one piece", HELLO, true),
            ("over chunks", CHUNKED, true),
            ("no body", EMPTY, false),
            ("in the head only", "HTTP/1.1 200 hello\r\nContent-Length: 1\r\n\r\nh", false),
        ] {
            let server = Server::answering(answer);
            let mut plan = count(server.address(), 200);
            plan.expect.body_contains = "hello".into();
            let report = report(driver, &plan);
            let unexpected = report.books.errors.get(&ErrorClass::Unexpected).copied();
            assert_eq!(unexpected, (!is_expected).then_some(200), "{what}");
            assert_eq!(report.books.completed, 200, "{what}: a response all the same");
            server.stop();
        }
    });
}
