//! A file that always holds the newest text as a whole, for collectors that read it at any time. It is
//! written by a thread of its own; what a slow disk does not keep up with is replaced by what is newer.

use std::fs::Permissions;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// What is to be written.
#[derive(Default)]
struct Newest {
    text: Option<String>,
    /// Nothing comes after it.
    is_last: bool,
}

#[derive(Default)]
struct Shared {
    newest: Mutex<Newest>,
    changed: Condvar,
}

/// The file.
pub(super) struct TextFile {
    shared: Arc<Shared>,
    thread: JoinHandle<io::Result<()>>,
    name: String,
}

impl TextFile {
    /// Starts the thread. What the file holds stays until there is a first text, but that its folder
    /// can be written to is known here.
    pub(super) fn open(path: &Path) -> Result<Self, String> {
        let name = path.display().to_string();
        let fail = |error: io::Error| format!("failed to create `{name}`: {error}");
        // A link stays one: what it points to is replaced.
        let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.into());
        temporary(&path).map_err(fail)?;
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("textfile".into());
        let thread = thread.spawn(move || write_all(&theirs, &path)).map_err(fail)?;
        Ok(Self { shared, thread, name })
    }

    /// Whether a path is, or could be, such a file: it cannot take the place of a pipe or a device.
    pub(super) fn is_possible(path: &Path) -> bool {
        let can_be = std::fs::metadata(path).map_or(true, |found| found.is_file());
        can_be && path != Path::new("-")
    }

    /// Takes a text, and never waits.
    pub(super) fn show(&self, text: String) {
        self.shared.lock().text = Some(text);
        self.shared.changed.notify_one();
    }

    /// Writes the last text and waits for it.
    pub(super) fn finish(self, text: String) -> Result<(), String> {
        self.shared.lock().text = Some(text);
        self.settle()
    }

    /// Waits until the newest text is written: it was the last.
    pub(super) fn settle(self) -> Result<(), String> {
        self.shared.lock().is_last = true;
        self.shared.changed.notify_one();
        let result = self.thread.join().unwrap_or_else(|_| Err(io::ErrorKind::Other.into()));
        result.map_err(|error| format!("failed to write `{}`: {error}", self.name))
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Newest> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes texts until the last one, whose failure counts: one before it is made good by the next.
fn write_all(shared: &Shared, path: &Path) -> io::Result<()> {
    let mut result = Ok(());
    loop {
        let is_idle = |newest: &mut Newest| newest.text.is_none() && !newest.is_last;
        let waited = shared.changed.wait_while(shared.lock(), is_idle);
        let mut newest = waited.unwrap_or_else(PoisonError::into_inner);
        let (text, is_last) = (newest.text.take(), newest.is_last);
        drop(newest);
        if let Some(text) = text {
            result = replace(path, &text);
        }
        if is_last {
            return result;
        }
    }
}

/// Readers see the old text or the new one, and nothing between.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let mut file = temporary(path)?;
    file.write_all(text.as_bytes())?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

/// A file next to the one that it is to replace, for all to read as far as the mask allows.
fn temporary(path: &Path) -> io::Result<tempfile::NamedTempFile> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.map_or_else(|| PathBuf::from("."), Path::to_path_buf);
    let mut builder = tempfile::Builder::new();
    builder.prefix(".acp-").suffix(".tmp").permissions(Permissions::from_mode(0o666));
    builder.tempfile_in(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).expect("folder").map(|entry| entry.expect("entry"));
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn a_reader_never_sees_half_a_text() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("a.prom");
        let file = TextFile::open(&path).expect("file");
        assert_eq!(names(folder.path()), [""; 0], "nothing before there is something to say");
        let text = |number: usize| format!("{number}").repeat(20_000);
        file.show(text(1));
        let mut seen = 0;
        for number in (2..8).cycle().take(500) {
            file.show(text(number));
            let Ok(found) = std::fs::read_to_string(&path) else { continue };
            seen += 1;
            let first = found.chars().next().expect("a whole text");
            assert!(found.len() == 20_000 && found.chars().all(|c| c == first), "half a text");
        }
        file.finish(text(9)).expect("written");
        assert_eq!(std::fs::read_to_string(&path).expect("file"), text(9), "after {seen} others");
        assert_eq!(names(folder.path()), ["a.prom"], "nothing is left behind");
        let mode = std::fs::metadata(&path).expect("file").permissions().mode();
        assert_eq!(mode & 0o400, 0o400);
    }

    #[test]
    fn a_link_stays_a_link() {
        let folder = tempfile::tempdir().expect("folder");
        let (path, link) = (folder.path().join("a.prom"), folder.path().join("b.prom"));
        std::fs::write(&path, "old").expect("file");
        std::os::unix::fs::symlink(&path, &link).expect("link");
        TextFile::open(&link).expect("file").finish("new".into()).expect("written");
        assert!(link.is_symlink());
        assert_eq!(std::fs::read_to_string(&path).expect("file"), "new");
    }

    #[test]
    fn what_cannot_be_replaced_is_known_before() {
        let folder = tempfile::tempdir().expect("folder");
        for (path, is_possible) in [
            (folder.path().join("new.prom"), true),
            (folder.path().to_path_buf(), false),
            ("/dev/null".into(), false),
            ("-".into(), false),
        ] {
            assert_eq!(TextFile::is_possible(&path), is_possible, "{}", path.display());
        }
        let failure = TextFile::open(Path::new("/no/such/folder/a.prom")).err().expect("refused");
        assert!(failure.starts_with("failed to create `/no/such/folder/a.prom`"), "{failure}");
    }

    #[test]
    fn a_folder_that_has_gone_is_an_error_at_the_end() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("a.prom");
        let file = TextFile::open(&path).expect("file");
        drop(folder);
        file.show("x".into());
        let failure = file.finish("y".into()).expect_err("no folder");
        assert!(failure.starts_with("failed to write `"), "{failure}");
    }
}
