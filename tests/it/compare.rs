//! `acp compare` on reports and frames of real runs.

use crate::program::{ACP, Ran, Target, bench};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

fn compare(folder: &Path, flags: &[&str]) -> Ran {
    let output = Command::new(ACP).arg("compare").args(flags).current_dir(folder).output();
    output.unwrap().into()
}

/// Runs a load in a folder, and leaves `NAME.json` and `NAME.jsonl` there.
fn run(folder: &Path, name: &str, target: &Target, flags: &[&str]) {
    let path = |suffix| folder.join(format!("{name}.{suffix}")).display().to_string();
    let (report, frames) = (path("json"), path("jsonl"));
    let all = [&[&target.url, "--quiet", "-t", "1", "-o", &report, "--frames", &frames], flags];
    let ran = bench(&all.concat());
    assert!(matches!(ran.code, 0 | 98), "{}", ran.stderr);
}

/// Makes the verdicts of reports valid: how busy this machine is does not matter here.
fn trust(folder: &Path, names: &[&str]) {
    for name in names {
        let path = folder.join(format!("{name}.json"));
        let mut report: Value =
            serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        report["verdict"]["state"] = "valid".into();
        std::fs::write(&path, report.to_string()).unwrap();
    }
}

#[test]
fn a_slower_target_is_worse_by_reports_and_by_frames() {
    let folder = tempfile::tempdir().unwrap();
    let (fast, slow) = (Target::start(&["--delay", "2ms"]), Target::start(&["--delay", "20ms"]));
    let load = ["-c", "4", "-d", "12s"];
    std::thread::scope(|scope| {
        scope.spawn(|| run(folder.path(), "a", &fast, &load));
        scope.spawn(|| run(folder.path(), "b", &slow, &load));
    });
    trust(folder.path(), &["a", "b"]);
    let frames = ["--frames-a", "a.jsonl", "--frames-b", "b.jsonl"];
    for (basis, flags) in [("summaries", &[][..]), ("histograms", &frames)] {
        let files = ["a.json", "b.json", "--format", "json", "-o", "x.md", "-o", "-"];
        let ran = compare(folder.path(), &[&files, flags].concat());
        assert_eq!(ran.code, 99, "{basis}: {}{}", ran.stdout, ran.stderr);
        let found = ran.report();
        assert_eq!(found["schema"], "acp.compare/1");
        assert_eq!(found["basis"], serde_json::json!([basis, basis]));
        let rows = found["judged"].as_array().unwrap();
        let row = rows.iter().find(|row| row["name"] == "response_ns.p50").unwrap();
        let difference = &row["differences"][1];
        assert_eq!(difference["judgement"], "worse", "{basis}: {row}");
        assert!(difference["low"].as_f64().unwrap() > 1.5, "{basis}: {row}");
        assert!(found["distances"][1]["ks"].as_f64().unwrap() > 0.5, "{basis}");
        let table = std::fs::read_to_string(folder.path().join("x.md")).unwrap();
        assert!(table.contains("| response_ns.p50 |"), "{table}");
    }
    let ran = compare(folder.path(), &["a.json", "b.json", "--format", "json", "-o", "y.md"]);
    assert_eq!(ran.report()["schema"], "acp.compare/1", "what is printed has the format");
    let table = std::fs::read_to_string(folder.path().join("y.md")).unwrap();
    assert!(table.contains("| response_ns.p50 |"), "the suffix tells: {table}");
    let ran = compare(folder.path(), &["a.json", "b.json", "-o", "z.json"]);
    assert!(!ran.stdout.starts_with('{'), "text, where nothing is asked for: {}", ran.stdout);
    let ran = compare(folder.path(), &["b.json", "a.json"]);
    assert!(ran.stdout.contains("better"), "{}", ran.stdout);
    let itself = compare(folder.path(), &["a.json", "a.json"]);
    assert_eq!(itself.code, 0, "{}", itself.stdout);
    assert!(itself.stdout.contains("`a.json` is compared with itself"), "{}", itself.stdout);
    let crossed = ["a.json", "b.json", "--frames-a", "b.jsonl"];
    let crossed = compare(folder.path(), &crossed);
    assert!(crossed.stdout.contains("in its report"), "{}", crossed.stdout);
    let frames = compare(folder.path(), &["a.jsonl", "b.jsonl"]);
    assert_eq!(frames.code, 1, "{}", frames.stderr);
    assert!(frames.stderr.contains("hint: give the report"), "{}", frames.stderr);
}

#[test]
fn a_short_run_and_another_loop_decide_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let target = Target::start(&[]);
    run(folder.path(), "closed", &target, &["-n", "200"]);
    run(folder.path(), "open", &target, &["-R", "200", "-d", "1s"]);
    trust(folder.path(), &["closed", "open"]);
    let ran = compare(folder.path(), &["closed.json", "open.json"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    for part in ["cannot tell", "closed and open loops", "below 10 noise", "load.model"] {
        assert!(ran.stdout.contains(part), "`{part}` is not in:\n{}", ran.stdout);
    }
}

#[test]
fn bad_command_lines_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("empty.json"), "").unwrap();
    std::fs::write(folder.path().join("text.json"), "Verdict: valid").unwrap();
    for (flags, code, part) in [
        (&[][..], 2, "<A>"),
        (&["empty.json"], 2, "<B>"),
        (&["1", "2", "3", "4", "5"], 2, "unexpected"),
        (&["a", "b", "--tolerance", "5"], 2, "`0%` to below `100%`"),
        (&["a", "b", "--format", "pdf"], 2, "pdf"),
        (&["a", "b", "--frames-c", "c"], 2, "--frames-c is of a run that is not compared"),
        (&["a", "b", "-o", "-", "-o", "-"], 2, "standard output can take one"),
        (&["no.json", "empty.json"], 1, "failed to read report `no.json`"),
        (&["empty.json", "empty.json"], 1, "bad report `empty.json`: the file is empty"),
        (&["text.json", "text.json"], 1, "bad report `text.json`: not JSON"),
    ] {
        let ran = compare(folder.path(), flags);
        assert_eq!(ran.code, code, "{flags:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(part), "{flags:?}: `{part}` is not in:\n{}", ran.stderr);
        assert!(ran.stdout.is_empty() && !ran.stderr.contains("panicked"), "{flags:?}");
    }
}
