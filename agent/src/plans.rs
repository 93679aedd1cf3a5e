//! Plans: documents by their hash, fetched once and kept in the state folder.

use crate::client::{Client, ClientError};
use crate::files::{is_hash, write_whole};
use sha2::{Digest, Sha256};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use thiserror::Error;

/// Plans kept. They are small, and the same one is often run again.
const KEPT: usize = 64;

/// Why a part has no plan.
#[derive(Debug, Error)]
pub(crate) enum PlanError {
    /// The hash is not one.
    #[error("`{0}` is not the hash of a plan")]
    BadHash(String),
    /// What was served is something else.
    #[error("plan `{expected}` has the hash `{found}` as it was served: it is not that plan")]
    WrongHash {
        /// The hash that was asked for.
        expected: String,
        /// The hash of what came.
        found: String,
    },
    /// Control did not serve it.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The state folder cannot be used.
    #[error("failed to keep the plan: {0}")]
    Keep(#[from] io::Error),
}

impl PlanError {
    /// Whether asking again may help.
    pub(crate) fn is_passing(&self) -> bool {
        matches!(self, Self::Client(error) if error.is_passing())
    }
}

/// The plans of a state folder.
#[derive(Clone, Debug)]
pub(crate) struct Plans {
    folder: PathBuf,
}

impl Plans {
    pub(crate) fn open(state_folder: &Path) -> io::Result<Self> {
        let folder = state_folder.join("plans");
        fs::create_dir_all(&folder)?;
        Ok(Self { folder })
    }

    /// The document with that hash: from the folder, or from control and then kept. What is in the
    /// folder is checked too: a disk can rot, and a folder can be written by others.
    pub(crate) async fn get(
        &self,
        client: &Client,
        control: Option<&str>,
        hash: &str,
    ) -> Result<Vec<u8>, PlanError> {
        if !is_hash(hash) {
            return Err(PlanError::BadHash(hash.to_owned()));
        }
        let path = self.folder.join(format!("{hash}.json"));
        if let Ok(bytes) = fs::read(&path)
            && hash_of(&bytes) == hash
        {
            return Ok(bytes);
        }
        let bytes = client.plan(control.ok_or(ClientError::NobodyKnown)?, hash).await?;
        let found = hash_of(&bytes);
        if found != hash {
            return Err(PlanError::WrongHash { expected: hash.to_owned(), found });
        }
        write_whole(&path, &bytes)?;
        self.prune();
        Ok(bytes)
    }

    /// Removes the plans that were fetched longest ago. What cannot be removed is tried again with
    /// the next plan.
    fn prune(&self) {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let mut plans: Vec<(SystemTime, PathBuf)> = entries
            .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
            .collect();
        plans.sort_unstable();
        for (_, path) in plans.iter().rev().skip(KEPT) {
            fs::remove_file(path).unwrap_or_default();
        }
    }
}

/// SHA-256 in hex.
pub(crate) fn hash_of(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_that_of_the_standard() {
        let expect = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hash_of(b"abc"), expect);
    }

    #[test]
    fn old_plans_make_room() {
        let folder = tempfile::tempdir().unwrap();
        let plans = Plans::open(folder.path()).unwrap();
        let start = SystemTime::UNIX_EPOCH;
        for number in 0..KEPT + 3 {
            let path = plans.folder.join(format!("{number:03}.json"));
            let file = fs::File::create(path).unwrap();
            let age = std::time::Duration::from_secs(u64::try_from(number).unwrap());
            file.set_modified(start + age).unwrap();
        }
        plans.prune();
        assert_eq!(fs::read_dir(&plans.folder).unwrap().count(), KEPT);
        assert!(!plans.folder.join("002.json").exists() && plans.folder.join("003.json").exists());
    }
}
