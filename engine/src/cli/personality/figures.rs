//! Numbers that several summaries have in common, from a finished run.

use crate::report::Distributions;
use acp_wire::{ErrorClass, Report};
use hdrhistogram::Histogram;

/// Seconds of the series shorter than this say little about a rate.
const SHORTEST_RATE_US: u64 = 100_000;

/// From the start of the load to the end of sending, or to the last response where that came later.
pub(super) fn total_s(report: &Report) -> f64 {
    let sending_s = report.run.duration_us as f64 / 1e6;
    let rate = report.rate.completed_per_s;
    if rate > 0.0 { sending_s.max(report.books.completed as f64 / rate) } else { sending_s }
}

/// `count` a second of the whole run; 0 where there was no time.
pub(super) fn per_s(report: &Report, count: f64) -> f64 {
    let total_s = total_s(report);
    if total_s > 0.0 { count / total_s } else { 0.0 }
}

/// Requests with an outcome: a response or an error.
pub(super) fn ended(report: &Report) -> u64 {
    report.books.completed + report.books.errors_without_response()
}

/// Errors that were no responses, most frequent first, in words.
pub(super) fn errors(report: &Report) -> Vec<(String, u64)> {
    let errors = report.books.errors.iter().filter(|(class, _)| class.is_without_response());
    let mut errors: Vec<_> = errors.map(|(class, count)| (words(*class), *count)).collect();
    errors.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    errors
}

fn words(class: ErrorClass) -> String {
    class.name().replace('_', " ")
}

/// Responses a second, second by second. A rest of a second counts as what it is, unless it is too
/// short to say something.
pub(super) fn rates_per_s(report: &Report) -> Vec<f64> {
    let end_us = whole(total_s(report) * 1e6);
    let starts_us: Vec<_> =
        report.series.iter().map(|frame| frame.second.saturating_mul(1_000_000)).collect();
    let mut rates = Vec::new();
    for (number, frame) in report.series.iter().enumerate() {
        // Of long runs several seconds are one frame: it lasts until the next.
        let next_us = starts_us.get(number + 1).copied().unwrap_or(starts_us[number] + 1_000_000);
        let length_us = next_us.min(end_us).saturating_sub(starts_us[number]);
        let is_all = starts_us[number] == 0 && length_us == end_us && end_us > 0;
        if length_us >= SHORTEST_RATE_US || is_all {
            rates.push(frame.completed as f64 * 1e6 / length_us as f64);
        }
    }
    rates
}

/// Mean and spread of a few numbers; all NaN of none.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spread {
    pub(super) mean: f64,
    /// Of a sample: divided by one less than there are; 0 of one.
    pub(super) stddev: f64,
    pub(super) min: f64,
    pub(super) max: f64,
    /// Share of the numbers that are at most a standard deviation from the mean, in percent.
    pub(super) within_percent: f64,
}

impl Spread {
    pub(super) fn of(values: &[f64]) -> Self {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let stddev = match values.len() {
            0 => f64::NAN,
            1 => 0.0,
            _ => (squares / (count - 1.0)).sqrt(),
        };
        let near = values.iter().filter(|value| (*value - mean).abs() <= stddev).count();
        Self {
            mean,
            stddev,
            min: values.iter().copied().fold(f64::NAN, f64::min),
            max: values.iter().copied().fold(f64::NAN, f64::max),
            within_percent: near as f64 * 100.0 / count,
        }
    }

    /// Of the values of a histogram, as exact as its buckets are.
    pub(super) fn of_histogram(histogram: &Histogram<u64>) -> Self {
        if histogram.is_empty() {
            return Self::of(&[]);
        }
        let (mean, stddev) = (histogram.mean(), histogram.stdev());
        let near = histogram.count_between(whole(mean - stddev), whole(mean + stddev));
        Self {
            mean,
            stddev,
            min: histogram.min() as f64,
            max: histogram.max() as f64,
            within_percent: near as f64 * 100.0 / histogram.len() as f64,
        }
    }
}

/// Values up to each of the rising `edges` and above the one before; the last takes all the rest.
pub(super) fn bins(histogram: &Histogram<u64>, edges: &[u64]) -> Vec<u64> {
    let mut counted = 0;
    let last = edges.len().saturating_sub(1);
    let count = |(number, edge): (usize, &u64)| {
        let up_to = match number == last {
            true => histogram.len(),
            false => histogram.count_between(0, *edge),
        };
        let count = up_to.saturating_sub(counted);
        counted = counted.max(up_to);
        count
    };
    edges.iter().enumerate().map(count).collect()
}

/// Mean time from the first to the last byte. Both times were taken of the same requests, so the
/// mean of the differences is the difference of the means; nothing else of them is known.
pub(super) fn mean_read_ns(distributions: &Distributions) -> Option<f64> {
    let (service, first_byte) = (&distributions.service, &distributions.first_byte);
    let is_known = !service.is_empty() && service.len() == first_byte.len();
    is_known.then(|| (service.mean() - first_byte.mean()).max(0.0))
}

/// A bar of a histogram.
pub(super) fn bar(chars: u64) -> String {
    (0..chars).map(|_| '■').collect()
}

/// The whole part; 0 of what is negative or no number.
#[expect(clippy::cast_possible_truncation, reason = "it saturates, which is what is wanted")]
pub(super) fn whole(value: f64) -> u64 {
    value as u64
}

