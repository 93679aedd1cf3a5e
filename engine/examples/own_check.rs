//! A check that a program makes by itself: bodies are JSON, and have a field that is a number.
//!
//! `cargo run --release --example own_check -- http://127.0.0.1:8080/status uptime 10000`

#![expect(clippy::print_stdout, reason = "this is what it is for")]

use acp_engine::wire::ErrorClass;
use acp_engine::{Check, Control, Extensions, Options, Response, run_with, wire};
use serde_json::Value;
use std::error::Error;
use std::process::ExitCode;

/// Longer bodies than this are not what is asked for: memory has a bound.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// Looks at the responses of one connection.
struct HasNumber {
    field: String,
    /// The body so far: a network cuts it anywhere.
    body: Vec<u8>,
}

impl Check for HasNumber {
    fn body(&mut self, piece: &[u8]) {
        let room = MAX_BODY_BYTES.saturating_sub(self.body.len());
        self.body.extend_from_slice(&piece[..piece.len().min(room)]);
    }

    fn end(&mut self, _: &Response) -> bool {
        let found: Result<Value, _> = serde_json::from_slice(&self.body);
        self.reset();
        found.is_ok_and(|value| value.get(&self.field).is_some_and(Value::is_number))
    }

    fn reset(&mut self) {
        self.body.clear();
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
    let usage = "usage: own_check URL FIELD [REQUESTS]";
    let (url, field) = (arguments.next().ok_or(usage)?, arguments.next().ok_or(usage)?);
    let requests: u64 = arguments.next().map_or(Ok(1000), |text| text.parse())?;

    let mut plan = wire::Plan { schema: wire::PLAN_SCHEMA.into(), ..wire::Plan::default() };
    plan.target.url = url;
    plan.load.requests = Some(requests);
    plan.load.connections = 8;
    // What the plan asks for has to hold as well.
    plan.expect.status = vec!["200".into()];

    let extensions = Extensions::default()
        .with_check(|_| HasNumber { field: field.clone(), body: Vec::with_capacity(1024) });
    let (options, control) = (Options::default(), Control::default());
    let finished = run_with(&plan, &options, &control, &extensions, &mut |_| ())?;

    let books = &finished.report.books;
    let unexpected = books.errors.get(&ErrorClass::Unexpected).copied().unwrap_or(0);
    println!("{} responses, {unexpected} without `{field}` as a number", books.completed);
    println!("sent {}, {}", books.sent, finished.report.verdict.state.name());
    Ok(())
}
