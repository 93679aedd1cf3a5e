//! The share of a lost part: slots that nobody will account for any more.
//!
//! ```text
//!  frames of the part          may have been sent          nobody has them        another part
//! ├──────────────────────────┼───────────────────────────┼──────────────────────┼─────────────►
//!                      its last frame               it was lost           taken over, or the end
//! ```
//!
//! What its frames say stays as it is. A slot that came due before the part was lost, and that no
//! frame gave an end to, may have reached the target: it is sent and lost with the agent. A slot due
//! from then on was not sent.

use acp_plan::{Plan, Schedule};
use acp_wire::agent::Share;
use acp_wire::{Books, Frame, NotSent};
use std::collections::BTreeMap;

/// What is added to the books of a run when a part is lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LostShare {
    /// Slots planned that its frames do not have.
    pub planned: u64,
    /// Slots that may have been sent since; they are lost with the agent.
    pub sent: u64,
    /// These, and requests of its frames that were not answered.
    pub lost_with_agent: u64,
    /// Slots that nobody sent.
    pub not_sent_agent_lost: u64,
}

impl LostShare {
    /// As counts of a second.
    #[must_use]
    pub fn to_counts(self) -> Frame {
        let not_sent = match self.not_sent_agent_lost {
            0 => BTreeMap::new(),
            count => BTreeMap::from([(NotSent::AgentLost, count)]),
        };
        Frame {
            planned: self.planned,
            sent: self.sent,
            lost_with_agent: self.lost_with_agent,
            not_sent,
            ..Frame::default()
        }
    }
}

/// The share of a part that was lost at `lost_at_us`, and whose slots others have from
/// `covered_from_us` on (none: nobody has them).
///
/// `plan` is the plan with all changes of the run; `books` are the sums of the part's frames. The
/// books of the part with its share added balance, whatever its last frame said: frames count slots
/// as planned when they are due, and those that still waited then are among the lost. A closed loop
/// has no schedule, so only requests without an answer are lost.
#[must_use]
pub fn lost_share(
    plan: &Plan,
    share: &Share,
    books: &Books,
    lost_at_us: i64,
    covered_from_us: Option<i64>,
) -> LostShare {
    let (due_lost, due_covered) = match &plan.schedule {
        Schedule::Closed { .. } => (0, 0),
        Schedule::Open { pace, total, .. } => {
            let of_class = |slots: u64| share.count_of(slots.min(*total));
            let before = |at_us: i64| of_class(pace.slots_before(nanos(at_us)));
            let skipped = of_class(pace.slots_before(share.from_us.saturating_mul(1000)));
            let lost = before(lost_at_us).saturating_sub(skipped);
            let covered = covered_from_us.map_or_else(|| of_class(*total), before);
            (lost, covered.saturating_sub(skipped))
        }
    };
    let settled = books.sent + books.not_sent_total();
    let ended = books.completed + books.errors_without_response() + books.in_flight_at_stop;
    let in_flight = books.sent.saturating_sub(ended);
    let sent_until = due_lost.max(books.planned).max(settled);
    let planned_until = due_covered.max(sent_until);
    let sent = sent_until - settled;
    LostShare {
        planned: planned_until - books.planned,
        sent,
        lost_with_agent: sent + in_flight,
        not_sent_agent_lost: planned_until - sent_until,
    }
}

