//! What a slot sends, without sending it: by the same functions as the run.

use super::batch::{Batch, Maker, now_ms};
use super::cursor::{Fetched, Place};
use super::dealer::line_number;
use super::{BadLine, Source, SourceError};
use crate::plan::{RequestLine, Schedule, Scratch, ShardPlan, Values};
use crate::record::TagNames;
use acp_wire::agent::Share;
use thiserror::Error;

/// Why a slot cannot be shown.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "each variant is its message")]
pub enum ExplainError {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error("slot {slot} is not in the plan, which has {total}")]
    NoSlot { slot: u64, total: u64 },
    #[error("slot {slot} is not of this share: {slot} mod {stride} is not {offset}")]
    NotOfShare { slot: u64, offset: u64, stride: u64 },
    #[error(
        "in a closed loop the lines of a source go to whoever asks first: which slot has which is not known before\nhint: order = \"random\" with one shard, or an open loop"
    )]
    NotKnown,
    #[error("a pipe cannot be looked into without taking its lines")]
    Pipe,
}

/// What a slot sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    /// When it is due, from the start of the measured part; none in a closed loop.
    pub due_ns: Option<u64>,
    /// The shard that sends it.
    pub shard: u64,
    /// The request; none where its line is bad.
    pub bytes: Result<Vec<u8>, String>,
    /// Where its line is from.
    pub line: Option<Place>,
    /// Its tag.
    pub tag: Option<String>,
}

/// Shows a slot of the measured part. `parts` are the shards of `share`, which has the slot.
///
/// # Errors
///
/// When there is no such slot, or no source.
pub fn explain(slot: u64, share: &Share, parts: &[ShardPlan]) -> Result<Explained, ExplainError> {
    let plan = &parts[0].plan;
    let due_ns = match &plan.schedule {
        Schedule::Open { total, .. } if slot >= *total => {
            return Err(ExplainError::NoSlot { slot, total: *total });
        }
        Schedule::Closed { requests: Some(total), .. } if slot >= *total => {
            return Err(ExplainError::NoSlot { slot, total: *total });
        }
        Schedule::Open { pace, .. } => Some(pace.due_ns(slot)),
        Schedule::Closed { .. } => None,
    };
    let (offset, stride) = (share.offset, share.stride);
    if slot % stride != offset {
        return Err(ExplainError::NotOfShare { slot, offset, stride });
    }
    let number = (slot - offset) / stride;
    let shard = number % parts.len() as u64;
    let empty = Explained { due_ns, shard, bytes: Ok(Vec::new()), line: None, tag: None };
    let Some(template) = &plan.template else {
        return Ok(Explained { bytes: Ok(plan.request.bytes.clone()), ..empty });
    };
    let tags = TagNames::default();
    let seed = plan.document.seed;
    let mut maker = Maker::new(template, &tags, seed, false);
    let Some(source) = Source::open(plan, &maker, &|| false)? else {
        let mut bytes = Vec::new();
        let mut values = Values::new(seed, false, slot, now_ms(), b"");
        let line = RequestLine::default();
        template.render(&line, &mut values, &mut Scratch::default(), &mut bytes);
        return Ok(Explained { bytes: Ok(bytes), ..empty });
    };
    if source.is_pipe() {
        return Err(ExplainError::Pipe);
    }
    if !plan.is_open_loop() && parts.len() > 1 {
        return Err(ExplainError::NotKnown);
    }
    let partition = plan.document.source.as_ref().map(|source| source.partition);
    let mut cursor = source.cursor(plan);
    let line = line_number(partition.unwrap_or_default(), share, number);
    let fetched = cursor.fetch(line, slot).map_err(SourceError::from)?;
    let mut batch = Batch::default();
    let made = match (fetched, source.kind) {
        (Fetched::Line, Some(kind)) => maker.add(kind, cursor.text(), slot, &mut batch),
        (Fetched::TooLong, _) => Err(BadLine::TooLong),
        (_, _) => Err(BadLine::Gone),
    };
    let mut bytes = Vec::new();
    let given = made.map(|()| batch.copy(0, &mut bytes));
    let tag = given.as_ref().ok().and_then(|given| tags.name(given.as_ref()?.tag));
    let bytes = given.map(|_| bytes).map_err(|why| why.to_string());
    Ok(Explained { bytes, line: Some(cursor.place()), tag, ..empty })
}
