//! The daemon of a load host.

#![forbid(unsafe_code)]