fn nanos(at_us: i64) -> u64 {
    u64::try_from(at_us).unwrap_or(0).saturating_mul(1000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use acp_wire::plan::{Arrival, Model};
    use proptest::prelude::*;

    fn plan(rate: Option<&str>, duration: &str, requests: Option<u64>) -> Plan {
        let schema = acp_wire::PLAN_SCHEMA.into();
        let mut document = acp_wire::Plan { schema, ..acp_wire::Plan::default() };
        document.target.url = "http://127.0.0.1/".into();
        document.load.duration = Some(duration.into());
        document.load.requests = requests;
        if rate.is_some() {
            document.load.model = Model::Open;
            document.load.rate = rate.map(Into::into);
        }
        acp_plan::compile(&document).unwrap()
    }

    fn share(offset: u64, stride: u64, from_us: u64) -> Share {
        Share { offset, stride, from_us, ..Share::whole(1) }
    }

    fn books(planned: u64, sent: u64, completed: u64) -> Books {
        Books { planned, sent, completed, ..Books::default() }
    }

    #[test]
    fn slots_go_where_the_table_says() {
        let second = |n: i64| n * 1_000_000;
        let hundred = plan(Some("100"), "10s", None);
        let counted = plan(Some("100"), "10s", Some(450));
        let closed = plan(None, "10s", None);
        let lost = |planned, sent, lost_with_agent, not_sent_agent_lost| LostShare {
            planned,
            sent,
            lost_with_agent,
            not_sent_agent_lost,
        };
        for (what, plan, share, books, lost_at_us, covered, expect) in [
            (
                "never heard of",
                &hundred,
                share(0, 1, 0),
                books(0, 0, 0),
                0,
                None,
                lost(1000, 0, 0, 1000),
            ),
            (
                "half a class",
                &hundred,
                share(1, 2, 0),
                books(100, 100, 98),
                second(4),
                Some(second(6)),
                lost(200, 100, 102, 100),
            ),
            (
                "nobody takes over",
                &hundred,
                share(1, 2, 0),
                books(100, 100, 98),
                second(4),
                None,
                lost(400, 100, 102, 300),
            ),
            (
                "slots that waited at the last frame",
                &hundred,
                share(0, 1, 0),
                books(200, 150, 150),
                second(3),
                Some(second(3)),
                lost(100, 150, 150, 0),
            ),
            (
                "frames are ahead of our clock",
                &hundred,
                share(0, 1, 0),
                books(300, 300, 290),
                second(2),
                Some(second(4)),
                lost(100, 0, 10, 100),
            ),
            (
                "sent a slot before it was planned",
                &hundred,
                share(0, 1, 0),
                books(300, 301, 300),
                second(3),
                Some(second(4)),
                lost(100, 0, 1, 99),
            ),
            (
                "took over in the middle",
                &hundred,
                share(0, 1, 5_000_000),
                books(100, 100, 100),
                second(7),
                None,
                lost(400, 100, 100, 300),
            ),
            (
                "a count ends it",
                &counted,
                share(0, 1, 0),
                books(400, 400, 400),
                second(4),
                None,
                lost(50, 0, 0, 50),
            ),
            (
                "lost in the warm-up",
                &hundred,
                share(0, 1, 0),
                books(0, 0, 0),
                second(-1),
                Some(second(1)),
                lost(100, 0, 0, 100),
            ),
            (
                "a closed loop",
                &closed,
                share(0, 1, 0),
                books(70, 70, 64),
                second(4),
                None,
                lost(0, 0, 6, 0),
            ),
        ] {
            let found = lost_share(plan, &share, &books, lost_at_us, covered);
            assert_eq!(found, expect, "{what}");
        }
    }

    proptest! {
        /// Two parts have the classes of a schedule, one is lost and taken over: every slot is in
        /// the books once, and they balance.
        #[test]
        fn books_balance_whenever_a_part_is_lost(
            rate in 1_u64..5_000,
            arrival in prop::sample::select(vec![Arrival::Uniform, Arrival::Poisson]),
            offset in 0_u64..2,
            frame_end_us in 0_i64..10_000_000,
            silent_us in 0_i64..3_000_000,
            gap_us in 0_i64..3_000_000,
            is_covered in any::<bool>(),
            unanswered in 0_u64..50,
            waiting in 0_u64..50,
        ) {
            let mut document = plan(Some(&rate.to_string()), "10s", None).document;
            document.load.arrival = arrival;
            let plan = acp_plan::compile(&document).unwrap();
            let Schedule::Open { pace, total, .. } = &plan.schedule else { unreachable!() };
            let part = share(offset, 2, 0);
            let due = |at_us: i64| part.count_of(pace.slots_before(nanos(at_us)));
            let planned = due(frame_end_us);
            let sent = planned - waiting.min(planned);
            let books = books(planned, sent, sent - unanswered.min(sent));
            let lost_at_us = frame_end_us + silent_us;
            let covered_us = is_covered.then_some(lost_at_us + gap_us);
            let lost = lost_share(&plan, &part, &books, lost_at_us, covered_us);
            let after = Books {
                planned: books.planned + lost.planned,
                sent: books.sent + lost.sent,
                not_sent: BTreeMap::from([(NotSent::AgentLost, lost.not_sent_agent_lost)]),
                lost_with_agent: lost.lost_with_agent,
                ..books
            }.close();
            prop_assert!(after.balanced, "{after:?}");
            let successor = covered_us.map_or(0, |from_us| {
                part.count_of(*total) - due(from_us)
            });
            prop_assert_eq!(after.planned + successor, part.count_of(*total));
        }
    }
}
