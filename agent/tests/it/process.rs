//! Agents as processes of their own, registered by HTTP: frozen and killed.

use crate::control::Control;
use crate::host::{AGENT, is_alive, part, settings, until};
use acp_agent::Settings;
use acp_coord::{ControlSide, CoordSettings, DirectControl, DirectOptions, DirectSettings};
use acp_wire::agent::{ASSIGNMENT_SCHEMA, Assignment, Part, PartState, Registration};
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::Deserialize;
use std::process::{Child, Command};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// Settings of [`agent_process`].
const SETTINGS: &str = "ACP_TEST_AGENT";
/// Of the direct coordinator.
const SESSION_TIMEOUT: Duration = Duration::from_secs(3);
const EPOCH: u64 = 1;

#[tokio::test]
#[ignore = "it is the agent of the other tests here, not a test"]
async fn agent_process() {
    let settings = Settings::from_toml(&std::env::var(SETTINGS).unwrap()).unwrap();
    acp_agent::run(settings, CancellationToken::new()).await.unwrap();
}

/// A control plane with direct coordination, and agents that are processes.
struct World {
    folder: TempDir,
    settings: Settings,
    control: Control,
    direct: Arc<DirectControl>,
    revision: u64,
}

impl World {
    async fn new() -> Self {
        let direct = DirectControl::start(DirectOptions {
            epoch: EPOCH,
            session_timeout: SESSION_TIMEOUT,
            settle: Duration::ZERO,
        });
        let control = Control::start_with(routes(direct.clone())).await;
        control.memory().epoch = EPOCH;
        control.memory().lease = Duration::from_secs(2);
        let folder = tempfile::tempdir().unwrap();
        let mut settings = settings(&folder, "0 good");
        settings.control = vec![control.url()];
        let timeout_ms = u64::try_from(SESSION_TIMEOUT.as_millis()).unwrap();
        settings.coord = CoordSettings::Direct(DirectSettings {
            session_timeout_ms: timeout_ms,
            ..DirectSettings::default()
        });
        Self { folder, settings, control, direct, revision: 0 }
    }

    fn start(&self) -> Process {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["process::agent_process", "--exact", "--ignored", "--nocapture"])
            .env(SETTINGS, toml::to_string(&self.settings).unwrap())
            .spawn()
            .unwrap();
        Process(child)
    }

    async fn assign(&mut self, parts: Vec<Part>) {
        self.revision += 1;
        let assignment = Assignment {
            schema: ASSIGNMENT_SCHEMA.to_owned(),
            epoch: EPOCH,
            revision: self.revision,
            control: self.control.url(),
            parts,
        };
        self.direct.assign(EPOCH, &[(AGENT.to_owned(), assignment)]).await.unwrap();
    }

    /// Starts a part and gives the number of its engine's process.
    async fn run_part(&mut self) -> u32 {
        let plan = self.control.add_plan(b"{}");
        self.assign(vec![part("r.0", &plan)]).await;
        self.control.wait("it runs", |memory| memory.frames("r.0") > 3).await;
        self.wrote("pid").trim().parse().unwrap()
    }

    fn wrote(&self, file: &str) -> String {
        let folder = self.settings.state_folder.join("runs/r.0");
        std::fs::read_to_string(folder.join(file)).unwrap_or_default()
    }
}

/// An agent's process, ended when it is dropped.
struct Process(Child);

impl Process {
    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.0.id()).unwrap()), signal).unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[tokio::test]
async fn a_frozen_agent_leaves_no_load_behind_and_hands_over_when_it_thaws() {
    let mut world = World::new().await;
    let agent = world.start();
    let engine = world.run_part().await;
    agent.signal(Signal::SIGSTOP);
    until("the engine's lease ends", || !is_alive(engine)).await;
    assert!(world.wrote("lines").ends_with("over\n"), "by itself: nobody told it to");
    agent.signal(Signal::SIGCONT);
    world.control.wait("it is told", |memory| memory.has_state("r.0", PartState::Failed)).await;
    let memory = world.control.memory();
    assert_eq!(memory.part("r.0").unwrap().text, "the agent's lease was over");
    assert!(!memory.has_last("r.0"), "others are to go on with it");
}

#[tokio::test]
async fn a_killed_agent_leaves_no_load_behind_and_no_frame_is_lost() {
    let mut world = World::new().await;
    world.control.memory().stores = false;
    let agent = world.start();
    let engine = world.run_part().await;
    agent.signal(Signal::SIGKILL);
    drop(agent);
    until("the engine ends", || !is_alive(engine)).await;
    {
        // What control had and had not stored is gone with it.
        let mut memory = world.control.memory();
        memory.parts.clear();
        memory.statuses.clear();
        memory.stores = true;
    }
    let _agent = world.start();
    world.control.wait("frames are there", |memory| memory.frames("r.0") > 3).await;
    world.control.wait("it is told", |memory| memory.has_state("r.0", PartState::Failed)).await;
    assert_eq!(world.wrote("pid").trim(), engine.to_string(), "it is not started again");
    assert!(world.folder.path().exists());
    {
        let memory = world.control.memory();
        let count = u64::try_from(memory.frames("r.0")).unwrap();
        assert_eq!(memory.parts["r.0"].memory, (0..count).collect::<Vec<_>>(), "no hole");
    }
    world.assign(Vec::new()).await;
    until("it is forgotten", || world.wrote("pid").is_empty()).await;
}

#[derive(Deserialize)]
struct Who {
    agent: String,
    session: String,
    #[serde(default)]
    after: u64,
    #[serde(default)]
    wait_s: u64,
}

fn routes(direct: Arc<DirectControl>) -> Router {
    Router::new()
        .route("/agent/v1/register", post(register).delete(deregister))
        .route("/agent/v1/assignment", get(assignment))
        .with_state(direct)
}

async fn register(
    State(direct): State<Arc<DirectControl>>,
    Json(registration): Json<Registration>,
) -> Response {
    match direct.register(registration) {
        Ok(registered) => Json(registered).into_response(),
        Err(error) => {
            let (status, body) = acp_coord::problem(&error);
            (StatusCode::from_u16(status).unwrap(), Json(body)).into_response()
        }
    }
}

async fn deregister(
    State(direct): State<Arc<DirectControl>>,
    Query(who): Query<Who>,
) -> StatusCode {
    direct.deregister(&who.agent, &who.session);
    StatusCode::NO_CONTENT
}

async fn assignment(State(direct): State<Arc<DirectControl>>, Query(who): Query<Who>) -> Response {
    let wait = Duration::from_secs(who.wait_s.min(1));
    match direct.assignment_after(&who.agent, &who.session, who.after, wait).await {
        Ok(Some(assignment)) => Json(&*assignment).into_response(),
        Ok(None) => StatusCode::NO_CONTENT.into_response(),
        Err(_) => StatusCode::GONE.into_response(),
    }
}
