//! What a bar comes to: a limit and an interval in; pass, fail or no decision out.

use serde::{Deserialize, Serialize};

use crate::number::exact;
use crate::statistics::Interval;

/// The side of a bar on which a value must lie.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Limit {
    AtLeast(f64),
    AtMost(f64),
}

impl Limit {
    /// The whole interval must be on one side: what straddles the bar is not decided.
    pub(crate) fn judge(self, interval: &Interval) -> Verdict {
        let (passes, fails) = match self {
            Self::AtLeast(bar) => (interval.low >= bar, interval.high < bar),
            Self::AtMost(bar) => (interval.high <= bar, interval.low > bar),
        };
        match (passes, fails) {
            (true, _) => Verdict::Pass,
            (_, true) => Verdict::Fail,
            _ => Verdict::NoDecision,
        }
    }

    /// `≥ 1.35`
    pub(crate) fn text(self) -> String {
        match self {
            Self::AtLeast(bar) => format!("≥ {}", exact(bar)),
            Self::AtMost(bar) => format!("≤ {}", exact(bar)),
        }
    }
}

/// The answer of one bar, or of all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    Pass,
    Fail,
    NoDecision,
}

impl Verdict {
    /// One failure fails all; without one, a single open question leaves all open.
    pub(crate) fn of_all(verdicts: impl Iterator<Item = Self>) -> Self {
        verdicts.fold(Self::Pass, |all, one| match (all, one) {
            (Self::Fail, _) | (_, Self::Fail) => Self::Fail,
            (Self::NoDecision, _) | (_, Self::NoDecision) => Self::NoDecision,
            _ => Self::Pass,
        })
    }

    pub(crate) fn exit_code(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Fail => 1,
            Self::NoDecision => 3,
        }
    }

    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::NoDecision => "no decision",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Verdict::{Fail, NoDecision, Pass};
    use super::*;

    #[test]
    fn an_interval_is_judged_as_a_whole() {
        let rows = [
            ("above a lower bar", Limit::AtLeast(1.35), 1.4, 1.6, Pass),
            ("touching a lower bar from above", Limit::AtLeast(1.35), 1.35, 1.6, Pass),
            ("straddling a lower bar", Limit::AtLeast(1.35), 1.3, 1.6, NoDecision),
            ("touching a lower bar from below", Limit::AtLeast(1.35), 1.3, 1.35, NoDecision),
            ("below a lower bar", Limit::AtLeast(1.35), 1.0, 1.34, Fail),
            ("below an upper bar", Limit::AtMost(0.75), 0.5, 0.7, Pass),
            ("touching an upper bar from below", Limit::AtMost(0.75), 0.5, 0.75, Pass),
            ("straddling an upper bar", Limit::AtMost(0.75), 0.7, 0.8, NoDecision),
            ("above an upper bar", Limit::AtMost(0.75), 0.76, 0.8, Fail),
        ];
        for (name, limit, low, high, expected) in rows {
            let interval = Interval { median: f64::midpoint(low, high), low, high };
            assert_eq!(limit.judge(&interval), expected, "{name}");
        }
    }

    #[test]
    fn failure_outweighs_doubt_and_doubt_outweighs_success() {
        let rows: &[(&[Verdict], Verdict)] = &[
            (&[], Pass),
            (&[Pass, Pass], Pass),
            (&[Pass, NoDecision], NoDecision),
            (&[Fail, NoDecision], Fail),
            (&[NoDecision, Fail, Pass], Fail),
        ];
        for (verdicts, expected) in rows {
            assert_eq!(Verdict::of_all(verdicts.iter().copied()), *expected, "{verdicts:?}");
        }
    }
}
