//! Integration tests of the engine: real sockets on loopback, free ports.

mod target;
