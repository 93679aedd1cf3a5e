//! The load engine of acp.
