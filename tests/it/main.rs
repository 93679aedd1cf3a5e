//! Tests of the program as its user meets it.

mod accounts;
mod bench;
mod nginx;
mod program;
mod refusals;
