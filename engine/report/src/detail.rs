//! What a report knows of kinds of requests and of single ones: classes of status, tags, the slowest
//! requests, TLS handshakes. A part of its text; each is left out where there is nothing to tell.

use super::text::duration;
use crate::breakdown::class_name;
use acp_wire::Report;
use acp_wire::frame::{OTHER_TAGS, Slow};
use acp_wire::report::{Distribution, TagReport};
use std::cmp::Reverse;
use std::fmt::{self, Write as _};

/// Tags of the table.
const MAX_TAGS: usize = 10;
/// Requests of the list.
const MAX_SLOWEST: usize = 5;
/// Characters of a tag.
const MAX_TAG_CHARS: usize = 40;

/// Writes all of it.
pub(super) fn write_detail(out: &mut String, report: &Report) -> fmt::Result {
    write_classes(out, report)?;
    write_tags(out, report)?;
    write_slowest(out, report)
}

/// Writes the line of the handshakes.
pub(super) fn write_handshakes(out: &mut String, report: &Report) -> fmt::Result {
    let (connections, times) = (&report.connections, &report.latency.handshake_ns);
    if connections.full_handshakes + connections.resumed_handshakes == 0 {
        return Ok(());
    }
    write!(
        out,
        "TLS:     {} full handshakes · {} resumed",
        connections.full_handshakes, connections.resumed_handshakes
    )?;
    match times.count {
        0 => writeln!(out),
        _ => {
            let (p50, p99) = (duration(times.p50 as f64), duration(times.p99 as f64));
            writeln!(out, " · p50 {p50} · p99 {p99}")
        }
    }
}

fn write_classes(out: &mut String, report: &Report) -> fmt::Result {
    if report.classes.len() < 2 {
        return Ok(());
    }
    writeln!(out, "\n  status      responses         p50         p90         p99         max")?;
    for (class, times) in &report.classes {
        write!(out, "  {:<9}{:>12}", class_name(*class), times.count)?;
        write_times(out, times, [times.p50, times.p90, times.p99, times.max])?;
    }
    Ok(())
}

fn write_tags(out: &mut String, report: &Report) -> fmt::Result {
    if report.tags.is_empty() {
        return Ok(());
    }
    let mut rows: Vec<(&String, &TagReport)> = report.tags.iter().collect();
    // The rest is no tag, however much it is.
    rows.sort_by_key(|(tag, of)| (*tag == OTHER_TAGS, Reverse(of.completed.max(of.errors)), *tag));
    let more = rows.len().saturating_sub(MAX_TAGS);
    rows.truncate(MAX_TAGS);
    let width = rows.iter().map(|(tag, _)| plain(tag).chars().count()).max().unwrap_or(0).max(9);
    write!(out, "\n  {:<width$}   responses    errors", "tag")?;
    writeln!(out, "         p50         p90         p99         max")?;
    for (tag, of) in rows {
        write!(out, "  {:<width$}{:>12}{:>10}", plain(tag), of.completed, of.errors)?;
        let times = &of.response_ns;
        write_times(out, times, [times.p50, times.p90, times.p99, times.max])?;
    }
    match more {
        0 => Ok(()),
        more => writeln!(out, "  and {more} more, in the JSON report"),
    }
}

fn write_times(out: &mut String, times: &Distribution, values: [u64; 4]) -> fmt::Result {
    for nanos in values {
        match times.count {
            0 => write!(out, "{:>12}", "-")?,
            _ => write!(out, "{:>12}", duration(nanos as f64))?,
        }
    }
    writeln!(out)
}

fn write_slowest(out: &mut String, report: &Report) -> fmt::Result {
    if report.slowest.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nSlowest requests, times from when they were due:")?;
    for slow in report.slowest.iter().take(MAX_SLOWEST) {
        write_slow(out, slow)?;
    }
    Ok(())
}

/// One request: its outcome, then what happened when.
fn write_slow(out: &mut String, slow: &Slow) -> fmt::Result {
    let took = duration(slow.ended_ns as f64);
    write!(out, "  {took:>9}  slot {} due at {:.3} s", slow.slot, slow.due_us as f64 / 1e6)?;
    if let Some(status) = slow.status {
        write!(out, " · status {status}")?;
    }
    if let Some(error) = slow.error {
        write!(out, " · {}", error.name())?;
    }
    for (name, text) in [("tag", &slow.tag), ("agent", &slow.agent)] {
        if !text.is_empty() {
            write!(out, " · {name} {}", plain(text))?;
        }
    }
    if let Some(tcp) = slow.tcp {
        let rtt = duration(f64::from(tcp.rtt_us) * 1e3);
        write!(out, " · rtt {rtt} · {} retransmits", tcp.retransmits)?;
    }
    // A request may be sent before its connection is open: then it waits for that.
    let mut moments = vec![("sent", slow.sent_ns)];
    let others = [
        ("connected", slow.connected_ns),
        ("handshake", slow.handshake_ns),
        ("first byte", slow.first_byte_ns),
        ("end", Some(slow.ended_ns)),
    ];
    moments.extend(others.into_iter().filter_map(|(name, at)| Some((name, at?))));
    moments.sort_by_key(|&(_, at_ns)| at_ns);
    let shown = moments.iter().map(|&(name, at_ns)| format!("{name} {}", duration(at_ns as f64)));
    writeln!(out, "\n             {}", shown.collect::<Vec<_>>().join(" → "))
}

