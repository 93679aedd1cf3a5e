//! The outcome of an engine: what its exit and its report say about the part.

use acp_wire::Report;
use acp_wire::agent::{Part, PartState, PartStatus};
use acp_wire::outcome::NotSent;
use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::ExitStatus;

/// Exit codes that come with a result: all well, a goal missed or a verdict that is not valid, stopped
/// by a signal.
const RESULTS: [i32; 3] = [0, 98, 130];

/// Text of the event that an engine reports when its lease has ended.
const LEASE_OVER: &str = "lease is over";
/// Exit code of an engine that a signal has stopped.
const INTERRUPTED: i32 = 130;

/// Who wanted an engine to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// Control, in an answer or by the assignment.
    Control,
    /// The agent, because its lease was over.
    LeaseOver,
    /// The agent, because it leaves.
    Leaving,
}

impl fmt::Display for Cause {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Control => "control said so",
            Self::LeaseOver => "the agent's lease was over",
            Self::Leaving => "the agent is leaving",
        })
    }
}

/// How an engine came to its end.
#[derive(Debug)]
pub(crate) struct End {
    /// How it exited; none where the system did not say.
    pub(crate) exit: Option<ExitStatus>,
    /// The end of its standard error.
    pub(crate) log_tail: String,
    /// Why it was told to stop; none: it was not.
    pub(crate) stopped: Option<Cause>,
}

/// The last status of a part: finished with what its report says, or failed with what there is. A part
/// has finished where its schedule was over or control wanted its end. Cut short by anything else it
/// has failed, so that others can send what is left; it has no books then, because those account for
/// that too.
pub(crate) fn conclude(part: &Part, end: End, report: &Path) -> PartStatus {
    let status =
        PartStatus { part: part.part.clone(), run: part.run.clone(), ..PartStatus::default() };
    let failed = |why: String| {
        let text = match end.stopped {
            Some(cause) => format!("{why} ({cause})"),
            None => why,
        };
        let log_tail = end.log_tail.clone();
        PartStatus { state: PartState::Failed, text, log_tail, ..status.clone() }
    };
    let code = end.exit.and_then(|exit| exit.code());
    let Some(code) = code.filter(|code| RESULTS.contains(code)) else {
        return failed(exit_text(end.exit));
    };
    let read = std::fs::read(report).map_err(|error| error.to_string());
    let parsed = read.and_then(|bytes| {
        serde_json::from_slice::<Report>(&bytes).map_err(|error| error.to_string())
    });
    let report = match parsed {
        Ok(report) => report,
        Err(why) => return failed(format!("{} without a report: {why}", exit_text(end.exit))),
    };
    let cut_short = cut_short(code, end.stopped, &report);
    let told = PartStatus {
        cpus: report.run.cpus.clone(),
        run_info: Some(report.run),
        events: report.events,
        ..status
    };
    match cut_short {
        Some(text) => PartStatus { state: PartState::Failed, text, log_tail: end.log_tail, ..told },
        None => {
            let text = end.stopped.map(|cause| cause.to_string()).unwrap_or_default();
            PartStatus { state: PartState::Finished, text, books: Some(report.books), ..told }
        }
    }
}

/// Why an engine has ended before the end of its schedule, though control did not want it.
fn cut_short(code: i32, stopped: Option<Cause>, report: &Report) -> Option<String> {
    let has_left = report.books.not_sent.contains_key(&NotSent::Stopped);
    let is_stopped = report.verdict.reasons.iter().any(|reason| reason.code == "stopped");
    if stopped == Some(Cause::Control) || !(has_left || is_stopped || code == INTERRUPTED) {
        return None;
    }
    let lease_over = report.events.iter().any(|event| event.text == LEASE_OVER);
    let cause = stopped.or(lease_over.then_some(Cause::LeaseOver));
    Some(match cause {
        Some(cause) => cause.to_string(),
        None => format!("{} before the end of its schedule", exit_text_of(code)),
    })
}

fn exit_text(exit: Option<ExitStatus>) -> String {
    match exit {
        Some(exit) => match (exit.code(), exit.signal()) {
            (Some(code), _) => exit_text_of(code),
            (None, Some(signal)) => format!("the engine was killed by signal {signal}"),
            (None, None) => "the engine ended".to_owned(),
        },
        None => "the engine is gone".to_owned(),
    }
}

