//! Frames put together: their counts and their histograms, exactly.

use crate::breakdown::Read;
use crate::counts::{add_after, add_beside, counts_of};
use crate::decode::decode_counts;
use crate::{Breakdown, Distributions, HistogramError, bands_of, summary};
use acp_wire::frame::Flags;
use acp_wire::{Books, FRAME_SCHEMA, Frame};

/// The sum of frames: of the parts of one second, of the seconds of a run, or of both.
///
/// Frames of one second may come in any order and grouping, and so may sums of them: the result is
/// the same to the bit. Seconds that follow each other are put together in their order, because
/// what is in flight at the end is what the last one says; everything else does not depend on it.
pub struct Sum {
    /// Nothing was added yet: the first frame is taken as it is.
    is_empty: bool,
    counts: Frame,
    distributions: Distributions,
    breakdown: Breakdown,
}

impl Default for Sum {
    fn default() -> Self {
        Self::new()
    }
}

impl Sum {
    /// A sum of nothing.
    #[must_use]
    pub fn new() -> Self {
        Self {
            is_empty: true,
            counts: Frame::default(),
            distributions: Distributions::new(),
            breakdown: Breakdown::default(),
        }
    }

    /// Adds a frame of the same second.
    ///
    /// # Errors
    ///
    /// When a histogram cannot be read; nothing of the frame was added then.
    pub fn add_frame(&mut self, frame: &Frame) -> Result<(), HistogramError> {
        self.put(frame, add_beside)
    }

    /// Adds the frame of a later second than those before.
    ///
    /// # Errors
    ///
    /// When a histogram cannot be read; nothing of the frame was added then.
    pub fn add_next_frame(&mut self, frame: &Frame) -> Result<(), HistogramError> {
        self.put(frame, add_after)
    }

    fn put(&mut self, frame: &Frame, add: fn(&mut Frame, &Frame)) -> Result<(), HistogramError> {
        let (decoded, read) = (decode_all(frame)?, Read::of(frame)?);
        self.put_counts(frame, add);
        self.breakdown.add_frame(frame, &read);
        for (mine, theirs) in self.distributions.all_mut().into_iter().zip(decoded) {
            super::distributions::add_read(mine, &theirs);
        }
        Ok(())
    }

    fn put_counts(&mut self, frame: &Frame, add: fn(&mut Frame, &Frame)) {
        if self.is_empty {
            self.counts = counts_of(frame);
            self.is_empty = false;
        } else {
            add(&mut self.counts, frame);
        }
    }

    /// Adds another sum of frames of the same second.
    pub fn add(&mut self, other: &Self) {
        if !other.is_empty {
            self.put_counts(&other.counts, add_beside);
            self.distributions.add(&other.distributions);
            self.breakdown.add(&other.breakdown);
        }
    }

    /// Adds the counts of a frame of the same second and none of its histograms.
    pub fn add_counts(&mut self, frame: &Frame) {
        self.put_counts(frame, add_beside);
    }

    /// Adds the counts of a later second and none of its histograms.
    pub fn add_next_counts(&mut self, frame: &Frame) {
        self.put_counts(frame, add_after);
    }

    /// Adds a later second, of which the histograms are at hand.
    pub fn add_next(
        &mut self,
        frame: &Frame,
        distributions: &Distributions,
        breakdown: &Breakdown,
    ) {
        self.put_counts(frame, add_after);
        self.distributions.add(distributions);
        self.breakdown.add(breakdown);
    }

