//! Units: the strings people write for durations, counts, sizes and rates, and nothing else.
//!
//! In comes a string from a flag, a plan file or a form; out comes an exact integer (or a fraction,
//! for a rate). Nothing is rounded: a value that the target type cannot hold exactly is an error,
//! and so is one that overflows it. The same strings mean the same thing everywhere in acp.
//!
//! | Kind | Examples | Meaning |
//! |---|---|---|
//! | duration | `500ms`, `30s`, `1m30s`, `1.5h`, `10` | nanoseconds; a bare number is seconds |
//! | count | `64`, `10k`, `2.6k`, `1M` | powers of 1,000 |
//! | size | `512`, `64KiB`, `64kB`, `1.5MiB` | bytes; `KiB` is 1,024 and `kB` is 1,000 |
//! | rate | `50k`, `0.5`, `300/m`, `5/h`, `1.5M/s` | a fraction per second; `m` after the slash is minute |

pub use crate::durations::{duration_ms, duration_us};
use thiserror::Error;

/// Why a string is not a quantity.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum UnitError {
    /// The string is empty.
    #[error("empty value, expected {expected}")]
    Empty {
        /// What would have been accepted.
        expected: &'static str,
    },
    /// A number was expected at the start of the string or of one of its parts.
    #[error("`{input}` is not a number, expected {expected}")]
    NotANumber {
        /// The whole input.
        input: String,
        /// What would have been accepted.
        expected: &'static str,
    },
    /// The number is followed by a unit that does not exist for this kind of quantity.
    #[error("unknown unit `{unit}` in `{input}`, expected {expected}")]
    UnknownUnit {
        /// The unit as written.
        unit: String,
        /// The whole input.
        input: String,
        /// What would have been accepted.
        expected: &'static str,
    },
    /// The parts of a duration are not in falling order (`30s1m`, `1m1m`, `5 1s`).
    #[error("units out of order in `{input}`, write the larger one first: `1m30s`")]
    OutOfOrder {
        /// The whole input.
        input: String,
    },
    /// The value has a fraction of the smallest unit (half a byte, a tenth of a nanosecond).
    #[error("`{input}` is not a whole number of {unit}")]
    NotWhole {
        /// The whole input.
        input: String,
        /// The smallest unit.
        unit: &'static str,
    },
    /// The value does not fit.
    #[error("`{input}` is too large")]
    TooLarge {
        /// The whole input.
        input: String,
    },
}

/// A number of events per second, exact: `numerator / denominator`, in lowest terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Events in `denominator` seconds.
    pub numerator: u64,
    /// Seconds, at least 1.
    pub denominator: u64,
}

impl Rate {
    /// The rate in events per second, rounded to a float: for display, never for a schedule.
    #[must_use]
    pub fn per_second(self) -> f64 {
        self.numerator as f64 / self.denominator as f64
    }
}

const DURATION: &str = "a duration like `500ms`, `30s` or `1m30s`";
const COUNT: &str = "a count like `64`, `10k` or `1M`";
const SIZE: &str = "a size like `512`, `64KiB` (1,024) or `64kB` (1,000)";
const RATE: &str = "a rate like `50k`, `0.5`, `300/m` or `5/h`";

/// Parses a duration into nanoseconds. A bare number is seconds.
///
/// # Errors
///
/// See [`UnitError`]; largest value about 584 years.
pub fn parse_duration_ns(input: &str) -> Result<u64, UnitError> {
    let (mut total_ns, mut rest, mut previous) = (0_u64, input, u64::MAX);
    loop {
        let (number, after) = Decimal::read(rest, input, DURATION)?;
        let (unit, next) = after.split_at(after.find(is_numeric).unwrap_or(after.len()));
        // A number without a unit is seconds, but only alone: `1m30` is more likely a typo.
        let scale = if unit.is_empty() && total_ns == 0 && previous == u64::MAX {
            NS_PER_S
        } else {
            duration_scale(unit).ok_or_else(|| unknown_unit(unit, input, DURATION))?
        };
        if scale >= previous {
            return Err(UnitError::OutOfOrder { input: input.to_owned() });
        }
        let part_ns = number.times(scale, input, "nanoseconds")?;
        total_ns = total_ns.checked_add(part_ns).ok_or_else(|| too_large(input))?;
        if next.is_empty() {
            return Ok(total_ns);
        }
        (rest, previous) = (next, scale);
    }
}

