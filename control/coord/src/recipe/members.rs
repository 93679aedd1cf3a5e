//! Watching the folders of the agents: one list and one watch a folder, read again on every
//! reconnect and every [`RELIST_EVERY`].

use super::{CHUNK_NODES, Entry, Layout, RELIST_EVERY, RETRY_AFTER, SHARDS};
use crate::SessionState;
use crate::keeper::{Hint, Keeper, KeeperError, Stat, insist};
use crate::roll::Roll;
use acp_wire::agent::AgentInfo;
use futures_util::future::join_all;
use std::collections::{BTreeMap, BTreeSet};
use tokio::time::sleep;

/// Keeps the roll until the session is over.
pub(crate) async fn keep_roll(keeper: &dyn Keeper, layout: &Layout, roll: &Roll) {
    let folders = (0..SHARDS).map(|shard| {
        let folder = Folder { keeper, path: layout.agents(shard), shard, roll };
        folder.watch()
    });
    tokio::select! {
        () = follow_connection(keeper, roll) => {}
        // Folders end when the session does.
        _ = join_all(folders) => {}
    }
}

/// Begins a round of the roll whenever the connection comes or goes.
async fn follow_connection(keeper: &dyn Keeper, roll: &Roll) {
    let mut states = keeper.state();
    loop {
        let state = *states.borrow_and_update();
        roll.connection(state == SessionState::Connected);
        if state == SessionState::Expired || states.changed().await.is_err() {
            return;
        }
    }
}

/// One of the folders.
struct Folder<'a> {
    keeper: &'a dyn Keeper,
    path: String,
    shard: usize,
    roll: &'a Roll,
}

/// What the last list of a folder said.
#[derive(Default)]
struct Listed {
    names: BTreeSet<String>,
    children_version: i32,
    is_complete: bool,
}

impl Folder<'_> {
    async fn watch(self) {
        let mut rounds = self.roll.round();
        let mut listed = Listed::default();
        loop {
            let mut changed = match self.read_and_watch(&mut listed).await {
                Ok(changed) => changed,
                Err(KeeperError::Expired) => return,
                Err(error) => {
                    tracing::warn!(path = self.path, %error, "failed to list agents");
                    sleep(RETRY_AFTER).await;
                    continue;
                }
            };
            loop {
                tokio::select! {
                    () = &mut changed => break,
                    _ = rounds.changed() => {}
                    () = sleep(RELIST_EVERY) => {}
                }
                rounds.mark_unchanged();
                // The watch is still set; what it has missed is found by reading.
                if matches!(self.read(&mut listed).await, Err(KeeperError::Expired)) {
                    return;
                }
            }
        }
    }

    async fn read_and_watch(&self, listed: &mut Listed) -> Result<Hint, KeeperError> {
        loop {
            let round = self.connected_round().await?;
            let list = self.keeper.children_and_watch(&self.path).await;
            match list {
                Ok((names, stat, changed)) => {
                    self.enter(round, listed, names, stat).await?;
                    return Ok(changed);
                }
                Err(KeeperError::Disconnected) => {}
                Err(error) => return Err(error),
            }
        }
    }

    async fn read(&self, listed: &mut Listed) -> Result<(), KeeperError> {
        loop {
            let round = self.connected_round().await?;
            match self.keeper.children(&self.path).await {
                Ok((names, stat)) => return self.enter(round, listed, names, stat).await,
                Err(KeeperError::Disconnected) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Waits for a connection, and says in which round of it what is read now will have been read.
    async fn connected_round(&self) -> Result<u64, KeeperError> {
        crate::keeper::connected(self.keeper).await?;
        let mut rounds = self.roll.round();
        let round = rounds.wait_for(|round| round.is_connected).await;
        round.map(|round| round.number).map_err(|_| KeeperError::Expired)
    }

    /// Brings what a list says into the roll.
    async fn enter(
        &self,
        round: u64,
        listed: &mut Listed,
        names: Vec<String>,
        stat: Stat,
    ) -> Result<(), KeeperError> {
        let names: BTreeSet<String> = names.into_iter().collect();
        let gone: BTreeSet<String> = listed.names.difference(&names).cloned().collect();
        let new: Vec<String> = names.difference(&listed.names).cloned().collect();
        let changes = i32::try_from(gone.len() + new.len()).unwrap_or(i32::MAX);
        // More changes than are seen: somebody has left and come back in between, maybe another.
        let is_step = listed.is_complete
            && stat.children_version == listed.children_version.wrapping_add(changes);
        listed.is_complete = false;
        if is_step {
            let agents = self.agents(&new).await?;
            self.roll.update(round, self.shard, &gone, agents);
        } else {
            let everybody: Vec<String> = names.iter().cloned().collect();
            let agents = self.agents(&everybody).await?;
            self.roll.replace(round, self.shard, agents);
        }
        *listed = Listed { names, children_version: stat.children_version, is_complete: true };
        Ok(())
    }

    /// What the nodes of these agents say. One that is gone again is left out: the watch tells.
    async fn agents(&self, names: &[String]) -> Result<BTreeMap<String, AgentInfo>, KeeperError> {
        let mut agents = BTreeMap::new();
        for names in names.chunks(CHUNK_NODES) {
            let paths: Vec<String> =
                names.iter().map(|name| format!("{}/{name}", self.path)).collect();
            let nodes = insist(self.keeper, || self.keeper.get_many(&paths)).await?;
            for (name, data) in names.iter().zip(nodes) {
                let Some(data) = data else { continue };
                match serde_json::from_slice::<Entry>(&data) {
                    Ok(entry) => drop(agents.insert(name.clone(), entry.info)),
                    Err(error) => {
                        tracing::warn!(path = self.path, name, %error, "failed to read an agent");
                    }
                }
            }
        }
        Ok(agents)
    }
}
