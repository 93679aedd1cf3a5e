//! The report for people.

use super::agents::write_agents;
use super::detail::{write_detail, write_handshakes};
use super::rules::found_for;
use crate::{HistogramError, decode, new_histogram};
use acp_wire::report::{Distribution, Report};
use acp_wire::verdict::State;
use std::fmt::{self, Write as _};

/// How a text is written.
#[derive(Clone, Debug)]
pub struct Style {
    /// Colours for a terminal.
    pub color: bool,
    /// Percentiles of the table, in percent, with the histogram to read them from.
    pub percentiles: Vec<f64>,
}

impl Default for Style {
    fn default() -> Self {
        Self { color: false, percentiles: vec![50.0, 90.0, 99.0, 99.9, 99.99] }
    }
}

/// Renders a report. `values` reads a percentile of response and service time.
#[must_use]
#[expect(clippy::missing_panics_doc, reason = "writing to a string does not fail")]
pub fn render(report: &Report, style: &Style, values: &dyn Fn(f64) -> (u64, u64)) -> String {
    let mut text = String::new();
    write_report(&mut text, report, style, values).expect("a string takes all text");
    text
}

/// Renders a report that was stored: percentiles are read from the histograms in it.
///
/// # Errors
///
/// When these cannot be read.
pub fn render_stored(report: &Report, style: &Style) -> Result<String, HistogramError> {
    let read = |text: &Option<String>| match text {
        Some(text) => decode(text),
        None => Ok(new_histogram()),
    };
    let response = read(&report.histograms.response)?;
    let service = read(&report.histograms.service)?;
    let at = |percentile| {
        (response.value_at_percentile(percentile), service.value_at_percentile(percentile))
    };
    Ok(render(report, style, &at))
}

fn write_report(
    out: &mut String,
    report: &Report,
    style: &Style,
    values: &dyn Fn(f64) -> (u64, u64),
) -> fmt::Result {
    write_verdict(out, report, style)?;
    write_run(out, report)?;
    write_rates(out, report)?;
    write_books(out, report)?;
    write_latency(out, report, style, values)?;
    write_outcomes(out, report)?;
    write_handshakes(out, report)?;
    write_goals(out, report)?;
    write_detail(out, report)?;
    write_agents(out, &report.agents)?;
    write_cost(out, report)?;
    writeln!(out, "Requests/sec: {:.2}", report.rate.completed_per_s)
}

fn write_verdict(out: &mut String, report: &Report, style: &Style) -> fmt::Result {
    let state = report.verdict.state;
    let color = match (style.color, state) {
        (false, _) => "",
        (true, State::Valid) => "\x1b[1;32m",
        (true, _) => "\x1b[1;31m",
    };
    let reset = if style.color { "\x1b[0m" } else { "" };
    let books = &report.books;
    writeln!(
        out,
        "Verdict: {color}{}{reset} · {} planned, {} sent, {} completed, {} errors",
        state.name(),
        books.planned,
        books.sent,
        books.completed,
        books.errors_total()
    )?;
    for reason in &report.verdict.reasons {
        writeln!(out, "  {}: {}", reason.code, reason.text)?;
    }
    if books.sent > 0 && books.completed == 0 {
        writeln!(out, "  no request was answered")?;
    }
    Ok(())
}

fn write_run(out: &mut String, report: &Report) -> fmt::Result {
    let (run, load) = (&report.run, &report.plan.load);
    let model = match (&load.rate, &load.profile) {
        (Some(rate), _) => format!("open loop at {rate}"),
        (None, Some(profile)) => format!("open loop, {profile}"),
        (None, None) => "closed loop".into(),
    };
    writeln!(
        out,
        "Run:     {} {} · {model} · {} connections · {} {} · {:.1} s",
        report.plan.request.method,
        report.plan.target.url,
        load.connections,
        run.shards,
        if run.shards == 1 { "shard" } else { "shards" },
        run.duration_us as f64 / 1e6,
    )?;
    writeln!(out, "Driver:  {} ({})", run.driver, run.driver_reason)?;
    let Some(calibration) = &run.calibration else { return Ok(()) };
    writeln!(
        out,
        "Machine: calibrated at {:.0} requests/s and {:.2} µs of CPU a request on one shard, send lag p99 {:.1} µs",
        calibration.requests_per_s,
        calibration.cpu_us_per_request,
        calibration.send_lag_p99_ns as f64 / 1e3
    )
}

