//! Numbers around a mean, the farther off the fewer.

use crate::random::Random;
use std::f64::consts::TAU;

/// The normal distribution within limits. What falls outside of them becomes the limit, so limits are
/// as frequent as all that lies behind them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Normal {
    /// In units of the last digit that is written.
    mean: f64,
    deviation: f64,
    least: f64,
    greatest: f64,
}

impl Normal {
    /// In units of the last digit; limits are within ±2^53.
    pub(super) fn new(mean: f64, deviation: f64, least: f64, greatest: f64) -> Self {
        Self { mean, deviation, least, greatest }
    }

    /// By the transformation of G. E. P. Box and M. E. Muller: A note on the generation of random normal
    /// deviates, Annals of Mathematical Statistics 29(2), 1958. Its other number is not used: a row has
    /// its own.
    #[inline]
    pub(super) fn draw(&self, random: &mut Random) -> i64 {
        // From above 0 to 1: of 0 there is no logarithm.
        let radius = (-2.0 * (1.0 - random.unit()).ln()).sqrt();
        let number = self.mean + self.deviation * radius * (TAU * random.unit()).cos();
        let number = number.round().clamp(self.least, self.greatest);
        #[expect(clippy::cast_possible_truncation, reason = "whole, and within ±2^53")]
        let number = number as i64;
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The share below `x` standard deviations, as integrated by Simpson's rule.
    fn share_below(x: f64) -> f64 {
        let density = |x: f64| (-x * x / 2.0).exp() / TAU.sqrt();
        let (start, steps) = (-9.0, 2000);
        let width = (x - start) / f64::from(steps);
        let weight = |step: i32| match step {
            _ if step == 0 || step == steps => 1.0,
            _ if step % 2 == 1 => 4.0,
            _ => 2.0,
        };
        let sum: f64 =
            (0..=steps).map(|step| weight(step) * density(start + f64::from(step) * width)).sum();
        sum * width / 3.0
    }

    #[test]
    fn numbers_are_as_far_off_as_the_formula_says() {
        let normal = Normal::new(5e6, 1e6, 0.0, 1e7);
        let mut random = Random::new(11);
        let mut found: Vec<_> = (0..50_000).map(|_| normal.draw(&mut random)).collect();
        found.sort_unstable();
        let count = found.len() as f64;
        let shares = found.iter().enumerate().map(|(place, &number)| {
            let expected = share_below((number as f64 - 5e6) / 1e6);
            ((place as f64 + 0.5) / count - expected).abs()
        });
        let distance = shares.fold(0.0, f64::max);
        // Kolmogorov–Smirnov: above this by chance once in some 10^7.
        assert!(distance < 2.9 / count.sqrt(), "{distance}");
    }

    #[test]
    fn what_falls_outside_becomes_the_limit() {
        let normal = Normal::new(0.0, 100.0, -50.0, 50.0);
        let mut random = Random::new(1);
        let found: Vec<_> = (0..10_000).map(|_| normal.draw(&mut random)).collect();
        assert!(found.iter().all(|number| (-50..=50).contains(number)));
        let at_limit = found.iter().filter(|number| **number == 50).count();
        // 31 % lie above half a standard deviation.
        assert!((2900..3300).contains(&at_limit), "{at_limit}");
        assert_eq!(Normal::new(7.0, 0.0, 0.0, 9.0).draw(&mut random), 7);
    }
}
