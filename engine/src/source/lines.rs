//! Lines of files, one after the other or from any place, whatever the files are.

use super::files::{Data, FileError, Files};
use flate2::read::MultiGzDecoder;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::sync::Arc;

/// Bytes of a line, at the most.
pub(super) const MAX_LINE_BYTES: usize = 4 << 20;
/// Bytes read at once.
const READ_BYTES: usize = 128 << 10;

/// What a step has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A line; see [`Lines::text`].
    Line,
    /// A line that was too long.
    TooLong,
    /// A pipe has nothing now.
    Waits,
    /// There are no more lines.
    End,
}

/// What is being read.
enum Input {
    None,
    /// From memory or disk, at a position of its own.
    Memory,
    Disk(File),
    Gzip(Box<MultiGzDecoder<File>>),
    /// A pipe, and whether somebody has written to it: before that its end is no end.
    Pipe(File, bool),
}

/// A cursor over the lines of files.
pub(super) struct Lines {
    files: Arc<Files>,
    /// The file, and its input.
    file: usize,
    input: Input,
    /// Where `buffer[0]` stands in the file, unpacked.
    base: u64,
    buffer: Vec<u8>,
    start: usize,
    scanned: usize,
    end: usize,
    chunk_bytes: usize,
    /// Lines of this file so far.
    number: u64,
    /// The line that was found, without its end.
    line: (usize, usize),
    is_skipping: bool,
    /// Files that are no longer what they were, once each.
    changed: Vec<usize>,
}

impl Lines {
    pub(super) fn new(files: &Arc<Files>) -> Self {
        Self {
            files: Arc::clone(files),
            file: 0,
            input: Input::None,
            base: 0,
            buffer: Vec::new(),
            start: 0,
            scanned: 0,
            end: 0,
            chunk_bytes: READ_BYTES,
            number: 0,
            line: (0, 0),
            is_skipping: false,
            changed: Vec::new(),
        }
    }

    /// The line that was found.
    #[inline]
    pub(super) fn text(&self) -> &[u8] {
        &self.buffer[self.line.0..self.line.1]
    }

    /// The file of that line, its number from 1, and where it begins.
    pub(super) fn place(&self) -> (usize, u64, u64) {
        (self.file, self.number, self.base + self.line.0 as u64)
    }

    /// Files that were found to have changed, each once.
    pub(super) fn changed(&self) -> &[usize] {
        &self.changed
    }

    /// Back to the first line of the first file.
    pub(super) fn rewind(&mut self) {
        self.go_to(0, 0, READ_BYTES);
    }

    /// Goes to a place of a file that is not packed, to read about so many bytes from there. Numbers of
    /// lines are not known then.
    pub(super) fn go_to(&mut self, file: usize, offset: u64, bytes: usize) {
        if file != self.file || !matches!(self.input, Input::Memory | Input::Disk(_)) {
            self.input = Input::None;
        }
        self.file = file;
        self.chunk_bytes = bytes.clamp(512, READ_BYTES);
        (self.base, self.number, self.is_skipping) = (offset, 0, false);
        (self.start, self.scanned, self.end) = (0, 0, 0);
    }

    /// Goes to the next line.
    #[inline]
    pub(super) fn step(&mut self) -> Result<Step, FileError> {
        loop {
            if let Some(at) = memchr::memchr(b'\n', &self.buffer[self.scanned..self.end]) {
                return Ok(self.end_line(self.scanned + at, 1));
            }
            self.scanned = self.end;
            if self.is_skipping || self.end - self.start > MAX_LINE_BYTES {
                self.is_skipping = true;
                self.base += self.end as u64;
                (self.start, self.scanned, self.end) = (0, 0, 0);
            }
            match self.fill()? {
                Some(0) if self.start < self.end || self.is_skipping => {
                    // The last line has no end.
                    return Ok(self.end_line(self.end, 0));
                }
                Some(0) if self.file + 1 == self.files.entries.len() => {
                    self.look_for_change();
                    return Ok(Step::End);
                }
                Some(0) => {
                    self.look_for_change();
                    self.go_to(self.file + 1, 0, READ_BYTES);
                }
                Some(_) => {}
                None => return Ok(Step::Waits),
            }
        }
    }

    #[inline]
    fn end_line(&mut self, end: usize, feed_bytes: usize) -> Step {
        let mut line = (self.start, end);
        self.start = end + feed_bytes;
        self.scanned = self.start;
        self.number += 1;
        if line.0 < line.1 && self.buffer[line.1 - 1] == b'\r' {
            line.1 -= 1;
        }
        let is_long = std::mem::take(&mut self.is_skipping) || line.1 - line.0 > MAX_LINE_BYTES;
        self.line = if is_long { (line.1, line.1) } else { line };
        if is_long { Step::TooLong } else { Step::Line }
    }

    #[cold]
    fn look_for_change(&mut self) {
        if !self.changed.contains(&self.file) && self.files.entries[self.file].has_changed() {
            self.changed.push(self.file);
        }
    }

    /// Reads more. None: nothing is there yet; 0: the file is over.
    fn fill(&mut self) -> Result<Option<usize>, FileError> {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.base += self.start as u64;
            self.end -= self.start;
            self.scanned = self.end;
            self.start = 0;
        }
        if self.buffer.len() < self.end + self.chunk_bytes {
            self.buffer.resize(self.end + self.chunk_bytes, 0);
        }
        let found = self.open().and_then(|()| self.read());
        match found {
            Ok(bytes) => {
                self.end += bytes.unwrap_or(0);
                Ok(bytes)
            }
            Err(source) => {
                let path = self.files.entries[self.file].path.clone();
                Err(FileError::Read { path, source })
            }
        }
    }

    fn read(&mut self) -> io::Result<Option<usize>> {
        let at = self.base + self.end as u64;
        let room = &mut self.buffer[self.end..self.end + self.chunk_bytes];
        loop {
            let result = match &mut self.input {
                Input::None => Ok(0),
                Input::Memory => {
                    let Data::Memory(all) = &self.files.entries[self.file].data else {
                        return Ok(Some(0));
                    };
                    let rest = all.get(usize::try_from(at).unwrap_or(usize::MAX)..);
                    let rest = rest.unwrap_or_default();
                    let bytes = rest.len().min(room.len());
                    room[..bytes].copy_from_slice(&rest[..bytes]);
                    Ok(bytes)
                }
                Input::Disk(file) => file.read_at(room, at),
                Input::Gzip(decoder) => decoder.read(room),
                Input::Pipe(file, has_writer) => match file.read(room) {
                    Ok(0) if !*has_writer => return Ok(None),
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {
                        *has_writer = true;
                        return Ok(None);
                    }
                    Ok(bytes) => {
                        *has_writer = true;
                        Ok(bytes)
                    }
                    Err(error) => Err(error),
                },
            };
            match result {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                result => return result.map(Some),
            }
        }
    }

    fn open(&mut self) -> io::Result<()> {
        if !matches!(self.input, Input::None) {
            return Ok(());
        }
        let entry = &self.files.entries[self.file];
        self.input = match entry.data {
            Data::Memory(_) => Input::Memory,
            Data::Disk => Input::Disk(File::open(&entry.path)?),
            Data::Gzip => Input::Gzip(Box::new(MultiGzDecoder::new(File::open(&entry.path)?))),
            Data::Pipe => {
                let mut options = OpenOptions::new();
                let file = options.read(true).custom_flags(libc::O_NONBLOCK).open(&entry.path)?;
                Input::Pipe(file, false)
            }
        };
        Ok(())
    }
}
