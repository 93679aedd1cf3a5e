//! Writing what agents should be doing: lists of about a hundred writes, each with a check that the
//! leader still leads.

use super::election::Term;
use super::{CHUNK_NODES, CHUNKS_IN_FLIGHT, Layout, SHARDS, json};
use crate::CoordError;
use crate::keeper::{Keeper, KeeperError, Life, Write, WriteError, connected, insist, make_folder};
use acp_wire::agent::Assignment;
use futures_util::{StreamExt, TryStreamExt, stream};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A list of writes stays well below what ZooKeeper takes as one (1 MB).
const CHUNK_BYTES: usize = 512 * 1024;

/// Which agents have a node for their assignment: one set for each term, for want of a write that
/// makes or sets.
#[derive(Debug, Default)]
pub(crate) struct Known {
    names: Mutex<(Option<u64>, BTreeSet<String>)>,
}

/// Writes of one term.
pub(crate) struct Writer<'a> {
    pub(crate) keeper: &'a dyn Keeper,
    pub(crate) layout: &'a Layout,
    pub(crate) term: Term,
    pub(crate) known: &'a Known,
}

/// Why a writer did not write.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Stale,
    Keeper(KeeperError),
}

impl From<KeeperError> for Refusal {
    fn from(error: KeeperError) -> Self {
        Self::Keeper(error)
    }
}

impl Refusal {
    pub(crate) fn at(self, coordinator: &str, epoch: u64) -> CoordError {
        match self {
            Self::Stale => CoordError::StaleLeader { epoch },
            Self::Keeper(error) => error.at(coordinator, "the assignments"),
        }
    }
}

/// What becomes of an agent's node.
#[derive(Clone, Debug)]
enum Step {
    Put(Vec<u8>),
    Remove,
}

impl Writer<'_> {
    pub(crate) async fn assign(&self, batch: &[(String, Assignment)]) -> Result<(), Refusal> {
        // Twice in one batch: the later one counts.
        let steps: BTreeMap<&str, &Assignment> =
            batch.iter().map(|(name, assignment)| (name.as_str(), assignment)).collect();
        let puts =
            steps.into_iter().map(|(name, document)| (name.to_string(), Step::Put(json(document))));
        self.write(puts.collect()).await
    }

    pub(crate) async fn forget(&self, agents: &[String]) -> Result<(), Refusal> {
        let names: BTreeSet<&String> = agents.iter().collect();
        self.write(names.into_iter().map(|name| (name.clone(), Step::Remove)).collect()).await
    }

    async fn write(&self, steps: Vec<(String, Step)>) -> Result<(), Refusal> {
        self.learn().await?;
        stream::iter(chunks(steps))
            .map(|chunk| self.write_chunk(chunk))
            .buffer_unordered(CHUNKS_IN_FLIGHT)
            .try_collect::<()>()
            .await
    }

    /// Finds out which nodes are there, once a term.
    async fn learn(&self) -> Result<(), Refusal> {
        if self.names().0 == Some(self.term.epoch) {
            return Ok(());
        }
        let found = assigned_names(self.keeper, self.layout).await?;
        *self.names() = (Some(self.term.epoch), found);
        Ok(())
    }

    fn names(&self) -> MutexGuard<'_, (Option<u64>, BTreeSet<String>)> {
        self.known.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn write_chunk(&self, chunk: Vec<(String, Step)>) -> Result<(), Refusal> {
        // Each of its nodes may turn out to be there, or not to be, once; then the connection.
        for _ in 0..2 * chunk.len() + 8 {
            let (names, writes) = self.writes(&chunk);
            if names.is_empty() {
                return Ok(());
            }
            let Err(WriteError { index, error }) = self.keeper.write(&writes).await else {
                let mut known = self.names();
                for (name, step) in &chunk {
                    match step {
                        Step::Put(_) => known.1.insert(name.clone()),
                        Step::Remove => known.1.remove(name),
                    };
                }
                return Ok(());
            };
            let name = index.and_then(|index| index.checked_sub(1)).and_then(|at| names.get(at));
            match (error, name) {
                (KeeperError::BadVersion | KeeperError::NoNode, None) => {
                    return Err(Refusal::Stale);
                }
                (KeeperError::NodeExists, Some(name)) => {
                    self.names().1.insert((*name).to_string());
                }
                (KeeperError::NoNode, Some(name)) => {
                    if !self.names().1.remove(*name) {
                        make_folder(self.keeper, &self.layout.assigns(super::shard_of(name)))
                            .await?;
                    }
                }
                // Done or not: to do it again is the same, since nobody else writes in this term.
                (KeeperError::Disconnected, _) => connected(self.keeper).await?,
                (error, _) => return Err(error.into()),
            }
        }
        Err(KeeperError::Other("the nodes keep changing".to_string()).into())
    }

    /// The writes of a chunk after the check, with the agent of each.
    fn writes<'a>(&self, chunk: &'a [(String, Step)]) -> (Vec<&'a str>, Vec<Write>) {
        let check = Write::Check { path: self.layout.epoch(), version: Some(self.term.version) };
        let known = self.names();
        let mut names = Vec::with_capacity(chunk.len());
        let mut writes = vec![check];
        for (name, step) in chunk {
            let path = self.layout.assign(name);
            writes.push(match (step.clone(), known.1.contains(name)) {
                (Step::Put(data), true) => Write::Set { path, data, version: None },
                (Step::Put(data), false) => Write::Create { path, data, life: Life::Persistent },
                (Step::Remove, true) => Write::Delete { path },
                (Step::Remove, false) => continue,
            });
            names.push(name.as_str());
        }
        (names, writes)
    }
}

