//! Whether a measure of one run differs from that of another by more than noise.

use super::interval::interval;
use super::measures::{Better, Measure, Source, Unit};
use serde::Serialize;

/// A difference of 1 % or less is none. Buckets of histograms are up to 0.1 % wide, and where a program
/// happens to lie in memory alone makes one start of it differ from the next by about a per cent, which
/// no look into one start can show (T. Mytkowicz et al., Producing wrong data without doing anything
/// obviously wrong, ASPLOS 2009).
pub const SAME_RATIO: f64 = 0.01;
/// Shares of errors that differ by no more than one in 10,000 do not differ: the ratio of two small
/// shares says little.
const SAME_ERRORS_RATIO: f64 = 0.000_1;
/// An interval around no difference says that there is none only as far as it reaches: one from half to
/// twice says nothing. Within 5 % it is taken for none: runs of some minutes on an ordinary host can be
/// told apart as finely as that, and few would act on less.
const MARGIN_RATIO: f64 = 0.05;
/// The same of shares of errors, where 5 % of that of the baseline are less: a tenth of a per cent, the
/// smallest goal that is usually set.
const MARGIN_ERRORS_RATIO: f64 = 0.001;
/// Blocks below which a run cannot tell how noisy it is.
pub(super) const BLOCKS_MIN: usize = 10;
/// Values beyond a percentile below which it is the luck of a few requests.
const SAMPLES_MIN: f64 = 10.0;

/// What an interval says about a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Judgement {
    /// Better than the baseline by more than noise.
    Better,
    /// Worse than the baseline by more than noise.
    Worse,
    /// There is no difference that matters: it is 1 % at the most, or what else is to be called the
    /// same, or the interval has 1 in it and reaches no further than 5 % from it. Of shares of errors:
    /// 0.01 %, and 0.1 % or 5 % of that of the baseline.
    Same,
    /// Noise can be all of it, and can hide more than 5 %; or there is too little to tell from: fewer
    /// than 10 blocks on either side, fewer than 10 values beyond a percentile, or no frames at all.
    NoDecision,
}

/// One run beside the baseline.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// That of the run − that of the baseline.
    pub difference: f64,
    /// That of the run / that of the baseline; none where the latter is 0.
    pub ratio: Option<f64>,
    /// Lower end of the 95 % interval of the ratio; none where it is not known.
    pub low: Option<f64>,
    /// Upper end of the 95 % interval of the ratio.
    pub high: Option<f64>,
    /// What it says. Shares of errors are judged by the interval of their difference instead, because
    /// a run without errors has no ratio.
    pub judgement: Judgement,
}

/// A measure in all runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Judged {
    /// `response_ns.p99`.
    pub name: &'static str,
    /// Its unit.
    pub unit: Unit,
    /// Which way is better.
    pub better: Better,
    /// As the reports have it; none where nothing was seen.
    pub values: Vec<Option<f64>>,
    /// Each run beside the first; none for the first, and where either has no value.
    pub differences: Vec<Option<Difference>>,
}

/// What is known of a measure in one run.
#[derive(Clone, Copy)]
pub(super) struct Evidence<'a> {
    pub(super) value: Option<f64>,
    /// See [`Measure::samples`].
    pub(super) samples: Option<f64>,
    pub(super) blocks: usize,
    /// What each drawn run measured; empty: there are no frames.
    pub(super) drawn: &'a [f64],
}

/// What a run is to the baseline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    /// Drawn independently.
    Other,
    /// Drawn by the same places.
    Paired,
    /// The same run, drawn by the same places.
    Identical,
}

/// No difference, and how far from it is none either.
struct Margins {
    none: f64,
    /// However surely it is seen.
    small: f64,
    /// As far as noise reaches.
    noise: f64,
}

