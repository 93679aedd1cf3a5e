//! The summary of hey.

use super::super::figures::{as_s, bar, bins, ended, errors, mean_read_ns, per_s, total_s};
use crate::launch::Finished;
use acp_wire::Report;
use hdrhistogram::Histogram;
use std::fmt::{self, Write as _};

const PERCENTILES: [u32; 7] = [10, 25, 50, 75, 90, 95, 99];
/// Bars of the histogram, and the longest of them.
const BINS: u64 = 10;
const BAR_CHARS: u64 = 40;

/// What is printed at the end.
pub(super) fn summary(finished: &Finished) -> String {
    let mut text = String::new();
    write_summary(&mut text, finished).expect("a string takes all text");
    text
}

fn write_summary(out: &mut String, finished: &Finished) -> fmt::Result {
    let (report, response) = (&finished.report, &finished.distributions.response);
    write_head(out, report, response)?;
    writeln!(out, "\nResponse time histogram:")?;
    write_histogram(out, response)?;
    writeln!(out, "\n\nLatency distribution:")?;
    for percentile in PERCENTILES.iter().filter(|_| !response.is_empty()) {
        let value_ns = response.value_at_percentile(f64::from(*percentile));
        writeln!(out, "  {percentile}% in {:.4} secs", as_s(value_ns))?;
    }
    write_details(out, finished)?;
    writeln!(out, "\nStatus code distribution:")?;
    for (code, count) in &report.status {
        writeln!(out, "  [{code}]\t{count} responses")?;
    }
    writeln!(out)?;
    let errors = errors(report);
    if !errors.is_empty() {
        writeln!(out, "Error distribution:")?;
    }
    for (error, count) in &errors {
        writeln!(out, "  [{count}]\t{error}")?;
    }
    // As many lines as behind the template of hey.
    out.write_str(if errors.is_empty() { "\n\n" } else { "\n" })
}

fn write_head(out: &mut String, report: &Report, response: &Histogram<u64>) -> fmt::Result {
    let seconds = |value_ns: f64| match response.is_empty() {
        true => "not measured".into(),
        false => format!("{:.4} secs", value_ns / 1e9),
    };
    writeln!(out, "\nSummary:")?;
    writeln!(out, "  Total:\t{:.4} secs", total_s(report))?;
    writeln!(out, "  Slowest:\t{}", seconds(response.max() as f64))?;
    writeln!(out, "  Fastest:\t{}", seconds(response.min() as f64))?;
    writeln!(out, "  Average:\t{}", seconds(response.mean()))?;
    writeln!(out, "  Requests/sec:\t{:.4}", per_s(report, ended(report) as f64))?;
    writeln!(out, "  ")?;
    let received = report.bytes.received;
    if received > 0 {
        writeln!(out, "  Total data:\t{received} bytes")?;
        writeln!(out, "  Size/request:\t{} bytes", received / report.books.completed.max(1))?;
    }
    Ok(())
}

/// Writes a bar for the fastest and one for each tenth of the way to the slowest.
fn write_histogram(out: &mut String, response: &Histogram<u64>) -> fmt::Result {
    if response.is_empty() {
        return Ok(());
    }
    let (fastest, slowest) = (response.min(), response.max());
    let edges: Vec<_> =
        (0..=BINS).map(|number| fastest + (slowest - fastest) * number / BINS).collect();
    let counts = bins(response, &edges);
    let largest = counts.iter().copied().max().unwrap_or(0).max(1);
    for (edge, count) in edges.iter().zip(counts) {
        let bar = bar((count * BAR_CHARS + largest / 2) / largest);
        writeln!(out, "  {:.3} [{count}]\t|{bar}", as_s(*edge))?;
    }
    Ok(())
}

/// Writes the parts of a request as far as they are known.
///
/// A name is resolved once, before the run. The time of writing is not told apart: it is a part of
/// the wait for the first byte. Connections count once each, not once a request.
fn write_details(out: &mut String, finished: &Finished) -> fmt::Result {
    let distributions = &finished.distributions;
    let three = |histogram: &Histogram<u64>| match histogram.is_empty() {
        true => "not measured".into(),
        false => {
            let (mean, min, max) = (histogram.mean(), histogram.min(), histogram.max());
            format!("{:.4} secs, {:.4} secs, {:.4} secs", mean / 1e9, as_s(min), as_s(max))
        }
    };
    let read = match mean_read_ns(distributions) {
        Some(mean_ns) => format!("{:.4} secs, not measured, not measured", mean_ns / 1e9),
        None => "not measured".into(),
    };
    writeln!(out, "\nDetails (average, fastest, slowest):")?;
    writeln!(out, "  DNS+dialup:\t{}", three(&distributions.connect))?;
    writeln!(out, "  DNS-lookup:\tnot measured")?;
    writeln!(out, "  req write:\tnot measured")?;
    writeln!(out, "  resp wait:\t{}", three(&distributions.first_byte))?;
    writeln!(out, "  resp read:\t{read}")
}

#[cfg(test)]
mod tests {
    use super::super::super::fixture::{check_golden, finished, nothing};
    use super::*;

    #[test]
    fn summaries_read_as_those_of_hey() {
        check_golden("hey/golden/summary.txt", &summary(&finished()));
        check_golden("hey/golden/nothing.txt", &summary(&nothing()));
        let mut good = finished();
        good.report.books.errors.clear();
        check_golden("hey/golden/good.txt", &summary(&good));
    }
}
