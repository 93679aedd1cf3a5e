//! What ingest knows of one part: how far its frames have come, and their sums.

use super::moment::{Moment, Timeline};
use crate::schedule::PartProgress;
use crate::store::PartRecord;
use acp_report::{add_after, counts_of, decode, encode, new_histogram};
use acp_wire::Frame;
use acp_wire::agent::PartAck;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// The sequence number of a part whose books were closed: no frame of it is taken any more.
pub const CLOSED: u64 = 1 << 62;

/// Sums of the frames of a part, as they are kept with it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PartSum {
    /// Counts of the measured part.
    pub counts: Frame,
    /// Seconds of the measured part that it has frames of.
    pub seconds: u64,
    /// Newest second: whether it is of the measured part, and its number.
    pub reached: Option<(bool, u64)>,
    /// Its last frame is among them.
    pub is_last_seen: bool,
    /// Frames whose histograms could not be read; their counts are in.
    pub unreadable: u64,
    /// Send lag, base64 of HDR V2; only in the sums of a part that has ended. After a restart of
    /// control it has the frames from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send_lag: Option<String>,
}

impl PartSum {
    /// The sums in a record; of nothing where there are none.
    #[must_use]
    pub fn read(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_default()
    }

    fn add(&mut self, taken: &Taken) {
        self.reached = self.reached.max(Some((taken.order.is_measured, taken.order.second)));
        self.is_last_seen |= taken.is_last;
        self.unreadable += u64::from(taken.is_unreadable);
        let Some(counts) = &taken.counts else { return };
        add_after(&mut self.counts, counts);
        if taken.end != CLOSED {
            let is_new = self.counts.second != counts.second || self.seconds == 0;
            self.seconds += u64::from(is_new);
            self.counts.second = counts.second;
        }
    }
}

/// A frame in memory.
#[derive(Clone, Debug)]
struct Taken {
    /// It is given out with this second: its own, or that of a frame before it where that is later.
    order: Moment,
    /// Sequence number after it.
    end: u64,
    /// Its counts; none in the warm-up.
    counts: Option<Frame>,
    is_last: bool,
    is_unreadable: bool,
}

/// One part.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) next: u64,
    stored: u64,
    /// It has no frames before.
    from: Moment,
    reached: Option<Moment>,
    is_last_seen: bool,
    /// No frame of it is taken any more.
    pub(super) is_shut: bool,
    /// Sums of frames below `stored`.
    committed: PartSum,
    /// Frames from `stored` to `next`.
    waiting: VecDeque<Taken>,
    /// Values of send lag and how often they were.
    send_lag: BTreeMap<u64, u64>,
}

impl Part {
    pub(super) fn new(record: &PartRecord, timeline: &Timeline) -> Self {
        let committed = PartSum::read(&record.sums);
        let reached = committed.reached;
        let from_us = record.share.from_us;
        let has_warmup = timeline.warmup_us > 0 && from_us == 0;
        Self {
            next: record.stored,
            stored: record.stored,
            from: Moment { is_measured: !has_warmup, second: from_us / 1_000_000 },
            reached: reached.map(|(is_measured, second)| Moment { is_measured, second }),
            is_last_seen: committed.is_last_seen,
            is_shut: record.lost_at_us.is_some() || record.stored >= CLOSED,
            committed,
            waiting: VecDeque::new(),
            send_lag: BTreeMap::new(),
        }
    }

    pub(super) fn ack(&self) -> PartAck {
        PartAck { next: self.next, stored: self.stored }
    }

    pub(super) fn is_lost(&self) -> bool {
        self.next >= CLOSED
    }

    pub(super) fn reached(&self) -> Option<Moment> {
        self.reached
    }

    /// The second from which on its frames are still to come; none: there will be no more.
    pub(super) fn awaited(&self) -> Option<Moment> {
        if self.is_last_seen || self.is_shut {
            return None;
        }
        Some(self.reached.map_or(self.from, Moment::next))
    }

    /// Takes its next frame. Returns the second it is given out with.
    pub(super) fn take(&mut self, frame: &Frame, is_unreadable: bool) -> Moment {
        let target = Moment::of(frame);
        let order = self.reached.map_or(target, |reached| reached.max(target));
        self.reached = Some(order);
        self.is_last_seen |= frame.flags.last;
        self.next = frame.seq + 1;
        if target.is_measured && !is_unreadable {
            self.add_send_lag(frame);
        }
        // Nobody asks for the bands of a part, and its sums are written again with every commit.
        let bare = |frame| Frame { response_bands: BTreeMap::new(), ..counts_of(frame) };
        let counts = target.is_measured.then(|| bare(frame));
        let is_last = frame.flags.last;
        self.waiting.push_back(Taken { order, end: self.next, counts, is_last, is_unreadable });
        order
    }

    fn add_send_lag(&mut self, frame: &Frame) {
        let Some(Ok(histogram)) = frame.histograms.send_lag.as_deref().map(decode) else { return };
        for step in histogram.iter_recorded() {
            *self.send_lag.entry(step.value_iterated_to()).or_default() += step.count_at_value();
        }
    }

    /// Closes its books with `counts`, which are given out with `order`, a second not before any of
    /// its own.
    pub(super) fn lose(&mut self, order: Moment, counts: Frame) {
        (self.next, self.is_shut) = (CLOSED, true);
        let taken = Taken {
            order: self.reached.map_or(order, |reached| reached.max(order)),
            end: CLOSED,
            counts: Some(counts),
            is_last: false,
            is_unreadable: false,
        };
        self.waiting.push_back(taken);
    }

    /// What is stored of it once everything before `limit` is; none: nothing new.
    pub(super) fn stored_before(&self, limit: Option<Moment>) -> Option<(u64, PartSum)> {
        let is_due = |taken: &&Taken| limit.is_none_or(|limit| taken.order < limit);
        self.waiting.front().filter(is_due)?;
        let mut sum = self.committed.clone();
        let mut end = None;
        for taken in self.waiting.iter().take_while(is_due) {
            sum.add(taken);
            end = Some(taken.end);
        }
        if sum.is_last_seen || end == Some(CLOSED) {
            sum.send_lag = self.encoded_send_lag().or(sum.send_lag);
        }
        end.map(|end| (end, sum))
    }

    fn encoded_send_lag(&self) -> Option<String> {
        let mut histogram = new_histogram();
        for (&value, &count) in &self.send_lag {
            histogram.saturating_record_n(value, count);
        }
        encode(&histogram)
    }

    /// Its frames below `end` are stored.
    pub(super) fn set_stored(&mut self, end: u64, sum: PartSum) {
        self.stored = end;
        self.committed = sum;
        while self.waiting.front().is_some_and(|taken| taken.end <= end) {
            self.waiting.pop_front();
        }
    }

    /// Sums of all its frames.
    pub(super) fn sum(&self) -> PartSum {
        let mut sum = self.committed.clone();
        self.waiting.iter().for_each(|taken| sum.add(taken));
        sum
    }

    pub(super) fn progress(&self, part: &str, timeline: &Timeline) -> PartProgress {
        let sum = self.sum();
        let measured = self.reached.filter(|reached| reached.is_measured);
        PartProgress {
            part: part.into(),
            next: self.next,
            stored: self.stored,
            is_last_seen: self.is_last_seen,
            is_shut: self.is_shut,
            is_lost: self.is_lost(),
            last_frame_end_us: measured.map(|moment| timeline.end_us(moment)),
            planned: sum.counts.planned,
        }
    }
}
