//! acp: `acp bench` with a JSON report (schema `acp.report/1`) on stdout.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::{Invocation, Reading, Tool, command_line};

pub(super) const TOOL: Tool = Tool {
    name: "acp",
    version_flag: Some("--version"),
    command,
    read,
    // 98: the result is not valid. The verdict is kept with the numbers.
    exit_codes: &[0, 98],
};

fn command(run: &Invocation) -> Result<Option<Vec<String>>> {
    let work = run.work;
    let connections = work.connections.to_string();
    let cpu = run.client_cpu.to_string();
    let mut line =
        command_line(run.program, &["bench", "-c", &connections, "-t", "1", "--cpus", &cpu]);
    match work.requests {
        Some(requests) => line.extend(["-n".to_string(), requests.to_string()]),
        None => line.extend(["-d".to_string(), format!("{}s", run.seconds)]),
    }
    if let Some(rate_per_s) = work.rate_per_s {
        line.extend(["-R".to_string(), rate_per_s.to_string()]);
    }
    if !work.keep_alive {
        line.push("--no-keepalive".to_string());
    }
    if work.pipeline > 1 {
        line.extend(["--pipeline".to_string(), work.pipeline.to_string()]);
    }
    if let Some(order) = work.order {
        let file = run.query_file.display().to_string();
        line.extend(["--requests-file".to_string(), file]);
        line.extend(["--order", order.text()].map(ToString::to_string));
    }
    if run.is_encrypted() {
        line.push("--insecure".to_string());
    }
    line.extend(["--format", "json", "-o", "-", "--quiet", run.url].map(ToString::to_string));
    Ok(Some(line))
}

/// The fields of a report that are compared. The rest is ignored, as newer writers may add to it.
#[derive(Deserialize)]
struct Report {
    verdict: Verdict,
    books: Books,
    rate: Rate,
    #[serde(default)]
    latency: Latency,
    connections: Option<Connections>,
}

#[derive(Deserialize)]
struct Verdict {
    state: String,
}

#[derive(Deserialize)]
struct Books {
    completed: u64,
    #[serde(default)]
    errors: BTreeMap<String, u64>,
}

#[derive(Deserialize)]
struct Rate {
    completed_per_s: f64,
}

#[derive(Deserialize, Default)]
struct Latency {
    service_ns: Option<Percentiles>,
}

#[derive(Deserialize)]
struct Percentiles {
    p50: Option<f64>,
}

#[derive(Deserialize)]
struct Connections {
    opened: u64,
}

/// The service time is what the peers call latency: from the send to the last byte.
fn read(stdout: &str) -> Result<Reading> {
    let report: Report =
        serde_json::from_str(stdout).context("stdout is not a report of schema `acp.report/1`")?;
    let p50_ns = report.latency.service_ns.and_then(|percentiles| percentiles.p50);
    Ok(Reading {
        requests: report.books.completed,
        errors: report.books.errors.values().sum(),
        requests_per_s: report.rate.completed_per_s,
        p50_us: p50_ns.map(|p50_ns| p50_ns / 1e3),
        verdict: Some(report.verdict.state),
        connections_opened: report.connections.map(|connections| connections.opened),
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::work::{Order, Work};

    const REPORT: &str = r#"{
        "schema": "acp.report/1",
        "verdict": { "state": "valid", "reasons": [] },
        "books": { "planned": 103, "sent": 103, "completed": 100,
                   "errors": { "timeout": 2, "reset": 1 }, "balanced": true },
        "rate": { "planned_per_s": 50.0, "sent_per_s": 50.0, "completed_per_s": 49.5 },
        "latency": { "service_ns": { "count": 100, "p50": 41500, "p99": 90000 } },
        "connections": { "opened": 64, "closed": 64 },
        "a newer field": 1 }"#;

    #[test]
    fn a_report_is_read() {
        let expected = Reading {
            requests: 100,
            errors: 3,
            requests_per_s: 49.5,
            p50_us: Some(41.5),
            verdict: Some("valid".to_string()),
            connections_opened: Some(64),
        };
        assert_eq!(read(REPORT).expect("a report"), expected);
    }

    #[test]
    fn what_is_no_report_is_refused() {
        for text in ["", "{}", "Requests/sec: 12", &REPORT[..80]] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn each_work_has_its_command_line() {
        let common = "acp bench -c 64 -t 1 --cpus 1";
        let end = "--format json -o - --quiet http://h/";
        let rows = [
            (Work::closed(64), format!("{common} -d 5s {end}")),
            (Work::paced(64, 20_000), format!("{common} -d 5s -R 20000 {end}")),
            (Work::connecting(64), format!("{common} -d 5s --no-keepalive {end}")),
            (Work::pipelined(64, 16), format!("{common} -d 5s --pipeline 16 {end}")),
            (Work::counted(64, 1_000), format!("{common} -n 1000 {end}")),
            (
                Work::from_file(64, Order::Random),
                format!("{common} -d 5s --requests-file /tmp/q --order random {end}"),
            ),
        ];
        for (work, expected) in rows {
            let run = Invocation {
                program: Path::new("acp"),
                work,
                url: "http://h/",
                seconds: 5,
                client_cpu: 1,
                script_folder: Path::new("."),
                query_file: Path::new("/tmp/q"),
            };
            let line = command(&run).expect("no error").expect("acp does all work");
            assert_eq!(line.join(" "), expected);
            let encrypted = Invocation { url: "https://h/", ..run };
            let line = command(&encrypted).expect("no error").expect("acp does all work");
            assert!(line.iter().any(|word| word == "--insecure"), "{line:?}");
        }
    }
}
