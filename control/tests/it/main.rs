//! Tests of the control plane with its real parts.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
#![expect(clippy::print_stdout, reason = "tests say how long things took and what was not run")]

mod api;
#[path = "../support/long_run.rs"]
mod long_run;
mod mariadb;
mod schedule;
mod store;
