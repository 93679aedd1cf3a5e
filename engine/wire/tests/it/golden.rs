//! A golden file for each document: a change of one is a change of the format.
//!
//! `UPDATE=1 cargo test -p acp-wire` rewrites them.

use acp_wire::agent::AgentReport;
use acp_wire::frame::{Cost, Flags, Histograms, Slow, Tagged, TcpInfo};
use acp_wire::plan::{
    Agents, Connection, Expect, Format, Headers, Load, Model, OnLoss, Order, Partition, Request,
    Source, Stop, Target, Tls,
};
use acp_wire::report::{
    Bytes, Calibration, Connections, Distribution, Event, Generator, Latency, Rates, Report, Run,
    Slo, TagReport,
};
use acp_wire::{Books, ErrorClass, Frame, NotSent, Plan, Reason, State, Verdict};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Compares `text` with a golden file, or rewrites it.
fn check(name: &str, text: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden").join(name);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let golden = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; UPDATE=1 writes it", path.display()));
    assert_eq!(text, golden, "{name} has changed; UPDATE=1 accepts it");
}

fn plan() -> Plan {
    Plan {
        schema: acp_wire::PLAN_SCHEMA.into(),
        name: "checkout".into(),
        seed: 1,
        tags: BTreeMap::from([("team".into(), "ads".into())]),
        target: Target {
            url: "http://10.0.0.5:8080/".into(),
            connect_to: vec!["10.0.0.5:8080".into(), "10.0.0.6:8080".into()],
            host: Some("checkout.example".into()),
            dns: Some("1s".into()),
        },
        load: Load {
            model: Model::Open,
            rate: Some("50k/s".into()),
            connections: 256,
            duration: Some("60s".into()),
            warmup: "5s".into(),
            ..Load::default()
        },
        request: Request {
            method: "GET".into(),
            path: Some("/".into()),
            headers: Headers::Table(BTreeMap::from([("accept".into(), "application/json".into())])),
            body: Some(String::new()),
            body_base64: None,
            templates: true,
        },
        source: Some(Source {
            file: Some("queries.txt".into()),
            dataset: None,
            generate: None,
            format: Format::Auto,
            order: Order::Seq,
            partition: Partition::Agent,
        }),
        connection: Connection::default(),
        tls: Tls::default(),
        expect: Expect { status: vec!["2xx".into(), "3xx".into()], body_contains: String::new() },
        stop: Stop {
            slo: vec!["p99<50ms".into(), "errors<0.1%".into()],
            abort_on: vec!["errors>5% over 10s".into()],
        },
        agents: Some(Agents {
            cores: 4,
            per_agent_max: 0,
            labels: BTreeMap::from([("zone".into(), "a".into())]),
            on_loss: OnLoss::Reassign,
        }),
    }
}

fn frame() -> Frame {
    Frame {
        schema: acp_wire::FRAME_SCHEMA.into(),
        run: "r1".into(),
        agent: "a1".into(),
        shard_count: 2,
        seq: 7,
        second: 2,
        flags: Flags { warmup: false, last: true },
        planned: 100,
        sent: 98,
        completed: 95,
        not_sent: BTreeMap::from([(NotSent::Backlog, 2)]),
        errors: BTreeMap::from([(ErrorClass::Timeout, 1), (ErrorClass::Unexpected, 5)]),
        status: BTreeMap::from([(200, 90), (500, 5)]),
        in_flight: 2,
        blocked: 3,
        connects: 4,
        disconnects: 1,
        bytes_sent: 4100,
        bytes_received: 9000,
        rate_target: 100.0,
        cpu_us: 450,
        steal_us: 10_000,
        late: 1,
        in_flight_at_stop: 2,
        lost_with_agent: 0,
        reused_requests: 94,
        retried_requests: 0,
        cost: Cost { cpu_user_us: 50, cpu_system_us: 400, busy_ratio: 0.25, ..Cost::default() },
        response_ns: Some(Distribution { count: 90, p50: 2, ..Distribution::default() }),
        service_ns: Some(Distribution { count: 90, p50: 1, ..Distribution::default() }),
        send_lag_ns: Some(Distribution { count: 98, p99: 3, ..Distribution::default() }),
        response_bands: BTreeMap::from([(2, 80), (108, 10)]),
        histograms: Histograms { response: Some("AA==".into()), ..Histograms::default() },
        full_handshakes: 3,
        resumed_handshakes: 1,
        classes: BTreeMap::from([(2, "AA==".into())]),
        tags: BTreeMap::from([(
            "cart".into(),
            Tagged { completed: 9, errors: 1, response: Some("AA==".into()) },
        )]),
        slowest: vec![slow()],
    }
}

