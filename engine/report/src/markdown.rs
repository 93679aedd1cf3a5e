//! The report as Markdown, for merge requests and chats: verdict, rates, response times, errors and
//! goals. What a user has named stays text.

use crate::breakdown::class_name;
use crate::rules::{found_for, limits};
use crate::text::duration;
use acp_wire::Report;
use acp_wire::report::Distribution;
use acp_wire::verdict::State;
use std::fmt::{self, Write as _};

/// Renders a report.
#[must_use]
#[expect(clippy::missing_panics_doc, reason = "writing to a string does not fail")]
pub fn render(report: &Report) -> String {
    let mut text = String::new();
    write_report(&mut text, report).expect("a string takes all text");
    text
}

fn write_report(out: &mut String, report: &Report) -> fmt::Result {
    write_verdict(out, report)?;
    write_rates(out, report)?;
    write_times(out, report)?;
    write_errors(out, report)?;
    write_goals(out, report)?;
    let run = &report.run;
    let (version, driver, host) = (plain(&run.version), plain(&run.driver), plain(&run.host));
    writeln!(out, "\nacp {version} · driver {driver} · host {host} · seed {}", run.seed)
}

fn write_verdict(out: &mut String, report: &Report) -> fmt::Result {
    let (run, request) = (&report.run, &report.plan.request);
    let url = plain(&report.plan.target.url);
    let name = if run.name.is_empty() { url.clone() } else { plain(&run.name) };
    writeln!(out, "## Load test: {name}\n")?;
    let state = report.verdict.state;
    let mark = if state == State::Valid { "✅" } else { "❌" };
    let duration_s = run.duration_us as f64 / 1e6;
    writeln!(
        out,
        "**Verdict: {mark} {}** · {} {url} · {duration_s:.1} s · {} connections",
        plain(state.name()),
        plain(&request.method),
        report.plan.load.connections
    )?;
    for (number, reason) in report.verdict.reasons.iter().enumerate() {
        let before = if number == 0 { "\n" } else { "" };
        writeln!(out, "{before}- {}: {}", plain(&reason.code), plain(&reason.text))?;
    }
    Ok(())
}

fn write_rates(out: &mut String, report: &Report) -> fmt::Result {
    let (books, rate) = (&report.books, &report.rate);
    writeln!(out, "\n| | Requests | Per second |\n|---|---:|---:|")?;
    for (name, count, per_s) in [
        ("Planned", books.planned, rate.planned_per_s),
        ("Sent", books.sent, rate.sent_per_s),
        ("Completed", books.completed, rate.completed_per_s),
    ] {
        writeln!(out, "| {name} | {count} | {per_s:.1} |")?;
    }
    let balanced = if books.balanced { "balanced" } else { "**not balanced**" };
    writeln!(out, "\nThe books are {balanced}.")
}

fn write_times(out: &mut String, report: &Report) -> fmt::Result {
    let latency = &report.latency;
    if latency.response_ns.count == 0 {
        return writeln!(out, "\nNo expected response was received.");
    }
    writeln!(out, "\n| | p50 | p90 | p99 | p99.9 | max |\n|---|---:|---:|---:|---:|---:|")?;
    let mut row = |name: &str, times: &Distribution| {
        if times.count == 0 {
            return Ok(());
        }
        write!(out, "| {name} |")?;
        for nanos in [times.p50, times.p90, times.p99, times.p99_9, times.max] {
            write!(out, " {} |", duration(nanos as f64))?;
        }
        writeln!(out)
    };
    row("Response time", &latency.response_ns)?;
    row("Service time", &latency.service_ns)?;
    row("Send lag", &latency.send_lag_ns)?;
    if report.classes.len() > 1 {
        for (class, times) in &report.classes {
            row(&format!("Responses {}", class_name(*class)), times)?;
        }
    }
    Ok(())
}

