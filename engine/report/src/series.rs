//! The frames of a run as a series of bounded length.

use crate::counts::add_after;
use acp_wire::Frame;

/// Frames kept; beyond, neighbours are put together and the series gets coarser.
const MAX_FRAMES: usize = 4096;

/// Frames without histograms, whose sums equal the report. A frame that is one second keeps its
/// distributions.
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
        // Of these the report has those of the whole run.
        frame.classes.clear();
        frame.tags.clear();
        frame.slowest.clear();
        if self.pending > 0
            && let Some(last) = self.frames.last_mut()
        {
            add_after(last, &frame);
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
                add_after(&mut first, &second);
            }
            self.frames.push(first);
        }
        self.width = self.width.max(1) * 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use acp_wire::report::Distribution;
    use std::collections::BTreeMap;

    #[test]
    fn a_day_of_frames_is_bounded_and_loses_nothing() {
        let mut series = Series::default();
        for second in 0..86_400 {
            let status = BTreeMap::from([(200, 2)]);
            let response_ns = Some(Distribution::default());
            let response_bands = BTreeMap::from([(80, 1), (81 + (second % 2) as u16, 1)]);
            let frame = Frame { second, sent: 3, status, response_ns, ..Frame::default() };
            series.push(&Frame { response_bands, ..frame });
        }
        let frames = series.into_frames();
        assert!(frames.len() <= MAX_FRAMES && frames.len() > MAX_FRAMES / 2 - 1);
        assert_eq!(frames.iter().map(|frame| frame.sent).sum::<u64>(), 3 * 86_400);
        assert_eq!(frames.iter().map(|frame| frame.status[&200]).sum::<u64>(), 2 * 86_400);
        let of_band =
            |band| frames.iter().filter_map(|frame| frame.response_bands.get(&band)).sum::<u64>();
        assert_eq!([80, 81, 82].map(of_band), [86_400, 43_200, 43_200]);
        assert!(frames.is_sorted_by_key(|frame| frame.second));
    }

    #[test]
    fn seconds_keep_their_distribution_until_they_are_put_together() {
        let mut series = Series::default();
        let response_ns = Some(Distribution { count: 7, ..Distribution::default() });
        for second in 0..=MAX_FRAMES as u64 {
            let (service_ns, send_lag_ns) = (response_ns, response_ns);
            let frame = Frame { second, response_ns, service_ns, ..Frame::default() };
            series.push(&Frame { send_lag_ns, ..frame });
            if second == 9 {
                assert!(series.frames.iter().all(|frame| frame.response_ns == response_ns));
            }
        }
        // Percentiles are never put together: better none than wrong ones.
        let frames = series.into_frames();
        let figures = |frame: &Frame| [frame.response_ns, frame.service_ns, frame.send_lag_ns];
        assert_eq!(figures(&frames[0]), [None; 3]);
        assert_eq!(figures(frames.last().unwrap()), [response_ns; 3]);
    }
}
