//! The summary of piemon.
//!
//! Numbers of documents found and returned are those of a search engine whose answers it could read;
//! they are not measured, so their lines are not printed, and neither is that of the matches.

use super::super::figures::{errors, per_s, total_s, whole};
use crate::launch::Finished;
use acp_wire::{ErrorClass, Report};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use std::fmt::{self, Write as _};

const PERCENTILES: [u32; 6] = [25, 50, 75, 90, 95, 99];
/// Characters in front of a value.
const LABEL_CHARS: usize = 31;

/// What is printed at the end. `command` are the arguments; times are those of `zone`.
pub(super) fn summary(finished: &Finished, command: &str, zone: &TimeZone) -> String {
    let mut text = String::new();
    write_summary(&mut text, finished, command, zone).expect("a string takes all text");
    text
}

fn write_summary(
    out: &mut String,
    finished: &Finished,
    command: &str,
    zone: &TimeZone,
) -> fmt::Result {
    let (report, response) = (&finished.report, &finished.distributions.response);
    write_times(out, report, zone)?;
    writeln!(out, "CMD: PIEMON_acp-{} {command}", env!("CARGO_PKG_VERSION"))?;
    let milliseconds = |value_ns: f64, decimals: usize| match response.is_empty() {
        true => "not measured".into(),
        false => format!("{:.decimals$} ms", value_ns / 1e6),
    };
    let completed = report.books.completed;
    let length = match report.bytes.received.checked_div(completed) {
        Some(length) => length.to_string(),
        None => "not measured".into(),
    };
    let count = |group| group_count(report, group).to_string();
    let mut lines = vec![
        ("QPS:".into(), format!("{:.2}", per_s(report, completed as f64))),
        ("Latency:".into(), milliseconds(response.mean(), 2)),
        ("Query Success Number:".into(), completed.to_string()),
        ("Connect Failed Number:".into(), count(Group::Connect)),
        ("Query Failed Number:".into(), count(Group::Query)),
        ("Query Timeout Number:".into(), count(Group::Timeout)),
        ("Average Return Length(Bytes):".into(), length),
        ("Min Response Time:".into(), milliseconds(response.min() as f64, 1)),
        ("Max Response Time:".into(), milliseconds(response.max() as f64, 1)),
    ];
    lines.extend(PERCENTILES.map(|percentile| {
        let value_ns = response.value_at_percentile(f64::from(percentile));
        (format!("{percentile} Percentile:"), milliseconds(value_ns as f64, 1))
    }));
    for (label, value) in &lines {
        writeln!(out, "{label:LABEL_CHARS$}{value}")?;
    }
    writeln!(out)
}

/// Writes when the load began and ended, and how long it took, in whole seconds.
fn write_times(out: &mut String, report: &Report, zone: &TimeZone) -> fmt::Result {
    let used_s = whole(total_s(report));
    let start_us = i64::try_from(report.run.started_unix_us).unwrap_or(i64::MAX);
    let start = Timestamp::from_microsecond(start_us).unwrap_or(Timestamp::MAX);
    let used = SignedDuration::from_secs(i64::try_from(used_s).unwrap_or(i64::MAX));
    let end = start.checked_add(used).unwrap_or(Timestamp::MAX);
    let text = |time: Timestamp| time.to_zoned_datetime(zone.clone()).strftime("%m/%d/%y %H:%M:%S");
    writeln!(
        out,
        "--- FROM({}) TO({}) TIME-USED({}h-{}min-{}s) ---",
        text(start),
        text(end),
        used_s / 3600,
        used_s % 3600 / 60,
        used_s % 60
    )
}

/// How piemon tells failures apart.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Group {
    /// No connection.
    Connect,
    /// No response on a connection.
    Query,
    /// No response in time.
    Timeout,
}

fn group_count(report: &Report, group: Group) -> u64 {
    let errors = report.books.errors.iter();
    errors.filter(|(class, _)| group_of(**class) == Some(group)).map(|(_, count)| count).sum()
}

/// The failures that a class counts for; none for a response that was not expected.
fn group_of(class: ErrorClass) -> Option<Group> {
    match class {
        ErrorClass::ConnectRefused
        | ErrorClass::ConnectTimeout
        | ErrorClass::ConnectOther
        | ErrorClass::Tls
        | ErrorClass::TlsUnknownCa
        | ErrorClass::TlsExpired
        | ErrorClass::TlsHostName
        | ErrorClass::Dns
        | ErrorClass::PortsExhausted
        | ErrorClass::TooManyFiles => Some(Group::Connect),
        ErrorClass::Reset | ErrorClass::ClosedEarly | ErrorClass::Protocol => Some(Group::Query),
        ErrorClass::Timeout => Some(Group::Timeout),
        ErrorClass::Unexpected => None,
    }
}

/// What the file of `-o` holds: a line for each kind of failure, most frequent first.
pub(super) fn errors_log(report: &Report) -> String {
    errors(report).iter().map(|(error, count)| format!("{count}\t{error}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::fixture::{check_golden, finished, nothing};
    use super::*;

    #[test]
    fn summaries_read_as_those_of_piemon() {
        let zone = TimeZone::fixed(jiff::tz::offset(8));
        let text = |finished: &Finished| summary(finished, "-r 10 -s 2 --http a 80 q", &zone);
        let mut some = finished();
        // The last second of a year in one zone is in the next year in another.
        some.report.run.started_unix_us = 1_767_196_799_900_000;
        check_golden("piemon/golden/summary.txt", &text(&some));
        some.report.run.duration_us = 3_600_000_000 * 100 + 61_000_000;
        let long = text(&some);
        assert!(long.contains(" TIME-USED(100h-1min-1s) ---\n"), "{long}");
        check_golden("piemon/golden/nothing.txt", &text(&nothing()));
        check_golden("piemon/golden/errors.txt", &errors_log(&finished().report));
        assert_eq!(errors_log(&Report::default()), "");
    }

    #[test]
    fn values_begin_in_one_column() {
        let text = summary(&finished(), "x", &TimeZone::UTC);
        let rows: Vec<_> = text.lines().skip(2).filter(|line| !line.is_empty()).collect();
        assert_eq!(rows.len(), 15);
        for row in rows {
            let (label, value) = row.split_at(LABEL_CHARS);
            assert!(
                label.ends_with(' ') && value.starts_with(|c: char| c.is_ascii_digit()),
                "{row}"
            );
        }
    }

    #[test]
    fn every_failure_is_counted_once() {
        for group in [Group::Connect, Group::Query, Group::Timeout] {
            assert!(ErrorClass::ALL.iter().any(|class| group_of(*class) == Some(group)));
        }
        for class in ErrorClass::ALL {
            assert_eq!(group_of(*class).is_some(), class.is_without_response(), "{}", class.name());
        }
    }

    #[test]
    fn no_time_is_no_failure() {
        let mut finished = nothing();
        finished.report.run.started_unix_us = u64::MAX;
        finished.report.run.duration_us = u64::MAX;
        assert!(summary(&finished, "x", &TimeZone::UTC).starts_with("--- FROM(12/30/99 "));
    }
}
