//! Faults: which answers fail and when answers are held back. Pure: time and order come in.

use acp_wire::units::{UnitError, parse_duration_ns};
use thiserror::Error;

/// A span of time in which nothing is answered, in ns since the start of the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stall {
    /// First instant without answers.
    pub begin_ns: u64,
    /// First instant with answers again.
    pub end_ns: u64,
}

/// The share of requests that are answered with 500.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ErrorRate(f64);

impl ErrorRate {
    /// No failures.
    pub const NONE: ErrorRate = ErrorRate(0.0);
}

/// Why a fault could not be understood.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FaultError {
    /// Not of the form `LENGTH@BEGIN`.
    #[error("`{input}` is not a stall, expected its length and begin like `3s@10s`")]
    NotAStall {
        /// The whole input.
        input: String,
    },
    /// The length or the begin of a stall is not a duration.
    #[error("failed to read the stall")]
    Duration {
        /// What is wrong with it.
        #[from]
        source: UnitError,
    },
    /// Not a share.
    #[error("`{input}` is not a share of requests, expected `0.1%` or `0.001`, at most 100%")]
    NotAShare {
        /// The whole input.
        input: String,
    },
}

/// Parses `3s@10s`: for three seconds, beginning ten seconds after the start.
///
/// # Errors
///
/// See [`FaultError`].
pub fn parse_stall(input: &str) -> Result<Stall, FaultError> {
    let not_a_stall = || FaultError::NotAStall { input: input.to_owned() };
    let (length, begin) = input.split_once('@').ok_or_else(not_a_stall)?;
    let begin_ns = parse_duration_ns(begin)?;
    let length_ns = parse_duration_ns(length)?;
    let end_ns = begin_ns.checked_add(length_ns).ok_or_else(not_a_stall)?;
    Ok(Stall { begin_ns, end_ns })
}

/// Parses a share of requests: `0.1%`, `0.001`, `100%`.
///
/// # Errors
///
/// See [`FaultError`].
pub fn parse_error_rate(input: &str) -> Result<ErrorRate, FaultError> {
    let not_a_share = || FaultError::NotAShare { input: input.to_owned() };
    let (number, scale) = match input.strip_suffix('%') {
        Some(number) => (number, 100.0),
        None => (input, 1.0),
    };
    if !number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return Err(not_a_share());
    }
    let share = number.parse::<f64>().map_err(|_| not_a_share())? / scale;
    if share <= 1.0 { Ok(ErrorRate(share)) } else { Err(not_a_share()) }
}

/// Draws failures at a rate: the same seed draws the same sequence.
#[derive(Debug)]
pub(crate) struct ErrorDice {
    state: u64,
    /// A draw below this is a failure; above `u64::MAX` each is.
    threshold: u128,
}

impl ErrorDice {
    pub(crate) fn new(rate: ErrorRate, seed: u64) -> ErrorDice {
        // Spread the seed over all bits and keep it off zero, where xorshift stays.
        let state = (seed.wrapping_add(1)).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        ErrorDice { state, threshold: threshold(rate) }
    }

    #[inline]
    pub(crate) fn draw(&mut self) -> bool {
        if self.threshold == 0 {
            return false;
        }
        // xorshift64*, Vigna 2016, "An experimental exploration of Marsaglia's xorshift generators,
        // scrambled".
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        u128::from(self.state.wrapping_mul(0x2545_F491_4F6C_DD1D)) < self.threshold
    }
}

/// The share as a number of the 2⁶⁴ equally likely draws.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a share is at most 1, its product fits in 65 bits"
)]
fn threshold(rate: ErrorRate) -> u128 {
    (rate.0 * 2_f64.powi(64)) as u128
}

/// When an answer goes out: after the delay, and never in a stall.
#[derive(Debug)]
pub(crate) struct Timing {
    delay_ns: u64,
    /// In order of their begin, and disjoint.
    stalls: Vec<Stall>,
}

