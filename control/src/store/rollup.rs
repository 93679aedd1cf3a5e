//! Frames into wider frames and host samples into means: pure. In: what was stored, in the order of
//! time. Out: what takes its place.

use super::StoredFrame;
use super::frames::moment;
use acp_report::{HistogramError, Sum};
use acp_wire::Frame;
use acp_wire::agent::HostSample;
use acp_wire::frame::Flags;
use acp_wire::report::Distribution;

/// A frame that takes the place of several.
#[derive(Debug)]
pub(super) struct Rolled {
    /// Moments of the first and the last of them.
    pub(super) first: i64,
    pub(super) last: i64,
    /// How many there were.
    pub(super) count: i64,
    /// The highest of their numbers, which is the number of the sum.
    pub(super) number: i64,
    /// Seconds from the start of the first to the end of the last.
    pub(super) width_s: u32,
    pub(super) frame: Frame,
}

/// What became of a batch of frames.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) sums: Vec<Rolled>,
    /// Where the next batch begins: behind the last frame that was looked at to its end.
    pub(super) next_moment: Option<i64>,
}

/// Puts frames of the same `width_s` seconds together. The last group of a batch that is not the
/// last one may go on in the next, and waits for it.
pub(super) fn roll_up(frames: Vec<StoredFrame>, width_s: u32, is_last: bool) -> Batch {
    let key = |stored: &StoredFrame| {
        (stored.frame.flags.warmup, stored.frame.second / u64::from(width_s))
    };
    let mut groups: Vec<&[StoredFrame]> = frames.chunk_by(|a, b| key(a) == key(b)).collect();
    if !is_last && groups.len() > 1 {
        groups.pop();
    }
    let last = groups.last().and_then(|group| group.last());
    let next_moment = last.map(|stored| at(stored) + 1);
    // A group with a histogram that cannot be read stays as it is: nothing is lost with it.
    let sums = groups.iter().filter(|group| group.len() > 1);
    let sums = sums.filter_map(|group| sum(group).ok()).collect();
    Batch { sums, next_moment }
}

fn at(stored: &StoredFrame) -> i64 {
    moment(stored.frame.flags.warmup, stored.frame.second)
}

/// The sum of at least one frame.
fn sum(group: &[StoredFrame]) -> Result<Rolled, HistogramError> {
    let mut sum = Sum::new();
    for stored in group {
        sum.add_next_frame(&stored.frame)?;
    }
    let (first, last) = (&group[0], &group[group.len() - 1]);
    let number = group.iter().map(|stored| stored.number).fold(i64::MIN, i64::max);
    let flags = Flags {
        warmup: first.frame.flags.warmup,
        last: group.iter().any(|stored| stored.frame.flags.last),
    };
    let mut frame =
        sum.to_frame(&first.frame.run, number.cast_unsigned(), first.frame.second, flags);
    frame.rate_target = mean_rate(group);
    // Frames without histograms have no distributions, and neither has their sum.
    let is_unknown = |of: fn(&Frame) -> Option<Distribution>| {
        group.iter().all(|stored| of(&stored.frame).is_none())
    };
    if is_unknown(|frame| frame.response_ns) {
        frame.response_ns = None;
    }
    // Frames of before they had these have histograms all the same: of those it is known.
    if is_unknown(|frame| frame.service_ns) && sum.distributions().service.is_empty() {
        frame.service_ns = None;
    }
    if is_unknown(|frame| frame.send_lag_ns) && sum.distributions().send_lag.is_empty() {
        frame.send_lag_ns = None;
    }
    let end = last.frame.second + u64::from(last.width_s);
    Ok(Rolled {
        first: at(first),
        last: at(last),
        count: i64::try_from(group.len()).unwrap_or(i64::MAX),
        number,
        width_s: u32::try_from(end - first.frame.second).unwrap_or(u32::MAX),
        frame,
    })
}

/// What the schedule asked for on average: a sum of seconds keeps that of the last one.
fn mean_rate(group: &[StoredFrame]) -> f64 {
    let widths: f64 = group.iter().map(|stored| f64::from(stored.width_s)).sum();
    let rates = group.iter().map(|stored| stored.frame.rate_target * f64::from(stored.width_s));
    if widths > 0.0 { rates.sum::<f64>() / widths } else { 0.0 }
}

/// The mean of samples, each figure over those that have it; the time is that of the first.
pub(super) fn mean_samples(samples: &[HostSample]) -> HostSample {
    let figure = |of: fn(&HostSample) -> Option<f64>| {
        let values: Vec<f64> = samples.iter().filter_map(of).collect();
        let count = values.len() as f64;
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / count)
    };
    let whole = |of: fn(&HostSample) -> Option<u64>| {
        let values: Vec<u128> = samples.iter().filter_map(of).map(u128::from).collect();
        let sum: u128 = values.iter().sum();
        sum.checked_div(values.len() as u128).and_then(|mean| u64::try_from(mean).ok())
    };
    HostSample {
        at_unix_us: samples.iter().map(|sample| sample.at_unix_us).min().unwrap_or_default(),
        cpu_busy_ratio: figure(|sample| sample.cpu_busy_ratio),
        cpu_steal_ratio: figure(|sample| sample.cpu_steal_ratio),
        load_1m: figure(|sample| sample.load_1m),
        memory_total_bytes: whole(|sample| sample.memory_total_bytes),
        memory_available_bytes: whole(|sample| sample.memory_available_bytes),
        network_received_bytes_per_s: figure(|sample| sample.network_received_bytes_per_s),
        network_sent_bytes_per_s: figure(|sample| sample.network_sent_bytes_per_s),
        tcp_in_use: whole(|sample| sample.tcp_in_use),
        tcp_time_wait: whole(|sample| sample.tcp_time_wait),
        tcp_retransmits_per_s: figure(|sample| sample.tcp_retransmits_per_s),
        disk_free_bytes: whole(|sample| sample.disk_free_bytes),
    }
}
