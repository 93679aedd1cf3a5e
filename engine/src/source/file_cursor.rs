//! The line of any request in files: the next one, or one that its number says.

use super::cursor::Fetched;
use super::files::{FileError, Files};
use super::index::Index;
use super::lines::{Lines, Step};
use super::order;
use super::parse::Kind;
use acp_wire::plan::Order;
use std::path::PathBuf;
use std::sync::Arc;

/// Where lines stand whose order is not that of the files.
#[derive(Clone, Debug)]
pub(super) struct Jumps {
    pub(super) index: Arc<Index>,
    pub(super) is_random: bool,
    pub(super) seed: u64,
}

impl Jumps {
    /// The jumps of an order; none where lines come one after the other.
    pub(super) fn of(order: Order, seed: u64, index: Option<&Arc<Index>>) -> Option<Self> {
        let index = Arc::clone(index?);
        (order != Order::Seq).then_some(Self { index, is_random: order == Order::Random, seed })
    }
}

/// A way through the lines of a source.
pub(super) struct FileCursor {
    lines: Lines,
    files: Arc<Files>,
    kind: Option<Kind>,
    jumps: Option<Jumps>,
    /// The number that the next line has, over all passes.
    next: u64,
    /// Lines of this pass so far, and of a whole one.
    in_pass: u64,
    pass: Option<u64>,
}

impl FileCursor {
    pub(super) fn new(files: &Arc<Files>, kind: Option<Kind>, jumps: Option<Jumps>) -> Self {
        Self {
            lines: Lines::new(files),
            files: Arc::clone(files),
            kind,
            jumps,
            next: 0,
            in_pass: 0,
            pass: None,
        }
    }

    /// Whether lines can be read once only.
    pub(super) fn is_pipe(&self) -> bool {
        self.files.is_pipe()
    }

    /// The text of the line that was fetched.
    #[inline]
    pub(super) fn text(&self) -> &[u8] {
        self.lines.text()
    }

    /// Files that were found to have changed.
    pub(super) fn changed(&self) -> impl ExactSizeIterator<Item = PathBuf> {
        self.lines.changed().iter().map(|&file| self.files.entries[file].path.clone())
    }

    /// The file of the line that was fetched last.
    pub(super) fn file(&self) -> PathBuf {
        self.files.entries[self.lines.place().0].path.clone()
    }

    /// Lines skipped as blank or as comments are those of this kind.
    pub(super) fn set_kind(&mut self, kind: Kind) {
        self.kind = Some(kind);
    }

    /// Fetches the line of request `number`; it is that of `slot`.
    #[inline]
    pub(super) fn fetch(&mut self, number: u64, slot: u64) -> Result<Fetched, FileError> {
        match &self.jumps {
            None => self.fetch_next(number),
            Some(jumps) => {
                let lines = jumps.index.lines();
                let line = match jumps.is_random {
                    true => order::random(jumps.seed, slot, lines),
                    false => order::shuffle(jumps.seed, number, lines),
                };
                self.jump(line)
            }
        }
    }

    fn fetch_next(&mut self, number: u64) -> Result<Fetched, FileError> {
        if number < self.next {
            if self.files.is_pipe() {
                return Ok(Fetched::Gone);
            }
            self.lines.rewind();
            (self.next, self.in_pass) = (0, 0);
        }
        loop {
            let found = match self.lines.step()? {
                Step::Line if Kind::skips(self.kind, self.lines.text()) => continue,
                Step::Line => Fetched::Line,
                Step::TooLong => Fetched::TooLong,
                Step::Waits => return Ok(Fetched::Waits),
                Step::End if self.in_pass == 0 || self.files.is_pipe() => {
                    return Ok(Fetched::Ended);
                }
                Step::End => {
                    self.pass = Some(self.in_pass);
                    self.lines.rewind();
                    self.in_pass = 0;
                    self.skip_passes(number);
                    continue;
                }
            };
            self.next += 1;
            self.in_pass += 1;
            if self.next > number {
                return Ok(found);
            }
        }
    }

    /// Whole passes need not be read to be passed.
    fn skip_passes(&mut self, number: u64) {
        if let Some(pass) = self.pass {
            self.next += number.saturating_sub(self.next) / pass * pass;
        }
    }

    fn jump(&mut self, line: u64) -> Result<Fetched, FileError> {
        let Some(jumps) = &self.jumps else { return Ok(Fetched::Gone) };
        let found = jumps.index.find(line);
        self.lines.go_to(found.file, found.offset, found.bytes);
        let mut before = found.before;
        loop {
            let fetched = match self.lines.step()? {
                _ if self.lines.place().0 != found.file => return Ok(Fetched::Gone),
                Step::Line if Kind::skips(self.kind, self.lines.text()) => continue,
                Step::Line => Fetched::Line,
                Step::TooLong => Fetched::TooLong,
                Step::Waits | Step::End => return Ok(Fetched::Gone),
            };
            if before == 0 {
                return Ok(fetched);
            }
            before -= 1;
        }
    }

    /// File and number of the line that was fetched last, as people count them. Costs reading the file
    /// up to there where the line was jumped to.
    pub(super) fn place(&self) -> (PathBuf, u64) {
        let (file, number, offset) = self.lines.place();
        let path = self.files.entries[file].path.clone();
        let number = match self.jumps {
            None => number,
            Some(_) => self.number_at(file, offset),
        };
        (path, number)
    }

    fn number_at(&self, file: usize, offset: u64) -> u64 {
        let mut lines = Lines::new(&self.files);
        lines.go_to(file, 0, usize::MAX);
        let mut number = 0;
        while let Ok(Step::Line | Step::TooLong) = lines.step() {
            number += 1;
            if lines.place().0 != file || lines.place().2 >= offset {
                break;
            }
        }
        number
    }
}
