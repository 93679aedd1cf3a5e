//! Requests that are not all the same: large and small ones mixed, from files and templates.

use super::{HELLO, clean, count, each_driver, rate};
use crate::server::{Peer, Request, Server};
use acp_wire::plan::Source;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

/// Lengths of bodies, around every border on their way.
const LENGTHS: [usize; 12] =
    [0, 1, 100, 2047, 4000, 4096, 4097, 16_384, 65_536, 300_000, 1 << 20, 7];

/// The byte of a body at a place: none that is shifted, lost or of another line is like it.
fn pattern(line: usize, at: usize) -> u8 {
    let mixed = at.wrapping_mul(31) ^ (at >> 8) ^ line.wrapping_mul(97);
    b'a' + u8::try_from(mixed % 26).expect("a letter")
}

fn check_body(request: &Request) {
    let path = request.head.split(' ').nth(1).expect("a path");
    let line: usize = path.trim_start_matches('/').parse().expect("the number of a line");
    assert_eq!(request.body.len(), LENGTHS[line], "line {line}");
    let is_right = |(at, &byte): (usize, &u8)| byte == pattern(line, at);
    let wrong = request.body.iter().enumerate().position(|pair| !is_right(pair));
    assert_eq!(wrong, None, "line {line}");
}

/// A query file with a body of each length.
fn bodies(folder: &tempfile::TempDir) -> Source {
    let mut text = String::new();
    for (line, &length) in LENGTHS.iter().enumerate() {
        let body: String = (0..length).map(|at| char::from(pattern(line, at))).collect();
        let line =
            format!(r#"{{"method":"POST","path":"/{line}","body":"{body}","tag":"{line}"}}"#);
        writeln!(text, "{line}").expect("text");
    }
    let path = folder.path().join("bodies.jsonl");
    std::fs::write(&path, text).expect("file");
    Source { file: Some(path.display().to_string()), ..Source::default() }
}

#[test]
fn large_and_small_bodies_come_byte_for_byte() {
    let folder = tempfile::tempdir().expect("folder");
    let source = bodies(&folder);
    each_driver(|driver| {
        for (pipeline, is_slow) in [(1, false), (4, false), (4, true), (32, true)] {
            let script = |peer: &mut Peer| {
                while let Some(request) = peer.request() {
                    check_body(&request);
                    peer.send(HELLO.as_bytes());
                }
            };
            // Through a small window many sends take less than all, while answers bring new requests.
            let server = if is_slow { Server::start_slow(script) } else { Server::start(script) };
            let mut plan = count(server.address(), 10 * LENGTHS.len() as u64);
            plan.load.connections = 3;
            plan.connection.pipeline = pipeline;
            plan.source = Some(source.clone());
            clean(driver, &plan);
            assert_eq!(server.stop().requests, 10 * LENGTHS.len() as u64);
        }
    });
}

#[test]
fn templates_are_filled_in_for_each_slot() {
    each_driver(|driver| {
        let seen = Arc::new(Mutex::new(BTreeSet::new()));
        let of_server = Arc::clone(&seen);
        let server = Server::start(move |peer| {
            while let Some(request) = peer.request() {
                let path = request.head.split(' ').nth(1).expect("a path").to_string();
                let (slot, _) = path[1..].split_once('?').expect("a query");
                assert_eq!(request.body, format!("{slot}:").as_bytes());
                of_server.lock().expect("lock").insert(slot.parse::<u64>().expect("a slot"));
                peer.send(HELLO.as_bytes());
            }
        });
        let mut plan = rate(server.address(), "1k", "300ms");
        plan.request.method = "POST".into();
        plan.request.path = Some("/{{slot}}?{{uuid}}&{{int 1 9}}".into());
        plan.request.body = Some("{{slot}}:".into());
        clean(driver, &plan);
        server.stop();
        assert!(seen.lock().expect("lock").iter().copied().eq(0..300), "each slot once");
    });
}
