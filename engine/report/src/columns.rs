//! The frames of a run as columns: an array for each number, rolled up to rows of some seconds.
//! Frames come in in the order of time; what comes out is what charts are drawn from.
//!
//! | Columns | In a row of several seconds |
//! |---|---|
//! | counts, times, bytes, tables, bands | sum |
//! | `rate_target` | mean over the time covered |
//! | `in_flight`, `busy_ratio` | largest |
//! | `…_ns` | highest of its seconds: percentiles do not add up, and the worst must not hide |

use crate::brief::{Brief, Figures};
use acp_wire::{ErrorClass, Frame, NotSent};
use serde::{Serialize, Serializer};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Widths that rows have, in seconds.
const WIDTHS_S: [u32; 12] = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1_800, 3_600];

/// Status codes that have a column of their own, at the most.
const CODES_MAX: usize = 64;

/// Bands of a row and how many values each has, by band.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowBands(Vec<(u16, u64)>);

/// As one array: band, count, band, count, …
impl Serialize for RowBands {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().flat_map(|&(band, count)| [u64::from(band), count]))
    }
}

impl RowBands {
    /// Bands and their counts, by band.
    #[must_use]
    pub fn entries(&self) -> &[(u16, u64)] {
        &self.0
    }

    fn add(&mut self, entries: &[(u16, u64)]) {
        if self.0.is_empty() {
            self.0 = entries.to_vec();
            self.0.sort_unstable_by_key(|entry| entry.0);
            return;
        }
        for &(band, count) in entries {
            match self.0.binary_search_by_key(&band, |entry| entry.0) {
                Ok(at) => self.0[at].1 = self.0[at].1.saturating_add(count),
                Err(at) => self.0.insert(at, (band, count)),
            }
        }
    }
}

/// Rows of a run, column by column. Every array is as long as `second`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[expect(missing_docs, reason = "they are the fields of a frame of the same names")]
pub struct Columns {
    /// Seconds from a row to the next, where none is missing.
    pub width_s: u32,
    /// First second of each row. The measured part begins at 0, so the last of the warm-up is -1.
    pub second: Vec<i64>,
    /// How many seconds of it have frames.
    pub seconds: Vec<u32>,
    pub planned: Vec<u64>,
    pub sent: Vec<u64>,
    pub completed: Vec<u64>,
    pub connects: Vec<u64>,
    pub disconnects: Vec<u64>,
    pub bytes_sent: Vec<u64>,
    pub bytes_received: Vec<u64>,
    pub cpu_us: Vec<u64>,
    pub steal_us: Vec<u64>,
    pub machine_us: Vec<u64>,
    pub blocked: Vec<u64>,
    pub late: Vec<u64>,
    pub rate_target: Vec<f64>,
    pub in_flight: Vec<u64>,
    pub busy_ratio: Vec<f64>,
    pub response_p50_ns: Vec<Option<u64>>,
    pub response_p90_ns: Vec<Option<u64>>,
    pub response_p99_ns: Vec<Option<u64>>,
    pub response_p99_9_ns: Vec<Option<u64>>,
    pub response_max_ns: Vec<Option<u64>>,
    pub service_p50_ns: Vec<Option<u64>>,
    pub service_p99_ns: Vec<Option<u64>>,
    pub send_lag_p50_ns: Vec<Option<u64>>,
    pub send_lag_p99_ns: Vec<Option<u64>>,
    /// Those classes that occur.
    pub errors: BTreeMap<ErrorClass, Vec<u64>>,
    /// Those codes that occur. Written are the 64 that occur most; others come together as `4xx`.
    #[serde(serialize_with = "write_status")]
    pub status: BTreeMap<u16, Vec<u64>>,
    /// Those reasons that occur.
    pub not_sent: BTreeMap<NotSent, Vec<u64>>,
    /// Of the response time: see [`crate::band_of`].
    pub bands: Vec<RowBands>,
}

