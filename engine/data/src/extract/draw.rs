//! Which requests of each stratum are in the sample, where the log can be read twice: the sizes of the
//! strata are known then, and exactly as many are drawn as were allocated.
//!
//! Selection sampling (Fan, Muller and Rezucha, 1962; Knuth, The Art of Computer Programming 2, 3.4.2,
//! algorithm S): of the `N` that are left `n` are wanted, so the next one is taken with probability `n / N`.

use acp_plan::Random;
use std::collections::HashMap;
use std::hash::Hash;

/// The log is not what it was when it was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Changed;

/// What is left of a stratum.
#[derive(Clone, Copy, Debug)]
struct Left {
    population: u64,
    wanted: u64,
}

/// A sample that is being drawn.
#[derive(Debug)]
pub(super) struct Draw<K> {
    left: HashMap<K, Left>,
    random: Random,
    wanted: u64,
}

impl<K: Hash + Eq> Draw<K> {
    /// Of each stratum: its key, its population, and how many of it are wanted.
    pub(super) fn new(strata: impl Iterator<Item = (K, u64, u64)>, seed: u64) -> Self {
        let mut wanted_in_all = 0;
        let left = strata.map(|(key, population, wanted)| {
            assert!(wanted <= population, "no stratum gives more than it has");
            wanted_in_all += wanted;
            (key, Left { population, wanted })
        });
        let left = left.collect();
        Self { left, random: Random::of(seed, 2), wanted: wanted_in_all }
    }

    /// Whether the next request, which is of this stratum, is in the sample.
    ///
    /// # Errors
    ///
    /// When there are more of it than there were.
    pub(super) fn takes(&mut self, key: &K) -> Result<bool, Changed> {
        let left = self.left.get_mut(key).filter(|left| left.population > 0).ok_or(Changed)?;
        let is_taken = left.wanted > 0 && self.random.below(left.population) < left.wanted;
        left.population -= 1;
        if is_taken {
            left.wanted -= 1;
            self.wanted -= 1;
        }
        Ok(is_taken)
    }

    #[cfg(test)]
    /// How many are still wanted.
    pub(super) fn wanted(&self) -> u64 {
        self.wanted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_request_is_as_likely() {
        let mut taken = vec![0_u64; 50];
        for seed in 0..2000 {
            let mut draw = Draw::new([(0, 50, 10)].into_iter(), seed);
            for count in &mut taken {
                *count += u64::from(draw.takes(&0).unwrap());
            }
        }
        // Binomial with mean 400 and standard deviation 18.
        assert!(taken.iter().all(|count| (300..=500).contains(count)), "{taken:?}");
    }

    #[test]
    fn a_log_that_has_grown_is_seen() {
        let mut draw = Draw::new([("a", 1, 1), ("b", 0, 0)].into_iter(), 1);
        assert_eq!(draw.takes(&"b"), Err(Changed));
        assert_eq!(draw.takes(&"c"), Err(Changed));
        assert_eq!((draw.takes(&"a"), draw.wanted()), (Ok(true), 0));
        assert_eq!(draw.takes(&"a"), Err(Changed));
    }

    proptest! {
        #[test]
        fn as_many_are_drawn_as_were_wanted(
            strata in proptest::collection::vec((0_u64..50, 0_u64..=100), 1..20), seed: u64,
        ) {
            let wanted = |(population, percent): &(u64, u64)| population * percent / 100;
            let keyed = strata.iter().enumerate().map(|(key, of)| (key, of.0, wanted(of)));
            let mut draw = Draw::new(keyed, seed);
            for (key, of) in strata.iter().enumerate() {
                let taken = (0..of.0).filter(|_| draw.takes(&key).unwrap()).count();
                prop_assert_eq!(taken as u64, wanted(of));
            }
            prop_assert_eq!(draw.wanted(), 0);
        }
    }
}
