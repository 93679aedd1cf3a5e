//! Plain data that crosses a process boundary of acp.
