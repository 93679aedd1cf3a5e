//! Where the requests of a run come from when they are not all the same: a query file or folder, or
//! a template.
//!
//! ```text
//!  files ─► lines ─► cursor ─► maker ─► dealer ─► batches ─► feed of a shard
//!            rows ───┘
//!           │ one thread of the process, on no CPU of a shard ┘
//! ```
//!
//! Rows are made from a template (`source.generate`) instead of read, and are lines in all other
//! respects: any of them is there at once, so they need no index.
//!
//! **Which line a request has.** With `partition = "none"` a process's own `i`th slot has line `i`,
//! over all its shards; with `agent` slot `k` of the run has line `k`: agents with the same file share
//! its lines out. Behind the last line comes the first again. `random` draws a line for each slot from
//! seed and slot; `shuffle` goes through each pass in an order that follows from the seed. The measured
//! part begins with line 0, whatever the warm-up took.
//!
//! In an open loop a slot has exactly its line, whatever was given up before; a line that cannot be
//! sent, or that is not there when it is due, is `not_sent(source)`. In a closed loop, and from a pipe,
//! lines go to shards as they ask for them, in batches: each line once.
//!
//! A relative path is one from the folder where the process works; under an agent that is a folder of
//! the run, so paths in plans for agents are best absolute. The file is looked for on each agent.

mod batch;
mod cursor;
mod dealer;
mod explain;
mod feed;
mod file_cursor;
mod files;
mod index;
mod lines;
mod order;
mod parse;
mod reader;
mod row_cursor;
#[cfg(test)]
mod row_tests;
#[cfg(test)]
mod tests;

pub use cursor::Place;
pub use dealer::Notice;
pub use explain::{ExplainError, Explained, explain};
pub use files::FileError;
pub use parse::BadLine;
pub use reader::{Needs, Supply};

use crate::plan::Plan;
use crate::plan::rows::{Form, Rows, RowsError};
use acp_wire::rows::Generate;
use batch::Maker;
use cursor::Cursor;
use file_cursor::{FileCursor, Jumps};
use files::Files;
use index::Index;
use lines::{Lines, Step};
use parse::Kind;
use row_cursor::RowCursor;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use thiserror::Error;

/// Of a source that is read in order so much is checked before the start.
const CHECKED_BYTES: u64 = 64 << 20;

/// Of rows that are made so many are checked before the start.
const CHECKED_ROWS: u64 = 10_000;

/// After so many bytes it is looked whether the run was stopped: some 10 ms.
const WATCH_BYTES: usize = 1 << 20;

/// Why a source cannot be used.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "each variant is its message")]
pub enum SourceError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error("{path}:{line}: {why}", path = path.display())]
    Line { path: PathBuf, line: u64, why: BadLine },
    #[error("`{path}` has no requests", path = .0.display())]
    Empty(PathBuf),
    #[error("`{path}` is packed, so its lines can only be read in order\nhint: gunzip it, or use order = \"seq\"", path = .0.display())]
    Packed(PathBuf),
    #[error("`{path}` is a pipe, so its lines can only be read in order\nhint: use a file, or order = \"seq\"", path = .0.display())]
    PipeOrder(PathBuf),
    #[error("`{path}` is a pipe, so a warm-up would take the first of its lines\nhint: use a file, or leave the warm-up out", path = .0.display())]
    PipeWarmup(PathBuf),
    #[error("source.generate: {0}")]
    Rows(RowsError),
    #[error("source.generate: row {row}: {why}")]
    Row { row: u64, why: BadLine },
    #[error("stopped before the source had a request")]
    Stopped,
    #[error("failed to start the reader of the source")]
    Thread(#[source] std::io::Error),
}

/// A source that was found to be good, as far as that was looked at.
#[derive(Clone, Debug)]
struct Source {
    origin: Origin,
    kind: Option<Kind>,
    /// Where lines begin; only where their order is not that of the files.
    index: Option<Arc<Index>>,
}

/// Where lines come from.
#[derive(Clone, Debug)]
enum Origin {
    Files(Arc<Files>),
    Rows(Arc<Rows>),
}

