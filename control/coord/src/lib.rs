//! Membership and assignment: who is alive, who leads, and what each agent should be doing.
//!
//! One pair of traits, three coordinators: ZooKeeper (many controls), direct (agents talk to the one
//! control by HTTP), and a model of ZooKeeper in memory on tokio's clock for tests. Watches are
//! hints in all of them: whoever uses this crate sees states, not steps, and reconciles.

#![forbid(unsafe_code)]

mod error;
mod traits;

pub use error::CoordError;
pub use traits::{AgentSide, ControlSide, Leadership, Membership, Session, SessionState, TreeNode};
