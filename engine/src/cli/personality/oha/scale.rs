//! Units of oha's summary.

use super::super::figures::whole;
use clap::ValueEnum;

/// The unit of all times of a summary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Scale {
    /// Nanoseconds.
    Ns,
    /// Microseconds.
    Us,
    /// Milliseconds.
    Ms,
    /// Seconds.
    S,
    /// Minutes.
    M,
    /// Hours.
    H,
}

impl Scale {
    /// The largest unit that is shorter than a time.
    pub(super) fn of(value_s: f64) -> Self {
        let scales = [Self::H, Self::M, Self::S, Self::Ms, Self::Us];
        scales.into_iter().find(|scale| value_s > scale.seconds()).unwrap_or(Self::Ns)
    }

    pub(super) fn seconds(self) -> f64 {
        match self {
            Self::Ns => 1e-9,
            Self::Us => 1e-6,
            Self::Ms => 1e-3,
            Self::S => 1.0,
            Self::M => 60.0,
            Self::H => 3600.0,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ns => "ns",
            Self::Us => "us",
            Self::Ms => "ms",
            Self::S => "sec",
            Self::M => "min",
            Self::H => "hr",
        }
    }

    /// A time with its unit, or that there is none.
    pub(super) fn text(self, value_s: f64) -> String {
        match value_s.is_nan() {
            true => "not measured".into(),
            false => format!("{:.4} {}", value_s / self.seconds(), self.name()),
        }
    }
}

/// A number of bytes: `14 B`, `2.00 KiB`.
pub(super) fn bytes(count: f64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if count < 1024.0 {
        return format!("{} B", whole(count));
    }
    let (mut value, mut unit) = (count / 1024.0, 0);
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.2} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_the_unit_of_the_longest() {
        for (longest_s, value_s, expect) in [
            (f64::NAN, f64::NAN, "not measured"),
            (0.0, 0.0, "0.0000 ns"),
            (1e-6, 5e-7, "500.0000 ns"),
            (2e-6, 1e-6, "1.0000 us"),
            (0.5, 0.02, "20.0000 ms"),
            (1.0, 0.02, "20.0000 ms"),
            (1.1, 0.02, "0.0200 sec"),
            (60.0, 30.0, "30.0000 sec"),
            (61.0, 30.0, "0.5000 min"),
            (7200.0, 1800.0, "0.5000 hr"),
        ] {
            assert_eq!(Scale::of(longest_s).text(value_s), expect, "{longest_s} s");
        }
    }

    #[test]
    fn sizes_are_of_1024() {
        for (count, expect) in [
            (0.0, "0 B"),
            (1023.9, "1023 B"),
            (1024.0, "1.00 KiB"),
            (2_048_000.0, "1.95 MiB"),
            (3.0 * 1024.0 * 1024.0 * 1024.0, "3.00 GiB"),
            (1e18, "909494.70 TiB"),
        ] {
            assert_eq!(bytes(count), expect);
        }
    }
}
