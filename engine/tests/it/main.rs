//! Integration tests of the engine: real sockets on loopback, free ports.

mod child;
mod commands;
mod conformance;
mod forbidden;
mod server;
mod shares;
mod source;
mod target;
