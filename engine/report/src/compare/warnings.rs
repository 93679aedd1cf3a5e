//! What speaks against comparing runs, a sentence each.

use super::blocks::Basis;
use super::comparison::Subject;
use super::judge::BLOCKS_MIN;
use super::schedule::{is_paired, is_steady};
use acp_wire::State;

/// All warnings, run by run; what is of all runs comes last.
pub(super) fn warnings(runs: &[Subject<'_>]) -> Vec<String> {
    let mut warnings = Vec::new();
    for (place, run) in runs.iter().enumerate() {
        // A run beside itself is warned of once.
        if !runs[..place].iter().any(|before| before.run == run.run) {
            of_report(run, &mut warnings);
            of_blocks(run, &mut warnings);
        }
    }
    of_schedules(runs, &mut warnings);
    let models = || runs.iter().map(|run| run.report.plan.load.model);
    if models().any(|model| Some(model) != models().next()) {
        warnings.push(
            "closed and open loops are compared: a closed loop waits for a slow target and leaves out \
             the response times that an open loop would have seen"
                .into(),
        );
    }
    if runs.windows(2).any(|pair| pair[0].report.plan != pair[1].report.plan) {
        warnings.push("the plans are not the same".into());
    }
    warnings
}

fn of_report(subject: &Subject<'_>, warnings: &mut Vec<String>) {
    let (run, report) = (subject.run, subject.report);
    if report.verdict.state != State::Valid {
        let verdict = report.verdict.state.name();
        warnings.push(format!("run `{run}` is {verdict}: its numbers may not be trusted"));
    }
    if !report.books.balanced {
        warnings.push(format!("the books of run `{run}` do not balance"));
    }
}

fn of_blocks(subject: &Subject<'_>, warnings: &mut Vec<String>) {
    let (run, completed) = (subject.run, subject.report.books.completed);
    let Some(blocks) = subject.blocks else {
        let text = "has no frames: whether a difference is noise cannot be told";
        return warnings.push(format!("run `{run}` {text}"));
    };
    if blocks.completed() != completed {
        let found = blocks.completed();
        let text = "responses in the seconds that are kept and";
        warnings.push(format!("run `{run}` has {found} {text} {completed} in its report"));
    }
    if blocks.unreadable_s() > 0 {
        let seconds = blocks.unreadable_s();
        warnings.push(match blocks.basis() {
            Basis::Histograms => {
                format!("histograms of {seconds} seconds of run `{run}` cannot be read")
            }
            Basis::Summaries => format!(
                "the report of run `{run}` does not tell the response times of {seconds} seconds: \
                 whether theirs differ needs its frames"
            ),
        });
    }
    if blocks.count() < BLOCKS_MIN {
        let blocks_text = match blocks.count() {
            1 => "1 block".to_owned(),
            count => format!("{count} blocks"),
        };
        let why = match blocks.width_s() {
            0 | 1 => String::new(),
            width_s => format!(" (its seconds were rolled up to {width_s} s)"),
        };
        warnings.push(format!(
            "run `{run}` has {blocks_text} of seconds{why}: below {BLOCKS_MIN} noise cannot be told"
        ));
    }
}

fn of_schedules(runs: &[Subject<'_>], warnings: &mut Vec<String>) {
    let Some((first, others)) = runs.split_first() else { return };
    for (place, run) in others.iter().enumerate() {
        let is_known = others[..place].iter().any(|before| before.run == run.run);
        let is_identical = run.run == first.run || run.report == first.report;
        let is_judged =
            [first, run].iter().all(|run| run.blocks.is_some_and(|all| all.count() > 0));
        let is_steady = is_steady(first.report) && is_steady(run.report);
        if is_judged && !is_known && !is_identical && !is_steady && !is_paired(first, run) {
            let (a, b) = (first.run, run.run);
            warnings.push(format!(
                "the rates of runs `{a}` and `{b}` are not constant, and not the same second by second: \
                 what they do counts as noise"
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Blocks;
    use super::*;
    use acp_wire::plan::Model;
    use acp_wire::{Frame, Report};

    fn report() -> Report {
        let mut report = Report::default();
        report.run.duration_us = 20_000_000;
        report.books.balanced = true;
        report.books.completed = 60;
        report
    }

    fn blocks(seconds: u64, edit: fn(&mut Frame)) -> Blocks {
        let mut blocks = Blocks::new(20_000_000);
        for second in 0..seconds {
            let mut frame = Frame { second, completed: 3, ..Frame::default() };
            edit(&mut frame);
            blocks.push(&frame, 1);
        }
        blocks
    }

    fn check(what: &str, report: &Report, blocks: Option<&Blocks>, expect: &[&str]) {
        let whole = blocks_of_base();
        let base = Subject { run: "a", report: &self::report(), blocks: Some(&whole) };
        let found = warnings(&[base, Subject { run: "b", report, blocks }]);
        assert_eq!(found.len(), expect.len(), "{what}: {found:?}");
        for (warning, part) in found.iter().zip(expect) {
            assert!(warning.contains(part) && !warning.contains("`a`"), "{what}: {warning}");
        }
    }

    fn blocks_of_base() -> Blocks {
        blocks(20, |_| {})
    }

    #[test]
    fn what_speaks_against_it_is_said() {
        let with = |edit: fn(&mut Report)| {
            let mut report = report();
            edit(&mut report);
            report
        };
        let whole = blocks_of_base();
        check("nothing", &report(), Some(&whole), &[]);
        let doubtful = with(|report| report.verdict.state = State::Partial);
        check("a verdict", &doubtful, Some(&whole), &["is partial"]);
        check("books", &with(|report| report.books.balanced = false), Some(&whole), &["balance"]);
        check("a plan", &with(|report| report.plan.seed = 9), Some(&whole), &["plans"]);
        let open = with(|report| report.plan.load.model = Model::Open);
        check("an open loop", &open, Some(&whole), &["closed and open", "plans"]);
        check("no frames", &report(), None, &["no frames"]);
        check("none kept", &report(), Some(&blocks(0, |_| {})), &["0 responses", "0 blocks"]);
        check("some kept", &report(), Some(&blocks(15, |_| {})), &["45 responses"]);
        let unreadable =
            blocks(20, |frame| frame.histograms.response = Some("nonsense".to_string()));
        check("unreadable", &report(), Some(&unreadable), &["20 seconds"]);
        let short = with(|report| report.books.completed = 27);
        check("short", &short, Some(&blocks(9, |_| {})), &["9 blocks of seconds: below"]);
        let one = with(|report| report.books.completed = 3);
        check("one", &one, Some(&blocks(1, |_| {})), &["has 1 block of seconds: below"]);
        let mut wide = Blocks::new(20_000_000);
        for second in [0, 10] {
            wide.push(&Frame { second, completed: 30, ..Frame::default() }, 10);
        }
        let rolled_up = "2 blocks of seconds (its seconds were rolled up to 10 s): below";
        check("rolled up", &report(), Some(&wide), &[rolled_up]);
    }

    #[test]
    fn rates_that_change_otherwise_are_warned_of() {
        let report = |profile: &str| {
            let mut report = report();
            report.plan.load.model = Model::Open;
            report.plan.load.profile = Some(profile.into());
            report
        };
        let whole = blocks_of_base();
        let steep = report("line(0,280,20s)");
        let (ramp, constant) = (report("line(0,200,20s)"), report("const(100,20s)"));
        for (what, a, b, expect) in [
            ("the same ramp", &ramp, &ramp, false),
            ("another ramp", &ramp, &steep, true),
            ("a ramp beside a constant rate", &constant, &ramp, true),
            ("a constant rate beside a ramp", &ramp, &constant, true),
            ("another constant rate", &constant, &report("const(200,20s)"), false),
        ] {
            let mut b = b.clone();
            b.plan.seed += 1;
            let a = Subject { run: "a", report: a, blocks: Some(&whole) };
            let b = Subject { run: "b", report: &b, blocks: Some(&whole) };
            let found = warnings(&[a, b, b]);
            let count = found.iter().filter(|text| text.contains("not constant")).count();
            assert_eq!(count, usize::from(expect), "{what}: {found:?}");
            let alone = warnings(&[a, Subject { blocks: None, ..b }]);
            assert!(!alone.iter().any(|text| text.contains("not constant")), "{what}: {alone:?}");
        }
    }

    #[test]
    fn a_run_beside_itself_is_warned_of_once() {
        let report = Report { books: acp_wire::Books::default(), ..report() };
        let subject = Subject { run: "a", report: &report, blocks: None };
        let found = warnings(&[subject, subject]);
        assert_eq!(found.len(), 2, "{found:?}");
    }
}