fn write_rates(out: &mut String, report: &Report) -> fmt::Result {
    let rate = &report.rate;
    writeln!(
        out,
        "\nRates:   {:.1}/s planned · {:.1}/s sent · {:.1}/s completed",
        rate.planned_per_s, rate.sent_per_s, rate.completed_per_s
    )
}

fn write_books(out: &mut String, report: &Report) -> fmt::Result {
    let books = &report.books;
    write!(out, "Books:   planned {} = sent {}", books.planned, books.sent)?;
    for (reason, count) in &books.not_sent {
        write!(out, " + not sent {count} ({})", reason.name())?;
    }
    write!(out, "\n         sent {} = completed {}", books.sent, books.completed)?;
    for (class, count) in books.errors.iter().filter(|(class, _)| class.is_without_response()) {
        write!(out, " + {} {count}", class.name())?;
    }
    if books.in_flight_at_stop > 0 {
        write!(out, " + in flight at stop {}", books.in_flight_at_stop)?;
    }
    writeln!(out, " · {}", if books.balanced { "balanced" } else { "NOT BALANCED" })
}

fn write_latency(
    out: &mut String,
    report: &Report,
    style: &Style,
    values: &dyn Fn(f64) -> (u64, u64),
) -> fmt::Result {
    let latency = &report.latency;
    if latency.response_ns.count == 0 {
        return writeln!(out, "\nNo expected response was received.");
    }
    writeln!(out, "\n             response time   service time")?;
    let mut row = |name: &str, response: f64, service: f64| {
        writeln!(out, "  {name:<10} {:>13}  {:>13}", duration(response), duration(service))
    };
    let (response, service) = (&latency.response_ns, &latency.service_ns);
    row("min", response.min as f64, service.min as f64)?;
    row("mean", response.mean, service.mean)?;
    for &percentile in &style.percentiles {
        let (response, service) = values(percentile);
        row(&format!("p{percentile}"), response as f64, service as f64)?;
    }
    row("max", response.max as f64, service.max as f64)?;
    write_line(out, "First byte", &latency.first_byte_ns)?;
    write_line(out, "Connect", &latency.connect_ns)?;
    write_line(out, "Send lag", &latency.send_lag_ns)?;
    write_line(out, "Errors after", &latency.error_response_ns)
}

fn write_line(out: &mut String, name: &str, values: &Distribution) -> fmt::Result {
    if values.count == 0 {
        return Ok(());
    }
    writeln!(
        out,
        "{name}: p50 {} · p90 {} · p99 {} · max {}",
        duration(values.p50 as f64),
        duration(values.p90 as f64),
        duration(values.p99 as f64),
        duration(values.max as f64)
    )
}

fn write_outcomes(out: &mut String, report: &Report) -> fmt::Result {
    if !report.status.is_empty() {
        write!(out, "\nStatus:  ")?;
        for (number, (code, count)) in report.status.iter().enumerate() {
            write!(out, "{}{code} × {count}", if number == 0 { "" } else { " · " })?;
        }
        writeln!(out)?;
    }
    if !report.books.errors.is_empty() {
        write!(out, "Errors:  ")?;
        for (number, (class, count)) in report.books.errors.iter().enumerate() {
            let separator = if number == 0 { "" } else { " · " };
            write!(out, "{separator}{} × {count}", class.name())?;
        }
        writeln!(out)?;
    }
    for event in &report.events {
        let mut lines = event.text.lines();
        let first = lines.next().unwrap_or_default();
        writeln!(out, "  at {:.3} s: {first}", event.at_us as f64 / 1e6)?;
        for line in lines {
            writeln!(out, "  {line}")?;
        }
    }
    let (bytes, connections) = (&report.bytes, &report.connections);
    writeln!(
        out,
        "Bytes:   {} sent · {} received",
        byte_count(bytes.sent),
        byte_count(bytes.received)
    )?;
    write!(
        out,
        "Connections: {} opened · {} closed · {} requests on a kept connection",
        connections.opened, connections.closed, connections.reused_requests
    )?;
    match connections.retried_requests {
        0 => writeln!(out),
        count => writeln!(out, " · {count} sent again"),
    }
}

