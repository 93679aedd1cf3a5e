//! The progress line of each second, the same for one machine and for many.

use crate::duration;
use acp_wire::Frame;

/// The line for one frame of a run that takes `total_s` seconds, if that is known.
#[must_use]
pub fn progress_line(frame: &Frame, total_s: Option<f64>) -> String {
    let time = match (frame.flags.warmup, total_s) {
        (true, _) => format!("warm-up {} s", frame.second + 1),
        (false, Some(total_s)) => format!("{} / {total_s:.0} s", frame.second + 1),
        (false, None) => format!("{} s", frame.second + 1),
    };
    let response = frame.response_ns.filter(|response| response.count > 0);
    let shown = |nanos: Option<u64>| nanos.map_or("-".to_string(), |nanos| duration(nanos as f64));
    let errors: u64 = frame.errors.values().sum();
    let mut line = format!(
        "{time:>12}  planned {}  sent {}  completed {}  p50 {}  p99 {}  errors {errors}",
        frame.planned,
        frame.sent,
        frame.completed,
        shown(response.map(|response| response.p50)),
        shown(response.map(|response| response.p99)),
    );
    let not_sent: u64 = frame.not_sent.values().sum();
    if not_sent > 0 {
        line.push_str(&format!("  not sent {not_sent}"));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use acp_wire::report::Distribution;

    #[test]
    fn a_line_says_what_is_known() {
        let quiet = Frame { planned: 3, ..Frame::default() };
        let line = "1 s  planned 3  sent 0  completed 0  p50 -  p99 -  errors 0";
        assert_eq!(progress_line(&quiet, None).trim(), line);
        let times = Distribution { count: 2, p50: 1500, p99: 2_000_000, ..Distribution::default() };
        let mut busy = Frame { second: 4, sent: 2, response_ns: Some(times), ..Frame::default() };
        busy.not_sent.insert(acp_wire::NotSent::Backlog, 7);
        let line = "5 / 10 s  planned 0  sent 2  completed 0  p50 1.5 µs  p99 2.00 ms  errors 0  not sent 7";
        assert_eq!(progress_line(&busy, Some(10.0)).trim(), line);
        busy.flags.warmup = true;
        assert!(progress_line(&busy, Some(10.0)).starts_with(" warm-up 5 s"));
    }
}
