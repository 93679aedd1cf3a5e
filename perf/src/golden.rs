//! Golden files, and the outcome most of them show. `UPDATE=1` rewrites the files.

use std::{env, fs};

use crate::bars;
use crate::deviation::Deviation;
use crate::judgement;
use crate::machine::Machine;
use crate::outcome::{CaseOutcome, Failure, Lane, LaneState, Outcome, Run, SCHEMA, ToolFacts};
use crate::verdict::Verdict;

/// Compares `text` with the golden file of this name.
pub(crate) fn check(name: &str, text: &str) {
    let path = format!("{}/tests/golden/{name}", env!("CARGO_MANIFEST_DIR"));
    if env::var_os("UPDATE").is_some() {
        fs::write(&path, text).expect("the golden file can be written");
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, expected, "{path} differs; UPDATE=1 rewrites it");
}

/// A result in which one of each thing happened: pass, fail, no decision, absence, failure.
pub(crate) fn outcome() -> Outcome {
    let cases = vec![
        case("closed-64", bars::CLOSED_64, closed_lanes()),
        case("paced-20k", bars::PACED_20K, paced_lanes()),
        case("memory", bars::MEMORY, memory_lanes()),
    ];
    let verdicts = cases.iter().flat_map(|case| &case.bars).map(|bar| bar.verdict);
    Outcome {
        schema: SCHEMA.to_string(),
        date_utc: "2026-08-01T12:00:00Z".to_string(),
        pairs: 3,
        seconds: 5,
        seed: 1,
        machine: Machine {
            cpu_model: "AMD EPYC".to_string(),
            cpu_count: 2,
            kernel: "6.18.44".to_string(),
            governor: None,
            client_cpu: 1,
            server_cpu: 0,
            steal_ratio: Some(0.0123),
        },
        acp_commit: Some("0123456789ab".to_string()),
        tools: vec![
            tool("acp", Some("acp 0.1.0")),
            tool("wrk", Some("wrk debian/4.1.0-3+b2 [epoll]")),
            tool("hey", Some("hey 0.1.4-2+b4")),
            tool("oha", None),
        ],
        verdict: Verdict::of_all(verdicts),
        cases,
    }
}

fn case(name: &str, bars: &[bars::Bar], lanes: Vec<Lane>) -> CaseOutcome {
    let about = crate::cases::find(name).expect("a known case").about;
    CaseOutcome {
        name: name.to_string(),
        about: about.to_string(),
        server_command: "taskset -c 0 acp target --listen 127.0.0.1:0".to_string(),
        others_ratio: Some(0.02),
        bars: bars.iter().map(|bar| judgement::judge(bar, &lanes, Some(0.02), 1)).collect(),
        lanes,
    }
}

fn tool(name: &str, version: Option<&str>) -> ToolFacts {
    ToolFacts {
        name: name.to_string(),
        path: version.map(|_| format!("/usr/bin/{name}")),
        version: version.map(ToString::to_string),
    }
}

fn lane(name: &str, runs: Vec<Run>) -> Lane {
    Lane {
        name: name.to_string(),
        state: LaneState::Measured,
        command: Some(format!("taskset -c 1 {name} http://127.0.0.1:4711/")),
        runs,
        failures: Vec::new(),
    }
}

fn absent(name: &str) -> Lane {
    Lane { state: LaneState::Absent, command: None, ..lane(name, Vec::new()) }
}

fn closed_lanes() -> Vec<Lane> {
    let run = |pair: u32, requests: u64, cpu_us: u64| Run {
        pair,
        connections: 64,
        requests,
        requests_per_s: requests as f64 / 5.0,
        p50_us: Some(412.5),
        wall_us: 5_010_000,
        user_us: cpu_us / 5,
        system_us: cpu_us - cpu_us / 5,
        max_rss_bytes: 6_000_000,
        server_busy_ratio: Some(0.97),
        ..Run::default()
    };
    let valid = |run: Run| Run { verdict: Some("valid".to_string()), ..run };
    let ours = [(0, 1_000_000), (1, 900_000), (2, 1_010_000)];
    let theirs = [(0, 650_000), (1, 600_000), (2, 640_000)];
    let mut hey = lane("hey", vec![run(0, 80_000, 4_900_000)]);
    hey.runs[0].p50_us = Some(3_200.0);
    hey.runs[0].errors = 7;
    let reason = "exit code 1: a | b".to_string();
    hey.failures = vec![Failure { pair: 1, reason: reason.clone() }, Failure { pair: 2, reason }];
    vec![
        lane("acp", ours.map(|(pair, count)| valid(run(pair, count, 4_000_000))).to_vec()),
        lane("wrk", theirs.map(|(pair, count)| run(pair, count, 3_400_000)).to_vec()),
        hey,
        absent("oha"),
    ]
}

fn paced_lanes() -> Vec<Lane> {
    let run = |pair: u32, p50_us: f64, verdict: &str| Run {
        pair,
        connections: 32,
        requests: 100_000,
        requests_per_s: 20_000.0,
        wall_us: 5_000_000,
        user_us: 400_000,
        system_us: 1_600_000,
        max_rss_bytes: 5_900_000,
        server_busy_ratio: Some(0.31),
        deviation: Some(Deviation {
            count: 100_000,
            p50_us,
            p90_us: p50_us * 4.0,
            p99_us: p50_us * 20.0,
            max_us: 950.0,
            gaps: 0,
        }),
        verdict: Some(verdict.to_string()),
        ..Run::default()
    };
    let ours = vec![run(0, 2.4, "valid"), run(1, 1.9, "valid"), run(2, 2.1, "generator_limited")];
    let unsupported = Lane { state: LaneState::Unsupported, ..absent("wrk") };
    vec![lane("acp", ours), unsupported, absent("oha")]
}

fn memory_lanes() -> Vec<Lane> {
    let sized = |pair: u32, bytes: u64| Run {
        pair,
        connections: 1,
        requests: 5_000,
        requests_per_s: 1_000.0,
        user_us: 10_000,
        system_us: 40_000,
        max_rss_bytes: bytes,
        ..Run::default()
    };
    let runs =
        |bytes: u64| (0..3).map(|pair| sized(pair, bytes + u64::from(pair) * 4096)).collect();
    vec![
        lane("acp-c1", runs(5_000_000)),
        lane("acp-c1000", runs(7_000_000)),
        lane("acp-c10000", runs(25_000_000)),
        lane("acp-n5M", vec![sized(0, 6_000_000)]),
        lane("acp-n20M", vec![sized(0, 6_004_096)]),
    ]
}
