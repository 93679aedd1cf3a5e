//! The report from the record of a whole run.

use super::{Evidence, Series, judge, summary};
use crate::plan::{Plan, Schedule};
use crate::record::Record;
use acp_wire::report::{Bytes, Connections, Event, Generator, Latency, Rates, Report, Run};

/// What is known of a run besides its record.
#[derive(Debug, Default)]
pub struct Facts {
    /// Who, where, when.
    pub run: Run,
    /// From the start of the measured part to the end of the last response.
    pub elapsed_us: u64,
    /// User time of the process.
    pub cpu_user_us: u64,
    /// System time of the process.
    pub cpu_system_us: u64,
    /// Peak resident set.
    pub max_rss_bytes: u64,
    /// Largest share of a second in which a shard worked.
    pub busy_ratio: f64,
    /// Share of CPU time stolen.
    pub steal_ratio: f64,
    /// What happened when.
    pub events: Vec<Event>,
    /// Somebody has stopped the run.
    pub is_stopped: bool,
    /// Shards whose driver failed.
    pub failed_shards: u32,
}

/// Puts a report together.
#[must_use]
pub fn assemble(plan: &Plan, total: &Record, series: Series, facts: Facts) -> Report {
    let (counts, distributions) = (&total.counts, &total.distributions);
    let books = counts.books();
    let cpu_us = facts.cpu_user_us + facts.cpu_system_us;
    let ratio = |part: u64, whole: u64| part as f64 / whole.max(1) as f64;
    let per_second = |count: u64, micros: u64| ratio(count, micros) * 1e6;
    let (sending_us, elapsed_us) = (facts.run.duration_us, facts.elapsed_us);
    let planned_us = match plan.duration_ns() {
        Some(duration_ns) if plan.is_open_loop() => duration_ns / 1000,
        _ => sending_us,
    };
    // The last responses come after the end of sending; that they did counts.
    let elapsed_us = if plan.is_open_loop() { elapsed_us.max(sending_us) } else { elapsed_us };
    let mut report = Report {
        schema: acp_wire::REPORT_SCHEMA.into(),
        plan: plan.document.clone(),
        verdict: acp_wire::Verdict::default(),
        rate: Rates {
            planned_per_s: per_second(books.planned, planned_us),
            sent_per_s: per_second(books.sent, sending_us),
            completed_per_s: per_second(books.completed, elapsed_us),
        },
        latency: Latency {
            response_ns: summary(&distributions.response),
            service_ns: summary(&distributions.service),
            first_byte_ns: summary(&distributions.first_byte),
            connect_ns: summary(&distributions.connect),
            send_lag_ns: summary(&distributions.send_lag),
            error_response_ns: summary(&distributions.error_response),
        },
        status: counts.by_status(),
        bytes: Bytes { sent: counts.bytes_sent, received: counts.bytes_received },
        connections: Connections {
            opened: counts.connects,
            closed: counts.disconnects,
            reused_requests: counts.reused_requests,
            retried_requests: counts.retried_requests,
        },
        generator: Generator {
            cpu_us_per_request: ratio(cpu_us, books.sent),
            cpu_user_us: facts.cpu_user_us,
            cpu_system_us: facts.cpu_system_us,
            cpu_spin_us: (counts.spin_ns / 1000).min(cpu_us),
            max_rss_bytes: facts.max_rss_bytes,
            busy_ratio: facts.busy_ratio,
            steal_ratio: facts.steal_ratio,
            turns: counts.turns,
            completions_per_turn: ratio(counts.completions, counts.turns),
            blocked: counts.blocked,
            late: counts.late,
            overflows: counts.overflows,
            buffer_shortages: counts.buffer_shortages,
        },
        slo: Vec::new(),
        events: facts.events,
        agents: Vec::new(),
        series: series.into_frames(),
        histograms: distributions.to_wire(),
        run: facts.run,
        books,
    };
    let late_limit_ns = match plan.schedule {
        Schedule::Open { late_limit_ns, .. } => late_limit_ns,
        Schedule::Closed { .. } => 0,
    };
    let evidence = Evidence {
        is_open_loop: plan.is_open_loop(),
        is_stopped: facts.is_stopped,
        failed_shards: facts.failed_shards,
        late: counts.late,
        late_limit_ns,
    };
    report.verdict = judge(&report, &evidence);
    report
}
