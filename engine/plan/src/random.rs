//! Random numbers that follow from a seed: small, fast, the same everywhere.

/// What the state goes on by: 2⁶⁴ over the golden ratio.
const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

/// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Random(u64);

impl Random {
    /// The numbers of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The numbers of one of many streams of a seed. Neighbours have nothing in common.
    #[inline]
    #[must_use]
    pub fn of(seed: u64, stream: u64) -> Self {
        Self(mix(mix(seed.wrapping_add(GAMMA)) ^ stream.wrapping_mul(GAMMA)))
    }

    /// The next number, any of 64 bits.
    #[inline]
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GAMMA);
        mix(self.0)
    }

    /// Below `length`, which is not 0. Some numbers are likelier than others by less than
    /// `length` · 2⁻⁶⁴.
    #[inline]
    pub fn below(&mut self, length: u64) -> u64 {
        let scaled = u128::from(self.draw()) * u128::from(length);
        (scaled >> 64) as u64
    }

    /// An index of something that has `length` places, which is not 0.
    #[inline]
    pub fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap_or(0)
    }

    /// From 0 to 1, without 1: a multiple of 2⁻⁵³.
    #[inline]
    pub fn unit(&mut self) -> f64 {
        (self.draw() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Each bit of what comes out depends on each bit of what goes in; no two numbers come to the same.
#[inline]
#[must_use]
pub fn mix(number: u64) -> u64 {
    let mut mixed = number;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_paper() {
        let mut random = Random::new(1_234_567);
        let first: [u64; 3] = std::array::from_fn(|_| random.draw());
        let known =
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        assert_eq!(first, known);
    }

    #[test]
    fn indices_are_spread_evenly() {
        let mut random = Random::new(1);
        let mut hits = [0_u32; 7];
        (0..70_000).for_each(|_| hits[random.index(7)] += 1);
        // Six standard deviations of a binomial.
        assert!(hits.iter().all(|hits| hits.abs_diff(10_000) < 600), "{hits:?}");
        assert_eq!(Random::new(1).index(1), 0);
    }

    #[test]
    fn first_numbers_of_streams_are_spread_evenly() {
        for seed in [0, 1, u64::MAX] {
            let mut hits = [0_u32; 16];
            (0..160_000).for_each(|slot| hits[Random::of(seed, slot).index(16)] += 1);
            assert!(hits.iter().all(|hits| hits.abs_diff(10_000) < 600), "{seed}: {hits:?}");
        }
    }
}
