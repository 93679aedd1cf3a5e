//! What is printed of runs that are made up, and files that are no reports.

use super::*;
use acp_report::{bands_of, encode, new_histogram, summary};
use acp_wire::plan::Model;
use acp_wire::{Frame, Report, State};

/// A minute with times that wander about, `percent` of what they are otherwise.
fn report(percent: u64) -> Report {
    let mut whole = new_histogram();
    let mut report = Report { schema: acp_wire::REPORT_SCHEMA.into(), ..Report::default() };
    report.run.name = "checkout".into();
    report.run.duration_us = 60_000_000;
    for second in 0..60 {
        let mut histogram = new_histogram();
        for number in 0..50 {
            let nanos = 1_000_000 + number * 20_000 + (second * 7 + number * 13) % 11 * 5_000;
            histogram.record(nanos * percent / 100).unwrap();
        }
        whole.add(&histogram).unwrap();
        let mut frame = Frame { second, sent: 50, completed: 50, ..Frame::default() };
        frame.cost.cpu_user_us = 400 + second * 17 % 5;
        frame.response_ns = Some(summary(&histogram));
        frame.service_ns = Some(summary(&histogram));
        frame.response_bands = bands_of(&histogram);
        report.series.push(frame);
    }
    (report.books.planned, report.books.sent, report.books.completed) = (3_000, 3_000, 3_000);
    report.books.balanced = true;
    report.generator.cpu_us_per_request = 8.04;
    (report.latency.response_ns, report.latency.service_ns) = (summary(&whole), summary(&whole));
    report.histograms.response = encode(&whole);
    report.histograms.service = encode(&whole);
    report
}

fn run_of(name: &str, report: Report) -> Run {
    let blocks = acp_report::compare::Blocks::of_report(&report).unwrap();
    Run::of(name, report, blocks)
}

fn rendered(runs: &[Run], format: Format) -> (u8, String) {
    let subjects: Vec<_> = runs.iter().map(Run::subject).collect();
    let mut found = compare_within(&subjects, 0.01);
    found.warnings.splice(0..0, of_files(&subjects));
    let exit_code = exit_code(&found);
    let letters = &["A", "B", "C", "D"][..runs.len()];
    let shown = Shown { runs, letters, tolerance: 0.01, found: &found, exit_code };
    (exit_code, shown.render(format))
}

/// `UPDATE=1` rewrites the golden files.
#[test]
fn a_comparison_reads_as_it_always_did() {
    let mut other = report(112);
    other.run.host = "<second>".into();
    other.plan.seed = 7;
    let runs = [run_of("base.json", report(100)), run_of("a&b.json", other)];
    for (format, name) in [
        (Format::Text, "text.txt"),
        (Format::Json, "json.json"),
        (Format::Markdown, "markdown.md"),
        (Format::Junit, "junit.xml"),
    ] {
        let (exit_code, text) = rendered(&runs, format);
        assert_eq!(exit_code, EXIT_WORSE, "{text}");
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/compare/golden").join(name);
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&path, &text).unwrap();
        }
        let golden = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, golden, "{name} has changed; UPDATE=1 accepts it");
    }
}

#[test]
fn the_exit_code_says_what_was_found() {
    let invalid = || {
        let mut report = report(100);
        report.verdict.state = State::Partial;
        report
    };
    let other = |percent: u64| {
        let mut report = report(percent);
        report.plan.seed = 9;
        report
    };
    for (what, a, b, expect) in [
        ("the same", report(100), other(100), EXIT_OK),
        ("faster", report(100), other(90), EXIT_OK),
        ("slower", report(100), other(110), EXIT_WORSE),
        ("slower and not valid", invalid(), other(110), EXIT_NOT_VALID),
        ("not valid", report(100), invalid(), EXIT_NOT_VALID),
        ("nothing to tell from", Report::default(), report(100), EXIT_OK),
    ] {
        let (found, text) = rendered(&[run_of("a", a), run_of("b", b)], Format::Text);
        assert_eq!(found, expect, "{what}:\n{text}");
    }
}

