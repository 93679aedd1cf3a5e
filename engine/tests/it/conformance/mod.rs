//! What every driver must do alike: one suite, run over each of them.
//!
//! Every run is held against what the server has seen, its books must balance, and its frames must
//! add up to its report.

mod certificates;
mod extensions;
mod failures;
mod load;
mod nginx;
mod responses;
mod slowest;
mod sources;
mod tls;

use acp_engine::drivers::{DriverKind, choose};
use acp_engine::launch::{Control, Options, Seen, run};
use acp_engine::report::{Facts, Series, Sum, assemble};
use acp_wire::plan::{Model, Plan};
use acp_wire::{ErrorClass, Frame, Report};
use std::net::SocketAddr;

const DRIVERS: &[DriverKind] = &[
    DriverKind::Uring,
    DriverKind::Monoio,
    DriverKind::MonoioEpoll,
    #[cfg(feature = "glommio")]
    DriverKind::Glommio,
];

pub(crate) const HELLO: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

/// Runs a case with every driver of this host.
fn each_driver(case: impl Fn(DriverKind)) {
    for &driver in DRIVERS {
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

/// Whoever has the frames of a run has its report: counts, cost and every bucket of the histograms.
fn assert_frames_add_up(report: &Report, frames: &[Frame]) {
    let mut sum = Sum::new();
    for frame in frames.iter().filter(|frame| !frame.flags.warmup) {
        sum.add_next_frame(frame).expect("histograms of a frame");
    }
    let plan = acp_engine::plan::compile(&report.plan).expect("plan of a report");
    let again = assemble(&plan, &sum, Series::default(), Facts::default());
    assert_eq!(again.books, report.books);
    assert_eq!(again.status, report.status);
    assert_eq!(again.bytes, report.bytes);
    assert_eq!(again.connections, report.connections);
    assert_eq!(again.generator, report.generator);
    assert_eq!(again.histograms, report.histograms, "bit by bit");
    assert_eq!((&again.classes, &again.tags), (&report.classes, &report.tags));
    assert_eq!(again.slowest, report.slowest);
    let in_classes: u64 = report.classes.values().map(|class| class.count).sum();
    assert_eq!(in_classes, report.books.completed, "complete responses by class");
    let in_series = report.series.iter().map(|frame| frame.response_ns.expect("of a second").count);
    assert_eq!(in_series.sum::<u64>(), report.latency.response_ns.count);
    let cost = &report.generator;
    let work_us: u64 = frames.iter().map(|frame| frame.cpu_us).sum();
    let process_us: u64 =
        frames.iter().map(|frame| frame.cost.cpu_user_us + frame.cost.cpu_system_us).sum();
    // The kernel keeps process and thread times with different grains.
    assert!(work_us <= process_us + 50_000, "shards {work_us} µs, process {process_us} µs");
    assert!(cost.turns > 0 && cost.max_rss_bytes > 0, "{cost:?}");
    assert!(frames.iter().map(|frame| frame.seq).eq(0..frames.len() as u64));
    assert!(
        frames
            .iter()
            .rev()
            .map(|frame| frame.flags.last)
            .eq(std::iter::once(true).chain(std::iter::repeat_n(false, frames.len() - 1)))
    );
}
