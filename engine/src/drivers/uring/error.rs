//! What can go wrong with a ring as a whole; what goes wrong with an operation is in its completion.

use std::io;

use thiserror::Error;

/// Why a ring could not be made or driven.
#[derive(Debug, Error)]
pub enum RingError {
    /// `io_uring_setup` failed with every set of flags.
    #[error("failed to create an io_uring with {entries} entries")]
    Create {
        /// Submission entries asked for.
        entries: u32,
        /// The last failure.
        source: io::Error,
    },
    /// The table of registered files was refused.
    #[error("failed to register a table of {count} files, hint: raise `ulimit -n`")]
    RegisterFiles {
        /// Size of the table.
        count: u32,
        /// The failure.
        source: io::Error,
    },
    /// The buffer ring was refused.
    #[error("failed to register {count} receive buffers")]
    RegisterBuffers {
        /// Number of buffers.
        count: u16,
        /// The failure.
        source: io::Error,
    },
    /// A file could not be put into the table.
    #[error("failed to register file {file}")]
    Install {
        /// Index in the table.
        file: u32,
        /// The failure.
        source: io::Error,
    },
    /// `io_uring_enter` failed in a way that trying again does not cure.
    #[error("failed to enter the io_uring")]
    Enter {
        /// The failure.
        source: io::Error,
    },
}

impl RingError {
    /// The failure of the kernel.
    #[must_use]
    pub fn into_io(self) -> io::Error {
        match self {
            Self::Create { source, .. }
            | Self::RegisterFiles { source, .. }
            | Self::RegisterBuffers { source, .. }
            | Self::Install { source, .. }
            | Self::Enter { source } => source,
        }
    }
}
