//! Tests of the scheduler: tables of its pure parts, and runs on simulated agents.

mod agent;
mod assign;
mod decide;
mod dice;
mod engine;
mod scale;
mod sim;
mod world;

use acp_plan::Plan;
use acp_wire::plan::Model;

/// An open loop of `rate` for `duration`.
pub(super) fn open_plan(rate: &str, duration: &str, connections: u32) -> Plan {
    let mut document = document(connections);
    document.load.model = Model::Open;
    document.load.rate = Some(rate.into());
    document.load.duration = Some(duration.into());
    acp_plan::compile(&document).unwrap()
}

/// A closed loop of 60 s to a target on loopback.
pub(super) fn document(connections: u32) -> acp_wire::Plan {
    let schema = acp_wire::PLAN_SCHEMA.into();
    let mut document = acp_wire::Plan { schema, ..acp_wire::Plan::default() };
    document.target.url = "http://127.0.0.1:80/".into();
    document.load.connections = connections;
    document.load.duration = Some("60s".into());
    document
}
