//! A control plane in the tree: it watches the agents, stands for election, and writes assignments
//! while it leads. When its session is over it builds another by itself.

use super::assign::{Known, Refusal, Writer, read_assigned};
use super::election::{Term, take_part};
use super::members::keep_roll;
use super::{ControlEntry, EpochEntry, Layout, SHARDS, check_name, json};
use crate::keeper::{Dial, Keeper, KeeperError, Life, Write, ended, insist, make_folder};
use crate::roll::Roll;
use crate::{ControlSide, CoordError, Leadership, Membership, TreeNode};
use acp_wire::agent::Assignment;
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

/// Longest wait between two attempts to connect.
const REDIAL_MAX: Duration = Duration::from_secs(5);

/// The control plane's side of a tree.
pub(crate) struct KeeperControl {
    shared: Arc<Shared>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Drop for KeeperControl {
    fn drop(&mut self) {
        if let Some(task) = self.take_task() {
            task.abort();
        }
    }
}

/// What the task and the calls have in common.
pub(crate) struct Shared {
    pub(crate) dial: Arc<dyn Dial>,
    pub(crate) layout: Layout,
    /// Address of our API.
    pub(crate) address: String,
    /// We lead with no epoch below this.
    pub(crate) epoch_floor: u64,
    /// Asks the election to look again.
    pub(crate) nudge: Notify,
    roll: Arc<Roll>,
    leadership: watch::Sender<Leadership>,
    seat: Mutex<Seat>,
    known: Known,
}

/// The session and what it is good for.
#[derive(Default)]
struct Seat {
    keeper: Option<Arc<dyn Keeper>>,
    term: Option<Term>,
}

impl Shared {
    fn seat(&self) -> MutexGuard<'_, Seat> {
        self.seat.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_term(&self, term: Option<Term>) {
        self.seat().term = term;
    }

    pub(crate) fn publish(&self, leadership: Leadership) {
        self.leadership.send_if_modified(|published| {
            let is_new = *published != leadership;
            *published = leadership;
            is_new
        });
    }

    /// What is left of a session that is over.
    fn retire(&self) -> Option<Arc<dyn Keeper>> {
        let keeper = {
            let mut seat = self.seat();
            seat.term = None;
            seat.keeper.take()
        };
        self.publish(Leadership::Unknown);
        self.roll.connection(false);
        keeper
    }

    fn unreachable(&self, why: &str) -> CoordError {
        CoordError::Unreachable { coordinator: self.dial.address(), why: why.to_string() }
    }

    fn keeper(&self) -> Result<Arc<dyn Keeper>, CoordError> {
        self.seat().keeper.clone().ok_or_else(|| self.unreachable("no session"))
    }

    /// The session, and our term if it is this one.
    fn leading(&self, epoch: u64) -> Result<(Arc<dyn Keeper>, Term), CoordError> {
        let seat = self.seat();
        match (&seat.keeper, seat.term) {
            (Some(keeper), Some(term)) if term.epoch == epoch => Ok((keeper.clone(), term)),
            _ => Err(CoordError::StaleLeader { epoch }),
        }
    }

    /// Gives a call its time: as long as the session could live.
    async fn bounded<T>(&self, call: impl Future<Output = T>) -> Result<T, CoordError> {
        let limit = self.dial.session_timeout();
        timeout(limit, call).await.map_err(|_| self.unreachable("no answer in time"))
    }
}

impl KeeperControl {
    /// Takes part from now on: with this session if there is one already.
    pub(crate) fn start(
        dial: Arc<dyn Dial>,
        layout: Layout,
        address: &str,
        epoch_floor: u64,
        keeper: Option<Arc<dyn Keeper>>,
    ) -> Self {
        let shared = Arc::new(Shared {
            dial,
            layout,
            address: address.to_string(),
            epoch_floor,
            nudge: Notify::new(),
            roll: Roll::start(),
            leadership: watch::Sender::default(),
            seat: Mutex::default(),
            known: Known::default(),
        });
        let task = tokio::spawn(attend(shared.clone(), keeper));
        Self { shared, task: Mutex::new(Some(task)) }
    }

