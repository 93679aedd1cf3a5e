//! Frames of all shards into frames of the run, and all frames into the report.

use super::cores::Placement;
use super::judge::Judge;
use super::machine::{self, CpuTimes};
use super::threads::Threads;
use super::{Control, Finished, LaunchError, Options, Seen};
use crate::drivers::Driver;
use crate::drivers::host::ShardFrame;
use crate::plan::{Course, Plan, Schedule};
use crate::record::{Record, TagNames};
use crate::report::{Facts, Series, Sum, assemble, bands_of, summary};
use acp_wire::agent::Share;
use acp_wire::frame::{Cost, Flags};
use acp_wire::report::{Event, Run};
use acp_wire::{FRAME_SCHEMA, Frame};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// How often the launcher looks at its shards.
const LOOK: Duration = Duration::from_millis(20);

/// A shorter frame says too little about how busy a shard is.
const SHORTEST_JUDGED_NS: u64 = 500_000_000;

/// What is known of a run besides the newest frame.
pub struct Progress<'a> {
    /// Who, where, when; its length is not known yet.
    pub run: &'a Run,
    /// The frames of the measured part so far, this one included.
    pub sum: &'a Sum,
    /// Counts and histograms of the second.
    pub record: &'a Record,
    /// Seconds of the whole run, if that is known.
    pub total_s: Option<f64>,
}

/// What is run, when its measured part begins on the clock of the shards, and how it is judged.
pub(super) struct Starts {
    pub(super) start_ns: u64,
    pub(super) share: Share,
    /// Names of the tags that requests carry.
    pub(super) tags: TagNames,
    pub(super) judge: Judge,
}

/// A second that not all shards have reported yet.
struct Pending {
    record: Record,
    shards: u32,
    in_flight: u64,
    /// Largest share of the second in which a shard had work.
    busy_ratio: f64,
}

impl Pending {
    fn new() -> Self {
        Self { record: Record::new(), shards: 0, in_flight: 0, busy_ratio: 0.0 }
    }
}

/// Puts a run together.
pub(super) struct Collector {
    plan: Arc<Plan>,
    run: Run,
    agent: String,
    starts: Starts,
    /// The schedule, as far as it is known to be changed by now.
    course: Course,
    /// Of the frames given out: what the report says is what they say.
    sum: Sum,
    /// By warm-up (false sorts first, so it is inverted) and second.
    pending: BTreeMap<(bool, u64), Pending>,
    series: Series,
    seq: u64,
    /// Shards that have given out their last frame.
    shards_at_end: usize,
    last: CpuTimes,
}

impl Collector {
    pub(super) fn new(
        plan: &Arc<Plan>,
        placement: &Placement,
        driver: &Driver,
        addresses: &[SocketAddr],
        options: &Options,
        starts: Starts,
    ) -> Self {
        let document = &plan.document;
        let cpus = placement.cpus.iter().filter_map(|&cpu| u32::try_from(cpu).ok());
        let planned_us = options.start_unix_us.unwrap_or_else(machine::unix_us);
        let run = Run {
            id: options.run_id.clone(),
            name: document.name.clone(),
            tags: document.tags.clone(),
            started_unix_us: planned_us + plan.warmup_ns / 1000,
            warmup_us: plan.warmup_ns / 1000,
            seed: document.seed,
            version: env!("CARGO_PKG_VERSION").into(),
            driver: driver.kind.name().into(),
            driver_reason: driver.reason.clone(),
            shards: placement.shards,
            cpus: cpus.collect(),
            kernel: machine::kernel(),
            host: machine::host(),
            addresses: addresses.iter().map(ToString::to_string).collect(),
            duration_us: 0,
            calibration: crate::calibration::load(),
        };
        Self {
            plan: Arc::clone(plan),
            run,
            agent: options.agent.clone(),
            starts,
            course: Course::planned(plan),
            sum: Sum::new(),
            pending: BTreeMap::new(),
            series: Series::default(),
            seq: 0,
            shards_at_end: 0,
            last: CpuTimes::now(),
        }
    }

    /// Collects until all shards have ended.
    pub(super) fn collect(
        mut self,
        mut threads: Threads,
        control: &Control,
        on_seen: &mut dyn FnMut(Seen),
    ) -> Result<Finished, LaunchError> {
        let begin_ns = self.starts.start_ns.saturating_sub(self.plan.warmup_ns);
        loop {
            let all_ended = threads.look_for_ends();
            if control.is_stopped() {
                threads.signals.stop();
            }
            if let Some(course) = control.course() {
                self.course = course;
            }
            // Waiting for a common start is not part of the load.
            if threads.now() < begin_ns {
                self.last = CpuTimes::now();
            }
            for number in 0..threads.shards.len() {
                while let Ok(frame) = threads.shards[number].frames.try_recv() {
                    let mut record = self.take_frame(frame);
                    record.reset();
                    // The shard may have ended and need no record any more.
                    drop(threads.shards[number].spares.send(record));
                }
            }
            self.emit(threads.shards.len(), all_ended, control, on_seen);
            if all_ended {
                break;
            }
            std::thread::sleep(LOOK);
        }
        threads.join();
        self.finish(&threads, control)
    }

