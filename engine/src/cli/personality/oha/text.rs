//! The summary of oha, without colours.

use super::super::figures::{bar, ended, per_s, total_s};
use super::scale::{Scale, bytes};
use super::shape::{Triple, all_errors, bars, percentiles, success_ratio};
use crate::launch::Finished;
use acp_wire::Report;
use hdrhistogram::Histogram;
use std::fmt::{self, Write as _};

/// The longest bar of the histogram.
const BAR_CHARS: u64 = 32;

/// What is printed at the end, in the given unit or in that of the slowest response.
pub(super) fn summary(finished: &Finished, scale: Option<Scale>) -> String {
    let mut text = String::new();
    write_summary(&mut text, finished, scale).expect("a string takes all text");
    text
}

fn write_summary(out: &mut String, finished: &Finished, scale: Option<Scale>) -> fmt::Result {
    let (report, distributions) = (&finished.report, &finished.distributions);
    let response = &distributions.response;
    let times = Triple::of(response);
    let longest_s = if response.is_empty() { total_s(report) } else { times.slowest };
    let scale = scale.unwrap_or_else(|| Scale::of(longest_s));
    write_head(out, report, times, scale)?;
    writeln!(out, "\nResponse time histogram:")?;
    write_histogram(out, response, scale)?;
    writeln!(out, "\nResponse time distribution:")?;
    for (percentile, value_s) in percentiles(response) {
        match value_s.is_nan() {
            true => writeln!(out, "  {percentile:.2}% not measured")?,
            false => writeln!(out, "  {percentile:.2}% in {}", scale.text(value_s))?,
        }
    }
    writeln!(out, "\n\nDetails (average, fastest, slowest):")?;
    writeln!(out, "  DNS+dialup:\t{}", three(Triple::of(&distributions.connect), scale))?;
    // A name is resolved once, before the run.
    writeln!(out, "  DNS-lookup:\t{}", three(Triple::UNKNOWN, scale))?;
    writeln!(out, "\nStatus code distribution:")?;
    let mut statuses: Vec<_> = report.status.iter().collect();
    statuses.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    for (status, count) in statuses {
        writeln!(out, "  [{status}] {count} responses")?;
    }
    let errors = all_errors(report);
    if !errors.is_empty() {
        writeln!(out, "\nError distribution:")?;
    }
    errors.iter().try_for_each(|(error, count)| writeln!(out, "  [{count}] {error}"))
}

fn write_head(out: &mut String, report: &Report, times: Triple, scale: Scale) -> fmt::Result {
    let received = report.bytes.received;
    let success = match success_ratio(report) {
        ratio if ratio.is_nan() => "not measured".into(),
        ratio => format!("{:.2}%", ratio * 100.0),
    };
    let size = match received.checked_div(report.books.completed) {
        Some(size) => bytes(size as f64),
        None => "not measured".into(),
    };
    writeln!(out, "Summary:\n  Success rate:\t{success}")?;
    writeln!(out, "  Total:\t{}", scale.text(total_s(report)))?;
    writeln!(out, "  Slowest:\t{}", scale.text(times.slowest))?;
    writeln!(out, "  Fastest:\t{}", scale.text(times.fastest))?;
    writeln!(out, "  Average:\t{}", scale.text(times.average))?;
    writeln!(out, "  Requests/sec:\t{:.4}\n", per_s(report, ended(report) as f64))?;
    writeln!(out, "  Total data:\t{}", bytes(received as f64))?;
    writeln!(out, "  Size/request:\t{size}")?;
    writeln!(out, "  Size/sec:\t{}", bytes(per_s(report, received as f64)))
}

fn write_histogram(out: &mut String, histogram: &Histogram<u64>, scale: Scale) -> fmt::Result {
    let rows: Vec<_> = bars(histogram)
        .into_iter()
        .map(|(edge_s, count)| (format!("{:.3}", edge_s / scale.seconds()), count))
        .collect();
    let largest = rows.iter().map(|(_, count)| *count).max().unwrap_or(0).max(1);
    let count_chars = largest.to_string().len();
    let edge_chars = rows.iter().map(|(edge, _)| edge.len()).max().unwrap_or(0);
    for (edge, count) in &rows {
        let bar = bar(count * BAR_CHARS / largest);
        let pad = count_chars - count.to_string().len();
        writeln!(out, "  {edge:>edge_chars$} {} [{count}]{:pad$} |{bar}", scale.name(), "")?;
    }
    Ok(())
}

fn three(times: Triple, scale: Scale) -> String {
    if times.average.is_nan() {
        return "not measured".into();
    }
    [times.average, times.fastest, times.slowest].map(|value_s| scale.text(value_s)).join(", ")
}

#[cfg(test)]
mod tests {
    use super::super::super::fixture::{check_golden, finished, nothing};
    use super::*;

    #[test]
    fn summaries_read_as_those_of_oha() {
        check_golden("oha/golden/summary.txt", &summary(&finished(), None));
        check_golden("oha/golden/seconds.txt", &summary(&finished(), Some(Scale::S)));
        check_golden("oha/golden/nothing.txt", &summary(&nothing(), None));
    }
}
