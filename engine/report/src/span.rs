//! How long a run sent, in whole seconds where it nearly is. In: `run.duration_us` of a report.

pub(crate) const SECOND_US: u64 = 1_000_000;

/// A run ends some microseconds after its last request was due. As long as that is below 1 % of a
/// second, it is no part of a second of its own: hardly any request is due in it, and what is answered
/// in it would look like a peak.
const REST_US: u64 = SECOND_US / 100;

/// The time of sending without a rest below 1 % of a second. Shorter ones are as they are.
pub(crate) fn span_us(duration_us: u64) -> u64 {
    match duration_us % SECOND_US {
        rest_us if rest_us < REST_US && rest_us < duration_us => duration_us - rest_us,
        _ => duration_us,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rest_is_no_second() {
        for (what, duration_us, expect) in [
            ("nothing", 0, 0),
            ("nothing but a rest", 68, 68),
            ("a second", 1_000_000, 1_000_000),
            ("as runs are", 12_000_068, 12_000_000),
            ("just below a hundredth", 12_009_999, 12_000_000),
            ("a hundredth", 12_010_000, 12_010_000),
            ("too short by little", 11_999_999, 11_999_999),
            ("the end of time", u64::MAX, u64::MAX),
        ] {
            assert_eq!(span_us(duration_us), expect, "{what}");
        }
    }
}
