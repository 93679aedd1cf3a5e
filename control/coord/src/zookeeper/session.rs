//! One session with ZooKeeper.

use crate::SessionState;
use crate::keeper::{Hint, Keeper, KeeperError, Life, Stat, Write, WriteError};
use async_trait::async_trait;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;
use zookeeper_client::{
    Acls, Client, CreateMode, Error, MultiReadResult, MultiWriteError, MultiWriteResult,
    MultiWriter, OneshotWatcher, SessionState as ClientState,
};

/// A session. It is closed when the last client is dropped: ours, and those of calls on their way.
pub(super) struct ZooKeeperSession {
    client: Mutex<Option<Client>>,
    number: i64,
    session_timeout: Duration,
    acls: Acls<'static>,
    state: watch::Receiver<SessionState>,
}

impl ZooKeeperSession {
    pub(super) fn new(client: Client, acls: Acls<'static>) -> Self {
        let mut watcher = client.state_watcher();
        let (state, receiver) = watch::channel(SessionState::Connected);
        tokio::spawn(async move {
            loop {
                let now = state_of(watcher.peek_state());
                state.send_replace(now);
                if now == SessionState::Expired {
                    return;
                }
                watcher.changed().await;
            }
        });
        Self {
            number: client.session_id().0,
            session_timeout: client.session_timeout(),
            client: Mutex::new(Some(client)),
            acls,
            state: receiver,
        }
    }

    /// The client, once there is a connection: a call made without one would be kept, and made at
    /// some later time.
    async fn client(&self) -> Result<Client, KeeperError> {
        let mut state = self.state.clone();
        let connected = state.wait_for(|state| *state != SessionState::Suspended);
        let state = timeout(self.session_timeout, connected).await;
        match state.map_err(|_| KeeperError::Disconnected)?.map(|state| *state) {
            Ok(SessionState::Connected) => {}
            _ => return Err(KeeperError::Expired),
        }
        let client = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        client.clone().ok_or(KeeperError::Expired)
    }

    /// An answer, if it comes within the time that a session could live.
    async fn answer<T>(
        &self,
        call: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, KeeperError> {
        let answer = timeout(self.session_timeout, call).await;
        answer.map_err(|_| KeeperError::Disconnected)?.map_err(error)
    }

    fn add(&self, writer: &mut MultiWriter<'_>, write: &Write) -> Result<(), Error> {
        match write {
            Write::Create { path, data, life } => {
                let mode = match life {
                    Life::Persistent => CreateMode::Persistent,
                    Life::Ephemeral => CreateMode::Ephemeral,
                    Life::EphemeralSequential => CreateMode::EphemeralSequential,
                };
                writer.add_create(path, data, &mode.with_acls(self.acls))
            }
            Write::Set { path, data, version } => writer.add_set_data(path, data, *version),
            Write::Delete { path } => writer.add_delete(path, None),
            Write::Check { path, version } => {
                // -1: any.
                writer.add_check_version(path, version.unwrap_or(-1))
            }
        }
    }
}

#[async_trait]
impl Keeper for ZooKeeperSession {
    fn session(&self) -> i64 {
        self.number
    }

    fn session_timeout(&self) -> Duration {
        self.session_timeout
    }

    fn state(&self) -> watch::Receiver<SessionState> {
        let mut state = self.state.clone();
        // A clone of one that has never looked would be told of every change before it.
        state.mark_unchanged();
        state
    }

    async fn exists(&self, path: &str) -> Result<bool, KeeperError> {
        let client = self.client().await?;
        Ok(self.answer(client.check_stat(path)).await?.is_some())
    }

    async fn exists_and_watch(&self, path: &str) -> Result<(bool, Hint), KeeperError> {
        let client = self.client().await?;
        let (stat, watcher) = self.answer(client.check_and_watch_stat(path)).await?;
        Ok((stat.is_some(), hint(watcher)))
    }

    async fn get(&self, path: &str) -> Result<(Vec<u8>, Stat), KeeperError> {
        let client = self.client().await?;
        let (data, stat) = self.answer(client.get_data(path)).await?;
        Ok((data, stat_of(&stat)))
    }