fn write_errors(out: &mut String, report: &Report) -> fmt::Result {
    let books = &report.books;
    let errors = books.errors.iter().map(|(class, count)| (class.name(), "error", *count));
    let not_sent = books.not_sent.iter().map(|(reason, count)| (reason.name(), "not sent", *count));
    let mut rows = errors.chain(not_sent).peekable();
    if rows.peek().is_none() {
        return writeln!(out, "\nNo errors.");
    }
    writeln!(out, "\n| Error | Requests |\n|---|---:|")?;
    for (name, kind, count) in rows {
        let kind = if kind == "error" { String::new() } else { format!("{kind}: ") };
        writeln!(out, "| {kind}{} | {count} |", plain(name))?;
    }
    Ok(())
}

fn write_goals(out: &mut String, report: &Report) -> fmt::Result {
    let limits = limits(report);
    if report.slo.is_empty() && limits.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n| Goal or limit | Found | |\n|---|---:|---|")?;
    for goal in &report.slo {
        let judged = if goal.pass { "✅ met" } else { "❌ missed" };
        writeln!(out, "| {} | {} | {judged} |", plain(&goal.expr), plain(&found_for(goal)))?;
    }
    for limit in limits {
        let (found, judged) = match limit.fired.and_then(|text| text.rsplit_once(": found ")) {
            Some((_, found)) => (plain(found), "❌ ended the run"),
            None => (String::new(), "✅ not passed"),
        };
        writeln!(out, "| {} | {found} | {judged} |", plain(limit.expr))?;
    }
    Ok(())
}

/// A text as one line that Markdown shows as it is. Every mark of ASCII may be escaped (CommonMark
/// 0.31, 2.4); escaped are those that mean something within a line or a cell.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if c.is_control() => plain.push(' '),
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#' | '&' | '~' | '!' | '$' => {
                plain.extend(['\\', c]);
            }
            c => plain.push(c),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use acp_wire::report::{Event, Slo};

    #[test]
    fn what_users_have_named_stays_text() {
        for (text, shown) in [
            ("plain, with 1.5 (two) - and: more", "plain, with 1.5 (two) - and: more"),
            ("a|b", "a\\|b"),
            ("<script>", "\\<script\\>"),
            ("[a](http://b)", "\\[a\\](http://b)"),
            ("![a](b)", "\\!\\[a\\](b)"),
            ("*a* _b_ `c` ~d~", "\\*a\\* \\_b\\_ \\`c\\` \\~d\\~"),
            ("a\\|b", "a\\\\\\|b"),
            ("one\ntwo\r\u{1b}[1m", "one two  \\[1m"),
        ] {
            assert_eq!(plain(text), shown);
        }
    }

    #[test]
    fn a_run_of_nothing_says_so() {
        let text = render(&Report::default());
        for part in ["No expected response was received.", "No errors.", "**not balanced**"] {
            assert!(text.contains(part), "`{part}`: {text}");
        }
        assert!(!text.contains("Goal or limit"), "{text}");
    }

    #[test]
    fn goals_and_limits_are_rows() {
        let mut report = Report::default();
        let goal = |pass| Slo { expr: "p99<50ms".into(), value: 7.5, pass };
        report.slo = vec![goal(true), goal(false)];
        report.plan.stop.abort_on = vec!["errors>5 over 1s".into(), "rate<5 over 1s".into()];
        let text = "errors>5 over 1s: found 9".to_string();
        report.events = vec![Event { at_us: 1, kind: "rule".into(), text }];
        let text = render(&report);
        for row in [
            "| p99\\<50ms | 7.5ms | ✅ met |",
            "| p99\\<50ms | 7.5ms | ❌ missed |",
            "| errors\\>5 over 1s | 9 | ❌ ended the run |",
            "| rate\\<5 over 1s |  | ✅ not passed |",
        ] {
            assert!(text.lines().any(|line| line == row), "`{row}`: {text}");
        }
    }
}
