//! The lock of a control that has its records for itself. In: settings. Out: a file that is locked for
//! as long as this process lives, however it ends; or who comes second is told.
//!
//! A file of SQLite is locked by one next to it, so that it does not matter by which settings it was
//! found. A MySQL has no place for it: the data folder is locked instead.

use super::{ControlSettings, LaunchError};
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

/// Locked until it is dropped.
pub(super) struct StoreLock {
    _file: File,
}

impl StoreLock {
    /// Takes the lock of the records of `settings`.
    ///
    /// # Errors
    ///
    /// [`LaunchError::InUse`] when another control has it, [`LaunchError::Lock`] when the file cannot
    /// be used.
    pub(super) fn take(settings: &ControlSettings) -> Result<Self, LaunchError> {
        let path = path(settings);
        let failed = |source| LaunchError::Lock { path: path.clone(), source };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        let file = File::create(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(LaunchError::InUse {
                path: path.parent().unwrap_or(&settings.data_folder).to_path_buf(),
            }),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }
}

fn path(settings: &ControlSettings) -> PathBuf {
    match settings.store_url().strip_prefix("sqlite:") {
        Some(file) => Path::new(file.strip_prefix("//").unwrap_or(file)).with_extension("lock"),
        None => settings.data_folder.join("acp.lock"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_database_has_one_lock() {
        for (store, expect) in [
            ("", "/data/acp.lock"),
            ("sqlite:/other/acp.db", "/other/acp.lock"),
            ("sqlite:///other/acp.db", "/other/acp.lock"),
            ("sqlite:/other/two.db", "/other/two.lock"),
            ("mysql://a:b@c/d", "/data/acp.lock"),
        ] {
            let data_folder = PathBuf::from("/data");
            let store = store.to_string();
            let settings = ControlSettings { data_folder, store, ..ControlSettings::default() };
            assert_eq!(path(&settings), Path::new(expect), "{}", settings.store);
        }
    }

    #[test]
    fn who_comes_second_is_refused_until_the_first_has_gone() {
        let folder = tempfile::tempdir().unwrap();
        let settings = ControlSettings {
            data_folder: folder.path().join("new"),
            ..ControlSettings::default()
        };
        let first = StoreLock::take(&settings).unwrap();
        let second = StoreLock::take(&settings).err().map(|error| error.to_string());
        assert!(second.as_ref().is_some_and(|text| text.contains("another control")), "{second:?}");
        drop(first);
        StoreLock::take(&settings).unwrap();
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let settings =
            ControlSettings { data_folder: file.join("below"), ..ControlSettings::default() };
        let error = StoreLock::take(&settings).err().map(|error| error.to_string());
        assert!(error.as_ref().is_some_and(|text| text.contains("file/below")), "{error:?}");
    }
}
