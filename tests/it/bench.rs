//! What `acp bench` prints, writes and returns.

use crate::program::{Target, bench, bench_in_the_middle, count, finish};

#[test]
fn the_summary_begins_with_the_verdict_and_ends_with_the_rate() {
    let target = Target::start(&[]);
    let ran = bench(&[&target.url, "-n", "200", "-c", "4"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let lines: Vec<_> = ran.stdout.lines().collect();
    assert_eq!(lines[0], "Verdict: valid · 200 planned, 200 sent, 200 completed, 0 errors");
    assert!(lines.last().unwrap().starts_with("Requests/sec: "), "{}", ran.stdout);
    for part in [
        "Books:   planned 200 = sent 200",
        "· balanced",
        "response time",
        "service time",
        "p99.99",
        "Status:  200 × 200",
        "CPU per request",
        "Driver:",
    ] {
        assert!(ran.stdout.contains(part), "`{part}` is missing in:\n{}", ran.stdout);
    }
    assert!(!ran.stdout.contains('\x1b'), "no colours into a pipe");
}

#[test]
fn reports_go_where_they_are_asked_to() {
    let target = Target::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (json, hdr, text, csv) = (path("a.json"), path("a.hdr"), path("a.txt"), path("a.csv"));
    let outputs = ["-o", &json, "-o", &hdr, "-o", &text, "-o", &csv];
    let ran = bench(&[&[&target.url, "-n", "50", "--quiet"], outputs.as_slice()].concat());
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    assert!(ran.stdout.starts_with("Verdict: valid"), "the summary is still printed");
    let read = |path: &str| std::fs::read_to_string(path).unwrap();
    let report: serde_json::Value = serde_json::from_str(&read(&json)).unwrap();
    assert_eq!(report["schema"], "acp.report/1");
    assert!(read(&hdr).contains("#[Max"));
    assert_eq!(read(&text), ran.stdout);
    let table = read(&csv);
    let rows: Vec<Vec<_>> = table.lines().map(|row| row.split(',').collect()).collect();
    assert_eq!(rows[0][..4], ["second", "planned", "sent", "completed"]);
    let completed = rows[1..].iter().map(|row| row[3].parse::<u64>().unwrap());
    assert_eq!(completed.sum::<u64>(), 50, "{table}");

    let ran = bench(&[&target.url, "-n", "50", "--quiet", "--format", "csv"]);
    assert!(ran.stdout.starts_with("second,planned,"), "{}", ran.stdout);

    let ran = bench(&[&target.url, "-n", "50", "--quiet", "--frames", "-"]);
    let all_frames = ran.stdout.lines().all(|line| line.contains("\"acp.frame/1\""));
    assert!(all_frames && !ran.stdout.is_empty(), "nothing but frames: {}", ran.stdout);
}

#[test]
fn a_plan_file_says_the_same_as_flags() {
    let target = Target::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plan.toml");
    let plan = format!(
        "schema = \"acp.plan/1\"\nname = \"from a file\"\n[target]\nurl = \"{}\"\n\
         [load]\nmodel = \"open\"\nrate = \"100\"\nduration = \"1s\"\nconnections = 4\n",
        target.url
    );
    std::fs::write(&path, plan).unwrap();
    let ran = bench(&["--plan", path.to_str().unwrap(), "--format", "json", "--quiet"]);
    let report = ran.report();
    assert_eq!(report["run"]["name"], "from a file");
    assert_eq!(count(&report, "/books/completed"), 100);
    assert_eq!(target.requests(), 100);
}

#[test]
fn the_first_interrupt_drains_and_reports() {
    let target = Target::start(&[]);
    let flags = [&target.url, "-d", "60s", "-c", "8", "--format", "json"];
    let (running, stderr) = bench_in_the_middle(&flags);
    running.signal("INT");
    let ran = finish(running, stderr);
    let report = ran.report();
    assert_eq!(ran.code, 130);
    assert_eq!(report["verdict"]["state"], "aborted");
    assert_eq!(report["books"]["balanced"], true);
    assert_eq!(count(&report, "/books/in_flight_at_stop"), 0, "what was sent was waited for");
    let before = target.requests();
    assert_eq!(before, count(&report, "/books/sent"), "nothing was sent after the end");
}

#[test]
fn a_full_disk_costs_the_file_and_not_the_result() {
    let target = Target::start(&[]);
    let ran = bench(&[&target.url, "-n", "50", "--quiet", "-o", "/dev/full"]);
    assert_eq!(ran.code, 1);
    assert!(ran.stdout.starts_with("Verdict: valid"), "{}", ran.stdout);
    assert!(ran.stderr.contains("failed to write `/dev/full`"), "{}", ran.stderr);
}

#[test]
fn a_response_that_is_not_expected_is_an_error_and_completed() {
    let target = Target::start(&["--status", "503"]);
    let ran = bench(&[&target.url, "-n", "20", "--format", "json", "--quiet"]);
    let report = ran.report();
    assert_eq!(count(&report, "/books/errors/unexpected"), 20);
    assert_eq!(count(&report, "/books/completed"), 20);
    assert_eq!(count(&report, "/latency/response_ns/count"), 0, "not among the good ones");
    assert_eq!(count(&report, "/latency/error_response_ns/count"), 20);
    let ran =
        bench(&[&target.url, "-n", "20", "--format", "json", "--quiet", "--expect", "status=503"]);
    assert_eq!(count(&ran.report(), "/latency/response_ns/count"), 20);
}
