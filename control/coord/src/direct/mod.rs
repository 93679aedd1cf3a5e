//! Agents that talk to the one control by HTTP: no ZooKeeper, one control, everything in its memory.

mod agent;
mod control;
mod problem;
mod tree;

pub use agent::{DirectAgent, DirectAgentOptions};
pub use control::{DirectControl, DirectOptions, Gone};
pub use problem::problem;
