//! How far the response times of two runs lie apart as a whole: every request counts, not only those
//! at a percentile.

use super::buckets::Buckets;
use crate::HistogramError;
use acp_wire::Report;
use serde::Serialize;

/// Between the histograms of a whole run and of the baseline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Distance {
    /// Kolmogorov and Smirnov: the largest difference of the shares of requests that were as fast as
    /// some time, from 0 to 1.
    pub ks: f64,
    /// Wasserstein (earth mover's): by how much a request moved on average, in nanoseconds. Where one
    /// run is slower all over, it is the difference of the means.
    pub wasserstein_ns: f64,
}

/// Of each run to the first; none for the first, and where either has no responses.
///
/// # Errors
///
/// When a histogram cannot be read: the place of its run, and why.
pub(super) fn distances(
    reports: &[&Report],
) -> Result<Vec<Option<Distance>>, (usize, HistogramError)> {
    let mut all = Vec::with_capacity(reports.len());
    for (place, report) in reports.iter().enumerate() {
        all.push(match &report.histograms.response {
            Some(text) => Buckets::read(text).map_err(|error| (place, error))?,
            None => Buckets::default(),
        });
    }
    let of = |run: &Buckets| all.first().and_then(|base| distance(base, run));
    Ok(all.iter().enumerate().map(|(place, run)| of(run).filter(|_| place > 0)).collect())
}

fn distance(a: &Buckets, b: &Buckets) -> Option<Distance> {
    let (count_a, count_b) = (a.count() as f64, b.count() as f64);
    if count_a == 0.0 || count_b == 0.0 {
        return None;
    }
    let mut found = Distance::default();
    let (mut left, mut right) = (a.entries().iter().peekable(), b.entries().iter().peekable());
    let (mut share_a, mut share_b, mut before_ns) = (0.0, 0.0, None::<u64>);
    while let Some(ns) = [left.peek(), right.peek()].into_iter().flatten().map(|next| next.0).min()
    {
        // The area between two steps of the shares.
        let width_ns = before_ns.map_or(0, |before_ns| ns - before_ns);
        found.wasserstein_ns += f64::abs(share_a - share_b) * width_ns as f64;
        let taken = |entry: Option<&(u64, u64)>| entry.map_or(0.0, |entry| entry.1 as f64);
        share_a += taken(left.next_if(|next| next.0 == ns)) / count_a;
        share_b += taken(right.next_if(|next| next.0 == ns)) / count_b;
        found.ks = found.ks.max(f64::abs(share_a - share_b));
        before_ns = Some(ns);
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{encode, new_histogram};
    use proptest::prelude::*;

    fn check(what: &str, a: &[u64], b: &[u64], expect: Option<(f64, f64)>) {
        let found = distance(&Buckets::of_sorted(a), &Buckets::of_sorted(b));
        let back = distance(&Buckets::of_sorted(b), &Buckets::of_sorted(a));
        assert_eq!(found.is_some(), expect.is_some(), "{what}");
        for found in [found, back].into_iter().flatten() {
            let (ks, wasserstein_ns) = expect.unwrap();
            assert!((found.ks - ks).abs() < 1e-9, "{what}: {found:?}");
            assert!((found.wasserstein_ns - wasserstein_ns).abs() < 1e-9, "{what}: {found:?}");
        }
    }

    #[test]
    fn distances_are_those_that_are_told_by_hand() {
        check("nothing", &[], &[], None);
        check("nothing beside something", &[], &[5], None);
        check("the same", &[5, 7, 9], &[5, 7, 9], Some((0.0, 0.0)));
        check("twice the same", &[5, 9], &[5, 5, 9, 9], Some((0.0, 0.0)));
        check("all moved", &[5, 7, 9], &[105, 107, 109], Some((1.0, 100.0)));
        check("one of four moved", &[5, 5, 5, 5], &[5, 5, 5, 405], Some((0.25, 100.0)));
        check("apart both ways", &[50, 50], &[40, 60], Some((0.5, 10.0)));
    }

    proptest! {
        #[test]
        fn a_slower_run_is_as_far_as_its_mean(
            mut values in prop::collection::vec(1_u64..2_000, 1..50),
            more in 0_u64..40,
        ) {
            values.sort_unstable();
            let slower: Vec<_> = values.iter().map(|value| value + more).collect();
            let found = distance(&Buckets::of_sorted(&values), &Buckets::of_sorted(&slower));
            let found = found.unwrap();
            prop_assert!((found.wasserstein_ns - more as f64).abs() < 1e-6, "{:?}", found);
            prop_assert!((0.0..=1.0 + 1e-9).contains(&found.ks));
        }
    }

    #[test]
    fn each_run_is_beside_the_first() {
        let report = |value: Option<u64>| {
            let mut report = Report::default();
            let mut histogram = new_histogram();
            value.iter().for_each(|&value| histogram.record(value).unwrap());
            report.histograms.response = encode(&histogram);
            report
        };
        let (a, b, empty) = (report(Some(100)), report(Some(300)), report(None));
        let found = distances(&[&a, &b, &empty, &a]).unwrap();
        let expect = |wasserstein_ns, ks| Some(Distance { ks, wasserstein_ns });
        assert_eq!(found, [None, expect(200.0, 1.0), None, expect(0.0, 0.0)]);
        assert_eq!(distances(&[]), Ok(vec![]));
        let mut bad = a.clone();
        bad.histograms.response = Some("no base64!".into());
        assert_eq!(distances(&[&a, &bad]), Err((1, HistogramError::Base64)));
    }
}
