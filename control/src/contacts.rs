//! What agents said lately, and when they were answered: the memory behind leases.
//!
//! Whoever answers an agent's message says so here first, and puts what it is told into the answer:
//! so from the moment a part is to end, no answer renews its agent's lease without saying that too. An
//! agent ends such a part before it takes the new lease, and never starts it afterwards.

use crate::store::AgentRecord;
use acp_wire::agent::Status;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What agents said lately. Only the control that leads answers agents with a lease, and only once it
/// knows which parts are to end; until then, and on every other control, there are no answers.
#[derive(Debug)]
pub struct Contacts {
    lease_us: u64,
    inner: Mutex<Snapshot>,
}

/// What is known of one agent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AgentContact {
    /// When it was answered last. Its lease ends no later than this and the length of a lease.
    pub heard_unix_us: u64,
    /// What it said last about itself and its parts.
    pub status: Option<Arc<Status>>,
    /// Its parts that are to end, and when its agent had been answered last without being told so.
    pub ending: BTreeMap<String, u64>,
    /// Revision of what is written for it.
    pub revision: u64,
}

/// Every agent that was heard of.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// By name.
    pub agents: BTreeMap<String, AgentContact>,
    /// Agents that were heard of since they were written to the store.
    fresh: BTreeSet<String>,
    /// Agents are answered.
    is_open: bool,
}

/// What the answer to an agent says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// For [`acp_wire::agent::Contact::lease_us`].
    pub lease_us: u64,
    /// For [`acp_wire::agent::Contact::revision`].
    pub revision: u64,
    /// For [`acp_wire::agent::Contact::stop`].
    pub stop: Vec<String>,
}

impl Contacts {
    /// Nobody has been heard of yet.
    #[must_use]
    pub fn new(lease_us: u64) -> Self {
        Self { lease_us, inner: Mutex::default() }
    }

    /// From now on agents are answered.
    pub fn open(&self) {
        self.lock().is_open = true;
    }

    /// Somebody else leads: from now on no agent is answered, and all that was known is forgotten.
    pub fn close(&self) {
        *self.lock() = Snapshot::default();
    }

    /// An agent is being answered now, and may send load for a lease from when it asked. None: this
    /// control does not answer agents now; the agent may ask again, or another.
    #[must_use]
    pub fn heard(&self, agent: &str, now_unix_us: u64) -> Option<Heard> {
        let mut inner = self.lock();
        if !inner.is_open {
            return None;
        }
        let contact = inner.agents.entry(agent.to_owned()).or_default();
        contact.heard_unix_us = contact.heard_unix_us.max(now_unix_us);
        let heard = Heard {
            lease_us: self.lease_us,
            revision: contact.revision,
            stop: contact.ending.keys().cloned().collect(),
        };
        inner.fresh.insert(agent.to_owned());
        Some(heard)
    }

    /// An agent said how it is, and is being answered now, as in [`Self::heard`].
    #[must_use]
    pub fn status(&self, status: &Status, now_unix_us: u64) -> Option<Heard> {
        let heard = self.heard(&status.info.agent, now_unix_us)?;
        if let Some(contact) = self.lock().agents.get_mut(&status.info.agent) {
            contact.status = Some(Arc::new(status.clone()));
        }
        Some(heard)
    }

    /// From now on the agent is told to end these parts whenever it is answered.
    pub fn end(&self, agent: &str, parts: &[String]) {
        let mut inner = self.lock();
        let contact = inner.agents.entry(agent.to_owned()).or_default();
        for part in parts {
            let heard_unix_us = contact.heard_unix_us;
            contact.ending.entry(part.clone()).or_insert(heard_unix_us);
        }
    }

    /// What was written for the agent.
    pub fn assigned(&self, agent: &str, revision: u64) {
        let mut inner = self.lock();
        inner.agents.entry(agent.to_owned()).or_default().revision = revision;
    }

    /// Forgets parts that are to end, but for those of runs that `is_active`.
    pub fn forget_parts(&self, is_active: impl Fn(&str) -> bool) {
        for contact in self.lock().agents.values_mut() {
            contact.ending.retain(|part, _| is_active(run_of(part)));
        }
    }

