//! The outcome of an engine: what its exit and its report say about the part.

use acp_wire::Report;
use acp_wire::agent::{Part, PartState, PartStatus};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::ExitStatus;

/// Exit codes that come with a result: all well, a goal missed or a verdict that is not valid, stopped
/// by a signal.
const RESULTS: [i32; 3] = [0, 98, 130];

/// How an engine came to its end.
#[derive(Debug)]
pub(crate) struct End<'a> {
    /// How it exited; none where the system did not say.
    pub(crate) exit: Option<ExitStatus>,
    /// The end of its standard error.
    pub(crate) log_tail: String,
    /// Why it was told to stop; empty: it was not.
    pub(crate) stopped_because: &'a str,
}

/// The last status of a part: finished with what its report says, or failed with what there is.
pub(crate) fn conclude(part: &Part, end: End<'_>, report: &Path) -> PartStatus {
    let status = PartStatus {
        part: part.part.clone(),
        run: part.run.clone(),
        text: end.stopped_because.to_owned(),
        ..PartStatus::default()
    };
    let failed = |why: String| {
        let because = end.stopped_because;
        let text = if because.is_empty() { why } else { format!("{why} ({because})") };
        let log_tail = end.log_tail.clone();
        PartStatus { state: PartState::Failed, text, log_tail, ..status.clone() }
    };
    let code = end.exit.and_then(|exit| exit.code());
    if !code.is_some_and(|code| RESULTS.contains(&code)) {
        return failed(exit_text(end.exit));
    }
    let read = std::fs::read(report).map_err(|error| error.to_string());
    let parsed = read.and_then(|bytes| {
        serde_json::from_slice::<Report>(&bytes).map_err(|error| error.to_string())
    });
    match parsed {
        Ok(report) => PartStatus {
            state: PartState::Finished,
            cpus: report.run.cpus.clone(),
            run_info: Some(report.run),
            books: Some(report.books),
            events: report.events,
            ..status
        },
        Err(why) => failed(format!("{} without a report: {why}", exit_text(end.exit))),
    }
}

fn exit_text(exit: Option<ExitStatus>) -> String {
    match exit {
        Some(exit) => match (exit.code(), exit.signal()) {
            (Some(code), _) => format!("the engine ended with exit code {code}"),
            (None, Some(signal)) => format!("the engine was killed by signal {signal}"),
            (None, None) => "the engine ended".to_owned(),
        },
        None => "the engine is gone".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use acp_wire::agent::Share;

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

    /// `wait` is a status as wait(2) gives it: code << 8, or a signal.
    fn check(row: &str, wait: Option<i32>, report: &str, because: &str, expect: (PartState, &str)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.json");
        if !report.is_empty() {
            std::fs::write(&path, report).unwrap();
        }
        let exit = wait.map(ExitStatus::from_raw);
        let end = End { exit, log_tail: "tail".to_owned(), stopped_because: because };
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
        let mut report = Report::default();
        report.books.planned = 7;
        report.run.cpus = vec![3];
        let report = &serde_json::to_string(&report).unwrap();
        check("all well", Some(0), report, "", (Finished, ""));
        check("not valid", Some(98 << 8), report, "", (Finished, ""));
        check("stopped", Some(130 << 8), report, "control said so", (Finished, "control said so"));
        check("could not start", Some(1 << 8), "", "", (Failed, "exit code 1"));
        check("a bad flag", Some(2 << 8), "", "", (Failed, "exit code 2"));
        check("failed with a report", Some(1 << 8), report, "", (Failed, "exit code 1"));
        check("killed", Some(9), report, "", (Failed, "killed by signal 9"));
        check("crashed when stopped", Some(11), "", "lease", (Failed, "signal 11 (lease)"));
        check("no report", Some(0), "", "", (Failed, "without a report"));
        check("half a report", Some(0), &report[..report.len() / 2], "", (Failed, "EOF"));
        check("lost", None, report, "", (Failed, "is gone"));
    }
}
