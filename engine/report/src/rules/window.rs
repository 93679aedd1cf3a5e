//! The last seconds of a run, and the rules that are judged over them.
//!
//! Frames come in by second. A frame of a second that is there already takes its place: late parts
//! were added to it. Memory is bounded by the longest window, and a second is kept as the buckets
//! that it has values in.

use super::expression::{MAX_WINDOW_S, Metric, Rule};
use super::found::{Tally, shown};
use crate::{HistogramError, decode, new_histogram};
use acp_wire::Frame;
use hdrhistogram::Histogram;
use std::collections::BTreeMap;

/// A rule whose window is full and whose limit was passed.
#[derive(Clone, Debug, PartialEq)]
pub struct Fired {
    /// The rule, as it was written.
    pub rule: String,
    /// The number found, in the unit of the rule.
    pub value: f64,
    /// A sentence: the rule and the number.
    pub text: String,
}

struct Second {
    tally: Tally,
    rate_target: f64,
    /// Values of response times and how often they were.
    response: Vec<(u64, u64)>,
}

/// The last seconds of a run.
pub struct Window {
    rules: Vec<Rule>,
    seconds: BTreeMap<u64, Second>,
    /// The second that was seen first: before, a window is not full.
    first: Option<u64>,
    keep_s: u64,
    has_response: bool,
    /// A schedule asks for a rate, so where it asks for none it is paused.
    has_target: bool,
}

impl Window {
    /// An empty window for rules that say `over`; others are not judged.
    #[must_use]
    pub fn new(rules: Vec<Rule>) -> Self {
        let keep_s = rules.iter().filter_map(|rule| rule.over_s).max().unwrap_or(0);
        let has_response = rules.iter().any(|rule| matches!(rule.metric, Metric::Response(_)));
        let keep_s = keep_s.min(MAX_WINDOW_S);
        Self {
            rules,
            seconds: BTreeMap::new(),
            first: None,
            keep_s,
            has_response,
            has_target: false,
        }
    }

    /// Seconds that it looks back.
    #[must_use]
    pub fn len_s(&self) -> u64 {
        self.keep_s
    }

    /// Takes the frame of a second. Warm-up is not judged, and neither is the last frame of a run:
    /// it may be shorter than a second, and there is nothing left to stop.
    ///
    /// # Errors
    ///
    /// When its response times cannot be read; the window stays as it was.
    pub fn push(&mut self, frame: &Frame) -> Result<(), HistogramError> {
        if frame.flags.warmup || frame.flags.last || self.rules.is_empty() {
            return Ok(());
        }
        let response = match &frame.histograms.response {
            Some(text) if self.has_response => buckets(&decode(text)?),
            _ => Vec::new(),
        };
        self.first = Some(self.first.map_or(frame.second, |first| first.min(frame.second)));
        let rate_target = frame.rate_target;
        self.has_target |= rate_target > 0.0;
        self.seconds
            .insert(frame.second, Second { tally: Tally::of(frame), rate_target, response });
        let end = self.seconds.last_key_value().map_or(0, |(&second, _)| second + 1);
        while self.seconds.first_key_value().is_some_and(|(&at, _)| at + self.keep_s < end) {
            self.seconds.pop_first();
        }
        Ok(())
    }

    /// Rules whose limit is passed over their window, which ends with the newest second.
    ///
    /// A second without a frame counts as one in which nothing happened: engines that are held up
    /// leave such holes. A rate is not judged over a window in which the schedule was paused.
    #[must_use]
    pub fn fired(&self) -> Vec<Fired> {
        let (Some(first), Some((&newest, _))) = (self.first, self.seconds.last_key_value()) else {
            return Vec::new();
        };
        let end = newest + 1;
        self.rules.iter().filter_map(|rule| self.judge(rule, first, end)).collect()
    }

    fn judge(&self, rule: &Rule, first: u64, end: u64) -> Option<Fired> {
        let over_s = rule.over_s?;
        let start = end.checked_sub(over_s).filter(|&start| start >= first)?;
        let mut seconds = self.seconds.range(start..end).map(|(_, second)| second);
        let is_paused = seconds.any(|second| self.has_target && second.rate_target <= 0.0);
        if is_paused && rule.metric == Metric::Rate {
            return None;
        }
        let mut tally = Tally::default();
        let mut response: Option<Histogram<u64>> = None;
        for second in self.seconds.range(start..end).map(|(_, second)| second) {
            tally.add(&second.tally);
            if matches!(rule.metric, Metric::Response(_)) {
                let response = response.get_or_insert_with(new_histogram);
                for &(value, count) in &second.response {
                    response.saturating_record_n(value, count);
                }
            }
        }
        let response = response.unwrap_or_else(new_histogram);
        let found = tally.find(rule.metric, &response, over_s as f64)?;
        rule.operator.holds(found, rule.limit).then(|| {
            let value = found / rule.unit;
            let text = format!("{}: found {}{}", rule.text, shown(value), rule.unit_name);
            Fired { rule: rule.text.clone(), value, text }
        })
    }
}

fn buckets(histogram: &Histogram<u64>) -> Vec<(u64, u64)> {
    let recorded = histogram.iter_recorded();
    recorded.map(|step| (step.value_iterated_to(), step.count_at_value())).collect()
}