fn write_goals(out: &mut String, report: &Report) -> fmt::Result {
    for goal in &report.slo {
        let judged = if goal.pass { "met" } else { "NOT MET" };
        writeln!(out, "Goal:    {} {judged}, found {}", goal.expr, found_for(goal))?;
    }
    Ok(())
}

fn write_cost(out: &mut String, report: &Report) -> fmt::Result {
    let generator = &report.generator;
    let cpu_us = generator.cpu_user_us + generator.cpu_system_us;
    let per_request = |micros: u64| micros as f64 / report.books.sent.max(1) as f64;
    let work_us = cpu_us.saturating_sub(generator.cpu_spin_us);
    write!(out, "Cost:    {:.2} µs CPU per request", per_request(work_us))?;
    if generator.cpu_spin_us > 0 {
        let spin_us = per_request(generator.cpu_spin_us);
        write!(out, " + {spin_us:.2} µs looking out for due times (--spin off saves them)")?;
    } else {
        let user = generator.cpu_user_us as f64 * 100.0 / cpu_us.max(1) as f64;
        write!(out, " ({user:.0} % in user space)")?;
    }
    let (memory, busy) = (byte_count(generator.max_rss_bytes), generator.busy_ratio * 100.0);
    writeln!(out, " · {memory} peak memory · busiest shard {busy:.0} %")
}

/// Nanoseconds in the unit that suits a person.
#[must_use]
pub fn duration(nanos: f64) -> String {
    match nanos {
        _ if nanos < 1_000.0 => format!("{nanos:.0} ns"),
        _ if nanos < 1_000_000.0 => format!("{:.1} µs", nanos / 1e3),
        _ if nanos < 1_000_000_000.0 => format!("{:.2} ms", nanos / 1e6),
        _ => format!("{:.2} s", nanos / 1e9),
    }
}

fn byte_count(bytes: u64) -> String {
    let bytes = bytes as f64;
    match bytes {
        _ if bytes < 1024.0 => format!("{bytes:.0} B"),
        _ if bytes < 1024.0 * 1024.0 => format!("{:.1} KiB", bytes / 1024.0),
        _ if bytes < 1024.0 * 1024.0 * 1024.0 => format!("{:.1} MiB", bytes / (1024.0 * 1024.0)),
        _ => format!("{:.2} GiB", bytes / (1024.0 * 1024.0 * 1024.0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_report_has_its_percentiles_in_itself() {
        let mut report = Report::default();
        let mut histogram = new_histogram();
        histogram.record_n(5_000_000, 10).unwrap();
        report.latency.response_ns = crate::summary(&histogram);
        report.histograms.response = crate::encode(&histogram);
        let text = render_stored(&report, &Style::default()).unwrap();
        assert!(text.contains("p99              5.00 ms           0 ns"), "{text}");
        report.histograms.service = Some("nonsense".into());
        assert!(render_stored(&report, &Style::default()).is_err());
    }

    #[test]
    fn durations_are_in_the_unit_that_suits() {
        for (nanos, text) in [
            (0.0, "0 ns"),
            (999.0, "999 ns"),
            (1_000.0, "1.0 µs"),
            (27_340.0, "27.3 µs"),
            (1_500_000.0, "1.50 ms"),
            (2_500_000_000.0, "2.50 s"),
        ] {
            assert_eq!(duration(nanos), text);
        }
    }

    #[test]
    fn a_terminal_gets_colours_and_a_run_without_answers_says_so() {
        let mut report = Report::default();
        report.books.sent = 3;
        let style = Style { color: true, ..Style::default() };
        let text = render(&report, &style, &|_| (0, 0));
        assert!(text.starts_with("Verdict: \x1b[1;32mvalid\x1b[0m"), "{text}");
        assert!(text.contains("no request was answered"), "{text}");
        assert!(text.contains("No expected response was received."), "{text}");
    }
}