impl Columns {
    /// The least width of rows, of those that rows have, with which the seconds `first..=last` are
    /// at most `rows` rows, and in which frames of `frame_width_s` seconds fit without a rest. The
    /// greatest there is where none is enough.
    #[must_use]
    pub fn width_for(first: i64, last: i64, rows: u32, frame_width_s: u32) -> u32 {
        let is_enough = |width_s: u32| {
            let row = |second: i64| second.div_euclid(i64::from(width_s));
            row(last).saturating_sub(row(first)) < i64::from(rows)
        };
        let fits = |width_s: &u32| *width_s >= frame_width_s && is_enough(*width_s);
        let is_whole = |width_s: &u32| width_s.is_multiple_of(frame_width_s.max(1));
        let widths = || WIDTHS_S.into_iter().filter(fits);
        let width_s = widths().find(is_whole).or_else(|| widths().next());
        width_s.unwrap_or(WIDTHS_S[WIDTHS_S.len() - 1])
    }

    /// Columns without rows, for rows of `width_s` seconds; 0 is taken as 1.
    #[must_use]
    pub fn new(width_s: u32) -> Self {
        Self { width_s: width_s.max(1), ..Self::default() }
    }

    /// The series of a report. Its frames may be of several seconds each, which only the distances
    /// between them tell: the least of these is the width of all.
    #[must_use]
    pub fn from_frames(frames: &[Frame], warmup_seconds: u64) -> Self {
        let neighbours = frames.iter().zip(frames.iter().skip(1));
        let same_part = neighbours.filter(|(a, b)| a.flags.warmup == b.flags.warmup);
        let distances = same_part.map(|(a, b)| b.second.saturating_sub(a.second));
        let width_s = distances.filter(|&distance| distance > 0).min().unwrap_or(1);
        let width_s = u32::try_from(width_s).unwrap_or(u32::MAX);
        let mut columns = Self::new(width_s);
        for frame in frames {
            columns.push(&Brief::from(frame), width_s, warmup_seconds);
        }
        columns
    }

    /// Adds a frame of `frame_width_s` seconds. It is not before the frames that were added, and the
    /// warm-up, which is told by its flag, took `warmup_seconds`.
    pub fn push(&mut self, brief: &Brief, frame_width_s: u32, warmup_seconds: u64) {
        let second = run_second(brief.flags.warmup, brief.second, warmup_seconds);
        let width_s = i64::from(self.width_s);
        let first = second.div_euclid(width_s) * width_s;
        if self.second.last() != Some(&first) {
            self.push_row(first);
        }
        let row = self.second.len() - 1;
        self.add_counts(row, brief);
        self.add_figures(row, brief);
        self.bands[row].add(&brief.response_bands);
        // Its end may come in pieces: what came after the last second of the warm-up is not more time.
        let is_rest = brief.flags.warmup && brief.second >= warmup_seconds && self.seconds[row] > 0;
        let frame_width_s = if is_rest { 0 } else { frame_width_s.max(1) };
        let (before_s, now_s) = (f64::from(self.seconds[row]), f64::from(frame_width_s));
        let rates = self.rate_target[row] * before_s + brief.rate_target * now_s;
        if now_s > 0.0 {
            self.rate_target[row] = rates / (before_s + now_s);
        }
        self.seconds[row] = self.seconds[row].saturating_add(frame_width_s);
    }

    fn push_row(&mut self, first: i64) {
        self.second.push(first);
        self.seconds.push(0);
        self.counts_mut().into_iter().for_each(|column| column.push(0));
        self.figures_mut().into_iter().for_each(|column| column.push(None));
        self.in_flight.push(0);
        self.rate_target.push(0.0);
        self.busy_ratio.push(0.0);
        self.errors.values_mut().for_each(|column| column.push(0));
        self.status.values_mut().for_each(|column| column.push(0));
        self.not_sent.values_mut().for_each(|column| column.push(0));
        self.bands.push(RowBands::default());
    }

    fn add_counts(&mut self, row: usize, brief: &Brief) {
        let counts = [
            brief.planned,
            brief.sent,
            brief.completed,
            brief.connects,
            brief.disconnects,
            brief.bytes_sent,
            brief.bytes_received,
            brief.cpu_us,
            brief.steal_us,
            brief.cost.machine_us,
            brief.blocked,
            brief.late,
        ];
        for (column, count) in self.counts_mut().into_iter().zip(counts) {
            column[row] = column[row].saturating_add(count);
        }
        self.in_flight[row] = self.in_flight[row].max(brief.in_flight);
        self.busy_ratio[row] = self.busy_ratio[row].max(brief.cost.busy_ratio);
        add_table(&mut self.errors, row, &brief.errors);
        add_table(&mut self.status, row, &brief.status);
        add_table(&mut self.not_sent, row, &brief.not_sent);
    }

