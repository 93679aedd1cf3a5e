//! A control plane from its settings: what is built in which order, and how it ends.

mod desk;
mod lock;
mod settings;

pub use settings::ControlSettings;

use crate::api::{self, ApiStartError, App, AppParts};
use crate::auth::{BindError, check_bind};
use crate::clock::Clock;
use crate::contacts::Contacts;
use crate::ingest::Ingest;
use crate::schedule::Scheduler;
use crate::store::{self, Retention, Store, StoreError};
use acp_coord::{ControlSide, CoordError, CoordSettings, connect_control};
use desk::Desk;
use lock::StoreLock;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

/// How often old records are looked for.
const HOUSE_EVERY: Duration = Duration::from_secs(600);
/// How often samples of hosts are stored.
const SAMPLES_EVERY: Duration = Duration::from_secs(5);
/// How long a control that ends waits for its tasks.
const END_TIMEOUT: Duration = Duration::from_secs(10);

/// Why a control plane could not be started.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "each variant is its message")]
pub enum LaunchError {
    #[error(transparent)]
    Bind(#[from] BindError),
    #[error(
        "failed to listen on `{address}`: {source}\nhint: is another acp running? choose an address with --listen"
    )]
    Listen { address: SocketAddr, source: std::io::Error },
    #[error("failed to make the data folder `{path}`\nhint: choose another with --data")]
    DataFolder { path: PathBuf, source: std::io::Error },
    #[error("failed to lock `{path}`\nhint: choose another folder with --data")]
    Lock { path: PathBuf, source: std::io::Error },
    #[error(
        "another control uses `{path}`: in direct mode one control has the records for itself\nhint: end it, or choose another folder with --data; several controls share records in zookeeper mode"
    )]
    InUse { path: PathBuf },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Coord(#[from] CoordError),
    #[error(transparent)]
    Api(#[from] ApiStartError),
    #[error("{0}")]
    Admin(String),
    #[error("a task of control ended by itself: {0}")]
    Task(String),
}

/// A control plane that runs.
pub struct Control {
    address: SocketAddr,
    server: JoinHandle<Result<(), ApiStartError>>,
    tasks: JoinSet<()>,
    stop: CancellationToken,
    coord: Arc<dyn ControlSide>,
    /// Held, not read: nobody else takes our runs before our tasks have ended.
    _lock: Option<StoreLock>,
}

impl Control {
    /// Where the API and the page are.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits for the end: until the token given to [`start`] is cancelled.
    ///
    /// # Errors
    ///
    /// When the API's socket broke, or a task of control ended by itself: the rest is ended then.
    pub async fn wait(mut self) -> Result<(), LaunchError> {
        let mut served = None;
        let failure = tokio::select! {
            biased;
            () = self.stop.cancelled() => None,
            ended = &mut self.server => {
                served = Some(ended);
                None
            }
            Some(ended) = self.tasks.join_next() => {
                Some(ended.err().map_or("it had nothing more to do".into(), |e| e.to_string()))
            }
        };
        self.stop.cancel();
        let served = match served {
            Some(served) => served,
            None => self.server.await,
        };
        let rest = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(END_TIMEOUT, rest).await.is_err() {
            tracing::warn!("tasks of control did not end in time");
        }
        self.coord.leave().await;
        match (failure, served) {
            (Some(failure), _) => Err(LaunchError::Task(failure)),
            (None, Ok(result)) => Ok(result?),
            (None, Err(error)) => Err(LaunchError::Task(error.to_string())),
        }
    }
}

/// Starts a control plane; it ends when `stop` is cancelled.
///
/// # Errors
///
/// When the address, the data folder, the database or the coordinator cannot be used.
pub async fn start(
    mut settings: ControlSettings,
    stop: CancellationToken,
) -> Result<Control, LaunchError> {
    check_bind(settings.api.listen, settings.api.auth)?;
    std::fs::create_dir_all(&settings.data_folder)
        .map_err(|source| LaunchError::DataFolder { path: settings.data_folder.clone(), source })?;
    // Before the address: who comes second must not look like one who is up.
    let lock = match settings.coord {
        CoordSettings::Direct(_) => Some(StoreLock::take(&settings)?),
        CoordSettings::ZooKeeper(_) => None,
    };
    let listen = |source| LaunchError::Listen { address: settings.api.listen, source };
    let listener = TcpListener::bind(settings.api.listen).await.map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    settings.api.listen = address;
    settings.schedule.control = settings.address_for_agents(address);
    warn_of_loopback(&settings, address);

    let clock = Clock::new();
    let store = store::open(&settings.store_url()).await?;
    let active = store.active_runs().await?;
    settings.expect_agents_back(!active.is_empty());
    let epoch_floor = active.iter().map(|run| run.epoch.saturating_add(1)).max().unwrap_or(0);
    let coord = connect_control(&settings.coord, &settings.schedule.control, epoch_floor).await?;
    let contacts = Arc::new(Contacts::new(settings.schedule.lease_us));
    let ingest = Arc::new(Ingest::new(Arc::clone(&store), clock));
    let nudge = Arc::new(Notify::new());
    let desk = Arc::new(Desk::new(
        Arc::clone(&contacts),
        Arc::clone(&ingest),
        Arc::clone(&coord.side),
        clock,
        Arc::clone(&nudge),
    ));
    let app = App::new(AppParts {
        store: Arc::clone(&store),
        coord: Arc::clone(&coord.side),
        coordinator: settings.coordinator_in_words(),
        direct: coord.direct.clone(),
        desk: Arc::clone(&desk) as Arc<dyn api::AgentDesk>,
        clock,
        nudge: Arc::clone(&nudge),
        change_delay_us: settings.schedule.change_delay_us,
        schedule: settings.schedule.clone(),
        settings: settings.api.clone(),
        stop: stop.clone(),
    })?;
    let scheduler = Scheduler::new(
        Arc::clone(&store),
        Arc::clone(&coord.side),
        contacts,
        Arc::clone(&ingest) as Arc<dyn crate::schedule::IngestView>,
        clock,
        settings.schedule.clone(),
    );
    let mut tasks = JoinSet::new();
    tasks.spawn(scheduler.run(nudge, stop.clone()));
    tasks.spawn(ingest.run(stop.clone()));
    tasks.spawn(store_samples(desk, Arc::clone(&store), stop.clone()));
    tasks.spawn(keep_house(
        store,
        Arc::clone(&coord.side),
        settings.retention,
        clock,
        stop.clone(),
    ));
    let server = tokio::spawn(api::serve(listener, app));
    tracing::info!(%address, "control is up");
    Ok(Control { address, server, tasks, stop, coord: coord.side, _lock: lock })
}

/// Says so where agents on other hosts would be told an address that leads to themselves.
fn warn_of_loopback(settings: &ControlSettings, bound: SocketAddr) {
    if settings.is_out_of_reach(bound) {
        tracing::warn!(
            "agents are told to reach this control at `{}`, which only this host can; hint: listen on another address, or set `advertise`",
            settings.schedule.control
        );
    }
}

/// Makes an administrator, or gives one a new password, in the database of `settings`.
///
/// # Errors
///
/// When the database cannot be used, or the name or the password is not good enough.
pub async fn make_admin(
    settings: &ControlSettings,
    name: &str,
    password: &str,
) -> Result<(), LaunchError> {
    let store = store::open(&settings.store_url()).await?;
    api::put_admin(store.as_ref(), Clock::new(), name, password).await.map_err(LaunchError::Admin)
}

/// Stores what hosts were like, in batches.
async fn store_samples(desk: Arc<Desk>, store: Arc<dyn Store>, stop: CancellationToken) {
    while !has_stopped(&stop, SAMPLES_EVERY).await {
        let samples = desk.take_samples();
        if samples.is_empty() {
            continue;
        }
        if let Err(error) = store.add_host_samples(&samples).await {
            tracing::warn!(%error, "samples of {} hosts are lost", samples.len());
        }
    }
}

/// The leader rolls up and deletes what is old.
async fn keep_house(
    store: Arc<dyn Store>,
    coord: Arc<dyn ControlSide>,
    retention: Retention,
    clock: Clock,
    stop: CancellationToken,
) {
    let leadership = coord.leadership();
    while !has_stopped(&stop, HOUSE_EVERY).await {
        if leadership.borrow().epoch().is_none() {
            continue;
        }
        match store.keep_house(&retention, clock.now_unix_us()).await {
            Ok(0) => {}
            Ok(rows) => tracing::info!("old records: {rows} rows less"),
            Err(error) => tracing::warn!(%error, "old records stay for now"),
        }
    }
}

/// Waits; whether it was told to stop meanwhile.
async fn has_stopped(stop: &CancellationToken, time: Duration) -> bool {
    tokio::time::timeout(time, stop.cancelled()).await.is_ok()
}
