//! Frames of one run, second by second → at most 60 blocks of consecutive seconds with their
//! histograms, and the rates of the run as a track.

use super::buckets::Buckets;
use super::grid::Grid;
use super::track::Track;
use crate::span::{SECOND_US, span_us};
use acp_wire::Frame;

/// Enough for an interval that does not get better with more, and few enough to be quick.
const BLOCKS_MAX: usize = 60;

/// The measured part of a run. Memory does not depend on its length.
pub struct Blocks {
    /// How long the run sent.
    span_us: u64,
    blocks: Grid<Block>,
    track: Track,
    completed: u64,
    unreadable_s: u64,
    /// Of the widest frame.
    width_s: u64,
    /// First second of the last frame in which requests were due.
    newest: Option<u64>,
}

/// Some consecutive seconds.
#[derive(Clone, Debug, Default)]
pub(super) struct Block {
    /// The first of them.
    pub(super) second: u64,
    /// Time of sending that it covers.
    pub(super) sending_us: u64,
    pub(super) sent: u64,
    pub(super) completed: u64,
    pub(super) errors: u64,
    /// Requests that ended: complete responses, and errors without one.
    pub(super) ended: u64,
    pub(super) cpu_us: u64,
    pub(super) response: Buckets,
    pub(super) service: Buckets,
}

impl Block {
    fn of(frame: &Frame, sending_us: u64) -> Self {
        let without_response = frame.errors.iter().filter(|(class, _)| class.is_without_response());
        let failed = without_response.fold(0_u64, |sum, (_, count)| sum.saturating_add(*count));
        Self {
            second: frame.second,
            sending_us,
            sent: frame.sent,
            completed: frame.completed,
            errors: frame.errors.values().fold(0, |sum, count| sum.saturating_add(*count)),
            ended: frame.completed.saturating_add(failed),
            cpu_us: frame.cost.cpu_user_us.saturating_add(frame.cost.cpu_system_us),
            response: Buckets::default(),
            service: Buckets::default(),
        }
    }

    fn add(&mut self, other: Self) {
        self.second = self.second.min(other.second);
        for (mine, theirs) in [
            (&mut self.sending_us, other.sending_us),
            (&mut self.sent, other.sent),
            (&mut self.completed, other.completed),
            (&mut self.errors, other.errors),
            (&mut self.ended, other.ended),
            (&mut self.cpu_us, other.cpu_us),
        ] {
            *mine = mine.saturating_add(theirs);
        }
        self.response.add(&other.response);
        self.service.add(&other.service);
    }
}

impl Blocks {
    /// No seconds yet of a run that sends for so long: `run.duration_us` of its report. Responses that
    /// come later belong to its last frame.
    #[must_use]
    pub fn new(duration_us: u64) -> Self {
        Self {
            span_us: span_us(duration_us),
            blocks: Grid::new(BLOCKS_MAX, Block::add),
            track: Track::default(),
            completed: 0,
            unreadable_s: 0,
            width_s: 1,
            newest: None,
        }
    }

    /// Adds a frame of `width_s` seconds. Those of the warm-up are left out. The counts of a frame
    /// with a histogram that cannot be read are added, and the comparison says so.
    pub fn push(&mut self, frame: &Frame, width_s: u32) {
        if frame.flags.warmup {
            return;
        }
        let buckets = |text: &Option<String>| match text {
            Some(text) => Buckets::read(text),
            None => Ok(Buckets::default()),
        };
        let texts = &frame.histograms;
        match (buckets(&texts.response), buckets(&texts.service)) {
            (Ok(response), Ok(service)) => self.put(frame, width_s, response, service),
            _ => {
                self.put(frame, width_s, Buckets::default(), Buckets::default());
                self.unreadable_s = self.unreadable_s.saturating_add(width_s.max(1).into());
            }
        }
    }

    /// Adds the counts of a frame of the measured part with histograms that were read.
    pub(super) fn put(&mut self, frame: &Frame, width_s: u32, response: Buckets, service: Buckets) {
        let width_s = u64::from(width_s.max(1));
        let begin_us = frame.second.saturating_mul(SECOND_US);
        let end_us = frame.second.saturating_add(width_s).saturating_mul(SECOND_US);
        let sending_us = end_us.min(self.span_us).saturating_sub(begin_us);
        let block = Block { response, service, ..Block::of(frame, sending_us) };
        self.completed = self.completed.saturating_add(frame.completed);
        self.width_s = self.width_s.max(width_s);
        self.track.push(frame, width_s);
        let place = match self.newest {
            Some(newest) if sending_us == 0 => newest,
            _ => *self.newest.insert(frame.second),
        };
        self.blocks.push(place, block);
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.blocks.cells().len()
    }

    pub(super) fn all(&self) -> Vec<&Block> {
        self.blocks.cells().collect()
    }

    pub(super) fn track(&self) -> &Track {
        &self.track
    }

    /// Responses in all of them.
    pub(super) fn completed(&self) -> u64 {
        self.completed
    }

    /// Seconds of the widest frame: above 1, its seconds were rolled up.
    pub(super) fn width_s(&self) -> u64 {
        self.width_s
    }

