//! What every handler works on.

use super::live::LiveRuns;
use super::peaks::Peaks;
use super::statuses::Statuses;
use super::turns::Turns;
use crate::auth::{Attempts, BindError, Identity, Passwords, TargetError, Targets, check_bind};
use crate::clock::Clock;
use crate::schedule::SchedulerSettings;
use crate::settings::ApiSettings;
use crate::store::{AuditRecord, Store};
use acp_coord::{ControlSide, DirectControl};
use acp_wire::agent::{Contact, FrameBatch, Status};
use async_trait::async_trait;
use std::net::SocketAddr;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock};
use thiserror::Error;
use tokio::sync::{Mutex, Notify, Semaphore};
use tokio_util::sync::CancellationToken;

/// Where messages of agents go.
#[async_trait]
pub trait AgentDesk: Send + Sync {
    /// Takes frames and says how far they are stored.
    async fn frames(&self, batch: &FrameBatch) -> Contact;
    /// Takes the state of an agent and its parts.
    async fn status(&self, status: &Status) -> Contact;
}

/// Why the API cannot be served.
#[derive(Debug, Error)]
pub enum ApiStartError {
    /// It must not be open there.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The allow list cannot be read.
    #[error(transparent)]
    Targets(#[from] TargetError),
    /// The socket is broken.
    #[error("failed to serve the API")]
    Serve(#[source] std::io::Error),
}

/// What the API is built from.
pub struct AppParts {
    /// What control remembers.
    pub store: Arc<dyn Store>,
    /// Who is alive, who leads.
    pub coord: Arc<dyn ControlSide>,
    /// The coordinator in words: `direct`, `zookeeper at 10.0.0.1:2181`.
    pub coordinator: String,
    /// The direct coordinator, where agents register by HTTP.
    pub direct: Option<Arc<DirectControl>>,
    /// Where messages of agents go.
    pub desk: Arc<dyn AgentDesk>,
    /// Time.
    pub clock: Clock,
    /// Wakes the scheduler.
    pub nudge: Arc<Notify>,
    /// From a live change to the moment it takes effect on every agent.
    pub change_delay_us: u64,
    /// How the scheduler chooses agents, to say beforehand what it would do.
    pub schedule: SchedulerSettings,
    /// Settings.
    pub settings: ApiSettings,
    /// Ends streams and the server.
    pub stop: CancellationToken,
}

/// What every handler works on.
pub struct App {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) coord: Arc<dyn ControlSide>,
    pub(crate) coordinator: String,
    pub(crate) direct: Option<Arc<DirectControl>>,
    pub(crate) desk: Arc<dyn AgentDesk>,
    pub(crate) clock: Clock,
    pub(crate) nudge: Arc<Notify>,
    pub(crate) change_delay_us: u64,
    pub(crate) schedule: SchedulerSettings,
    pub(crate) settings: ApiSettings,
    pub(crate) stop: CancellationToken,
    pub(crate) targets: Targets,
    pub(crate) passwords: Passwords,
    pub(crate) attempts: Attempts,
    pub(crate) statuses: Statuses,
    pub(crate) live: LiveRuns,
    pub(crate) streams: Arc<Semaphore>,
    pub(crate) peaks: Arc<Peaks>,
    /// Each reads every second of its runs.
    pub(crate) comparisons: Turns,
    /// Each reads every second of a run.
    pub(crate) serieses: Turns,
    pub(crate) plan_checks: Turns,
    /// Lists of tasks whose plans are not known yet.
    pub(crate) listings: Turns,
    pub(crate) frames_taken: AtomicU64,
    /// One start or rate change at a time, so that two do not share the rest of a ceiling.
    pub(crate) admission: Mutex<()>,
    /// Where the server listens, once it does.
    pub(crate) bound: OnceLock<SocketAddr>,
    pub(crate) openapi: OnceLock<String>,
}

impl App {
    /// Puts the parts together and checks the settings.
    ///
    /// # Errors
    ///
    /// When the settings would leave the API open to everybody, or cannot be read.
    pub fn new(parts: AppParts) -> Result<Arc<Self>, ApiStartError> {
        let settings = parts.settings;
        check_bind(settings.listen, settings.auth)?;
        match &settings.agent_token {
            None if settings.auth => return Err(BindError::NoAgentToken.into()),
            Some(token) if token.reveal().len() < 16 => {
                return Err(BindError::WeakAgentToken.into());
            }
            _ => {}
        }
        Ok(Arc::new(Self {
            targets: Targets::new(&settings.targets)?,
            streams: Arc::new(Semaphore::new(settings.event_streams_max)),
            peaks: Arc::default(),
            comparisons: Turns::new("comparisons", 2),
            serieses: Turns::new("series", 4),
            plan_checks: Turns::new("plans", 2),
            listings: Turns::new("lists of tasks", 2),
            store: parts.store,
            coord: parts.coord,
            coordinator: parts.coordinator,
            direct: parts.direct,
            desk: parts.desk,
            clock: parts.clock,
            nudge: parts.nudge,
            change_delay_us: parts.change_delay_us,
            schedule: parts.schedule,
            settings,
            stop: parts.stop,
            passwords: Passwords::default(),
            attempts: Attempts::default(),
            statuses: Statuses::default(),
            live: LiveRuns::default(),
            frames_taken: AtomicU64::new(0),
            admission: Mutex::new(()),
            bound: OnceLock::new(),
            openapi: OnceLock::new(),
        }))
    }

    /// Writes down who has done what. The write itself has happened by then: where this fails, the
    /// log has it.
    pub(crate) async fn audit(&self, who: &Caller, action: &str, subject: &str, text: &str) {
        let record = AuditRecord {
            at_unix_us: self.clock.now_unix_us(),
            by: who.identity.name.clone(),
            address: who.address.clone(),
            action: action.into(),
            subject: subject.into(),
            text: text.into(),
        };
        if let Err(error) = self.store.add_audit(&record).await {
            tracing::error!("failed to write down {record:?}: {error}");
        }
    }
}

/// Who sends a request, and from where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Who.
    pub identity: Identity,
    /// From where: an IP address.
    pub address: String,
}
