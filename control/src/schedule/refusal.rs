//! Why something that was asked for cannot be: a sentence and a hint.

use thiserror::Error;

/// Why something that was asked for cannot be: a sentence with numbers, and a hint.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{text}\nhint: {hint}")]
pub struct Refusal {
    /// What is in the way.
    pub text: String,
    /// What to do.
    pub hint: String,
}

impl Refusal {
    pub(super) fn new(text: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { text: text.into(), hint: hint.into() }
    }
}
