//! The request path makes no allocation: a run of many requests allocates as often as a run of few.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use acp_engine::launch::{Control, Options, run};
use acp_wire::Plan;
use acp_wire::plan::{Arrival, Load, Model, Order, Source, Target};
use acp_wire::rows::Generate;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use std::alloc::System;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Requests of the short and of the long run.
const FEW: u64 = 2_000;
const MANY: u64 = 42_000;

/// Answers with a head in two pieces every so often, so that the path for split heads runs too.
/// Allocates nothing after a connection has begun.
fn serve(stream: TcpStream) {
    const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    stream.set_nodelay(true).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut writer = stream;
    let mut line = Vec::with_capacity(1024);
    for number in 0_u64.. {
        let mut body_bytes = 0;
        loop {
            line.clear();
            if reader.read_until(b'\n', &mut line).unwrap_or(0) == 0 {
                return;
            }
            if line == b"\r\n" {
                break;
            }
            if let Some(length) = line.strip_prefix(b"Content-Length: ") {
                body_bytes = std::str::from_utf8(length).unwrap().trim_end().parse().unwrap();
            }
        }
        while body_bytes > 0 {
            let read = reader.fill_buf().unwrap_or_default().len().min(body_bytes);
            if read == 0 {
                return;
            }
            reader.consume(read);
            body_bytes -= read;
        }
        let cut = if number % 16 == 0 { 20 } else { HEAD.len() };
        if writer.write_all(&HEAD[..cut]).and_then(|()| writer.write_all(&HEAD[cut..])).is_err() {
            return;
        }
    }
}

fn allocations_of(url: &str, load: Load, source: Option<Source>) -> u64 {
    let plan = Plan {
        schema: acp_wire::PLAN_SCHEMA.into(),
        seed: 1,
        target: Target { url: url.into(), ..Target::default() },
        load,
        source,
        ..Plan::default()
    };
    // A vector that grows or shrinks asks for memory too.
    let asked = || ALLOCATOR.stats().allocations + ALLOCATOR.stats().reallocations;
    let before = asked();
    let options = Options { threads: Some(1), ..Options::default() };
    let finished = run(&plan, &options, &Control::default(), &mut |_| {}).unwrap();
    let books = &finished.report.books;
    assert_eq!(books.completed, books.planned, "{books:?}");
    (asked() - before) as u64
}

#[test]
fn many_requests_allocate_as_often_as_few() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            std::thread::spawn(move || serve(stream.unwrap()));
        }
    });
    let closed = |requests| Load { connections: 8, requests: Some(requests), ..Load::default() };
    let open = |requests| Load {
        model: Model::Open,
        rate: Some("50k".into()),
        catchup: acp_wire::plan::Catchup::Burst,
        ..closed(requests)
    };
    // Twice as many are more than a block of the process.
    let poisson = |requests| Load { arrival: Arrival::Poisson, ..open(requests) };
    let values = format!("{url}{{{{uuid}}}}?{{{{int 1 9}}}}&{{{{zipf 1000 1.1}}}}&{{{{now_ms}}}}");
    let file = tempfile::NamedTempFile::new().unwrap();
    let lines: String = (0..1000).map(|line| format!("/path/{line}\n")).collect();
    std::fs::write(file.path(), lines).unwrap();
    let source_of = |file: &tempfile::NamedTempFile, order| {
        let file = Some(file.path().display().to_string());
        Some(Source { file, order, ..Source::default() })
    };
    let source = |order| source_of(&file, order);
    let rows = Some(Source {
        generate: Some(Generate {
            template: Some("/{{key}}?{{zipf 1000 1.1}}&{{date 2026-01-01 2026-12-31}}".into()),
            rows: Some(1_000_000.into()),
            ..Generate::default()
        }),
        ..Source::default()
    });
    let large = tempfile::NamedTempFile::new().unwrap();
    let lines: String =
        (1..20).map(|line| format!("POST /path/{line} {}\n", "x".repeat(line * 6_000))).collect();
    std::fs::write(large.path(), lines).unwrap();
    let large_source = source_of(&large, Order::Seq);
    for (what, url, source, few, many) in [
        ("closed", &url, None, closed(FEW), closed(MANY)),
        ("open", &url, None, open(FEW), open(MANY)),
        ("poisson", &url, None, poisson(FEW), poisson(2 * MANY)),
        ("values", &values, None, closed(FEW), closed(MANY)),
        ("a file", &url, source(Order::Seq), closed(FEW), closed(MANY)),
        ("a file in an open loop", &url, source(Order::Seq), open(FEW), open(MANY)),
        ("a shuffled file", &url, source(Order::Shuffle), closed(FEW), closed(MANY)),
        ("rows that are made", &url, rows, closed(FEW), closed(MANY)),
        ("a file of large bodies", &url, large_source, closed(FEW), closed(MANY / 2)),
    ] {
        let more_requests = many.requests.unwrap() - few.requests.unwrap();
        let few = allocations_of(url, few, source.clone());
        let many = allocations_of(url, many, source);
        // What is left is a frame a second and its histograms in base64: some 100 allocations each,
        // and the run may take a few seconds on a busy machine.
        let more = many.saturating_sub(few);
        assert!(
            more < more_requests / 40,
            "{what}: {more} more allocations for {more_requests} more requests ({few} and {many})"
        );
    }
}
