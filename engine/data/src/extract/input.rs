//! Lines of logs: files, all files of folders, or standard input; gzip is recognised.
//!
//! A file is read up to the length that it had when it was found: what a server appends meanwhile is not
//! seen, so two passes see the same.

use super::run::ExtractError;
use flate2::bufread::MultiGzDecoder;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};

/// Bytes of a line, at the most.
pub(super) const MAX_LINE_BYTES: usize = 1 << 20;
/// Bytes read at once.
const READ_BYTES: usize = 1 << 20;
/// How a gzip file begins.
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// Standard input.
const STDIN: &str = "-";

/// What a line is.
pub(super) enum Line<'a> {
    Text(&'a [u8]),
    TooLong,
}

/// Where a line is.
pub(super) struct Place<'a> {
    pub(super) path: &'a Path,
    /// From 1.
    pub(super) number: u64,
}

#[derive(Debug)]
struct Input {
    path: PathBuf,
    /// None: it passes by once.
    length_bytes: Option<u64>,
}

/// Logs, in the order in which they are read.
#[derive(Debug)]
pub(super) struct Inputs(Vec<Input>);

impl Inputs {
    /// Finds the files that are named. Of a folder, those in it and below whose names do not begin with a
    /// dot, in the order of their paths.
    pub(super) fn find(paths: &[PathBuf]) -> Result<Self, ExtractError> {
        let mut inputs = Vec::new();
        for path in paths {
            if path.as_os_str() == STDIN {
                inputs.push(Input { path: path.clone(), length_bytes: None });
                continue;
            }
            let failed = |source| ExtractError::Read { path: path.clone(), source };
            let metadata = fs::metadata(path).map_err(failed)?;
            if metadata.is_dir() {
                let before = inputs.len();
                collect(path, &mut inputs).map_err(failed)?;
                inputs[before..].sort_by(|a, b| a.path.cmp(&b.path));
                if inputs.len() == before {
                    return Err(ExtractError::EmptyFolder(path.clone()));
                }
            } else {
                let length_bytes = metadata.is_file().then_some(metadata.len());
                inputs.push(Input { path: path.clone(), length_bytes });
            }
        }
        Ok(Self(inputs))
    }

    /// Whether they can be read twice.
    pub(super) fn are_files(&self) -> bool {
        self.0.iter().all(|input| input.length_bytes.is_some())
    }

    /// Gives every line that is not blank to `on_line`.
    pub(super) fn each_line(
        &self,
        on_line: &mut dyn FnMut(&Place<'_>, Line<'_>) -> Result<(), ExtractError>,
    ) -> Result<(), ExtractError> {
        for input in &self.0 {
            let failed = |source| ExtractError::Read { path: input.path.clone(), source };
            let mut reader = input.open().map_err(failed)?;
            let mut lines = Lines { reader: &mut *reader, carry: Vec::new(), number: 0 };
            while let Some(done) = lines
                .next(&mut |number, line| on_line(&Place { path: &input.path, number }, line))
                .map_err(failed)?
            {
                done?;
            }
        }
        Ok(())
    }
}

impl Input {
    fn open(&self) -> io::Result<Box<dyn BufRead>> {
        let raw: Box<dyn io::Read> = match self.length_bytes {
            Some(length_bytes) => Box::new(File::open(&self.path)?.take(length_bytes)),
            None if self.path.as_os_str() == STDIN => Box::new(io::stdin()),
            None => Box::new(File::open(&self.path)?),
        };
        let mut plain = BufReader::with_capacity(READ_BYTES, raw);
        if plain.fill_buf()?.starts_with(&GZIP) {
            let unpacked = MultiGzDecoder::new(plain);
            return Ok(Box::new(BufReader::with_capacity(READ_BYTES, unpacked)));
        }
        Ok(Box::new(plain))
    }
}

fn collect(folder: &Path, found: &mut Vec<Input>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        // A link to a folder could lead back to where it stands.
        if entry.file_type()?.is_dir() {
            collect(&path, found)?;
            continue;
        }
        let metadata = fs::metadata(&path)?;
        if metadata.is_file() {
            found.push(Input { path, length_bytes: Some(metadata.len()) });
        }
    }
    Ok(())
}

/// Lines of one input.
struct Lines<'r> {
    reader: &'r mut dyn BufRead,
    /// The start of a line whose end was not in the buffer.
    carry: Vec<u8>,
    number: u64,
}

