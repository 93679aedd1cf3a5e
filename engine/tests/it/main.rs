//! Integration tests of the engine: real sockets on loopback, free ports.

mod conformance;
mod forbidden;
mod server;
mod target;