/// Cuts steps into lists that are neither long nor large.
fn chunks(steps: Vec<(String, Step)>) -> Vec<Vec<(String, Step)>> {
    let mut chunks: Vec<Vec<(String, Step)>> = Vec::new();
    let mut bytes = 0;
    for step in steps {
        let size = match &step.1 {
            Step::Put(data) => data.len(),
            Step::Remove => 0,
        };
        match chunks.last_mut() {
            Some(chunk) if chunk.len() < CHUNK_NODES && bytes + size <= CHUNK_BYTES => {
                bytes += size;
                chunk.push(step);
            }
            _ => {
                bytes = size;
                chunks.push(vec![step]);
            }
        }
    }
    chunks
}

async fn assigned_names(
    keeper: &dyn Keeper,
    layout: &Layout,
) -> Result<BTreeSet<String>, KeeperError> {
    let lists = stream::iter(0..SHARDS).map(|shard| async move {
        let path = layout.assigns(shard);
        match insist(keeper, || keeper.children(&path)).await {
            Ok((names, _)) => Ok(names),
            Err(KeeperError::NoNode) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    });
    let lists: Vec<Vec<String>> = lists.buffer_unordered(CHUNKS_IN_FLIGHT).try_collect().await?;
    Ok(lists.into_iter().flatten().collect())
}

/// What is written for each agent. What cannot be read is logged and left out.
pub(crate) async fn read_assigned(
    keeper: &dyn Keeper,
    layout: &Layout,
) -> Result<BTreeMap<String, Assignment>, KeeperError> {
    let names: Vec<String> = assigned_names(keeper, layout).await?.into_iter().collect();
    let chunks: Vec<Vec<String>> = names.chunks(CHUNK_NODES).map(<[_]>::to_vec).collect();
    let reads = stream::iter(chunks).map(|names| async move {
        let paths: Vec<String> = names.iter().map(|name| layout.assign(name)).collect();
        let nodes = insist(keeper, || keeper.get_many(&paths)).await?;
        Ok::<_, KeeperError>(names.into_iter().zip(nodes).collect::<Vec<_>>())
    });
    let nodes: Vec<Vec<_>> = reads.buffer_unordered(CHUNKS_IN_FLIGHT).try_collect().await?;
    let mut assigned = BTreeMap::new();
    for (name, data) in nodes.into_iter().flatten() {
        let Some(data) = data else { continue };
        match serde_json::from_slice(&data) {
            Ok(assignment) => drop(assigned.insert(name, assignment)),
            Err(error) => tracing::warn!(name, %error, "failed to read an assignment"),
        }
    }
    Ok(assigned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn put(bytes: usize) -> (String, Step) {
        (String::new(), Step::Put(vec![0; bytes]))
    }

    #[test]
    fn chunks_are_neither_long_nor_large() {
        for (what, sizes, expect) in [
            ("nothing", vec![], vec![]),
            ("one", vec![10], vec![1]),
            ("as many as go", vec![10; 100], vec![100]),
            ("one more", vec![10; 101], vec![100, 1]),
            ("large ones", vec![CHUNK_BYTES / 2; 5], vec![2, 2, 1]),
            ("larger than a chunk", vec![CHUNK_BYTES * 2; 2], vec![1, 1]),
            ("a large one between", vec![1, CHUNK_BYTES, 1], vec![1, 1, 1]),
        ] {
            let lengths: Vec<usize> =
                chunks(sizes.into_iter().map(put).collect()).iter().map(Vec::len).collect();
            assert_eq!(lengths, expect, "{what}");
        }
    }

    proptest! {
        #[test]
        fn chunks_hold_every_step_once(count in 0_usize..1_000) {
            let steps: Vec<_> = (0..count).map(|i| (i.to_string(), Step::Remove)).collect();
            let names: Vec<String> =
                chunks(steps).into_iter().flatten().map(|(name, _)| name).collect();
            prop_assert_eq!(names, (0..count).map(|i| i.to_string()).collect::<Vec<_>>());
        }
    }
}
