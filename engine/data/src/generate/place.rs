//! Where parts go: to files under passing names, which get their own when all of them are whole.

use super::block::{Block, row_bytes};
use super::manifest::{manifest, manifest_name};
use super::template::hexadecimal;
use super::{GenerateError, Job, PartPlan};
use acp_plan::rows::Form;
use acp_wire::rows::ManifestPart;
use sha2::{Digest as _, Sha256};
use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use tempfile::{NamedTempFile, TempPath};

/// What parts are called before their number, and passing files before that.
const PART: &str = "part-";
const MANIFEST: &str = ".manifest";
const ENDINGS: [&str; 3] = ["jsonl", "csv", "txt"];

/// Where rows go.
pub enum Output {
    /// A file for each part, in a folder.
    Folder(PathBuf),
    /// One file.
    File(PathBuf),
    /// Something that is no file: rows go there as they come.
    Stream {
        /// What messages call it.
        name: PathBuf,
        /// It.
        to: Box<dyn Write>,
    },
}

/// The part that is being written.
struct Open {
    /// None: it goes to a stream.
    file: Option<NamedTempFile>,
    hash: Sha256,
    bytes: u64,
}

/// Writes blocks into parts.
pub(super) struct Place<'a> {
    job: &'a Job,
    output: Output,
    open: Option<Open>,
    /// Passing and final name of what is whole. A passing file is removed when it is forgotten.
    whole: Vec<(TempPath, PathBuf)>,
    parts: Vec<ManifestPart>,
}

impl<'a> Place<'a> {
    /// Looks whether parts may go there.
    pub(super) fn new(job: &'a Job, output: Output) -> Result<Self, GenerateError> {
        let place = Self { job, output, open: None, whole: Vec::new(), parts: Vec::new() };
        match &place.output {
            Output::Folder(folder) => {
                let create = |source| GenerateError::Create { path: folder.clone(), source };
                fs::create_dir_all(folder).map_err(create)?;
                if !job.is_forced {
                    place.refuse_existing(folder)?;
                }
            }
            Output::File(_) if job.parts.len() > 1 => {
                return Err(GenerateError::NoFolder(place.name(&job.parts[0])));
            }
            Output::File(path) if path.exists() && !job.is_forced => {
                return Err(GenerateError::Exists(path.clone()));
            }
            Output::File(_) | Output::Stream { .. } => {}
        }
        Ok(place)
    }

    fn refuse_existing(&self, folder: &Path) -> Result<(), GenerateError> {
        let own = self.job.parts.iter().map(|part| self.name(part));
        let own = own.chain(self.manifest_path()).find(|path| path.exists());
        let other = match self.job.is_some {
            true => None,
            false => earlier(folder)?.into_iter().next(),
        };
        own.or(other).map_or(Ok(()), |path| Err(GenerateError::Exists(path)))
    }

    /// Writes the next block.
    pub(super) fn write(&mut self, block: &Block, bytes: &[u8]) -> Result<(), GenerateError> {
        let part = &self.job.parts[block.part];
        let path = self.name(part);
        let open = match &mut self.open {
            Some(open) => open,
            None => self.open.insert(Open::new(&self.output, &path)?),
        };
        open.hash.update(bytes);
        open.bytes += bytes.len() as u64;
        let written = match (&mut open.file, &mut self.output) {
            (Some(file), _) => file.write_all(bytes),
            (None, Output::Stream { to, .. }) => to.write_all(bytes),
            (None, _) => Ok(()),
        };
        written.map_err(|source| self.failed(source, &path))?;
        if block.is_last {
            self.end(part, path)?;
        }
        Ok(())
    }

    fn failed(&self, source: io::Error, path: &Path) -> GenerateError {
        let rows: u64 = self.job.parts.iter().map(|part| part.rows.end - part.rows.start).sum();
        let bytes = row_bytes(&self.job.rows).saturating_mul(rows);
        GenerateError::Write { path: path.into(), source, bytes }
    }

    fn end(&mut self, part: &PartPlan, path: PathBuf) -> Result<(), GenerateError> {
        let Some(open) = self.open.take() else { return Ok(()) };
        self.parts.push(ManifestPart {
            file: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            from_row: part.rows.start,
            rows: part.rows.end - part.rows.start,
            bytes: open.bytes,
            sha256: hexadecimal(&open.hash.finalize()),
        });
        match (open.file, &mut self.output) {
            // Not held open: there may be more parts than open files.
            (Some(file), _) => self.whole.push((file.into_temp_path(), path)),
            (None, Output::Stream { to, .. }) => {
                let flushed = to.flush();
                flushed.map_err(|source| self.failed(source, &path))?;
            }
            (None, _) => {}
        }
        Ok(())
    }

