//! Threads that make blocks, and the one that writes them in order.
//!
//! ```text
//! thread 0: blocks 0, 2, 4, … ──► ┐
//!                                 ├─ in turn ─► place ─► parts
//! thread 1: blocks 1, 3, 5, … ──► ┘
//!           ◄── memory to use again
//! ```
//!
//! Who makes a block follows from its number, so nothing has to be put in order, and what is written
//! does not depend on who was faster.

use super::block::{Block, Maker, block_rows, blocks};
use super::place::{Output, Place};
use super::{GenerateError, Job};
use acp_wire::rows::ManifestPart;
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, Scope};

/// Blocks of one thread that wait to be written.
const WAITING_BLOCKS: usize = 2;

/// What was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// Rows.
    pub rows: u64,
    /// Bytes, as they are on disk.
    pub bytes: u64,
    /// The parts.
    pub parts: Vec<ManifestPart>,
    /// Where the manifest is; a stream has none.
    pub manifest: Option<PathBuf>,
}

/// A block of bytes, or why there is none.
type Full = io::Result<Vec<u8>>;

/// A thread, as the writer sees it.
struct Lane {
    full: Receiver<Full>,
    empty: SyncSender<Vec<u8>>,
}

/// Makes the rows of a job and writes them. `tell` hears how many rows are written so far. Ends early
/// when it `is_stopped`; then, and on any error, nothing is left of files.
///
/// # Errors
///
/// When something cannot be written, or was stopped.
pub fn generate(
    job: &Job,
    output: Output,
    is_stopped: &dyn Fn() -> bool,
    tell: &mut dyn FnMut(u64),
) -> Result<Made, GenerateError> {
    let rows = block_rows(&job.rows);
    let mut place = Place::new(job, output)?;
    let mut written = 0;
    std::thread::scope(|scope| {
        let lanes = (0..job.threads.max(1)).map(|thread| lane(scope, job, rows, thread));
        let lanes = lanes.collect::<io::Result<Vec<_>>>().map_err(GenerateError::Thread)?;
        for (number, block) in blocks(job, rows).enumerate() {
            if is_stopped() {
                return Err(GenerateError::Stopped);
            }
            let lane = &lanes[number % lanes.len()];
            // A thread that is gone has panicked, which the end of the scope tells.
            let Ok(full) = lane.full.recv() else { return Err(GenerateError::Stopped) };
            let bytes = full.map_err(GenerateError::Thread)?;
            place.write(&block, &bytes)?;
            written += block.rows.end - block.rows.start;
            tell(written);
            // It may have made its last.
            lane.empty.try_send(bytes).unwrap_or_default();
        }
        Ok(())
    })?;
    let (parts, manifest) = place.finish()?;
    Ok(Made { rows: written, bytes: parts.iter().map(|part| part.bytes).sum(), parts, manifest })
}

/// Starts the thread with a number. It ends with its last block, or when nobody takes them any more.
fn lane<'scope>(
    scope: &'scope Scope<'scope, '_>,
    job: &'scope Job,
    rows: u64,
    thread: usize,
) -> io::Result<Lane> {
    let (to, full) = sync_channel(WAITING_BLOCKS);
    let (empty, back) = sync_channel::<Vec<u8>>(WAITING_BLOCKS + 2);
    let body = move || {
        let mut maker = Maker::default();
        let own = |(number, block): (usize, Block)| {
            (number % job.threads.max(1) == thread).then_some(block)
        };
        for block in blocks(job, rows).enumerate().filter_map(own) {
            let mut bytes = back.try_recv().unwrap_or_default();
            let made = maker.make(job, &block, &mut bytes).map(|()| bytes);
            if to.send(made).is_err() {
                break;
            }
        }
    };
    Builder::new().name(format!("rows-{thread}")).spawn_scoped(scope, body)?;
    Ok(Lane { full, empty })
}
