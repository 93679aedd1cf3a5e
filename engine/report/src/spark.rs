//! The shape of a run in a few numbers: completed requests a second, in equal slices of its measured
//! part. In: a report. Out: what a list draws beside its name.

use crate::span::{SECOND_US, span_us};
use acp_wire::{Frame, Report};

/// Slices at the most.
const SLICES_MAX: usize = 32;

/// Completed requests a second in at most 32 equal slices of the measured part, none shorter than the
/// frames of the series. Within a frame they count as spread evenly. What came after the last request
/// was due is not of the measured part.
#[must_use]
pub fn spark(report: &Report) -> Vec<f32> {
    let frames = &report.series;
    let width_us = width_us(frames);
    let Some(last) = frames.last() else { return Vec::new() };
    let span_us = match report.run.duration_us {
        0 => start_us(last).saturating_add(width_us),
        duration_us => span_us(duration_us),
    };
    let count = usize::try_from(span_us.div_ceil(width_us)).unwrap_or(SLICES_MAX);
    let mut completed = vec![0.0_f64; count.clamp(1, SLICES_MAX)];
    let slice_us = span_us as f64 / completed.len() as f64;
    for (number, frame) in frames.iter().enumerate() {
        let next_us = frames.get(number + 1).map_or(u64::MAX, start_us);
        let from_us = start_us(frame);
        let end_us = from_us.saturating_add(width_us).min(next_us);
        let to_us = end_us.min(span_us);
        if from_us < to_us {
            let share = (to_us - from_us) as f64 / (end_us - from_us) as f64;
            let (from, to) = (from_us as f64 / slice_us, to_us as f64 / slice_us);
            spread(&mut completed, completed_within(frame, share), from, to);
        }
    }
    let per_s = |count: f64| count / (slice_us / SECOND_US as f64);
    completed.into_iter().map(|count| rounded(per_s(count))).collect()
}

/// Completed in the first share of a frame. In the frame in which sending ends, as many as were sent in
/// it are of the time before; others were sent earlier and came in all of it.
fn completed_within(frame: &Frame, share: f64) -> f64 {
    let (sent, completed) = (frame.sent as f64, frame.completed as f64);
    if share < 1.0 { completed.min(sent.max(completed * share)) } else { completed }
}

fn start_us(frame: &Frame) -> u64 {
    frame.second.saturating_mul(SECOND_US)
}

/// How long a frame of a series is: those of one series are alike, but where seconds are missing.
fn width_us(frames: &[Frame]) -> u64 {
    let gaps = frames.windows(2).map(|pair| pair[1].second.saturating_sub(pair[0].second));
    gaps.filter(|gap| *gap > 0).min().unwrap_or(1).saturating_mul(SECOND_US)
}

