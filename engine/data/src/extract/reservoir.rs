//! Candidates for a sample of a stream, which passes by once: of each stratum enough of them to give, at
//! the end, as many as it is allocated then.
//!
//! Each request draws a number, and a stratum keeps its requests with the lowest ones: they are a uniform
//! sample of it, at any time and of any size (bottom-k sampling: Cohen and Kaplan, Summarizing data using
//! bottom-k sketches, 2007; a reservoir in the sense of Vitter, 1985). When too many are kept, strata are
//! cut down to four times their share of the sample, and never below [`KEPT_AT_LEAST`]. A stratum that was
//! cut takes no number above its highest from then on. As all of them are cut in proportion, one that grows
//! later takes in what it needs. Memory is that of some four times the sample.

use acp_plan::Random;
use std::collections::HashMap;
use std::hash::Hash;

/// A stratum keeps so many times its share of the sample,
const KEPT_SHARES: u64 = 4;
/// and so many at least: with few of them chance counts.
const KEPT_AT_LEAST: u64 = 16;

/// A candidate.
#[derive(Debug)]
struct Kept<T> {
    number: u64,
    /// Place in the stream: two may have drawn the same number.
    place: u64,
    request: T,
}

#[derive(Debug)]
struct Cell<T> {
    population: u64,
    /// Numbers from here on are not taken any more.
    below: u64,
    kept: Vec<Kept<T>>,
}

impl<T> Cell<T> {
    fn new() -> Self {
        Self { population: 0, below: u64::MAX, kept: Vec::new() }
    }

    /// Takes in another stratum that turned out to be the same.
    fn absorb(&mut self, other: Self) {
        self.population += other.population;
        self.below = self.below.min(other.below);
        self.kept.extend(other.kept);
        self.kept.retain(|kept| kept.number < self.below);
    }

    fn sort(&mut self) {
        self.kept.sort_unstable_by_key(|kept| (kept.number, kept.place));
    }

    fn cut(&mut self, length: u64) {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if let Some(first_cut) = self.kept.get(length) {
            self.below = first_cut.number;
            self.kept.truncate(length);
            self.kept.retain(|kept| kept.number < self.below);
        }
    }
}

/// A stratum at the end of the stream.
pub(super) struct Candidates<K, T> {
    pub(super) key: K,
    pub(super) population: u64,
    /// With their places in the stream, the first to be chosen first.
    pub(super) requests: Vec<(u64, T)>,
}

/// Candidates of a stream.
#[derive(Debug)]
pub(super) struct Reservoir<K, T> {
    cells: HashMap<K, Cell<T>>,
    size: u64,
    population: u64,
    kept: u64,
    kept_max: u64,
    random: Random,
}

impl<K: Hash + Eq + Ord + Copy, T> Reservoir<K, T> {
    /// For a sample of `size`.
    pub(super) fn new(size: u64, seed: u64) -> Self {
        Self {
            cells: HashMap::new(),
            size,
            population: 0,
            kept: 0,
            kept_max: (2 * KEPT_SHARES).saturating_mul(size).max(1024),
            random: Random::of(seed, 3),
        }
    }

    /// The next request of the stream: `make` is called where it is a candidate.
    pub(super) fn offer(&mut self, key: K, make: impl FnOnce() -> T) {
        let number = self.random.draw();
        let cell = self.cells.entry(key).or_insert_with(Cell::new);
        let place = self.population;
        self.population += 1;
        cell.population += 1;
        if number < cell.below {
            cell.kept.push(Kept { number, place, request: make() });
            self.kept += 1;
        }
    }

    /// Whether it is time to [`Self::cut`].
    pub(super) fn is_full(&self) -> bool {
        self.kept > self.kept_max
    }

    /// Merges strata that have become the same by `key`, and keeps of each what it may need.
    pub(super) fn cut(&mut self, key: impl Fn(K) -> K) {
        let mut cells = HashMap::with_capacity(self.cells.len());
        for (old, cell) in std::mem::take(&mut self.cells) {
            cells.entry(key(old)).or_insert_with(Cell::new).absorb(cell);
        }
        self.cells = cells;
        self.kept = 0;
        for cell in self.cells.values_mut() {
            cell.sort();
            let scaled = u128::from(KEPT_SHARES * cell.population) * u128::from(self.size);
            let share = u64::try_from(scaled / u128::from(self.population.max(1)));
            cell.cut(share.unwrap_or(u64::MAX).max(KEPT_AT_LEAST));
            self.kept += cell.kept.len() as u64;
        }
        self.kept_max = self.kept_max.max(2 * self.kept);
    }

