//! One of many with given weights, by two looks into a table.

use crate::random::Random;

/// Whole of a probability.
const WHOLE: f64 = (1_u64 << 63) as f64 * 2.0;

/// The alias method: a place is drawn evenly, then it or its alias is taken (A. J. Walker: An efficient
/// method for generating discrete random variables with general distributions, ACM TOMS 3(3), 1977; the
/// table is made in linear time: M. D. Vose, IEEE Transactions on Software Engineering 17(9), 1991).
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Alias {
    /// Of 2^64: how often the place itself is taken; and who is taken else.
    places: Vec<(u64, u32)>,
}

impl Alias {
    /// A table for weights of at least 0; none: they are not such, or all of them are 0.
    pub(super) fn new(weights: &[f64]) -> Option<Self> {
        let sum: f64 = weights.iter().sum();
        if !weights.iter().all(|weight| *weight >= 0.0) || !sum.is_finite() || sum <= 0.0 {
            return None;
        }
        let count = weights.len() as f64;
        let mut shares: Vec<_> = weights.iter().map(|weight| weight / sum * count).collect();
        let (mut small, mut large): (Vec<_>, Vec<_>) =
            (0..weights.len()).partition(|&place| shares[place] < 1.0);
        let own = |place: usize| u32::try_from(place).unwrap_or(u32::MAX);
        let mut places: Vec<_> = (0..weights.len()).map(|place| (u64::MAX, own(place))).collect();
        while let (Some(below), Some(&above)) = (small.pop(), large.last()) {
            places[below] = (threshold(shares[below]), own(above));
            shares[above] -= 1.0 - shares[below];
            if shares[above] < 1.0 {
                large.pop();
                small.push(above);
            }
        }
        // Whoever is left has a whole place, but for rounding. One without weight never does.
        let heaviest = (0..weights.len()).max_by(|a, b| weights[*a].total_cmp(&weights[*b]))?;
        for place in (0..weights.len()).filter(|&place| weights[place] == 0.0) {
            if places[place] == (u64::MAX, own(place)) {
                places[place] = (0, own(heaviest));
            }
        }
        Some(Self { places })
    }

    /// One of the places.
    #[inline]
    pub(super) fn draw(&self, random: &mut Random) -> usize {
        let place = random.index(self.places.len());
        let (threshold, alias) = self.places[place];
        if random.draw() < threshold { place } else { alias as usize }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share from 0 to below 1 is below 2^64; rounding up to it saturates"
)]
fn threshold(share: f64) -> u64 {
    (share.clamp(0.0, 1.0) * WHOLE) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn places_come_as_often_as_their_weights_say() {
        let many: Vec<_> = (1..=100).map(f64::from).collect();
        for weights in [vec![1.0], vec![1.0, 3.0], vec![0.0, 1.0, 0.0], vec![5.0, 0.1, 2.0], many] {
            let alias = Alias::new(&weights).unwrap();
            let mut random = Random::new(3);
            let mut hits = vec![0_u32; weights.len()];
            (0..200_000).for_each(|_| hits[alias.draw(&mut random)] += 1);
            let sum: f64 = weights.iter().sum();
            let mut statistic = 0.0;
            for (hits, weight) in hits.iter().zip(&weights) {
                let expected = 200_000.0 * weight / sum;
                match *weight > 0.0 {
                    true => statistic += (f64::from(*hits) - expected).powi(2) / expected,
                    false => assert_eq!(*hits, 0, "{weights:?}"),
                }
            }
            // Five standard deviations above the mean of a chi-square.
            let freedom = weights.len() as f64 - 1.0;
            assert!(statistic <= freedom + 5.0 * (2.0 * freedom).sqrt(), "{weights:?}: {hits:?}");
        }
    }

    #[test]
    fn what_is_no_weight_is_refused() {
        for weights in
            [vec![], vec![0.0], vec![-1.0, 2.0], vec![f64::NAN, 1.0], vec![f64::INFINITY, 1.0]]
        {
            assert_eq!(Alias::new(&weights), None, "{weights:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_without_weight_is_drawn(weights in prop::collection::vec(prop_oneof![Just(0.0), 0.0..1e9], 1..40), seed in any::<u64>()) {
            if let Some(alias) = Alias::new(&weights) {
                let mut random = Random::new(seed);
                for _ in 0..200 {
                    let place = alias.draw(&mut random);
                    prop_assert!(weights[place] > 0.0, "{place} of {weights:?}");
                }
            }
        }
    }
}
