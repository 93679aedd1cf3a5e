//! What the view knows of a run: the plan, the last second, everything so far. In: frames. Out: what
//! a page draws, without a terminal or a clock.

use super::feed::{News, Seconds};
use super::history::History;
use crate::plan::{Plan, Schedule};
use crate::report::{Evidence, Facts, Series, Sum, assemble, judge};
use acp_wire::report::{Distribution, Report, Run};
use acp_wire::verdict::Verdict;
use acp_wire::{Frame, report::Latency};

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Phase {
    Connecting,
    /// Connections are open, and no second is over.
    Ready {
        open_connections: usize,
    },
    Warmup,
    Measured,
    /// Asked to stop; what was sent is waited for.
    Stopping,
}

/// What is shown.
pub(super) struct Model {
    plan: Plan,
    pub(super) phase: Phase,
    pub(super) is_paused: bool,
    pub(super) shows_help: bool,
    /// What came of the last key.
    pub(super) said: String,
    /// Seconds since the last frame came.
    pub(super) since_frame_s: f64,
    pub(super) run: Run,
    pub(super) total_s: Option<f64>,
    /// The last second, of the warm-up too.
    pub(super) last: Frame,
    pub(super) history: History,
    sum: Sum,
    /// The run so far, put together as the report at its end is.
    pub(super) so_far: Report,
}

impl Model {
    pub(super) fn new(plan: &Plan) -> Self {
        let mut plan = plan.clone();
        // It is copied each second, and the page does not show it.
        (plan.document.request.body, plan.document.request.body_base64) = (None, None);
        let so_far = Report { plan: plan.document.clone(), ..Report::default() };
        Self {
            plan,
            phase: Phase::Connecting,
            is_paused: false,
            shows_help: false,
            said: String::new(),
            since_frame_s: 0.0,
            run: Run::default(),
            total_s: None,
            last: Frame::default(),
            history: History::default(),
            sum: Sum::new(),
            so_far,
        }
    }

    /// Takes in what happened.
    pub(super) fn take(&mut self, news: News) {
        match news {
            News::Ready { open_connections } if self.phase == Phase::Connecting => {
                self.phase = Phase::Ready { open_connections };
            }
            News::Ready { .. } => {}
            News::Seconds(seconds) => self.take_seconds(*seconds),
        }
    }

    fn take_seconds(&mut self, seconds: Seconds) {
        let Seconds { frame, count, total_s, run } = seconds;
        (self.total_s, self.run, self.since_frame_s) = (total_s, run, 0.0);
        let is_measured = !frame.flags.warmup;
        if self.phase != Phase::Stopping {
            self.phase = if is_measured { Phase::Measured } else { Phase::Warmup };
        }
        if is_measured {
            // What the engine itself has written can be read.
            self.sum.add_next_frame(&frame).ok();
            self.judge(frame.second + 1);
        }
        if count == 1 {
            self.history.push((&frame).into());
            self.last = frame;
        } else {
            // Several seconds are not a second: what is of a moment is shown, and no counts.
            let Frame { second, flags, in_flight, rate_target, shard_count, .. } = frame;
            self.last =
                Frame { second, flags, in_flight, rate_target, shard_count, ..Frame::default() };
        }
    }

    fn judge(&mut self, elapsed_s: u64) {
        let run = Run { duration_us: elapsed_s * 1_000_000, ..self.run.clone() };
        let facts = Facts { elapsed_us: run.duration_us, run, ..Facts::default() };
        let mut report = assemble(&self.plan, &self.sum, Series::default(), facts);
        // Books are closed at the end: until then what is in flight is missing in them.
        report.books.balanced = true;
        let late_limit_ns = match self.plan.schedule {
            Schedule::Open { late_limit_ns, .. } => late_limit_ns,
            Schedule::Closed { .. } => 0,
        };
        let evidence = Evidence {
            is_open_loop: self.plan.is_open_loop(),
            late: self.sum.counts().late,
            late_limit_ns,
            ..Evidence::default()
        };
        report.verdict = judge(&report, &evidence);
        self.so_far = report;
    }

    pub(super) fn is_open_loop(&self) -> bool {
        self.plan.is_open_loop()
    }

    /// The plan as it was written.
    pub(super) fn document(&self) -> &acp_wire::Plan {
        &self.plan.document
    }

    /// All of the measured part so far, as one frame without histograms.
    pub(super) fn counts(&self) -> &Frame {
        self.sum.counts()
    }

    pub(super) fn verdict(&self) -> &Verdict {
        &self.so_far.verdict
    }

    pub(super) fn latency(&self) -> &Latency {
        &self.so_far.latency
    }

    /// Whether a second is over of which something is known.
    pub(super) fn has_frames(&self) -> bool {
        self.history.len() > 0
    }

    /// Seconds of the measured part, or of the warm-up while that lasts.
    pub(super) fn elapsed_s(&self) -> f64 {
        if !self.has_frames() {
            return 0.0;
        }
        // A frame comes a moment after its second; more than one behind it is not moving.
        let elapsed_s = (self.last.second + 1) as f64 + self.since_frame_s.clamp(0.0, 0.999);
        self.total_s.map_or(elapsed_s, |total_s| elapsed_s.min(total_s))
    }

    /// How much of the measured part is over, from 0 to 1, if that can be known.
    pub(super) fn progress(&self) -> Option<f64> {
        if !matches!(self.phase, Phase::Measured | Phase::Stopping) {
            return Some(0.0);
        }
        let of_requests = self
            .plan
            .document
            .load
            .requests
            .map(|requests| self.counts().planned as f64 / requests.max(1) as f64);
        let of_time = self.total_s.map(|total_s| self.elapsed_s() / total_s.max(1e-9));
        let ratio = match (of_requests, of_time) {
            (Some(requests), Some(time)) if !self.is_open_loop() => Some(requests.max(time)),
            (Some(requests), _) => Some(requests),
            (None, time) => time,
        };
        ratio.map(|ratio| ratio.clamp(0.0, 1.0))
    }

    /// CPU time of the last second for each request sent, in microseconds, without looking out.
    pub(super) fn cpu_us_per_request(&self) -> f64 {
        let cost = &self.last.cost;
        let work_us = (cost.cpu_user_us + cost.cpu_system_us).saturating_sub(cost.cpu_spin_us);
        work_us as f64 / self.last.sent.max(1) as f64
    }

    /// Share of the machine's time that the hypervisor took in the last second.
    pub(super) fn steal_ratio(&self) -> f64 {
        self.last.steal_us as f64 / self.last.cost.machine_us.max(1) as f64
    }

    /// Response and service times of the last second.
    pub(super) fn last_times(&self) -> (Distribution, Distribution) {
        (self.last.response_ns.unwrap_or_default(), self.last.service_ns.unwrap_or_default())
    }
}