/// A run beside the baseline; none where either has no value. A difference of up to `same_ratio` is
/// none.
pub(super) fn judge(
    measure: &Measure,
    base: Evidence<'_>,
    run: Evidence<'_>,
    relation: Relation,
    same_ratio: f64,
) -> Option<Difference> {
    let (a, b) = (base.value?, run.value?);
    let pairs = || base.drawn.iter().zip(run.drawn);
    let blocks = [base.blocks, run.blocks];
    let of = |drawn: Vec<f64>| interval(drawn, blocks, relation != Relation::Other);
    let ratios = of(pairs().map(|(a, b)| b / a).collect());
    let (decisive, margins, found) = match measure.source {
        Source::ErrorsRatio => {
            let differences = of(pairs().map(|(a, b)| b - a).collect());
            (differences, Margins::of_errors(a, same_ratio), b - a)
        }
        _ => (ratios, Margins::of_ratio(same_ratio), b / a),
    };
    let is_thin = |side: Evidence<'_>| {
        side.blocks < BLOCKS_MIN || side.samples.is_some_and(|samples| samples < SAMPLES_MIN)
    };
    let judgement = match decisive {
        _ if relation == Relation::Identical => Judgement::Same,
        Some(ends) if !is_thin(base) && !is_thin(run) => {
            verdict(ends, found, &margins, measure.better)
        }
        _ => Judgement::NoDecision,
    };
    Some(Difference {
        difference: b - a,
        ratio: (a != 0.0).then(|| b / a),
        low: ratios.map(|ends| ends.0),
        high: ratios.map(|ends| ends.1),
        judgement,
    })
}

impl Margins {
    fn of_ratio(same_ratio: f64) -> Self {
        Self { none: 1.0, small: same_ratio, noise: MARGIN_RATIO.max(same_ratio) }
    }

    /// Of differences to the share of errors of a baseline. What is called the same beyond what always
    /// is, is a part of that share.
    fn of_errors(base: f64, same_ratio: f64) -> Self {
        let chosen = if same_ratio > SAME_RATIO { base * same_ratio } else { 0.0 };
        let small = SAME_ERRORS_RATIO.max(chosen);
        let noise = MARGIN_ERRORS_RATIO.max(base * MARGIN_RATIO).max(small);
        Self { none: 0.0, small, noise }
    }
}

/// `found` is what was measured, `low` and `high` are the ends of its interval.
fn verdict((low, high): (f64, f64), found: f64, margins: &Margins, better: Better) -> Judgement {
    let Margins { none, small, noise } = *margins;
    let is_within = |margin: f64| none - margin <= low && high <= none + margin;
    let is_around = low <= none && none <= high;
    match (is_around, (high < none) == (better == Better::Lower)) {
        _ if is_within(small) => Judgement::Same,
        (true, _) if is_within(noise) => Judgement::Same,
        (true, _) => Judgement::NoDecision,
        (false, _) if f64::abs(found - none) <= small => Judgement::Same,
        (false, true) => Judgement::Better,
        (false, false) => Judgement::Worse,
    }
}

#[cfg(test)]
mod tests {
    use super::super::measures::MEASURES;
    use super::*;

    fn measure(name: &str) -> Measure {
        *MEASURES.iter().find(|measure| measure.name == name).unwrap()
    }

    #[test]
    fn an_interval_decides() {
        use Judgement::{Better, NoDecision, Same, Worse};
        for (what, name, ends, expect) in [
            ("around 1", "response_ns.p99", (0.96, 1.04), Same),
            ("touches 1", "response_ns.p99", (1.0, 1.04), Same),
            ("much could hide", "response_ns.p99", (0.7, 1.4), NoDecision),
            ("touches 1, much could hide", "response_ns.p99", (1.0, 1.4), NoDecision),
            ("much better could hide", "completed_per_s", (0.68, 1.0), NoDecision),
            ("only just too wide", "response_ns.p99", (0.94, 1.0), NoDecision),
            ("slower", "response_ns.p99", (1.05, 1.4), Worse),
            ("surely slower, perhaps by little", "response_ns.p99", (1.001, 1.4), Worse),
            ("surely slower by little", "response_ns.p99", (1.001, 1.009), Same),
            ("faster", "response_ns.p99", (0.5, 0.6), Better),
            ("surely faster by little", "response_ns.p99", (0.992, 0.999), Same),
            ("more", "completed_per_s", (1.05, 1.4), Better),
            ("less", "completed_per_s", (0.5, 0.6), Worse),
            ("around 0", "errors_ratio", (-0.000_9, 0.000_9), Same),
            ("many errors could hide", "errors_ratio", (-0.1, 0.1), NoDecision),
            ("some errors could hide", "errors_ratio", (0.0, 0.001_1), NoDecision),
            ("no errors at all", "errors_ratio", (0.0, 0.0), Same),
            ("a few more errors", "errors_ratio", (0.000_01, 0.000_1), Same),
            ("more errors", "errors_ratio", (0.001, 0.002), Worse),
            ("fewer errors", "errors_ratio", (-0.002, -0.001), Better),
        ] {
            let measure = measure(name);
            let margins = match name {
                "errors_ratio" => Margins::of_errors(0.0, SAME_RATIO),
                _ => Margins::of_ratio(SAME_RATIO),
            };
            let middle = f64::midpoint(ends.0, ends.1);
            assert_eq!(verdict(ends, middle, &margins, measure.better), expect, "{what}");
        }
        let of_many = Margins::of_errors(0.5, SAME_RATIO);
        assert_eq!(verdict((-0.02, 0.02), 0.0, &of_many, measure("errors_ratio").better), Same);
        assert_eq!(
            verdict((-0.02, 0.03), 0.0, &of_many, measure("errors_ratio").better),
            NoDecision
        );
    }

