//! The series of a report as CSV: a header, then a row for each frame of the series.
//!
//! | Column | Meaning |
//! |---|---|
//! | `second` | first second that the row covers, from 0 |
//! | `planned` … `not_sent` | counts of these seconds; `errors` has every class |
//! | `in_flight` | requests without an outcome at the end |
//! | `rate_target` | rate that the schedule asks for, per second; 0 in a closed loop |
//! | `bytes_sent`, `bytes_received` | bytes of these seconds |
//! | `response_…_ms` | response times of expected responses; empty where they are not known |
//!
//! A row is a second; in series of more than 4096 seconds it is 2, 4, 8 … of them, and percentiles,
//! which cannot be put together, are left empty.

use acp_wire::{Frame, Report};
use std::fmt::Write as _;

const HEADER: &str = "second,planned,sent,completed,errors,not_sent,in_flight,rate_target,\
    bytes_sent,bytes_received,response_p50_ms,response_p90_ms,response_p99_ms,response_p99_9_ms,\
    response_max_ms";

/// Renders the series of a report.
#[must_use]
pub fn render(report: &Report) -> String {
    let mut text = format!("{HEADER}\n");
    report.series.iter().for_each(|frame| push_row(&mut text, frame));
    text
}

fn push_row(text: &mut String, frame: &Frame) {
    let (errors, not_sent): (u64, u64) =
        (frame.errors.values().sum(), frame.not_sent.values().sum());
    write!(
        text,
        "{},{},{},{},{errors},{not_sent},{},{},{},{}",
        frame.second,
        frame.planned,
        frame.sent,
        frame.completed,
        frame.in_flight,
        frame.rate_target,
        frame.bytes_sent,
        frame.bytes_received
    )
    .expect("a string takes all text");
    let known = frame.response_ns.filter(|response| response.count > 0);
    let nanos = known.map(|found| [found.p50, found.p90, found.p99, found.p99_9, found.max]);
    for number in 0..5 {
        text.push(',');
        if let Some(nanos) = nanos {
            text.push_str(&format!("{:.6}", nanos[number] as f64 / 1e6));
        }
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use acp_wire::report::Distribution;
    use acp_wire::{ErrorClass, NotSent};
    use std::collections::BTreeMap;

    fn frame(second: u64) -> Frame {
        Frame {
            second,
            planned: 10,
            sent: 9,
            completed: 8,
            errors: BTreeMap::from([(ErrorClass::Reset, 1), (ErrorClass::Unexpected, 2)]),
            not_sent: BTreeMap::from([(NotSent::Backlog, 1)]),
            in_flight: 4,
            rate_target: 12.5,
            bytes_sent: 100,
            bytes_received: 200,
            ..Frame::default()
        }
    }

    #[test]
    fn rows_have_the_columns_of_the_header() {
        let times = Distribution {
            count: 8,
            p50: 1_000_000,
            p90: 2_000_000,
            p99: 3_000_000,
            p99_9: 4_500_000,
            max: 5,
            ..Distribution::default()
        };
        let known = Frame { response_ns: Some(times), ..frame(0) };
        let none_came = Frame { response_ns: Some(Distribution::default()), ..frame(1) };
        let report = Report { series: vec![known, none_came, frame(2)], ..Report::default() };
        let text = render(&report);
        let rows: Vec<_> = text.lines().collect();
        assert_eq!(
            rows[1..],
            [
                "0,10,9,8,3,1,4,12.5,100,200,1.000000,2.000000,3.000000,4.500000,0.000005",
                "1,10,9,8,3,1,4,12.5,100,200,,,,,",
                "2,10,9,8,3,1,4,12.5,100,200,,,,,",
            ]
        );
        assert!(rows.iter().all(|row| row.split(',').count() == 15), "{text}");
        assert!(text.ends_with('\n'));
    }

    #[test]
    fn a_report_without_a_series_is_a_header() {
        assert_eq!(render(&Report::default()).lines().count(), 1);
    }
}
