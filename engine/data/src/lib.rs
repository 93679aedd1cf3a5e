//! Data for load tests: rows that are made from a template, requests that are taken from access logs.

#![forbid(unsafe_code)]

pub mod extract;
pub mod generate;
mod number;

pub use number::grouped;
