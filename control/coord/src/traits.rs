//! The two sides of a coordinator.

use crate::CoordError;
use acp_wire::agent::{AgentInfo, Assignment};
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::watch;

/// State of an agent's session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionState {
    /// The coordinator answers.
    Connected,
    /// It does not answer now; the session may still live.
    Suspended,
    /// It is over: others have seen the agent go. Register again.
    Expired,
}

/// A registered agent. Dropping it does not end it at once: [`AgentSide::deregister`] does.
#[derive(Clone, Debug)]
pub struct Session {
    /// What the agent should be doing, the newest state; none before the first assignment.
    ///
    /// Revisions only grow, and an assignment with an older epoch than one seen before is never
    /// shown. States in between may be skipped.
    pub assignment: watch::Receiver<Option<Arc<Assignment>>>,
    /// State of the session. Once [`SessionState::Expired`], it stays so.
    pub state: watch::Receiver<SessionState>,
}

/// What an agent asks of a coordinator.
#[async_trait]
pub trait AgentSide: Send + Sync {
    /// Makes the agent known until its session ends. After an expired session: call it again.
    ///
    /// # Errors
    ///
    /// When the coordinator cannot be reached or refuses, or another agent has the name.
    async fn register(&self, info: &AgentInfo) -> Result<Session, CoordError>;

    /// Ends the session: others see the agent go at once.
    ///
    /// # Errors
    ///
    /// When the coordinator cannot be reached; the session ends by itself then.
    async fn deregister(&self) -> Result<(), CoordError>;

    /// Address of the control plane that leads (`http://host:port`), as far as it is known.
    async fn control_address(&self) -> Option<String>;
}

/// Who is registered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Membership {
    /// Every agent, by name.
    pub agents: BTreeMap<String, AgentInfo>,
    /// Whether this is what the coordinator says now. False while it cannot be reached: then an agent
    /// that is missing may be well, and one that is listed may be gone.
    pub is_current: bool,
}

/// Who leads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Leadership {
    /// Nobody that we know of.
    #[default]
    Unknown,
    /// Somebody else, at this address.
    Follower {
        /// Address of the leader's API.
        leader: String,
    },
    /// We do, until this changes.
    Leader {
        /// Grows with every leader.
        epoch: u64,
    },
}

impl Leadership {
    /// Our epoch, while we lead.
    #[must_use]
    pub fn epoch(&self) -> Option<u64> {
        match self {
            Self::Leader { epoch } => Some(*epoch),
            Self::Unknown | Self::Follower { .. } => None,
        }
    }
}

/// A node of the coordinator's tree, for people to look at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TreeNode {
    /// Its path, below the root of acp.
    pub path: String,
    /// What it holds, as text.
    pub data: String,
    /// It lives only as long as the session that made it.
    pub is_ephemeral: bool,
    /// Version of its data.
    pub version: i64,
    /// Names of its children, sorted.
    pub children: Vec<String>,
}

/// What a control plane asks of a coordinator.
#[async_trait]
pub trait ControlSide: Send + Sync {
    /// Who is registered: the newest state.
    fn membership(&self) -> watch::Receiver<Arc<Membership>>;

    /// Who leads: the newest state. A control takes part in the election from its start.
    fn leadership(&self) -> watch::Receiver<Leadership>;

    /// Writes assignments, many at once. Either all of a chunk of about 100 are written or none; on an
    /// error the caller reads [`Self::assigned`] and writes again what is not there.
    ///
    /// # Errors
    ///
    /// [`CoordError::StaleLeader`] when a newer leader has taken over.
    async fn assign(&self, epoch: u64, batch: &[(String, Assignment)]) -> Result<(), CoordError>;

    /// What is written for each agent, whether it is registered or not.
    ///
    /// # Errors
    ///
    /// When the coordinator cannot be reached.
    async fn assigned(&self) -> Result<BTreeMap<String, Assignment>, CoordError>;

    /// Removes the assignments of agents that are gone for good.
    ///
    /// # Errors
    ///
    /// [`CoordError::StaleLeader`] when a newer leader has taken over.
    async fn forget(&self, epoch: u64, agents: &[String]) -> Result<(), CoordError>;

    /// A node of its tree; none where there is no such path.
    ///
    /// # Errors
    ///
    /// When the coordinator cannot be reached.
    async fn tree(&self, path: &str) -> Result<Option<TreeNode>, CoordError>;

    /// Gives up leadership, if it has it, and leaves.
    async fn leave(&self);
}