impl Lines<'_> {
    /// Gives the next lines to `on_line` until it fails, or those at hand are over. None: there are no more.
    fn next<E>(
        &mut self,
        on_line: &mut dyn FnMut(u64, Line<'_>) -> Result<(), E>,
    ) -> io::Result<Option<Result<(), E>>> {
        let buffer = match self.reader.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(Some(Ok(()))),
            found => found?,
        };
        let bytes = buffer.len();
        if bytes == 0 {
            if self.carry.is_empty() {
                return Ok(None);
            }
            let last = std::mem::take(&mut self.carry);
            self.number += 1;
            return Ok(Some(give(&last, self.number, on_line)));
        }
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', buffer) {
            self.number += 1;
            let given = if self.carry.is_empty() {
                give(&buffer[start..end], self.number, on_line)
            } else {
                append(&mut self.carry, &buffer[start..end]);
                let given = give(&self.carry, self.number, on_line);
                self.carry.clear();
                given
            };
            if given.is_err() {
                return Ok(Some(given));
            }
            start = end + 1;
        }
        append(&mut self.carry, &buffer[start..]);
        self.reader.consume(bytes);
        Ok(Some(Ok(())))
    }
}

/// Appends what is not beyond the longest line by more than a byte, which shows that it is too long.
fn append(carry: &mut Vec<u8>, more: &[u8]) {
    let room = (MAX_LINE_BYTES + 2).saturating_sub(carry.len());
    carry.extend(&more[..more.len().min(room)]);
}

fn give<E>(
    line: &[u8],
    number: u64,
    on_line: &mut dyn FnMut(u64, Line<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    match line.len() {
        _ if line.iter().all(u8::is_ascii_whitespace) => Ok(()),
        0..=MAX_LINE_BYTES => on_line(number, Line::Text(line)),
        _ => on_line(number, Line::TooLong),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Write as _;

    fn read(paths: &[PathBuf]) -> Result<Vec<(String, u64, String)>, ExtractError> {
        let mut found = Vec::new();
        Inputs::find(paths)?.each_line(&mut |place, line| {
            let text = match line {
                Line::Text(text) => String::from_utf8_lossy(text).into_owned(),
                Line::TooLong => "(too long)".into(),
            };
            let name = place.path.file_name().unwrap().to_string_lossy().into_owned();
            found.push((name, place.number, text));
            Ok(())
        })?;
        Ok(found)
    }

    #[test]
    fn lines_of_files_and_folders_come_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("b")).unwrap();
        fs::write(at("c.log"), "c1\r\n\n  \nc4").unwrap();
        fs::write(at("b/2"), "b2\n").unwrap();
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(b"b1\n").unwrap();
        let mut members = packed.finish().unwrap();
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(b"and more\n").unwrap();
        members.extend(packed.finish().unwrap());
        fs::write(at("b/1"), members).unwrap();
        fs::write(at(".hidden"), "no\n").unwrap();
        fs::write(at("empty"), "").unwrap();
        let line = |name: &str, number, text: &str| (name.to_string(), number, text.to_string());
        let expected = [
            line("1", 1, "b1"),
            line("1", 2, "and more"),
            line("2", 1, "b2"),
            line("c.log", 1, "c1"),
            line("c.log", 4, "c4"),
        ];
        assert_eq!(read(&[folder.path().into()]).unwrap(), expected);
        assert_eq!(read(&[at("c.log"), at("b/2")]).unwrap().len(), 3);
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let cut = folder.path().join("cut.gz");
        fs::write(&cut, [0x1f, 0x8b, 8, 0]).unwrap();
        let empty = folder.path().join("empty");
        fs::create_dir(&empty).unwrap();
        for (path, part) in [
            (folder.path().join("none"), "failed to read"),
            (empty, "has no files"),
            (cut, "cut.gz"),
        ] {
            let error = read(&[path]).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn a_line_has_a_limit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("long");
        let long = "x".repeat(MAX_LINE_BYTES);
        fs::write(&path, format!("{long}\r\n{long}x\n{long}{long}{long}\nshort\n{long}xxx"))
            .unwrap();
        let lengths: Vec<_> = read(&[path]).unwrap().iter().map(|line| line.2.len()).collect();
        assert_eq!(lengths, [MAX_LINE_BYTES, 10, 10, 5, 10]);
    }

    proptest! {
        #[test]
        fn the_size_of_the_buffer_changes_nothing(
            text in "[a\n\r ]{0,80}", capacity in 1_usize..20,
        ) {
            let collect = |capacity| {
                let mut reader = BufReader::with_capacity(capacity, text.as_bytes());
                let mut lines = Lines { reader: &mut reader, carry: Vec::new(), number: 0 };
                let mut found = Vec::new();
                while let Some(done) = lines.next(&mut |number, line| {
                    if let Line::Text(text) = line {
                        found.push((number, text.to_vec()));
                    }
                    Ok::<_, ()>(())
                }).unwrap() {
                    done.unwrap();
                }
                found
            };
            prop_assert_eq!(collect(capacity), collect(1000));
        }
    }
}
