//! How close a sample is to the log it was taken from: as data, and as text for people.

use super::census::Census;
use super::distance::{distance, expected};
use super::stratum::{Dimension, Tally};
use crate::grouped;
use serde::Serialize;
use std::fmt::Write as _;

/// Schema of the report.
pub const SCHEMA: &str = "acp.extraction/1";
/// A distance above this is warned of: about that of shares of 50 % and 64 %.
pub const FAR: f64 = 0.1;
/// Routes that are shown.
const SHOWN_ROUTES: usize = 20;

/// What was read, what was taken, and how close it is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// Lines that were not blank.
    pub lines: u64,
    /// Lines that were no request.
    pub bad_lines: u64,
    /// The first of them: `file:line: why`.
    pub bad_examples: Vec<String>,
    /// Time of the first and of the last request, Unix time.
    pub first_unix_us: Option<i64>,
    /// See `first_unix_us`.
    pub last_unix_us: Option<i64>,
    /// How it was sampled.
    pub sample: SampleReport,
    /// In what requests differ.
    pub dimensions: Vec<DimensionReport>,
    /// The routes with the most requests.
    pub routes: Vec<RouteReport>,
    /// All that there are.
    pub route_count: u64,
    /// What a user should know.
    pub warnings: Vec<String>,
}

/// How it was sampled.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SampleReport {
    /// `stratified`, `uniform` or `first`.
    pub method: &'static str,
    /// Seed of what was random.
    pub seed: u64,
    /// Requests of the sample.
    pub size: u64,
    /// Strata of the log: route and method, status, band of the latency, quarter of an hour.
    pub strata: u64,
    /// Strata of one route, method and class of the status are one group.
    pub groups: u64,
    /// Whether each group has at least one request in the sample.
    pub has_minimum: bool,
}

/// How close a sample is in one dimension.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DimensionReport {
    /// `route`, `method`, `status`, `latency`, `time of day`.
    pub name: &'static str,
    /// Values that it has in the log.
    pub values: u64,
    /// Jensen–Shannon distance, base 2, from 0 to 1: the root of the divergence.
    pub distance: f64,
    /// The distance that a uniform sample of that size is expected to have.
    pub uniform_distance: f64,
}

/// A route.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RouteReport {
    /// Method and template.
    pub route: String,
    /// Its part of the log, from 0 to 1.
    pub share: f64,
    /// Its part of the sample.
    pub sample_share: f64,
}

impl Report {
    /// Compares a sample with all that was counted.
    pub(super) fn of(census: &Census, taken: &Tally, sample: SampleReport) -> Self {
        let all = &census.tally;
        let dimensions = Dimension::ALL.iter().filter_map(|one| compare(*one, all, taken));
        let mut report = Self {
            schema: SCHEMA,
            lines: all.total(),
            bad_lines: 0,
            bad_examples: Vec::new(),
            first_unix_us: census.span_us.map(|span| span.0),
            last_unix_us: census.span_us.map(|span| span.1),
            sample,
            dimensions: dimensions.collect(),
            routes: Vec::new(),
            route_count: 0,
            warnings: Vec::new(),
        };
        report.add_routes(census, taken);
        report.warn();
        report
    }

    fn add_routes(&mut self, census: &Census, taken: &Tally) {
        let (all, sample) = (&census.tally, taken.counts(Dimension::Route));
        let mut routes: Vec<_> = all.counts(Dimension::Route).into_iter().collect();
        self.route_count = routes.len() as u64;
        routes.sort_by_key(|&(key, count)| (std::cmp::Reverse(count), key));
        let share = |count: u64, total: u64| count as f64 / total.max(1) as f64;
        let row = |&(key, count): &(u64, u64)| {
            let method = census.method(u8::try_from(key & 0xff).unwrap_or(0));
            let number = u32::try_from(key >> 8).unwrap_or(0);
            RouteReport {
                route: format!("{method} {}", census.routes.template(number)),
                share: share(count, all.total()),
                sample_share: share(sample.get(&key).copied().unwrap_or(0), taken.total()),
            }
        };
        self.routes = routes.iter().take(SHOWN_ROUTES).map(row).collect();
    }

