//! Response times as the percentile table that HdrHistogram's own plotters read (`.hgrm`).
//!
//! Format: `Value Percentile TotalCount 1/(1-Percentile)`, values in milliseconds, as written by
//! `outputPercentileDistribution` of the HdrHistogram libraries.

use hdrhistogram::Histogram;
use std::fmt::{self, Write as _};

/// Steps per halving of the distance to 100 %.
const TICKS_PER_HALF_DISTANCE: u32 = 5;
/// Buckets of equal width in the first power of two, for three significant digits.
const SUB_BUCKETS: u32 = 2048;

/// Renders a histogram of nanoseconds.
#[must_use]
#[expect(clippy::missing_panics_doc, reason = "writing to a string does not fail")]
pub fn render(histogram: &Histogram<u64>) -> String {
    let mut text = String::new();
    write_table(&mut text, histogram).expect("a string takes all text");
    text
}

fn write_table(out: &mut String, histogram: &Histogram<u64>) -> fmt::Result {
    let names = ("Value", "Percentile", "TotalCount", "1/(1-Percentile)");
    writeln!(out, "{:>12} {:>14} {:>10} {:>14}\n", names.0, names.1, names.2, names.3)?;
    for value in histogram.iter_quantiles(TICKS_PER_HALF_DISTANCE) {
        let quantile = value.quantile_iterated_to();
        let ms = value.value_iterated_to() as f64 / 1e6;
        let count = histogram.count_between(0, value.value_iterated_to());
        write!(out, "{ms:12.6} {quantile:14.12} {count:10}")?;
        if quantile < 1.0 {
            write!(out, " {:14.2}", 1.0 / (1.0 - quantile))?;
        }
        writeln!(out)?;
    }
    let (mean, deviation) = (histogram.mean() / 1e6, histogram.stdev() / 1e6);
    let (max, total) = (histogram.max() as f64 / 1e6, histogram.len());
    writeln!(out, "#[Mean    = {mean:12.6}, StdDeviation   = {deviation:12.6}]")?;
    writeln!(out, "#[Max     = {max:12.6}, Total count    = {total:12}]")?;
    writeln!(out, "#[Buckets = {:12}, SubBuckets     = {SUB_BUCKETS:12}]", histogram.buckets())
}

#[cfg(test)]
mod tests {
    use crate::new_histogram;

    #[test]
    fn the_table_ends_with_every_value_counted() {
        let mut histogram = new_histogram();
        for value in 1..=1000_u64 {
            histogram.record(value * 1_000_000).unwrap();
        }
        let text = super::render(&histogram);
        let last = text.lines().rfind(|line| !line.starts_with('#')).unwrap();
        let fields: Vec<_> = last.split_whitespace().collect();
        assert_eq!(fields[1..], ["1.000000000000", "1000"], "{last}");
        assert!(text.contains("Total count    =         1000"), "{text}");
    }
}
