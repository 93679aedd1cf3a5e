//! Data for load tests: rows that are made from a template.

#![forbid(unsafe_code)]

pub mod generate;
