//! The books: every planned request is accounted for.

use crate::outcome::{ErrorClass, NotSent};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where every planned request went.
///
/// `planned = sent + Σ not_sent` and
/// `sent = completed + Σ errors without a response + in_flight_at_stop + lost_with_agent`.
/// `unexpected` is among the errors but is a response, so it counts as completed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Books {
    /// Slots of the schedule.
    pub planned: u64,
    /// Slots handed to a connection. A request whose connection could not be opened was sent too:
    /// it ends in a `connect_*` class.
    pub sent: u64,
    /// Slots never handed to a connection, by reason; reasons with none are left out.
    #[serde(default)]
    pub not_sent: BTreeMap<NotSent, u64>,
    /// Complete responses, expected or not.
    pub completed: u64,
    /// Requests that did not end as expected, by class; classes with none are left out.
    #[serde(default)]
    pub errors: BTreeMap<ErrorClass, u64>,
    /// Requests without an outcome when the run was cut off.
    pub in_flight_at_stop: u64,
    /// Requests whose outcome is not known because their agent was lost.
    #[serde(default)]
    pub lost_with_agent: u64,
    /// Whether both sums above hold.
    pub balanced: bool,
}

impl Books {
    /// Sets `balanced` from the numbers and returns the books.
    #[must_use]
    pub fn close(mut self) -> Self {
        let not_sent: u64 = self.not_sent.values().sum();
        let ended = self.completed
            + self.errors_without_response()
            + self.in_flight_at_stop
            + self.lost_with_agent;
        self.balanced = self.planned == self.sent + not_sent && self.sent == ended;
        self
    }

    /// Requests that ended without a complete response.
    #[must_use]
    pub fn errors_without_response(&self) -> u64 {
        self.errors.iter().filter(|(class, _)| class.is_without_response()).map(|(_, n)| n).sum()
    }

    /// All requests that did not end as expected.
    #[must_use]
    pub fn errors_total(&self) -> u64 {
        self.errors.values().sum()
    }

    /// All slots never handed to a connection.
    #[must_use]
    pub fn not_sent_total(&self) -> u64 {
        self.not_sent.values().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn books_balance_only_when_both_sums_hold() {
        let good = Books {
            planned: 10,
            sent: 8,
            not_sent: BTreeMap::from([(NotSent::Backlog, 2)]),
            completed: 5,
            errors: BTreeMap::from([(ErrorClass::Reset, 1), (ErrorClass::Unexpected, 3)]),
            in_flight_at_stop: 1,
            lost_with_agent: 1,
            balanced: false,
        };
        assert!(good.clone().close().balanced, "an unexpected response is a completed one");
        for (what, bad) in [
            ("a slot is missing", Books { planned: 11, ..good.clone() }),
            ("a sent request has no outcome", Books { completed: 4, ..good.clone() }),
            ("an outcome without a request", Books { in_flight_at_stop: 2, ..good.clone() }),
            ("a lost request counted twice", Books { lost_with_agent: 2, ..good }),
        ] {
            assert!(!bad.close().balanced, "{what}");
        }
    }
}
