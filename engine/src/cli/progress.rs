//! The progress line of each second.

use crate::launch::Progress;
use crate::report::duration;
use acp_wire::Frame;

/// The line for one frame.
pub(super) fn line(frame: &Frame, progress: &Progress) -> String {
    let response = &progress.record.distributions.response;
    let time = match (frame.flags.warmup, progress.total_s) {
        (true, _) => format!("warm-up {} s", frame.second + 1),
        (false, Some(total_s)) => format!("{} / {total_s:.0} s", frame.second + 1),
        (false, None) => format!("{} s", frame.second + 1),
    };
    let at = |quantile| match response.is_empty() {
        true => "-".to_string(),
        false => duration(response.value_at_quantile(quantile) as f64),
    };
    let errors: u64 = frame.errors.values().sum();
    let mut line = format!(
        "{time:>12}  planned {}  sent {}  completed {}  p50 {}  p99 {}  errors {errors}",
        frame.planned,
        frame.sent,
        frame.completed,
        at(0.5),
        at(0.99)
    );
    let not_sent: u64 = frame.not_sent.values().sum();
    if not_sent > 0 {
        line.push_str(&format!("  not sent {not_sent}"));
    }
    line
}
