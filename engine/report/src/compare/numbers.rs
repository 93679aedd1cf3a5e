//! Every number of books, rates and percentiles of reports, side by side.

use acp_wire::Report;
use acp_wire::report::Distribution;
use serde::Serialize;

/// A number in all reports.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Numbers {
    /// Its place in the report: `latency.response_ns.p99`.
    pub name: String,
    /// One for each run.
    pub values: Vec<f64>,
}

/// All numbers of the reports.
pub(super) fn side_by_side(reports: &[&Report]) -> Vec<Numbers> {
    let mut rows: Vec<Numbers> = Vec::new();
    for report in reports {
        // The same names in the same order for every report.
        for (place, (name, value)) in numbers(report).into_iter().enumerate() {
            match rows.get_mut(place) {
                Some(row) => row.values.push(value),
                None => rows.push(Numbers { name, values: vec![value] }),
            }
        }
    }
    rows
}

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

    #[test]
    fn each_number_has_a_value_of_each_run() {
        let mut a = Report::default();
        a.books.sent = 100;
        a.latency.response_ns.p99 = 2_000;
        let mut b = a.clone();
        b.books.sent = 150;
        b.rate.sent_per_s = 1.5;
        let rows = side_by_side(&[&a, &b, &a]);
        for (name, values) in [
            ("books.sent", [100.0, 150.0, 100.0]),
            ("rate.sent_per_s", [0.0, 1.5, 0.0]),
            ("latency.response_ns.p99", [2_000.0; 3]),
            ("latency.error_response_ns.max", [0.0; 3]),
        ] {
            let row = rows.iter().find(|row| row.name == name).unwrap();
            assert_eq!(row.values, values, "{name}");
        }
        assert!(rows.iter().all(|row| row.values.len() == 3));
        assert_eq!(side_by_side(&[]), []);
    }
}
