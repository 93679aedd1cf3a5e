//! What acp does with a tree of nodes: the two sides of a coordinator, for ZooKeeper and the model.

mod agent;
mod assign;
mod control;
mod election;
mod layout;
mod members;

pub(crate) use agent::KeeperAgent;
pub(crate) use control::{KeeperControl, prepare};
pub(crate) use layout::{Layout, SHARDS, check_name, shard_of};

use acp_wire::agent::AgentInfo;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How often what was watched is read again, watches being hints.
pub(crate) const RELIST_EVERY: Duration = Duration::from_secs(30);

/// Wait after an answer that should not have come.
pub(crate) const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Nodes in one list of writes or reads.
pub(crate) const CHUNK_NODES: usize = 100;

/// Lists of writes or reads on their way at once.
pub(crate) const CHUNKS_IN_FLIGHT: usize = 16;

/// Data of an agent's node.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// Drawn by each process for itself: tells its own former session from somebody else's.
    #[serde(default)]
    pub(crate) instance: String,
    #[serde(flatten)]
    pub(crate) info: AgentInfo,
}

/// Data of the node `epoch`.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct EpochEntry {
    pub(crate) epoch: u64,
    /// The candidate that leads.
    #[serde(default)]
    pub(crate) by: String,
}

/// Data of the node `control`.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct ControlEntry {
    pub(crate) epoch: u64,
    pub(crate) address: String,
}

/// A document of ours as JSON.
pub(crate) fn json<T: Serialize>(document: &T) -> Vec<u8> {
    // Strings, numbers and maps with string keys: there is nothing in them that JSON cannot say.
    serde_json::to_vec(document).unwrap_or_default()
}

/// A number that no other process draws.
pub(crate) fn draw_instance() -> String {
    format!("{:016x}", rand::random::<u64>())
}
