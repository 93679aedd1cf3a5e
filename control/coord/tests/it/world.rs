//! A coordinator with clients that can be cut off: what the cases of the suite run in.

use crate::http::{Server, TOKEN};
use crate::wire::Wire;
use acp_coord::{
    AgentSide, ControlSide, CoordSettings, DirectControl, DirectOptions, DirectSettings,
    Leadership, Membership, Model, ModelOptions, Secret, Session, SessionState, ZooKeeperSettings,
    connect_agent, connect_control,
};
use acp_wire::agent::{ASSIGNMENT_SCHEMA, AgentInfo, Assignment};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;

/// Longest wait for anything. Nothing that works comes near it.
pub(crate) const LIMIT: Duration = Duration::from_secs(120);

/// A coordinator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Model,
    ZooKeeper,
    Direct,
}

/// One coordinator, used by one case.
pub(crate) enum World {
    Model(Model),
    ZooKeeper { server: String, root: String, wires: Wires },
    Direct { control: Arc<DirectControl>, server: Server, wires: Wires },
}

/// Wires by the name of their client.
pub(crate) type Wires = Mutex<HashMap<String, Wire>>;

impl World {
    pub(crate) async fn direct() -> Self {
        let control = DirectControl::start(DirectOptions {
            epoch: 1_000,
            session_timeout: Duration::from_secs(3),
            settle: Duration::ZERO,
        });
        let server = Server::start(control.clone()).await;
        Self::Direct { control, server, wires: Wires::default() }
    }

    pub(crate) fn model() -> Self {
        Self::Model(Model::new(&ModelOptions::default()))
    }

    /// Below a root of its own.
    pub(crate) fn zookeeper(server: &str, root: &str) -> Self {
        let (server, root) = (server.to_string(), root.to_string());
        Self::ZooKeeper { server, root, wires: Wires::default() }
    }

    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Model(_) => Kind::Model,
            Self::ZooKeeper { .. } => Kind::ZooKeeper,
            Self::Direct { .. } => Kind::Direct,
        }
    }

    pub(crate) fn session_timeout(&self) -> Duration {
        match self {
            Self::Model(_) => ModelOptions::default().session_timeout,
            Self::ZooKeeper { .. } | Self::Direct { .. } => Duration::from_secs(3),
        }
    }

    /// An agent on a wire of its own.
    pub(crate) async fn agent(&self, client: &str) -> Arc<dyn AgentSide> {
        self.agent_with(client, "secret", TOKEN).await
    }

    /// An agent with other credentials.
    pub(crate) async fn stranger(&self) -> Arc<dyn AgentSide> {
        self.agent_with("stranger", "wrong", "wrong").await
    }

    async fn agent_with(&self, client: &str, password: &str, token: &str) -> Arc<dyn AgentSide> {
        match self {
            Self::Model(model) => model.agent(client),
            Self::ZooKeeper { .. } => {
                connect_agent(&self.settings(client, password).await).unwrap()
            }
            Self::Direct { server, wires, .. } => {
                let address = wire(wires, client, server.address.to_string()).await;
                let settings = CoordSettings::Direct(DirectSettings {
                    session_timeout_ms: 3_000,
                    controls: vec![format!("http://{address}")],
                    token: Some(Secret(token.to_string())),
                    ..DirectSettings::default()
                });
                connect_agent(&settings).unwrap()
            }
        }
    }

    /// A control on a wire of its own; in direct mode, the one that there is.
    pub(crate) async fn control(&self, address: &str) -> Arc<dyn ControlSide> {
        match self {
            Self::Model(model) => model.control(address),
            Self::ZooKeeper { .. } => {
                let settings = self.settings(address, "secret").await;
                connect_control(&settings, address, 0).await.unwrap().side
            }
            Self::Direct { control, .. } => control.clone(),
        }
    }

    async fn settings(&self, client: &str, password: &str) -> CoordSettings {
        let Self::ZooKeeper { server, root, wires } = self else { unreachable!() };
        CoordSettings::ZooKeeper(ZooKeeperSettings {
            connect: wire(wires, client, server.clone()).await,
            root: root.clone(),
            session_timeout_ms: 3_000,
            jitter_ms: 0,
            user: Some("acp".to_string()),
            password: Some(Secret(password.to_string())),
            password_file: None,
        })
    }

    pub(crate) fn cut(&self, client: &str) {
        match self {
            Self::Model(model) => model.partition(client),
            Self::ZooKeeper { wires, .. } | Self::Direct { wires, .. } => {
                wires.lock().unwrap()[client].cut(true);
            }
        }
    }

    pub(crate) fn heal(&self, client: &str) {
        match self {
            Self::Model(model) => model.heal(),
            Self::ZooKeeper { wires, .. } | Self::Direct { wires, .. } => {
                wires.lock().unwrap()[client].cut(false);
            }
        }
    }
}

/// The client's wire, made on first use.
async fn wire(wires: &Wires, client: &str, server: String) -> String {
    let new = Wire::to(server).await;
    let mut wires = wires.lock().unwrap();
    wires.entry(client.to_string()).or_insert(new).address().to_string()
}

pub(crate) fn info(agent: &str, host: &str) -> AgentInfo {
    AgentInfo {
        agent: agent.to_string(),
        host: host.to_string(),
        version: "1.2.3".to_string(),
        cores: 8,
        protocols: vec!["http".to_string()],
        labels: [("zone".to_string(), "a".to_string())].into(),
        address: "127.0.0.1:7001".to_string(),
    }
}

pub(crate) fn assignment(epoch: u64, revision: u64) -> Assignment {
    Assignment {
        schema: ASSIGNMENT_SCHEMA.to_string(),
        epoch,
        revision,
        control: "http://127.0.0.1:1".to_string(),
        parts: Vec::new(),
    }
}

/// Waits for a state.
pub(crate) async fn until<T: Clone>(
    what: &str,
    states: &watch::Receiver<T>,
    is_it: impl FnMut(&T) -> bool,
) -> T {
    let mut states = states.clone();
    match timeout(LIMIT, states.wait_for(is_it)).await {
        Ok(Ok(state)) => state.clone(),
        Ok(Err(_)) => panic!("no more states; waited for: {what}"),
        Err(_) => panic!("waited in vain for: {what}"),
    }
}

pub(crate) async fn until_leader(control: &dyn ControlSide) -> u64 {
    let state = until("to lead", &control.leadership(), |state| state.epoch().is_some()).await;
    state.epoch().unwrap()
}

pub(crate) async fn until_follower(control: &dyn ControlSide, leader: &str) {
    let expect = Leadership::Follower { leader: leader.to_string() };
    until(&format!("to follow {leader}"), &control.leadership(), |state| *state == expect).await;
}

/// Waits for a current membership of exactly these.
pub(crate) async fn until_members(control: &dyn ControlSide, names: &[&str]) -> Arc<Membership> {
    let what = format!("members {names:?}");
    let membership = control.membership();
    until(&what, &membership, |state| state.is_current && state.agents.keys().eq(names)).await
}

pub(crate) async fn until_revision(session: &Session, revision: u64) -> Arc<Assignment> {
    let what = format!("revision {revision}");
    let is_it = |state: &Option<Arc<Assignment>>| {
        state.as_ref().is_some_and(|assignment| assignment.revision == revision)
    };
    until(&what, &session.assignment, is_it).await.unwrap()
}

pub(crate) async fn until_state(session: &Session, expect: SessionState) {
    // The sender may be gone with the last state.
    if *session.state.borrow() != expect {
        until(&format!("{expect:?}"), &session.state, |state| *state == expect).await;
    }
}
