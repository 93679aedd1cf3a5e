//! The report of a run over all agents, from what is stored.

use super::part::PartSum;
use crate::store::{Intent, PartRecord, RunRecord, Store, Stored};
use acp_plan::Plan;
use acp_report::rules::{judge_slo, parse_slo};
use acp_report::{Facts, Series, Sum, assemble, books_of, decode};
use acp_wire::agent::{AgentReport, PartState};
use acp_wire::report::{Calibration, Event, Run, Slo};
use acp_wire::{Books, Report};
use std::collections::{BTreeMap, BTreeSet};

/// Frames read at once.
const PAGE: u32 = 200;
/// Remarks of engines in the events of a report.
const MAX_REMARKS: usize = 100;

/// All frames of the measured part of a run.
pub(super) struct AllFrames {
    sum: Sum,
    series: Series,
    /// End of the newest second.
    end_us: u64,
    /// End of the newest second that has a response.
    answered_us: u64,
    /// Frames whose histograms could not be read back.
    unreadable: u64,
}

/// Reads the stored frames of a run, a page at a time.
pub(super) async fn read_all(store: &dyn Store, run: &str) -> Stored<AllFrames> {
    let (sum, series) = (Sum::new(), Series::default());
    let mut all = AllFrames { sum, series, end_us: 0, answered_us: 0, unreadable: 0 };
    let mut from = 0;
    loop {
        let page = store.frames_from(run, false, from, PAGE).await?;
        for stored in &page {
            let frame = &stored.frame;
            if all.sum.add_next_frame(frame).is_err() {
                all.unreadable += 1;
                all.sum.add_next_counts(frame);
            }
            all.series.push(frame);
            from = frame.second.saturating_add(u64::from(stored.width_s.max(1)));
            all.end_us = from.saturating_mul(1_000_000);
            if frame.completed > 0 {
                all.answered_us = all.end_us;
            }
        }
        if page.is_empty() {
            return Ok(all);
        }
    }
}

/// Everything a report is made from.
pub(super) struct Finish<'a> {
    pub(super) run: &'a RunRecord,
    pub(super) parts: &'a [PartRecord],
    /// With all changes.
    pub(super) plan: &'a Plan,
    pub(super) frames: AllFrames,
    pub(super) events: Vec<Event>,
}

impl Finish<'_> {
    pub(super) fn report(self) -> Report {
        let run = self.run_info();
        let (is_stopped, stop_reason) = match &self.run.intent {
            Intent::Run => (false, String::new()),
            Intent::Stop { kind, reason } => (true, format!("{kind}: {reason}")),
        };
        let facts = Facts {
            elapsed_us: self.elapsed_us(run.duration_us),
            run,
            events: self.all_events(),
            agents: self.parts.iter().map(agent_report).collect(),
            is_stopped,
            stop_reason,
            failed_shards: 0,
            missing: self.missing(),
        };
        let mut report = assemble(self.plan, &self.frames.sum, self.frames.series, facts);
        let completed_per_s = report.rate.completed_per_s;
        let goals = self.run.plan.stop.slo.iter();
        report.slo = goals.map(|goal| judge(goal, &self.frames.sum, completed_per_s)).collect();
        report
    }

    fn run_info(&self) -> Run {
        let plan = &self.run.plan;
        let infos: Vec<_> =
            self.parts.iter().filter_map(|part| part.status.run_info.as_ref()).collect();
        let one = |of: fn(&Run) -> &str| {
            let all: BTreeSet<_> = infos.iter().map(|info| of(info)).collect();
            let shown: Vec<_> = all.iter().take(3).copied().collect();
            match all.len() - shown.len() {
                0 => shown.join(", "),
                more => format!("{} and {more} more", shown.join(", ")),
            }
        };
        let warmup_us = self.plan.warmup_ns / 1000;
        let calibrations = infos.iter().filter_map(|info| info.calibration.as_ref());
        let speed_of = |calibration: &&Calibration| calibration.requests_per_s;
        // Of the agent that can do least: what it cannot do the run cannot.
        let calibration =
            calibrations.min_by(|one, other| speed_of(one).total_cmp(&speed_of(other))).cloned();
        let addresses: BTreeSet<_> = infos.iter().flat_map(|info| &info.addresses).collect();
        Run {
            id: self.run.id.clone(),
            name: plan.name.clone(),
            tags: plan.tags.clone(),
            started_unix_us: self.run.t0_unix_us.map_or(0, |t0_unix_us| t0_unix_us + warmup_us),
            duration_us: self.duration_us(),
            warmup_us,
            seed: plan.seed,
            version: env!("CARGO_PKG_VERSION").into(),
            driver: one(|info| &info.driver),
            driver_reason: one(|info| &info.driver_reason),
            shards: infos.iter().map(|info| info.shards).sum(),
            cpus: Vec::new(),
            kernel: one(|info| &info.kernel),
            host: one(|info| &info.host),
            addresses: addresses.into_iter().cloned().collect(),
            calibration,
        }
    }

    /// Until the last engine ended sending; where one did not live to say so, at least until its
    /// last frame.
    fn duration_us(&self) -> u64 {
        let infos = self.parts.iter().filter_map(|part| part.status.run_info.as_ref());
        let told = infos.map(|info| info.duration_us).max();
        let has_untold = self.parts.iter().any(|part| part.status.run_info.is_none());
        match (told, has_untold) {
            (Some(told_us), false) => told_us,
            (told, _) => {
                let schedule_us = self.plan.duration_ns().map_or(u64::MAX, |ns| ns / 1000);
                told.unwrap_or(0).max(self.frames.end_us.min(schedule_us))
            }
        }
    }

    /// From the start of the measured part to the last response, at least until the end of sending.
    ///
    /// Nobody has noted that moment, so it is the earlier of two that it cannot be after: the end of
    /// the newest stored second with a response (a second, or what seconds were rolled up to), and the
    /// end of sending plus the longest response time.
    fn elapsed_us(&self, duration_us: u64) -> u64 {
        let times = self.frames.sum.distributions();
        let longest_ns = times.response.max().max(times.error_response.max());
        let last_us = match self.frames.unreadable {
            0 => duration_us.saturating_add(longest_ns.div_ceil(1000)),
            _ => u64::MAX,
        };
        duration_us.max(self.frames.answered_us.min(last_us))
    }

    /// Events of the run, and what engines noted: each remark once, with how many agents made it.
    fn all_events(&self) -> Vec<Event> {
        let mut remarks = BTreeMap::<(&str, &str), (i64, BTreeSet<&str>)>::new();
        for part in self.parts {
            for event in part.status.events.iter().filter(|event| event.kind == "error") {
                let remark = remarks.entry((&event.kind, &event.text));
                let (at_us, agents) = remark.or_insert((event.at_us, BTreeSet::new()));
                *at_us = (*at_us).min(event.at_us);
                agents.insert(&part.agent);
            }
        }
        let mut events = self.events.clone();
        events.extend(remarks.into_iter().take(MAX_REMARKS).map(
            |((kind, text), (at_us, agents))| {
                let who = match agents.len() {
                    1 => agents.into_iter().collect::<String>(),
                    count => format!("{count} agents"),
                };
                Event { at_us, kind: kind.into(), text: format!("{who}: {text}") }
            },
        ));
        events.sort_by_key(|event| event.at_us);
        events
    }

    /// What is not in the frames, a sentence each.
    fn missing(&self) -> Vec<String> {
        let mut missing: Vec<_> = self.parts.iter().flat_map(missing_of).collect();
        if self.frames.unreadable > 0 {
            missing.push(format!(
                "histograms of {} stored seconds cannot be read",
                self.frames.unreadable
            ));
        }
        let mut of_parts = Books::default();
        for part in self.parts {
            let books = books_of(&PartSum::read(&part.sums).counts);
            of_parts.planned += books.planned;
            of_parts.sent += books.sent;
            of_parts.completed += books.completed;
        }
        let books = self.frames.sum.books();
        let counts = |books: &Books| (books.planned, books.sent, books.completed);
        if counts(&books) != counts(&of_parts) {
            missing.push(format!(
                "stored seconds have {} requests sent, their parts {}",
                books.sent, of_parts.sent
            ));
        }
        missing
    }
}