impl Timing {
    /// `stalls` are given relative to `start_ns`.
    pub(crate) fn new(delay_ns: u64, stalls: &[Stall], start_ns: u64) -> Timing {
        let mut absolute: Vec<Stall> = stalls
            .iter()
            .map(|stall| Stall {
                begin_ns: start_ns.saturating_add(stall.begin_ns),
                end_ns: start_ns.saturating_add(stall.end_ns),
            })
            .collect();
        absolute.sort_by_key(|stall| stall.begin_ns);
        let mut merged: Vec<Stall> = Vec::new();
        for stall in absolute {
            match merged.last_mut() {
                Some(last) if stall.begin_ns <= last.end_ns => {
                    last.end_ns = last.end_ns.max(stall.end_ns);
                }
                _ => merged.push(stall),
            }
        }
        Timing { delay_ns, stalls: merged }
    }

    /// Whether every answer goes out at once.
    #[inline]
    pub(crate) fn is_immediate(&self) -> bool {
        self.delay_ns == 0 && self.stalls.is_empty()
    }

    /// When the answer to a request of `now_ns` is due. Never falls when `now_ns` rises, so answers
    /// stay in order in a plain queue.
    pub(crate) fn due_ns(&self, now_ns: u64) -> u64 {
        let due_ns = now_ns.saturating_add(self.delay_ns);
        let stalled =
            self.stalls.iter().find(|stall| stall.begin_ns <= due_ns && due_ns < stall.end_ns);
        stalled.map_or(due_ns, |stall| stall.end_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stalls_are_read() {
        let second = 1_000_000_000;
        let stall = Stall { begin_ns: 10 * second, end_ns: 13 * second };
        assert_eq!(parse_stall("3s@10s"), Ok(stall));
        assert_eq!(parse_stall("3@10"), Ok(stall));
        for bad in ["", "3s", "3s@", "@10s", "3s@10s@1s", "x@10s", "3s@-1s"] {
            assert!(parse_stall(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn shares_are_read() {
        assert_eq!(parse_error_rate("0.1%"), Ok(ErrorRate(0.001)));
        assert_eq!(parse_error_rate("0.5"), Ok(ErrorRate(0.5)));
        assert_eq!(parse_error_rate("0"), Ok(ErrorRate::NONE));
        assert_eq!(parse_error_rate("100%"), Ok(ErrorRate(1.0)));
        for bad in ["", "%", "-1%", "101%", "1.01", "nan", "inf", "1e-3", "a", "1%%", " 1%"] {
            assert!(parse_error_rate(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn failures_come_at_their_rate_and_in_the_same_order_each_time() {
        let draws = |rate, seed| {
            let mut dice = ErrorDice::new(rate, seed);
            (0..100_000).map(|_| dice.draw()).collect::<Vec<bool>>()
        };
        let failures = |draws: &[bool]| draws.iter().filter(|&&failed| failed).count();
        assert_eq!(failures(&draws(ErrorRate::NONE, 1)), 0);
        assert_eq!(failures(&draws(ErrorRate(1.0), 1)), 100_000);
        let tenth = draws(ErrorRate(0.1), 1);
        assert!((9_700..10_300).contains(&failures(&tenth)), "{}", failures(&tenth));
        assert_eq!(tenth, draws(ErrorRate(0.1), 1));
        assert_ne!(tenth, draws(ErrorRate(0.1), 2));
    }

    #[test]
    fn answers_wait_for_the_delay_and_the_end_of_a_stall() {
        let stalls = [
            Stall { begin_ns: 100, end_ns: 200 },
            Stall { begin_ns: 400, end_ns: 500 },
            Stall { begin_ns: 150, end_ns: 300 },
        ];
        let timing = Timing::new(10, &stalls, 1000);
        let rows = [
            ("before any stall", 1000, 1010),
            ("the delay leads into the stall", 1090, 1300),
            ("in a stall", 1150, 1300),
            ("in the stall that overlaps it", 1250, 1300),
            ("the delay leads out of the stall", 1295, 1305),
            ("after it", 1300, 1310),
            ("in the last one", 1450, 1500),
            ("after everything", 9000, 9010),
        ];
        for (name, now_ns, expected) in rows {
            assert_eq!(timing.due_ns(now_ns), expected, "{name}");
        }
        let due: Vec<u64> = (1000..2000).map(|now_ns| timing.due_ns(now_ns)).collect();
        assert!(due.is_sorted());
    }

    #[test]
    fn nothing_to_wait_for_is_immediate() {
        assert!(Timing::new(0, &[], 5).is_immediate());
        assert!(!Timing::new(1, &[], 5).is_immediate());
    }
}