fn slow() -> Slow {
    Slow {
        slot: 41,
        due_us: 2_050_000,
        sent_ns: 300,
        connected_ns: Some(90_000),
        handshake_ns: Some(900_000),
        first_byte_ns: Some(950_000),
        ended_ns: 1_000_000,
        status: Some(503),
        error: Some(ErrorClass::Unexpected),
        tag: "cart".into(),
        agent: "a1".into(),
        tcp: Some(TcpInfo { rtt_us: 120, retransmits: 2 }),
    }
}

fn report() -> Report {
    let distribution = Distribution {
        count: 90,
        min: 1,
        mean: 2.5,
        stddev: 0.5,
        max: 9,
        p50: 2,
        p90: 4,
        p99: 8,
        p99_9: 9,
        p99_99: 9,
    };
    let empty = Distribution::default();
    let mut series = frame();
    series.histograms = Histograms::default();
    Report {
        schema: acp_wire::REPORT_SCHEMA.into(),
        run: Run {
            id: "r1".into(),
            name: "checkout".into(),
            tags: BTreeMap::from([("team".into(), "ads".into())]),
            started_unix_us: 1_700_000_000_000_000,
            duration_us: 3_000_000,
            warmup_us: 0,
            seed: 1,
            version: "0.1.0".into(),
            driver: "uring".into(),
            driver_reason: "io_uring".into(),
            shards: 2,
            cpus: vec![0, 1],
            kernel: "6.18.0".into(),
            host: "h".into(),
            addresses: vec!["10.0.0.5:8080".into()],
            calibration: Some(Calibration {
                measured_unix_us: 1_600_000_000_000_000,
                version: "0.1.0".into(),
                driver: "uring".into(),
                requests_per_s: 200_000.0,
                cpu_us_per_request: 4.5,
                send_lag_p50_ns: 200,
                send_lag_p99_ns: 9000,
            }),
        },
        plan: plan(),
        verdict: Verdict {
            state: State::ScheduleMissed,
            reasons: vec![Reason {
                code: "sent".into(),
                text: "98 of 100 planned requests were sent (98.0 %)".into(),
                value: 0.98,
                limit: 0.99,
            }],
        },
        books: Books {
            planned: 100,
            sent: 98,
            not_sent: BTreeMap::from([(NotSent::Backlog, 2)]),
            completed: 95,
            errors: BTreeMap::from([(ErrorClass::Timeout, 1), (ErrorClass::Unexpected, 5)]),
            in_flight_at_stop: 2,
            lost_with_agent: 0,
            balanced: false,
        }
        .close(),
        rate: Rates { planned_per_s: 33.3, sent_per_s: 32.7, completed_per_s: 31.7 },
        latency: Latency {
            response_ns: distribution,
            service_ns: distribution,
            first_byte_ns: distribution,
            connect_ns: empty,
            handshake_ns: empty,
            send_lag_ns: distribution,
            error_response_ns: empty,
        },
        status: BTreeMap::from([(200, 90), (500, 5)]),
        bytes: Bytes { sent: 4100, received: 9000 },
        connections: Connections {
            opened: 4,
            closed: 1,
            reused_requests: 94,
            retried_requests: 0,
            full_handshakes: 3,
            resumed_handshakes: 1,
        },
        agents: vec![AgentReport {
            agent: "a1".into(),
            part: "r1.0".into(),
            state: "finished".into(),
            ..AgentReport::default()
        }],
        generator: Generator {
            cpu_us_per_request: 4.5,
            cpu_user_us: 50,
            cpu_system_us: 400,
            cpu_spin_us: 20,
            max_rss_bytes: 1_000_000,
            busy_ratio: 0.25,
            ..Generator::default()
        },
        slo: vec![Slo { expr: "p99<50ms".into(), value: 8.0, pass: true }],
        events: vec![Event { at_us: 1_500_000, kind: "error".into(), text: "a word".into() }],
        series: vec![series],
        histograms: Histograms { response: Some("AA==".into()), ..Histograms::default() },
        classes: BTreeMap::from([(2, distribution)]),
        tags: BTreeMap::from([(
            "cart".into(),
            TagReport { completed: 9, errors: 1, response_ns: distribution },
        )]),
        slowest: vec![slow()],
    }
}

