//! A look at one part: its rows are made again and compared, its keys are read and noted.

use super::CheckError;
use super::block::write;
use super::seen::Seen;
use super::template::hexadecimal;
use acp_plan::rows::Rows;
use acp_wire::rows::ManifestPart;
use flate2::read::MultiGzDecoder;
use sha2::{Digest as _, Sha256};
use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::ops::Range;
use std::path::Path;

/// Rows that are compared at a time.
const ROWS_AT_ONCE: u64 = 1024;

/// A reader that hashes what goes through it.
struct Hashing<R> {
    from: R,
    hash: Sha256,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let count = self.from.read(bytes)?;
        self.hash.update(&bytes[..count]);
        Ok(count)
    }
}

/// A look at one part.
pub(super) struct Look<'a> {
    pub(super) rows: &'a Rows,
    pub(super) seen: &'a Seen,
    pub(super) ends: &'a dyn Fn() -> bool,
    pub(super) tell: &'a dyn Fn(u64),
}

impl Look<'_> {
    /// Compares a part with what it should be. Returns its bytes, unpacked.
    pub(super) fn part(
        &self,
        path: &Path,
        part: &ManifestPart,
        is_packed: bool,
    ) -> Result<u64, CheckError> {
        let failed = |source| CheckError::Read { path: path.into(), source };
        let found = fs::metadata(path).map_err(failed)?.len();
        if found != part.bytes {
            let expected = part.bytes;
            return Err(CheckError::Bytes { path: path.into(), found, expected });
        }
        let file = File::open(path).map_err(failed)?;
        let mut hashing = Hashing { from: file, hash: Sha256::new() };
        let bytes = match is_packed {
            true => {
                self.compare(path, part, &mut MultiGzDecoder::new(BufReader::new(&mut hashing)))?
            }
            false => {
                self.compare(path, part, &mut BufReader::with_capacity(1 << 18, &mut hashing))?
            }
        };
        // What a packed file has behind its end.
        io::copy(&mut hashing, &mut io::sink()).map_err(failed)?;
        match hexadecimal(&hashing.hash.finalize()) == part.sha256 {
            true => Ok(bytes),
            false => Err(CheckError::Hash(path.into())),
        }
    }

    fn compare(
        &self,
        path: &Path,
        part: &ManifestPart,
        from: &mut dyn Read,
    ) -> Result<u64, CheckError> {
        let failed = |source| CheckError::Read { path: path.into(), source };
        let end = part.from_row + part.rows;
        let (mut made, mut found, mut marks) = (Vec::new(), Vec::new(), Vec::new());
        let (mut bytes, mut row) = (0, part.from_row);
        while row < end {
            if (self.ends)() {
                return Err(CheckError::Stopped);
            }
            let rows = row..(row + ROWS_AT_ONCE).min(end);
            write(self.rows, rows.clone(), &mut made);
            found.clear();
            from.take(made.len() as u64).read_to_end(&mut found).map_err(failed)?;
            if found != made {
                return Err(self.difference(path, part, row, &made, &found));
            }
            self.note_keys(path, part, rows.clone(), &found, &mut marks)?;
            bytes += found.len() as u64;
            (self.tell)(rows.end - rows.start);
            row = rows.end;
        }
        let mut more = [0];
        match from.read(&mut more).map_err(failed)? {
            0 => Ok(bytes),
            _ => {
                let why = format!("there are more rows than {}", part.rows);
                Err(CheckError::Line { path: path.into(), line: self.line(part, end), why })
            }
        }
    }

    /// Reads the keys of rows from what was found, and notes them.
    fn note_keys(
        &self,
        path: &Path,
        part: &ManifestPart,
        rows: Range<u64>,
        found: &[u8],
        marks: &mut Vec<(usize, Range<usize>)>,
    ) -> Result<(), CheckError> {
        if self.rows.keys().is_empty() {
            return Ok(());
        }
        let mut line = Vec::new();
        let mut start = match (rows.start, self.rows.header()) {
            (0, Some(header)) => header.len() + 1,
            _ => 0,
        };
        for row in rows {
            line.clear();
            marks.clear();
            self.rows.write_marked(row, &mut line, marks);
            // The same key may stand in a row more than once.
            marks.sort_by_key(|(key, _)| *key);
            marks.dedup_by_key(|(key, _)| *key);
            for (key, range) in marks.iter() {
                let digits = &found[start + range.start..start + range.end];
                let number = number(digits);
                let owner = number.and_then(|number| self.rows.keys()[*key].row_of(number));
                if !owner.is_some_and(|owner| self.seen.note(*key, owner)) {
                    let (name, digits) =
                        (&self.rows.keys()[*key].name, String::from_utf8_lossy(digits));
                    let why = format!("key `{name}` has {digits} a second time");
                    let line = self.line(part, row);
                    return Err(CheckError::Line { path: path.into(), line, why });
                }
            }
            start += line.len() + 1;
        }
        Ok(())
    }

    /// Says how what was found differs from what was made of the rows from `row` on.
    fn difference(
        &self,
        path: &Path,
        part: &ManifestPart,
        row: u64,
        made: &[u8],
        found: &[u8],
    ) -> CheckError {
        let lines = made.split(|byte| *byte == b'\n').zip(found.split(|byte| *byte == b'\n'));
        let same = lines.take_while(|(made, found)| made == found).count();
        let is_header_here = row == part.from_row && self.has_header(part);
        let text = found.split(|byte| *byte == b'\n').nth(same).unwrap_or_default();
        let first = self.line(part, row) - u64::from(is_header_here);
        let line = first + same as u64;
        let row = row + (same as u64).saturating_sub(u64::from(is_header_here));
        let why = match self.owner(row, text) {
            _ if is_header_here && same == 0 => "it is not the header of the template".into(),
            _ if text.is_empty() => format!("row {row} is missing"),
            Some((name, number, owner)) if owner != row => {
                let is_double = owner < row;
                let twice = if is_double { " a second time" } else { "" };
                format!(
                    "key `{name}` has {number}{twice}: it belongs to row {owner}, not to row {row}"
                )
            }
            _ => format!("it is not row {row} of the template"),
        };
        CheckError::Line { path: path.into(), line, why }
    }

    fn has_header(&self, part: &ManifestPart) -> bool {
        part.from_row == 0 && self.rows.header().is_some()
    }

    /// The line of a row.
    fn line(&self, part: &ManifestPart, row: u64) -> u64 {
        row - part.from_row + 1 + u64::from(self.has_header(part))
    }

    /// The key of a line that is not what it should be, and the row that it belongs to. It is looked for
    /// where row `row` has its first one.
    fn owner(&self, row: u64, text: &[u8]) -> Option<(String, u64, u64)> {
        let (mut line, mut marks) = (Vec::new(), Vec::new());
        self.rows.write_marked(row, &mut line, &mut marks);
        let (key, range) = marks.first()?;
        let rest = text.strip_prefix(&line[..range.start])?;
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let number = number(&rest[..digits])?;
        let key = &self.rows.keys()[*key];
        Some((key.name.clone(), number, key.row_of(number)?))
    }
}

fn number(digits: &[u8]) -> Option<u64> {
    str::from_utf8(digits).ok()?.parse().ok()
}
