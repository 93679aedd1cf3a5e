//! The report from the sum of all frames of a run, for one engine and for a thousand.

use crate::sum::Sum;
use crate::verdict::{Evidence, judge};
use crate::{Series, summary};
use acp_plan::{Plan, Schedule};
use acp_wire::NotSent;
use acp_wire::agent::AgentReport;
use acp_wire::report::{Bytes, Connections, Event, Generator, Latency, Rates, Report, Run};

/// CPU time of a machine below which the stolen share of it says nothing: 100 ticks of 10 ms.
const LEAST_MACHINE_US: u64 = 1_000_000;

/// What is known of a run besides its frames.
#[derive(Debug, Default)]
pub struct Facts {
    /// Who, where, when.
    pub run: Run,
    /// From the start of the measured part to the end of the last response.
    pub elapsed_us: u64,
    /// What happened when.
    pub events: Vec<Event>,
    /// What each agent did.
    pub agents: Vec<AgentReport>,
    /// Somebody has stopped the run.
    pub is_stopped: bool,
    /// Who and why, as a sentence; empty: nobody said.
    pub stop_reason: String,
    /// Shards whose driver failed.
    pub failed_shards: u32,
    /// What is missing in the frames, a sentence each: agents lost, parts failed, frames not come.
    pub missing: Vec<String>,
}

/// Puts a report together. Every number of the generator and of the books is a sum of frames. Goals
/// are judged over a whole run: whoever has all of it does so.
#[must_use]
pub fn assemble(plan: &Plan, sum: &Sum, series: Series, facts: Facts) -> Report {
    let (counts, distributions) = (sum.counts(), sum.distributions());
    let breakdown = sum.breakdown();
    let mut report = Report {
        schema: acp_wire::REPORT_SCHEMA.into(),
        plan: plan.document.clone(),
        verdict: acp_wire::Verdict::default(),
        rate: rates(plan, sum, &facts),
        latency: Latency {
            response_ns: summary(&distributions.response),
            service_ns: summary(&distributions.service),
            first_byte_ns: summary(&distributions.first_byte),
            connect_ns: summary(&distributions.connect),
            handshake_ns: summary(&distributions.handshake),
            send_lag_ns: summary(&distributions.send_lag),
            error_response_ns: summary(&distributions.error_response),
        },
        status: counts.status.clone(),
        bytes: Bytes { sent: counts.bytes_sent, received: counts.bytes_received },
        connections: Connections {
            opened: counts.connects,
            closed: counts.disconnects,
            reused_requests: counts.reused_requests,
            retried_requests: counts.retried_requests,
            full_handshakes: counts.full_handshakes,
            resumed_handshakes: counts.resumed_handshakes,
        },
        generator: generator(sum),
        series: series.into_frames(),
        histograms: distributions.to_wire(),
        books: sum.books(),
        run: facts.run,
        slo: Vec::new(),
        events: facts.events,
        agents: facts.agents,
        classes: breakdown.classes(),
        tags: breakdown.tags(),
        slowest: breakdown.slowest().to_vec(),
    };
    let late_limit_ns = match plan.schedule {
        Schedule::Open { late_limit_ns, .. } => late_limit_ns,
        Schedule::Closed { .. } => 0,
    };
    let evidence = Evidence {
        is_open_loop: plan.is_open_loop(),
        is_stopped: facts.is_stopped,
        stop_reason: facts.stop_reason,
        failed_shards: facts.failed_shards,
        missing: facts.missing,
        late: counts.late,
        late_limit_ns,
    };
    report.verdict = judge(&report, &evidence);
    report
}

fn rates(plan: &Plan, sum: &Sum, facts: &Facts) -> Rates {
    let counts = sum.counts();
    let (sending_us, elapsed_us) = (facts.run.duration_us, facts.elapsed_us);
    let planned_us = match plan.duration_ns() {
        Some(duration_ns) if plan.is_open_loop() => duration_ns / 1000,
        _ => sending_us,
    };
    // The last responses come after the end of sending; that they did counts.
    let elapsed_us = if plan.is_open_loop() { elapsed_us.max(sending_us) } else { elapsed_us };
    let per_second = |count: u64, micros: u64| ratio(count, micros) * 1e6;
    // The books have the slots of all of the schedule, also of what a stop has cut off.
    let (planned, planned_us) = match counts.not_sent.get(&NotSent::Stopped) {
        Some(&stopped) if facts.is_stopped => (counts.planned.saturating_sub(stopped), sending_us),
        _ => (counts.planned, planned_us),
    };
    Rates {
        planned_per_s: per_second(planned, planned_us),
        sent_per_s: per_second(counts.sent, sending_us),
        completed_per_s: per_second(counts.completed, elapsed_us),
    }
}

