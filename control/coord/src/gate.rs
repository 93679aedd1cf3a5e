//! The gate that assignments pass on their way to an agent: only newer ones go through.

use acp_wire::agent::Assignment;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

/// Where an agent looks for its assignment.
pub(crate) type Shown = watch::Sender<Option<Arc<Assignment>>>;

/// The newest assignment that an agent has been shown, over all of its sessions.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    epoch: u64,
    revision: u64,
    /// Epoch of what was discarded last: it is said once of each.
    discarded: Option<u64>,
}

impl Gate {
    /// Shows the assignment unless it is older than one shown before, or the one shown now.
    pub(crate) fn offer(&self, shown: &Shown, assignment: Assignment) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if assignment.epoch < seen.epoch || assignment.revision < seen.revision {
            if seen.discarded.replace(assignment.epoch) != Some(assignment.epoch) {
                tracing::warn!(
                    epoch = assignment.epoch,
                    revision = assignment.revision,
                    seen_epoch = seen.epoch,
                    seen_revision = seen.revision,
                    "an assignment is older than one seen before: it is discarded"
                );
            }
            return;
        }
        (seen.epoch, seen.revision) = (assignment.epoch, assignment.revision);
        shown.send_if_modified(|current| {
            let is_new = current.as_ref().is_none_or(|now| now.revision < assignment.revision);
            if is_new {
                *current = Some(Arc::new(assignment));
            }
            is_new
        });
    }

    /// The same for an assignment as it is stored. What cannot be read is logged and not shown.
    pub(crate) fn offer_json(&self, shown: &Shown, path: &str, data: &[u8]) {
        match serde_json::from_slice(data) {
            Ok(assignment) => self.offer(shown, assignment),
            Err(error) => tracing::warn!(path, %error, "failed to read an assignment"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn assignment(epoch: u64, revision: u64) -> Assignment {
        Assignment { epoch, revision, ..Assignment::default() }
    }

    /// Offers each, and says which revision is shown in the end and how often that changed.
    fn check(offers: &[(u64, u64)], expect: &[u64]) {
        let gate = Gate::default();
        let (shown, mut receiver) = watch::channel(None);
        let mut changes = Vec::new();
        for (epoch, revision) in offers {
            gate.offer(&shown, assignment(*epoch, *revision));
            if receiver.has_changed().unwrap() {
                changes.push(receiver.borrow_and_update().as_ref().unwrap().revision);
            }
        }
        assert_eq!(changes, expect, "{offers:?}");
    }

    #[test]
    fn only_newer_assignments_pass() {
        check(&[], &[]);
        check(&[(1, 1), (1, 2)], &[1, 2]);
        check(&[(1, 1), (1, 1)], &[1]);
        check(&[(1, 2), (1, 1)], &[2]);
        check(&[(2, 2), (1, 3)], &[2]);
        check(&[(1, 2), (2, 1)], &[2]);
        check(&[(1, 5), (2, 6), (1, 7), (2, 7)], &[5, 6, 7]);
    }

    #[test]
    fn a_new_session_is_shown_the_same_again_but_nothing_older() {
        let gate = Gate::default();
        gate.offer(&watch::channel(None).0, assignment(3, 7));
        let (shown, receiver) = watch::channel(None);
        gate.offer(&shown, assignment(3, 6));
        assert!(receiver.borrow().is_none(), "an older revision");
        gate.offer(&shown, assignment(2, 8));
        assert!(receiver.borrow().is_none(), "an older epoch");
        gate.offer(&shown, assignment(3, 7));
        assert_eq!(receiver.borrow().as_ref().unwrap().revision, 7);
    }

    #[test]
    fn a_broken_document_is_not_shown() {
        let (shown, receiver) = watch::channel(None);
        for data in ["", "{", "{}", "[]", "{\"revision\":\"1\"}", "\u{0}"] {
            Gate::default().offer_json(&shown, "/assign", data.as_bytes());
            assert!(receiver.borrow().is_none(), "{data:?}");
        }
    }

    proptest! {
        #[test]
        fn shown_revisions_and_epochs_only_grow(offers in prop::collection::vec((0_u64..5, 0_u64..9), 0..40)) {
            let gate = Gate::default();
            let (shown, receiver) = watch::channel(None);
            let mut last = (0, 0);
            for (epoch, revision) in offers {
                gate.offer(&shown, assignment(epoch, revision));
                let now = receiver.borrow().as_ref().map_or((0, 0), |a: &Arc<Assignment>| (a.epoch, a.revision));
                prop_assert!(now.0 >= last.0 && now.1 >= last.1, "{last:?} then {now:?}");
                last = now;
            }
        }
    }
}