#[cfg(test)]
mod tests {
    use super::super::parse_abort;
    use super::*;
    use crate::encode;
    use acp_wire::ErrorClass;
    use acp_wire::frame::Flags;

    fn frame(second: u64, completed: u64, timeouts: u64, response_ms: u64) -> Frame {
        let mut frame = Frame {
            second,
            completed,
            errors: BTreeMap::from([(ErrorClass::Timeout, timeouts)]),
            status: BTreeMap::from([(200, completed)]),
            ..Frame::default()
        };
        let mut response = new_histogram();
        response.record_n(response_ms * 1_000_000, completed).unwrap();
        frame.histograms.response = encode(&response);
        frame
    }

    fn window(rule: &str) -> Window {
        Window::new(vec![parse_abort(rule).unwrap()])
    }

    /// The seconds after which `rule` fires, each second being (completed, timeouts, response ms).
    fn check(rule: &str, seconds: &[(u64, u64, u64)], expect: &[u64]) {
        let mut window = window(rule);
        let mut fired = Vec::new();
        for (second, &(completed, timeouts, ms)) in (0..).zip(seconds) {
            window.push(&frame(second, completed, timeouts, ms)).unwrap();
            if !window.fired().is_empty() {
                fired.push(second);
            }
        }
        assert_eq!(fired, expect, "{rule}");
    }

    #[test]
    fn rules_fire_when_the_table_says() {
        check("errors>5% over 3s", &[(0, 9, 1); 2], &[]);
        check("errors>5% over 3s", &[(0, 9, 1); 4], &[2, 3]);
        let outlier = [(95, 5, 1), (95, 5, 1), (94, 6, 1), (95, 5, 1), (100, 0, 1)];
        check("errors>5% over 3s", &outlier, &[2, 3]);
        check("errors>=6 over 1s", &outlier, &[2]);
        check("rate<10 over 2s", &[(9, 0, 1), (11, 0, 1), (10, 0, 1), (9, 0, 1)], &[3]);
        check("status(200)>30 over 2s", &[(15, 0, 1), (15, 0, 1), (16, 0, 1)], &[2]);
        check("status(2xx)<50% over 1s", &[(5, 5, 1), (4, 6, 1)], &[1]);
        check("status(5xx)>0% over 1s", &[(0, 0, 1)], &[]);
        check("p99>1s over 1s", &[(0, 50, 1)], &[]);
    }

    #[test]
    fn response_times_of_a_window_are_merged_and_not_averaged() {
        // A second with one slow answer has a p50 of 3 s; over both seconds it is 1 ms.
        check("p50>1s over 2s", &[(1000, 0, 1), (1, 0, 3_000)], &[]);
        check("p99.9>1s over 2s", &[(1000, 0, 1), (2, 0, 3_000), (5000, 0, 1)], &[1]);
    }

    #[test]
    fn a_second_that_comes_again_takes_its_place() {
        let mut window = window("errors>50 over 1s");
        window.push(&frame(0, 10, 40, 1)).unwrap();
        assert!(window.fired().is_empty());
        window.push(&frame(0, 20, 60, 1)).unwrap();
        let fired = window.fired();
        assert_eq!(fired[0].text, "errors>50 over 1s: found 60");
        assert_eq!(fired[0].value, 60.0);
    }

    #[test]
    fn the_window_is_full_when_so_many_seconds_have_gone_by() {
        let mut late = window("rate<10 over 3s");
        late.push(&frame(7, 1, 0, 1)).unwrap();
        late.push(&frame(8, 1, 0, 1)).unwrap();
        assert!(late.fired().is_empty(), "two seconds are known");
        late.push(&frame(10, 1, 0, 1)).unwrap();
        assert_eq!(late.fired().len(), 1, "a hole is a second without anything");
    }

    #[test]
    fn a_pause_is_no_low_rate() {
        let mut window = window("rate<10 over 2s");
        let targets = [(20.0, 20), (0.0, 0), (0.0, 0), (20.0, 9), (20.0, 9), (20.0, 9)];
        let mut fired = Vec::new();
        for (second, (rate_target, completed)) in (0..).zip(targets) {
            window.push(&Frame { rate_target, ..frame(second, completed, 0, 1) }).unwrap();
            fired.push(!window.fired().is_empty());
        }
        assert_eq!(fired, [false, false, false, false, true, true]);
    }

    #[test]
    fn warm_up_and_the_last_frame_are_not_judged() {
        let mut window = window("errors>5% over 1s");
        let warmup = Flags { warmup: true, last: false };
        let last = Flags { warmup: false, last: true };
        for flags in [warmup, last] {
            window.push(&Frame { flags, ..frame(0, 0, 9, 1) }).unwrap();
            assert!(window.fired().is_empty(), "{flags:?}");
        }
    }

    #[test]
    fn memory_is_bounded_and_bad_frames_change_nothing() {
        let mut window = window("p99>1s over 5s");
        for second in 0..1000 {
            window.push(&frame(second, 10, 0, 500)).unwrap();
            assert!(window.seconds.len() <= 5);
        }
        let mut bad = frame(999, 10, 0, 5_000);
        bad.histograms.response = Some("nonsense".into());
        assert!(window.push(&bad).is_err());
        assert!(window.fired().is_empty());
    }
}
