//! Which line a request is made from, where lines do not come one after the other.

use crate::plan::{Permutation, Random, mix};

/// Any line below `lines`, which is not 0, for a slot.
#[inline]
pub(super) fn random(seed: u64, slot: u64, lines: u64) -> u64 {
    Random::of(mix(seed), slot).below(lines)
}

/// The line of request `number`: in each pass of `lines` requests every line comes once, in an order
/// that follows from seed and pass.
#[inline]
pub(super) fn shuffle(seed: u64, number: u64, lines: u64) -> u64 {
    let (pass, place) = (number / lines, number % lines);
    Permutation::new(Random::of(seed, pass).draw(), lines).at(place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Pearson's statistic of hits that should be even.
    fn chi_square(hits: &[u32]) -> f64 {
        let expected = f64::from(hits.iter().sum::<u32>()) / hits.len() as f64;
        hits.iter().map(|&hits| (f64::from(hits) - expected).powi(2) / expected).sum()
    }

    /// Five standard deviations above the mean of a chi-square.
    fn limit(places: usize) -> f64 {
        let freedom = places as f64 - 1.0;
        freedom + 5.0 * (2.0 * freedom).sqrt()
    }

    fn index(number: u64) -> usize {
        usize::try_from(number).unwrap()
    }

    #[test]
    fn random_lines_are_even() {
        for (seed, lines) in [(1, 2), (2, 10), (3, 1000)] {
            let mut hits = vec![0; index(lines)];
            (0..200_000).for_each(|slot| hits[index(random(seed, slot, lines))] += 1);
            assert!(chi_square(&hits) < limit(hits.len()), "{seed}, {lines}: {hits:?}");
        }
    }

    #[test]
    fn shuffled_lines_stand_anywhere_in_a_pass() {
        let lines = 7;
        let mut hits = vec![0; 49];
        for number in 0..7 * 20_000 {
            let line = shuffle(5, number, lines);
            hits[index(number % lines * lines + line)] += 1;
        }
        assert!(chi_square(&hits) < limit(49), "{hits:?}");
    }

    #[test]
    fn neighbours_do_not_stay_together() {
        let lines = 1000;
        let order: Vec<_> = (0..lines).map(|number| shuffle(1, number, lines)).collect();
        let together = order.windows(2).filter(|pair| pair[0].abs_diff(pair[1]) == 1).count();
        // Two a pass are expected.
        assert!(together < 10, "{together}");
    }

    #[test]
    fn seeds_and_passes_have_their_own_orders() {
        let order = |seed, pass: u64| -> Vec<_> {
            (0..100).map(|place| shuffle(seed, pass * 100 + place, 100)).collect()
        };
        assert_eq!(order(1, 0), order(1, 0));
        assert_ne!(order(1, 0), order(2, 0));
        assert_ne!(order(1, 0), order(1, 1));
    }

    proptest! {
        #[test]
        fn each_line_comes_once_a_pass(seed in any::<u64>(), pass in 0_u64..5, lines in 1_u64..3000) {
            let mut seen = vec![false; index(lines)];
            for place in 0..lines {
                let line = index(shuffle(seed, pass * lines + place, lines));
                prop_assert!(!std::mem::replace(&mut seen[line], true), "{line} twice");
            }
        }

        #[test]
        fn large_sources_have_their_lines(seed in any::<u64>(), number in any::<u64>(), lines in 1..u64::MAX) {
            prop_assert!(shuffle(seed, number, lines) < lines);
            prop_assert!(random(seed, number, lines) < lines);
        }
    }
}