    /// Gives all parts their names, and puts the manifest beside them. Returns the parts, and where the
    /// manifest is.
    pub(super) fn finish(mut self) -> Result<(Vec<ManifestPart>, Option<PathBuf>), GenerateError> {
        let parts = std::mem::take(&mut self.parts);
        let Some(path) = self.manifest_path() else { return Ok((parts, None)) };
        let mut file = passing(&path)?;
        let text = manifest(self.job, &parts);
        let written = file.write_all(text.as_bytes());
        written.map_err(|source| self.failed(source, &path))?;
        if let (Output::Folder(folder), true, false) =
            (&self.output, self.job.is_forced, self.job.is_some)
        {
            // Parts of an earlier run would look like some of these.
            for path in earlier(folder)? {
                fs::remove_file(&path).map_err(|source| GenerateError::Name { path, source })?;
            }
        }
        // The manifest comes last: where it is, everything is.
        self.whole.push((file.into_temp_path(), path.clone()));
        self.name_all()?;
        Ok((parts, Some(path)))
    }

    fn name_all(&mut self) -> Result<(), GenerateError> {
        let mut named: Vec<PathBuf> = Vec::new();
        for (passing, path) in self.whole.drain(..) {
            let done = match self.job.is_forced {
                true => passing.persist(&path),
                false => passing.persist_noclobber(&path),
            };
            if let Err(error) = done {
                // All or none: what has its name already loses it.
                for path in named {
                    fs::remove_file(&path)
                        .map_err(|source| GenerateError::Name { path, source })?;
                }
                return Err(GenerateError::Name { path, source: error.error });
            }
            named.push(path);
        }
        Ok(())
    }

    /// Where a part goes in the end.
    fn name(&self, part: &PartPlan) -> PathBuf {
        match &self.output {
            Output::File(path) | Output::Stream { name: path, .. } => path.clone(),
            Output::Folder(folder) => {
                let packed = if self.job.is_packed { ".gz" } else { "" };
                let end = ending(self.job.rows.form());
                folder.join(format!("{PART}{:05}.{end}{packed}", part.number))
            }
        }
    }

    /// Where the manifest goes; a stream has none.
    fn manifest_path(&self) -> Option<PathBuf> {
        match &self.output {
            Output::Stream { .. } => None,
            Output::File(path) => Some(manifest_name(path)),
            Output::Folder(folder) => Some(folder.join(match self.job.is_some {
                true => format!("{MANIFEST}-{:05}.json", self.job.parts[0].number),
                false => format!("{MANIFEST}.json"),
            })),
        }
    }
}

impl Open {
    fn new(output: &Output, path: &Path) -> Result<Self, GenerateError> {
        let file = match output {
            Output::Stream { .. } => None,
            Output::Folder(_) | Output::File(_) => Some(passing(path)?),
        };
        Ok(Self { file, hash: Sha256::new(), bytes: 0 })
    }
}

/// A file beside `path` that is removed unless it gets that name.
fn passing(path: &Path) -> Result<NamedTempFile, GenerateError> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let prefix = format!(".{}.", name.trim_start_matches('.'));
    let made = tempfile::Builder::new()
        .prefix(&prefix)
        .suffix(".tmp")
        // As any file that is made: the user's mask decides.
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(folder);
    made.map_err(|source| GenerateError::Create { path: path.into(), source })
}

/// How files of a form end.
fn ending(form: Form) -> &'static str {
    let [jsonl, csv, text] = ENDINGS;
    match form {
        Form::Jsonl | Form::Record => jsonl,
        Form::Csv => csv,
        Form::Path | Form::Line | Form::Text => text,
    }
}

/// Parts and manifests that are in a folder, in order of their names.
fn earlier(folder: &Path) -> Result<Vec<PathBuf>, GenerateError> {
    let failed = |source| GenerateError::Read { path: folder.into(), source };
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if is_own(&entry.file_name().to_string_lossy()) {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

/// Whether a file has a name as parts and manifests have: no other is ever removed.
fn is_own(name: &str) -> bool {
    let is_number = |text: &str| text.len() >= 5 && text.bytes().all(|byte| byte.is_ascii_digit());
    if let Some(rest) = name.strip_prefix(PART) {
        let (number, end) = rest.split_once('.').unwrap_or((rest, ""));
        let end = end.strip_suffix(".gz").unwrap_or(end);
        return is_number(number) && ENDINGS.contains(&end);
    }
    let Some(middle) = name.strip_prefix(MANIFEST) else { return false };
    let Some(middle) = middle.strip_suffix(".json") else { return false };
    middle.is_empty() || middle.strip_prefix('-').is_some_and(is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_others_are_not_ours() {
        for (name, expected) in [
            ("part-00000.txt", true),
            ("part-99999.jsonl.gz", true),
            ("part-00003.csv", true),
            (".manifest.json", true),
            (".manifest-00003.json", true),
            ("part-notes.txt", false),
            ("part-00000", false),
            ("part-00000.txt.bak", false),
            ("part-1.txt", false),
            ("part-0000a.txt", false),
            ("part-", false),
            (".manifest", false),
            (".manifest-old.json", false),
            (".manifests.json", false),
            ("manifest.json", false),
        ] {
            assert_eq!(is_own(name), expected, "{name}");
        }
    }
}
