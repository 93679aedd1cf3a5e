//! A block: the rows that a thread makes at a time.

use super::Job;
use acp_plan::rows::Rows;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::{self, Write as _};
use std::ops::Range;

/// Bytes of a block, about: large enough that handing it over costs nothing, small enough for a cache.
const BLOCK_BYTES: u64 = 256 << 10;
/// Rows that are made to see how long they are.
const SAMPLED_ROWS: u64 = 64;
/// Rows of a block, at the most.
const MAX_BLOCK_ROWS: u64 = 1 << 16;

/// Rows of one part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Block {
    /// Index of the part in the job.
    pub(super) part: usize,
    pub(super) rows: Range<u64>,
    /// Whether the part ends with it.
    pub(super) is_last: bool,
}

/// Bytes of a row, on average of some.
pub(super) fn row_bytes(rows: &Rows) -> u64 {
    let mut bytes = Vec::new();
    let sampled = SAMPLED_ROWS.min(rows.rows());
    // From everywhere: numbers become longer.
    (0..sampled).for_each(|number| rows.write(rows.rows() / sampled * number, &mut bytes));
    bytes.len() as u64 / sampled + 1
}

/// Rows of a block. They follow from the template alone, and so do packed files.
pub(super) fn block_rows(rows: &Rows) -> u64 {
    (BLOCK_BYTES / row_bytes(rows)).clamp(1, MAX_BLOCK_ROWS)
}

/// The blocks of a job, in order.
pub(super) fn blocks(job: &Job, rows: u64) -> impl Iterator<Item = Block> {
    job.parts.iter().enumerate().flat_map(move |(part, plan)| {
        let (start, end) = (plan.rows.start, plan.rows.end);
        let count = (end - start).div_ceil(rows);
        (0..count).map(move |number| {
            let first = start + number * rows;
            let rows = first..(first + rows).min(end);
            Block { part, is_last: number + 1 == count, rows }
        })
    })
}

/// Memory of a thread that makes blocks.
#[derive(Debug, Default)]
pub(super) struct Maker {
    plain: Vec<u8>,
}

impl Maker {
    /// Makes a block in `bytes`, whose memory is used again.
    pub(super) fn make(&mut self, job: &Job, block: &Block, bytes: &mut Vec<u8>) -> io::Result<()> {
        bytes.clear();
        let plain = if job.is_packed { &mut self.plain } else { &mut *bytes };
        write(&job.rows, block.rows.clone(), plain);
        if job.is_packed {
            // Each block is a member of its own, so that threads can pack (RFC 1952, 2.2).
            let mut encoder = GzEncoder::new(std::mem::take(bytes), Compression::fast());
            encoder.write_all(&self.plain)?;
            *bytes = encoder.finish()?;
        }
        Ok(())
    }
}

/// Writes rows, each with its end of line, to the beginning of `bytes`.
pub(super) fn write(all: &Rows, rows: Range<u64>, bytes: &mut Vec<u8>) {
    bytes.clear();
    if rows.start == 0
        && let Some(header) = all.header()
    {
        bytes.extend_from_slice(header.as_bytes());
        bytes.push(b'\n');
    }
    for row in rows {
        all.write(row, bytes);
        bytes.push(b'\n');
    }
}
