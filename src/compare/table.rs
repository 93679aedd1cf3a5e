//! The judged measures of a run beside the baseline, as texts.

use super::Shown;
use acp_report::compare::{Difference, Judged, Judgement, Unit};
use acp_report::duration;

/// A measure of two runs.
pub(super) struct Row {
    pub(super) name: String,
    pub(super) a: String,
    pub(super) b: String,
    pub(super) ratio: String,
    pub(super) interval: String,
    pub(super) judgement: Option<Judgement>,
}

/// What is shown where nothing is known.
const NONE: &str = "–";

impl Row {
    pub(super) fn verdict(&self) -> &'static str {
        verdict(self.judgement)
    }

    /// In the order of [`head`].
    pub(super) fn cells(&self) -> [&str; 6] {
        [&self.name, &self.a, &self.b, &self.ratio, &self.interval, self.verdict()]
    }
}

/// Heads of the columns of the run with a letter.
pub(super) fn head(letter: &str) -> [&str; 6] {
    ["measure", "A", letter, "ratio", "95 % interval", "verdict"]
}

/// The run at a place beside the first.
pub(super) fn rows(shown: &Shown<'_>, place: usize) -> Vec<Row> {
    shown.found.judged.iter().map(|row| of(row, place)).collect()
}

/// How far response times are apart as a whole.
pub(super) fn distance(shown: &Shown<'_>, place: usize) -> Option<String> {
    let distance = shown.found.distances.get(place).copied().flatten()?;
    Some(format!(
        "Kolmogorov-Smirnov {:.3} · Wasserstein {}",
        distance.ks,
        duration(distance.wasserstein_ns)
    ))
}

fn of(row: &Judged, place: usize) -> Row {
    let value = |place: usize| row.values.get(place).copied().flatten();
    let shown = |value: Option<f64>| value.map_or(NONE.into(), |value| number(value, row.unit));
    let difference = row.differences.get(place).copied().flatten();
    Row {
        name: row.name.into(),
        a: shown(value(0)),
        b: shown(value(place)),
        ratio: difference
            .and_then(|found| found.ratio)
            .map_or(NONE.into(), |ratio| format!("{ratio:.3}")),
        interval: difference.and_then(interval).unwrap_or(NONE.into()),
        judgement: difference.map(|found| found.judgement),
    }
}

fn interval(found: Difference) -> Option<String> {
    Some(format!("{:.3} to {:.3}", found.low?, found.high?))
}

fn number(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Ns => duration(value),
        Unit::PerS => format!("{value:.1}/s"),
        Unit::Us => format!("{value:.2} µs"),
        Unit::Ratio => format!("{:.3} %", value * 100.0),
    }
}

fn verdict(judgement: Option<Judgement>) -> &'static str {
    match judgement {
        Some(Judgement::Better) => "better",
        Some(Judgement::Worse) => "worse",
        Some(Judgement::Same) => "same",
        Some(Judgement::NoDecision) => "cannot tell",
        None => NONE,
    }
}
