//! Where active runs are by now: sums of their frames so far, and the newest frame.
//!
//! Frames are read once, by number. A frame that is written again (a late part was added to it)
//! comes under a new number and replaces what its second counted, so the counts of each second are
//! kept: about 60 bytes a second of an active run that somebody looks at.

use crate::store::{Store, Stored, StoredFrame};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex as Lock, PoisonError};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;
use utoipa::ToSchema;

const READ_AT_ONCE: u32 = 256;
/// A run that nobody has asked for in this time is forgotten, and read again when somebody does.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(60);

/// Where an active run is by now. Counts are of the measured part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, ToSchema)]
pub(crate) struct Live {
    /// The newest second; the warm-up counts from its own 0.
    pub(crate) second: u64,
    /// Whether the newest second is of the warm-up.
    pub(crate) is_warmup: bool,
    /// Slots settled so far.
    pub(crate) planned: u64,
    /// Requests sent so far.
    pub(crate) sent: u64,
    /// Responses so far.
    pub(crate) completed: u64,
    /// Requests so far that did not end as expected.
    pub(crate) errors: u64,
    /// Requests without an outcome at the end of the newest second.
    pub(crate) in_flight: u64,
    /// Rate that the schedule asked for in the newest second; 0 in a closed loop.
    pub(crate) target_per_s: f64,
    /// Requests sent in the newest second.
    pub(crate) sent_per_s: f64,
    /// Responses in the newest second.
    pub(crate) completed_per_s: f64,
    /// Requests of the newest second that did not end as expected.
    pub(crate) errors_per_s: f64,
    /// 50th percentile of the newest second's response time.
    pub(crate) response_p50_ns: u64,
    /// 99th percentile of the newest second's response time.
    pub(crate) response_p99_ns: u64,
}

/// Planned, sent, completed, errors.
type Counts = [u64; 4];

#[derive(Default)]
struct LiveRun {
    after: i64,
    seconds: BTreeMap<u64, Counts>,
    sums: Counts,
    /// Whether it is of the measured part, and its second: the newest is the largest.
    newest: Option<(bool, u64)>,
    live: Live,
}

impl LiveRun {
    fn add(&mut self, stored: &StoredFrame) {
        let frame = &stored.frame;
        self.after = self.after.max(stored.number);
        let errors = frame.errors.values().sum();
        let counts = [frame.planned, frame.sent, frame.completed, errors];
        if !frame.flags.warmup {
            let before = self.seconds.insert(frame.second, counts).unwrap_or_default();
            for (sum, (new, old)) in self.sums.iter_mut().zip(counts.iter().zip(before)) {
                // Adding first: a late part only adds, and so no sum is ever below what is taken.
                *sum = (*sum + new).saturating_sub(old);
            }
        }
        let position = (!frame.flags.warmup, frame.second);
        if self.newest.is_none_or(|newest| position >= newest) {
            self.newest = Some(position);
            self.live = newest_second(stored, errors);
        }
    }

    fn view(&self) -> Live {
        let [planned, sent, completed, errors] = self.sums;
        Live { planned, sent, completed, errors, ..self.live }
    }
}

fn newest_second(stored: &StoredFrame, errors: u64) -> Live {
    let frame = &stored.frame;
    let per_s = |count: u64| count as f64 / f64::from(stored.width_s.max(1));
    let response_ns = frame.response_ns.unwrap_or_default();
    Live {
        second: frame.second,
        is_warmup: frame.flags.warmup,
        in_flight: frame.in_flight,
        target_per_s: frame.rate_target,
        sent_per_s: per_s(frame.sent),
        completed_per_s: per_s(frame.completed),
        errors_per_s: per_s(errors),
        response_p50_ns: response_ns.p50,
        response_p99_ns: response_ns.p99,
        ..Live::default()
    }
}

struct Entry {
    run: Arc<Mutex<LiveRun>>,
    used: Instant,
}

/// Active runs that somebody looks at.
#[derive(Default)]
pub(crate) struct LiveRuns {
    runs: Lock<HashMap<String, Entry>>,
}

impl LiveRuns {
    /// Where a run is by now.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    pub(crate) async fn of(&self, store: &dyn Store, run: &str) -> Stored<Live> {
        let entry = self.entry(run);
        let mut state = entry.lock().await;
        loop {
            let frames = store.frames_after(run, state.after, READ_AT_ONCE).await?;
            for frame in &frames {
                state.add(frame);
            }
            if frames.len() < READ_AT_ONCE as usize {
                return Ok(state.view());
            }
        }
    }

    fn entry(&self, run: &str) -> Arc<Mutex<LiveRun>> {
        let now = Instant::now();
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        runs.retain(|_, entry| now.duration_since(entry.used) < FORGOTTEN_AFTER);
        let new = || Entry { run: Arc::default(), used: now };
        let entry = runs.entry(run.to_owned()).or_insert_with(new);
        entry.used = now;
        Arc::clone(&entry.run)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use acp_wire::frame::Flags;
    use acp_wire::{ErrorClass, Frame};

    fn frame(number: i64, warmup: bool, second: u64, sent: u64) -> StoredFrame {
        let frame = Frame {
            second,
            sent,
            planned: sent + 1,
            completed: sent,
            errors: BTreeMap::from([(ErrorClass::Unexpected, 1)]),
            flags: Flags { warmup, last: false },
            ..Frame::default()
        };
        StoredFrame { run: "r".into(), number, width_s: 1, frame }
    }

    #[test]
    fn sums_are_those_of_the_newest_frame_of_each_second() {
        let mut run = LiveRun::default();
        for (what, frame, second, sent_per_s, sums) in [
            ("the warm-up does not count", frame(1, true, 5, 100), 5, 100.0, [0, 0, 0, 0]),
            ("the measured part does", frame(2, false, 0, 10), 0, 10.0, [11, 10, 10, 1]),
            ("the next second", frame(3, false, 1, 20), 1, 20.0, [32, 30, 30, 2]),
            ("a late part of the first", frame(4, false, 0, 15), 1, 20.0, [37, 35, 35, 2]),
            ("a late part of the last", frame(5, false, 1, 25), 1, 25.0, [42, 40, 40, 2]),
            ("a late warm-up", frame(6, true, 6, 1), 1, 25.0, [42, 40, 40, 2]),
        ] {
            run.add(&frame);
            let live = run.view();
            let found = [live.planned, live.sent, live.completed, live.errors];
            assert_eq!((live.second, live.sent_per_s, found), (second, sent_per_s, sums), "{what}");
        }
        assert_eq!(run.after, 6);
    }
}
