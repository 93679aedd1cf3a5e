//! A run that shows each second and is stopped from another thread.
//!
//! `cargo run --release --example stop -- http://127.0.0.1:8080/ 5`

#![expect(clippy::print_stdout, reason = "this is what it is for")]

use acp_engine::wire::plan::Model;
use acp_engine::{Control, Options, Seen, run, wire};
use std::error::Error;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

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
    let url = arguments.next().ok_or("usage: stop URL [SECONDS]")?;
    let seconds: u64 = arguments.next().map_or(Ok(3), |text| text.parse())?;

    let mut plan = wire::Plan { schema: wire::PLAN_SCHEMA.into(), ..wire::Plan::default() };
    plan.target.url = url;
    plan.load.model = Model::Open;
    plan.load.rate = Some("1k".into());
    plan.load.duration = Some("1h".into());
    plan.load.connections = 8;

    let control = Control::default();
    let handle = control.clone();
    let mut stopper = None;
    let finished = run(&plan, &Options::default(), &control, &mut |seen| match seen {
        Seen::Ready { open_connections } => {
            println!("{open_connections} connections are open");
            let handle = handle.clone();
            stopper = Some(thread::spawn(move || {
                thread::sleep(Duration::from_secs(seconds));
                // Waits for what is under way; `stop_now` would not.
                handle.stop_because("enough");
            }));
        }
        Seen::Frame(frame, progress) => {
            let so_far = progress.sum.counts().sent;
            println!("second {}: {} sent, {so_far} so far", frame.second, frame.sent);
        }
    })?;
    if let Some(stopper) = stopper {
        stopper.join().map_err(|_| "the thread that stops the run has panicked")?;
    }

    let report = &finished.report;
    let p99_us = report.latency.response_ns.p99 / 1000;
    println!("sent {}, p99 {p99_us} µs, {}", report.books.sent, report.verdict.state.name());
    for reason in &report.verdict.reasons {
        println!("  {}", reason.text);
    }
    Ok(())
}