/// Parses a count; `k`, `M` and `G` are powers of 1,000.
///
/// # Errors
///
/// See [`UnitError`].
pub fn parse_count(input: &str) -> Result<u64, UnitError> {
    let (number, unit) = Decimal::read(input, input, COUNT)?;
    let scale = count_scale(unit).ok_or_else(|| unknown_unit(unit, input, COUNT))?;
    number.times(scale, input, "units")
}

/// Parses a size into bytes.
///
/// # Errors
///
/// See [`UnitError`]. `64K` is refused because it means 64,000 to some and 65,536 to others.
pub fn parse_size(input: &str) -> Result<u64, UnitError> {
    let (number, unit) = Decimal::read(input, input, SIZE)?;
    let scale = size_scale(unit).ok_or_else(|| unknown_unit(unit, input, SIZE))?;
    number.times(scale, input, "bytes")
}

/// Parses a rate into events per second. `max` is not a rate: it is the absence of one.
///
/// # Errors
///
/// See [`UnitError`].
pub fn parse_rate(input: &str) -> Result<Rate, UnitError> {
    let (count, seconds) = match input.split_once('/') {
        None => (input, 1),
        Some((count, unit)) => {
            let seconds = rate_seconds(unit).ok_or_else(|| unknown_unit(unit, input, RATE))?;
            (count, seconds)
        }
    };
    let (number, unit) = Decimal::read(count, input, RATE)?;
    let scale = count_scale(unit).ok_or_else(|| unknown_unit(unit, input, RATE))?;
    let too_large = || too_large(input);
    let numerator = u128::from(number.digits) * u128::from(scale);
    let denominator = u128::from(number.scale) * u128::from(seconds);
    let divisor = greatest_common_divisor(numerator, denominator);
    Ok(Rate {
        numerator: u64::try_from(numerator / divisor).map_err(|_| too_large())?,
        denominator: u64::try_from(denominator / divisor).map_err(|_| too_large())?,
    })
}

const NS_PER_S: u64 = 1_000_000_000;

fn duration_scale(unit: &str) -> Option<u64> {
    Some(match unit {
        "ns" => 1,
        "us" | "µs" => 1_000,
        "ms" => 1_000_000,
        "s" => NS_PER_S,
        "m" => 60 * NS_PER_S,
        "h" => 3_600 * NS_PER_S,
        "d" => 86_400 * NS_PER_S,
        _ => return None,
    })
}

fn count_scale(unit: &str) -> Option<u64> {
    Some(match unit {
        "" => 1,
        "k" => 1_000,
        "M" => 1_000_000,
        "G" => 1_000_000_000,
        _ => return None,
    })
}

