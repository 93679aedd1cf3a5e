//! A rate that swings as a sine, as straight lines: `sine(mean,amplitude,period,length)`.
//!
//! The rate is `mean + amplitude · sin(2πt / period)`, drawn with 64 lines a period whose corners lie on
//! it. Between two corners a line is below the bow by at most `amplitude · (1 − cos(π/64))`, 0.12 % of
//! the amplitude. In half a period that is up to `amplitude · period / 3900` slots; over whole periods
//! it cancels out, so their mean is exact.
//!
//! Sines are taken from a table of integers: those of floating point differ between machines, and
//! all agents must have the same corners.

use crate::pace::{MAX_DENOMINATOR, Stretch};
use acp_wire::units::Rate;

/// Lines of one period.
const LINES: u64 = 64;
/// `2³⁰ · sin(2πi / 64)` of the first quarter.
const QUARTER: [i64; 17] = [
    0,
    105_245_103,
    209_476_638,
    311_690_799,
    410_903_207,
    506_158_392,
    596_538_995,
    681_174_602,
    759_250_125,
    830_013_654,
    892_783_698,
    946_955_747,
    992_008_094,
    1_027_506_862,
    1_053_110_176,
    1_068_571_464,
    1_073_741_824,
];
const TABLE_BITS: u32 = 30;
/// Rates of corners are rounded to one of these parts of what the rates were given in: the finest that
/// leaves room for a common denominator.
const FINENESS: [u64; 4] = [1000, 100, 10, 1];

/// The lines, `lines_max` at the most.
pub(super) fn sine(
    mean: Rate,
    amplitude: Rate,
    period_ns: u64,
    length_ns: u64,
    lines_max: u64,
) -> Result<Vec<Stretch>, String> {
    if period_ns == 0 {
        return Err("`sine` needs a period above 0".into());
    }
    let lines = (u128::from(length_ns) * u128::from(LINES)).div_ceil(u128::from(period_ns));
    let lines = u64::try_from(lines).unwrap_or(u64::MAX);
    if lines > lines_max {
        return Err(format!(
            "`sine` has more than {lines_max} lines, {LINES} a period\n\
             hint: at most {} periods: make the period longer, or the length shorter",
            lines_max / LINES
        ));
    }
    let wave = Wave::new(mean, amplitude)?;
    let at_ns = |line: u64| u128::from(line) * u128::from(period_ns) / u128::from(LINES);
    let mut stretches = Vec::new();
    for line in 0..lines {
        let (start_ns, end_ns) = (at_ns(line), at_ns(line + 1));
        let (from, to) = (wave.corner(line), wave.corner(line + 1));
        let cut_ns = end_ns.min(length_ns.into());
        // The last line may be cut; where it is, its rate is rounded as at a corner.
        let part =
            |rate: i128| divided(rate * signed(cut_ns - start_ns), signed(end_ns - start_ns));
        if cut_ns > start_ns {
            stretches.push(Stretch {
                from: wave.rate(from)?,
                to: wave.rate(from + part(to - from))?,
                duration_ns: u64::try_from(cut_ns - start_ns).unwrap_or(length_ns),
            });
        }
    }
    Ok(stretches)
}

/// Rates × denominator.
struct Wave {
    mean: i128,
    amplitude: i128,
    denominator: u64,
}

impl Wave {
    fn new(mean: Rate, amplitude: Rate) -> Result<Self, String> {
        let common = mean.denominator.checked_mul(amplitude.denominator);
        let common = common.ok_or("rates of `sine` are too fine; round them")?;
        let fits = |&&fineness: &&u64| common <= MAX_DENOMINATOR / fineness;
        let denominator = common * FINENESS.iter().find(fits).unwrap_or(&1);
        let scaled =
            |rate: Rate| i128::from(rate.numerator) * i128::from(denominator / rate.denominator);
        let (mean, amplitude) = (scaled(mean), scaled(amplitude));
        if amplitude > mean {
            return Err(
                "the amplitude of `sine` is above its mean, so the rate would fall below 0\n\
                        hint: sine(5k,2k,60s,5m) goes from 3k to 7k"
                    .into(),
            );
        }
        Ok(Self { mean, amplitude, denominator })
    }

    /// The rate at the start of a line.
    fn corner(&self, line: u64) -> i128 {
        self.mean + divided(self.amplitude * i128::from(sine_at(line)), 1 << TABLE_BITS)
    }

    fn rate(&self, scaled: i128) -> Result<Rate, String> {
        let numerator = u64::try_from(scaled).map_err(|_| "rate is too large")?;
        Ok(Rate { numerator, denominator: self.denominator })
    }
}

/// `2³⁰ · sin(2π · corner / 64)`.
fn sine_at(corner: u64) -> i64 {
    let quarter =
        |index: u64| QUARTER.get(usize::try_from(index).unwrap_or(0)).copied().unwrap_or(0);
    match corner % LINES {
        index @ 0..=16 => quarter(index),
        index @ 17..=32 => quarter(32 - index),
        index @ 33..=48 => -quarter(index - 32),
        index => -quarter(64 - index),
    }
}

/// Rounded to the nearest, halves away from 0: a sine stays symmetric.
fn divided(number: i128, by: i128) -> i128 {
    (2 * number + number.signum() * by) / (2 * by)
}