/// Adds `count` evenly from slice `from` to slice `to`, whole or in part.
fn spread(slices: &mut [f64], count: f64, from: f64, to: f64) {
    for (number, slice) in slices.iter_mut().enumerate() {
        let start = number as f64;
        let overlap = to.min(start + 1.0) - from.max(start);
        if overlap > 0.0 {
            *slice += count * overlap / (to - from);
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a line of a few pixels needs no more")]
fn rounded(per_s: f64) -> f32 {
    per_s as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn report(duration_us: u64, frames: &[(u64, u64)]) -> Report {
        let frame =
            |&(second, completed): &(u64, u64)| Frame { second, completed, ..Frame::default() };
        let mut report = Report { series: frames.iter().map(frame).collect(), ..Report::default() };
        for frame in &mut report.series {
            // All that was sent was answered at once, as far as there was time to send.
            let is_over = start_us(frame) >= duration_us && duration_us > 0;
            frame.sent = if is_over { 0 } else { frame.completed };
        }
        report.run.duration_us = duration_us;
        report
    }

    /// So many a second are sent and answered `late_s` later.
    fn late(duration_us: u64, per_s: u64, late_s: u64) -> Report {
        let sending_us =
            |second: u64| SECOND_US.min(duration_us.saturating_sub(second * SECOND_US));
        let sent = |second: u64| per_s * sending_us(second) / SECOND_US;
        let frame = |second: u64| Frame {
            second,
            sent: sent(second),
            completed: second.checked_sub(late_s).map_or(0, sent),
            ..Frame::default()
        };
        let seconds = 0..duration_us.div_ceil(SECOND_US) + late_s;
        let mut report = Report { series: seconds.map(frame).collect(), ..Report::default() };
        report.run.duration_us = duration_us;
        report
    }

    fn check(what: &str, duration_us: u64, frames: &[(u64, u64)], expect: &[f32]) {
        assert_eq!(spark(&report(duration_us, frames)), expect, "{what}");
    }

    #[test]
    fn runs_have_the_shape_that_the_table_says() {
        check("nothing", 5 * SECOND_US, &[], &[]);
        check("a second each", 3 * SECOND_US, &[(0, 5), (1, 7), (2, 9)], &[5.0, 7.0, 9.0]);
        check("nothing came", 2 * SECOND_US, &[(0, 0), (1, 0)], &[0.0, 0.0]);
        let gap = [(0, 5), (1, 5), (3, 9)];
        check("a second is missing", 4 * SECOND_US, &gap, &[5.0, 5.0, 0.0, 9.0]);
        check("the first is missing", 3 * SECOND_US, &[(1, 5), (2, 9)], &[0.0, 5.0, 9.0]);
        check("half a second", SECOND_US / 2, &[(0, 5)], &[10.0]);
        check("a last part of one", SECOND_US * 3 / 2, &[(0, 6), (1, 3)], &[6.0, 6.0]);
        check("late answers", SECOND_US, &[(0, 6), (1, 3), (5, 4)], &[6.0]);
        check("all are late", SECOND_US, &[(1, 3), (2, 4)], &[0.0]);
        check("no length is known", 0, &[(0, 6), (1, 3)], &[6.0, 3.0]);
        check("no length, a gap", 0, &[(0, 6), (1, 6), (3, 6)], &[6.0, 6.0, 0.0, 6.0]);
        check("frames of two seconds", 4 * SECOND_US, &[(0, 6), (2, 4)], &[3.0, 2.0]);
        check("the end of time", u64::MAX, &[(u64::MAX, 6)], &[0.0; SLICES_MAX]);
    }

    #[test]
    fn late_answers_are_no_peak_at_the_end() {
        for (what, duration_us, late_s, expect) in [
            ("whole seconds", 12_000_000, 4, &[0.0, 20.0][..]),
            ("some microseconds more", 12_000_068, 4, &[0.0, 20.0]),
            ("answered at once", 12_000_068, 0, &[20.0]),
            ("just below a hundredth", 12_009_999, 4, &[0.0, 20.0]),
            ("a twentieth more", 12_050_000, 4, &[0.0, 20.0]),
            ("half a second more", 12_500_000, 4, &[0.0, 20.0]),
            ("a second less a microsecond", 11_999_999, 4, &[0.0, 20.0]),
        ] {
            let found = spark(&late(duration_us, 20, late_s));
            let slices = usize::try_from(duration_us.saturating_sub(9_999).div_ceil(SECOND_US));
            assert_eq!(found.len(), slices.unwrap(), "{what}: {found:?}");
            let (first, last) = (expect[0], expect[expect.len() - 1]);
            assert!(found[0] <= first && found[0] >= first * 0.9, "{what}: {found:?}");
            let end = found[found.len() - 1];
            assert!((end - last).abs() <= last * 0.05, "{what}: {found:?}");
            assert!(found.iter().all(|rate| *rate <= last * 1.05), "{what}: {found:?}");
        }
    }

    #[test]
    fn a_day_is_as_many_slices_as_a_minute() {
        for seconds in [32, 60, 3_600, 86_400] {
            let frames: Vec<_> = (0..seconds).map(|second| (second, 100)).collect();
            let found = spark(&report(seconds * SECOND_US, &frames));
            assert_eq!(found.len(), SLICES_MAX, "{seconds} s");
            assert!(found.iter().all(|rate| (rate - 100.0).abs() < 0.01), "{seconds} s: {found:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_nothing_is_made_up(
            completed in prop::collection::vec(0_u64..100_000, 1..200),
            width in 1_u64..20,
            // What is left of a second is more than what a run may be longer than its plan.
            cut_us in 0_u64..990_000,
            rest_us in 0_u64..10_000,
            is_cut: bool,
            late in prop::collection::vec(0_u64..100_000, 0..5),
        ) {
            let count = completed.len() as u64;
            let width = if count > 1 { width } else { 1 };
            let whole_us = count * width * SECOND_US;
            let length_us = if is_cut { whole_us - cut_us.max(1) } else { whole_us + rest_us };
            let answers = completed.into_iter().chain(late);
            let frames: Vec<_> = (0..).step_by(usize::try_from(width)?).zip(answers).collect();
            let found = spark(&report(length_us, &frames));
            let span_us = span_us(length_us);
            prop_assert!(!found.is_empty() && found.len() <= SLICES_MAX);
            prop_assert!(found.iter().all(|rate| rate.is_finite() && *rate >= 0.0));
            let slice_s = span_us as f64 / 1e6 / found.len() as f64;
            let sum: f64 = found.iter().map(|rate| f64::from(*rate) * slice_s).sum();
            let in_time = frames.iter().take(usize::try_from(count)?);
            let expect: u64 = in_time.map(|frame| frame.1).sum();
            prop_assert!((sum - expect as f64).abs() <= 1e-4 * expect as f64 + 1e-6);
        }
    }
}
