//! Requests on their way from the reader to a shard, many at a time.

use super::parse::{BadLine, Kind};
use crate::plan::{Envelope, NOW_DIGITS, RequestTemplate, Scratch, Values, check_path};
use crate::record::TagNames;
use crate::shard::Given;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// A batch is full with so many requests, or so many bytes.
const FULL_REQUESTS: usize = 1024;
const FULL_BYTES: usize = 128 << 10;
/// Requests whose bytes a shard draws near at once.
pub(super) const NEAR_REQUESTS: usize = 16;
/// Memory of one that is kept for the next.
const KEPT_BYTES: usize = 256 << 10;

/// A request within a batch.
#[derive(Clone, Copy, Debug)]
struct Entry {
    /// Its bytes, and the places of times in them, end here.
    end: u32,
    now_end: u32,
    /// None: its line was bad.
    given: Option<Given>,
}

/// Requests of one shard, one after the other.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// Index of the first among the slots of the shard.
    pub(super) first: u64,
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    /// What stands around the bytes of each: they are paths then.
    envelope: Option<Arc<Envelope>>,
    /// Where the time of sending belongs.
    now_places: Vec<u32>,
}

impl Batch {
    /// An empty one in the memory of this.
    pub(super) fn renewed(mut self, first: u64) -> Self {
        self.bytes.clear();
        if self.bytes.capacity() > KEPT_BYTES {
            self.bytes.shrink_to(FULL_BYTES);
        }
        self.entries.clear();
        self.now_places.clear();
        self.first = first;
        self
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn is_full(&self) -> bool {
        self.entries.len() >= FULL_REQUESTS || self.bytes.len() >= FULL_BYTES
    }

    /// Memory that it takes, about.
    pub(super) fn memory_bytes(&self) -> usize {
        self.bytes.capacity() + self.entries.capacity() * size_of::<Entry>()
    }

    /// Books a request whose line was bad.
    pub(super) fn push_nothing(&mut self) {
        self.end_entry(None);
    }

    fn end_entry(&mut self, given: Option<Given>) {
        let end = u32::try_from(self.bytes.len()).unwrap_or(u32::MAX);
        let now_end = u32::try_from(self.now_places.len()).unwrap_or(u32::MAX);
        self.entries.push(Entry { end, now_end, given });
    }

    /// Appends a request to `bytes`, and says what is known of it; none where its line was bad.
    #[inline]
    pub(super) fn copy(&self, number: usize, bytes: &mut Vec<u8>) -> Option<Given> {
        let Entry { end, given, .. } = self.entries[number];
        let given = given?;
        let own = &self.bytes[self.start(number)..end as usize];
        if let Some(envelope) = &self.envelope {
            bytes.extend_from_slice(&envelope.before);
            bytes.extend_from_slice(own);
            bytes.extend_from_slice(&envelope.after);
        } else {
            let at = bytes.len();
            bytes.extend_from_slice(own);
            self.write_now(number, at, bytes);
        }
        Some(given)
    }

    /// Brings the bytes of the requests from `number` on near: another core has written them, and it is
    /// cheaper to wait for many of their cache lines at once than for each when it is needed.
    #[inline]
    pub(super) fn draw_near(&self, number: usize) {
        const LINE_BYTES: usize = 64;
        let start = self.start(number);
        let entries = &self.entries[number..(number + NEAR_REQUESTS).min(self.len())];
        let end = entries.iter().fold(start, |_, entry| entry.end as usize);
        let far = self.bytes[start..end].iter().step_by(LINE_BYTES);
        std::hint::black_box(far.fold(0_u8, |sum, byte| sum ^ byte));
    }

    #[inline]
    fn start(&self, number: usize) -> usize {
        number.checked_sub(1).map_or(0, |before| self.entries[before].end as usize)
    }

    /// Writes the time of now into the request that was appended to `bytes` from `at` on.
    #[inline]
    fn write_now(&self, number: usize, at: usize, bytes: &mut [u8]) {
        if self.now_places.is_empty() {
            return;
        }
        let first = number.checked_sub(1).map_or(0, |before| self.entries[before].now_end);
        let places = &self.now_places[first as usize..self.entries[number].now_end as usize];
        let start = self.start(number);
        for &place in places {
            let mut now = now_ms();
            let place = at + place as usize - start;
            for digit in bytes[place..place + NOW_DIGITS].iter_mut().rev() {
                *digit = b'0' + u8::try_from(now % 10).unwrap_or(0);
                now /= 10;
            }
        }
    }
}

/// Time of the wall clock.
#[inline]
pub(super) fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

/// Makes requests of lines.
pub(super) struct Maker {
    pub(super) template: Arc<RequestTemplate>,
    pub(super) tags: TagNames,
    pub(super) seed: u64,
    pub(super) is_warmup: bool,
    wants_now: bool,
    envelope: Option<Arc<Envelope>>,
    scratch: Scratch,
}

impl Maker {
    pub(super) fn new(
        template: &Arc<RequestTemplate>,
        tags: &TagNames,
        seed: u64,
        is_warmup: bool,
    ) -> Self {
        let (template, tags) = (Arc::clone(template), tags.clone());
        let wants_now = template.wants_now();
        let envelope = template.envelope().map(Arc::new);
        Self { template, tags, seed, is_warmup, wants_now, envelope, scratch: Scratch::default() }
    }

    /// Checks a line without making anything of it.
    pub(super) fn check(&self, kind: Kind, text: &[u8]) -> Result<(), BadLine> {
        match kind {
            Kind::Value => self.template.check_value(text)?,
            kind => self.template.check(&kind.parse(text)?.request)?,
        }
        Ok(())
    }

    /// Appends the request of a slot to a batch.
    #[inline]
    pub(super) fn add(
        &mut self,
        kind: Kind,
        text: &[u8],
        slot: u64,
        batch: &mut Batch,
    ) -> Result<(), BadLine> {
        if let (Kind::Path, Some(envelope)) = (kind, &self.envelope) {
            let path = text.trim_ascii();
            check_path(path)?;
            // All of the batch are paths: the kind of a source is one.
            batch.envelope.get_or_insert_with(|| Arc::clone(envelope));
            batch.bytes.extend_from_slice(path);
            batch.end_entry(Some(Given { is_head: self.template.is_head(), tag: 0 }));
            return Ok(());
        }
        let parsed = kind.parse(text)?;
        match kind {
            Kind::Value => self.template.check_value(text)?,
            _ => self.template.check(&parsed.request)?,
        }
        let tag = parsed.tag.map_or(0, |tag| self.tags.number(&tag));
        let now_ms = if self.wants_now { now_ms() } else { 0 };
        let mut values = Values::new(self.seed, self.is_warmup, slot, now_ms, text);
        let bytes = &mut batch.bytes;
        let is_head = self.template.render(&parsed.request, &mut values, &mut self.scratch, bytes);
        let places = self.scratch.now_places().iter();
        batch.now_places.extend(places.map(|&place| u32::try_from(place).unwrap_or(u32::MAX)));
        batch.end_entry(Some(Given { is_head, tag }));
        Ok(())
    }
}