fn size_scale(unit: &str) -> Option<u64> {
    Some(match unit {
        "" | "B" => 1,
        "kB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    })
}

fn rate_seconds(unit: &str) -> Option<u64> {
    Some(match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    })
}

/// A decimal number without sign or exponent: `digits / scale`, `scale` a power of ten.
struct Decimal {
    digits: u64,
    scale: u64,
}

impl Decimal {
    /// Reads the number at the start of `text` and returns it with what follows it.
    fn read<'a>(
        text: &'a str,
        input: &str,
        expected: &'static str,
    ) -> Result<(Decimal, &'a str), UnitError> {
        if input.is_empty() {
            return Err(UnitError::Empty { expected });
        }
        let (number, rest) = text.split_at(text.find(|c| !is_numeric(c)).unwrap_or(text.len()));
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let malformed = whole.is_empty()
            || fraction.contains('.')
            || (number.contains('.') && fraction.is_empty());
        if malformed {
            return Err(UnitError::NotANumber { input: input.to_owned(), expected });
        }
        let fraction = fraction.trim_end_matches('0');
        let mut decimal = Decimal { digits: 0, scale: 1 };
        for digit in whole.bytes() {
            decimal.append(digit, input)?;
        }
        for digit in fraction.bytes() {
            decimal.append(digit, input)?;
            decimal.scale = decimal.scale.checked_mul(10).ok_or_else(|| too_large(input))?;
        }
        Ok((decimal, rest))
    }

    fn append(&mut self, digit: u8, input: &str) -> Result<(), UnitError> {
        self.digits = self
            .digits
            .checked_mul(10)
            .and_then(|digits| digits.checked_add(u64::from(digit - b'0')))
            .ok_or_else(|| too_large(input))?;
        Ok(())
    }

    /// The number times `factor`, if that is a whole number that fits.
    fn times(&self, factor: u64, input: &str, unit: &'static str) -> Result<u64, UnitError> {
        let product = u128::from(self.digits) * u128::from(factor);
        let scale = u128::from(self.scale);
        if product % scale != 0 {
            return Err(UnitError::NotWhole { input: input.to_owned(), unit });
        }
        u64::try_from(product / scale).map_err(|_| too_large(input))
    }
}

fn is_numeric(c: char) -> bool {
    c.is_ascii_digit() || c == '.'
}

fn greatest_common_divisor(a: u128, b: u128) -> u128 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

fn too_large(input: &str) -> UnitError {
    UnitError::TooLarge { input: input.to_owned() }
}

