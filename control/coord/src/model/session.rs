//! A client's session with the model.

use super::World;
use super::server::{Server, Watched};
use crate::SessionState;
use crate::keeper::{Dial, Hint, Keeper, KeeperError, Stat, Write, WriteError};
use async_trait::async_trait;
use std::sync::{Arc, MutexGuard};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;

/// Makes sessions for one client.
pub(super) struct ModelDial {
    pub(super) world: Arc<World>,
    pub(super) client: String,
}

#[async_trait]
impl Dial for ModelDial {
    fn address(&self) -> String {
        "model".to_string()
    }

    fn session_timeout(&self) -> Duration {
        self.world.asked_timeout
    }

    async fn dial(&self) -> Result<Arc<dyn Keeper>, KeeperError> {
        let connect = async {
            loop {
                let changed = self.world.changed.notified();
                if let Some(made) = self.world.server().connect(&self.client) {
                    return made;
                }
                changed.await;
            }
        };
        let made = timeout(self.world.asked_timeout, connect).await;
        let (session, state) = made.map_err(|_| KeeperError::Disconnected)?;
        Ok(Arc::new(ModelKeeper { world: self.world.clone(), session, state }))
    }
}

/// A session. Dropped, it is closed.
struct ModelKeeper {
    world: Arc<World>,
    session: i64,
    state: watch::Receiver<SessionState>,
}

impl Drop for ModelKeeper {
    fn drop(&mut self) {
        // An error: the server ends it in time.
        drop(self.world.server().close(self.session));
        self.world.changed.notify_waiters();
    }
}

impl ModelKeeper {
    /// The server, once it can be reached.
    async fn server(&self) -> Result<MutexGuard<'_, Server>, KeeperError> {
        let mut state = self.state.clone();
        let patience = self.world.granted_timeout;
        let answer = state.wait_for(|state| *state != SessionState::Suspended);
        let state = match timeout(patience, answer).await {
            Ok(Ok(state)) => *state,
            Ok(Err(_)) => SessionState::Expired,
            Err(_) => return Err(KeeperError::Disconnected),
        };
        match state {
            SessionState::Connected => Ok(self.world.server()),
            SessionState::Suspended | SessionState::Expired => Err(KeeperError::Expired),
        }
    }
}

#[async_trait]
impl Keeper for ModelKeeper {
    fn session(&self) -> i64 {
        self.session
    }

    fn session_timeout(&self) -> Duration {
        self.world.granted_timeout
    }

    fn state(&self) -> watch::Receiver<SessionState> {
        let mut state = self.state.clone();
        // A clone of one that has never looked would be told of every change before it.
        state.mark_unchanged();
        state
    }

    async fn exists(&self, path: &str) -> Result<bool, KeeperError> {
        Ok(self.server().await?.tree.get(path).is_ok())
    }

    async fn exists_and_watch(&self, path: &str) -> Result<(bool, Hint), KeeperError> {
        let mut server = self.server().await?;
        let exists = server.tree.get(path).is_ok();
        Ok((exists, server.watch(self.session, Watched::Node, path)))
    }

    async fn get(&self, path: &str) -> Result<(Vec<u8>, Stat), KeeperError> {
        let server = self.server().await?;
        let node = server.tree.get(path)?;
        Ok((node.data.clone(), node.stat))
    }

    async fn get_and_watch(&self, path: &str) -> Result<(Vec<u8>, Stat, Hint), KeeperError> {
        let mut server = self.server().await?;
        let node = server.tree.get(path)?;
        let (data, stat) = (node.data.clone(), node.stat);
        Ok((data, stat, server.watch(self.session, Watched::Node, path)))
    }

    async fn get_many(&self, paths: &[String]) -> Result<Vec<Option<Vec<u8>>>, KeeperError> {
        let server = self.server().await?;
        let data = |path: &String| server.tree.get(path).ok().map(|node| node.data.clone());
        Ok(paths.iter().map(data).collect())
    }

    async fn children(&self, path: &str) -> Result<(Vec<String>, Stat), KeeperError> {
        let server = self.server().await?;
        let node = server.tree.get(path)?;
        Ok((node.children.iter().cloned().collect(), node.stat))
    }

    async fn children_and_watch(
        &self,
        path: &str,
    ) -> Result<(Vec<String>, Stat, Hint), KeeperError> {
        let mut server = self.server().await?;
        let node = server.tree.get(path)?;
        let (names, stat) = (node.children.iter().cloned().collect(), node.stat);
        Ok((names, stat, server.watch(self.session, Watched::Children, path)))
    }

    async fn write(&self, writes: &[Write]) -> Result<Vec<String>, WriteError> {
        self.server().await?.write(self.session, writes)
    }

    async fn close(&self) -> Result<(), KeeperError> {
        let closed = self.world.server().close(self.session);
        self.world.changed.notify_waiters();
        closed
    }
}
