//! Reports and blocks of runs → everything that is to be said about them side by side.

use super::blocks::Blocks;
use super::curve::{Curve, curve};
use super::differences::{Differing, of_environments, of_plans};
use super::distance::{Distance, distances};
use super::judge::{Evidence, Judged, Relation, SAME_RATIO, judge};
use super::measures::{MEASURES, draw};
use super::numbers::{Numbers, side_by_side};
use super::schedule::is_paired;
use super::track::{RateTrack, Track};
use super::warnings::warnings;
use acp_wire::Report;
use serde::Serialize;

/// A run to compare.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// Its id, or what it is to be called.
    pub run: &'a str,
    /// Its report.
    pub report: &'a Report,
    /// Its seconds; none where they are not at hand: nothing is judged then.
    pub blocks: Option<&'a Blocks>,
}

/// Who a run is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Side {
    /// Id of the run.
    pub run: String,
    /// Name of its plan.
    pub name: String,
    /// Whether its numbers may be trusted.
    pub verdict: &'static str,
    /// Start of its measured part, Unix time.
    pub started_unix_us: u64,
    /// From the start of the measured part to the end of sending.
    pub duration_us: u64,
    /// Blocks of seconds that it was judged by; 0: none were at hand.
    pub blocks: usize,
}

/// Runs side by side. Every list of values is in the order of `runs`, of which the first is the
/// baseline.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Comparison {
    /// The runs.
    pub runs: Vec<Side>,
    /// What speaks against comparing them.
    pub warnings: Vec<String>,
    /// Every number of books, rates and percentiles.
    pub numbers: Vec<Numbers>,
    /// Measures, and whether they differ by more than noise.
    pub judged: Vec<Judged>,
    /// Of response times as a whole to those of the first run; none for the first, and without any.
    pub distances: Vec<Option<Distance>>,
    /// Response time by quantile.
    pub curves: Vec<Curve>,
    /// Rate and response time over time.
    pub rates: Vec<RateTrack>,
    /// Fields of the plans that differ.
    pub plan: Vec<Differing>,
    /// What else differs.
    pub environment: Vec<Differing>,
}

