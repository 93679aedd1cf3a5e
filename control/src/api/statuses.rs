//! What agents have said last, in memory: for people who look at agents. The scheduler has its own.

use acp_wire::agent::Status;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Agents remembered; what others say is not shown.
const AGENTS_MAX: usize = 50_000;

/// What an agent has said last.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    pub(crate) status: Arc<Status>,
    pub(crate) at_unix_us: u64,
}

/// By agent.
#[derive(Default)]
pub(crate) struct Statuses {
    said: Mutex<BTreeMap<String, Said>>,
}

impl Statuses {
    pub(crate) fn put(&self, status: Status, at_unix_us: u64) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.len() < AGENTS_MAX || said.contains_key(&status.info.agent) {
            let agent = status.info.agent.clone();
            said.insert(agent, Said { status: Arc::new(status), at_unix_us });
        }
    }

    pub(crate) fn forget(&self, agent: &str) {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).remove(agent);
    }

    pub(crate) fn all(&self) -> BTreeMap<String, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
