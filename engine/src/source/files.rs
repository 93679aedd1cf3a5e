//! The files of a source: one, or those of a folder and of all folders in it, in the order of their paths.
//!
//! Of a folder names that begin with `.` or `#` or end in `~` are left out: what editors, version
//! control and mounts keep beside the files that are meant. So are links to folders, which could lead
//! back to where they stand.

use flate2::read::MultiGzDecoder;
use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use thiserror::Error;

/// Sources up to this size are held in memory: going round in a small file must not cost a system call
/// for each round.
const MEMORY_BYTES: u64 = 8 << 20;
/// How a gzip file begins.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Why files cannot be used.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "each variant is its message")]
pub enum FileError {
    #[error("failed to read `{path}`: {source}\nhint: a relative path is one from `{folder}`, where the engine works", path = path.display(), folder = folder.display())]
    Missing { path: PathBuf, folder: PathBuf, source: io::Error },
    #[error("failed to read `{path}`: {source}", path = path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("`{path}` is neither a file, a folder nor a pipe", path = .0.display())]
    Kind(PathBuf),
    #[error("folder `{path}` has no files", path = .0.display())]
    Empty(PathBuf),
}

/// Where the bytes of a file are.
#[derive(Debug)]
pub(super) enum Data {
    Memory(Vec<u8>),
    Disk,
    Gzip,
    Pipe,
}

/// A file.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) path: PathBuf,
    pub(super) data: Data,
    pub(super) bytes: u64,
    pub(super) modified: Option<SystemTime>,
}

/// Adds the files below a folder.
fn collect(folder: &Path, found: &mut Vec<(PathBuf, Metadata)>) -> Result<(), FileError> {
    let failed = |path: &Path| {
        let path = path.to_path_buf();
        |source| FileError::Read { path, source }
    };
    for entry in fs::read_dir(folder).map_err(failed(folder))? {
        let entry = entry.map_err(failed(folder))?;
        let path = entry.path();
        if is_aside(&entry.file_name()) {
            continue;
        }
        if entry.file_type().map_err(failed(&path))?.is_dir() {
            collect(&path, found)?;
            continue;
        }
        let metadata = fs::metadata(&path).map_err(failed(&path))?;
        if metadata.is_file() {
            found.push((path, metadata));
        }
    }
    Ok(())
}

/// Whether a name in a folder is not of a query file.
fn is_aside(name: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    name.starts_with(b".") || name.starts_with(b"#") || name.ends_with(b"~")
}

/// All files of a source.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) entries: Vec<Entry>,
}

impl Files {
    /// Finds the files that `path` names. Its paths are absolute.
    pub(super) fn find(path: &Path) -> Result<Self, FileError> {
        let folder = std::env::current_dir().unwrap_or_default();
        let path = folder.join(path);
        let missing =
            |source| FileError::Missing { path: path.clone(), folder: folder.clone(), source };
        let metadata = fs::metadata(&path).map_err(missing)?;
        let mut found = Vec::new();
        if metadata.is_dir() {
            collect(&path, &mut found)?;
            found.sort_by(|(first, _), (second, _)| first.cmp(second));
            if found.is_empty() {
                return Err(FileError::Empty(path));
            }
        } else if metadata.is_file() || metadata.file_type().is_fifo() {
            found.push((path, metadata));
        } else {
            return Err(FileError::Kind(path));
        }
        let entries = found.into_iter().map(|(path, metadata)| Entry::open(path, &metadata));
        let mut files = Self { entries: entries.collect::<Result<_, _>>()? };
        files.load()?;
        Ok(files)
    }

    /// Whether it can be read once only.
    pub(super) fn is_pipe(&self) -> bool {
        self.entries.iter().any(|entry| matches!(entry.data, Data::Pipe))
    }

    /// A file that is packed.
    pub(super) fn packed(&self) -> Option<&Path> {
        let is_packed = |entry: &&Entry| match &entry.data {
            Data::Gzip => true,
            Data::Memory(_) => entry.path.extension().is_some_and(|end| end == "gz"),
            Data::Disk | Data::Pipe => false,
        };
        self.entries.iter().find(is_packed).map(|entry| entry.path.as_path())
    }

    /// Takes small files into memory.
    fn load(&mut self) -> Result<(), FileError> {
        let mut room = MEMORY_BYTES;
        let mut contents = Vec::new();
        for entry in &self.entries {
            let Some(bytes) = entry.read_up_to(room)? else { return Ok(()) };
            room -= bytes.len() as u64;
            contents.push(bytes);
        }
        for (entry, bytes) in self.entries.iter_mut().zip(contents) {
            entry.bytes = bytes.len() as u64;
            entry.data = Data::Memory(bytes);
        }
        Ok(())
    }
}

impl Entry {
    fn open(path: PathBuf, metadata: &Metadata) -> Result<Self, FileError> {
        let data = if metadata.file_type().is_fifo() {
            Data::Pipe
        } else {
            let failed = |source| FileError::Read { path: path.clone(), source };
            let mut start = Vec::new();
            let mut file = File::open(&path).map_err(failed)?.take(2);
            file.read_to_end(&mut start).map_err(failed)?;
            if start == GZIP { Data::Gzip } else { Data::Disk }
        };
        let modified = metadata.modified().ok();
        Ok(Self { path, data, bytes: metadata.len(), modified })
    }

    /// All of it, where that is at most `room` bytes.
    fn read_up_to(&self, room: u64) -> Result<Option<Vec<u8>>, FileError> {
        if self.bytes > room || matches!(self.data, Data::Pipe) {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        let read = File::open(&self.path).and_then(|file| match self.data {
            Data::Gzip => MultiGzDecoder::new(file).take(room + 1).read_to_end(&mut bytes),
            _ => file.take(room + 1).read_to_end(&mut bytes),
        });
        read.map_err(|source| FileError::Read { path: self.path.clone(), source })?;
        Ok((bytes.len() as u64 <= room).then_some(bytes))
    }

    /// Whether the file is another than it was, as far as its size and time say.
    pub(super) fn has_changed(&self) -> bool {
        // Of what is in memory nothing is asked: the end of a file of a few lines comes often.
        if matches!(self.data, Data::Memory(_) | Data::Pipe) {
            return false;
        }
        fs::metadata(&self.path)
            .map_or(true, |now| now.len() != self.bytes || now.modified().ok() != self.modified)
    }
}
