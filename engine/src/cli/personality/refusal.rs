//! Why a command line of another tool was not run, or its summary not written.

use super::super::bench::launch_code;
use super::super::{EXIT_INTERNAL, EXIT_USAGE};
use crate::launch::LaunchError;
use crate::plan::PlanError;
use thiserror::Error;

/// Why there is no summary.
#[derive(Debug, Error)]
pub(super) enum Refusal {
    /// The tool does it, this engine does not.
    #[error("`{flag}` is not done here\nhint: {hint}")]
    Flag { flag: &'static str, hint: &'static str },
    /// A value that is none, as a sentence.
    #[error("{0}")]
    Value(String),
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error(transparent)]
    Launch(#[from] LaunchError),
    #[error("failed to listen for signals: {0}")]
    Signals(#[source] std::io::Error),
    /// As a sentence: what could not be written, and why.
    #[error("{0}")]
    Write(String),
}

impl Refusal {
    /// The exit code of the process.
    pub(super) fn exit_code(&self) -> u8 {
        match self {
            Self::Flag { .. } | Self::Value(_) | Self::Plan(_) => EXIT_USAGE,
            Self::Launch(error) => launch_code(error),
            Self::Signals(_) | Self::Write(_) => EXIT_INTERNAL,
        }
    }
}

/// Whether a flag was given, its name, and what to do instead.
pub(super) type Refused = (bool, &'static str, &'static str);

/// Refuses the first of `flags` that was given.
pub(super) fn refuse(flags: &[Refused]) -> Result<(), Refusal> {
    match flags.iter().find(|(is_given, _, _)| *is_given) {
        Some(&(_, flag, hint)) => Err(Refusal::Flag { flag, hint }),
        None => Ok(()),
    }
}
