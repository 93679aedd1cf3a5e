//! Numbers as wrk writes them: two decimals and a unit.

/// Steps to the next unit begin at this share of it: wrk writes 0.90M, not 900.00k.
const NEXT_UNIT_RATIO: f64 = 0.85;

/// A time of microseconds: `88.00us`, `1.30ms`, `2.00s`, `1.50m`.
pub(super) fn micros(value_us: f64) -> String {
    match value_us >= 1e6 {
        true => scaled(value_us / 1e6, 60.0, &["s", "m"], 2),
        false => scaled(value_us, 1000.0, &["us", "ms"], 2),
    }
}

/// A time of whole seconds: `30s`, `2m`.
pub(super) fn seconds(value_s: f64) -> String {
    scaled(value_s, 60.0, &["s", "m"], 0)
}

/// A number: `39.44k`.
pub(super) fn metric(value: f64) -> String {
    scaled(value, 1000.0, &["", "k", "M", "G", "T"], 2)
}

/// A number of bytes, without their `B`: `11.83M`.
pub(super) fn binary(bytes: f64) -> String {
    scaled(bytes, 1024.0, &["", "K", "M", "G", "T"], 2)
}

fn scaled(mut value: f64, scale: f64, units: &[&str], decimals: usize) -> String {
    let mut unit = 0;
    while unit + 1 < units.len() && value >= scale * NEXT_UNIT_RATIO {
        value /= scale;
        unit += 1;
    }
    format!("{value:.decimals$}{}", units[unit])
}

/// Right-aligned so that digits of all rows are below each other: units of less than two letters get
/// blanks behind them.
pub(super) fn column(text: &str, width: usize) -> String {
    let letters = text.chars().rev().take(2).filter(char::is_ascii_alphabetic).count();
    let blanks = 2 - letters;
    let width = width - blanks;
    format!("{text:>width$}{:blanks$}", "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_those_of_wrk() {
        for (found, expect) in [
            (micros(0.0), "0.00us"),
            (micros(849.9), "849.90us"),
            (micros(850.0), "0.85ms"),
            (micros(44_200.0), "44.20ms"),
            (micros(999_999.0), "1000.00ms"),
            (micros(1_000_000.0), "1.00s"),
            (micros(50_900_000.0), "50.90s"),
            (micros(51_000_000.0), "0.85m"),
            (micros(7_200_000_000.0), "120.00m"),
            (seconds(2.0), "2s"),
            (seconds(50.0), "50s"),
            (seconds(60.0), "1m"),
            (seconds(7200.0), "120m"),
            (metric(849.0), "849.00"),
            (metric(39_440.0), "39.44k"),
            (metric(900_000.0), "0.90M"),
            (binary(870.0), "870.00"),
            (binary(871.0), "0.85K"),
            (binary(12_404_654.0), "11.83M"),
            (binary(1e20), "90949470.18T"),
            (metric(f64::NAN), "NaN"),
        ] {
            assert_eq!(found, expect);
        }
    }

    #[test]
    fn digits_stand_below_each_other() {
        for (text, width, expect) in [
            ("1.30ms", 8, "  1.30ms"),
            ("39.44k", 8, " 39.44k "),
            ("849.00", 8, "849.00  "),
            ("2.00s", 9, "   2.00s "),
        ] {
            assert_eq!(column(text, width), expect);
        }
    }
}