    /// Forgets an agent.
    pub fn forget(&self, agent: &str) {
        self.lock().agents.remove(agent);
    }

    /// What is known now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.lock().clone()
    }

    /// Records of agents that were heard of since the last call and said who they are. Whether they
    /// are in service and when they were seen first is for the store to keep.
    #[must_use]
    pub fn take_fresh(&self) -> Vec<AgentRecord> {
        let mut inner = self.lock();
        let fresh = std::mem::take(&mut inner.fresh);
        let record = |agent: &String| {
            let contact = inner.agents.get(agent)?;
            Some(AgentRecord {
                info: contact.status.as_ref()?.info.clone(),
                is_enabled: true,
                first_seen_unix_us: contact.heard_unix_us,
                last_seen_unix_us: contact.heard_unix_us,
            })
        };
        fresh.iter().filter_map(record).collect()
    }

    /// A panic elsewhere leaves nothing half done here: every change is one assignment.
    fn lock(&self) -> MutexGuard<'_, Snapshot> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The run of a part.
fn run_of(part: &str) -> &str {
    part.rsplit_once('.').map_or(part, |(run, _)| run)
}

#[cfg(test)]
mod tests {
    use super::*;
    use acp_wire::agent::AgentInfo;

    fn status(agent: &str) -> Status {
        let info = AgentInfo { agent: agent.into(), cores: 4, ..AgentInfo::default() };
        Status { info, ..Status::default() }
    }

    #[test]
    fn every_answer_says_what_is_to_end() {
        let contacts = Contacts::new(15);
        assert_eq!(contacts.heard("a", 90), None, "it does not know yet what is to end");
        assert_eq!(contacts.status(&status("a"), 90), None);
        contacts.open();
        assert_eq!(contacts.heard("a", 100), Some(Heard { lease_us: 15, ..Heard::default() }));
        contacts.end("a", &["r.0".into()]);
        contacts.assigned("a", 7);
        let heard = contacts.status(&status("a"), 200);
        assert_eq!(heard, Some(Heard { lease_us: 15, revision: 7, stop: vec!["r.0".into()] }));
        contacts.end("a", &["r.0".into(), "s.0".into()]);
        let ending = &contacts.snapshot().agents["a"].ending;
        let expect = BTreeMap::from([("r.0".into(), 100), ("s.0".into(), 200)]);
        assert_eq!(*ending, expect, "the last answer before it was told");
        contacts.forget_parts(|run| run == "s");
        assert_eq!(contacts.heard("a", 300).unwrap().stop, ["s.0"], "other runs are over");
        contacts.close();
        assert_eq!(contacts.heard("a", 400), None, "another leads");
        assert_eq!(contacts.snapshot(), Snapshot::default());
    }

    #[test]
    fn time_does_not_go_back() {
        let contacts = Contacts::new(15);
        contacts.open();
        for (now, expect) in [(100, 100), (90, 100), (110, 110)] {
            assert_eq!(contacts.heard("a", now).unwrap().lease_us, 15);
            assert_eq!(contacts.snapshot().agents["a"].heard_unix_us, expect, "at {now}");
        }
        contacts.forget("a");
        assert!(contacts.snapshot().agents.is_empty());
    }

    #[test]
    fn records_are_given_out_once() {
        let contacts = Contacts::new(15);
        contacts.open();
        drop((contacts.status(&status("a"), 100), contacts.heard("silent", 100)));
        let expect = AgentRecord {
            info: status("a").info,
            is_enabled: true,
            first_seen_unix_us: 100,
            last_seen_unix_us: 100,
        };
        assert_eq!(contacts.take_fresh(), [expect], "nobody knows who the silent one is");
        assert!(contacts.take_fresh().is_empty(), "nothing is new");
        drop(contacts.heard("a", 300));
        let seen: Vec<_> = contacts.take_fresh().iter().map(|a| a.last_seen_unix_us).collect();
        assert_eq!(seen, [300]);
    }
}
