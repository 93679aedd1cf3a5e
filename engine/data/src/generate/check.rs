//! Whether parts are what their manifests say, and no key stands in two rows.
//!
//! Each row is made again and compared with what is on disk, and each key is read from the disk and
//! traced back to the one row that it belongs to: a bit a row is enough to see that none comes twice.

use super::look::Look;
use super::manifest::{manifest_name, template_sha256};
use super::seen::Seen;
use super::template::sha256;
use super::values::load;
use acp_plan::rows::{Rows, RowsError};
use acp_wire::rows::{Manifest, ManifestPart};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use thiserror::Error;

/// What is wrong with parts.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "each variant is its message")]
pub enum CheckError {
    #[error("`{path}` has no manifest\nhint: `acp data generate -o {path}` makes one", path = .0.display())]
    NoManifest(PathBuf),
    #[error("failed to read `{path}`", path = path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("`{path}` is no manifest: {why}", path = path.display())]
    Manifest { path: PathBuf, why: String },
    #[error("`{path}` is of other rows than the manifests beside it", path = .0.display())]
    Other(PathBuf),
    #[error("bad template in the manifest: {0}")]
    Rows(RowsError),
    #[error("the template or its files of values are not those that the rows were made from")]
    Template,
    #[error("rows {} to {} are in no part", .0.start, .0.end)]
    Gap(Range<u64>),
    #[error("rows {} to {} are in two parts", .0.start, .0.end)]
    Overlap(Range<u64>),
    #[error("`{path}` has {found} bytes, its manifest says {expected}", path = path.display())]
    Bytes { path: PathBuf, found: u64, expected: u64 },
    #[error("`{path}` is not the file that was written: its SHA-256 is another", path = .0.display())]
    Hash(PathBuf),
    #[error("{path}:{line}: {why}", path = path.display())]
    Line { path: PathBuf, line: u64, why: String },
    #[error("too many rows to keep a bit for each: {0}")]
    TooMany(u64),
    #[error("stopped")]
    Stopped,
}

/// What was found to be good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// Rows that are there.
    pub rows: Range<u64>,
    /// Rows that the template has in all.
    pub all: u64,
    /// Parts.
    pub parts: usize,
    /// Bytes, unpacked.
    pub bytes: u64,
    /// Columns of keys, none of which comes twice.
    pub keys: Vec<String>,
}

/// Checks a folder of parts, or a file, by its manifests. `tell` hears how many rows are done.
///
/// # Errors
///
/// The first thing that is wrong.
pub fn check(
    path: &Path,
    threads: usize,
    is_stopped: &(dyn Fn() -> bool + Sync),
    tell: &(dyn Fn(u64) + Sync),
) -> Result<Checked, CheckError> {
    let (manifest, parts) = manifests(path)?;
    let rows = compile(&manifest)?;
    let range = coverage(&parts)?;
    let seen = Seen::new(rows.keys().len(), &range)?;
    let folder = if path.is_dir() { path } else { path.parent().unwrap_or(Path::new("")) };
    let (next, has_failed, done) = (AtomicUsize::new(0), AtomicBool::new(false), AtomicU64::new(0));
    let work = || {
        let mut bytes = 0;
        while let Some(part) = parts.get(next.fetch_add(1, Ordering::Relaxed)) {
            let ends = || has_failed.load(Ordering::Relaxed) || is_stopped();
            let told = |rows| tell(done.fetch_add(rows, Ordering::Relaxed) + rows);
            let path = folder.join(&part.file);
            let look = Look { rows: &rows, seen: &seen, ends: &ends, tell: &told };
            match look.part(&path, part, manifest.is_packed) {
                Ok(found) => bytes += found,
                Err(error) => {
                    has_failed.store(true, Ordering::Relaxed);
                    return Err(error);
                }
            }
        }
        Ok(bytes)
    };
    let found: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(work)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or(Err(CheckError::Stopped)))
            .collect()
    });
    let bytes = total(found)?;
    for key in 0..rows.keys().len() {
        // Each key of each row was noted once, or there would have been an error.
        assert_eq!(seen.count(key), range.end - range.start, "a row without its key");
    }
    let keys = rows.keys().iter().map(|key| key.name.clone()).collect();
    Ok(Checked { rows: range, all: rows.rows(), parts: parts.len(), bytes, keys })
}

