//! What every driver must do alike: one suite, run over each of them.
//!
//! Every run is held against what the server has seen, its books must balance, and its frames must
//! add up to its report.

mod failures;
mod load;
mod responses;

use acp_engine::drivers::{DriverKind, choose};
use acp_engine::launch::{Control, Options, Seen, run};
use acp_wire::plan::{Model, Plan};
use acp_wire::{ErrorClass, Frame, Report};
use std::net::SocketAddr;

const DRIVERS: [DriverKind; 3] = [DriverKind::Uring, DriverKind::Monoio, DriverKind::MonoioEpoll];

pub(crate) const HELLO: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

/// Runs a case with every driver of this host.
fn each_driver(case: impl Fn(DriverKind)) {
    for driver in DRIVERS {
        let works = choose(Some(driver)).is_ok_and(|found| found.kind == driver);
        if works {
            eprintln!("driver `{}`", driver.name());
            case(driver);
        } else {
            eprintln!("driver `{}` cannot run here: not tested", driver.name());
            let is_ci = std::env::var_os("CI").is_some_and(|value| value == "true");
            assert!(!is_ci, "every driver is tested in CI");
        }
    }
}

/// A closed loop of two connections with `requests` requests.
fn count(address: SocketAddr, requests: u64) -> Plan {
    let mut plan = Plan { schema: acp_wire::PLAN_SCHEMA.into(), ..Plan::default() };
    plan.target.url = format!("http://{address}/");
    plan.load.connections = 2;
    plan.load.requests = Some(requests);
    plan
}

/// An open loop.
fn rate(address: SocketAddr, rate: &str, duration: &str) -> Plan {
    let mut plan = count(address, 0);
    plan.load.model = Model::Open;
    plan.load.rate = Some(rate.into());
    plan.load.requests = None;
    plan.load.duration = Some(duration.into());
    plan
}

fn options(driver: DriverKind) -> Options {
    Options { threads: Some(2), driver: Some(driver), ..Options::default() }
}

/// Runs a plan to its end and checks what holds of every run.
fn measure(driver: DriverKind, plan: &Plan, control: &Control) -> (Report, Vec<Frame>) {
    let mut frames = Vec::new();
    let mut keep = |seen: Seen| {
        if let Seen::Frame(frame, _) = seen {
            frames.push(frame.clone());
        }
    };
    let finished = run(plan, &options(driver), control, &mut keep);
    let report = finished.map_err(|error| error.to_string()).expect("run").report;
    assert_eq!(report.run.driver, driver.name());
    assert!(report.books.balanced, "{:?}", report.books);
    assert_frames_add_up(&report, &frames);
    (report, frames)
}

fn report(driver: DriverKind, plan: &Plan) -> Report {
    measure(driver, plan, &Control::default()).0
}

/// A run in which nothing may go wrong.
fn clean(driver: DriverKind, plan: &Plan) -> Report {
    let report = report(driver, plan);
    assert!(report.books.errors.is_empty(), "{:?} {:?}", report.books, report.events);
    assert_eq!(report.books.completed, report.books.planned);
    report
}

/// A run of which every request ends with `class`.
fn failing(driver: DriverKind, plan: &Plan, class: ErrorClass) -> Report {
    let report = report(driver, plan);
    assert_eq!(report.books.errors.get(&class), plan.load.requests.as_ref(), "{:?}", report.books);
    report
}

fn assert_frames_add_up(report: &Report, frames: &[Frame]) {
    let sum = |of: fn(&Frame) -> u64| -> u64 {
        frames.iter().filter(|frame| !frame.flags.warmup).map(of).sum()
    };
    let books = &report.books;
    assert_eq!(sum(|frame| frame.planned), books.planned);
    assert_eq!(sum(|frame| frame.sent), books.sent);
    assert_eq!(sum(|frame| frame.completed), books.completed);
    assert_eq!(sum(|frame| frame.errors.values().sum()), books.errors_total());
    assert_eq!(sum(|frame| frame.not_sent.values().sum()), books.not_sent_total());
    assert_eq!(sum(|frame| frame.status.values().sum()), report.status.values().sum::<u64>());
    assert_eq!(sum(|frame| frame.bytes_sent), report.bytes.sent);
    assert_eq!(sum(|frame| frame.bytes_received), report.bytes.received);
    assert!(frames.iter().map(|frame| frame.seq).eq(0..frames.len() as u64));
    assert!(
        frames
            .iter()
            .rev()
            .map(|frame| frame.flags.last)
            .eq(std::iter::once(true).chain(std::iter::repeat_n(false, frames.len() - 1)))
    );
}