    fn warn(&mut self) {
        for dimension in &self.dimensions {
            let DimensionReport { name, distance, uniform_distance, .. } = dimension;
            if *distance <= FAR {
                continue;
            }
            self.warnings.push(match *distance <= 2.0 * uniform_distance {
                true => format!(
                    "the sample is small for the values of {name} (distance {distance:.3}): a larger \
                     --size brings it closer"
                ),
                false => format!("{name} is not as in the log (distance {distance:.3})"),
            });
        }
    }

    /// A table for people.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        self.write(&mut text).expect("a text takes all");
        text
    }

    fn write(&self, to: &mut String) -> std::fmt::Result {
        let sample = &self.sample;
        writeln!(
            to,
            "Read:    {} lines, {} of them bad",
            grouped(self.lines),
            grouped(self.bad_lines)
        )?;
        for example in &self.bad_examples {
            writeln!(to, "         {example}")?;
        }
        let parts = match sample.method {
            "stratified" => format!(
                ", {} strata in {} groups{}",
                grouped(sample.strata),
                grouped(sample.groups),
                if sample.has_minimum { ", at least one of each group" } else { "" }
            ),
            _ => String::new(),
        };
        let (size, seed) = (grouped(sample.size), sample.seed);
        writeln!(to, "Sample:  {size} requests, {}, seed {seed}{parts}\n", sample.method)?;
        writeln!(
            to,
            "{:<12} {:>8} {:>10} {:>20}",
            "", "values", "distance", "of a uniform sample"
        )?;
        for dimension in &self.dimensions {
            writeln!(
                to,
                "{:<12} {:>8} {:>10.4} {:>20.4}",
                dimension.name,
                grouped(dimension.values),
                dimension.distance,
                dimension.uniform_distance
            )?;
        }
        writeln!(to, "(Jensen–Shannon, from 0: the same to 1: nothing in common)\n")?;
        writeln!(to, "{:>9} {:>9}  route ({} in all)", "all", "sample", grouped(self.route_count))?;
        for route in &self.routes {
            let (share, of_sample) = (100.0 * route.share, 100.0 * route.sample_share);
            writeln!(to, "{share:>8.3}% {of_sample:>8.3}%  {}", route.route)?;
        }
        for warning in &self.warnings {
            writeln!(to, "warning: {warning}")?;
        }
        Ok(())
    }
}

/// How close a sample is in a dimension; none where the log does not say.
fn compare(dimension: Dimension, all: &Tally, taken: &Tally) -> Option<DimensionReport> {
    let (all, sample) = (all.counts(dimension), taken.counts(dimension));
    if all.is_empty() {
        return None;
    }
    let taken: Vec<u64> = all.keys().map(|key| sample.get(key).copied().unwrap_or(0)).collect();
    let counts: Vec<u64> = all.into_values().collect();
    Some(DimensionReport {
        name: dimension.name(),
        values: counts.len() as u64,
        distance: distance(&counts, &taken),
        uniform_distance: expected(&counts, taken.iter().sum()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_far_is_warned_of() {
        let dimension = |distance, uniform_distance| DimensionReport {
            name: "route",
            values: 3,
            distance,
            uniform_distance,
        };
        for (what, dimension, part) in [
            ("close", dimension(0.1, 0.0), None),
            ("small", dimension(0.2, 0.1), Some("a larger --size")),
            ("far", dimension(0.2, 0.09), Some("not as in the log (distance 0.200)")),
        ] {
            let census = Census::new(Vec::new());
            let sample = SampleReport {
                method: "first",
                seed: 1,
                size: 0,
                strata: 0,
                groups: 0,
                has_minimum: false,
            };
            let mut report = Report::of(&census, &Tally::default(), sample);
            report.dimensions = vec![dimension];
            report.warn();
            match part {
                None => assert_eq!(report.warnings, Vec::<String>::new(), "{what}"),
                Some(part) => assert!(report.warnings[0].contains(part), "{what}: {report:?}"),
            }
        }
    }
}
