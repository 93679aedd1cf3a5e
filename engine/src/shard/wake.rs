//! When a shard wants its next turn: a due slot, a deadline, or the end of what it does.

use super::{GRACE_NS, Phase, Shard, Wake};

impl Shard {
    /// When the next turn is wanted, if nothing happens before.
    pub(super) fn wake(&self, now: u64) -> Wake {
        let deadline = Wake { at_ns: self.check_ns, due: false };
        let next = match self.phase {
            Phase::Preparing => return deadline,
            Phase::Draining => Wake { at_ns: self.patience_end_ns(), due: false },
            Phase::Warmup | Phase::Measuring => self.next_send(now),
        };
        if deadline.at_ns < next.at_ns { deadline } else { next }
    }

    fn next_send(&self, now: u64) -> Wake {
        let end_ns = match self.phase {
            Phase::Warmup => self.start_ns,
            _ => self.slots.end_ns(),
        };
        let ends = |now: u64| {
            let grace_ns = GRACE_NS.min(self.plan.plan.timeout_ns);
            let at_ns = if now < end_ns { end_ns } else { end_ns.saturating_add(grace_ns) };
            let at_ns = at_ns.min(self.slots.resume_ns()).min(self.hungry_ns);
            Wake { at_ns, due: false }
        };
        match self.slots.next_ns() {
            // Without a free connection a due slot waits for an event, not for a time.
            Some(at_ns) if at_ns > now || !self.free.is_empty() => {
                let due = Wake { at_ns, due: true };
                if due.at_ns <= ends(now).at_ns { due } else { ends(now) }
            }
            _ => ends(now),
        }
    }
}