fn unknown_unit(unit: &str, input: &str, expected: &'static str) -> UnitError {
    UnitError::UnknownUnit { unit: unit.to_owned(), input: input.to_owned(), expected }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The start of an error message says which failure it was, without naming its fields here.
    fn check<T: std::fmt::Debug + PartialEq>(
        parse: fn(&str) -> Result<T, UnitError>,
        rows: &[(&str, Result<T, &str>)],
    ) {
        for (input, expected) in rows {
            match (parse(input), expected) {
                (Ok(value), Ok(expected)) => assert_eq!(&value, expected, "{input}"),
                (Err(error), Err(part)) => {
                    let message = error.to_string();
                    assert!(message.contains(part), "{input}: `{message}` lacks `{part}`");
                }
                (got, expected) => panic!("{input}: got {got:?}, expected {expected:?}"),
            }
        }
    }

    #[test]
    fn durations() {
        check(
            parse_duration_ns,
            &[
                ("0", Ok(0)),
                ("10", Ok(10_000_000_000)),
                ("0.5", Ok(500_000_000)),
                ("1ns", Ok(1)),
                ("30us", Ok(30_000)),
                ("30µs", Ok(30_000)),
                ("500ms", Ok(500_000_000)),
                ("1.5s", Ok(1_500_000_000)),
                ("1m30s", Ok(90_000_000_000)),
                ("2h", Ok(7_200_000_000_000)),
                ("1h0m1s", Ok(3_601_000_000_000)),
                ("0m5s", Ok(5_000_000_000)),
                ("1d", Ok(86_400_000_000_000)),
                ("0.000000001s", Ok(1)),
                ("1.50000000000000000000000s", Ok(1_500_000_000)),
                ("18446744073.709551615s", Ok(u64::MAX)),
                ("", Err("empty")),
                (" 1s", Err("not a number")),
                ("1s ", Err("unknown unit `s `")),
                ("-1s", Err("not a number")),
                ("+1s", Err("not a number")),
                ("s", Err("not a number")),
                (".5s", Err("not a number")),
                ("1.s", Err("not a number")),
                ("1.2.3s", Err("not a number")),
                ("1e3s", Err("unknown unit `e`")),
                ("1S", Err("unknown unit `S`")),
                ("1 s", Err("unknown unit ` s`")),
                ("1sec", Err("unknown unit `sec`")),
                ("1m30", Err("unknown unit ``")),
                ("0m30", Err("unknown unit ``")),
                ("30s1m", Err("out of order")),
                ("1m1m", Err("out of order")),
                ("0.1ns", Err("whole number of nanoseconds")),
                ("1s0.1ns", Err("whole number of nanoseconds")),
                ("99999999999999999999s", Err("too large")),
                ("18446744073.709551616s", Err("too large")),
                ("18446744073s709551616ns", Err("too large")),
                ("213504d", Err("too large")),
                ("0.00000000000000000000001s", Err("too large")),
                ("１s", Err("not a number")),
            ],
        );
    }

    #[test]
    fn counts() {
        check(
            parse_count,
            &[
                ("0", Ok(0)),
                ("64", Ok(64)),
                ("10k", Ok(10_000)),
                ("2.6k", Ok(2_600)),
                ("1M", Ok(1_000_000)),
                ("1.5G", Ok(1_500_000_000)),
                ("18446744073709551615", Ok(u64::MAX)),
                ("", Err("empty")),
                ("k", Err("not a number")),
                ("10K", Err("unknown unit `K`")),
                ("10m", Err("unknown unit `m`")),
                ("10k5", Err("unknown unit `k5`")),
                ("1,000", Err("unknown unit `,000`")),
                ("1_000", Err("unknown unit `_000`")),
                ("0x10", Err("unknown unit `x10`")),
                ("-5", Err("not a number")),
                ("2.5", Err("whole number")),
                ("1.0005k", Err("whole number")),
                ("18446744073709551616", Err("too large")),
                ("99999999999G", Err("too large")),
            ],
        );
    }

    #[test]
    fn sizes() {
        check(
            parse_size,
            &[
                ("0", Ok(0)),
                ("512", Ok(512)),
                ("512B", Ok(512)),
                ("64KiB", Ok(65_536)),
                ("64kB", Ok(64_000)),
                ("1.5MiB", Ok(1_572_864)),
                ("1MB", Ok(1_000_000)),
                ("2GiB", Ok(2_147_483_648)),
                ("2GB", Ok(2_000_000_000)),
                ("", Err("empty")),
                ("KiB", Err("not a number")),
                ("64K", Err("unknown unit `K`")),
                ("64k", Err("unknown unit `k`")),
                ("64KB", Err("unknown unit `KB`")),
                ("64kib", Err("unknown unit `kib`")),
                ("64 KiB", Err("unknown unit ` KiB`")),
                ("0.3KiB", Err("whole number of bytes")),
                ("0.5", Err("whole number of bytes")),
                ("17179869184GiB", Err("too large")),
            ],
        );
    }

    #[test]
    fn rates() {
        let rate = |numerator, denominator| Ok(Rate { numerator, denominator });
        check(
            parse_rate,
            &[
                ("0", rate(0, 1)),
                ("0/h", rate(0, 1)),
                ("1", rate(1, 1)),
                ("50k", rate(50_000, 1)),
                ("0.5", rate(1, 2)),
                ("0.3", rate(3, 10)),
                ("2.6k", rate(2_600, 1)),
                ("300/m", rate(5, 1)),
                ("5/h", rate(1, 720)),
                ("1/d", rate(1, 86_400)),
                ("1.5M/s", rate(1_500_000, 1)),
                ("1.5k/m", rate(25, 1)),
                ("", Err("empty")),
                ("max", Err("not a number")),
                ("/s", Err("not a number")),
                ("5/", Err("unknown unit ``")),
                ("5/x", Err("unknown unit `x`")),
                ("5/s/s", Err("unknown unit `s/s`")),
                ("5/2s", Err("unknown unit `2s`")),
                ("5s", Err("unknown unit `s`")),
                ("-5", Err("not a number")),
                ("5K", Err("unknown unit `K`")),
                ("99999999999G", Err("too large")),
                ("0.0000000000000000001/d", Err("too large")),
            ],
        );
    }

    #[test]
    fn a_rate_shows_as_events_per_second() {
        assert!((Rate { numerator: 1, denominator: 4 }.per_second() - 0.25).abs() < f64::EPSILON);
    }
}