    /// The strata in order, with their candidates.
    pub(super) fn finish(mut self, key: impl Fn(K) -> K) -> Vec<Candidates<K, T>> {
        self.cut(key);
        let mut cells: Vec<_> = self.cells.into_iter().collect();
        cells.sort_unstable_by_key(|(key, _)| *key);
        let candidates = cells.into_iter().map(|(key, cell)| {
            let requests = cell.kept.into_iter().map(|kept| (kept.place, kept.request));
            Candidates { key, population: cell.population, requests: requests.collect() }
        });
        candidates.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The first `n` of each stratum, where stratum `k` has its `n`.
    fn run(stream: &[u8], size: u64, seed: u64) -> (Vec<Candidates<u8, usize>>, u64) {
        let mut reservoir = Reservoir::new(size, seed);
        let mut most = 0;
        for (place, &key) in stream.iter().enumerate() {
            reservoir.offer(key, || place);
            if reservoir.is_full() {
                reservoir.cut(|key| key);
            }
            most = most.max(reservoir.kept);
        }
        (reservoir.finish(|key| key), most)
    }

    #[test]
    fn every_request_of_a_stratum_is_as_likely() {
        // The second stratum is rare at first and frequent later.
        let stream: Vec<u8> =
            (0..20_000).map(|place| u8::from(place % 10_000 >= 9000 || place > 15_000)).collect();
        let mut chosen = [vec![0_u64; 10], vec![0_u64; 10]];
        for seed in 0..40 {
            let (found, _) = run(&stream, 200, seed);
            for cell in found {
                let share = usize::try_from(cell.population * 200 / 20_000).unwrap();
                assert!(cell.requests.len() >= share, "{} of {share}", cell.requests.len());
                let places: Vec<_> =
                    (0..stream.len()).filter(|place| stream[*place] == cell.key).collect();
                for (_, place) in cell.requests.iter().take(share) {
                    let rank = places.binary_search(place).unwrap();
                    chosen[usize::from(cell.key)][rank * 10 / places.len()] += 1;
                }
            }
        }
        for tenths in chosen {
            let mean = tenths.iter().sum::<u64>() as f64 / 10.0;
            let spread = 6.0 * mean.sqrt();
            assert!(tenths.iter().all(|&count| (count as f64 - mean).abs() < spread), "{tenths:?}");
        }
    }

    #[test]
    fn memory_is_bounded_by_the_sample() {
        let stream: Vec<u8> = (0..7).cycle().take(300_000).collect();
        let (found, most) = run(&stream, 500, 1);
        assert!(most <= 8 * 500 + 1, "{most} were kept");
        assert_eq!(found.iter().map(|cell| cell.population).sum::<u64>(), 300_000);
    }

    #[test]
    fn strata_that_become_one_are_one() {
        let mut reservoir = Reservoir::new(5, 1);
        for place in 0..10_000_u32 {
            reservoir.offer(place % 50, || place);
            if reservoir.is_full() {
                reservoir.cut(|key| if key < 25 { key } else { 0 });
            }
        }
        let found = reservoir.finish(|_| 0);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].population, 10_000);
        assert!(found[0].requests.len() >= 16);
        assert!(found[0].requests.iter().all(|(place, request)| *place == u64::from(*request)));
    }

    proptest! {
        #[test]
        fn a_short_stream_is_kept_whole(
            stream in proptest::collection::vec(0_u8..5, 0..500), seed: u64,
        ) {
            let (found, _) = run(&stream, 1000, seed);
            let mut places: Vec<_> =
                found.iter().flat_map(|cell| cell.requests.iter().map(|kept| kept.1)).collect();
            places.sort_unstable();
            prop_assert!(places.into_iter().eq(0..stream.len()));
        }
    }
}
