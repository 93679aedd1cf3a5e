//! Coordinators as their users see them.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod agents;
mod conformance;
mod controls;
mod direct_only;
mod http;
mod model;
mod settings;
mod ten_thousand;
mod wire;
mod world;
mod zookeeper;
mod zookeeper_only;
