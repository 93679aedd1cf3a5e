//! Samplers on captured files, and the exposition.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod exposition;
mod host;
mod samples;
