//! The JSON of oha, as in its schema.json. What was not measured is null.

use super::super::figures::{Spread, ended, per_s, rates_per_s, total_s, whole};
use super::shape::{PERCENTILES, Triple, all_errors, bars, percentiles, success_ratio};
use crate::launch::Finished;
use hdrhistogram::Histogram;
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    summary: Summary,
    response_time_histogram: BTreeMap<String, u64>,
    latency_percentiles: BTreeMap<String, f64>,
    first_byte_histogram: BTreeMap<String, u64>,
    first_byte_percentiles: BTreeMap<String, f64>,
    rps: Rates,
    details: Details,
    status_code_distribution: BTreeMap<u16, u64>,
    error_distribution: BTreeMap<String, u64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    success_rate: f64,
    total: f64,
    slowest: f64,
    fastest: f64,
    average: f64,
    requests_per_sec: f64,
    total_data: u64,
    size_per_request: Option<u64>,
    size_per_sec: f64,
}

/// Responses a second. oha looks at hundredths of a second, here it is the seconds of the run.
#[derive(Serialize)]
struct Rates {
    mean: f64,
    stddev: f64,
    max: f64,
    min: f64,
    percentiles: BTreeMap<String, f64>,
}

#[derive(Serialize)]
struct Details {
    #[serde(rename = "DNSDialup")]
    dialup: Times,
    #[serde(rename = "DNSLookup")]
    lookup: Times,
    #[serde(rename = "firstByte")]
    first_byte: Times,
}

#[derive(Serialize)]
struct Times {
    average: f64,
    fastest: f64,
    slowest: f64,
}

impl From<Triple> for Times {
    fn from(Triple { average, fastest, slowest }: Triple) -> Self {
        Self { average, fastest, slowest }
    }
}

/// What is printed at the end.
pub(super) fn summary(finished: &Finished) -> String {
    let (report, distributions) = (&finished.report, &finished.distributions);
    let (response, first_byte) = (&distributions.response, &distributions.first_byte);
    let Triple { average, fastest, slowest } = Triple::of(response);
    let received = report.bytes.received;
    let document = Document {
        summary: Summary {
            success_rate: success_ratio(report),
            total: total_s(report),
            slowest,
            fastest,
            average,
            requests_per_sec: per_s(report, ended(report) as f64),
            total_data: received,
            size_per_request: received.checked_div(report.books.completed),
            size_per_sec: per_s(report, received as f64),
        },
        response_time_histogram: histogram(response),
        latency_percentiles: named(percentiles(response)),
        first_byte_histogram: histogram(first_byte),
        first_byte_percentiles: named(percentiles(first_byte)),
        rps: rates(rates_per_s(report)),
        details: Details {
            dialup: Triple::of(&distributions.connect).into(),
            // A name is resolved once, before the run.
            lookup: Triple::UNKNOWN.into(),
            first_byte: Triple::of(first_byte).into(),
        },
        status_code_distribution: report.status.clone(),
        error_distribution: all_errors(report).into_iter().collect(),
    };
    let mut text = serde_json::to_string_pretty(&document).expect("numbers and names are JSON");
    text.push('\n');
    text
}

fn named(percentiles: Vec<(f64, f64)>) -> BTreeMap<String, f64> {
    percentiles.into_iter().map(|(percentile, value)| (format!("p{percentile}"), value)).collect()
}

/// Bars whose edges are the same, as of one value, are one.
fn histogram(histogram: &Histogram<u64>) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for (edge_s, count) in bars(histogram) {
        *counts.entry(edge_s.to_string()).or_default() += count;
    }
    counts
}

fn rates(mut rates: Vec<f64>) -> Rates {
    let Spread { mean, stddev, min, max, .. } = Spread::of(&rates);
    rates.sort_by(f64::total_cmp);
    let at = |percentile: f64| {
        let place = usize::try_from(whole(percentile / 100.0 * rates.len() as f64)).ok();
        place.and_then(|place| rates.get(place)).copied().unwrap_or(f64::NAN)
    };
    let percentiles = named(PERCENTILES.map(|percentile| (percentile, at(percentile))).into());
    Rates { mean, stddev, max, min, percentiles }
}

#[cfg(test)]
mod tests {
    use super::super::super::fixture::{check_golden, finished, nothing};
    use super::*;

    #[test]
    fn the_document_is_that_of_oha() {
        check_golden("oha/golden/summary.json", &summary(&finished()));
        check_golden("oha/golden/nothing.json", &summary(&nothing()));
    }

    #[test]
    fn rates_are_counted_from_the_least() {
        let found = rates(vec![30.0, 10.0, 20.0, 40.0]);
        assert_eq!((found.min, found.max, found.mean), (10.0, 40.0, 25.0));
        let at = |name: &str| found.percentiles[name];
        assert_eq!((at("p10"), at("p50"), at("p99.99")), (10.0, 30.0, 40.0));
        assert!(rates(vec![]).percentiles["p50"].is_nan());
    }
}