    /// Whether nothing was added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.is_empty
    }

    /// The counts, as a frame without histograms.
    #[must_use]
    pub fn counts(&self) -> &Frame {
        &self.counts
    }

    /// The histograms.
    #[must_use]
    pub fn distributions(&self) -> &Distributions {
        &self.distributions
    }

    /// Requests by class of status and by tag, and the slowest of them.
    #[must_use]
    pub fn breakdown(&self) -> &Breakdown {
        &self.breakdown
    }

    /// The histograms alone.
    #[must_use]
    pub fn into_distributions(self) -> Distributions {
        self.distributions
    }

    /// Where every planned request went.
    #[must_use]
    pub fn books(&self) -> Books {
        books_of(&self.counts)
    }

    /// The sum as a frame of its own, with its distributions and the bands of its response times.
    #[must_use]
    pub fn to_frame(&self, run: &str, seq: u64, second: u64, flags: Flags) -> Frame {
        let mut frame = self.counts.clone();
        frame.schema = FRAME_SCHEMA.into();
        frame.run = run.into();
        frame.agent = String::new();
        (frame.seq, frame.second, frame.flags) = (seq, second, flags);
        frame.response_ns = Some(summary(&self.distributions.response));
        frame.service_ns = Some(summary(&self.distributions.service));
        frame.send_lag_ns = Some(summary(&self.distributions.send_lag));
        // Not the sum of those of the frames: what others say their bands are is not asked.
        frame.response_bands = bands_of(&self.distributions.response);
        frame.histograms = self.distributions.to_wire();
        self.breakdown.put_into(&mut frame);
        frame
    }
}

/// Where the planned requests of a frame went. They balance over all frames of a run, not in one:
/// a request may be sent in one second and answered in another.
#[must_use]
pub fn books_of(frame: &Frame) -> Books {
    let books = Books {
        planned: frame.planned,
        sent: frame.sent,
        not_sent: frame.not_sent.clone(),
        completed: frame.completed,
        errors: frame.errors.clone(),
        in_flight_at_stop: frame.in_flight_at_stop,
        lost_with_agent: frame.lost_with_agent,
        balanced: false,
    };
    books.close()
}

