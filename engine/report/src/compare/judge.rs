//! Whether a measure of one run differs from that of another by more than noise.

use super::interval::interval;
use super::measures::{Better, Measure, Source, Unit};
use serde::Serialize;

/// A difference of 1 % or less is none. Buckets of histograms are up to 0.1 % wide, and where a program
/// happens to lie in memory alone makes one start of it differ from the next by about a per cent, which
/// no look into one start can show (T. Mytkowicz et al., Producing wrong data without doing anything
/// obviously wrong, ASPLOS 2009).
const SAME_RATIO: f64 = 0.01;
/// Shares of errors that differ by no more than one in 10,000 do not differ: the ratio of two small
/// shares says little.
const SAME_ERRORS_RATIO: f64 = 0.000_1;
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
    /// No difference is shown: noise can be all of it, or it is 1 % or less.
    Same,
    /// There is too little to tell from: fewer than 10 blocks on either side, fewer than 10 values
    /// beyond a percentile, or no frames at all.
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

/// A run beside the baseline; none where either has no value. `is_identical`: they are the same run.
pub(super) fn judge(
    measure: &Measure,
    base: Evidence<'_>,
    run: Evidence<'_>,
    is_identical: bool,
) -> Option<Difference> {
    let (a, b) = (base.value?, run.value?);
    let pairs = || base.drawn.iter().zip(run.drawn);
    let blocks = [base.blocks, run.blocks];
    let ratios = interval(pairs().map(|(a, b)| b / a).collect(), blocks);
    let (decisive, none, most) = match measure.source {
        Source::ErrorsRatio => {
            (interval(pairs().map(|(a, b)| b - a).collect(), blocks), 0.0, SAME_ERRORS_RATIO)
        }
        _ => (ratios, 1.0, SAME_RATIO),
    };
    let is_thin = |side: Evidence<'_>| {
        side.blocks < BLOCKS_MIN || side.samples.is_some_and(|samples| samples < SAMPLES_MIN)
    };
    let judgement = match decisive {
        _ if is_identical => Judgement::Same,
        Some(ends) if !is_thin(base) && !is_thin(run) => {
            verdict(ends, (none - most, none, none + most), measure.better)
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

/// `same`: least, none and most that is no difference.
fn verdict((low, high): (f64, f64), same: (f64, f64, f64), better: Better) -> Judgement {
    let (least, none, most) = same;
    let is_noise = low <= none && none <= high;
    let is_small = least <= low && high <= most;
    match (is_noise || is_small, (high < none) == (better == Better::Lower)) {
        (true, _) => Judgement::Same,
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
        use Judgement::{Better, Same, Worse};
        for (what, name, ends, expect) in [
            ("around 1", "response_ns.p99", (0.7, 1.4), Same),
            ("touches 1", "response_ns.p99", (1.0, 1.4), Same),
            ("slower", "response_ns.p99", (1.05, 1.4), Worse),
            ("surely slower, perhaps by little", "response_ns.p99", (1.001, 1.4), Worse),
            ("surely slower by little", "response_ns.p99", (1.001, 1.009), Same),
            ("faster", "response_ns.p99", (0.5, 0.6), Better),
            ("surely faster by little", "response_ns.p99", (0.992, 0.999), Same),
            ("more", "completed_per_s", (1.05, 1.4), Better),
            ("less", "completed_per_s", (0.5, 0.6), Worse),
            ("around 0", "errors_ratio", (-0.1, 0.1), Same),
            ("no errors at all", "errors_ratio", (0.0, 0.0), Same),
            ("a few more errors", "errors_ratio", (0.000_01, 0.000_1), Same),
            ("more errors", "errors_ratio", (0.001, 0.002), Worse),
            ("fewer errors", "errors_ratio", (-0.002, -0.001), Better),
        ] {
            let measure = measure(name);
            let same = match name {
                "errors_ratio" => (-SAME_ERRORS_RATIO, 0.0, SAME_ERRORS_RATIO),
                _ => (1.0 - SAME_RATIO, 1.0, 1.0 + SAME_RATIO),
            };
            assert_eq!(verdict(ends, same, measure.better), expect, "{what}");
        }
    }

    #[test]
    fn too_little_decides_nothing() {
        let (twice, once) = (vec![2.0; 1_000], vec![1.0; 1_000]);
        let good = |value, drawn| Evidence { value, samples: Some(10.0), blocks: 10, drawn };
        let base = good(Some(1.0), once.as_slice());
        let run = good(Some(2.0), twice.as_slice());
        let of = |base, run| judge(&measure("response_ns.p50"), base, run, false);
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
            let same = judge(&measure("response_ns.p50"), base, run, true).unwrap();
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
            let found = judge(&measure("errors_ratio"), base, run, false).unwrap();
            assert_eq!((found.ratio, found.judgement), (ratio, judgement), "{what}");
        }
    }
}
