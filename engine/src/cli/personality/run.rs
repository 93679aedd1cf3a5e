//! A run for another tool's command line: from a plan to a finished run, and its exit code.

use super::super::EXIT_OK;
use super::super::bench::stop_on_signals;
use super::super::messages::say;
use super::refusal::Refusal;
use crate::drivers::{Driver, choose};
use crate::launch::{Finished, Options, Seen};
use acp_wire::verdict::State;
use acp_wire::{Plan, Report};

/// What a command line asks for.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) plan: Plan,
    pub(super) options: Options,
    /// Whether the tool itself would have followed redirects.
    pub(super) follows_redirects: bool,
}

/// Runs a job to its end, by itself or by Ctrl-C. `on_seen` is told when the load begins, and each
/// second as it is over.
pub(super) fn run(job: &Job, on_seen: &mut dyn FnMut(Seen)) -> Result<Finished, Refusal> {
    let control = stop_on_signals().map_err(Refusal::Signals)?;
    // A driver that cannot run is an error of the run.
    if let Ok(Driver { warning: Some(warning), .. }) = choose(job.options.driver) {
        say(&format!("note: {warning}"));
    }
    let finished = crate::launch::run(&job.plan, &job.options, &control, on_seen)?;
    remarks(&finished.report, job.follows_redirects).iter().for_each(|remark| say(remark));
    Ok(finished)
}

/// The exit code of a command line.
///
/// A run whose result is not valid, or that Ctrl-C has ended, ends with 0 like those tools do: a
/// script that calls one of them takes any other code for a failure of the tool. The warning is
/// always there, and `acp bench` is for those who want to be told by the code.
pub(super) fn exit_code(result: Result<(), Refusal>) -> u8 {
    match result {
        Ok(()) => EXIT_OK,
        Err(refusal) => {
            say(&format!("error: {refusal}"));
            refusal.exit_code()
        }
    }
}

/// What the summary of the tool has no place for, a line each.
fn remarks(report: &Report, follows_redirects: bool) -> Vec<String> {
    let mut remarks = Vec::new();
    let redirects: u64 = report.status.range(300..400).map(|(_, count)| count).sum();
    if follows_redirects && redirects > 0 {
        remarks.push(format!("note: {redirects} responses were redirects, which are not followed"));
    }
    if report.verdict.state != State::Valid {
        let reasons: Vec<_> =
            report.verdict.reasons.iter().map(|reason| reason.text.as_str()).collect();
        let state = report.verdict.state.name();
        remarks.push(format!("warning: the result is not valid ({state}): {}", reasons.join("; ")));
    }
    remarks
}

#[cfg(test)]
mod tests {
    use super::*;
    use acp_wire::verdict::{Reason, Verdict};
    use std::collections::BTreeMap;

    #[test]
    fn remarks_are_made_where_there_is_something_to_say() {
        let reason =
            |text: &str| Reason { code: "sent".into(), text: text.into(), value: 0.5, limit: 0.99 };
        let missed = Verdict {
            state: State::ScheduleMissed,
            reasons: vec![reason("half of it"), reason("and late")],
        };
        let missed_text =
            "warning: the result is not valid (schedule_missed): half of it; and late";
        for (what, status, verdict, follows, expect) in [
            ("all well", vec![(200, 5)], Verdict::default(), true, vec![]),
            ("redirects nobody follows", vec![(302, 5)], Verdict::default(), false, vec![]),
            (
                "redirects, and neighbours of them",
                vec![(299, 1), (301, 2), (302, 3), (400, 1)],
                Verdict::default(),
                true,
                vec!["note: 5 responses were redirects, which are not followed"],
            ),
            ("not valid", vec![(200, 5)], missed.clone(), true, vec![missed_text]),
            (
                "both",
                vec![(301, 1)],
                missed,
                true,
                vec!["note: 1 responses were redirects, which are not followed", missed_text],
            ),
        ] {
            let status = BTreeMap::from_iter(status);
            let report = Report { status, verdict, ..Report::default() };
            assert_eq!(remarks(&report, follows), expect, "{what}");
        }
    }
}
