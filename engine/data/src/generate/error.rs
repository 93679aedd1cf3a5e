//! Why rows could not be written.

use std::io;
use std::path::PathBuf;
use thiserror::Error;

/// Why rows could not be written. Nothing was left behind under a final name.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "each variant is its message")]
pub enum GenerateError {
    #[error("`{path}` is there already\nhint: --force replaces it", path = .0.display())]
    Exists(PathBuf),
    #[error("several parts need a folder, and `{path}` is none\nhint: -o parts/", path = .0.display())]
    NoFolder(PathBuf),
    #[error("failed to create `{path}`", path = path.display())]
    Create { path: PathBuf, source: io::Error },
    #[error("failed to read `{path}`", path = path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error(
        "failed to write `{path}`{hint}",
        path = path.display(),
        hint = room(source, *bytes)
    )]
    Write {
        path: PathBuf,
        source: io::Error,
        /// What all rows take, about.
        bytes: u64,
    },
    #[error("failed to give `{path}` its name", path = path.display())]
    Name { path: PathBuf, source: io::Error },
    #[error("stopped")]
    Stopped,
    #[error("failed to start a thread")]
    Thread(#[source] io::Error),
}

fn room(error: &io::Error, bytes: u64) -> String {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            let gigabytes = bytes as f64 / 1e9;
            format!("\nhint: all rows take about {gigabytes:.1} GB, less with --gzip")
        }
        _ => String::new(),
    }
}

impl GenerateError {
    /// Whether whoever reads the rows has gone away, having seen enough.
    #[must_use]
    pub fn is_closed_pipe(&self) -> bool {
        match self {
            Self::Write { source, .. } => source.kind() == io::ErrorKind::BrokenPipe,
            _ => false,
        }
    }
}
