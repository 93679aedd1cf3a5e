//! The agent as a whole: what it holds while it lives, and its life from start to end.

use crate::AgentError;
use crate::client::Client;
use crate::cores::Cores;
use crate::daemon::Daemon;
use crate::http;
use crate::membership::{Word, keep_registered};
use crate::metrics::Snapshot;
use crate::settings::{Settings, is_agent_name};
use acp_coord::AgentSide;
use acp_wire::agent::AgentInfo;
use std::fs::{File, TryLockError};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// How long an agent that leaves waits for its coordinator.
const DEREGISTER_TIMEOUT: Duration = Duration::from_secs(3);

/// Takes address and state folder, connects to the coordinator of the settings, and works until
/// `shutdown`.
///
/// # Errors
///
/// See [`Agent::bind`] and [`Agent::run`].
pub async fn run(settings: Settings, shutdown: CancellationToken) -> Result<(), AgentError> {
    let coordinator = acp_coord::connect_agent(&settings.coordinator())
        .map_err(|source| AgentError::Register { source })?;
    Agent::bind(settings).await?.run(coordinator, shutdown).await
}

/// An agent that has its address and its state folder, and nobody else has.
#[derive(Debug)]
pub struct Agent {
    settings: Settings,
    info: AgentInfo,
    cores: Cores,
    listener: TcpListener,
    /// Held, not read: the lock ends with the process, however it ends.
    _lock: File,
}

impl Agent {
    /// Takes the address and the state folder.
    ///
    /// # Errors
    ///
    /// When the settings cannot be used, or another agent has either.
    pub async fn bind(settings: Settings) -> Result<Self, AgentError> {
        settings.check()?;
        let cores = Cores::offer(&settings)?;
        let listen = |source| AgentError::Listen { address: settings.listen, source };
        let listener = TcpListener::bind(settings.listen).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let lock = lock(&settings.state_folder)?;
        let host = host_name();
        let agent = settings.id.clone().unwrap_or_else(|| format!("{host}:{}", address.port()));
        if !is_agent_name(&agent) {
            return Err(AgentError::Settings(format!(
                "`{agent}` cannot be the name of an agent\nhint: give it one with `id`"
            )));
        }
        let is_any = address.ip().is_unspecified();
        let info = AgentInfo {
            agent,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            cores: cores.total(),
            protocols: vec!["http".to_owned(), "https".to_owned()],
            labels: settings.labels.clone(),
            address: if is_any {
                format!("{host}:{}", address.port())
            } else {
                address.to_string()
            },
            host,
        };
        Ok(Self { settings, info, cores, listener, _lock: lock })
    }

    /// Who it is and what it offers.
    #[must_use]
    pub fn info(&self) -> &AgentInfo {
        &self.info
    }

    /// Where its `/metrics` and `/healthz` are.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Works until `shutdown`, then drains: waits for running parts, stops them, hands over the last
    /// frames, deregisters.
    ///
    /// # Errors
    ///
    /// When the coordinator refuses it for good, or the state folder cannot be used.
    pub async fn run(
        self,
        coordinator: Arc<dyn AgentSide>,
        shutdown: CancellationToken,
    ) -> Result<(), AgentError> {
        let http = |source| AgentError::Http { source };
        let client = Client::new(self.settings.token.clone()).map_err(http)?;
        let (word_sender, word) = watch::channel(Word::default());
        let (snapshot_sender, snapshot) = watch::channel(Snapshot::default());
        let daemon = Daemon::open(
            self.settings,
            self.info.clone(),
            self.cores,
            client,
            Arc::clone(&coordinator),
            snapshot_sender,
        )?;
        let registering = keep_registered(Arc::clone(&coordinator), self.info, word_sender);
        let ended = tokio::select! {
            () = daemon.run(word, shutdown) => Ok(()),
            refused = registering => refused.map_err(|source| AgentError::Register { source }),
            served = http::serve(self.listener, snapshot) => {
                // It ends only where the system takes the listening socket away.
                tracing::error!("the agent's own HTTP has ended: {served:?}");
                Ok(())
            }
        };
        let left = tokio::time::timeout(DEREGISTER_TIMEOUT, coordinator.deregister()).await;
        match left {
            Ok(Ok(())) => tracing::info!("deregistered"),
            Ok(Err(error)) => tracing::warn!("failed to deregister: {error}"),
            Err(_) => tracing::warn!("failed to deregister: the coordinator does not answer"),
        }
        ended
    }
}

/// Makes the state folder and locks it for the life of this process.
fn lock(state_folder: &Path) -> Result<File, AgentError> {
    let path = state_folder.join("agent.lock");
    let failed = |source| AgentError::StateFolder { path: path.clone(), source };
    std::fs::create_dir_all(state_folder).map_err(failed)?;
    let file = File::create(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(AgentError::Locked { path: state_folder.to_path_buf() })
        }
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

/// Letters of a host name that a name of an agent cannot have become `-`.
fn host_name() -> String {
    let name = nix::unistd::gethostname().unwrap_or_default();
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
    let name: String = name
        .to_string_lossy()
        .chars()
        .map(|letter| if is_part(letter) { letter } else { '-' })
        .take(58)
        .collect();
    if name.is_empty() { "localhost".to_owned() } else { name }
}
