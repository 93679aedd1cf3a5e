//! The 95 % interval of a number from what drawn runs measured.

use super::resample::stretch;

/// Where 2.5 % of a normal distribution are above: t has more there.
const NORMAL_97_5: f64 = 1.959_963_985;

/// The lowest and the highest of 95 % of what was drawn; none where any draw has no number.
///
/// `blocks` of both runs: the fewer, the further out its ends are. A percentile interval of the
/// bootstrap is too narrow for two reasons (Hesterberg 2015, section 5.3): the spread of what is drawn
/// from `n` is too small by `√((n−1)/n)`, and it takes the normal for Student's distribution. So its
/// ends are not the quantiles 2.5 % and 97.5 %, but those where the normal distribution has the
/// corrected distance. `n` is the number of stretches, which is what is drawn. `is_paired`: both runs
/// are drawn by the same places, which is one sample and not two.
pub(super) fn interval(
    mut drawn: Vec<f64>,
    blocks: [usize; 2],
    is_paired: bool,
) -> Option<(f64, f64)> {
    let [a, b] = blocks.map(|count| count as f64 / stretch(count) as f64);
    let least = a.min(b);
    let freedom = if is_paired { least - 1.0 } else { a + b - 2.0 };
    if drawn.is_empty() || least <= 1.0 || drawn.iter().any(|number| !number.is_finite()) {
        return None;
    }
    let distance = student_97_5(freedom) * (least / (least - 1.0)).sqrt();
    drawn.sort_unstable_by(f64::total_cmp);
    let place = below(drawn.len(), normal_tail(distance));
    Some((drawn[place], drawn[drawn.len() - 1 - place]))
}

/// How many of `count` are in a tail.
#[expect(clippy::cast_possible_truncation, reason = "a share of a count is not above it")]
fn below(count: usize, share: f64) -> usize {
    ((count as f64 * share) as usize).min(count / 2)
}

/// Where 2.5 % of Student's distribution are above (Abramowitz and Stegun 26.7.5); to 1 % from three
/// degrees of freedom on.
fn student_97_5(freedom: f64) -> f64 {
    let z = NORMAL_97_5;
    let steps = [
        (z.powi(3) + z) / 4.0,
        (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / 96.0,
        (3.0 * z.powi(7) + 19.0 * z.powi(5) + 17.0 * z.powi(3) - 15.0 * z) / 384.0,
    ];
    z + steps.iter().rev().fold(0.0, |sum, step| (sum + step) / freedom)
}

/// Share of a normal distribution above `z`, which is not below 0 (Abramowitz and Stegun 26.2.17, to
/// 7.5·10⁻⁸).
fn normal_tail(z: f64) -> f64 {
    const FACTORS: [f64; 5] =
        [0.319_381_530, -0.356_563_782, 1.781_477_937, -1.821_255_978, 1.330_274_429];
    let t = 1.0 / (1.0 + 0.231_641_9 * z);
    let sum = FACTORS.iter().rev().fold(0.0, |sum, factor| (sum + factor) * t);
    (-z * z / 2.0).exp() / std::f64::consts::TAU.sqrt() * sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distributions_are_those_of_the_tables() {
        for (freedom, expect) in [(3.0, 3.182), (5.0, 2.571), (10.0, 2.228), (28.0, 2.048)] {
            let found = student_97_5(freedom);
            assert!((found / expect - 1.0).abs() < 0.01, "{freedom}: {found}");
        }
        for (z, expect) in [(0.0, 0.5), (1.0, 0.158_655), (1.959_964, 0.025), (3.0, 0.001_350)] {
            assert!((normal_tail(z) - expect).abs() < 1e-6, "{z}: {}", normal_tail(z));
        }
    }

    fn check(what: &str, drawn: Vec<f64>, blocks: usize, expect: Option<(f64, f64)>) {
        let paired = interval(drawn.clone(), [blocks, blocks], true);
        assert_eq!(interval(drawn, [blocks, blocks], false), expect, "{what}");
        assert_eq!(paired.is_some(), expect.is_some(), "{what}");
        let (wide, narrow) = (paired.unwrap_or_default(), expect.unwrap_or_default());
        assert!(wide.0 <= narrow.0 && narrow.1 <= wide.1, "{what}: pairs are one sample");
    }

    #[test]
    fn ends_are_further_out_the_fewer_blocks_there_are() {
        let numbers = || (0..1_000).rev().map(f64::from).collect::<Vec<_>>();
        let with = |number: f64| [numbers(), vec![number]].concat();
        check("as many as there ever are", numbers(), 60, Some((16.0, 983.0)));
        check("enough to decide", numbers(), 10, Some((4.0, 995.0)));
        check("few", numbers(), 4, Some((0.0, 999.0)));
        check("one", numbers(), 1, None);
        check("none", numbers(), 0, None);
        check("nothing drawn", vec![], 60, None);
        check("one drawn", vec![7.0], 60, Some((7.0, 7.0)));
        check("a draw without a number", with(f64::NAN), 60, None);
        check("a draw out of bounds", with(f64::INFINITY), 60, None);
    }
}