    fn take_frame(&mut self, frame: ShardFrame) -> Box<Record> {
        let counts = &frame.record.counts;
        self.shards_at_end += usize::from(frame.last);
        let moment = (!frame.warmup, frame.second);
        let pending = self.pending.entry(moment).or_insert_with(Pending::new);
        if frame.elapsed_ns >= SHORTEST_JUDGED_NS {
            let busy_ns = counts.cpu_ns.saturating_sub(counts.spin_ns);
            pending.busy_ratio = pending.busy_ratio.max(busy_ns as f64 / frame.elapsed_ns as f64);
        }
        pending.record.add(&frame.record);
        pending.shards += 1;
        pending.in_flight += frame.in_flight;
        frame.record
    }

    /// Gives out the seconds that are complete: all shards have reported them, or a later one.
    fn emit(
        &mut self,
        shards: usize,
        all_ended: bool,
        control: &Control,
        on_seen: &mut dyn FnMut(Seen),
    ) {
        while let Some(entry) = self.pending.first_entry() {
            // A shard that was held up skips a second, so a later one from all of them is enough.
            let is_complete = entry.get().shards as usize >= shards;
            if !is_complete && !all_ended && self.pending.len() < 3 {
                return;
            }
            let Some(((measured, second), pending)) = self.pending.pop_first() else { return };
            // Shards give out their last frames a moment before they are seen to have ended.
            let has_all = all_ended || self.shards_at_end >= shards;
            let is_last = has_all && self.pending.is_empty();
            let breakdown = pending.record.breakdown(&self.starts.tags, &self.agent);
            let mut frame = self.frame(measured, second, is_last, &pending);
            breakdown.put_into(&mut frame);
            if measured {
                self.sum.add_next(&frame, &pending.record.distributions, &breakdown);
                self.series.push(&frame);
            }
            self.judge_frame(&frame, control);
            let (run, sum, record) = (&self.run, &self.sum, &pending.record);
            let progress = Progress { run, sum, record, total_s: self.total_s() };
            on_seen(Seen::Frame(&frame, &progress));
        }
    }

    /// Ends the run when a limit is passed. One that is stopped already is not what was planned.
    fn judge_frame(&mut self, frame: &Frame, control: &Control) {
        if control.is_stopped() || !self.starts.judge.is_judging() {
            return;
        }
        let end_ns = self.plan.with_course(&self.course).duration_ns();
        let fired = self.starts.judge.push(frame, end_ns).expect("our own histograms can be read");
        if let Some(fired) = fired {
            control.stop_by_rule(fired);
        }
    }

    fn total_s(&self) -> Option<f64> {
        self.plan.duration_ns().map(|duration_ns| duration_ns as f64 / 1e9)
    }

    fn frame(&mut self, measured: bool, second: u64, is_last: bool, pending: &Pending) -> Frame {
        let (counts, distributions) = (&pending.record.counts, &pending.record.distributions);
        let now = CpuTimes::now();
        let used = now.since(self.last);
        self.last = now;
        let seq = self.seq;
        self.seq += 1;
        Frame {
            schema: FRAME_SCHEMA.into(),
            run: self.run.id.clone(),
            agent: self.agent.clone(),
            shard_count: pending.shards,
            seq,
            second,
            flags: Flags { warmup: !measured, last: is_last },
            planned: counts.planned,
            sent: counts.sent,
            completed: counts.completed,
            not_sent: counts.not_sent_by_reason(),
            errors: counts.errors_by_class(),
            status: counts.by_status(),
            in_flight: pending.in_flight,
            blocked: counts.blocked,
            connects: counts.connects,
            disconnects: counts.disconnects,
            bytes_sent: counts.bytes_sent,
            bytes_received: counts.bytes_received,
            rate_target: self.rate_target(measured, second),
            cpu_us: counts.cpu_ns / 1000,
            steal_us: used.steal_us(),
            cost: Cost {
                cpu_user_us: used.user_us,
                cpu_system_us: used.system_us,
                cpu_spin_us: counts.spin_ns / 1000,
                machine_us: used.all_us(),
                busy_ratio: pending.busy_ratio,
                max_rss_bytes: machine::max_rss_bytes(),
                turns: counts.turns,
                completions: counts.completions,
                overflows: counts.overflows,
                buffer_shortages: counts.buffer_shortages,
            },
            late: counts.late,
            in_flight_at_stop: counts.in_flight_at_stop,
            reused_requests: counts.reused_requests,
            retried_requests: counts.retried_requests,
            full_handshakes: counts.full_handshakes,
            resumed_handshakes: counts.resumed_handshakes,
            response_ns: Some(summary(&distributions.response)),
            service_ns: Some(summary(&distributions.service)),
            send_lag_ns: Some(summary(&distributions.send_lag)),
            response_bands: bands_of(&distributions.response),
            histograms: distributions.to_wire(),
            ..Frame::default()
        }
    }