/// Nanoseconds as seconds.
pub(super) fn as_s(value_ns: u64) -> f64 {
    value_ns as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::new_histogram;
    use acp_wire::Frame;
    use acp_wire::report::{Rates, Run};
    use acp_wire::{Books, NotSent};
    use std::collections::BTreeMap;

    fn report(duration_us: u64, frames: &[(u64, u64)]) -> Report {
        let frame =
            |&(second, completed): &(u64, u64)| Frame { second, completed, ..Frame::default() };
        Report {
            run: Run { duration_us, ..Run::default() },
            series: frames.iter().map(frame).collect(),
            ..Report::default()
        }
    }

    #[test]
    fn rates_are_of_seconds() {
        for (what, duration_us, frames, expect) in [
            ("nothing", 0, vec![], vec![]),
            ("no time", 0, vec![(0, 5)], vec![]),
            ("whole seconds", 2_000_068, vec![(0, 10), (1, 20), (2, 1)], vec![10.0, 20.0]),
            ("half a second more", 1_500_000, vec![(0, 10), (1, 20)], vec![10.0, 40.0]),
            ("short, and all there is", 50_000, vec![(0, 10)], vec![200.0]),
            ("answers after the end", 1_000_000, vec![(0, 10), (1, 7), (2, 7)], vec![10.0]),
            (
                "two seconds a frame",
                4_000_000,
                vec![(0, 10), (2, 20), (3, 3)],
                vec![5.0, 20.0, 3.0],
            ),
        ] {
            assert_eq!(rates_per_s(&report(duration_us, &frames)), expect, "{what}");
        }
    }

    #[test]
    fn the_total_reaches_to_the_last_response() {
        for (what, duration_us, completed, completed_per_s, expect) in [
            ("no response", 3_000_000, 0, 0.0, 3.0),
            ("the last came before the end", 3_000_000, 20, 10.0, 3.0),
            ("the last came after it", 3_000_000, 40, 10.0, 4.0),
        ] {
            let books = Books { completed, ..Books::default() };
            let rate = Rates { completed_per_s, ..Rates::default() };
            let report = Report { books, rate, ..report(duration_us, &[]) };
            assert!((total_s(&report) - expect).abs() < 1e-9, "{what}");
            assert!((per_s(&report, 12.0) - 12.0 / expect).abs() < 1e-9, "{what}");
        }
        assert_eq!(per_s(&Report::default(), 5.0).to_bits(), 0, "no time, no rate");
    }

    #[test]
    fn a_spread_of_little_is_said_to_be_little() {
        let text = |values: &[f64]| {
            let Spread { mean, stddev, min, max, within_percent } = Spread::of(values);
            format!("{mean:.1} {stddev:.1} {min:.1} {max:.1} {within_percent:.1}")
        };
        assert_eq!(text(&[]), "NaN NaN NaN NaN NaN");
        assert_eq!(text(&[7.0]), "7.0 0.0 7.0 7.0 100.0");
        assert_eq!(text(&[1.0, 2.0, 3.0, 10.0]), "4.0 4.1 1.0 10.0 75.0");
        let mut histogram = new_histogram();
        assert!(Spread::of_histogram(&histogram).mean.is_nan());
        [1, 2, 3, 10].into_iter().for_each(|value| histogram.record(value * 100).unwrap());
        let spread = Spread::of_histogram(&histogram);
        assert_eq!((spread.mean, spread.max, spread.within_percent), (400.0, 1000.0, 75.0));
    }

    #[test]
    fn bins_add_up() {
        let mut histogram = new_histogram();
        [100, 100, 150, 200, 900].into_iter().for_each(|value| histogram.record(value).unwrap());
        for (what, edges, expect) in [
            ("none", vec![], vec![]),
            ("all in one", vec![1], vec![5]),
            ("apart", vec![100, 150, 1000], vec![2, 1, 2]),
            ("the last takes the rest", vec![100, 200], vec![2, 3]),
            ("edges that are the same", vec![100, 100, 100], vec![2, 0, 3]),
        ] {
            assert_eq!(bins(&histogram, &edges), expect, "{what}");
        }
        assert_eq!(bins(&new_histogram(), &[1, 2]), [0, 0]);
    }

    #[test]
    fn responses_are_no_errors() {
        let errors =
            [(ErrorClass::Unexpected, 9), (ErrorClass::Timeout, 1), (ErrorClass::ClosedEarly, 3)];
        let books = Books {
            completed: 20,
            errors: BTreeMap::from(errors),
            not_sent: BTreeMap::from([(NotSent::Ended, 7)]),
            ..Books::default()
        };
        let report = Report { books, ..Report::default() };
        assert_eq!(ended(&report), 24);
        let expect = [("closed early", 3), ("timeout", 1)];
        assert_eq!(super::errors(&report), expect.map(|(text, count)| (text.to_string(), count)));
    }

    #[test]
    fn the_time_to_read_is_known_only_where_both_ends_are() {
        let mut distributions = Distributions::new();
        assert_eq!(mean_read_ns(&distributions), None);
        distributions.service.record(1000).unwrap();
        assert_eq!(mean_read_ns(&distributions), None, "no first byte");
        distributions.first_byte.record(400).unwrap();
        assert_eq!(mean_read_ns(&distributions), Some(600.0));
    }
}
