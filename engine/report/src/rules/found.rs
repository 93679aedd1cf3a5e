//! The number that a rule looks at, from counts and response times.

use super::expression::{Metric, Rule, parse_slo};
use crate::Sum;
use acp_wire::Frame;
use acp_wire::report::Slo;
use hdrhistogram::Histogram;
use std::collections::BTreeMap;

/// Counts that rules look at: of a window, or of a whole run.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    pub(super) completed: u64,
    pub(super) errors: u64,
    /// Requests that ended: complete responses and errors without one.
    pub(super) ended: u64,
    pub(super) status: BTreeMap<u16, u64>,
}

impl Tally {
    pub(super) fn of(frame: &Frame) -> Self {
        let without_response = frame.errors.iter().filter(|(class, _)| class.is_without_response());
        let failed: u64 = without_response.map(|(_, count)| count).sum();
        Self {
            completed: frame.completed,
            errors: frame.errors.values().sum(),
            ended: frame.completed.saturating_add(failed),
            status: frame.status.clone(),
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.completed = self.completed.saturating_add(other.completed);
        self.errors = self.errors.saturating_add(other.errors);
        self.ended = self.ended.saturating_add(other.ended);
        for (&code, count) in &other.status {
            let mine = self.status.entry(code).or_default();
            *mine = mine.saturating_add(*count);
        }
    }

    fn percent(&self, count: u64) -> Option<f64> {
        (self.ended > 0).then(|| count as f64 * 100.0 / self.ended as f64)
    }

    fn with_status(&self, first: u16, last: u16) -> u64 {
        self.status.range(first..=last).map(|(_, count)| count).sum()
    }

    /// What `metric` is over `seconds`; none where nothing ended that it could be told from.
    pub(super) fn find(
        &self,
        metric: Metric,
        response: &Histogram<u64>,
        seconds: f64,
    ) -> Option<f64> {
        match metric {
            Metric::Response(quantile) => {
                (!response.is_empty()).then(|| response.value_at_quantile(quantile) as f64)
            }
            Metric::ErrorPercent => self.percent(self.errors),
            Metric::Errors => Some(self.errors as f64),
            Metric::StatusPercent(first, last) => self.percent(self.with_status(first, last)),
            Metric::Status(first, last) => Some(self.with_status(first, last) as f64),
            Metric::Rate => (seconds > 0.0).then(|| self.completed as f64 / seconds),
        }
    }
}

/// Judges a goal over a whole run. `completed_per_s` is that of the report. A goal of which nothing
/// was seen, such as a percentile of a run without responses, is not met.
#[must_use]
pub fn judge_slo(rule: &Rule, sum: &Sum, completed_per_s: f64) -> Slo {
    let found = match rule.metric {
        Metric::Rate => Some(completed_per_s),
        metric => Tally::of(sum.counts()).find(metric, &sum.distributions().response, 1.0),
    };
    Slo {
        expr: rule.text.clone(),
        value: found.unwrap_or(0.0) / rule.unit,
        pass: found.is_some_and(|value| rule.operator.holds(value, rule.limit)),
    }
}

/// The number that was found for a goal, with its unit.
#[must_use]
pub fn found_for(goal: &Slo) -> String {
    // A goal of a newer writer may be none that is known here: its number has no unit then.
    let unit_name = parse_slo(&goal.expr).map_or("", |rule| rule.unit_name);
    format!("{}{unit_name}", shown(goal.value))
}

/// Three digits after the point where they say something.
pub(super) fn shown(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{encode, new_histogram};
    use acp_wire::ErrorClass;

    fn sum() -> Sum {
        let mut frame = Frame {
            completed: 990,
            status: BTreeMap::from([(200, 950), (500, 25), (503, 15)]),
            errors: BTreeMap::from([(ErrorClass::Timeout, 10), (ErrorClass::Unexpected, 40)]),
            ..Frame::default()
        };
        let mut response = new_histogram();
        (1..=950).for_each(|n| response.record(n * 100_000).unwrap());
        frame.histograms.response = encode(&response);
        let mut sum = Sum::new();
        sum.add_frame(&frame).unwrap();
        sum
    }

    #[test]
    fn goals_are_judged_over_the_whole_run() {
        for (text, value, pass) in [
            ("errors<5%", 5.0, false),
            ("errors<=5%", 5.0, true),
            ("errors<=50", 50.0, true),
            ("status(5xx)<4%", 4.0, false),
            ("status(503)<=15", 15.0, true),
            ("status(404)<1", 0.0, true),
            ("rate>=120", 120.5, true),
            ("rate>7300/m", 7230.0, false),
        ] {
            let found = judge_slo(&parse_slo(text).unwrap(), &sum(), 120.5);
            assert_eq!(found.expr, text);
            assert!((found.value - value).abs() < 1e-9, "{text}: {}", found.value);
            assert_eq!(found.pass, pass, "{text}");
        }
        let median = judge_slo(&parse_slo("p50<50ms").unwrap(), &sum(), 0.0);
        assert!(median.pass && (median.value - 47.5).abs() < 0.1, "in ms: {}", median.value);
        assert!(!judge_slo(&parse_slo("p50<0.01s").unwrap(), &sum(), 0.0).pass);
    }

    #[test]
    fn what_was_not_seen_is_not_met() {
        for text in ["p99<50ms", "errors<1%", "status(5xx)<1%", "rate>=1"] {
            assert!(!judge_slo(&parse_slo(text).unwrap(), &Sum::new(), 0.0).pass, "{text}");
        }
        assert!(judge_slo(&parse_slo("errors<1").unwrap(), &Sum::new(), 0.0).pass, "a count");
    }

    #[test]
    fn what_was_found_has_the_unit_of_its_goal() {
        for (expr, value, text) in [
            ("p99<50ms", 63.25, "63.25ms"),
            ("p99<1s", 0.000_4, "0s"),
            ("errors<0.1%", 0.05, "0.05%"),
            ("errors<100", 7.0, "7"),
            ("rate>=300/m", 299.999_9, "300/m"),
            ("something new", 1.5, "1.5"),
        ] {
            let goal = Slo { expr: expr.into(), value, pass: true };
            assert_eq!(found_for(&goal), text, "{expr}");
        }
    }
}
