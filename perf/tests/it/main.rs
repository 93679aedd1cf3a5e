//! `acp-perf` as its user sees it, with shell scripts in the place of acp and wrk.

#![forbid(unsafe_code)]

mod readme;
mod run;
mod stubs;
mod usage;
