//! Frames of parts in, merged frames of one second out: pure, without a clock or a database.
//!
//! A second is given out when every part that is still to send frames has reported it or a later
//! one, or when it has been over for [`PATIENCE_US`]. Frames that come later are added to what is
//! stored of their second, and it is given out again.
//!
//! A restart asks each part for its frames from one number on, so what is given out of a part must be
//! its frames below a number. Where a part reports an earlier second after a later one, the frame
//! waits until the later one is given out too.

use super::loss::LostShare;
use super::moment::{Moment, Timeline};
use super::part::{CLOSED, Part, PartSum};
use crate::schedule::PartProgress;
use crate::store::{FrameCommit, PartRecord, StoredFrame};
use acp_report::Sum;
use acp_wire::Frame;
use acp_wire::agent::{PartAck, PartFrames};
use acp_wire::frame::Flags;
use std::collections::{BTreeMap, BTreeSet};

/// How long after its end a second waits for parts that have not reported it.
pub(super) const PATIENCE_US: u64 = 5_000_000;
/// Seconds in memory, at the most: while the store does not take them, no more frames are taken.
pub(super) const MAX_PENDING: usize = 120;
/// Stored frames that are kept in memory, for frames that come late.
const MAX_BASES: usize = 60;

/// What is added to a second: (the second it is given out with, the second it is of).
type Deltas = BTreeMap<(Moment, Moment), Sum>;

/// What is being stored.
struct InCommit {
    deltas: Deltas,
    frames: Vec<(Moment, Frame)>,
    parts: Vec<(String, u64, PartSum)>,
}

/// The frames of one run that are not stored yet.
pub struct RunMerge {
    run: String,
    timeline: Timeline,
    parts: BTreeMap<String, Part>,
    deltas: Deltas,
    /// What is stored of a second; none: nothing.
    bases: BTreeMap<Moment, Option<Frame>>,
    in_commit: Option<InCommit>,
    /// The run is over: nothing is waited for.
    is_closed: bool,
}

impl RunMerge {
    /// The state of a run as it is stored.
    #[must_use]
    pub fn new(run: &str, timeline: Timeline, parts: &[PartRecord]) -> Self {
        let mut merge = Self {
            run: run.into(),
            timeline,
            parts: BTreeMap::new(),
            deltas: BTreeMap::new(),
            bases: BTreeMap::new(),
            in_commit: None,
            is_closed: false,
        };
        merge.add_parts(parts);
        merge
    }

    /// Adds parts that are not known yet.
    pub fn add_parts(&mut self, parts: &[PartRecord]) {
        for record in parts {
            let part = self.parts.entry(record.part.clone());
            part.or_insert_with(|| Part::new(record, &self.timeline));
        }
    }

    /// Whether a part is known.
    #[must_use]
    pub fn has_part(&self, part: &str) -> bool {
        self.parts.contains_key(part)
    }

    /// The time of the run.
    #[must_use]
    pub fn timeline(&self) -> Timeline {
        self.timeline
    }

