//! The rate and the response time of a run over its seconds, in few enough points to be drawn.

use super::grid::Grid;
use acp_wire::{Frame, Report};
use serde::Serialize;

const POINTS_MAX: usize = 720;

/// Rate and response time of one run over time. The columns are equally long.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RateTrack {
    /// Id of the run.
    pub run: String,
    /// Seconds of a point.
    pub width_s: u64,
    /// First second of each point.
    pub second: Vec<u64>,
    /// Responses per second.
    pub completed_per_s: Vec<f64>,
    /// The highest 99th percentile of response time among the seconds of a point; none where nothing
    /// was recorded, or only together with other seconds.
    pub response_p99_ns: Vec<Option<u64>>,
}

/// Seconds of a frame of a series, whose frames are all equally wide: only their distances tell.
pub(super) fn width_s(series: &[Frame]) -> u64 {
    let gaps = series.windows(2).map(|pair| pair[1].second.abs_diff(pair[0].second));
    gaps.min().unwrap_or(1).max(1)
}

struct Point {
    second: u64,
    seconds: u64,
    completed: u64,
    response_p99_ns: Option<u64>,
}

/// Points of a run, as they come.
pub(super) struct Track {
    points: Grid<Point>,
    /// Of the widest frame.
    width_s: u64,
}

impl Default for Track {
    fn default() -> Self {
        Self { points: Grid::new(POINTS_MAX, put_together), width_s: 1 }
    }
}

fn put_together(point: &mut Point, next: Point) {
    point.second = point.second.min(next.second);
    point.seconds = point.seconds.saturating_add(next.seconds);
    point.completed = point.completed.saturating_add(next.completed);
    point.response_p99_ns = point.response_p99_ns.max(next.response_p99_ns);
}

impl Track {
    /// From the series of a report, whose frames are all equally wide.
    pub(super) fn of(report: &Report) -> Self {
        let width_s = width_s(&report.series);
        let mut track = Self::default();
        report.series.iter().for_each(|frame| track.push(frame, width_s));
        track
    }

    /// Adds a frame of the measured part.
    pub(super) fn push(&mut self, frame: &Frame, width_s: u64) {
        let recorded = frame.response_ns.filter(|response_ns| response_ns.count > 0);
        let point = Point {
            second: frame.second,
            seconds: width_s,
            completed: frame.completed,
            response_p99_ns: recorded.map(|response_ns| response_ns.p99),
        };
        self.width_s = self.width_s.max(width_s);
        self.points.push(frame.second, point);
    }

    /// As it is shown.
    pub(super) fn named(&self, run: &str) -> RateTrack {
        let per_s = |point: &Point| point.completed as f64 / point.seconds.max(1) as f64;
        let points = || self.points.cells();
        RateTrack {
            run: run.into(),
            width_s: self.points.width_s().max(self.width_s),
            second: points().map(|point| point.second).collect(),
            completed_per_s: points().map(per_s).collect(),
            response_p99_ns: points().map(|point| point.response_p99_ns).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use acp_wire::report::Distribution;

    fn frame(second: u64, completed: u64, p99: Option<u64>) -> Frame {
        let response_ns = p99.map(|p99| Distribution { count: 1, p99, ..Distribution::default() });
        Frame { second, completed, response_ns, ..Frame::default() }
    }

    fn check(what: &str, series: Vec<Frame>, expect: (u64, &[u64], &[f64], &[Option<u64>])) {
        let track = Track::of(&Report { series, ..Report::default() }).named("r");
        let columns = (
            track.width_s,
            track.second.as_slice(),
            track.completed_per_s.as_slice(),
            track.response_p99_ns.as_slice(),
        );
        assert_eq!(columns, expect, "{what}");
    }

    #[test]
    fn a_series_becomes_columns() {
        check("nothing", vec![], (1, &[], &[], &[]));
        check("one second", vec![frame(0, 7, Some(5))], (1, &[0], &[7.0], &[Some(5)]));
        let holes = vec![frame(0, 7, Some(5)), frame(1, 0, None), frame(9, 4, Some(3))];
        check("holes", holes, (1, &[0, 1, 9], &[7.0, 0.0, 4.0], &[Some(5), None, Some(3)]));
        let wide = vec![frame(0, 40, None), frame(4, 20, None), frame(8, 2, None)];
        check("wide frames", wide, (4, &[0, 4, 8], &[10.0, 5.0, 0.5], &[None; 3]));
        let empty = Some(Distribution::default());
        let empty = vec![Frame { response_ns: empty, ..frame(0, 0, None) }];
        check("nothing recorded", empty, (1, &[0], &[0.0], &[None]));
    }

    #[test]
    fn a_day_is_drawn_in_few_points_that_keep_the_peaks() {
        let mut track = Track::default();
        for second in 0..86_400 {
            track.push(&frame(second, 3, Some(if second == 777 { 9_000 } else { 10 })), 1);
        }
        let track = track.named("r");
        assert!((POINTS_MAX / 2..=POINTS_MAX).contains(&track.second.len()));
        assert!(track.completed_per_s.iter().all(|&rate| rate == 3.0));
        assert_eq!(track.width_s, 128);
        let peak = track.response_p99_ns.iter().position(|&p99| p99 == Some(9_000));
        assert_eq!(peak, Some(777 / 128));
    }
}
