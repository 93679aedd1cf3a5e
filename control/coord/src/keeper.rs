//! One client's session with a tree of nodes, as ZooKeeper keeps one: what the recipes are built on.
//!
//! Two trees are behind it: ZooKeeper's and the model's. Nodes have data with a version, children with
//! a count of their changes, and may live only as long as the session that made them. A watch fires
//! once and is a hint: whoever gets it reads again.

use crate::{CoordError, SessionState};
use async_trait::async_trait;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use tokio::sync::watch;

/// Ends when something about a node may have changed, or the session is over.
pub(crate) type Hint = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Why a tree did not do what was asked.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub(crate) enum KeeperError {
    #[error("no such node")]
    NoNode,
    #[error("the node exists")]
    NodeExists,
    #[error("another version")]
    BadVersion,
    #[error("no right to it")]
    NoAuth,
    /// Whether a write was done is not known.
    #[error("no answer")]
    Disconnected,
    #[error("the session is over")]
    Expired,
    #[error("{0}")]
    BadSettings(String),
    #[error("{0}")]
    Other(String),
}

impl KeeperError {
    /// For whoever uses the coordinator at this address.
    pub(crate) fn at(self, coordinator: &str, what: &str) -> CoordError {
        let coordinator = coordinator.to_string();
        match self {
            Self::NoAuth => CoordError::Refused { coordinator, why: format!("no right to {what}") },
            Self::BadSettings(why) => CoordError::Settings(why),
            error => CoordError::Unreachable { coordinator, why: format!("{what}: {error}") },
        }
    }
}

/// Why a list of writes was not done. None of them was, unless the error is
/// [`KeeperError::Disconnected`]: then all or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WriteError {
    /// Which of the writes is to blame, where one is.
    pub(crate) index: Option<usize>,
    pub(crate) error: KeeperError,
}

impl From<KeeperError> for WriteError {
    fn from(error: KeeperError) -> Self {
        Self { index: None, error }
    }
}

/// How long a node lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    /// Until it is deleted.
    Persistent,
    /// As long as the session.
    Ephemeral,
    /// As long as the session; its name ends with a number that grows.
    EphemeralSequential,
}

/// One step of a list of writes that is done as a whole.
#[derive(Clone, Debug)]
pub(crate) enum Write {
    Create {
        path: String,
        data: Vec<u8>,
        life: Life,
    },
    Set {
        path: String,
        data: Vec<u8>,
        version: Option<i32>,
    },
    Delete {
        path: String,
    },
    /// Changes nothing, and fails unless the node is there with this version (if one is given).
    Check {
        path: String,
        version: Option<i32>,
    },
}

impl Write {
    pub(crate) fn folder(path: &str) -> Self {
        Self::Create { path: path.to_string(), data: Vec::new(), life: Life::Persistent }
    }
}

/// What there is to say about a node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stat {
    /// Changes of its data.
    pub(crate) version: i32,
    /// Children made and deleted so far. Wraps around.
    pub(crate) children_version: i32,
    /// Session it lives with; 0: none.
    pub(crate) owner: i64,
}

/// A session. While the tree does not answer, calls wait for about a session time-out.
#[async_trait]
pub(crate) trait Keeper: Send + Sync {
    /// Its number; never 0.
    fn session(&self) -> i64;

    /// How long it lives without a word, as the tree has granted it: perhaps not what was asked for.
    fn session_timeout(&self) -> Duration;

    fn state(&self) -> watch::Receiver<SessionState>;

    async fn exists(&self, path: &str) -> Result<bool, KeeperError>;

    async fn exists_and_watch(&self, path: &str) -> Result<(bool, Hint), KeeperError>;

    async fn get(&self, path: &str) -> Result<(Vec<u8>, Stat), KeeperError>;

    async fn get_and_watch(&self, path: &str) -> Result<(Vec<u8>, Stat, Hint), KeeperError>;

    /// Data of many nodes at one moment; none where there is no such node.
    async fn get_many(&self, paths: &[String]) -> Result<Vec<Option<Vec<u8>>>, KeeperError>;

    async fn children(&self, path: &str) -> Result<(Vec<String>, Stat), KeeperError>;

    async fn children_and_watch(
        &self,
        path: &str,
    ) -> Result<(Vec<String>, Stat, Hint), KeeperError>;

    /// Does all or nothing; returns the paths of the nodes made.
    async fn write(&self, writes: &[Write]) -> Result<Vec<String>, WriteError>;

    /// Ends the session and with it its nodes, and waits until that is known.
    async fn close(&self) -> Result<(), KeeperError>;
}

/// Makes sessions.
#[async_trait]
pub(crate) trait Dial: Send + Sync {
    /// Where the tree is, for messages.
    fn address(&self) -> String;

    /// The time that is asked for. What a session has is in [`Keeper::session_timeout`].
    fn session_timeout(&self) -> Duration;

    async fn dial(&self) -> Result<Arc<dyn Keeper>, KeeperError>;
}

/// Waits until the session is connected, for as long as it may take.
pub(crate) async fn connected(keeper: &dyn Keeper) -> Result<(), KeeperError> {
    let mut states = keeper.state();
    let state = states.wait_for(|state| *state != SessionState::Suspended).await;
    match state.map(|state| *state) {
        Ok(SessionState::Connected) => Ok(()),
        _ => Err(KeeperError::Expired),
    }
}

/// Waits until the session is over.
pub(crate) async fn ended(keeper: &dyn Keeper) {
    let mut states = keeper.state();
    // An error: the sender is gone, and the session with it.
    drop(states.wait_for(|state| *state == SessionState::Expired).await);
}

/// Repeats a read until there is an answer or the session is over.
pub(crate) async fn insist<T, F>(
    keeper: &dyn Keeper,
    mut step: impl FnMut() -> F,
) -> Result<T, KeeperError>
where
    F: Future<Output = Result<T, KeeperError>>,
{
    loop {
        connected(keeper).await?;
        match step().await {
            Err(KeeperError::Disconnected) => {}
            result => return result,
        }
    }
}

/// Makes a node without data, and those above it, where they are missing.
pub(crate) async fn make_folder(keeper: &dyn Keeper, path: &str) -> Result<(), KeeperError> {
    let mut missing = Vec::new();
    let mut at = path;
    // From below: in a tree with rights, the nodes above may be somebody else's.
    while !at.is_empty() && !insist(keeper, || keeper.exists(at)).await? {
        missing.push(at);
        at = at.rsplit_once('/').map_or("", |(above, _)| above);
    }
    for folder in missing.into_iter().rev() {
        let made = insist(keeper, || async {
            keeper.write(&[Write::folder(folder)]).await.map_err(|failed| failed.error)
        });
        match made.await {
            Ok(_) | Err(KeeperError::NodeExists) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
