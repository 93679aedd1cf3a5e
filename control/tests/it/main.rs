//! Tests of the control plane with its real parts.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod api;
