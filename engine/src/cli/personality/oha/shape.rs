//! What the text and the JSON of oha show alike: histogram, percentiles, success rate, errors.

use super::super::figures::{as_s, bins, errors, whole};
use acp_wire::Report;
use hdrhistogram::Histogram;

pub(super) const PERCENTILES: [f64; 9] = [10.0, 25.0, 50.0, 75.0, 90.0, 95.0, 99.0, 99.9, 99.99];
/// Bars of a histogram.
const BINS: u32 = 11;
/// Times beyond so many times the mean are all in the last bar.
const LONGEST_MEANS: f64 = 3.0;

/// Mean, least and greatest time in seconds; NaN where nothing was measured.
#[derive(Clone, Copy, Debug)]
pub(super) struct Triple {
    pub(super) average: f64,
    pub(super) fastest: f64,
    pub(super) slowest: f64,
}

impl Triple {
    pub(super) const UNKNOWN: Self =
        Self { average: f64::NAN, fastest: f64::NAN, slowest: f64::NAN };

    pub(super) fn of(histogram: &Histogram<u64>) -> Self {
        match histogram.is_empty() {
            true => Self::UNKNOWN,
            false => Self {
                average: histogram.mean() / 1e9,
                fastest: as_s(histogram.min()),
                slowest: as_s(histogram.max()),
            },
        }
    }
}

/// Upper edge in seconds and count of each bar; none where nothing was measured.
pub(super) fn bars(histogram: &Histogram<u64>) -> Vec<(f64, u64)> {
    if histogram.is_empty() {
        return Vec::new();
    }
    let least = histogram.min() as f64;
    let longest = (histogram.max() as f64).min(histogram.mean() * LONGEST_MEANS).max(least);
    let step = (longest - least) / f64::from(BINS);
    let edges: Vec<_> = (1..=BINS).map(|number| least + step * f64::from(number)).collect();
    let counts = bins(histogram, &edges.iter().map(|edge| whole(*edge)).collect::<Vec<_>>());
    edges.into_iter().map(|edge| edge / 1e9).zip(counts).collect()
}

/// Each percentile and its time in seconds; NaN where nothing was measured.
pub(super) fn percentiles(histogram: &Histogram<u64>) -> Vec<(f64, f64)> {
    let at = |percentile| match histogram.is_empty() {
        true => f64::NAN,
        false => as_s(histogram.value_at_percentile(percentile)),
    };
    PERCENTILES.map(|percentile| (percentile, at(percentile))).into()
}

/// Share of responses in what has ended by itself; NaN of nothing.
pub(super) fn success_ratio(report: &Report) -> f64 {
    let completed = report.books.completed as f64;
    completed / (completed + report.books.errors_without_response() as f64)
}

/// Errors in words, most frequent first. What the end of the run has cut off is among them, in the
/// words of oha: scripts look for them to leave them out.
pub(super) fn all_errors(report: &Report) -> Vec<(String, u64)> {
    let mut all = errors(report);
    let cut_off = report.books.in_flight_at_stop;
    if cut_off > 0 {
        all.push(("aborted due to deadline".into(), cut_off));
        all.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::new_histogram;

    #[test]
    fn every_value_is_in_a_bar() {
        for (what, values, in_last) in [
            ("one", vec![5_000_000], 1),
            ("all the same", vec![7_000; 9], 9),
            ("one far away", [vec![1_000; 99], vec![9_000_000]].concat(), 1),
            ("zero", vec![0, 0], 2),
        ] {
            let mut histogram = new_histogram();
            values.iter().for_each(|value| histogram.record(*value).unwrap());
            let bars = bars(&histogram);
            assert_eq!(bars.len(), 11, "{what}");
            assert!(bars.is_sorted_by(|one, other| one.0 <= other.0), "{what}: {bars:?}");
            let total: u64 = bars.iter().map(|(_, count)| count).sum();
            assert_eq!(total, values.len() as u64, "{what}: {bars:?}");
            let tail: u64 = bars.iter().skip(1).map(|(_, count)| count).sum();
            assert!(tail <= in_last && total > 0, "{what}: {bars:?}");
        }
        assert!(bars(&new_histogram()).is_empty());
    }

    #[test]
    fn nothing_is_not_zero() {
        let empty = new_histogram();
        assert!(Triple::of(&empty).average.is_nan() && Triple::of(&empty).fastest.is_nan());
        assert!(percentiles(&empty).iter().all(|(_, value)| value.is_nan()));
        assert!(success_ratio(&Report::default()).is_nan());
    }
}
