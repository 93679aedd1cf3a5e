//! The frames of a run as a series of bounded length.

use acp_wire::Frame;
use std::collections::BTreeMap;

/// Frames kept; beyond, neighbours are put together and the series gets coarser.
const MAX_FRAMES: usize = 4096;

/// Frames without histograms, whose sums equal the report.
#[derive(Debug, Default)]
pub struct Series {
    frames: Vec<Frame>,
    /// Frames put together into one of the series.
    width: usize,
    pending: usize,
}

impl Series {
    /// Adds the next frame of the measured part.
    pub fn push(&mut self, frame: &Frame) {
        let mut frame = frame.clone();
        frame.histograms = acp_wire::frame::Histograms::default();
        if self.pending > 0
            && let Some(last) = self.frames.last_mut()
        {
            fold(last, &frame);
            self.pending -= 1;
            return;
        }
        if self.frames.len() == MAX_FRAMES {
            self.coarsen();
        }
        self.pending = self.width.max(1) - 1;
        self.frames.push(frame);
    }

    /// The series.
    #[must_use]
    pub fn into_frames(self) -> Vec<Frame> {
        self.frames
    }

    fn coarsen(&mut self) {
        let old = std::mem::take(&mut self.frames);
        let mut old = old.into_iter();
        while let Some(mut first) = old.next() {
            if let Some(second) = old.next() {
                fold(&mut first, &second);
            }
            self.frames.push(first);
        }
        self.width = self.width.max(1) * 2;
    }
}

/// Adds the counts of `next`, the frame after `frame`.
fn fold(frame: &mut Frame, next: &Frame) {
    frame.flags.last |= next.flags.last;
    frame.planned += next.planned;
    frame.sent += next.sent;
    frame.completed += next.completed;
    fold_table(&mut frame.not_sent, &next.not_sent);
    fold_table(&mut frame.errors, &next.errors);
    fold_table(&mut frame.status, &next.status);
    frame.in_flight = next.in_flight;
    frame.blocked += next.blocked;
    frame.connects += next.connects;
    frame.disconnects += next.disconnects;
    frame.bytes_sent += next.bytes_sent;
    frame.bytes_received += next.bytes_received;
    frame.rate_target = next.rate_target;
    frame.cpu_us += next.cpu_us;
    frame.steal_us += next.steal_us;
}

fn fold_table<K: Ord + Copy>(table: &mut BTreeMap<K, u64>, next: &BTreeMap<K, u64>) {
    for (&key, &count) in next {
        *table.entry(key).or_default() += count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_of_frames_is_bounded_and_loses_nothing() {
        let mut series = Series::default();
        for second in 0..86_400 {
            let status = BTreeMap::from([(200, 2)]);
            series.push(&Frame { second, sent: 3, status, ..Frame::default() });
        }
        let frames = series.into_frames();
        assert!(frames.len() <= MAX_FRAMES && frames.len() > MAX_FRAMES / 2 - 1);
        assert_eq!(frames.iter().map(|frame| frame.sent).sum::<u64>(), 3 * 86_400);
        assert_eq!(frames.iter().map(|frame| frame.status[&200]).sum::<u64>(), 2 * 86_400);
        assert!(frames.is_sorted_by_key(|frame| frame.second));
    }
}