    fn add_figures(&mut self, row: usize, brief: &Brief) {
        let known = |figures: Option<Figures>| figures.filter(|figures| figures.count > 0);
        let response = known(brief.response_ns);
        let service = known(brief.service_ns);
        let send_lag = known(brief.send_lag_ns);
        let figures = [
            response.map(|figures| figures.p50),
            response.map(|figures| figures.p90),
            response.map(|figures| figures.p99),
            response.map(|figures| figures.p99_9),
            response.map(|figures| figures.max),
            service.map(|figures| figures.p50),
            service.map(|figures| figures.p99),
            send_lag.map(|figures| figures.p50),
            send_lag.map(|figures| figures.p99),
        ];
        for (column, figure) in self.figures_mut().into_iter().zip(figures) {
            // None is less than any.
            column[row] = column[row].max(figure);
        }
    }

    /// In the order of [`Self::add_counts`].
    fn counts_mut(&mut self) -> [&mut Vec<u64>; 12] {
        [
            &mut self.planned,
            &mut self.sent,
            &mut self.completed,
            &mut self.connects,
            &mut self.disconnects,
            &mut self.bytes_sent,
            &mut self.bytes_received,
            &mut self.cpu_us,
            &mut self.steal_us,
            &mut self.machine_us,
            &mut self.blocked,
            &mut self.late,
        ]
    }

    /// In the order of [`Self::add_figures`].
    fn figures_mut(&mut self) -> [&mut Vec<Option<u64>>; 9] {
        [
            &mut self.response_p50_ns,
            &mut self.response_p90_ns,
            &mut self.response_p99_ns,
            &mut self.response_p99_9_ns,
            &mut self.response_max_ns,
            &mut self.service_p50_ns,
            &mut self.service_p99_ns,
            &mut self.send_lag_p50_ns,
            &mut self.send_lag_p99_ns,
        ]
    }
}

/// A second of the warm-up, or of the part behind it, as the second of a run that begins with its
/// measured part: those of the warm-up are below 0, also where it took longer than planned.
#[must_use]
pub fn run_second(is_warmup: bool, second: u64, warmup_seconds: u64) -> i64 {
    let signed = |second: u64| i64::try_from(second).unwrap_or(i64::MAX);
    match is_warmup {
        true => (signed(second) - signed(warmup_seconds)).min(-1),
        false => signed(second),
    }
}

/// Codes are what the target likes: as many columns as it makes up would be no answer.
fn write_status<S: Serializer>(
    status: &BTreeMap<u16, Vec<u64>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut by_count: Vec<_> = status.iter().collect();
    by_count.sort_by_cached_key(|(_, counts)| Reverse(counts.iter().sum::<u64>()));
    let (named, others) = by_count.split_at(by_count.len().min(CODES_MAX));
    let mut classes = BTreeMap::<u16, Vec<u64>>::new();
    for (code, counts) in others {
        let sums = classes.entry(*code / 100).or_insert_with(|| vec![0; counts.len()]);
        sums.iter_mut().zip(*counts).for_each(|(sum, count)| *sum = sum.saturating_add(*count));
    }
    let named: BTreeMap<_, _> = named.iter().copied().collect();
    let named = named.into_iter().map(|(code, counts)| (code.to_string(), counts));
    let classes = classes.iter().map(|(class, sums)| (format!("{class}xx"), sums));
    serializer.collect_map(named.chain(classes))
}

fn add_table<K: Ord + Copy>(table: &mut BTreeMap<K, Vec<u64>>, row: usize, entries: &[(K, u64)]) {
    for &(key, count) in entries.iter().filter(|entry| entry.1 > 0) {
        let column = table.entry(key).or_insert_with(|| vec![0; row + 1]);
        column[row] = column[row].saturating_add(count);
    }
}

#[cfg(test)]
#[path = "columns_tests.rs"]
mod tests;
