//! How many requests of each stratum a sample has: proportional allocation.
//!
//! In two steps. Groups (method, route, class of the status) get their shares by the method of the
//! largest remainder (Hamilton's; Balinski and Young, Fair Representation, 1982), and where the sample has
//! room for that each of them at least one: a rare error stays visible. A group's share is then spread
//! over its strata, in the order of status, latency and time, by systematic rounding with a random start (Madow,
//! On the theory of systematic sampling II, 1949): a stratum with quota `q` gets `⌊q⌋` or `⌈q⌉`, the upper
//! one with the probability of the fraction. Largest remainders would never choose the many strata with
//! small quotas, and so bend the distributions of latency and time.
//!
//! What holds: the sum is the size of the sample, or all that there is; no stratum gets more than it has;
//! a group gets its quota rounded up or down, unless it or others needed their minimum of one.

use acp_plan::Random;

/// A stratum's number of requests, and its group: strata of a group stand together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Share<G> {
    pub(super) group: G,
    /// Requests of the log.
    pub(super) population: u64,
}

/// Groups have a minimum of one where that takes at most this part of the sample: a twentieth.
const MINIMUM_SHARE: u64 = 20;

/// What was allocated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Allocation {
    /// Of each stratum.
    pub(super) sizes: Vec<u64>,
    pub(super) groups: usize,
    /// Whether each group has at least one.
    pub(super) has_minimum: bool,
}

/// Allocates a sample of `size` to strata.
pub(super) fn allocate<G: Copy + PartialEq>(
    strata: &[Share<G>],
    size: u64,
    seed: u64,
) -> Allocation {
    let groups: Vec<&[Share<G>]> = strata.chunk_by(|a, b| a.group == b.group).collect();
    let sum = |group: &&[Share<G>]| group.iter().map(|stratum| stratum.population).sum::<u64>();
    let populations: Vec<u64> = groups.iter().map(sum).collect();
    let has_minimum =
        groups.len() as u64 <= size / MINIMUM_SHARE || size >= populations.iter().sum();
    let shares = largest_remainders(&populations, size, has_minimum);
    let mut random = Random::of(seed, 1);
    let mut sizes = Vec::with_capacity(strata.len());
    for (group, (population, share)) in groups.iter().zip(populations.iter().zip(&shares)) {
        systematic(group, *population, *share, &mut random, &mut sizes);
    }
    Allocation { sizes, groups: groups.len(), has_minimum }
}

/// Shares out `size` in proportion, none more than its population; with a minimum each that has any gets
/// one.
fn largest_remainders(populations: &[u64], size: u64, has_minimum: bool) -> Vec<u64> {
    let total: u64 = populations.iter().sum();
    let size = size.min(total);
    if total == 0 {
        return vec![0; populations.len()];
    }
    let product = |population: u64| u128::from(population) * u128::from(size);
    let floor = |population: u64| {
        u64::try_from(product(population) / u128::from(total)).unwrap_or(u64::MAX)
    };
    let least = |population: u64| u64::from(has_minimum && population > 0);
    let mut shares: Vec<u64> =
        populations.iter().map(|&population| floor(population).max(least(population))).collect();
    let mut order: Vec<usize> = (0..populations.len()).collect();
    // The remainder as a fraction of `total`; equal ones in order of their place.
    order.sort_by_key(|&place| {
        let remainder = product(populations[place]) % u128::from(total);
        (std::cmp::Reverse(remainder), place)
    });
    let mut given: u64 = shares.iter().sum();
    for &place in order.iter().cycle() {
        if given >= size {
            break;
        }
        let is_minimum = floor(populations[place]) < shares[place];
        if shares[place] < populations[place] && !is_minimum {
            shares[place] += 1;
            given += 1;
        }
    }
    // Minima may have taken too much: the largest can best do without.
    while given > size {
        let most = (0..shares.len()).max_by_key(|&place| (shares[place], place)).unwrap_or(0);
        assert!(shares[most] > 1, "minima fit into the sample");
        let excess = (given - size).min(shares[most].div_ceil(16));
        shares[most] -= excess;
        given -= excess;
    }
    shares
}

