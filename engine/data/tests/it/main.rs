//! Rows in files: the same whatever the threads and parts, whole or not there, and checked.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod checks;
mod files;
mod world;