    async fn get_and_watch(&self, path: &str) -> Result<(Vec<u8>, Stat, Hint), KeeperError> {
        let client = self.client().await?;
        let (data, stat, watcher) = self.answer(client.get_and_watch_data(path)).await?;
        Ok((data, stat_of(&stat), hint(watcher)))
    }

    async fn get_many(&self, paths: &[String]) -> Result<Vec<Option<Vec<u8>>>, KeeperError> {
        let client = self.client().await?;
        let mut reader = client.new_multi_reader();
        for path in paths {
            reader.add_get_data(path).map_err(error)?;
        }
        let results = self.answer(reader.commit()).await?;
        let data = |result| match result {
            MultiReadResult::Data { data, .. } => Ok(Some(data)),
            MultiReadResult::Error { err: Error::NoNode } => Ok(None),
            MultiReadResult::Error { err } => Err(error(err)),
            _ => Err(KeeperError::Other("an answer to another question".to_string())),
        };
        results.into_iter().map(data).collect()
    }

    async fn children(&self, path: &str) -> Result<(Vec<String>, Stat), KeeperError> {
        let client = self.client().await?;
        let (names, stat) = self.answer(client.get_children(path)).await?;
        Ok((names, stat_of(&stat)))
    }

    async fn children_and_watch(
        &self,
        path: &str,
    ) -> Result<(Vec<String>, Stat, Hint), KeeperError> {
        let client = self.client().await?;
        let (names, stat, watcher) = self.answer(client.get_and_watch_children(path)).await?;
        Ok((names, stat_of(&stat), hint(watcher)))
    }

    async fn write(&self, writes: &[Write]) -> Result<Vec<String>, WriteError> {
        let client = self.client().await?;
        let mut writer = client.new_multi_writer();
        for (index, write) in writes.iter().enumerate() {
            self.add(&mut writer, write)
                .map_err(|failed| WriteError { index: Some(index), error: error(failed) })?;
        }
        let answer = timeout(self.session_timeout, writer.commit()).await;
        let results = match answer.map_err(|_| KeeperError::Disconnected)? {
            Ok(results) => results,
            Err(MultiWriteError::RequestFailed { source }) => return Err(error(source).into()),
            Err(MultiWriteError::OperationFailed { index, source }) => {
                return Err(WriteError { index: Some(index), error: error(source) });
            }
        };
        let made = |result| match result {
            MultiWriteResult::Create { path, .. } => Some(path),
            _ => None,
        };
        Ok(results.into_iter().filter_map(made).collect())
    }

    async fn close(&self) -> Result<(), KeeperError> {
        let client = self.client.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(client);
        let mut state = self.state.clone();
        let ended = state.wait_for(|state| *state == SessionState::Expired);
        match timeout(self.session_timeout, ended).await {
            // An error: the last state has been sent.
            Ok(_) => Ok(()),
            Err(_) => Err(KeeperError::Disconnected),
        }
    }
}

fn hint(watcher: OneshotWatcher) -> Hint {
    Box::pin(async {
        watcher.changed().await;
    })
}

fn stat_of(stat: &zookeeper_client::Stat) -> Stat {
    Stat { version: stat.version, children_version: stat.cversion, owner: stat.ephemeral_owner }
}

fn state_of(state: ClientState) -> SessionState {
    match state {
        ClientState::SyncConnected | ClientState::ConnectedReadOnly => SessionState::Connected,
        ClientState::Disconnected => SessionState::Suspended,
        ClientState::Expired | ClientState::AuthFailed | ClientState::Closed => {
            SessionState::Expired
        }
    }
}

pub(super) fn error(error: Error) -> KeeperError {
    match error {
        Error::NoNode => KeeperError::NoNode,
        Error::NodeExists => KeeperError::NodeExists,
        Error::BadVersion => KeeperError::BadVersion,
        Error::NoAuth | Error::AuthFailed | Error::InvalidAcl => KeeperError::NoAuth,
        // Other connection errors come as errors of their own kind.
        Error::ConnectionLoss | Error::Timeout | Error::NoHosts | Error::Custom(_) => {
            KeeperError::Disconnected
        }
        Error::SessionExpired | Error::SessionMoved | Error::ClientClosed => KeeperError::Expired,
        Error::BadArguments(why) => KeeperError::BadSettings((*why).to_string()),
        error => KeeperError::Other(error.to_string()),
    }
}
