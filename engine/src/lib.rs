//! The load engine of acp.

pub mod conn;