/// By bucket: a second has values in a few hundred of them, and there are a hundred times as many.
fn decode_all(frame: &Frame) -> Result<[Vec<(u64, u64)>; 7], HistogramError> {
    let texts = &frame.histograms;
    let read =
        |text: &Option<String>| text.as_deref().map_or_else(|| Ok(Vec::new()), decode_counts);
    Ok([
        read(&texts.response)?,
        read(&texts.service)?,
        read(&texts.first_byte)?,
        read(&texts.connect)?,
        read(&texts.handshake)?,
        read(&texts.send_lag)?,
        read(&texts.error_response)?,
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{encode, new_histogram};
    use acp_wire::frame::{Slow, Tagged};
    use acp_wire::{ErrorClass, NotSent};
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn histogram(values: &[u64]) -> Option<String> {
        let mut histogram = new_histogram();
        values.iter().for_each(|&value| histogram.saturating_record(value));
        encode(&histogram)
    }

    prop_compose! {
        fn frames()(
            counts in prop::array::uniform8(0_u64..1 << 40),
            rate_target in 0.0..1e6_f64,
            busy_ratio in 0.0..1.0_f64,
            values in prop::collection::vec(1_u64..1 << 42, 0..20),
            slots in prop::collection::vec(0_u64..40, 0..20),
        ) -> Frame {
            let mut frame = Frame {
                planned: counts[0],
                sent: counts[1],
                in_flight: counts[2],
                not_sent: BTreeMap::from([(NotSent::Backlog, counts[3])]),
                errors: BTreeMap::from([(ErrorClass::Reset, counts[4])]),
                status: BTreeMap::from([(200, counts[5]), (201 + (counts[6] % 3) as u16, 1)]),
                rate_target,
                shard_count: 2,
                ..Frame::default()
            };
            frame.cost.busy_ratio = busy_ratio;
            frame.cost.max_rss_bytes = counts[7];
            frame.histograms.response = histogram(&values);
            frame.histograms.send_lag = histogram(&values[values.len() / 2..]);
            let classes = values.chunks(4).zip([2, 5, 0]);
            frame.classes =
                classes.filter_map(|(some, class)| Some((class, histogram(some)?))).collect();
            frame.tags = values.chunks(3).map(|some| {
                let tagged = Tagged { completed: 3, errors: 1, response: histogram(some) };
                (format!("tag {}", some[0] % 20), tagged)
            }).collect();
            let slow = |(slot, &ended_ns)| Slow { slot, ended_ns, ..Slow::default() };
            frame.slowest = slots.into_iter().zip(&values).map(slow).collect();
            frame
        }
    }

    fn written(sum: &Sum) -> String {
        serde_json::to_string(&sum.to_frame("r", 1, 2, Flags::default())).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn order_and_grouping_do_not_show(
            mut frames in prop::collection::vec(frames(), 1..12),
            cut in 0_usize..12,
            turn in 0_usize..12,
        ) {
            let mut all = Sum::new();
            frames.iter().for_each(|frame| all.add_frame(frame).unwrap());
            let turn = turn % frames.len();
            frames.rotate_left(turn);
            let (left, right) = frames.split_at(cut.min(frames.len()));
            let (mut first, mut second) = (Sum::new(), Sum::new());
            left.iter().for_each(|frame| first.add_frame(frame).unwrap());
            right.iter().rev().for_each(|frame| second.add_frame(frame).unwrap());
            // One half goes over the wire, the other is added as it is.
            let mut grouped = Sum::new();
            if !second.is_empty() {
                grouped.add_frame(&second.to_frame("r", 9, 9, Flags::default())).unwrap();
            }
            grouped.add(&first);
            prop_assert_eq!(written(&grouped), written(&all));
            // A frame on its own has the bands that the sum has of it.
            let mut bands = BTreeMap::<u16, u64>::new();
            for frame in &frames {
                let mut alone = Sum::new();
                alone.add_frame(frame).unwrap();
                for (band, count) in alone.to_frame("r", 1, 2, Flags::default()).response_bands {
                    *bands.entry(band).or_default() += count;
                }
            }
            let of_all = all.to_frame("r", 1, 2, Flags::default()).response_bands;
            prop_assert_eq!(bands, of_all);
        }
    }

    #[test]
    fn a_bad_histogram_adds_nothing() {
        let mut sum = Sum::new();
        let mut good = Frame { sent: 1, ..Frame::default() };
        good.histograms.response = histogram(&[5]);
        sum.add_frame(&good).unwrap();
        let before = written(&sum);
        let mut bad = good.clone();
        bad.histograms.send_lag = Some("nonsense".into());
        assert!(sum.add_frame(&bad).is_err());
        assert!(sum.add_next_frame(&bad).is_err());
        assert_eq!(written(&sum), before, "neither counts nor the histograms that were good");
    }

    #[test]
    fn a_frame_of_a_sum_says_how_long_things_took() {
        let mut sum = Sum::new();
        let mut frame = Frame { response_bands: BTreeMap::from([(7, 7)]), ..Frame::default() };
        frame.histograms.response = histogram(&[5, 9, 9]);
        frame.histograms.service = histogram(&[3]);
        frame.histograms.send_lag = histogram(&[1, 2]);
        sum.add_frame(&frame).unwrap();
        let found = sum.to_frame("r", 1, 2, Flags::default());
        let figures = [found.response_ns, found.service_ns, found.send_lag_ns];
        let figures = figures.map(|figures| figures.map(|figures| (figures.count, figures.max)));
        assert_eq!(figures, [Some((3, 9)), Some((1, 3)), Some((2, 2))]);
        assert_eq!(found.response_bands, BTreeMap::from([(9, 1), (12, 2)]), "of the histogram");
    }

    #[test]
    fn books_come_from_all_counts() {
        let mut sum = Sum::new();
        let first = Frame { planned: 10, sent: 9, in_flight: 9, ..Frame::default() };
        let next = Frame {
            completed: 4,
            in_flight_at_stop: 2,
            lost_with_agent: 2,
            not_sent: BTreeMap::from([(NotSent::Ended, 1)]),
            errors: BTreeMap::from([(ErrorClass::Timeout, 1), (ErrorClass::Unexpected, 3)]),
            ..Frame::default()
        };
        sum.add_next_frame(&first).unwrap();
        assert!(!sum.books().balanced);
        sum.add_next_frame(&next).unwrap();
        assert!(sum.books().balanced, "{:?}", sum.books());
        assert_eq!(sum.counts().in_flight, 0, "of the later second");
    }
}