/// A name that somebody else has chosen, on one line and without what steers a terminal.
fn plain(name: &str) -> String {
    let shown = name.chars().take(MAX_TAG_CHARS);
    shown.map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn check(what: &str, report: &Report, lines: &[&str]) {
        let mut text = String::new();
        write_detail(&mut text, report).unwrap();
        write_handshakes(&mut text, report).unwrap();
        let found: Vec<_> = text.lines().filter(|line| !line.is_empty()).collect();
        assert_eq!(found, lines, "{what}");
    }

    fn times(count: u64) -> Distribution {
        let (p50, p90, p99, max) = (1_000_000, 2_000_000, 3_000_000, 4_000_000);
        Distribution { count, p50, p90, p99, max, ..Distribution::default() }
    }

    #[test]
    fn what_there_is_nothing_to_tell_of_is_left_out() {
        check("nothing", &Report::default(), &[]);
        let classes = BTreeMap::from([(2, times(5))]);
        check("one class is all there is", &Report { classes, ..Report::default() }, &[]);
    }

    #[test]
    fn classes_and_tags_are_tables() {
        let classes = BTreeMap::from([(2, times(5)), (5, times(1))]);
        let tag =
            |completed, errors| TagReport { completed, errors, response_ns: times(completed) };
        let tags = BTreeMap::from([
            (OTHER_TAGS.to_string(), tag(99, 0)),
            ("a".into(), tag(1, 0)),
            ("b\n\u{1b}".into(), tag(0, 7)),
        ]);
        check(
            "both",
            &Report { classes, tags, ..Report::default() },
            &[
                "  status      responses         p50         p90         p99         max",
                "  2xx                 5     1.00 ms     2.00 ms     3.00 ms     4.00 ms",
                "  5xx                 1     1.00 ms     2.00 ms     3.00 ms     4.00 ms",
                "  tag         responses    errors         p50         p90         p99         max",
                "  b\u{fffd}\u{fffd}                 0         7           -           -           -           -",
                "  a                   1         0     1.00 ms     2.00 ms     3.00 ms     4.00 ms",
                "  (other)            99         0     1.00 ms     2.00 ms     3.00 ms     4.00 ms",
            ],
        );
    }

    #[test]
    fn many_tags_are_cut_and_counted() {
        let many = (0..25).map(|number| (format!("t{number}"), TagReport::default()));
        let report = Report { tags: many.collect(), ..Report::default() };
        let mut text = String::new();
        write_detail(&mut text, &report).unwrap();
        assert_eq!(text.lines().filter(|line| line.starts_with("  t")).count(), 1 + MAX_TAGS);
        assert!(text.ends_with("  and 15 more, in the JSON report\n"), "{text}");
    }

    #[test]
    fn a_slow_request_has_its_time_line() {
        let quick = Slow { slot: 7, due_us: 1_500_000, ended_ns: 2_000_000, ..Slow::default() };
        let slow = Slow {
            sent_ns: 1_000,
            connected_ns: Some(1_000_000),
            handshake_ns: Some(3_000_000),
            first_byte_ns: Some(8_000_000),
            ended_ns: 9_000_000,
            status: Some(200),
            ..quick.clone()
        };
        check(
            "two",
            &Report { slowest: vec![slow, quick], ..Report::default() },
            &[
                "Slowest requests, times from when they were due:",
                "    9.00 ms  slot 7 due at 1.500 s · status 200",
                "             sent 1.0 µs → connected 1.00 ms → handshake 3.00 ms → first byte 8.00 ms → end 9.00 ms",
                "    2.00 ms  slot 7 due at 1.500 s",
                "             sent 0 ns → end 2.00 ms",
            ],
        );
    }

    #[test]
    fn handshakes_are_counted_with_their_times_if_known() {
        let mut report = Report::default();
        report.connections.resumed_handshakes = 2;
        check("counts", &report, &["TLS:     0 full handshakes · 2 resumed"]);
        report.latency.handshake_ns = times(2);
        let line = "TLS:     0 full handshakes · 2 resumed · p50 1.00 ms · p99 3.00 ms";
        check("times", &report, &[line]);
    }
}