fn signed(time_ns: u128) -> i128 {
    time_ns.cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pace::Pace;
    use acp_wire::units::parse_rate;
    use proptest::prelude::*;
    use std::f64::consts::PI;

    const SECOND: u64 = 1_000_000_000;
    const LINES_MAX: u64 = 10_000;

    fn rate(text: &str) -> Rate {
        parse_rate(text).unwrap()
    }

    fn stretches(text: &str) -> Result<Vec<Stretch>, String> {
        let parts: Vec<_> = text.split(',').collect();
        let time = |part: &str| acp_wire::units::parse_duration_ns(part).unwrap();
        sine(rate(parts[0]), rate(parts[1]), time(parts[2]), time(parts[3]), LINES_MAX)
    }

    #[test]
    fn the_table_is_the_sine() {
        for corner in 0..2 * LINES {
            let exact =
                (2.0 * PI * corner as f64 / LINES as f64).sin() * f64::from(1 << TABLE_BITS);
            assert!((sine_at(corner) as f64 - exact).abs() <= 0.5 + 1e-3, "corner {corner}");
        }
    }

    #[test]
    fn lines_are_as_close_to_the_sine_as_they_say() {
        for (text, fineness) in [
            ("5k,2k,60s,5m", 1000.0),
            ("1,1,10s,1m", 1000.0),
            ("5k,5k,4m,1m", 1000.0),
            ("100,0,1s,3s", 1000.0),
            ("10k,3k,7s,29s", 1000.0),
            ("100M,50M,1h,3h", 1000.0),
            ("5/h,2/h,24h,7d", 1000.0),
            ("0.001,0.0005,24h,30d", 1000.0),
        ] {
            let found = stretches(text).unwrap();
            let pace = Pace::new(&found).unwrap();
            let parts: Vec<_> = text.split(',').collect();
            let (mean, amplitude) = (rate(parts[0]).per_second(), rate(parts[1]).per_second());
            let period_ns = acp_wire::units::parse_duration_ns(parts[2]).unwrap() as f64;
            let turn = |t_ns: u64| 2.0 * PI * t_ns as f64 / period_ns;
            let most = amplitude * (1.0 - (PI / 64.0).cos()) + 1.0 / fineness + mean * 1e-9;
            let period_s = period_ns / 1e9;
            for part in 0..=1000 {
                let t_ns = pace.duration_ns() / 1000 * part;
                let exact = mean + amplitude * turn(t_ns).sin();
                let off = (pace.rate_per_s(t_ns) - exact).abs();
                assert!(off <= most, "{text}: off by {off} at {t_ns}, at most {most}");
                let area = mean * t_ns as f64 / 1e9
                    + amplitude * period_s / (2.0 * PI) * (1.0 - turn(t_ns).cos());
                let off = (pace.slots_before(t_ns) as f64 - area).abs();
                let most = amplitude * period_s / 3900.0 + t_ns as f64 / 1e9 / fineness + 1.0;
                assert!(off <= most + area * 1e-9, "{text}: {off} slots off at {t_ns}");
            }
        }
    }

    #[test]
    fn rates_of_corners_are_as_fine_as_the_denominator_allows() {
        for (what, mean, amplitude, denominator) in [
            ("whole rates", "5k", "2k", 1000),
            ("a tenth", "0.5", "0.1", 20_000),
            ("per hour", "5/h", "5/h", 518_400_000),
        ] {
            let (mean, amplitude) = (rate(mean), rate(amplitude));
            let found = sine(mean, amplitude, SECOND, SECOND, LINES_MAX).unwrap();
            let found = found.iter().map(|stretch| stretch.from.denominator).max().unwrap();
            assert_eq!(found, denominator, "{what}");
        }
    }

    #[test]
    fn bad_sines_are_refused() {
        for (text, part) in [
            ("5k,5001,60s,5m", "above its mean"),
            ("0,1,60s,5m", "above its mean"),
            ("5k,2k,0s,5m", "period above 0"),
            ("5k,2k,1s,1h", "more than 10000 lines, 64 a period\nhint: at most 156 periods"),
            ("5k,2k,1ns,1d", "more than 10000 lines"),
            ("5k,2k,1s,156.26s", "more than 10000 lines"),
        ] {
            let error = stretches(text).unwrap_err();
            assert!(error.contains(part), "{text}: `{error}` lacks `{part}`");
        }
        assert_eq!(stretches("5k,2k,1s,156.25s").unwrap().len(), 10_000, "just not too many");
        let fine = Rate { numerator: 1, denominator: 1 << 40 };
        assert!(sine(fine, fine, SECOND, SECOND, LINES_MAX).unwrap_err().contains("too fine"));
    }

    proptest! {
        #[test]
        fn lines_join_and_fill_the_length(
            mean in 1_u64..1_000_000_000, part in 0_u64..=100, denominator in 1_u64..1000,
            period_ns in 1_u64..1_000_000_000_000, periods in 1_u64..1000,
        ) {
            let length_ns = period_ns.saturating_mul(periods) / 7 + 1;
            let mean = Rate { numerator: mean, denominator };
            let amplitude = Rate { numerator: mean.numerator / 100 * part, denominator };
            let found = sine(mean, amplitude, period_ns, length_ns, LINES_MAX).unwrap();
            prop_assert_eq!(found.iter().map(|line| line.duration_ns).sum::<u64>(), length_ns);
            prop_assert!(found.iter().all(|line| line.duration_ns > 0));
            if period_ns >= LINES {
                prop_assert!(found.windows(2).all(|pair| pair[0].to == pair[1].from));
            }
            let most = (mean.per_second() + amplitude.per_second()) * (1.0 + 1e-9) + 0.001;
            prop_assert!(found.iter().all(|line| line.from.per_second() <= most));
        }
    }
}
