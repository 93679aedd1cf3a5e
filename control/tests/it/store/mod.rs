//! The store, the same on every database that it can have.

mod accounts;
mod agents;
mod away;
mod datasets;
mod frames;
mod house;
mod opening;
mod processes;
mod runs;
mod size;
mod tasks;
mod world;
