//! Ranks of which few are frequent and many are rare, as the keys of real requests are.

use crate::random::Random;

/// The Zipf distribution over 1 to `count`: rank `k` has a probability proportional to `k^-exponent`.
///
/// Rejection-inversion: W. Hörmann, G. Derflinger: Rejection-inversion to generate variates from
/// monotone discrete distributions, ACM TOMACS 6(3), 1996. No table, so `count` may be any; on
/// average fewer than 1.2 numbers are drawn.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Zipf {
    count: f64,
    exponent: f64,
    /// The integral of the hat from below the first rank, and to behind the last.
    first: f64,
    last: f64,
    /// Within so much of a rank no rejection is needed.
    sure: f64,
}

impl Zipf {
    /// `count` of at least 1, an exponent of 0 or more.
    pub(crate) fn new(count: u64, exponent: f64) -> Self {
        let mut zipf = Self { count: count as f64, exponent, first: 0.0, last: 0.0, sure: 0.0 };
        zipf.first = zipf.integral(1.5) - 1.0;
        zipf.last = zipf.integral(zipf.count + 0.5);
        zipf.sure = 2.0 - zipf.inverse(zipf.integral(2.5) - zipf.density(2.0));
        zipf
    }

    /// A rank.
    #[inline]
    pub(crate) fn draw(&self, random: &mut Random) -> u64 {
        loop {
            let area = self.last + random.unit() * (self.first - self.last);
            let at = self.inverse(area);
            let rank = (at + 0.5).floor().clamp(1.0, self.count);
            if rank - at <= self.sure || area >= self.integral(rank + 0.5) - self.density(rank) {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "from 1 to the count"
                )]
                let rank = rank as u64;
                return rank;
            }
        }
    }

    /// The hat: `x^-exponent`.
    fn density(&self, at: f64) -> f64 {
        (-self.exponent * at.ln()).exp()
    }

    /// Its integral: `(x^(1-exponent) - 1) / (1 - exponent)`, and `ln x` for an exponent of 1.
    fn integral(&self, at: f64) -> f64 {
        let log = at.ln();
        let power = (1.0 - self.exponent) * log;
        // Near 0 the quotient loses all its digits.
        let quotient = if power.abs() > 1e-8 { power.exp_m1() / power } else { 1.0 + power / 2.0 };
        quotient * log
    }

    /// Where the integral has a value.
    fn inverse(&self, area: f64) -> f64 {
        // Rounding may lead below -1, where the logarithm ends.
        let power = (area * (1.0 - self.exponent)).max(-1.0);
        let quotient = if power.abs() > 1e-8 { power.ln_1p() / power } else { 1.0 - power / 2.0 };
        (quotient * area).exp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pearson's statistic of the ranks drawn, the rare ones together, and its degrees of freedom.
    fn chi_square(count: u64, exponent: f64, draws: u32) -> (f64, f64) {
        let zipf = Zipf::new(count, exponent);
        let mut random = Random::new(7);
        let weight = |rank: u64| (rank as f64).powf(-exponent);
        let all: f64 = (1..=count).map(weight).sum();
        let told_apart = count.min(50);
        let mut hits = vec![0_u32; usize::try_from(told_apart).unwrap() + 1];
        for _ in 0..draws {
            let rank = zipf.draw(&mut random);
            assert!((1..=count).contains(&rank));
            hits[usize::try_from((rank - 1).min(told_apart)).unwrap()] += 1;
        }
        let rest: f64 = (told_apart + 1..=count).map(weight).sum();
        let weights = (1..=told_apart).map(weight).chain((rest > 0.0).then_some(rest));
        let terms = weights.zip(&hits).map(|(weight, hits)| {
            let expected = f64::from(draws) * weight / all;
            (f64::from(*hits) - expected).powi(2) / expected
        });
        let terms: Vec<_> = terms.collect();
        (terms.iter().sum(), terms.len() as f64 - 1.0)
    }

    #[test]
    fn ranks_are_as_frequent_as_the_formula_says() {
        for (count, exponent) in
            [(1, 1.1), (2, 1.0), (10, 0.0), (50, 0.5), (1000, 1.0), (100_000, 1.1), (40, 3.0)]
        {
            let (found, freedom) = chi_square(count, exponent, 200_000);
            // Five standard deviations of a chi-square above its mean.
            let limit = freedom + 5.0 * (2.0 * freedom).sqrt();
            assert!(found <= limit, "{count}, {exponent}: {found} of {limit}");
        }
    }

    #[test]
    fn huge_counts_need_no_table() {
        let zipf = Zipf::new(1 << 53, 0.01);
        let mut random = Random::new(1);
        let large = (0..1000).filter(|_| zipf.draw(&mut random) > 1 << 52).count();
        assert!((400..600).contains(&large), "{large}");
    }
}
