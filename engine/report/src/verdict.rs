//! The verdict: may the numbers be trusted. Limits are constants of `acp_wire::verdict`.

use acp_wire::report::Report;
use acp_wire::verdict::{
    BUSY_RATIO_LIMIT, Reason, SENT_RATIO_LIMIT, STEAL_RATIO_LIMIT, State, Verdict,
};

/// What the verdict is made from, besides the report.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evidence {
    /// Requests follow a schedule.
    pub is_open_loop: bool,
    /// Somebody has stopped the run.
    pub is_stopped: bool,
    /// Who and why; empty: nobody said.
    pub stop_reason: String,
    /// Shards whose driver failed.
    pub failed_shards: u32,
    /// What else is missing: agents lost, parts failed, frames not come. A sentence each.
    pub missing: Vec<String>,
    /// Slots sent later than the limit though a connection was free.
    pub late: u64,
    /// That limit.
    pub late_limit_ns: u64,
}

/// Judges a report.
#[must_use]
pub fn judge(report: &Report, evidence: &Evidence) -> Verdict {
    let mut verdict = Verdict::default();
    let mut add = |state, code: &str, value, limit, text: String| {
        verdict.add(state, Reason { code: code.into(), text, value, limit });
    };
    if evidence.is_stopped {
        let text = match evidence.stop_reason.as_str() {
            "" => "stopped before its end".into(),
            reason => format!("stopped before its end: {reason}"),
        };
        add(State::Aborted, "stopped", 1.0, 0.0, text);
    }
    if evidence.failed_shards > 0 {
        let count = f64::from(evidence.failed_shards);
        let text = format!("{count} shards failed; their requests are missing");
        add(State::Partial, "missing", count, 0.0, text);
    }
    for text in &evidence.missing {
        add(State::Partial, "missing", 1.0, 0.0, text.clone());
    }
    let books = &report.books;
    if !books.balanced {
        let ended = books.completed
            + books.errors_without_response()
            + books.in_flight_at_stop
            + books.lost_with_agent;
        let text = format!(
            "the books do not balance: {} planned, {} sent, {} not sent; {ended} sent and ended",
            books.planned,
            books.sent,
            books.not_sent_total()
        );
        add(State::Partial, "books", books.sent.abs_diff(ended) as f64, 0.0, text);
    }
    let generator = &report.generator;
    if generator.overflows > 0 {
        let text = "completions did not fit into the completion queue".into();
        add(State::GeneratorLimited, "overflow", generator.overflows as f64, 0.0, text);
    }
    if generator.steal_ratio > STEAL_RATIO_LIMIT {
        let percent = generator.steal_ratio * 100.0;
        let text = format!("the hypervisor took {percent:.1} % of the CPU time of this machine");
        add(State::GeneratorLimited, "steal", generator.steal_ratio, STEAL_RATIO_LIMIT, text);
    }
    if evidence.is_open_loop {
        judge_schedule(report, evidence, &mut verdict);
    }
    verdict
}

fn judge_schedule(report: &Report, evidence: &Evidence, verdict: &mut Verdict) {
    let mut add = |state, code: &str, value, limit, text| {
        verdict.add(state, Reason { code: code.into(), text, value, limit });
    };
    let (books, generator) = (&report.books, &report.generator);
    if generator.busy_ratio > BUSY_RATIO_LIMIT {
        let percent = generator.busy_ratio * 100.0;
        let text = format!("a shard was busy for {percent:.0} % of a second; give it more cores");
        add(State::GeneratorLimited, "busy", generator.busy_ratio, BUSY_RATIO_LIMIT, text);
    }
    let (lag_ns, limit_ns) = (report.latency.send_lag_ns.p99, evidence.late_limit_ns);
    let (lag_ms, limit_ms) = (lag_ns as f64 / 1e6, limit_ns as f64 / 1e6);
    if evidence.late * 100 > books.sent {
        let text = format!(
            "{} of {} requests were sent more than {limit_ms:.1} ms late though a connection was free",
            evidence.late, books.sent
        );
        add(State::GeneratorLimited, "send_lag", lag_ns as f64, limit_ns as f64, text);
    } else if lag_ns > limit_ns {
        let text = format!(
            "send lag p99 is {lag_ms:.1} ms: {} requests found no free connection when they were due; \
             the target is too slow for the rate, or -c is too small",
            generator.blocked
        );
        add(State::ScheduleMissed, "blocked", lag_ns as f64, limit_ns as f64, text);
    }
    let ratio = books.sent as f64 / books.planned.max(1) as f64;
    if books.planned > 0 && ratio < SENT_RATIO_LIMIT {
        let text = format!(
            "{} of {} planned requests were sent ({:.1} %)",
            books.sent,
            books.planned,
            ratio * 100.0
        );
        add(State::ScheduleMissed, "sent", ratio, SENT_RATIO_LIMIT, text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn valid() -> (Report, Evidence) {
        let mut report = Report::default();
        report.books.planned = 1000;
        report.books.sent = 1000;
        report.books.balanced = true;
        report.generator.busy_ratio = 0.5;
        report.latency.send_lag_ns.p99 = 20_000;
        (report, Evidence { is_open_loop: true, late_limit_ns: 1_000_000, ..Evidence::default() })
    }

    #[test]
    fn each_fault_has_its_state_and_reason() {
        type Spoil = fn(&mut Report, &mut Evidence);
        let rows: [(&str, Spoil, State, &[&str]); 13] = [
            ("nothing wrong", |_, _| (), State::Valid, &[]),
            ("1 % late is allowed", |_, e| e.late = 10, State::Valid, &[]),
            ("more is not", |_, e| e.late = 11, State::GeneratorLimited, &["send_lag"]),
            (
                "late for want of connections",
                |r, _| r.latency.send_lag_ns.p99 = 2_000_000,
                State::ScheduleMissed,
                &["blocked"],
            ),
            ("99 % sent is enough", |r, _| r.books.sent = 990, State::Valid, &[]),
            ("less is not", |r, _| r.books.sent = 989, State::ScheduleMissed, &["sent"]),
            ("busy", |r, _| r.generator.busy_ratio = 0.96, State::GeneratorLimited, &["busy"]),
            ("steal", |r, _| r.generator.steal_ratio = 0.06, State::GeneratorLimited, &["steal"]),
            ("overflow", |r, _| r.generator.overflows = 1, State::GeneratorLimited, &["overflow"]),
            ("failed shard", |_, e| e.failed_shards = 1, State::Partial, &["missing"]),
            (
                "two agents lost",
                |_, e| e.missing = vec!["a was lost".into(), "b was lost".into()],
                State::Partial,
                &["missing", "missing"],
            ),
            ("bad books", |r, _| r.books.balanced = false, State::Partial, &["books"]),
            (
                "stopped, and the worst state wins",
                |r, e| {
                    r.books.sent = 10;
                    e.is_stopped = true;
                },
                State::Aborted,
                &["stopped", "sent"],
            ),
        ];
        for (what, spoil, state, codes) in rows {
            let (mut report, mut evidence) = valid();
            spoil(&mut report, &mut evidence);
            let verdict = judge(&report, &evidence);
            let found: Vec<_> = verdict.reasons.iter().map(|reason| reason.code.as_str()).collect();
            assert_eq!((verdict.state, found.as_slice()), (state, codes), "{what}");
        }
    }

    #[test]
    fn being_busy_is_the_purpose_of_a_closed_loop() {
        let (mut report, mut evidence) = valid();
        evidence.is_open_loop = false;
        report.generator.busy_ratio = 1.0;
        assert_eq!(judge(&report, &evidence).state, State::Valid);
    }
}
