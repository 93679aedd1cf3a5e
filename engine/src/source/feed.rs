//! What gives a shard its requests: lines that a reader has made into requests, or a template.

use super::batch::{Batch, NEAR_REQUESTS, now_ms};
use crate::plan::{RequestLine, RequestTemplate, Scratch, Values};
use crate::shard::{Answer, Feed, Given, Wanted};
use rtrb::{Consumer, Producer};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Nobody has asked yet.
pub(super) const NOT_ASKED: u64 = u64::MAX;

/// The shard's end of a lane.
pub(super) struct Stream {
    pub(super) from: Consumer<Batch>,
    /// Batches that were used go back.
    pub(super) back: Producer<Batch>,
    /// The index that was asked for when no batch had it.
    pub(super) wanted: Arc<AtomicU64>,
    /// Requests belong to slots. If not, each is given once, whatever its index.
    pub(super) is_by_slot: bool,
    /// All requests that there were have been taken.
    is_over: Arc<AtomicBool>,
    batch: Option<Batch>,
    next: usize,
}

impl Stream {
    pub(super) fn new(
        from: Consumer<Batch>,
        back: Producer<Batch>,
        wanted: Arc<AtomicU64>,
        is_by_slot: bool,
        is_over: Arc<AtomicBool>,
    ) -> Self {
        Self { from, back, wanted, is_by_slot, is_over, batch: None, next: 0 }
    }

    /// Why there is no request.
    #[cold]
    fn nothing(&self) -> Answer {
        if self.is_over.load(Ordering::Acquire) { Answer::Over } else { Answer::NotYet }
    }

    #[inline]
    fn give(&mut self, index: u64, bytes: &mut Vec<u8>) -> Answer {
        loop {
            if self.batch.is_none() {
                self.wanted.store(index, Ordering::Relaxed);
                self.batch = self.from.pop().ok();
                self.next = 0;
            }
            let Some(batch) = &self.batch else { return self.nothing() };
            let number = match self.is_by_slot {
                true => usize::try_from(index.wrapping_sub(batch.first)).unwrap_or(usize::MAX),
                false => self.next,
            };
            if number >= batch.len() {
                self.end_batch();
                continue;
            }
            self.next = number + 1;
            if number.is_multiple_of(NEAR_REQUESTS) {
                batch.draw_near(number);
            }
            match batch.copy(number, bytes) {
                Some(given) => return Answer::Given(given),
                None if self.is_by_slot => return Answer::NotYet,
                None => {}
            }
        }
    }

    fn end_batch(&mut self) {
        if let Some(batch) = self.batch.take() {
            // There is room for all that there are; one that is lost is made anew.
            drop(self.back.push(batch));
        }
    }
}

/// Requests of a source.
pub(super) struct FileFeed {
    pub(super) warmup: Option<Stream>,
    pub(super) measured: Stream,
}

impl Feed for FileFeed {
    #[inline]
    fn give(&mut self, wanted: Wanted, bytes: &mut Vec<u8>) -> Answer {
        if wanted.is_warmup {
            let warmup = self.warmup.as_mut();
            return warmup.map_or(Answer::Over, |warmup| warmup.give(wanted.index, bytes));
        }
        if self.warmup.is_some() {
            // The reader sees that nobody is there any more.
            self.warmup = None;
        }
        self.measured.give(wanted.index, bytes)
    }
}

/// Requests of a template.
pub(super) struct TemplateFeed {
    template: Arc<RequestTemplate>,
    wants_now: bool,
    seed: u64,
    scratch: Scratch,
}

impl TemplateFeed {
    pub(super) fn new(template: &Arc<RequestTemplate>, seed: u64) -> Self {
        let (template, wants_now) = (Arc::clone(template), template.wants_now());
        Self { template, wants_now, seed, scratch: Scratch::default() }
    }
}

impl Feed for TemplateFeed {
    #[inline]
    fn give(&mut self, wanted: Wanted, bytes: &mut Vec<u8>) -> Answer {
        let now_ms = if self.wants_now { now_ms() } else { 0 };
        let mut values = Values::new(self.seed, wanted.is_warmup, wanted.slot, now_ms, b"");
        let line = RequestLine::default();
        let is_head = self.template.render(&line, &mut values, &mut self.scratch, bytes);
        Answer::Given(Given { is_head, tag: 0 })
    }
}
