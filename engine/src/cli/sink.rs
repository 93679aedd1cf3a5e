//! A place for bytes: a file, or standard output.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

/// A place, with its name for messages.
pub(super) struct Sink {
    pub(super) name: String,
    /// None is standard output.
    file: Option<File>,
    is_begun: bool,
}

impl Sink {
    /// Opens a place; `-` is standard output. What a file holds stays until something is written: a
    /// run that is refused costs nothing.
    pub(super) fn open(path: &Path) -> Result<Self, String> {
        let name = path.display().to_string();
        if path == Path::new("-") {
            return Ok(Self { name, file: None, is_begun: false });
        }
        let file = File::options().write(true).create(true).truncate(false).open(path);
        let file = file.map_err(|error| format!("failed to create `{name}`: {error}"))?;
        Ok(Self { name, file: Some(file), is_begun: false })
    }

    /// Writes, and waits for whoever reads the other end of a pipe.
    pub(super) fn write(&mut self, text: &str) -> Result<(), String> {
        match self.try_write(text.as_bytes()) {
            // The reader of a pipe has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            Err(error) => Err(format!("failed to write `{}`: {error}", self.name)),
            Ok(()) => Ok(()),
        }
    }

    fn try_write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(file) = &mut self.file else {
            let mut stdout = io::stdout();
            return stdout.write_all(bytes).and_then(|()| stdout.flush());
        };
        if !self.is_begun && file.metadata()?.is_file() {
            file.set_len(0)?;
        }
        self.is_begun = true;
        file.write_all(bytes)
    }
}
