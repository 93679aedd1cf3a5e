//! The percentile tables of wrk2.
//!
//! The long one is HdrHistogram's classic form, milliseconds with three decimals: what
//! `hdr_percentiles_print` of HdrHistogram_c writes and the plotters of hdrhistogram.org read.

use super::units::{column, micros};
use hdrhistogram::Histogram;
use std::fmt::{self, Write as _};

const PERCENTILES: [f64; 8] = [50.0, 75.0, 90.0, 99.0, 99.9, 99.99, 99.999, 100.0];
/// Steps per halving of the distance to 100 %.
const TICKS_PER_HALF_DISTANCE: u32 = 5;
/// Buckets of equal width in the first power of two, for three significant digits.
const SUB_BUCKETS: u32 = 2048;

/// Writes the short table and the long one. `what` says which times they are.
pub(super) fn write(out: &mut String, what: &str, histogram: &Histogram<u64>) -> fmt::Result {
    writeln!(out, "  Latency Distribution (HdrHistogram - {what})")?;
    for percentile in PERCENTILES {
        let value_us = histogram.value_at_percentile(percentile) as f64 / 1e3;
        writeln!(out, "{percentile:7.3}%{}", column(&micros(value_us), 10))?;
    }
    writeln!(out, "\n  Detailed Percentile spectrum:")?;
    let names = ("Value", "Percentile", "TotalCount", "1/(1-Percentile)");
    writeln!(out, "{:>12} {:>12} {:>12} {:>12}\n", names.0, names.1, names.2, names.3)?;
    let mut count = 0;
    for step in histogram.iter_quantiles(TICKS_PER_HALF_DISTANCE) {
        count += step.count_since_last_iteration();
        let value_ms = step.value_iterated_to() as f64 / 1e6;
        let quantile = step.quantile_iterated_to();
        let inverse = 1.0 / (1.0 - quantile);
        writeln!(out, "{value_ms:12.3} {quantile:12.6} {count:12} {inverse:12.2}")?;
    }
    let (mean, deviation) = (histogram.mean() / 1e6, histogram.stdev() / 1e6);
    let (max, total) = (histogram.max() as f64 / 1e6, histogram.len());
    writeln!(out, "#[Mean    = {mean:12.3}, StdDeviation   = {deviation:12.3}]")?;
    writeln!(out, "#[Max     = {max:12.3}, Total count    = {total:12}]")?;
    writeln!(out, "#[Buckets = {:12}, SubBuckets     = {SUB_BUCKETS:12}]", histogram.buckets())?;
    writeln!(out, "----------------------------------------------------------")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::new_histogram;

    #[test]
    fn the_long_table_counts_every_value_once() {
        for (what, values) in [("one", 1), ("a few", 7), ("many", 10_000)] {
            let mut histogram = new_histogram();
            (1..=values).for_each(|value| histogram.record(value * 10_000).unwrap());
            let mut text = String::new();
            write(&mut text, "Recorded Latency", &histogram).unwrap();
            let rows: Vec<Vec<&str>> = text
                .lines()
                .skip_while(|line| !line.trim_start().starts_with("Value"))
                .skip(2)
                .take_while(|line| !line.starts_with('#'))
                .map(|line| line.split_whitespace().collect())
                .collect();
            let counts: Vec<u64> = rows.iter().map(|row| row[2].parse().unwrap()).collect();
            assert!(counts.is_sorted(), "{what}: {text}");
            assert_eq!(counts.last(), Some(&values), "{what}: {text}");
            assert_eq!(rows.last().unwrap()[1..], ["1.000000", &values.to_string(), "inf"]);
        }
    }
}
