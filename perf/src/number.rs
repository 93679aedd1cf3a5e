//! Numbers for people: as many digits as matter, thousands set apart, a dash where nothing is.

/// What stands where no number is.
pub(crate) const MISSING: &str = "–";

/// `123,457`, `98.8`, `1.234`, `0.0123`: enough to see on which side of a bar a ratio lies.
pub(crate) fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_string(),
        size if size >= 100.0 => thousands(&format!("{value:.0}")),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 0.1 => format!("{value:.3}"),
        _ => format!("{value:.4}"),
    }
}

/// A number, or the sign that there is none.
pub(crate) fn or_missing(value: Option<f64>) -> String {
    value.map_or(MISSING.to_string(), number)
}

/// A limit as it was set: `1.35`, `2`, `1,024`.
pub(crate) fn exact(value: f64) -> String {
    if value >= 1e3 { number(value) } else { value.to_string() }
}

/// A share as a percentage.
pub(crate) fn percent(ratio: Option<f64>) -> String {
    ratio.map_or(MISSING.to_string(), |ratio| format!("{:.0} %", ratio * 100.0))
}

/// Bytes as MiB.
pub(crate) fn mebibytes(bytes: Option<f64>) -> String {
    bytes.map_or(MISSING.to_string(), |bytes| format!("{:.1} MiB", bytes / 1_048_576.0))
}

fn thousands(digits: &str) -> String {
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        let left = digits.len() - index;
        if index > 0 && left.is_multiple_of(3) && !text.ends_with('-') {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_digits_that_matter() {
        let rows = [
            (0.0, "0"),
            (0.012_34, "0.0123"),
            (0.7456, "0.746"),
            (1.3494, "1.349"),
            (98.76, "98.8"),
            (100.4, "100"),
            (999.6, "1,000"),
            (1_234_567.0, "1,234,567"),
            (-123_456.0, "-123,456"),
            (-1.5, "-1.500"),
        ];
        for (value, expected) in rows {
            assert_eq!(number(value), expected);
        }
    }

    #[test]
    fn limits_are_shown_as_they_were_set() {
        for (value, expected) in [(1.35, "1.35"), (2.0, "2"), (0.01, "0.01"), (1024.0, "1,024")] {
            assert_eq!(exact(value), expected);
        }
    }

    #[test]
    fn what_is_missing_is_a_dash() {
        assert_eq!(or_missing(None), MISSING);
        assert_eq!(percent(None), MISSING);
        assert_eq!(
            (percent(Some(0.256)), mebibytes(Some(1_572_864.0))),
            ("26 %".into(), "1.5 MiB".into())
        );
    }
}
