//! Membership and assignment: who is alive, who leads, and what each agent should be doing.
//!
//! One pair of traits, three coordinators: ZooKeeper (many controls), direct (agents talk to the one
//! control by HTTP), and a model of ZooKeeper in memory on tokio's clock for tests. Watches are
//! hints in all of them: whoever uses this crate sees states, not steps, and reconciles.
//!
//! ZooKeeper and the model share everything above a session with a tree of nodes: what agents and
//! controls do with it is written once.

#![forbid(unsafe_code)]

mod direct;
mod error;
mod gate;
mod keeper;
mod model;
mod recipe;
mod roll;
mod settings;
mod traits;
mod zookeeper;

pub use direct::{DirectAgent, DirectAgentOptions, DirectControl, DirectOptions, Gone, problem};
pub use error::CoordError;
pub use model::{Model, ModelOptions};
pub use settings::{
    ControlHandle, CoordSettings, DirectSettings, Secret, ZooKeeperSettings, connect_agent,
    connect_control,
};
pub use traits::{AgentSide, ControlSide, Leadership, Membership, Session, SessionState, TreeNode};
