//! One report in which everything occurs that a renderer shows: errors, goals met and missed, a limit
//! that has fired, classes, tags, slow requests, handshakes, and requests that were not sent.

use acp_report::{bands_of, encode, new_histogram, summary};
use acp_wire::frame::{Cost, Flags, OTHER_TAGS, Slow, TcpInfo};
use acp_wire::report::{Bytes, Calibration, Connections, Event, Generator, Slo, TagReport};
use acp_wire::verdict::{Reason, State};
use acp_wire::{ErrorClass, Frame, NotSent, Report};
use hdrhistogram::Histogram;
use std::collections::BTreeMap;

/// Values from 1 ms on, one every `step_us`.
fn times(count: u64, step_us: u64) -> Histogram<u64> {
    let mut histogram = new_histogram();
    let values = (0..count).map(|number| 1_000_000 + number * step_us * 1_000);
    values.for_each(|nanos| histogram.record(nanos).unwrap());
    histogram
}

fn frame(second: u64, count: u64) -> Frame {
    let (response, service) = (times(count, 50), times(count, 40));
    Frame {
        schema: acp_wire::FRAME_SCHEMA.into(),
        run: "r1".into(),
        shard_count: 2,
        seq: second,
        second,
        flags: Flags { warmup: false, last: second == 1 },
        planned: count + 12,
        sent: count + 10,
        completed: count + 6,
        not_sent: BTreeMap::from([(NotSent::Backlog, 2)]),
        errors: BTreeMap::from([(ErrorClass::Timeout, 4), (ErrorClass::Unexpected, 6)]),
        status: BTreeMap::from([(200, count), (503, 6)]),
        in_flight: 3,
        rate_target: 1000.0,
        bytes_sent: 41 * (count + 10),
        bytes_received: 90 * count,
        cost: Cost { busy_ratio: 0.25, ..Cost::default() },
        response_ns: Some(summary(&response)),
        service_ns: Some(summary(&service)),
        send_lag_ns: Some(summary(&times(count, 1))),
        response_bands: bands_of(&response),
        ..Frame::default()
    }
}

fn slowest() -> Vec<Slow> {
    let slow = Slow {
        slot: 1_234,
        due_us: 1_234_000,
        sent_ns: 12_000,
        first_byte_ns: Some(230_000_000),
        ended_ns: 231_500_000,
        status: Some(200),
        tag: "search".into(),
        tcp: Some(TcpInfo { rtt_us: 850, retransmits: 3 }),
        ..Slow::default()
    };
    let opened = Slow {
        slot: 7,
        due_us: 7_000,
        connected_ns: Some(1_200_000),
        handshake_ns: Some(4_800_000),
        first_byte_ns: None,
        ended_ns: 100_000_000,
        status: None,
        error: Some(ErrorClass::Timeout),
        tag: String::new(),
        agent: "a1".into(),
        tcp: None,
        ..slow.clone()
    };
    vec![slow, opened]
}

fn tags() -> BTreeMap<String, TagReport> {
    let tag = |completed, errors, step_us| TagReport {
        completed,
        errors,
        response_ns: summary(&times(completed, step_us)),
    };
    BTreeMap::from([
        ("search".into(), tag(1200, 8, 60)),
        ("item|<b>".into(), tag(700, 12, 30)),
        (OTHER_TAGS.into(), tag(112, 0, 10)),
    ])
}

/// The report.
pub(crate) fn report() -> Report {
    let series = vec![frame(0, 1000), frame(1, 1000)];
    let (response, service, lag) = (times(2000, 50), times(2000, 40), times(2000, 1));
    let mut report = Report { schema: acp_wire::REPORT_SCHEMA.into(), ..Report::default() };
    let run = &mut report.run;
    (run.id, run.name, run.host) = ("r1".into(), "checkout \"v2\" <b>|".into(), "h".into());
    (run.started_unix_us, run.duration_us) = (1_700_000_000_000_000, 2_000_000);
    (run.version, run.driver, run.driver_reason) =
        ("0.1.0".into(), "uring".into(), "io_uring".into());
    (run.shards, run.seed) = (2, 1);
    run.calibration = Some(Calibration {
        requests_per_s: 212_345.6,
        cpu_us_per_request: 4.567,
        send_lag_p99_ns: 11_250,
        ..Calibration::default()
    });
    let plan = &mut report.plan;
    plan.target.url = "http://10.0.0.5:8080/".into();
    plan.request.method = "GET".into();
    (plan.load.rate, plan.load.connections) = (Some("1k".into()), 64);
    plan.stop.slo = vec!["p99<50ms".into(), "errors<0.1%".into()];
    plan.stop.abort_on = vec!["errors>0.5% over 2s".into(), "p99>1s over 5s".into()];
    report.books.planned = 2024;
    report.books.sent = 2020;
    report.books.completed = 2012;
    report.books.not_sent = BTreeMap::from([(NotSent::Backlog, 4)]);
    report.books.errors = BTreeMap::from([(ErrorClass::Timeout, 8), (ErrorClass::Unexpected, 12)]);
    report.books = report.books.close();
    (report.rate.planned_per_s, report.rate.sent_per_s) = (1012.0, 1010.0);
    report.rate.completed_per_s = 1006.0;
    report.latency.response_ns = summary(&response);
    report.latency.service_ns = summary(&service);
    report.latency.first_byte_ns = summary(&times(2000, 39));
    report.latency.connect_ns = summary(&times(64, 10));
    report.latency.handshake_ns = summary(&times(64, 8));
    report.latency.send_lag_ns = summary(&lag);
    report.latency.error_response_ns = summary(&times(20, 100));
    report.histograms.response = encode(&response);
    report.histograms.service = encode(&service);
    report.status = BTreeMap::from([(200, 2000), (503, 12)]);
    report.bytes = Bytes { sent: 82_820, received: 180_000 };
    report.connections = Connections {
        opened: 64,
        closed: 3,
        reused_requests: 1956,
        retried_requests: 2,
        full_handshakes: 60,
        resumed_handshakes: 4,
    };
    report.generator = Generator {
        cpu_us_per_request: 4.5,
        cpu_user_us: 2_000,
        cpu_system_us: 7_090,
        max_rss_bytes: 8_000_000,
        busy_ratio: 0.25,
        ..Generator::default()
    };
    report.slo = vec![
        Slo { expr: "p99<50ms".into(), value: 100.125, pass: false },
        Slo { expr: "errors<2%".into(), value: 0.99, pass: true },
    ];
    let event =
        |at_us, kind: &str, text: &str| Event { at_us, kind: kind.into(), text: text.into() };
    report.events = vec![
        event(1_500_000, "error", "connection reset by peer"),
        event(2_000_000, "rule", "errors>0.5% over 2s: found 0.99%"),
    ];
    let text = "stopped before its end: rule: errors>0.5% over 2s: found 0.99%".into();
    let stopped = Reason { code: "stopped".into(), text, value: 1.0, limit: 0.0 };
    report.verdict.add(State::Aborted, stopped);
    report.classes = BTreeMap::from([(2, summary(&response)), (5, summary(&times(12, 100)))]);
    report.tags = tags();
    report.slowest = slowest();
    report.series = series;
    report
}