impl Source {
    /// Finds the files of a plan and checks their lines: all of them where they are read in any order,
    /// else the first 64 MiB.
    ///
    /// Stops to look when it `is_stopped`: then it holds what was found until then.
    fn open(
        plan: &Plan,
        maker: &Maker,
        is_stopped: &dyn Fn() -> bool,
    ) -> Result<Option<Self>, SourceError> {
        let Some(source) = &plan.document.source else { return Ok(None) };
        if let Some(generate) = &source.generate {
            return Self::of_rows(generate, plan.document.seed, maker).map(Some);
        }
        let path = Path::new(source.file.as_deref().unwrap_or_default());
        let files = Files::find(path)?;
        let first = files.entries[0].path.clone();
        let is_seq = source.order == acp_wire::plan::Order::Seq;
        if files.is_pipe() && plan.warmup_ns > 0 {
            return Err(SourceError::PipeWarmup(first));
        }
        if files.is_pipe() && !is_seq {
            return Err(SourceError::PipeOrder(first));
        }
        if let Some(packed) = files.packed().filter(|_| !is_seq) {
            return Err(SourceError::Packed(packed.into()));
        }
        let is_pipe = files.is_pipe();
        let files = Arc::new(files);
        let mut found = Self {
            kind: Kind::given(source.format, &maker.template),
            origin: Origin::Files(Arc::clone(&files)),
            index: None,
        };
        if !is_pipe {
            found.look_through(&files, maker, !is_seq, is_stopped)?;
        }
        Ok(Some(found))
    }

    /// Compiles rows and checks the first of them.
    fn of_rows(generate: &Generate, seed: u64, maker: &Maker) -> Result<Self, SourceError> {
        let rows = Rows::compile(generate, seed, &mut acp_data::generate::load);
        let rows = rows.map_err(SourceError::Rows)?;
        let kind = match rows.form() {
            _ if maker.template.wants_line() => Kind::Value,
            Form::Path => Kind::Path,
            Form::Line => Kind::Line,
            Form::Jsonl => Kind::Jsonl,
            // The compiler of plans has refused rows that are neither requests nor values.
            Form::Record | Form::Csv | Form::Text => Kind::Value,
        };
        let mut text = Vec::new();
        for row in 0..rows.rows().min(CHECKED_ROWS) {
            text.clear();
            rows.write(row, &mut text);
            maker.check(kind, &text).map_err(|why| SourceError::Row { row, why })?;
        }
        Ok(Self { origin: Origin::Rows(Arc::new(rows)), kind: Some(kind), index: None })
    }

    /// Whether lines can be read once only.
    fn is_pipe(&self) -> bool {
        match &self.origin {
            Origin::Files(files) => files.is_pipe(),
            Origin::Rows(_) => false,
        }
    }

    /// Reads lines, says what is wrong with one, and keeps where they begin.
    fn look_through(
        &mut self,
        files: &Arc<Files>,
        maker: &Maker,
        is_indexed: bool,
        is_stopped: &dyn Fn() -> bool,
    ) -> Result<(), SourceError> {
        let mut index = Index::new();
        let mut lines = Lines::new(files);
        let (mut read_bytes, mut requests, mut unwatched) = (0, 0_u64, 0);
        while is_indexed || requests == 0 || read_bytes < CHECKED_BYTES {
            if unwatched >= WATCH_BYTES {
                unwatched = 0;
                if is_stopped() {
                    break;
                }
            }
            let step = lines.step()?;
            unwatched += lines.text().len() + 1;
            let why = match step {
                Step::End => break,
                Step::Waits => continue,
                Step::TooLong => Some(BadLine::TooLong),
                Step::Line if Kind::skips(self.kind, lines.text()) => continue,
                Step::Line => self.look_at(maker, lines.text()).err(),
            };
            let (file, number, offset) = lines.place();
            if let Some(why) = why {
                let path = files.entries[file].path.clone();
                return Err(SourceError::Line { path, line: number, why });
            }
            let bytes = lines.text().len();
            requests += 1;
            read_bytes += bytes as u64;
            if is_indexed {
                index.push(file, offset, bytes);
            }
        }
        if requests == 0 && is_stopped() {
            return Err(SourceError::Stopped);
        }
        if requests == 0 {
            return Err(SourceError::Empty(files.entries[0].path.clone()));
        }
        self.index = is_indexed.then(|| Arc::new(index));
        Ok(())
    }

    fn look_at(&mut self, maker: &Maker, text: &[u8]) -> Result<(), BadLine> {
        let kind = match self.kind {
            Some(kind) => kind,
            None => *self.kind.insert(Kind::detect(text)?),
        };
        maker.check(kind, text)
    }

    /// A way through its lines.
    fn cursor(&self, plan: &Plan) -> Cursor {
        let order = plan.document.source.as_ref().map(|source| source.order).unwrap_or_default();
        let seed = plan.document.seed;
        match &self.origin {
            Origin::Rows(rows) => Cursor::Rows(RowCursor::new(rows, order, seed)),
            Origin::Files(files) => {
                let jumps = Jumps::of(order, seed, self.index.as_ref());
                Cursor::Files(Box::new(FileCursor::new(files, self.kind, jumps)))
            }
        }
    }
}