/// The sum, or the error that says most: others stop because of it.
fn total(found: Vec<Result<u64, CheckError>>) -> Result<u64, CheckError> {
    let mut sum = 0;
    let mut stopped = false;
    for result in found {
        match result {
            Ok(bytes) => sum += bytes,
            Err(CheckError::Stopped) => stopped = true,
            Err(error) => return Err(error),
        }
    }
    if stopped { Err(CheckError::Stopped) } else { Ok(sum) }
}

/// One of the manifests, and the parts of all in order of their rows.
fn manifests(path: &Path) -> Result<(Manifest, Vec<ManifestPart>), CheckError> {
    let failed = |source| CheckError::Read { path: path.into(), source };
    let mut paths = Vec::new();
    if path.is_dir() {
        for entry in fs::read_dir(path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.starts_with(".manifest") && name.ends_with(".json") {
                paths.push(entry.path());
            }
        }
    } else if manifest_name(path).exists() {
        paths.push(manifest_name(path));
    }
    paths.sort();
    let mut found: Option<Manifest> = None;
    let mut parts = Vec::new();
    for path in paths {
        let manifest = read(&path)?;
        let is_same = found.as_ref().is_none_or(|first| {
            (&first.generate, &first.template_sha256)
                == (&manifest.generate, &manifest.template_sha256)
                && first.is_packed == manifest.is_packed
        });
        if !is_same {
            return Err(CheckError::Other(path));
        }
        parts.extend(manifest.parts.iter().cloned());
        found.get_or_insert(manifest);
    }
    parts.sort_by_key(|part| part.from_row);
    let manifest = found.ok_or_else(|| CheckError::NoManifest(path.into()))?;
    Ok((manifest, parts))
}

fn read(path: &Path) -> Result<Manifest, CheckError> {
    let text = fs::read_to_string(path)
        .map_err(|source| CheckError::Read { path: path.into(), source })?;
    let bad = |why: String| CheckError::Manifest { path: path.into(), why };
    let manifest: Manifest = serde_json::from_str(&text).map_err(|error| bad(error.to_string()))?;
    if manifest.schema != acp_wire::PARTS_SCHEMA {
        return Err(bad(format!("its schema is `{}`", manifest.schema)));
    }
    let is_outside =
        |part: &&ManifestPart| Path::new(&part.file).file_name() != Some(part.file.as_ref());
    match manifest.parts.iter().find(is_outside) {
        Some(part) => Err(bad(format!("`{}` is not beside it", part.file))),
        None => Ok(manifest),
    }
}

fn compile(manifest: &Manifest) -> Result<Rows, CheckError> {
    let mut hashes = BTreeMap::new();
    let mut load = |file: &str| {
        let bytes = load(file)?;
        hashes.insert(file.to_owned(), sha256(bytes.as_deref().unwrap_or_default()));
        Ok(bytes)
    };
    let rows = Rows::compile(&manifest.generate, 1, &mut load).map_err(CheckError::Rows)?;
    match template_sha256(&manifest.generate, &hashes) == manifest.template_sha256 {
        true => Ok(rows),
        false => Err(CheckError::Template),
    }
}

/// The rows that are in the parts, each of them in one.
fn coverage(parts: &[ManifestPart]) -> Result<Range<u64>, CheckError> {
    let first = parts.first().map_or(0, |part| part.from_row);
    let mut next = first;
    for part in parts {
        if part.from_row > next {
            return Err(CheckError::Gap(next..part.from_row));
        }
        if part.from_row < next {
            return Err(CheckError::Overlap(part.from_row..next));
        }
        next = part.from_row.saturating_add(part.rows);
    }
    Ok(first..next)
}