/// Spreads the share of a group over its strata.
fn systematic<G>(
    group: &[Share<G>],
    population: u64,
    share: u64,
    random: &mut Random,
    sizes: &mut Vec<u64>,
) {
    // In units of 1 / population of a request: the marks are at `start + n · population`.
    let start = random.below(population.max(1));
    let marks_before = |units: u128| -> u64 {
        let after_start = units.saturating_sub(u128::from(start));
        u64::try_from(after_start.div_ceil(u128::from(population.max(1)))).unwrap_or(u64::MAX)
    };
    let (mut units, mut marks) = (0_u128, 0);
    for stratum in group {
        units += u128::from(stratum.population) * u128::from(share);
        let now = marks_before(units);
        sizes.push(now - marks);
        marks = now;
    }
    assert_eq!(marks, share, "the share of a group is spread over it");
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn strata(populations: &[(u8, u64)]) -> Vec<Share<u8>> {
        populations.iter().map(|&(group, population)| Share { group, population }).collect()
    }

    #[test]
    fn groups_get_what_the_table_says() {
        for (what, populations, size, has_minimum, expected) in [
            ("in proportion", vec![50, 30, 20], 10, false, vec![5, 3, 2]),
            ("the largest remainder", vec![47, 16, 16, 21], 10, false, vec![5, 2, 1, 2]),
            ("equal remainders in order", vec![1, 1, 1], 2, false, vec![1, 1, 0]),
            ("all", vec![3, 1, 2], 6, true, vec![3, 1, 2]),
            ("more than all", vec![3, 1, 2], 100, true, vec![3, 1, 2]),
            ("none", vec![3, 1], 0, false, vec![0, 0]),
            ("nothing to give", vec![0, 0], 5, true, vec![0, 0]),
            ("no groups", vec![], 5, true, vec![]),
            ("without a minimum", vec![997, 1, 1, 1], 20, false, vec![20, 0, 0, 0]),
            ("with one", vec![997, 1, 1, 1], 20, true, vec![17, 1, 1, 1]),
            ("nothing of nobody", vec![997, 0, 3], 20, true, vec![19, 0, 1]),
            (
                "large numbers",
                vec![u64::MAX / 4, u64::MAX / 4],
                1 << 40,
                true,
                vec![1 << 39, 1 << 39],
            ),
        ] {
            assert_eq!(largest_remainders(&populations, size, has_minimum), expected, "{what}");
        }
    }

    #[test]
    fn a_minimum_is_given_where_there_is_room() {
        let rare: Vec<_> =
            (0..100).map(|group| (group, 1 + 100_000 * u64::from(group == 0))).collect();
        for (size, has_minimum) in [(10, false), (1999, false), (2000, true), (200_000, true)] {
            let found = allocate(&strata(&rare), size, 1);
            assert_eq!((found.groups, found.has_minimum), (100, has_minimum), "{size}");
            assert_eq!(found.sizes.iter().all(|share| *share > 0), has_minimum, "{size}");
        }
    }

    #[test]
    fn small_strata_are_chosen_as_often_as_they_should() {
        // Of 1,000 strata with a quota of a tenth each 100 are chosen, and each about as often.
        let all = strata(&vec![(0, 10); 1000]);
        let mut chosen = vec![0_u64; 1000];
        for seed in 0..1000 {
            let found = allocate(&all, 1000, seed);
            assert_eq!(found.sizes.iter().sum::<u64>(), 1000);
            let found = allocate(&all, 100, seed);
            for (count, size) in chosen.iter_mut().zip(found.sizes) {
                assert!(size <= 1);
                *count += size;
            }
        }
        // Binomial with mean 100 and standard deviation 9.5.
        assert!(chosen.iter().all(|count| (50..=150).contains(count)), "{chosen:?}");
    }

    proptest! {
        #[test]
        fn a_sample_has_its_size_and_no_stratum_more_than_it_has(
            populations in proptest::collection::vec((0_u8..20, 0_u64..500), 0..200),
            size in 0_u64..20_000, seed: u64,
        ) {
            let mut populations = populations;
            populations.sort_unstable();
            let strata = strata(&populations);
            let total: u64 = strata.iter().map(|stratum| stratum.population).sum();
            let found = allocate(&strata, size, seed);
            prop_assert_eq!(found.sizes.iter().sum::<u64>(), size.min(total));
            for (stratum, size) in strata.iter().zip(&found.sizes) {
                prop_assert!(*size <= stratum.population);
            }
            prop_assert_eq!(&found, &allocate(&strata, size, seed), "the same each time");
            for group in 0..20_u8 {
                let of_group = |share: &&(&Share<u8>, &u64)| share.0.group == group;
                let pairs: Vec<_> = strata.iter().zip(&found.sizes).collect();
                let population: u64 = pairs.iter().filter(of_group).map(|pair| pair.0.population).sum();
                let share: u64 = pairs.iter().filter(of_group).map(|pair| pair.1).sum();
                if found.has_minimum && population > 0 && size > 0 {
                    prop_assert!(share > 0, "group {}", group);
                }
                if !found.has_minimum && total > 0 {
                    let quota = population as f64 * size.min(total) as f64 / total as f64;
                    prop_assert!((share as f64 - quota).abs() < 1.0, "{} of {}", share, quota);
                }
            }
        }
    }
}
