//! The series of a report as the document that its page draws charts from.

use crate::Columns;
use acp_wire::Report;
use serde_json::{Value, json};

/// What `runs/{id}/series` of a control plane answers for the run, as far as its report has it: a JSON
/// document.
#[must_use]
pub fn render(report: &Report) -> String {
    series_of(report).to_string()
}

fn series_of(report: &Report) -> Value {
    let started = report.run.started_unix_us;
    let events = report.events.iter().zip(1_u64..).map(|(event, number)| {
        json!({
            "number": number, "at_unix_us": started.saturating_add_signed(event.at_us),
            "at_us": event.at_us, "kind": event.kind, "text": event.text, "by": "",
        })
    });
    // A report has the measured part only.
    let columns = Columns::from_frames(&report.series, 0);
    let mut series = serde_json::to_value(columns).unwrap_or_default();
    series["run"] = json!(report.run.id);
    series["cursor"] = json!("");
    series["events"] = events.collect();
    series
}

#[cfg(test)]
mod tests {
    use super::*;
    use acp_wire::Frame;
    use acp_wire::report::{Distribution, Event};
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
