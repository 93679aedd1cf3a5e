//! Numbers as the view writes them.

pub(super) use acp_data::grouped;

/// A rate per second: whole where it is large, with its fraction where that is all there is.
pub(super) fn rate(per_s: f64) -> String {
    if per_s >= 100.0 {
        return grouped(whole(per_s));
    }
    let text = if per_s >= 1.0 { format!("{per_s:.2}") } else { format!("{per_s:.6}") };
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

/// A short rate for the labels of an axis.
pub(super) fn short(per_s: f64) -> String {
    match per_s {
        _ if per_s >= 999_500.0 => format!("{:.1}M", per_s / 1e6),
        _ if per_s >= 9_950.0 => format!("{:.0}k", per_s / 1e3),
        _ if per_s >= 1_000.0 => format!("{:.1}k", per_s / 1e3),
        _ if per_s >= 10.0 || per_s == 0.0 => format!("{per_s:.0}"),
        _ => format!("{per_s:.1}"),
    }
}

/// The nearest whole number; 0 for what is below.
#[expect(clippy::cast_possible_truncation, reason = "a cast of a float saturates")]
#[expect(clippy::cast_sign_loss, reason = "a cast of a float saturates")]
pub(super) fn whole(value: f64) -> u64 {
    value.round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_for_people() {
        for (count, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (12_345, "12,345"),
            (123_456, "123,456"),
            (1_234_567, "1,234,567"),
            (u64::MAX, "18,446,744,073,709,551,615"),
        ] {
            assert_eq!(grouped(count), text);
        }
        for (per_s, text) in [
            (0.0, "0"),
            (0.000_001, "0.000001"),
            (0.5, "0.5"),
            (1.0, "1"),
            (2.345, "2.35"),
            (99.999, "100"),
            (100.0, "100"),
            (19_999.6, "20,000"),
        ] {
            assert_eq!(rate(per_s), text);
        }
        for (per_s, text) in [
            (0.0, "0"),
            (0.25, "0.2"),
            (10.0, "10"),
            (999.0, "999"),
            (1_500.0, "1.5k"),
            (20_000.0, "20k"),
            (2_600_000.0, "2.6M"),
        ] {
            assert_eq!(short(per_s), text);
        }
        assert_eq!((whole(-1.0), whole(f64::NAN), whole(1e300)), (0, 0, u64::MAX));
    }
}