    /// Seconds of which a histogram could not be read.
    pub(super) fn unreadable_s(&self) -> u64 {
        self.unreadable_s
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{encode, new_histogram};
    use acp_wire::ErrorClass;
    use acp_wire::frame::Flags;
    use std::collections::BTreeMap;

    fn frame(second: u64, response_ns: u64) -> Frame {
        let mut histogram = new_histogram();
        histogram.record_n(response_ns, 9).unwrap();
        let errors = BTreeMap::from([(ErrorClass::Timeout, 1), (ErrorClass::Unexpected, 2)]);
        let mut frame = Frame { second, sent: 12, completed: 11, errors, ..Frame::default() };
        frame.histograms.response = encode(&histogram);
        (frame.cost.cpu_user_us, frame.cost.cpu_system_us) = (30, 10);
        frame
    }

    #[test]
    fn a_block_is_the_sum_of_its_seconds() {
        let mut blocks = Blocks::new(90 * SECOND_US);
        (0..90).for_each(|second| blocks.push(&frame(second, 1_000 + second), 1));
        assert_eq!(blocks.count(), 45);
        for (place, block) in blocks.all().into_iter().enumerate() {
            let found = (block.sending_us, block.sent, block.completed, block.errors);
            assert_eq!(found, (2 * SECOND_US, 24, 22, 6));
            assert_eq!((block.ended, block.cpu_us), (24, 80));
            let first_ns = 1_000 + 2 * place as u64;
            assert_eq!(block.response.entries(), [(first_ns, 9), (first_ns + 1, 9)]);
            assert_eq!(block.service, Buckets::default());
        }
        assert_eq!((blocks.completed(), blocks.unreadable_s()), (90 * 11, 0));
    }

    fn check(what: &str, duration_us: u64, pushed: &[(u64, u32)], expect: &[u64]) {
        let mut blocks = Blocks::new(duration_us);
        pushed.iter().for_each(|&(second, width_s)| blocks.push(&frame(second, 5), width_s));
        let found: Vec<_> = blocks.all().iter().map(|block| block.sending_us).collect();
        assert_eq!(found, expect, "{what}");
    }

    #[test]
    fn only_time_of_sending_counts() {
        check("nothing came", 5_000_000, &[], &[]);
        check("it never sent", 0, &[(0, 1)], &[0]);
        check("half a second", 500_000, &[(0, 1)], &[500_000]);
        check("whole seconds", 2_000_000, &[(0, 1), (1, 1)], &[1_000_000; 2]);
        check("part of the last", 1_200_000, &[(0, 1), (1, 1)], &[1_000_000, 200_000]);
        check("a rest", 2_000_058, &[(0, 1), (1, 1), (2, 1), (3, 1)], &[1_000_000; 2]);
        check(
            "a second's rest",
            2_050_000,
            &[(0, 1), (1, 1), (2, 1)],
            &[1_000_000, 1_000_000, 50_000],
        );
        check("late after a hole", 3_000_000, &[(0, 1), (1, 1), (4, 1)], &[1_000_000; 2]);
        check(
            "late and rolled up",
            15_000_000,
            &[(0, 10), (10, 10), (20, 10)],
            &[10_000_000, 5_000_000],
        );
        check("late responses", 1_000_000, &[(0, 1), (1, 1), (2, 1)], &[1_000_000]);
        check("a hole", 3_000_000, &[(0, 1), (2, 1)], &[1_000_000; 2]);
        check("rolled up", 15_000_000, &[(0, 10), (10, 10)], &[10_000_000, 5_000_000]);
        check("a width of nothing", 1_000_000, &[(0, 0)], &[1_000_000]);
        check("the end of time", u64::MAX, &[(u64::MAX, 1)], &[0]);
    }

    #[test]
    fn the_warm_up_and_what_cannot_be_read_are_left_out() {
        let mut blocks = Blocks::new(60 * SECOND_US);
        blocks.push(&Frame { flags: Flags { warmup: true, last: false }, ..frame(3, 5) }, 1);
        assert_eq!((blocks.count(), blocks.completed()), (0, 0));
        let mut bad = frame(3, 5);
        bad.histograms.service = Some("nonsense".into());
        blocks.push(&bad, 10);
        assert_eq!((blocks.count(), blocks.completed(), blocks.unreadable_s()), (1, 11, 10));
        assert_eq!(blocks.all()[0].response, Buckets::default(), "both or none");
    }

    #[test]
    fn a_day_is_as_many_blocks_as_an_hour() {
        let mut blocks = Blocks::new(86_400 * SECOND_US);
        for second in 0..86_400 {
            blocks.push(&Frame { second, completed: 3, ..Frame::default() }, 1);
        }
        let all = blocks.all();
        assert!((31..=BLOCKS_MAX).contains(&all.len()), "{}", all.len());
        assert_eq!(all.iter().map(|block| block.completed).sum::<u64>(), 3 * 86_400);
        assert_eq!(all.iter().map(|block| block.sending_us).sum::<u64>(), 86_400 * SECOND_US);
    }
}
