//! Tests of the program as its user meets it.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod accounts;
mod bench;
mod compare;
mod data;
mod doctor;
mod exit_codes;
mod explain;
mod extract;
mod nginx;
mod page;
mod platform;
mod platform_errors;
mod poisson;
mod program;
mod readme;
mod refusals;
mod tools;
