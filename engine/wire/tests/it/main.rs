//! Tests of the formats as another program sees them.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod golden;
mod rows;
