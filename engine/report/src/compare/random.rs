//! Random numbers of the bootstrap: the same runs are judged the same every time.

/// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Below `length`, which is not 0. Some indices are likelier than others by less than 2⁻³².
    pub(super) fn index(&mut self, length: usize) -> usize {
        let scaled = u128::from(self.next()) * length as u128;
        usize::try_from(scaled >> 64).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_are_spread_evenly() {
        let mut random = Random::new(1);
        let mut hits = [0_u32; 7];
        (0..70_000).for_each(|_| hits[random.index(7)] += 1);
        // Six standard deviations of a binomial.
        assert!(hits.iter().all(|hits| hits.abs_diff(10_000) < 600), "{hits:?}");
        assert_eq!(Random::new(1).index(1), 0);
    }
}