fn pretty(value: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(value).unwrap() + "\n"
}

#[test]
fn documents_are_written_as_they_always_were() {
    check("plan.json", &pretty(&plan()));
    check("plan.toml", &toml::to_string(&plan()).unwrap());
    check("frame.json", &pretty(&frame()));
    check("report.json", &pretty(&report()));
}

#[test]
fn documents_are_read_as_they_were_written() {
    assert_eq!(serde_json::from_str::<Plan>(&pretty(&plan())).unwrap(), plan());
    assert_eq!(toml::from_str::<Plan>(&toml::to_string(&plan()).unwrap()).unwrap(), plan());
    assert_eq!(serde_json::from_str::<Frame>(&pretty(&frame())).unwrap(), frame());
    assert_eq!(serde_json::from_str::<Report>(&pretty(&report())).unwrap(), report());
}

#[test]
fn the_shortest_plan_has_the_defaults_of_the_command_line() {
    let text = "schema = \"acp.plan/1\"\n[target]\nurl = \"http://a/\"\n";
    let plan: Plan = toml::from_str(text).unwrap();
    assert_eq!((plan.load.connections, plan.load.backlog), (64, 65_536));
    assert_eq!(plan.connection.timeout, "10s");
    assert!(plan.connection.keep_alive && plan.tls.verify);
}

#[test]
fn typing_mistakes_in_plans_are_errors() {
    for (what, text) in [
        ("unknown field", "schema = \"acp.plan/1\"\nrate = 1\n[target]\nurl = \"a\"\n"),
        ("unknown field inside", "schema = \"acp.plan/1\"\n[target]\nurl = \"a\"\nuri = \"b\"\n"),
        ("unknown section", "schema = \"acp.plan/1\"\n[target]\nurl = \"a\"\n[lod]\nx = 1\n"),
        (
            "unknown model",
            "schema = \"acp.plan/1\"\n[target]\nurl = \"a\"\n[load]\nmodel = \"half\"\n",
        ),
        ("no target", "schema = \"acp.plan/1\"\n"),
        (
            "a number for a duration",
            "schema = \"acp.plan/1\"\n[target]\nurl = \"a\"\n[load]\nduration = 5\n",
        ),
    ] {
        assert!(toml::from_str::<Plan>(text).is_err(), "{what}");
    }
}

#[test]
fn newer_frames_and_reports_can_be_read() {
    let mut frame_value = serde_json::to_value(frame()).unwrap();
    frame_value["from_the_future"] = 1.into();
    assert_eq!(serde_json::from_value::<Frame>(frame_value).unwrap(), frame());
    let mut report_value = serde_json::to_value(report()).unwrap();
    report_value["run"]["from_the_future"] = "x".into();
    assert_eq!(serde_json::from_value::<Report>(report_value).unwrap(), report());
}

#[test]
fn names_of_classes_are_those_of_the_wire() {
    for class in ErrorClass::ALL {
        assert_eq!(serde_json::to_value(class).unwrap(), class.name());
    }
    for reason in NotSent::ALL {
        assert_eq!(serde_json::to_value(reason).unwrap(), reason.name());
    }
    for state in [
        State::Valid,
        State::GeneratorLimited,
        State::ScheduleMissed,
        State::Partial,
        State::Aborted,
    ] {
        assert_eq!(serde_json::to_value(state).unwrap(), state.name());
    }
}
