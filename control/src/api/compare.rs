//! Two reports side by side: what differs in books, rates and percentiles.

use super::app::App;
use super::caller::{As, Viewer};
use super::error::Answer;
use super::reports::find_report;
use acp_wire::Report;
use acp_wire::report::Distribution;
use axum::Json;
use axum::extract::{Query, State};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// Which two runs.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct CompareQuery {
    /// The one to compare with.
    a: String,
    /// The one to compare.
    b: String,
}

/// One of the two.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
struct Side {
    /// Id of the run.
    run: String,
    /// Name of its plan.
    name: String,
    /// Whether its numbers may be trusted.
    verdict: String,
    /// Start of its measured part.
    started_unix_us: u64,
}

/// A number in both.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
struct Difference {
    /// Its place in the report: `latency.response_ns.p99`.
    name: String,
    a: f64,
    b: f64,
    /// `b − a`.
    difference: f64,
    /// `b / a`; none where `a` is 0.
    ratio: Option<f64>,
}

/// Two runs side by side.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub(super) struct Comparison {
    a: Side,
    b: Side,
    /// What speaks against comparing them.
    warnings: Vec<String>,
    /// Every number of books, rates and percentiles.
    differences: Vec<Difference>,
}

/// Compares the reports of two runs.
#[utoipa::path(
    get, path = "/compare", tag = "runs", params(CompareQuery),
    responses((status = 200, description = "side by side", body = Comparison))
)]
pub(super) async fn compare(
    _who: As<Viewer>,
    State(app): State<Arc<App>>,
    Query(query): Query<CompareQuery>,
) -> Answer<Json<Comparison>> {
    let a = find_report(&app, &query.a).await?;
    let b = find_report(&app, &query.b).await?;
    Ok(Json(side_by_side((&query.a, &a), (&query.b, &b))))
}

fn side_by_side(a: (&str, &Report), b: (&str, &Report)) -> Comparison {
    let pairs = numbers(a.1).into_iter().zip(numbers(b.1));
    let differences = pairs.map(|((name, a), (_, b))| Difference {
        name,
        a,
        b,
        difference: b - a,
        ratio: (a != 0.0).then(|| b / a),
    });
    Comparison {
        warnings: warnings(a, b),
        a: side(a),
        b: side(b),
        differences: differences.collect(),
    }
}

fn side((run, report): (&str, &Report)) -> Side {
    Side {
        run: run.into(),
        name: report.run.name.clone(),
        verdict: report.verdict.state.name().into(),
        started_unix_us: report.run.started_unix_us,
    }
}

fn warnings(a: (&str, &Report), b: (&str, &Report)) -> Vec<String> {
    let mut warnings = Vec::new();
    for (run, report) in [a, b] {
        if report.verdict.state != acp_wire::State::Valid {
            let verdict = report.verdict.state.name();
            warnings.push(format!("run `{run}` is {verdict}: its numbers may not be trusted"));
        }
        if !report.books.balanced {
            warnings.push(format!("the books of run `{run}` do not balance"));
        }
    }
    if a.1.plan != b.1.plan {
        warnings.push("the plans are not the same".into());
    }
    warnings
}

/// Names and numbers of a report, the same names for every report.
fn numbers(report: &Report) -> Vec<(String, f64)> {
    let books = &report.books;
    let counts = [
        ("books.planned", books.planned),
        ("books.sent", books.sent),
        ("books.not_sent", books.not_sent_total()),
        ("books.completed", books.completed),
        ("books.errors", books.errors_total()),
        ("books.in_flight_at_stop", books.in_flight_at_stop),
        ("books.lost_with_agent", books.lost_with_agent),
    ];
    let rates = [
        ("rate.planned_per_s", report.rate.planned_per_s),
        ("rate.sent_per_s", report.rate.sent_per_s),
        ("rate.completed_per_s", report.rate.completed_per_s),
        ("generator.cpu_us_per_request", report.generator.cpu_us_per_request),
    ];
    let latency = &report.latency;
    let distributions = [
        ("response_ns", latency.response_ns),
        ("service_ns", latency.service_ns),
        ("first_byte_ns", latency.first_byte_ns),
        ("connect_ns", latency.connect_ns),
        ("send_lag_ns", latency.send_lag_ns),
        ("error_response_ns", latency.error_response_ns),
    ];
    let mut numbers: Vec<_> =
        counts.map(|(name, count)| (name.to_owned(), count as f64)).into_iter().collect();
    numbers.extend(rates.map(|(name, rate)| (name.to_owned(), rate)));
    for (name, distribution) in distributions {
        numbers.extend(
            figures(&distribution)
                .map(|(figure, value)| (format!("latency.{name}.{figure}"), value)),
        );
    }
    numbers
}

fn figures(distribution: &Distribution) -> [(&'static str, f64); 8] {
    [
        ("min", distribution.min as f64),
        ("mean", distribution.mean),
        ("p50", distribution.p50 as f64),
        ("p90", distribution.p90 as f64),
        ("p99", distribution.p99 as f64),
        ("p99_9", distribution.p99_9 as f64),
        ("p99_99", distribution.p99_99 as f64),
        ("max", distribution.max as f64),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use acp_wire::State;

    #[test]
    fn numbers_and_doubts_are_side_by_side() {
        let mut a = Report::default();
        a.books.balanced = true;
        a.books.sent = 100;
        a.latency.response_ns.p99 = 2_000;
        let mut b = a.clone();
        b.books.sent = 150;
        b.latency.response_ns.p99 = 1_000;
        b.verdict.state = State::Partial;
        b.books.balanced = false;
        b.plan.name = "other".into();
        let found = side_by_side(("1", &a), ("2", &b));
        let of = |name: &str| found.differences.iter().find(|row| row.name == name).unwrap();
        for (name, difference, ratio) in [
            ("books.sent", 50.0, Some(1.5)),
            ("latency.response_ns.p99", -1_000.0, Some(0.5)),
            ("books.errors", 0.0, None),
        ] {
            assert_eq!((of(name).difference, of(name).ratio), (difference, ratio), "{name}");
        }
        for (warning, part) in found.warnings.iter().zip(["partial", "balance", "plans"]) {
            assert!(warning.contains(part), "{warning}");
        }
        assert_eq!(found.warnings.len(), 3, "{:?}", found.warnings);
        assert_eq!(side_by_side(("1", &a), ("1", &a)).warnings, Vec::<String>::new());
    }
}
