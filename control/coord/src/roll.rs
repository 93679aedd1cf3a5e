//! The roll: who is registered, gathered folder by folder and published as one state.
//!
//! Thousands of agents register at once and each state is a full one, so states are published at
//! most every [`PUBLISH_EVERY`]; the first change after a quiet time at once.

use crate::Membership;
use crate::recipe::SHARDS;
use acp_wire::agent::AgentInfo;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::{Notify, watch};

/// Shortest time between two states. A state of 10,000 agents takes about 10 ms to copy.
const PUBLISH_EVERY: Duration = Duration::from_millis(100);

/// One time of being connected, or of not being.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Round {
    /// Grows with every change.
    pub(crate) number: u64,
    pub(crate) is_connected: bool,
}

/// Who is registered.
#[derive(Debug)]
pub(crate) struct Roll {
    entries: Mutex<Entries>,
    changed: Notify,
    round: watch::Sender<Round>,
    published: watch::Sender<Arc<Membership>>,
}

#[derive(Debug)]
struct Entries {
    folders: Vec<BTreeMap<String, AgentInfo>>,
    /// Folders that have not been listed in this round: what is known of them may be old.
    unlisted: BTreeSet<usize>,
    round: Round,
}

impl Roll {
    /// An empty roll that is not current, and a task that publishes it as long as it lives.
    pub(crate) fn start() -> Arc<Self> {
        let roll = Arc::new(Self {
            entries: Mutex::new(Entries {
                folders: vec![BTreeMap::new(); SHARDS],
                unlisted: (0..SHARDS).collect(),
                round: Round::default(),
            }),
            changed: Notify::new(),
            round: watch::Sender::default(),
            published: watch::Sender::default(),
        });
        tokio::spawn(publish(Arc::downgrade(&roll)));
        roll
    }

    pub(crate) fn membership(&self) -> watch::Receiver<Arc<Membership>> {
        self.published.subscribe()
    }

    pub(crate) fn round(&self) -> watch::Receiver<Round> {
        self.round.subscribe()
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Number of the round.
    pub(crate) fn number(&self) -> u64 {
        self.round.borrow().number
    }

    /// What is known is all there is, where nobody has to be asked.
    pub(crate) fn declare_current(&self) {
        let mut entries = self.entries();
        entries.unlisted.clear();
        entries.round = Round { number: entries.round.number + 1, is_connected: true };
        self.round.send_replace(entries.round);
        drop(entries);
        self.publish();
    }

    /// Begins a round: every folder is to be listed again before the roll is current.
    pub(crate) fn connection(&self, is_connected: bool) {
        let mut entries = self.entries();
        entries.unlisted = (0..SHARDS).collect();
        entries.round = Round { number: entries.round.number + 1, is_connected };
        let round = entries.round;
        drop(entries);
        self.round.send_replace(round);
        // Whoever decides by it must not wait for the next state.
        self.publish();
    }

    /// Everybody in a folder, as listed in this round.
    pub(crate) fn replace(&self, round: u64, folder: usize, agents: BTreeMap<String, AgentInfo>) {
        self.entries().folders[folder] = agents;
        self.listed(round, folder);
    }

    /// What has changed in a folder, as listed in this round.
    pub(crate) fn update(
        &self,
        round: u64,
        folder: usize,
        gone: &BTreeSet<String>,
        new: BTreeMap<String, AgentInfo>,
    ) {
        let mut entries = self.entries();
        let agents = &mut entries.folders[folder];
        agents.retain(|name, _| !gone.contains(name));
        agents.extend(new);
        drop(entries);
        self.listed(round, folder);
    }

    fn listed(&self, round: u64, folder: usize) {
        let mut entries = self.entries();
        if entries.round.number == round {
            entries.unlisted.remove(&folder);
        }
        drop(entries);
        self.changed.notify_one();
    }

    fn publish(&self) {
        let entries = self.entries();
        let state = Membership {
            agents: entries.folders.iter().flatten().map(|(k, v)| (k.clone(), v.clone())).collect(),
            is_current: entries.round.is_connected && entries.unlisted.is_empty(),
        };
        // Under the lock: two threads would publish in the wrong order.
        self.published.send_if_modified(|published| {
            let is_new = **published != state;
            if is_new {
                *published = Arc::new(state);
            }
            is_new
        });
        drop(entries);
    }
}

async fn publish(roll: Weak<Roll>) {
    loop {
        // The wait must not keep the roll alive.
        let Some(alive) = roll.upgrade() else { return };
        let changed = tokio::time::timeout(Duration::from_secs(1), alive.changed.notified()).await;
        if changed.is_ok() {
            alive.publish();
            drop(alive);
            tokio::time::sleep(PUBLISH_EVERY).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::Instant;

    fn agents(names: &[&str]) -> BTreeMap<String, AgentInfo> {
        let info = |name: &str| AgentInfo { agent: name.to_string(), ..AgentInfo::default() };
        names.iter().map(|name| (name.to_string(), info(name))).collect()
    }

    fn is_current(roll: &Roll) -> bool {
        roll.publish();
        roll.published.borrow().is_current
    }

    #[tokio::test(start_paused = true)]
    async fn a_roll_is_current_when_every_folder_was_listed_in_this_round() {
        let roll = Roll::start();
        assert!(!is_current(&roll), "nothing is known at first");
        roll.connection(true);
        (0..SHARDS - 1).for_each(|folder| roll.replace(1, folder, agents(&[])));
        assert!(!is_current(&roll), "a folder is missing");
        roll.replace(0, SHARDS - 1, agents(&[]));
        assert!(!is_current(&roll), "a folder was read before the connection broke");
        roll.replace(1, SHARDS - 1, agents(&[]));
        assert!(is_current(&roll));
        roll.connection(false);
        assert!(!is_current(&roll), "no connection");
        (0..SHARDS).for_each(|folder| roll.replace(2, folder, agents(&[])));
        assert!(!is_current(&roll), "an answer that came before the connection broke");
    }

    #[tokio::test(start_paused = true)]
    async fn agents_are_kept_while_there_is_no_connection() {
        let roll = Roll::start();
        roll.connection(true);
        roll.replace(1, 3, agents(&["a", "b"]));
        roll.connection(false);
        let state = roll.published.borrow().clone();
        assert_eq!(state.agents.keys().collect::<Vec<_>>(), ["a", "b"]);
        assert!(!state.is_current);
    }

    #[tokio::test(start_paused = true)]
    async fn many_changes_are_one_state() {
        let roll = Roll::start();
        let mut states = roll.membership();
        let start = Instant::now();
        let mut published = 0;
        for i in 0..1_000 {
            roll.update(0, i % SHARDS, &BTreeSet::new(), agents(&[&format!("agent-{i}")]));
            if i % 10 == 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            published += u32::from(states.has_changed().unwrap());
            states.mark_unchanged();
        }
        states.wait_for(|state| state.agents.len() == 1_000).await.unwrap();
        assert!(published < 10, "{published} states in {:?}", start.elapsed());
        assert!(start.elapsed() < 3 * PUBLISH_EVERY);
    }
}
