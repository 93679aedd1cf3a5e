//! Response time by quantile, in points that get denser towards the slowest request.

use crate::{HistogramError, decode};
use acp_wire::Report;
use serde::Serialize;

/// Points each time the distance to 100 % is halved, as percentile tables of HdrHistogram have them.
const TICKS_PER_HALF_DISTANCE: u32 = 5;
/// Enough for 2³⁹ requests.
const POINTS_MAX: usize = 200;

/// Response time by quantile of one run.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Curve {
    /// Id of the run.
    pub run: String,
    /// Quantile from 0 to 1, and nanoseconds; the last is the slowest request. Empty: no response.
    pub points: Vec<(f64, u64)>,
}

/// The curve of a report.
///
/// # Errors
///
/// When the histogram of the report cannot be read.
pub(super) fn curve(run: &str, report: &Report) -> Result<Curve, HistogramError> {
    let mut points = Vec::new();
    if let Some(text) = &report.histograms.response {
        let histogram = decode(text)?;
        let steps = histogram.iter_quantiles(TICKS_PER_HALF_DISTANCE);
        points = steps
            .map(|step| (step.quantile_iterated_to(), step.value_iterated_to()))
            .take(POINTS_MAX - 1)
            .collect();
        if points.last().is_some_and(|last| last.0 < 1.0) {
            points.push((1.0, histogram.max()));
        }
    }
    Ok(Curve { run: run.into(), points })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{encode, new_histogram};

    fn points(record: impl Fn(&mut hdrhistogram::Histogram<u64>)) -> Vec<(f64, u64)> {
        let mut histogram = new_histogram();
        record(&mut histogram);
        let mut report = Report::default();
        report.histograms.response = encode(&histogram);
        curve("r", &report).unwrap().points
    }

    #[test]
    fn points_are_few_ordered_and_denser_towards_the_slowest() {
        for (what, most, points) in [
            ("nothing", 0, points(|_| {})),
            ("one request", 12, points(|histogram| histogram.record(5_000).unwrap())),
            (
                "a thousand",
                70,
                points(|histogram| (1..=1_000).for_each(|ns| histogram.record(ns).unwrap())),
            ),
            (
                "more than there ever are",
                POINTS_MAX,
                points(|histogram| {
                    (0..42)
                        .for_each(|bits| histogram.record_n(1 << bits, 1 << (61 - bits)).unwrap());
                    histogram.record(3_000_000_000_000).unwrap();
                }),
            ),
        ] {
            assert!(points.len() <= most, "{what}: {}", points.len());
            let is_sorted = points.is_sorted_by(|a, b| a.0 <= b.0 && a.1 <= b.1);
            assert!(is_sorted, "{what}: {points:?}");
            let ends = (points.first().map(|first| first.0), points.last().map(|last| last.0));
            let expect = if most == 0 { (None, None) } else { (Some(0.0), Some(1.0)) };
            assert_eq!(ends, expect, "{what}");
            let upper = points.iter().filter(|point| point.0 > 0.9).count();
            assert!(most < 70 || upper > points.len() / 2, "{what}: {upper} of {}", points.len());
        }
    }

    #[test]
    fn what_cannot_be_read_is_no_curve() {
        let mut report = Report::default();
        report.histograms.response = Some("nonsense".into());
        assert!(curve("r", &report).is_err());
    }
}