fn exit_text_of(code: i32) -> String {
    format!("the engine ended with exit code {code}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use acp_wire::agent::Share;
    use acp_wire::report::Event;
    use acp_wire::verdict::Reason;

    fn part() -> Part {
        Part {
            part: "r.0".to_owned(),
            run: "r".to_owned(),
            plan: String::new(),
            t0_unix_us: 0,
            share: Share::whole(1),
            cores: 1,
            changes: 0,
            change: None,
            stop: false,
        }
    }

    /// A report of a schedule that was held, or of one that was stopped: with slots left, in a closed
    /// loop, because of its lease.
    fn report(stopped: &str) -> String {
        let mut report = Report::default();
        report.books.planned = 7;
        report.run.cpus = vec![3];
        if stopped == "slots" || stopped == "lease" {
            report.books.not_sent.insert(NotSent::Stopped, 2);
        }
        if stopped == "closed" || stopped == "lease" {
            let code = "stopped".to_owned();
            report.verdict.reasons.push(Reason {
                code,
                text: String::new(),
                value: 1.0,
                limit: 0.0,
            });
        }
        if stopped == "lease" {
            let (kind, text) = ("stop".to_owned(), "lease is over".to_owned());
            report.events.push(Event { at_us: 5, kind, text });
        }
        serde_json::to_string(&report).unwrap()
    }

    /// `wait` is a status as wait(2) gives it: code << 8, or a signal.
    fn check(
        row: &str,
        wait: Option<i32>,
        report: &str,
        stopped: Option<Cause>,
        expect: (PartState, &str),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.json");
        if !report.is_empty() {
            std::fs::write(&path, report).unwrap();
        }
        let exit = wait.map(ExitStatus::from_raw);
        let end = End { exit, log_tail: "tail".to_owned(), stopped };
        let status = conclude(&part(), end, &path);
        assert_eq!(status.state, expect.0, "{row}: {status:?}");
        assert!(status.text.contains(expect.1), "{row}: {}", status.text);
        let has_failed = status.state == PartState::Failed;
        assert_eq!(status.log_tail == "tail", has_failed, "{row}: a tail where it failed");
        assert_eq!(status.books.is_none(), has_failed, "{row}: books where it finished");
    }

    #[test]
    fn a_result_needs_a_good_exit_and_a_report() {
        use PartState::{Failed, Finished};
        let whole = &report("");
        let lease = Some(Cause::LeaseOver);
        check("all well", Some(0), whole, None, (Finished, ""));
        check("not valid", Some(98 << 8), whole, None, (Finished, ""));
        check("could not start", Some(1 << 8), "", None, (Failed, "exit code 1"));
        check("a bad flag", Some(2 << 8), "", None, (Failed, "exit code 2"));
        check("failed with a report", Some(1 << 8), whole, None, (Failed, "exit code 1"));
        check("killed", Some(9), whole, None, (Failed, "killed by signal 9"));
        let text = "signal 11 (the agent's lease was over)";
        check("crashed when stopped", Some(11), "", lease, (Failed, text));
        check("no report", Some(0), "", None, (Failed, "without a report"));
        check("half a report", Some(0), &whole[..whole.len() / 2], None, (Failed, "EOF"));
        check("lost", None, whole, None, (Failed, "is gone"));
    }

    #[test]
    fn who_wanted_the_end_says_whether_a_part_has_failed() {
        use Cause::{Control, LeaseOver, Leaving};
        use PartState::{Failed, Finished};
        let (stopped, closed) = (98 << 8, &report("closed"));
        let (slots, lease) = (&report("slots"), &report("lease"));
        for report in [slots, closed, lease] {
            for wait in [stopped, 130 << 8] {
                let (lease_over, left) = (Some(LeaseOver), Some(Leaving));
                let said = (Finished, "control said so");
                check("control wanted it", Some(wait), report, Some(Control), said);
                let said = (Failed, "the agent's lease was over");
                check("the agent's lease was over", Some(wait), report, lease_over, said);
                check("the agent leaves", Some(wait), report, left, (Failed, "is leaving"));
            }
        }
        let said = (Failed, "the agent's lease was over");
        check("its lease ended before the agent saw it", Some(stopped), lease, None, said);
        let said = (Failed, "exit code 98 before the end of its schedule");
        check("somebody stopped it", Some(stopped), slots, None, said);
        check("somebody stopped its closed loop", Some(stopped), closed, None, said);
        let said = (Failed, "exit code 130 before the end");
        check("a signal of somebody", Some(130 << 8), &report(""), None, said);
        for cause in [LeaseOver, Leaving, Control] {
            let said = (Finished, "");
            check("it was through when it was told", Some(0), &report(""), Some(cause), said);
            check("through, but not valid", Some(stopped), &report(""), Some(cause), said);
        }
    }
}
