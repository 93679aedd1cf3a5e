//! Requests that a program makes by itself: orders with ids of their own, and a probe now and then.
//!
//! `cargo run --release --example own_requests -- http://127.0.0.1:8080/ 10000`

#![expect(clippy::print_stdout, reason = "this is what it is for")]

use acp_engine::{Answer, Control, Extensions, Feed, Given, Options, Wanted, run_with, wire};
use std::error::Error;
use std::io::Write as _;
use std::process::ExitCode;

/// Every so many requests one asks whether the target is well.
const PROBE_EVERY: u64 = 10;
/// Bytes of the body of an order: 12 around an id of 20 digits.
const BODY_BYTES: usize = 32;

/// The requests of one shard. Ids follow from slots: none comes twice, in no shard and on no host.
struct Orders {
    authority: String,
    order_tag: u16,
    probe_tag: u16,
}

impl Feed for Orders {
    fn give(&mut self, wanted: Wanted, bytes: &mut Vec<u8>) -> Answer {
        let (id, host) = (wanted.slot, &self.authority);
        let is_probe = id % PROBE_EVERY == PROBE_EVERY - 1;
        // Written into the place that the shard has for it: nothing is allocated.
        let written = if is_probe {
            write!(bytes, "HEAD /orders HTTP/1.1\r\nHost: {host}\r\n\r\n")
        } else {
            write!(
                bytes,
                "POST /orders HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n\
                 Idempotency-Key: {id}\r\nContent-Length: {BODY_BYTES}\r\n\r\n\
                 {{\"order\":\"{id:020}\"}}"
            )
        };
        // A panic here ends the run, and its report says where it came from.
        assert!(written.is_ok(), "a vector takes all bytes");
        let tag = if is_probe { self.probe_tag } else { self.order_tag };
        Answer::Given(Given { is_head: is_probe, tag })
    }
}

fn main() -> ExitCode {
    match load() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn load() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().ok_or("usage: own_requests URL [REQUESTS]")?;
    let requests: u64 = arguments.next().map_or(Ok(1000), |text| text.parse())?;
    let uri: http::Uri = url.parse()?;
    let authority = uri.authority().ok_or("the URL has no host")?.to_string();

    let mut plan = wire::Plan { schema: wire::PLAN_SCHEMA.into(), ..wire::Plan::default() };
    plan.target.url = url;
    plan.load.requests = Some(requests);
    plan.load.connections = 8;

    let extensions = Extensions::default().with_feed(|seat| Orders {
        authority: authority.clone(),
        order_tag: seat.tag("order"),
        probe_tag: seat.tag("probe"),
    });
    let (options, control) = (Options::default(), Control::default());
    let finished = run_with(&plan, &options, &control, &extensions, &mut |_| ())?;

    let report = &finished.report;
    for (tag, found) in &report.tags {
        println!("{tag}: {} responses, {} errors", found.completed, found.errors);
    }
    println!("sent {}, {}", report.books.sent, report.verdict.state.name());
    Ok(())
}
