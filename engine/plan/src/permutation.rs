//! An order of the numbers below a count that looks random and is computed, not stored: who comes at a
//! place, and at which place a number comes.

use crate::random::{Random, mix};

/// Rounds of the network. Four make a permutation that cannot be told from a random one by looking at
/// its values (Luby, Rackoff: How to construct pseudorandom permutations, 1988); two more cost little.
const ROUNDS: usize = 6;
/// Of fewer bits the halves are so small that some orders come more often than others.
const MIN_BITS: u32 = 6;

/// A permutation of the numbers from 0 to below a count. No number comes twice, by construction.
///
/// A Feistel network over as many bits as the count has; what falls behind the count goes through it
/// again until it does not (cycle walking: Black, Rogaway: Ciphers with arbitrary finite domains,
/// 2002). The domain is less than twice the count, so it takes fewer than two turns on average; of 64
/// numbers, which it has at least, a small count takes more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permutation {
    count: u64,
    left_bits: u32,
    right_bits: u32,
    keys: [u64; ROUNDS],
}

impl Permutation {
    /// The permutation of a key. Keys have nothing in common with their neighbours.
    ///
    /// # Panics
    ///
    /// When `count` is 0.
    #[inline]
    #[must_use]
    pub fn new(key: u64, count: u64) -> Self {
        assert!(count > 0, "there is no order of nothing");
        let bits = (u64::BITS - (count - 1).leading_zeros()).max(MIN_BITS);
        let left_bits = bits / 2;
        let mut random = Random::new(key);
        let keys = std::array::from_fn(|_| random.draw());
        Self { count, left_bits, right_bits: bits - left_bits, keys }
    }

    /// Numbers that it has.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The number at a place below the count.
    #[inline]
    #[must_use]
    pub fn at(&self, place: u64) -> u64 {
        debug_assert!(place < self.count, "{place} of {}", self.count);
        let mut number = place;
        loop {
            number = self.forth(number);
            if number < self.count {
                return number;
            }
        }
    }

    /// The place of a number below the count.
    #[inline]
    #[must_use]
    pub fn place_of(&self, number: u64) -> u64 {
        debug_assert!(number < self.count, "{number} of {}", self.count);
        let mut place = number;
        loop {
            place = self.back(place);
            if place < self.count {
                return place;
            }
        }
    }

    #[inline]
    fn split(&self, number: u64) -> (u64, u64) {
        (number >> self.right_bits, number & ((1 << self.right_bits) - 1))
    }

    #[inline]
    fn forth(&self, number: u64) -> u64 {
        let (mut left, mut right) = self.split(number);
        for keys in self.keys.chunks_exact(2) {
            left ^= mix(right ^ keys[0]) >> (u64::BITS - self.left_bits);
            right ^= mix(left ^ keys[1]) >> (u64::BITS - self.right_bits);
        }
        left << self.right_bits | right
    }

    #[inline]
    fn back(&self, number: u64) -> u64 {
        let (mut left, mut right) = self.split(number);
        for keys in self.keys.rchunks_exact(2) {
            right ^= mix(left ^ keys[1]) >> (u64::BITS - self.right_bits);
            left ^= mix(right ^ keys[0]) >> (u64::BITS - self.left_bits);
        }
        left << self.right_bits | right
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn index(number: u64) -> usize {
        usize::try_from(number).unwrap()
    }

    #[test]
    fn numbers_stand_anywhere() {
        for count in [1, 2, 3, 5, 7, 8, 16, 17, 64, 65] {
            let mut hits = vec![0_u32; index(count * count)];
            for key in 0..20_000 {
                let permutation = Permutation::new(mix(key), count);
                (0..count).for_each(|at| hits[index(at * count + permutation.at(at))] += 1);
            }
            let expected = 20_000.0 / count as f64;
            let terms = hits.iter().map(|&hits| (f64::from(hits) - expected).powi(2) / expected);
            // Rows and columns have fixed sums, so cells spread a little more than freely.
            let statistic = terms.sum::<f64>() * (count - 1) as f64 / count as f64;
            // Five standard deviations above the mean of a chi-square.
            let freedom = ((count - 1) * (count - 1)) as f64;
            let limit = freedom + 5.0 * (2.0 * freedom).sqrt();
            assert!(statistic <= limit, "{count}: {statistic} of {limit}: {hits:?}");
        }
    }

    #[test]
    fn neighbours_do_not_stay_together() {
        for count in [1000, 4096, 100_000] {
            let permutation = Permutation::new(1, count);
            let order: Vec<_> = (0..count).map(|place| permutation.at(place)).collect();
            let together = order.windows(2).filter(|pair| pair[0].abs_diff(pair[1]) == 1).count();
            // Two are expected.
            assert!(together < 12, "{count}: {together}");
        }
    }

    proptest! {
        #[test]
        fn each_number_comes_once(key in any::<u64>(), count in 1_u64..5000) {
            let permutation = Permutation::new(key, count);
            let mut seen = vec![false; index(count)];
            for place in 0..count {
                let number = permutation.at(place);
                prop_assert!(!std::mem::replace(&mut seen[index(number)], true), "{number} twice");
                prop_assert_eq!(permutation.place_of(number), place);
            }
        }

        #[test]
        fn large_counts_have_a_way_back(key in any::<u64>(), place in any::<u64>(), count in 1..=u64::MAX) {
            let permutation = Permutation::new(key, count);
            let place = place % count;
            let number = permutation.at(place);
            prop_assert!(number < count);
            prop_assert_eq!(permutation.place_of(number), place);
        }
    }
}
