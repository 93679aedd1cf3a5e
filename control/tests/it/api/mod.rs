//! The HTTP API over real sockets, on SQLite and the direct coordinator.

mod agents;
mod compare;
mod golden;
mod legacy;
mod lists;
mod login;
mod pages;
mod plans;
mod routes;
mod runs;
mod schemathesis;
mod series;
mod server;
mod stream;
mod targets;