    /// This share's part of the rate.
    fn rate_target(&self, measured: bool, second: u64) -> f64 {
        let middle_ns = second * 1_000_000_000 + 500_000_000;
        let is_ours = middle_ns >= self.starts.share.from_us.saturating_mul(1000);
        let rate = match (&self.plan.schedule, &self.course) {
            (Schedule::Open { .. }, Course::Open(pace)) if measured && is_ours => {
                pace.rate_per_s(middle_ns.min(pace.duration_ns()))
            }
            (Schedule::Open { warmup, .. }, _) if !measured => warmup.rate_per_s(0),
            _ => 0.0,
        };
        rate / self.starts.share.stride as f64
    }

    fn finish(self, threads: &Threads, control: &Control) -> Result<Finished, LaunchError> {
        let ends: Vec<_> = threads.shards.iter().filter_map(|shard| shard.end.as_ref()).collect();
        let failed: Vec<_> = ends.iter().filter_map(|end| end.as_ref().err()).collect();
        if failed.len() == ends.len() {
            let why = failed.first().map_or_else(String::new, ToString::to_string);
            return Err(LaunchError::AllFailed(why));
        }
        let start_ns = self.starts.start_ns;
        let good = || ends.iter().filter_map(|end| end.as_ref().ok());
        let since_us = |at_ns: u64| at_ns.saturating_sub(start_ns) / 1000;
        let mut run = self.run;
        run.duration_us = good().map(|end| since_us(end.drain_ns)).max().unwrap_or(0);
        let mut events = events(good().flat_map(|end| &end.notes), &failed, start_ns);
        // A source of the plan has told of its end by itself, with its name.
        if self.plan.document.source.is_none() {
            let over_ns: Vec<_> = good().filter_map(|end| end.over_ns).collect();
            events.extend(feeds_over(&over_ns, ends.len(), start_ns));
        }
        events.extend(control.events());
        events.sort_by_key(|event| event.at_us);
        let facts = Facts {
            run,
            elapsed_us: good().map(|end| since_us(end.last_response_ns)).max().unwrap_or(0),
            events,
            is_stopped: control.is_stopped(),
            stop_reason: control.stop_reason(),
            failed_shards: u32::try_from(failed.len()).unwrap_or(u32::MAX),
            ..Facts::default()
        };
        let plan = self.plan.with_course(&self.course);
        let mut report = assemble(&plan, &self.sum, self.series, facts);
        report.slo = self.starts.judge.judge_goals(&self.sum, report.rate.completed_per_s);
        let fired = self.starts.judge.into_fired();
        Ok(Finished { report, distributions: self.sum.into_distributions(), fired })
    }
}

/// What shards noted, each remark once with its first time.
fn events<'a>(
    notes: impl Iterator<Item = &'a (u64, String)>,
    failed: &[&String],
    start_ns: u64,
) -> Vec<Event> {
    let mut first = BTreeMap::<&str, u64>::new();
    for (at_ns, text) in notes {
        let known = first.entry(text).or_insert(*at_ns);
        *known = (*known).min(*at_ns);
    }
    let event = |at_us, text: &str| Event { at_us, kind: "error".into(), text: text.into() };
    let mut events: Vec<_> =
        first.into_iter().map(|(text, at_ns)| event(since_us(at_ns, start_ns), text)).collect();
    events.extend(failed.iter().map(|why| event(0, &format!("a shard failed: {why}"))));
    events
}

/// That feeds had no more requests, at the time of the first.
fn feeds_over(over_ns: &[u64], shards: usize, start_ns: u64) -> Option<Event> {
    let first_ns = *over_ns.iter().min()?;
    let text = format!("the feeds of {} of {shards} shards had no more requests", over_ns.len());
    Some(Event { at_us: since_us(first_ns, start_ns), kind: "source".into(), text })
}

fn since_us(at_ns: u64, start_ns: u64) -> i64 {
    let micros = (i128::from(at_ns) - i128::from(start_ns)) / 1000;
    i64::try_from(micros).unwrap_or(i64::MAX)
}