fn missing_of(part: &PartRecord) -> Vec<String> {
    let sum = PartSum::read(&part.sums);
    let books = books_of(&sum.counts);
    let agent = &part.agent;
    let mut missing = Vec::new();
    if let Some(lost_at_us) = part.lost_at_us {
        missing.push(format!(
            "agent `{agent}` was lost at {:.1} s: {} requests are lost with it",
            lost_at_us as f64 / 1e6,
            books.lost_with_agent
        ));
    } else if part.state == PartState::Failed {
        missing.push(format!("the engine of agent `{agent}` failed: {}", part.status.text));
    } else if !sum.is_last_seen {
        let until = sum.reached.filter(|reached| reached.0).map_or(0, |reached| reached.1 + 1);
        missing.push(format!("frames of agent `{agent}` are missing from second {until} on"));
    } else if let Some(own) = &part.status.books
        && *own != books
    {
        missing.push(format!(
            "agent `{agent}` counted {} planned, {} sent and {} completed, its frames {}, {} and {}",
            own.planned, own.sent, own.completed, books.planned, books.sent, books.completed
        ));
    }
    if sum.unreadable > 0 {
        missing.push(format!(
            "histograms of {} frames of agent `{agent}` cannot be read",
            sum.unreadable
        ));
    }
    missing
}

fn agent_report(part: &PartRecord) -> AgentReport {
    let sum = PartSum::read(&part.sums);
    let send_lag = sum.send_lag.as_deref().and_then(|text| decode(text).ok());
    let state = match (part.lost_at_us, part.state) {
        (_, PartState::Failed) => "failed",
        (Some(_), _) => "lost",
        (None, _) if sum.is_last_seen => "finished",
        (None, _) => "incomplete",
    };
    AgentReport {
        agent: part.agent.clone(),
        part: part.part.clone(),
        share: Some(part.share),
        state: state.into(),
        books: books_of(&sum.counts),
        cpus: part.status.cpus.clone(),
        driver: part.status.run_info.as_ref().map_or_else(String::new, |info| info.driver.clone()),
        send_lag_p99_ns: send_lag.map_or(0, |histogram| histogram.value_at_quantile(0.99)),
        busy_ratio: sum.counts.cost.busy_ratio,
        clock_offset_us: None,
        text: part.status.text.clone(),
    }
}

fn judge(goal: &str, sum: &Sum, completed_per_s: f64) -> Slo {
    match parse_slo(goal) {
        Ok(rule) => judge_slo(&rule, sum, completed_per_s),
        Err(_) => Slo { expr: goal.into(), value: 0.0, pass: false },
    }
}