    fn take_task(&self) -> Option<JoinHandle<()>> {
        self.task.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn writer<'a>(&'a self, keeper: &'a dyn Keeper, term: Term) -> Writer<'a> {
        let Shared { layout, known, .. } = &*self.shared;
        Writer { keeper, layout, term, known }
    }

    fn settle(&self, written: Result<(), Refusal>, epoch: u64) -> Result<(), CoordError> {
        if written == Err(Refusal::Stale) {
            self.shared.nudge.notify_one();
        }
        written.map_err(|refusal| refusal.at(&self.shared.dial.address(), epoch))
    }
}

/// One session after the other.
async fn attend(shared: Arc<Shared>, mut first: Option<Arc<dyn Keeper>>) {
    let mut wait = Duration::ZERO;
    loop {
        sleep(wait.mul_f64(0.5 + rand::random::<f64>() / 2.0)).await;
        wait = (wait * 2).clamp(Duration::from_millis(100), REDIAL_MAX);
        let dialled = match first.take() {
            Some(keeper) => Ok(keeper),
            None => shared.dial.dial().await,
        };
        match dialled {
            Ok(keeper) => match prepare(&*keeper, &shared.layout).await {
                Ok(()) => {
                    wait = Duration::ZERO;
                    shared.seat().keeper = Some(keeper.clone());
                    tokio::select! {
                        () = ended(&*keeper) => {}
                        () = take_part(&*keeper, &shared) => {}
                        () = keep_roll(&*keeper, &shared.layout, &shared.roll) => {}
                    }
                    drop(shared.retire());
                    tracing::info!("the session with the coordinator is over");
                }
                Err(error) => tracing::warn!(%error, "failed to prepare the coordinator's tree"),
            },
            Err(error) => tracing::warn!(%error, "failed to connect to the coordinator"),
        }
    }
}

/// Makes the folders and nodes that everybody counts on.
pub(crate) async fn prepare(keeper: &dyn Keeper, layout: &Layout) -> Result<(), KeeperError> {
    make_folder(keeper, &layout.leader()).await?;
    make_shards(keeper, |shard| layout.agents(shard)).await?;
    make_shards(keeper, |shard| layout.assigns(shard)).await?;
    for (path, data) in [
        (layout.epoch(), json(&EpochEntry::default())),
        (layout.control(), json(&ControlEntry::default())),
    ] {
        if insist(keeper, || keeper.exists(&path)).await? {
            continue;
        }
        let node = Write::Create { path, data, life: Life::Persistent };
        let made = insist(keeper, || async {
            keeper.write(std::slice::from_ref(&node)).await.map_err(|failed| failed.error)
        });
        match made.await {
            Ok(_) | Err(KeeperError::NodeExists) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Makes the folders that are missing, in one write.
async fn make_shards(
    keeper: &dyn Keeper,
    path: impl Fn(usize) -> String,
) -> Result<(), KeeperError> {
    let first = path(0);
    let above = first.rsplit_once('/').map_or("", |(above, _)| above);
    make_folder(keeper, above).await?;
    loop {
        let (names, _) = insist(keeper, || keeper.children(above)).await?;
        let is_missing = |path: &String| {
            path.rsplit_once('/').is_some_and(|(_, name)| !names.iter().any(|n| n == name))
        };
        let missing: Vec<Write> =
            (0..SHARDS).map(&path).filter(is_missing).map(|path| Write::folder(&path)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        match keeper.write(&missing).await.map_err(|failed| failed.error) {
            // Another control makes them too, or we just have: look again.
            Ok(_) | Err(KeeperError::NodeExists | KeeperError::Disconnected) => {}
            Err(error) => return Err(error),
        }
    }
}

#[async_trait]
impl ControlSide for KeeperControl {
    fn membership(&self) -> watch::Receiver<Arc<Membership>> {
        self.shared.roll.membership()
    }

    fn leadership(&self) -> watch::Receiver<Leadership> {
        self.shared.leadership.subscribe()
    }

    async fn assign(&self, epoch: u64, batch: &[(String, Assignment)]) -> Result<(), CoordError> {
        batch.iter().try_for_each(|(name, _)| check_name(name))?;
        let (keeper, term) = self.shared.leading(epoch)?;
        let written = self.shared.bounded(self.writer(&*keeper, term).assign(batch)).await?;
        self.settle(written, epoch)
    }

    async fn assigned(&self) -> Result<BTreeMap<String, Assignment>, CoordError> {
        let keeper = self.shared.keeper()?;
        let read = self.shared.bounded(read_assigned(&*keeper, &self.shared.layout)).await?;
        read.map_err(|error| error.at(&self.shared.dial.address(), "the assignments"))
    }

    async fn forget(&self, epoch: u64, agents: &[String]) -> Result<(), CoordError> {
        agents.iter().try_for_each(|name| check_name(name))?;
        let (keeper, term) = self.shared.leading(epoch)?;
        let written = self.shared.bounded(self.writer(&*keeper, term).forget(agents)).await?;
        self.settle(written, epoch)
    }

    async fn tree(&self, path: &str) -> Result<Option<TreeNode>, CoordError> {
        let Some(full) = self.shared.layout.below(path) else { return Ok(None) };
        let keeper = self.shared.keeper()?;
        let read = self.shared.bounded(async {
            let (data, stat) = insist(&*keeper, || keeper.get(&full)).await?;
            let (children, _) = insist(&*keeper, || keeper.children(&full)).await?;
            Ok((data, stat, children))
        });
        let (data, stat, mut children) = match read.await? {
            Ok(node) => node,
            Err(KeeperError::NoNode) => return Ok(None),
            Err(error) => return Err(error.at(&self.shared.dial.address(), &full)),
        };
        children.sort();
        Ok(Some(TreeNode {
            path: format!("/{}", path.trim_matches('/')),
            data: String::from_utf8_lossy(&data).into_owned(),
            is_ephemeral: stat.owner != 0,
            version: stat.version.into(),
            children,
        }))
    }

    async fn leave(&self) {
        if let Some(task) = self.take_task() {
            task.abort();
            // Its last step must not come after ours.
            drop(task.await);
        }
        if let Some(keeper) = self.shared.retire() {
            // Where it does not answer, the session ends by itself.
            drop(keeper.close().await);
        }
    }
}