    #[test]
    fn what_is_called_the_same_can_be_chosen() {
        use Judgement::{NoDecision, Same, Worse};
        for (what, same_ratio, ends, found, expect) in [
            ("less than that", 0.1, (1.02, 1.2), 1.09, Same),
            ("just that", 0.125, (1.02, 1.2), 1.125, Same),
            ("more", 0.1, (1.02, 1.2), 1.11, Worse),
            ("around none", 0.1, (0.92, 1.09), 1.0, Same),
            ("more could hide", 0.1, (0.92, 1.2), 1.06, NoDecision),
            ("nothing is", 0.0, (1.001, 1.004), 1.002, Worse),
            ("nothing is, and noise is all", 0.0, (0.98, 1.04), 1.01, Same),
        ] {
            let margins = Margins::of_ratio(same_ratio);
            assert_eq!(verdict(ends, found, &margins, Better::Lower), expect, "{what}");
        }
        let margins = Margins::of_errors(0.02, 0.5);
        for (found, expect) in [(0.009, Same), (0.011, Worse)] {
            let ends = (found - 0.005, found + 0.005);
            assert_eq!(verdict(ends, found, &margins, Better::Lower), expect, "{found}");
        }
    }

    #[test]
    fn too_little_decides_nothing() {
        let (twice, once) = (vec![2.0; 1_000], vec![1.0; 1_000]);
        let good = |value, drawn| Evidence { value, samples: Some(10.0), blocks: 10, drawn };
        let base = good(Some(1.0), once.as_slice());
        let run = good(Some(2.0), twice.as_slice());
        let of =
            |base, run| judge(&measure("response_ns.p50"), base, run, Relation::Other, SAME_RATIO);
        let found = of(base, run).unwrap();
        assert_eq!((found.difference, found.ratio), (1.0, Some(2.0)));
        assert_eq!((found.low, found.high), (Some(2.0), Some(2.0)));
        assert_eq!(found.judgement, Judgement::Worse);
        for (what, base, run) in [
            ("a baseline of 9 blocks", Evidence { blocks: 9, ..base }, run),
            ("a run of 9 blocks", base, Evidence { blocks: 9, ..run }),
            ("few values in the baseline", Evidence { samples: Some(9.9), ..base }, run),
            ("few values in the run", base, Evidence { samples: Some(9.9), ..run }),
            ("no frames of the baseline", Evidence { drawn: &[], blocks: 0, ..base }, run),
            ("no frames of the run", base, Evidence { drawn: &[], blocks: 0, ..run }),
        ] {
            let found = of(base, run).unwrap();
            assert_eq!(found.judgement, Judgement::NoDecision, "{what}");
            let same =
                judge(&measure("response_ns.p50"), base, run, Relation::Identical, SAME_RATIO)
                    .unwrap();
            assert_eq!(same.judgement, Judgement::Same, "the same run: {what}");
        }
        assert_eq!(of(Evidence { value: None, ..base }, run), None);
        assert_eq!(of(base, Evidence { value: None, ..run }), None);
    }

    #[test]
    fn a_run_without_errors_has_no_ratio_and_is_judged() {
        let (none, some) = (vec![0.0; 1_000], vec![0.02; 1_000]);
        let side = |value, drawn| Evidence { value: Some(value), samples: None, blocks: 10, drawn };
        let (none, some) = (side(0.0, none.as_slice()), side(0.02, some.as_slice()));
        for (what, base, run, ratio, judgement) in [
            ("errors begin", none, some, None, Judgement::Worse),
            ("errors end", some, none, Some(0.0), Judgement::Better),
            ("never any", none, none, None, Judgement::Same),
        ] {
            let found =
                judge(&measure("errors_ratio"), base, run, Relation::Other, SAME_RATIO).unwrap();
            assert_eq!((found.ratio, found.judgement), (ratio, judgement), "{what}");
        }
    }
}
