//! How far the distribution of a sample is from that of all it was taken from.
//!
//! The Jensen–Shannon distance: the square root of the divergence to base 2 (Lin, Divergence measures
//! based on the Shannon entropy, 1991), which is a metric (Endres and Schindelin, A new metric for
//! probability distributions, 2003). 0: the same shares; 1: nothing in common.

/// From how many expected requests on the normal approximation is used.
const MANY: f64 = 50.0;

/// Distance of two distributions, given as counts of the same values; 0 where one is empty.
pub(super) fn distance(all: &[u64], sample: &[u64]) -> f64 {
    assert_eq!(all.len(), sample.len(), "counts of the same values");
    let (total, drawn) = (all.iter().sum::<u64>(), sample.iter().sum::<u64>());
    if total == 0 || drawn == 0 {
        return 0.0;
    }
    let shares = all.iter().zip(sample);
    let shares = shares.map(|(&a, &b)| (a as f64 / total as f64, b as f64 / drawn as f64));
    let divergence: f64 = shares.map(|(p, q)| part(p, q)).sum();
    divergence.clamp(0.0, 1.0).sqrt()
}

/// What a value with the shares `p` and `q` adds to the divergence, in bits.
fn part(p: f64, q: f64) -> f64 {
    let middle = (p + q) / 2.0;
    let of = |share: f64| if share > 0.0 { share * (share / middle).log2() } else { 0.0 };
    (of(p) + of(q)) / 2.0
}

/// The distance that a uniform sample of `drawn` is expected to have: the root of the expected divergence.
///
/// That is a sum over values. A value of which many are expected adds `(1 − p) / (8 n ln 2)`, the variance of
/// its share over `8 p ln 2`; of a rarer one the part is summed over what its number may be. Drawn without
/// replacement, it is less by `(N − n) / (N − 1)`.
pub(super) fn expected(all: &[u64], drawn: u64) -> f64 {
    let total = all.iter().sum::<u64>();
    let drawn = drawn.min(total);
    if drawn == 0 || total < 2 {
        return 0.0;
    }
    let n = drawn as f64;
    let of = |count: u64| {
        let p = count as f64 / total as f64;
        let mean = n * p;
        match mean {
            _ if count == 0 => 0.0,
            MANY.. => (1.0 - p) / (8.0 * n * std::f64::consts::LN_2),
            _ => expected_part(p, mean, n),
        }
    };
    let correction = (total - drawn) as f64 / (total - 1) as f64;
    let divergence: f64 = all.iter().map(|&count| of(count)).sum();
    (divergence * correction).clamp(0.0, 1.0).sqrt()
}

/// Summed over the numbers that a sample of `n` may have of a value: they are binomial.
fn expected_part(p: f64, mean: f64, n: f64) -> f64 {
    if p >= 1.0 {
        return 0.0;
    }
    let odds = p / (1.0 - p);
    let mut probability = (n * (-p).ln_1p()).exp();
    let (mut sum, mut number) = (0.0, 0.0);
    // So far behind the mean nothing is left.
    while number <= n && number <= mean + 12.0 * mean.sqrt() + 20.0 {
        sum += probability * part(p, number / n);
        probability *= (n - number) / (number + 1.0) * odds;
        number += 1.0;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use acp_plan::Random;

    #[test]
    fn distances_are_what_the_table_says() {
        for (what, all, sample, expected) in [
            ("the same", vec![1, 2, 3], vec![2, 4, 6], 0.0),
            ("nothing in common", vec![5, 0], vec![0, 7], 1.0),
            ("half of it", vec![1, 0], vec![1, 1], 0.558),
            ("the other way round", vec![1, 1], vec![1, 0], 0.558),
            ("a little", vec![50, 50], vec![51, 49], 0.0085),
            ("one value", vec![9], vec![3], 0.0),
            ("no sample", vec![1, 2], vec![0, 0], 0.0),
            ("nothing", vec![], vec![], 0.0),
        ] {
            let found = distance(&all, &sample);
            assert!((found - expected).abs() < 5e-4, "{what}: {found}");
        }
    }

    /// The mean divergence of uniform samples, as a distance.
    fn simulated(all: &[u64], drawn: u64) -> f64 {
        let rounds = 200;
        let mut random = Random::new(7);
        let mut divergence = 0.0;
        for _ in 0..rounds {
            let (mut left, mut sample) = (all.to_vec(), vec![0; all.len()]);
            for taken in 0..drawn {
                let mut place = random.below(all.iter().sum::<u64>() - taken);
                let value = left.iter().position(|&count| match place.checked_sub(count) {
                    Some(rest) => {
                        place = rest;
                        false
                    }
                    None => true,
                });
                left[value.unwrap()] -= 1;
                sample[value.unwrap()] += 1;
            }
            divergence += distance(all, &sample).powi(2);
        }
        (divergence / f64::from(rounds)).sqrt()
    }

    #[test]
    fn what_is_expected_is_what_samples_have() {
        for (what, all, drawn) in [
            ("few values", vec![5000, 3000, 2000], 500),
            ("half of all", vec![500, 300, 200], 500),
            ("rare values", [vec![1000; 5], vec![2; 300]].concat(), 400),
            ("small samples", vec![100; 50], 30),
            ("a frequent value of a small sample", vec![900, 100], 20),
        ] {
            let (found, simulated) = (expected(&all, drawn), simulated(&all, drawn));
            assert!((found / simulated - 1.0).abs() < 0.1, "{what}: {found}, {simulated}");
        }
    }

    #[test]
    fn all_of_it_is_expected_to_be_the_same() {
        for (all, drawn) in [
            (vec![9], 3),
            (vec![5, 3], 8),
            (vec![5, 3], 100),
            (vec![5, 3], 0),
            (vec![1], 1),
            (vec![], 5),
        ] {
            assert!(expected(&all, drawn).abs() < 1e-12, "{all:?} {drawn}");
        }
    }
}
