//! The lease: the right to send load, counted from the moment a message was sent that the control
//! plane answered. Counted from then, not from the answer: so the control plane, which counts from
//! its answer, never believes an agent silent that may still send.

use std::time::Duration;
use tokio::time::Instant;

/// The right to send load.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Lease {
    renewed: Option<(Instant, Instant)>,
}

impl Lease {
    /// Takes an answer into account. Answers may overtake each other: the one to the message that was
    /// sent last counts, even where its lease is shorter.
    pub(crate) fn renew(&mut self, sent: Instant, lease: Duration) {
        if self.renewed.is_none_or(|(before, _)| sent >= before) {
            self.renewed = Some((sent, sent + lease));
        }
    }

    /// When it ends; none before the first answer.
    pub(crate) fn end(&self) -> Option<Instant> {
        self.renewed.map(|(_, end)| end)
    }

    /// What is left of it.
    pub(crate) fn left(&self, now: Instant) -> Duration {
        self.end().map(|end| end.saturating_duration_since(now)).unwrap_or_default()
    }

    /// Whether load may be sent.
    pub(crate) fn is_valid(&self, now: Instant) -> bool {
        !self.left(now).is_zero()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers as (sent, lease) in seconds; what is left at second 10.
    fn check(row: &str, answers: &[(u64, u64)], left_s: u64) {
        let start = Instant::now();
        let mut lease = Lease::default();
        for &(sent, lease_s) in answers {
            lease.renew(start + Duration::from_secs(sent), Duration::from_secs(lease_s));
        }
        let now = start + Duration::from_secs(10);
        assert_eq!(lease.left(now), Duration::from_secs(left_s), "{row}");
        assert_eq!(lease.is_valid(now), left_s > 0, "{row}");
    }

    #[test]
    fn it_counts_from_the_last_message_that_was_answered() {
        check("never answered", &[], 0);
        check("answered", &[(5, 15)], 10);
        check("renewed", &[(5, 15), (9, 15)], 14);
        check("an old answer comes late", &[(9, 15), (5, 15)], 14);
        check("an old answer with a long lease comes late", &[(9, 5), (5, 60)], 4);
        check("shortened", &[(5, 60), (9, 2)], 1);
        check("over at this very moment", &[(5, 5)], 0);
        check("long over", &[(1, 2)], 0);
        check("taken away", &[(5, 60), (9, 0)], 0);
    }
}