    /// Whether everything that was taken is stored.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.deltas.is_empty() && self.in_commit.is_none()
    }

    /// Takes frames of a part, as far as they follow those before. None: it is not known.
    pub fn take(&mut self, batch: &PartFrames) -> Option<PartAck> {
        for frame in &batch.frames {
            let part = self.parts.get(&batch.part)?;
            let is_full = self.deltas.len() >= MAX_PENDING;
            if frame.seq < part.next {
                continue;
            }
            if frame.seq > part.next || frame.seq >= CLOSED - 1 || is_full || part.is_shut {
                break;
            }
            self.take_one(&batch.part, frame);
        }
        self.parts.get(&batch.part).map(Part::ack)
    }

    fn take_one(&mut self, name: &str, frame: &Frame) {
        let Some(part) = self.parts.get_mut(name) else { return };
        let target = Moment::of(frame);
        let is_again = part.reached().is_some_and(|reached| reached >= target);
        // The rate of a second is not that of each of its frames.
        let once = is_again.then(|| Frame { rate_target: 0.0, ..frame.clone() });
        let counted = once.as_ref().unwrap_or(frame);
        let order = part.reached().map_or(target, |reached| reached.max(target));
        let sum = self.deltas.entry((order, target)).or_default();
        let is_unreadable = sum.add_frame(counted).is_err();
        if is_unreadable {
            // What happened is known, only not how long it took: better than a hole.
            sum.add_counts(counted);
        }
        part.take(frame, is_unreadable);
    }

    /// Sums of the frames of a part.
    #[must_use]
    pub fn sum_of(&self, part: &str) -> Option<PartSum> {
        self.parts.get(part).map(Part::sum)
    }

    /// From now on no frame of a part is taken, and none is waited for. Until its books are closed its
    /// agent is not told to forget what it has: a kill forgets this.
    pub fn shut(&mut self, name: &str) {
        if let Some(part) = self.parts.get_mut(name) {
            part.is_shut = true;
        }
    }

    /// Closes the books of a part: no frame of it is taken any more, and `lost` is added to the
    /// newest second of the run. Whether that is new.
    pub fn lose(&mut self, name: &str, lost: LostShare) -> bool {
        let newest = self.parts.values().filter_map(Part::reached).max();
        let newest = newest.map_or(Moment::measured(0), |at| at.max(Moment::measured(0)));
        let Some(part) = self.parts.get_mut(name).filter(|part| !part.is_lost()) else {
            return false;
        };
        let counts = Frame { second: newest.second, ..lost.to_counts() };
        self.deltas.entry((newest, newest)).or_default().add_counts(&counts);
        part.lose(newest, counts);
        true
    }

    /// The run is over: what is there is given out, and nothing is waited for.
    pub fn close(&mut self) {
        self.is_closed = true;
    }

    /// How far each part is.
    #[must_use]
    pub fn progress(&self) -> Vec<PartProgress> {
        self.parts.iter().map(|(name, part)| part.progress(name, &self.timeline)).collect()
    }

    /// Newest second of the measured part.
    #[must_use]
    pub fn newest_second(&self) -> Option<u64> {
        let reached = self.parts.values().filter_map(Part::reached);
        reached.filter(|moment| moment.is_measured).map(|moment| moment.second).max()
    }

    /// The first second that is not given out yet; none: all are.
    fn limit(&self, now_unix_us: u64) -> Option<Moment> {
        if self.is_closed {
            return None;
        }
        let awaited = self.parts.values().filter_map(Part::awaited).min()?;
        let is_over =
            |moment: &Moment| self.timeline.end_unix_us(*moment) + PATIENCE_US < now_unix_us;
        let orders = self.deltas.keys().map(|&(order, _)| order);
        let last_over = orders.rev().find(is_over).map(Moment::next);
        Some(last_over.map_or(awaited, |over| over.max(awaited)))
    }

    /// Seconds that can be given out now, of which it is not known what is stored: look there and
    /// say it by [`Self::put_base`].
    #[must_use]
    pub fn wanted(&self, now_unix_us: u64) -> BTreeSet<Moment> {
        let limit = self.limit(now_unix_us);
        let due = self.deltas.keys().filter(|(order, _)| limit.is_none_or(|limit| *order < limit));
        let targets = due.map(|&(_, target)| target);
        targets.filter(|target| !self.bases.contains_key(target)).collect()
    }

    /// What is stored of a second.
    pub fn put_base(&mut self, moment: Moment, frame: Option<Frame>) {
        self.bases.insert(moment, frame);
    }

    /// What can be stored now; none: nothing. [`Self::end_commit`] or [`Self::undo_commit`] follows.
    ///
    /// # Panics
    ///
    /// When the commit before was not ended.
    pub fn begin_commit(&mut self, now_unix_us: u64) -> Option<FrameCommit> {
        assert!(self.in_commit.is_none(), "one commit at a time");
        if !self.wanted(now_unix_us).is_empty() {
            return None;
        }
        let limit = self.limit(now_unix_us);
        let later = limit.map(|limit| {
            let least = Moment { is_measured: false, second: 0 };
            self.deltas.split_off(&(limit, least))
        });
        let deltas = std::mem::replace(&mut self.deltas, later.unwrap_or_default());
        let parts = self.parts.iter().filter_map(|(name, part)| {
            part.stored_before(limit).map(|(end, sum)| (name.clone(), end, sum))
        });
        let parts: Vec<_> = parts.collect();
        if deltas.is_empty() && parts.is_empty() {
            return None;
        }
        let is_end =
            self.deltas.is_empty() && self.parts.values().all(|part| part.awaited().is_none());
        let frames = self.merged(&deltas, is_end);
        let commit = self.to_commit(&frames, &parts);
        self.in_commit = Some(InCommit { deltas, frames, parts });
        Some(commit)
    }

    fn merged(&self, deltas: &Deltas, is_end: bool) -> Vec<(Moment, Frame)> {
        let mut seconds = BTreeMap::<Moment, Vec<&Sum>>::new();
        for (&(_, target), delta) in deltas {
            seconds.entry(target).or_default().push(delta);
        }
        let newest = seconds.keys().next_back().copied();
        let frame = |(moment, deltas): (Moment, Vec<&Sum>)| {
            let last = is_end && Some(moment) == newest;
            let flags = Flags { warmup: !moment.is_measured, last };
            let frame = |sum: &Sum| sum.to_frame(&self.run, 0, moment.second, flags);
            let base = self.bases.get(&moment).and_then(Option::as_ref);
            // Nearly every second comes at once: it is its own sum, and needs no histograms for it.
            let merged = match (base, &deltas[..]) {
                (None, [only]) => frame(only),
                (base, deltas) => frame(&sum_of(base, deltas)),
            };
            (moment, merged)
        };
        seconds.into_iter().map(frame).collect()
    }

    fn to_commit(
        &self,
        frames: &[(Moment, Frame)],
        parts: &[(String, u64, PartSum)],
    ) -> FrameCommit {
        let stored_frame = |(_, frame): &(Moment, Frame)| StoredFrame {
            run: self.run.clone(),
            number: 0,
            width_s: 1,
            frame: frame.clone(),
        };
        let text = |sum: &PartSum| serde_json::to_string(sum).unwrap_or_default();
        FrameCommit {
            run: self.run.clone(),
            epoch: 0,
            frames: frames.iter().map(stored_frame).collect(),
            stored: parts.iter().map(|(name, end, _)| (name.clone(), *end)).collect(),
            sums: parts.iter().map(|(name, _, sum)| (name.clone(), text(sum))).collect(),
        }
    }

    /// It is stored.
    pub fn end_commit(&mut self) {
        let Some(done) = self.in_commit.take() else { return };
        for (name, end, sum) in done.parts {
            if let Some(part) = self.parts.get_mut(&name) {
                part.set_stored(end, sum);
            }
        }
        self.bases.extend(done.frames.into_iter().map(|(moment, frame)| (moment, Some(frame))));
        while self.bases.len() > MAX_BASES {
            self.bases.pop_first();
        }
    }

    /// It is not stored.
    pub fn undo_commit(&mut self) {
        let Some(done) = self.in_commit.take() else { return };
        for (key, sum) in done.deltas {
            self.deltas.entry(key).or_default().add(&sum);
        }
    }

    /// Ends a commit of which it is not known whether it was stored, by what is stored of the parts:
    /// a commit moves at least one of them, and all or none.
    pub fn settle_commit(&mut self, parts: &[PartRecord]) {
        let Some(open) = &self.in_commit else { return };
        let is_stored = open.parts.iter().all(|(name, end, _)| {
            parts.iter().any(|record| record.part == *name && record.stored == *end)
        });
        match is_stored {
            true => self.end_commit(),
            false => self.undo_commit(),
        }
    }
}

/// What is stored of a second, and what is added to it.
fn sum_of(base: Option<&Frame>, deltas: &[&Sum]) -> Sum {
    let mut sum = Sum::new();
    if let Some(base) = base
        && sum.add_frame(base).is_err()
    {
        sum.add_counts(base);
    }
    deltas.iter().for_each(|delta| sum.add(delta));
    sum
}

#[cfg(test)]
#[path = "merge_tests.rs"]
mod tests;
