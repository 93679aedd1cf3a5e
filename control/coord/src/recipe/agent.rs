//! An agent in the tree: one session, one ephemeral node, one watch on its own assignment.

use super::{ControlEntry, Entry, Layout, check_name, draw_instance, json};
use crate::gate::{Gate, Shown};
use crate::keeper::{Dial, Hint, Keeper, KeeperError, Life, Write, insist, make_folder};
use crate::{AgentSide, CoordError, Session, SessionState};
use acp_wire::agent::AgentInfo;
use async_trait::async_trait;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Mutex as AsyncMutex, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout, timeout_at};

/// The agent's side of a tree.
pub(crate) struct KeeperAgent {
    dial: Arc<dyn Dial>,
    layout: Layout,
    jitter: Duration,
    instance: String,
    gate: Arc<Gate>,
    current: AsyncMutex<Current>,
    /// The newest session, for who asks in between.
    keeper: Mutex<Option<Arc<dyn Keeper>>>,
    control: Mutex<Option<String>>,
}

/// What changes with every registration.
#[derive(Default)]
struct Current {
    has_started: bool,
    session: Option<(Arc<dyn Keeper>, Follower)>,
}

/// The task that follows the assignment; ends when dropped.
struct Follower(JoinHandle<()>);

impl Drop for Follower {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl KeeperAgent {
    /// Sessions are made by `dial`; the first after a random part of `jitter`, so that thousands of
    /// agents that are started at once do not come at once.
    pub(crate) fn new(dial: Arc<dyn Dial>, layout: Layout, jitter: Duration) -> Self {
        Self {
            dial,
            layout,
            jitter,
            instance: draw_instance(),
            gate: Arc::default(),
            current: AsyncMutex::default(),
            keeper: Mutex::default(),
            control: Mutex::default(),
        }
    }

    fn keep(&self, keeper: Option<Arc<dyn Keeper>>) {
        *self.keeper.lock().unwrap_or_else(PoisonError::into_inner) = keeper;
    }

    /// Makes the agent's node.
    async fn enter(&self, keeper: &dyn Keeper, info: &AgentInfo) -> Result<(), CoordError> {
        let path = self.layout.agent(&info.agent);
        let entry = Entry { instance: self.instance.clone(), info: info.clone() };
        let node = Write::Create { path: path.clone(), data: json(&entry), life: Life::Ephemeral };
        // A session that is dying takes up to its time-out, and the server checks in steps.
        let patience = Instant::now() + self.dial.session_timeout() * 3 / 2;
        loop {
            let made = insist(keeper, || async {
                keeper.write(std::slice::from_ref(&node)).await.map_err(|failed| failed.error)
            });
            match made.await {
                Ok(_) => return Ok(()),
                Err(KeeperError::NoNode) => {
                    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
                    let made = make_folder(keeper, folder).await;
                    made.map_err(|error| error.at(&self.dial.address(), folder))?;
                }
                Err(KeeperError::NodeExists) => {
                    let other = self.other(keeper, &path).await;
                    match other.map_err(|error| error.at(&self.dial.address(), &path))? {
                        Other::Gone => {}
                        Other::ThisSession => return Ok(()),
                        Other::Seated { entry: other, gone } => {
                            self.outlast(info, &other, gone, patience).await?;
                        }
                    }
                }
                Err(error) => return Err(error.at(&self.dial.address(), &path)),
            }
        }
    }

    /// Whose node it is that is there already.
    async fn other(&self, keeper: &dyn Keeper, path: &str) -> Result<Other, KeeperError> {
        let (_, gone) = insist(keeper, || keeper.exists_and_watch(path)).await?;
        let (data, stat) = match insist(keeper, || keeper.get(path)).await {
            Ok(found) => found,
            Err(KeeperError::NoNode) => return Ok(Other::Gone),
            Err(error) => return Err(error),
        };
        if stat.owner == keeper.session() {
            return Ok(Other::ThisSession);
        }
        let unknown = Entry { instance: String::new(), info: AgentInfo::default() };
        Ok(Other::Seated { entry: serde_json::from_slice(&data).unwrap_or(unknown), gone })
    }

