//! The summary of wrk, and of wrk2 where there is a rate.

use super::super::figures::{Spread, per_s, rates_per_s, total_s};
use super::arguments::Style;
use super::spectrum;
use super::units::{binary, column, metric, micros, seconds};
use crate::launch::Finished;
use acp_wire::units::parse_duration_ns;
use acp_wire::{ErrorClass, Plan, Report};
use hdrhistogram::Histogram;
use std::fmt::{self, Write as _};

/// What is printed as the load begins.
pub(super) fn heading(plan: &Plan, style: Style) -> String {
    let duration_ns = plan.load.duration.as_deref().map(parse_duration_ns);
    let duration_s = duration_ns.and_then(Result::ok).unwrap_or_default() as f64 / 1e9;
    format!(
        "Running {} test @ {}\n  {} threads and {} connections\n",
        seconds(duration_s),
        plan.target.url,
        style.threads,
        plan.load.connections
    )
}

/// What is printed at the end.
pub(super) fn summary(finished: &Finished, style: Style) -> String {
    let mut text = String::new();
    write_summary(&mut text, finished, style).expect("a string takes all text");
    text
}

fn write_summary(out: &mut String, finished: &Finished, style: Style) -> fmt::Result {
    let (report, distributions) = (&finished.report, &finished.distributions);
    writeln!(out, "  Thread Stats{:>6}{:>11}{:>8}{:>12}", "Avg", "Stdev", "Max", "+/- Stdev")?;
    write_spread(out, "Latency", &latency(&distributions.response), micros)?;
    write_spread(out, "Req/Sec", &thread_rates(report), metric)?;
    if style.latency && style.at_rate {
        spectrum::write(out, "Recorded Latency", &distributions.response)?;
    } else if style.latency {
        write_percentiles(out, &distributions.response)?;
    }
    if style.uncorrected {
        let what = "Uncorrected Latency (measured without taking delayed starts into account)";
        writeln!(out)?;
        spectrum::write(out, what, &distributions.service)?;
    }
    let completed = report.books.completed;
    let received = report.bytes.received as f64;
    let time = micros(total_s(report) * 1e6);
    writeln!(out, "  {completed} requests in {time}, {}B read", binary(received))?;
    write_errors(out, report)?;
    writeln!(out, "Requests/sec: {:9.2}", per_s(report, completed as f64))?;
    writeln!(out, "Transfer/sec: {:>10}B", binary(per_s(report, received)))
}

/// Of all response times, in microseconds.
fn latency(histogram: &Histogram<u64>) -> Spread {
    let Spread { mean, stddev, min, max, within_percent } = Spread::of_histogram(histogram);
    Spread {
        mean: mean / 1e3,
        stddev: stddev / 1e3,
        min: min / 1e3,
        max: max / 1e3,
        within_percent,
    }
}

/// Responses a second of one thread.
///
/// wrk takes a sample of each thread every 100 ms. Here the samples are the seconds of the run, and
/// each is the mean of all threads: the average is the same, while the deviation and the maximum
/// lack what threads differ in and what happens within a second.
fn thread_rates(report: &Report) -> Spread {
    let shards = f64::from(report.run.shards.max(1));
    let rates: Vec<_> = rates_per_s(report).into_iter().map(|rate| rate / shards).collect();
    Spread::of(&rates)
}

fn write_spread(
    out: &mut String,
    name: &str,
    spread: &Spread,
    unit: fn(f64) -> String,
) -> fmt::Result {
    // Of nothing wrk says 0, and that no part of it is near the mean.
    let (mean, stddev, max, within) = match spread.mean.is_nan() {
        true => (0.0, 0.0, 0.0, "-nan".into()),
        false => (spread.mean, spread.stddev, spread.max, format!("{:.2}", spread.within_percent)),
    };
    let columns = (column(&unit(mean), 8), column(&unit(stddev), 10), column(&unit(max), 9));
    writeln!(out, "    {name:<10}{}{}{}{within:>8}%", columns.0, columns.1, columns.2)
}

fn write_percentiles(out: &mut String, histogram: &Histogram<u64>) -> fmt::Result {
    writeln!(out, "  Latency Distribution")?;
    for percentile in [50.0, 75.0, 90.0, 99.0] {
        let value_us = histogram.value_at_percentile(percentile) as f64 / 1e3;
        writeln!(out, "{percentile:7.0}%{}", column(&micros(value_us), 10))?;
    }
    Ok(())
}

/// Writes errors, where there are some. A connection that breaks while a request is written is known
/// by its end, so it counts as a read error.
fn write_errors(out: &mut String, report: &Report) -> fmt::Result {
    let (mut connect, mut read, mut timeout) = (0, 0, 0);
    for (class, count) in &report.books.errors {
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
            | ErrorClass::TooManyFiles => connect += count,
            ErrorClass::Reset | ErrorClass::ClosedEarly | ErrorClass::Protocol => read += count,
            ErrorClass::Timeout => timeout += count,
            // A response: its status says more.
            ErrorClass::Unexpected => {}
        }
    }
    if connect + read + timeout > 0 {
        writeln!(
            out,
            "  Socket errors: connect {connect}, read {read}, write 0, timeout {timeout}"
        )?;
    }
    let failed: u64 = report.status.range(400..).map(|(_, count)| count).sum();
    if failed > 0 {
        writeln!(out, "  Non-2xx or 3xx responses: {failed}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::super::fixture::{check_golden, finished, nothing};
    use super::*;

    #[test]
    fn summaries_read_as_those_of_wrk() {
        let plain = Style { threads: 2, ..Style::default() };
        let at_rate = Style { at_rate: true, latency: true, uncorrected: true, ..plain };
        let text = |style| {
            let finished = finished();
            heading(&finished.report.plan, style) + &summary(&finished, style)
        };
        check_golden("wrk/golden/plain.txt", &text(plain));
        check_golden("wrk/golden/latency.txt", &text(Style { latency: true, ..plain }));
        check_golden("wrk/golden/rate.txt", &text(at_rate));
        check_golden("wrk/golden/nothing.txt", &summary(&nothing(), plain));
    }
}
