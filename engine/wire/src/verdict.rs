//! The verdict: may the numbers of a run be trusted, and if not, why.

use serde::{Deserialize, Serialize};

/// Send lag p99 above this makes a run `generator_limited` (or above 10 % of the gap, if larger).
pub const SEND_LAG_LIMIT_NS: u64 = 1_000_000;
/// The share of the gap between requests that send lag p99 may reach.
pub const SEND_LAG_GAP_RATIO: f64 = 0.10;
/// A shard busy for more of a second than this, in an open-loop run, is `generator_limited`.
pub const BUSY_RATIO_LIMIT: f64 = 0.95;
/// Steal above this share of CPU time is `generator_limited`.
pub const STEAL_RATIO_LIMIT: f64 = 0.05;
/// Less than this share of the plan sent is `schedule_missed`.
pub const SENT_RATIO_LIMIT: f64 = 0.99;

/// The state of a finished run, worst last where several apply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The schedule was held and nothing speaks against the numbers.
    #[default]
    Valid,
    /// The load generator, not the target, was the limit.
    GeneratorLimited,
    /// Less than 99 % of the plan was sent.
    ScheduleMissed,
    /// Frames or agents are missing.
    Partial,
    /// Stopped by a rule or by a user.
    Aborted,
}

impl State {
    /// The name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::GeneratorLimited => "generator_limited",
            Self::ScheduleMissed => "schedule_missed",
            Self::Partial => "partial",
            Self::Aborted => "aborted",
        }
    }
}

/// One reason for a verdict, with its number and the limit that it passed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reason {
    /// What was judged: `send_lag`, `busy`, `steal`, `overflow`, `blocked`, `sent`, `stopped`,
    /// `missing`, `books`.
    pub code: String,
    /// A sentence for a person.
    pub text: String,
    /// The number found.
    pub value: f64,
    /// The limit it passed.
    pub limit: f64,
}

/// State and reasons. A `valid` verdict has no reasons.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The worst state of all reasons.
    pub state: State,
    /// Every reason found.
    #[serde(default)]
    pub reasons: Vec<Reason>,
}

impl Verdict {
    /// Adds a reason; the verdict keeps the worst state.
    pub fn add(&mut self, state: State, reason: Reason) {
        self.state = self.state.max(state);
        self.reasons.push(reason);
    }
}
