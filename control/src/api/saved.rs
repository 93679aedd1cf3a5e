//! A report as a file to keep: the page in one document, with the report and its series in it.

use acp_report::render_json;
use acp_wire::report::Distribution;
use acp_wire::{Frame, Report};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// The report as one HTML file.
pub(super) fn render_html(report: Report) -> String {
    let series = series_of(&report).to_string();
    // The columns have the series already.
    let report = Report { series: Vec::new(), ..report };
    acp_web::offline::report(&render_json(&report), &series)
}

/// What `runs/{id}/series` answers for the run, as far as its report has it.
fn series_of(report: &Report) -> Value {
    let started = report.run.started_unix_us;
    let events = report.events.iter().zip(1_u64..).map(|(event, number)| {
        json!({
            "number": number, "at_unix_us": started.saturating_add_signed(event.at_us),
            "at_us": event.at_us, "kind": event.kind, "text": event.text, "by": "",
        })
    });
    let mut series = columns(&report.series);
    series.insert("run".into(), json!(report.run.id));
    series.insert("cursor".into(), json!(""));
    series.insert("events".into(), events.collect());
    Value::Object(series)
}

/// The frames of the series, column by column, a row a frame.
fn columns(frames: &[Frame]) -> Map<String, Value> {
    let mut columns = Map::new();
    let seconds: Vec<u64> = frames.iter().map(|frame| frame.second).collect();
    let distances = seconds.windows(2).map(|pair| pair[1].saturating_sub(pair[0]));
    let width_s = distances.filter(|distance| *distance > 0).min().unwrap_or(1);
    columns.insert("width_s".into(), json!(width_s));
    columns.insert("second".into(), json!(seconds));
    columns.insert("seconds".into(), json!(vec![width_s; frames.len()]));
    for (name, number) in numbers() {
        columns.insert(name.into(), frames.iter().map(number).collect());
    }
    for (name, figure) in figures() {
        let value = |frame: &Frame| {
            let recorded = frame.response_ns.filter(|distribution| distribution.count > 0);
            recorded.map(|distribution| figure(&distribution))
        };
        columns.insert(name.into(), frames.iter().map(|frame| json!(value(frame))).collect());
    }
    // A report does not have these by the second.
    for name in ["service_p50_ns", "service_p99_ns", "send_lag_p50_ns", "send_lag_p99_ns"] {
        columns.insert(name.into(), json!(vec![Value::Null; frames.len()]));
    }
    columns.insert("bands".into(), json!(vec![Value::Array(Vec::new()); frames.len()]));
    columns.insert("errors".into(), table(frames, |frame| json!(frame.errors)));
    columns.insert("status".into(), table(frames, |frame| json!(frame.status)));
    columns.insert("not_sent".into(), table(frames, |frame| json!(frame.not_sent)));
    columns
}

type Number = fn(&Frame) -> Value;

fn numbers() -> [(&'static str, Number); 15] {
    [
        ("planned", |frame| json!(frame.planned)),
        ("sent", |frame| json!(frame.sent)),
        ("completed", |frame| json!(frame.completed)),
        ("connects", |frame| json!(frame.connects)),
        ("disconnects", |frame| json!(frame.disconnects)),
        ("bytes_sent", |frame| json!(frame.bytes_sent)),
        ("bytes_received", |frame| json!(frame.bytes_received)),
        ("cpu_us", |frame| json!(frame.cpu_us)),
        ("steal_us", |frame| json!(frame.steal_us)),
        ("machine_us", |frame| json!(frame.cost.machine_us)),
        ("blocked", |frame| json!(frame.blocked)),
        ("late", |frame| json!(frame.late)),
        ("rate_target", |frame| json!(frame.rate_target)),
        ("in_flight", |frame| json!(frame.in_flight)),
        ("busy_ratio", |frame| json!(frame.cost.busy_ratio)),
    ]
}

type Figure = fn(&Distribution) -> u64;

fn figures() -> [(&'static str, Figure); 5] {
    [
        ("response_p50_ns", |response| response.p50),
        ("response_p90_ns", |response| response.p90),
        ("response_p99_ns", |response| response.p99),
        ("response_p99_9_ns", |response| response.p99_9),
        ("response_max_ns", |response| response.max),
    ]
}

/// A column for each name that occurs in the tables of the frames.
fn table(frames: &[Frame], of: impl Fn(&Frame) -> Value) -> Value {
    let tables: Vec<Value> = frames.iter().map(of).collect();
    let entries = tables.iter().filter_map(Value::as_object).flatten();
    let names: BTreeSet<&String> =
        entries.filter(|(_, count)| count.as_u64() != Some(0)).map(|(name, _)| name).collect();
    let column = |name: &String| -> Value {
        tables.iter().map(|table| table.get(name).cloned().unwrap_or_else(|| json!(0))).collect()
    };
    Value::Object(names.into_iter().map(|name| (name.clone(), column(name))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use acp_wire::report::Event;
    use std::collections::BTreeMap;

    fn frame(second: u64, completed: u64, status: u16) -> Frame {
        let response_ns = (completed > 0).then(|| Distribution {
            count: completed,
            p99: 7,
            ..Distribution::default()
        });
        let status = BTreeMap::from([(status, completed)]);
        Frame { second, completed, response_ns, status, ..Frame::default() }
    }

    fn check(frames: Vec<Frame>, expected: &[(&str, Value)]) {
        let mut report = Report { series: frames, ..Report::default() };
        report.run.started_unix_us = 5_000_000;
        report.events = vec![Event { at_us: -2_000_000, kind: "note".into(), text: "x".into() }];
        let series = series_of(&report);
        for (name, value) in expected {
            assert_eq!(series.pointer(name), Some(value), "{name}: {series}");
        }
        let rows = series["second"].as_array().unwrap().len();
        for (name, column) in series.as_object().unwrap() {
            if let Some(column) = column.as_array().filter(|_| name != "events") {
                assert_eq!(column.len(), rows, "{name}");
            }
        }
    }

    #[test]
    fn a_series_is_columns() {
        check(
            vec![frame(0, 3, 200), frame(2, 0, 500), frame(8, 4, 503)],
            &[
                ("/width_s", json!(2)),
                ("/second", json!([0, 2, 8])),
                ("/seconds", json!([2, 2, 2])),
                ("/completed", json!([3, 0, 4])),
                ("/response_p99_ns", json!([7, null, 7])),
                ("/service_p50_ns", json!([null, null, null])),
                ("/status", json!({ "200": [3, 0, 0], "503": [0, 0, 4] })),
                ("/errors", json!({})),
                ("/bands", json!([[], [], []])),
                ("/events/0/at_unix_us", json!(3_000_000)),
                ("/events/0/number", json!(1)),
            ],
        );
        check(Vec::new(), &[("/width_s", json!(1)), ("/second", json!([]))]);
        check(vec![frame(4, 1, 200)], &[("/width_s", json!(1)), ("/second", json!([4]))]);
        check(vec![frame(4, 1, 200), frame(4, 1, 200)], &[("/width_s", json!(1))]);
    }
}