/// Compares runs with the first of them. The same runs give the same answer every time.
#[must_use]
pub fn compare(runs: &[Subject<'_>]) -> Comparison {
    compare_within(runs, SAME_RATIO)
}

/// Compares runs as [`compare`] does, and calls a difference of up to `same_ratio` the same: 0.05 is
/// 5 %.
#[must_use]
pub fn compare_within(runs: &[Subject<'_>], same_ratio: f64) -> Comparison {
    let reports: Vec<_> = runs.iter().map(|run| run.report).collect();
    let mut warnings = warnings(runs);
    let mut curves = Vec::with_capacity(runs.len());
    for run in runs {
        curves.push(curve(run.run, run.report).unwrap_or_else(|error| {
            warnings.push(format!("run `{}` has no curve: {error}", run.run));
            Curve { run: run.run.into(), ..Curve::default() }
        }));
    }
    // What cannot be read has been said of the curve.
    let distances = distances(&reports).unwrap_or_else(|_| vec![None; runs.len()]);
    Comparison {
        runs: runs.iter().map(side).collect(),
        warnings,
        numbers: side_by_side(&reports),
        judged: judged(runs, same_ratio),
        distances,
        curves,
        rates: runs.iter().map(rates).collect(),
        plan: of_plans(&reports),
        environment: of_environments(&reports),
    }
}

fn side(subject: &Subject<'_>) -> Side {
    let report = subject.report;
    Side {
        run: subject.run.into(),
        name: report.run.name.clone(),
        verdict: report.verdict.state.name(),
        started_unix_us: report.run.started_unix_us,
        duration_us: report.run.duration_us,
        blocks: subject.blocks.map_or(0, Blocks::count),
    }
}

fn rates(subject: &Subject<'_>) -> RateTrack {
    match subject.blocks {
        Some(blocks) if blocks.count() > 0 => blocks.track().named(subject.run),
        _ => Track::of(subject.report).named(subject.run),
    }
}

fn judged(runs: &[Subject<'_>], same_ratio: f64) -> Vec<Judged> {
    let relations: Vec<_> = runs.iter().map(|run| relation(&runs[0], run)).collect();
    let drawn: Vec<_> = runs
        .iter()
        .zip(&relations)
        .map(|(run, relation)| match relation {
            Relation::Other => draws(run, number(run.run)),
            Relation::Paired | Relation::Identical => draws(run, number(runs[0].run)),
        })
        .collect();
    let row = |place: usize| {
        let measure = &MEASURES[place];
        let evidence: Vec<_> = runs
            .iter()
            .zip(&drawn)
            .map(|(run, drawn)| Evidence {
                value: measure.of(run.report),
                samples: measure.samples(run.report),
                blocks: run.blocks.map_or(0, Blocks::count),
                drawn: &drawn[place],
            })
            .collect();
        let beside_first = evidence
            .iter()
            .zip(&relations)
            .map(|(run, relation)| judge(measure, evidence[0], *run, *relation, same_ratio));
        let mut differences: Vec<_> = beside_first.collect();
        differences.iter_mut().take(1).for_each(|first| *first = None);
        Judged {
            name: measure.name,
            unit: measure.unit,
            better: measure.better,
            values: evidence.iter().map(|side| side.value).collect(),
            differences,
        }
    };
    (0..MEASURES.len()).map(row).collect()
}

fn relation(first: &Subject<'_>, run: &Subject<'_>) -> Relation {
    match () {
        () if run.run == first.run || run.report == first.report => Relation::Identical,
        () if is_paired(first, run) => Relation::Paired,
        () => Relation::Other,
    }
}

/// Of the draws of a run, wherever it is in a comparison: its id by FNV-1a (Fowler, Noll, Vo).
fn number(run: &str) -> u64 {
    run.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

fn draws(subject: &Subject<'_>, number: u64) -> Vec<Vec<f64>> {
    let blocks = subject.blocks.map(Blocks::all).unwrap_or_default();
    draw(&blocks, number)
}

#[cfg(test)]
mod tests {
    use super::super::judge::{Difference, Judgement};
    use super::super::simulated::Simulated;
    use super::*;

    #[test]
    fn what_is_called_the_same_can_be_chosen() {
        let [a, b] = [(1, 1.0), (2, 1.1)]
            .map(|(seed, slowdown)| Simulated { slowdown, ..Simulated::default() }.run(seed));
        let runs = [a.subject("a"), b.subject("b")];
        for (same_ratio, expect) in
            [(0.0, Judgement::Worse), (0.03, Judgement::Worse), (0.2, Judgement::Same)]
        {
            let found = compare_within(&runs, same_ratio);
            assert_eq!(judgement(&found, "response_ns.p50"), Some(expect), "{same_ratio}");
        }
        assert_eq!(compare_within(&runs, SAME_RATIO), compare(&runs));
        let distance = compare(&runs).distances[1].unwrap();
        assert!(distance.ks > 0.05 && distance.wasserstein_ns > 100_000.0, "{distance:?}");
    }

    fn judgement(comparison: &Comparison, name: &str) -> Option<Judgement> {
        let row = comparison.judged.iter().find(|row| row.name == name).unwrap();
        assert_eq!(row.differences[0], None, "the baseline");
        row.differences[1].map(|difference| difference.judgement)
    }

    #[test]
    fn the_same_run_is_the_same_in_everything() {
        let closed = Simulated::default();
        for (shape, seconds) in [
            (closed, 1),
            (closed, 9),
            (closed, 60),
            (closed, 61),
            (closed, 300),
            (Simulated { ramp: true, ..closed }, 60),
            (Simulated { late_s: 4, ..closed }, 12),
        ] {
            let run = Simulated { seconds, ..shape }.run(7);
            let same = compare(&[run.subject("a"), run.subject("a")]);
            for row in &same.judged {
                let found = row.differences[1].unwrap();
                assert_eq!(found.judgement, Judgement::Same, "{} of {seconds} s", row.name);
                assert_eq!(found.difference, 0.0, "{} of {seconds} s", row.name);
                let ends = found.low.zip(found.high);
                assert!(ends.is_none_or(|ends| ends == (1.0, 1.0)), "{}: {ends:?}", row.name);
                // Without any error in a drawn run its share of errors has no ratio.
                let is_known = ends.is_some() || row.name == "errors_ratio";
                assert!(is_known || seconds == 1, "{} of {seconds} s", row.name);
            }
            assert!(same.plan.is_empty() && same.environment.is_empty());
            assert_eq!(same.curves[0], same.curves[1]);
            assert_eq!(same.rates[0], same.rates[1]);
        }
    }

    #[test]
    fn runs_that_say_nothing_decide_nothing() {
        let whole = Simulated::default().run(1);
        let empty = Simulated { seconds: 0, ..Simulated::default() }.run(2);
        let second = Simulated { seconds: 1, ..Simulated::default() }.run(3);
        let reports_alone = |name| Subject { blocks: None, ..whole.subject(name) };
        let other = Simulated::default().run(4);
        for (what, a, b, expect) in [
            ("an empty run", whole.subject("a"), empty.subject("b"), None),
            ("an empty baseline", empty.subject("a"), whole.subject("b"), None),
            ("a second", whole.subject("a"), second.subject("b"), Some(Judgement::NoDecision)),
            (
                "reports alone",
                Subject { blocks: None, ..other.subject("a") },
                reports_alone("b"),
                Some(Judgement::NoDecision),
            ),
            (
                "the same report twice",
                reports_alone("a"),
                reports_alone("b"),
                Some(Judgement::Same),
            ),
        ] {
            let found = compare(&[a, b]);
            for name in MEASURES.map(|measure| measure.name) {
                assert_eq!(judgement(&found, name), expect, "{what}: {name}");
            }
            let row = &found.judged[0].differences[1];
            assert!(row.is_none_or(|row| row.low.is_none() && row.high.is_none()), "{what}");
        }
        assert_eq!(compare(&[]), Comparison { judged: compare(&[]).judged, ..Default::default() });
    }

    #[test]
    fn four_runs_of_different_lengths_are_beside_the_first() {
        let lengths = [300, 120, 40, 600];
        let runs: Vec<_> = (1..)
            .zip(lengths)
            .map(|(seed, seconds)| {
                let slowdown = if seconds == 40 { 2.0 } else { 1.0 };
                Simulated { seconds, slowdown, ..Simulated::default() }.run(seed)
            })
            .collect();
        let names = ["a", "b", "c", "d"];
        let subjects: Vec<_> =
            runs.iter().zip(names).map(|(run, name)| run.subject(name)).collect();
        let found = compare(&subjects);
        let p50 = &found.judged[0];
        let judgements: Vec<_> =
            p50.differences.iter().map(|row| row.map(|row| row.judgement)).collect();
        let (same, worse) = (Some(Judgement::Same), Some(Judgement::Worse));
        assert_eq!(judgements, [None, same, worse, same]);
        let blocks: Vec<_> = found.runs.iter().map(|side| side.blocks).collect();
        assert_eq!(blocks, [38, 60, 40, 38]);
        for track in &found.rates {
            assert_eq!(track.second.len(), track.completed_per_s.len());
            assert_eq!(track.second.len(), track.response_p99_ns.len());
        }
        assert!(found.numbers.iter().all(|row| row.values.len() == 4));
        assert_eq!(found.warnings, Vec::<String>::new());
        assert_eq!(compare(&subjects), found, "the same every time");
    }

    #[test]
    fn a_run_is_drawn_the_same_wherever_it_is() {
        let [a, b] = [1, 2].map(|seed| Simulated::default().run(seed));
        let found = compare(&[a.subject("a"), b.subject("b"), b.subject("b")]);
        for row in found.judged {
            assert_eq!(row.differences[1], row.differences[2], "{}", row.name);
        }
    }

    fn completed_per_s(runs: &[Subject<'_>]) -> Difference {
        let judged = compare(runs).judged;
        let row = judged.iter().find(|row| row.name == "completed_per_s").unwrap();
        row.differences[1].unwrap()
    }

    #[test]
    fn a_constant_rate_is_known_exactly() {
        for (what, seconds, late_s, rest_us) in [
            ("another time", 12, 0, 0),
            ("some microseconds more", 12, 0, 58),
            ("late", 12, 4, 58),
            ("longer", 20, 0, 58),
            ("longer and late", 70, 4, 58),
        ] {
            let exact = Simulated { is_exact: true, requests_per_s: 20, ..Simulated::default() };
            let a = Simulated { seconds: 12, rest_us: 68, ..exact }.run(1);
            for open in [false, true] {
                let b = Simulated { seconds, late_s, rest_us, open, ..exact }.run(2);
                let found = completed_per_s(&[a.subject("a"), b.subject("b")]);
                let (low, high) = found.low.zip(found.high).unwrap();
                assert!(low > 0.995 && high < 1.005, "{what}, open {open}: {found:?}");
                assert_eq!(found.judgement, Judgement::Same, "{what}: {found:?}");
                assert!((found.ratio.unwrap() - 1.0).abs() < 0.001, "{what}: {found:?}");
            }
        }
    }

    #[test]
    fn what_a_ramp_does_is_no_noise_beside_the_same_ramp() {
        let ramp = Simulated { ramp: true, seconds: 20, is_exact: true, ..Simulated::default() };
        let [a, b, late] = [(1, 0), (2, 0), (3, 1)]
            .map(|(seed, late_s)| Simulated { late_s, rest_us: 58, ..ramp }.run(seed));
        let steeper = Simulated { requests_per_s: 140, ..ramp }.run(4);
        for (what, run) in [("the same", &b), ("a second later", &late)] {
            let found = completed_per_s(&[a.subject("a"), run.subject("b")]);
            let (low, high) = found.low.zip(found.high).unwrap();
            assert!(low > 0.99 && high < 1.01, "{what}: {found:?}");
            assert_eq!(compare(&[a.subject("a"), run.subject("b")]).warnings, [""; 0], "{what}");
        }
        let other = [a.subject("a"), steeper.subject("b")];
        let found = completed_per_s(&other);
        assert!((found.ratio.unwrap() - 1.4).abs() < 0.02, "{found:?}");
        assert_eq!(found.judgement, Judgement::NoDecision, "{found:?}");
        let warnings = compare(&other).warnings;
        assert!(warnings.iter().any(|text| text.contains("not constant")), "{warnings:?}");
    }

    #[test]
    fn without_frames_the_series_of_the_report_is_drawn() {
        let run = Simulated { seconds: 30, ..Simulated::default() }.run(1);
        let with = compare(&[run.subject("a")]);
        let without = compare(&[Subject { blocks: None, ..run.subject("a") }]);
        assert_eq!(with.rates[0], without.rates[0]);
        assert_eq!(with.rates[0].second.len(), 30);
    }
}
