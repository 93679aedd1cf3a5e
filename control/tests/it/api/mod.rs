//! The HTTP API over real sockets, on SQLite and the direct coordinator.

mod agents;
mod compare;
mod golden;
mod legacy;
mod login;
mod pages;
mod routes;
mod runs;
mod schemathesis;
mod server;
mod stream;
mod targets;