fn generator(sum: &Sum) -> Generator {
    let (counts, cost) = (sum.counts(), &sum.counts().cost);
    let cpu_us = cost.cpu_user_us.saturating_add(cost.cpu_system_us);
    let has_steal = cost.machine_us >= LEAST_MACHINE_US;
    Generator {
        cpu_us_per_request: ratio(cpu_us, counts.sent),
        cpu_user_us: cost.cpu_user_us,
        cpu_system_us: cost.cpu_system_us,
        cpu_spin_us: cost.cpu_spin_us.min(cpu_us),
        max_rss_bytes: cost.max_rss_bytes,
        busy_ratio: cost.busy_ratio,
        steal_ratio: if has_steal { ratio(counts.steal_us, cost.machine_us) } else { 0.0 },
        turns: cost.turns,
        completions_per_turn: ratio(cost.completions, cost.turns),
        blocked: counts.blocked,
        late: counts.late,
        overflows: cost.overflows,
        buffer_shortages: cost.buffer_shortages,
    }
}

fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use acp_wire::Frame;
    use acp_wire::verdict::State;

    fn plan(rate: Option<&str>) -> Plan {
        let schema = acp_wire::PLAN_SCHEMA.into();
        let mut document = acp_wire::Plan { schema, ..acp_wire::Plan::default() };
        document.target.url = "http://127.0.0.1/".into();
        document.load.duration = Some("2s".into());
        if rate.is_some() {
            document.load.model = acp_wire::plan::Model::Open;
            document.load.rate = rate.map(Into::into);
        }
        acp_plan::compile(&document).unwrap()
    }

    fn sum() -> Sum {
        let mut frame = Frame { planned: 200, sent: 200, completed: 200, ..Frame::default() };
        frame.steal_us = 50_000;
        frame.cost.machine_us = 4_000_000;
        frame.cost.cpu_user_us = 300;
        frame.cost.cpu_system_us = 100;
        frame.cost.cpu_spin_us = 900;
        frame.cost.completions = 600;
        frame.cost.turns = 300;
        let mut sum = Sum::new();
        sum.add_next_frame(&frame).unwrap();
        sum
    }

    fn facts() -> Facts {
        let run = Run { duration_us: 2_000_000, ..Run::default() };
        Facts { run, elapsed_us: 2_500_000, ..Facts::default() }
    }

    #[test]
    fn rates_are_over_the_time_that_they_are_of() {
        let report = assemble(&plan(Some("100")), &sum(), Series::default(), facts());
        let rate = report.rate;
        let found = (rate.planned_per_s, rate.sent_per_s, rate.completed_per_s);
        assert_eq!(found, (100.0, 100.0, 80.0));
        assert_eq!(report.verdict.state, State::Valid, "{:?}", report.verdict);
    }

    #[test]
    fn a_stopped_run_was_planned_until_it_was_stopped() {
        let check = |what: &str, is_stopped: bool, stopped: Option<u64>, expect: f64| {
            let mut frame = Frame { planned: 600, sent: 100, completed: 100, ..Frame::default() };
            frame.not_sent = stopped.map(|count| (NotSent::Stopped, count)).into_iter().collect();
            let mut sum = Sum::new();
            sum.add_next_frame(&frame).unwrap();
            let run = Run { duration_us: 500_000, ..Run::default() };
            let facts = Facts { run, is_stopped, elapsed_us: 500_000, ..Facts::default() };
            let report = assemble(&plan(Some("300")), &sum, Series::default(), facts);
            assert_eq!(report.rate.planned_per_s, expect, "{what}");
        };
        check("a part of it", true, Some(500), 200.0);
        check("more than there was", true, Some(601), 0.0);
        check("at the end, when all was sent", true, None, 300.0);
        check("nobody has", false, Some(500), 300.0);
    }

    #[test]
    fn the_generator_is_what_frames_say() {
        let generator = assemble(&plan(None), &sum(), Series::default(), facts()).generator;
        assert_eq!(generator.cpu_us_per_request, 2.0);
        assert_eq!(generator.cpu_spin_us, 400, "not more than all");
        assert_eq!(generator.completions_per_turn, 2.0);
        assert_eq!(generator.steal_ratio, 0.0125);
    }

    #[test]
    fn a_moment_of_a_machine_says_nothing_about_steal() {
        let mut frame = Frame { steal_us: 10_000, ..Frame::default() };
        frame.cost.machine_us = 20_000;
        let mut sum = Sum::new();
        sum.add_next_frame(&frame).unwrap();
        let report = assemble(&plan(None), &sum, Series::default(), facts());
        assert_eq!(report.generator.steal_ratio, 0.0);
    }

    #[test]
    fn what_is_missing_makes_it_partial_and_a_stop_aborted() {
        let missing = vec!["agent a was lost at 3.0 s".to_string()];
        let with = Facts { missing, ..facts() };
        let report = assemble(&plan(None), &sum(), Series::default(), with);
        assert_eq!(report.verdict.state, State::Partial);
        assert_eq!(report.verdict.reasons[0].text, "agent a was lost at 3.0 s");
        let stopped = Facts { is_stopped: true, stop_reason: "errors>5%".into(), ..facts() };
        let report = assemble(&plan(None), &sum(), Series::default(), stopped);
        assert_eq!(report.verdict.state, State::Aborted);
        assert_eq!(report.verdict.reasons[0].text, "stopped before its end: errors>5%");
    }
}