#[test]
fn what_speaks_against_it_is_said() {
    let with = |edit: fn(&mut Report)| {
        let mut report = report(100);
        edit(&mut report);
        report
    };
    for (what, name, other, part) in [
        ("itself", "a", report(100), "`a` is compared with itself"),
        ("a copy", "b", report(100), "`a` and `b` are the same report"),
        ("a host", "b", with(|report| report.run.host = "x".into()), "of several hosts"),
        ("a plan", "b", with(|report| report.plan.seed = 9), "the plans are not the same"),
        ("a loop", "b", with(|report| report.plan.load.model = Model::Open), "closed and open"),
        ("a verdict", "b", with(|report| report.verdict.state = State::Aborted), "is aborted"),
        ("no seconds", "b", with(|report| report.series.clear()), "0 blocks"),
        (
            "put together",
            "b",
            with(|report| report.series[5].response_ns = None),
            "does not tell the response times",
        ),
    ] {
        for format in [Format::Text, Format::Json, Format::Markdown, Format::Junit] {
            let runs = [run_of("a", report(100)), run_of(name, other.clone())];
            let (_, text) = rendered(&runs, format);
            assert!(text.contains(part), "{what}: `{part}` is not in:\n{text}");
        }
    }
}

#[test]
fn four_runs_are_each_beside_the_first() {
    let runs = [100, 110, 90, 100].map(|percent| {
        let mut report = report(percent);
        report.plan.seed = percent;
        run_of(&percent.to_string(), report)
    });
    let (_, text) = rendered(&runs, Format::Text);
    let heads = text.lines().filter(|line| line.starts_with("measure"));
    let letters: Vec<_> = heads.map(|line| line.split_whitespace().nth(2).unwrap()).collect();
    assert_eq!(letters, ["B", "C", "D"]);
    let (_, xml) = rendered(&runs, Format::Junit);
    assert_eq!(xml.matches("<testsuite name").count(), 3);
}

#[test]
fn files_that_are_no_reports_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.json");
    let frame = serde_json::to_string(&Frame { schema: "acp.frame/1".into(), ..Frame::default() });
    let frame = frame.unwrap();
    let two_frames = format!("{frame}\n{frame}\n");
    let mut unreadable = report(100);
    unreadable.histograms.response = Some("nonsense".into());
    let unreadable = serde_json::to_string(&unreadable).unwrap();
    for (what, text, part) in [
        ("empty", "", "the file is empty"),
        ("blank", " \n\n", "the file is empty"),
        ("not JSON", "Verdict: valid\n", "not JSON of a report"),
        ("a list", "[]", "not JSON of a report"),
        ("half of one", "{\"schema\":\"acp.report/1\",", "not JSON of a report"),
        ("no schema", "{}", "there is no schema"),
        ("another", "{\"schema\":\"acp.plan/1\"}", "schema is `acp.plan/1`"),
        ("newer", "{\"schema\":\"acp.report/2\"}", "schema is `acp.report/2`"),
        ("no run", "{\"schema\":\"acp.report/1\"}", "missing field"),
        ("a frame", &frame, "these are frames"),
        ("frames", &two_frames, "hint: give the report"),
        ("a bad histogram", &unreadable, "histogram"),
    ] {
        std::fs::write(&path, text).unwrap();
        let error = Run::read(&path, None).err().unwrap();
        let sentence = crate::usage::sentence(&error);
        assert!(sentence.contains(part), "{what}: {sentence}");
        assert!(sentence.contains("x.json"), "{what}: {sentence}");
    }
    assert!(Run::read(Path::new("/no/such/report"), None).is_err());
    std::fs::write(&path, serde_json::to_string(&report(100)).unwrap()).unwrap();
    let frames = folder.path().join("x.jsonl");
    for (what, text, part) in [
        ("empty", "", "no frame of the measured part"),
        ("not JSON", "second 1\n", "line 1"),
        ("half of one", &format!("{frame}\n{{\"schema\":"), "line 2"),
        ("a schema and nothing else", "{\"schema\":\"acp.frame/1\"}", "missing field"),
        ("another thing", "{\"schema\":\"acp.ready/1\"}", "no frame of the measured part"),
    ] {
        std::fs::write(&frames, text).unwrap();
        let error = Run::read(&path, Some(&frames)).err().unwrap();
        let sentence = crate::usage::sentence(&error);
        assert!(sentence.contains(part), "frames, {what}: {sentence}");
    }
}

#[test]
fn tolerances_are_shares() {
    for (text, expect) in
        [("5%", Some(0.05)), ("0.1 %", Some(0.001)), ("0", Some(0.0)), ("0.2", Some(0.2))]
    {
        assert_eq!(tolerance(text).ok(), expect, "{text}");
    }
    for text in ["", "%", "5", "100%", "-1%", "five", "NaN", "inf%"] {
        assert!(tolerance(text).is_err(), "{text}");
    }
    assert_eq!(tolerance("1%"), Ok(acp_report::compare::SAME_RATIO), "the default");
}
