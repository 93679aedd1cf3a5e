//! A host by its files, below a folder that is `/` but for tests.

use crate::cpus::parse_cpus;
use std::path::{Path, PathBuf};

/// A host to examine.
pub struct Host {
    root: PathBuf,
    /// Makes a ring and says what it can do, or why there is none.
    pub(super) probe_uring: fn() -> Result<String, String>,
    /// `/proc/stat` when it was opened.
    pub(super) first_stat: Option<String>,
}

impl Host {
    /// This one. What has changed since then is measured from now on.
    #[must_use]
    pub fn open() -> Self {
        let probe = || crate::drivers::uring::probe().map(|features| features.to_string());
        Self::at(Path::new("/"), probe)
    }

    pub(super) fn at(root: &Path, probe_uring: fn() -> Result<String, String>) -> Self {
        let mut host = Self { root: root.into(), probe_uring, first_stat: None };
        host.first_stat = host.read("proc/stat");
        host
    }

    /// The text of a file, without the white space around it.
    pub(super) fn read(&self, path: &str) -> Option<String> {
        let text = std::fs::read_to_string(self.root.join(path)).ok()?;
        Some(text.trim().to_owned())
    }

    pub(super) fn number(&self, path: &str) -> Option<u64> {
        self.read(path)?.parse().ok()
    }

    pub(super) fn exists(&self, path: &str) -> bool {
        self.root.join(path).exists()
    }

    /// CPUs that this process may use.
    pub(super) fn usable_cpus(&self) -> Option<Vec<usize>> {
        let status = self.read("proc/self/status")?;
        let line = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
        parse_cpus(line.trim()).ok()
    }
}
