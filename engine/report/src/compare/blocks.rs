//! Frames of one run, second by second → at most 60 blocks of consecutive seconds with their
//! histograms, and the rates of the run as a track.

use super::buckets::Buckets;
use super::grid::Grid;
use super::rebuilt::{Form, rebuild};
use super::track::{Track, width_s};
use crate::HistogramError;
use crate::span::{SECOND_US, span_us};
use acp_wire::{Frame, Report};
use serde::Serialize;
use std::collections::BTreeMap;

/// Enough for an interval that does not get better with more, and few enough to be quick.
const BLOCKS_MAX: usize = 60;

/// What the response times of blocks were told from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// The histogram of each second.
    #[default]
    Histograms,
    /// Bands and percentiles of each second, as reports keep them: histograms were built again from
    /// them.
    Summaries,
}

/// The measured part of a run. Memory does not depend on its length.
pub struct Blocks {
    /// How long the run sent.
    span_us: u64,
    blocks: Grid<Block>,
    track: Track,
    completed: u64,
    unreadable_s: u64,
    basis: Basis,
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
            basis: Basis::Histograms,
            width_s: 1,
            newest: None,
        }
    }

    /// From the series of a report, which has no histograms: those of each second are built again from
    /// its bands and percentiles. A series that was put together, as that of a long run is, has no
    /// percentiles: then the counts are there and response times are not.
    ///
    /// # Errors
    ///
    /// When a histogram of the whole run cannot be read.
    pub fn of_report(report: &Report) -> Result<Self, HistogramError> {
        let whole = |text: &Option<String>| match text {
            Some(text) => Buckets::read(text),
            None => Ok(Buckets::default()),
        };
        let response = whole(&report.histograms.response)?;
        let service = whole(&report.histograms.service)?;
        let forms = [Form::of(&response), Form::of(&service)];
        let width_s = u32::try_from(width_s(&report.series)).unwrap_or(u32::MAX);
        let mut blocks = Self { basis: Basis::Summaries, ..Self::new(report.run.duration_us) };
        let measured = || report.series.iter().filter(|frame| !frame.flags.warmup);
        // A part of the seconds would be another run than the whole.
        let is_told = measured().all(is_told);
        for frame in measured() {
            let built = match is_told {
                true => rebuild_both(&forms, frame),
                false => None,
            };
            if built.is_none() && has_responses(frame) {
                blocks.add_unreadable(width_s);
            }
            let (response, service) = built.unwrap_or_default();
            blocks.put(frame, width_s, response, service);
        }
        Ok(blocks)
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
                self.add_unreadable(width_s);
            }
        }
    }

    fn add_unreadable(&mut self, width_s: u32) {
        self.unreadable_s = self.unreadable_s.saturating_add(width_s.max(1).into());
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

    /// What response times were told from.
    #[must_use]
    pub fn basis(&self) -> Basis {
        self.basis
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

    /// Seconds whose histograms are not known, though there were responses in the run.
    pub(super) fn unreadable_s(&self) -> u64 {
        self.unreadable_s
    }
}

/// Whether a frame has response times, whatever is known of them.
fn has_responses(frame: &Frame) -> bool {
    frame.completed > 0 || !frame.response_bands.is_empty()
}

/// Whether a frame of a report says what its response times were.
fn is_told(frame: &Frame) -> bool {
    !has_responses(frame) || (frame.response_ns.is_some() && frame.service_ns.is_some())
}

/// Response and service times of a frame of a report; none where what it says contradicts itself.
fn rebuild_both([response, service]: &[Form<'_>; 2], frame: &Frame) -> Option<(Buckets, Buckets)> {
    let of_response = frame.response_ns.unwrap_or_default();
    let of_service = frame.service_ns.unwrap_or_default();
    let response = rebuild(response, &frame.response_bands, &of_response).ok()?;
    let service = rebuild(service, &BTreeMap::new(), &of_service).ok()?;
    Some((response, service))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{bands_of, encode, new_histogram, summary};
    use acp_wire::ErrorClass;
    use acp_wire::frame::Flags;

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

    /// A report of seconds with times from 1 to 90 µs.
    fn report(seconds: u64) -> Report {
        let mut whole = new_histogram();
        let mut report = Report::default();
        report.run.duration_us = seconds * SECOND_US;
        for second in 0..seconds {
            let mut histogram = new_histogram();
            (1..=90).for_each(|micros| histogram.record(micros * 1_000).unwrap());
            whole.add(&histogram).unwrap();
            report.series.push(Frame {
                second,
                completed: 90,
                response_ns: Some(summary(&histogram)),
                service_ns: Some(summary(&histogram)),
                response_bands: bands_of(&histogram),
                ..Frame::default()
            });
        }
        report.histograms.response = encode(&whole);
        report.histograms.service = encode(&whole);
        report
    }

    #[test]
    fn seconds_come_back_from_a_report() {
        let warmup = Flags { warmup: true, last: false };
        for (what, edit, expect) in [
            ("whole", (|_| {}) as fn(&mut Report), (12, 12 * 90, 0)),
            ("no seconds", |report| report.series.clear(), (0, 0, 0)),
            ("put together", |report| report.series[3].response_ns = None, (12, 0, 12)),
            ("no service times", |report| report.series[3].service_ns = None, (12, 0, 12)),
            (
                "a second without responses",
                |report| {
                    let second = report.series[3].second;
                    report.series[3] = Frame { second, ..Frame::default() };
                },
                (12, 11 * 90, 0),
            ),
            (
                "a second that contradicts itself",
                |report| report.series[3].response_bands.extend([(160, 7)]),
                (12, 11 * 90, 1),
            ),
            ("of another run", |report| report.histograms.response = None, (12, 12 * 90, 0)),
        ] {
            let mut report = report(12);
            edit(&mut report);
            report.series.insert(0, Frame { flags: warmup, completed: 5, ..Frame::default() });
            let blocks = Blocks::of_report(&report).unwrap();
            let values: u64 = blocks.all().iter().map(|block| block.response.count()).sum();
            assert_eq!((blocks.count(), values, blocks.unreadable_s()), expect, "{what}");
            assert_eq!(blocks.basis(), Basis::Summaries);
        }
        let mut bad = report(1);
        bad.histograms.service = Some("no base64!".into());
        assert_eq!(Blocks::of_report(&bad).err(), Some(HistogramError::Base64));
    }
}
