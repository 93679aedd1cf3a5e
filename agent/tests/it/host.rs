//! A load host: an agent on a state folder of its own, with an engine that sends nothing.

use crate::control::{Control, PATIENCE};
use acp_agent::{Agent, AgentError, Settings};
use acp_coord::{ControlSide, Leadership, Model, ModelOptions};
use acp_wire::Report;
use acp_wire::agent::{ASSIGNMENT_SCHEMA, Assignment, Part, Share};
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// Name of every agent here.
pub(crate) const AGENT: &str = "host:1";

/// Parts begin so far ahead that none is late on a busy machine. The engines here do not wait for it.
const AHEAD_US: u64 = 600_000_000;

/// Settings of an agent on a folder, with the engine in that mode: `0 good`.
pub(crate) fn settings(folder: &TempDir, engine: &str) -> Settings {
    let report = folder.path().join("template.json");
    let mut template = Report::default();
    template.books.planned = 7;
    fs::write(&report, serde_json::to_vec(&template).unwrap()).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/engine.sh");
    let mut engine_arguments = vec![script.to_owned(), report.display().to_string()];
    engine_arguments.extend(engine.split(' ').map(str::to_owned));
    Settings {
        id: Some(AGENT.to_owned()),
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        state_folder: folder.path().join("state"),
        virtual_cores: Some(4),
        drain_time: Duration::from_millis(200),
        stop_time: Duration::from_secs(20),
        flush_time: Duration::from_secs(20),
        engine_program: Some("/bin/bash".into()),
        engine_arguments,
        ..Settings::default()
    }
}

/// A part that takes one core.
pub(crate) fn part(name: &str, plan: &str) -> Part {
    Part {
        part: name.to_owned(),
        run: name.split('.').next().unwrap().to_owned(),
        plan: plan.to_owned(),
        t0_unix_us: crate::control::now_unix_us() + AHEAD_US,
        share: Share::whole(4),
        cores: 1,
        changes: 0,
        change: None,
        stop: false,
    }
}

/// A load host with its control plane and coordinator.
pub(crate) struct Host {
    pub(crate) folder: TempDir,
    pub(crate) control: Control,
    pub(crate) model: Model,
    pub(crate) settings: Settings,
    pub(crate) plan: String,
    leader: Arc<dyn ControlSide>,
    epoch: u64,
    revision: u64,
    running: Option<(JoinHandle<Result<(), AgentError>>, CancellationToken)>,
}

impl Host {
    /// Everything but the agent.
    pub(crate) async fn new(engine: &str) -> Self {
        let control = Control::start().await;
        let model = Model::new(&ModelOptions::default());
        let leader = model.control(&control.url());
        let mut leadership = leader.leadership();
        let elected = leadership.wait_for(|state| matches!(state, Leadership::Leader { .. }));
        let epoch = timeout(PATIENCE, elected).await.unwrap().unwrap().epoch().unwrap();
        control.memory().epoch = epoch;
        let folder = tempfile::tempdir().unwrap();
        let settings = settings(&folder, engine);
        let plan = control.add_plan(b"{\"schema\":\"acp.plan/1\"}");
        Self { folder, control, model, settings, plan, leader, epoch, revision: 0, running: None }
    }

    /// With an agent that runs.
    pub(crate) async fn running(engine: &str) -> Self {
        let mut host = Self::new(engine).await;
        host.start().await;
        host
    }

    /// Starts the agent; its address.
    pub(crate) async fn start(&mut self) -> SocketAddr {
        let agent = Agent::bind(self.settings.clone()).await.unwrap();
        let address = agent.address().unwrap();
        let shutdown = CancellationToken::new();
        let coordinator = self.model.agent(AGENT);
        let running = tokio::spawn(agent.run(coordinator, shutdown.clone()));
        self.running = Some((running, shutdown));
        address
    }

    /// Tells the agent to leave.
    pub(crate) fn shut_down(&self) {
        self.running.as_ref().unwrap().1.cancel();
    }

    /// Waits until the agent has left.
    pub(crate) async fn left(&mut self) -> Result<(), AgentError> {
        let (running, _) = self.running.take().unwrap();
        timeout(PATIENCE, running).await.expect("the agent never left").unwrap()
    }

    /// Ends the agent as a crash would: nothing is handed over.
    pub(crate) async fn crash(&mut self) {
        let (running, _) = self.running.take().unwrap();
        running.abort();
        assert!(running.await.unwrap_err().is_cancelled());
        self.model.expire(AGENT);
    }

    /// Writes what the agent should be doing.
    pub(crate) async fn assign(&mut self, parts: &[Part]) {
        self.revision += 1;
        let assignment = Assignment {
            schema: ASSIGNMENT_SCHEMA.to_owned(),
            epoch: self.epoch,
            revision: self.revision,
            control: self.control.url(),
            parts: parts.to_vec(),
        };
        self.leader.assign(self.epoch, &[(AGENT.to_owned(), assignment)]).await.unwrap();
    }

    /// Agents that the coordinator knows.
    pub(crate) fn membership(&self) -> tokio::sync::watch::Receiver<Arc<acp_coord::Membership>> {
        self.leader.membership()
    }

    /// A part that takes one core.
    pub(crate) fn part(&self, name: &str) -> Part {
        part(name, &self.plan)
    }

    /// The folder of a part.
    pub(crate) fn part_folder(&self, name: &str) -> PathBuf {
        self.settings.state_folder.join("runs").join(name)
    }

    /// What the engine of a part wrote down: `pid`, `arguments`, `lines`. Empty: nothing yet.
    pub(crate) fn wrote(&self, name: &str, file: &str) -> String {
        fs::read_to_string(self.part_folder(name).join(file)).unwrap_or_default()
    }

    /// Waits for the number of the engine's process.
    pub(crate) async fn pid(&self, name: &str) -> u32 {
        until("the engine has a number", || self.wrote(name, "pid").ends_with('\n')).await;
        self.wrote(name, "pid").trim().parse().unwrap()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if let Some((running, _)) = &self.running {
            running.abort();
        }
    }
}

/// Waits until something is so.
pub(crate) async fn until(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "never came: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Whether a process is there and does something: one that is only remembered does nothing.
pub(crate) fn is_alive(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with(" Z"))
}

/// What an agent answers.
pub(crate) async fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: agent\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}
