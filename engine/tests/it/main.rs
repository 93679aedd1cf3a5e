//! Integration tests of the engine: real sockets on loopback, free ports.

mod child;
mod commands;
mod conformance;
mod examples;
mod forbidden;
#[cfg(feature = "tui")]
mod live;
mod names;
mod outputs;
mod rules;
mod server;
mod shares;
mod source;
mod steering;
mod target;
