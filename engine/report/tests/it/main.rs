//! Tests of the renderers as their callers meet them.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod fixture;
mod golden;
