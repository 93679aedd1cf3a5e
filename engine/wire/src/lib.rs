//! Plain data that crosses a process boundary of acp.

#![forbid(unsafe_code)]

pub mod units;