    /// Waits for a node to go that our own former session left, or one of this host that may be dying.
    async fn outlast(
        &self,
        info: &AgentInfo,
        other: &Entry,
        gone: Hint,
        patience: Instant,
    ) -> Result<(), CoordError> {
        let may_be_dying = other.instance == self.instance || other.info.host == info.host;
        if may_be_dying && timeout_at(patience, gone).await.is_ok() {
            return Ok(());
        }
        Err(CoordError::NameTaken { agent: info.agent.clone(), by: other.info.host.clone() })
    }
}

/// Who has the node of an agent that wants to register.
enum Other {
    Gone,
    ThisSession,
    Seated { entry: Entry, gone: Hint },
}

#[async_trait]
impl AgentSide for KeeperAgent {
    async fn register(&self, info: &AgentInfo) -> Result<Session, CoordError> {
        check_name(&info.agent)?;
        let mut current = self.current.lock().await;
        if !current.has_started {
            current.has_started = true;
            sleep(self.jitter.mul_f64(rand::random())).await;
        }
        if let Some((old, follower)) = current.session.take() {
            drop(follower);
            self.keep(None);
            // Where it does not answer, its node is waited for below.
            drop(old.close().await);
        }
        let address = self.dial.address();
        let keeper =
            self.dial.dial().await.map_err(|error| error.at(&address, "failed to connect"))?;
        if let Err(error) = self.enter(&*keeper, info).await {
            drop(keeper.close().await);
            return Err(error);
        }
        let (shown, assignment) = watch::channel(None);
        let path = self.layout.assign(&info.agent);
        let follower = tokio::spawn(follow(keeper.clone(), path, self.gate.clone(), shown));
        let state = keeper.state();
        self.keep(Some(keeper.clone()));
        current.session = Some((keeper, Follower(follower)));
        Ok(Session { assignment, state })
    }

    async fn deregister(&self) -> Result<(), CoordError> {
        let Some((keeper, follower)) = self.current.lock().await.session.take() else {
            return Ok(());
        };
        drop(follower);
        self.keep(None);
        keeper.close().await.map_err(|error| error.at(&self.dial.address(), "failed to leave"))
    }

    async fn control_address(&self) -> Option<String> {
        let keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(keeper) = keeper {
            let path = self.layout.control();
            let patience = self.dial.session_timeout() / 3;
            if let Ok(Ok((data, _))) = timeout(patience, keeper.get(&path)).await
                && let Ok(entry) = serde_json::from_slice::<ControlEntry>(&data)
                && !entry.address.is_empty()
            {
                *self.control.lock().unwrap_or_else(PoisonError::into_inner) = Some(entry.address);
            }
        }
        self.control.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Shows what is assigned until the session is over.
async fn follow(keeper: Arc<dyn Keeper>, path: String, gate: Arc<Gate>, shown: Shown) {
    let mut states = keeper.state();
    loop {
        let (data, mut changed) = match get_or_watch(&*keeper, &path).await {
            Ok(found) => found,
            Err(KeeperError::Expired) => return,
            Err(error) => {
                tracing::warn!(path, %error, "failed to read the assignment");
                sleep(super::RETRY_AFTER).await;
                continue;
            }
        };
        if let Some(data) = data {
            gate.offer_json(&shown, &path, &data);
        }
        loop {
            tokio::select! {
                () = &mut changed => break,
                state = states.changed() => if state.is_err() { return },
            }
            match *states.borrow_and_update() {
                SessionState::Expired => return,
                SessionState::Suspended => continue,
                SessionState::Connected => {}
            }
            // The watch is still set, but an event may have been lost with the connection.
            if let Ok((data, _)) = insist(&*keeper, || keeper.get(&path)).await {
                gate.offer_json(&shown, &path, &data);
            }
        }
    }
}

/// What a node holds, if it is there, and a watch on it in any case.
async fn get_or_watch(
    keeper: &dyn Keeper,
    path: &str,
) -> Result<(Option<Vec<u8>>, Hint), KeeperError> {
    loop {
        match insist(keeper, || keeper.get_and_watch(path)).await {
            Ok((data, _, changed)) => return Ok((Some(data), changed)),
            Err(KeeperError::NoNode) => {}
            Err(error) => return Err(error),
        }
        let (exists, changed) = insist(keeper, || keeper.exists_and_watch(path)).await?;
        if !exists {
            return Ok((None, changed));
        }
    }
}
