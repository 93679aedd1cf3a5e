//! Rows made from a template, written to files.
//!
//! ```text
//! template ─► Rows (acp_plan) ─► blocks, made by threads ─► one writer, in order ─► parts, manifest
//!                                                                                     │
//!                              check: made again, compared, keys counted ◄────────────┘
//! ```
//!
//! A row depends on nothing but the template, the seed and its number, so parts can be made on
//! different machines without talking to each other, and their concatenation is what one machine would
//! have written, byte by byte (packed ones: once they are unpacked).

mod block;
mod check;
mod desk;
mod error;
mod look;
mod manifest;
mod part;
mod place;
mod seen;
mod template;
mod values;

pub use check::{CheckError, Checked, check};
pub use desk::{Made, generate};
pub use error::GenerateError;
pub use manifest::manifest_name;
pub use part::{Cut, PartPlan, cut};
pub use place::Output;
pub use template::{Template, TemplateError};
pub use values::load;

use acp_plan::rows::Rows;
use acp_wire::rows::Generate;
use std::collections::BTreeMap;

/// What is to be written.
#[derive(Debug)]
pub struct Job {
    /// What rows are made from, with how many there are, and the seed.
    pub generate: Generate,
    /// The same, compiled.
    pub rows: Rows,
    /// SHA-256 of the files of values, by name.
    pub values_sha256: BTreeMap<String, String>,
    /// The parts, in order of their rows, which follow each other.
    pub parts: Vec<PartPlan>,
    /// Whether that are some of the parts of all rows only.
    pub is_some: bool,
    /// Threads that make rows.
    pub threads: usize,
    /// Whether parts are packed with gzip.
    pub is_packed: bool,
    /// Whether files that are there may be replaced.
    pub is_forced: bool,
}
