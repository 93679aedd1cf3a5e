//! `acp data extract`: samples of logs, those of a real server too, and load made of them.

use crate::nginx::{Nginx, wait_for};
use crate::program::{ACP, Ran, Target, bench, bench_json, count};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

fn extract(folder: &Path, flags: &[&str]) -> Ran {
    let mut command = Command::new(ACP);
    command.args(["data", "extract"]).args(flags).current_dir(folder).output().unwrap().into()
}

fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

/// How many lines of a sample have each tag.
fn tags(sample: &[Value]) -> BTreeMap<&str, u64> {
    let mut tags = BTreeMap::new();
    for line in sample {
        *tags.entry(line["tag"].as_str().unwrap()).or_default() += 1;
    }
    tags
}

/// A log of `count` requests, one each half second: half items, a quarter searches, the rest carts.
fn log(count: u64) -> String {
    (0..count).fold(String::new(), |mut log, number| {
        let (minute, second) = (number / 120 % 60, number / 2 % 60);
        let request = match number % 4 {
            0 | 1 => format!("GET /item/{number}?user=u{number}"),
            2 => format!("GET /search?q=w{number}&page=1"),
            _ => format!("POST /cart/{number}"),
        };
        let status = if number % 50 == 7 { 500 } else { 200 };
        writeln!(
            log,
            "10.0.0.1 - - [10/Oct/2026:13:{minute:02}:{second:02} +0000] \"{request} HTTP/1.1\" {status} \
             12 \"-\" \"curl/8\" 0.0{:02}",
            number % 90
        )
        .unwrap();
        log
    })
}

#[test]
fn the_log_of_a_real_server_becomes_load_with_tags() {
    let Some(nginx) = Nginx::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let queries: String = (0..40)
        .map(|number| match number % 4 {
            0 => "/health\n".into(),
            1 => format!("/search?page={number}&q=x\n"),
            _ => format!("/item/{number}\n"),
        })
        .collect();
    std::fs::write(folder.path().join("queries.txt"), queries).unwrap();
    let queries = folder.path().join("queries.txt");
    let flags = ["--requests-file", queries.to_str().unwrap(), "-n", "4000", "-c", "8"];
    let (code, _) = bench_json(&nginx.url, &flags);
    assert_eq!(code, 0);
    wait_for("the log to hold every request", || nginx.logged() >= 4000);
    let log = nginx.folder.path().join("access.log");
    let flags = ["--format", "combined", "--size", "400", "-o", "sample.jsonl", "--report"];
    let ran =
        extract(folder.path(), &[&[log.to_str().unwrap()], flags.as_slice(), &["r.json"]].concat());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let report = std::fs::read_to_string(folder.path().join("r.json")).unwrap();
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!((count(&report, "/lines"), count(&report, "/bad_lines")), (4000, 0));
    let path = folder.path().join("sample.jsonl");
    let sample = lines(&path);
    let expected = [("/health", 100), ("/item/{}", 200), ("/search?page&q", 100)];
    assert_eq!(tags(&sample), BTreeMap::from(expected));
    // Each route has its own numbers in the report of a run.
    let target = Target::start(&[]);
    let flags = ["--requests-file", path.to_str().unwrap(), "-n", "800", "-c", "4"];
    let (code, report) = bench_json(&target.url, &flags);
    assert_eq!(code, 0);
    for (tag, in_sample) in expected {
        let completed = &report["tags"][tag]["completed"];
        assert_eq!(completed.as_u64(), Some(2 * in_sample), "{}", report["tags"]);
    }
}

#[test]
fn a_stream_gives_the_shares_that_its_file_gives() {
    let folder = tempfile::tempdir().unwrap();
    let text = log(4000);
    std::fs::write(folder.path().join("access.log"), &text).unwrap();
    let flags = ["--format", "nginx", "--size", "400", "--seed", "3"];
    let of_file =
        extract(folder.path(), &[["access.log"].as_slice(), &flags, &["-o", "a.jsonl"]].concat());
    assert_eq!(of_file.code, 0, "{}", of_file.stderr);
    let mut child = Command::new(ACP)
        .args(["data", "extract", "-"])
        .args(flags)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let of_stream = Ran::from(child.wait_with_output().unwrap());
    assert_eq!(of_stream.code, 0, "{}", of_stream.stderr);
    // Standard output is the sample, so what is told of it is not there.
    assert!(of_stream.stderr.contains("time of day"), "{}", of_stream.stderr);
    std::fs::write(folder.path().join("b.jsonl"), &of_stream.stdout).unwrap();
    let (a, b) = (lines(&folder.path().join("a.jsonl")), lines(&folder.path().join("b.jsonl")));
    let expected = [("/cart/{}", 100), ("/item/{}?user", 200), ("/search?page&q", 100)];
    assert_eq!((tags(&a), tags(&b)), (BTreeMap::from(expected), BTreeMap::from(expected)));
    // Values of the query are about people.
    let flags = [flags.as_slice(), &["--drop-values", "-o", "c.jsonl"]].concat();
    let ran = extract(folder.path(), &[["access.log"].as_slice(), &flags].concat());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let dropped = lines(&folder.path().join("c.jsonl"));
    let has_value = |line: &&Value| line["path"].as_str().unwrap().contains("user=u");
    assert_eq!((dropped.len(), dropped.iter().filter(has_value).count()), (400, 0));
    assert_eq!(a.iter().filter(has_value).count(), 200);
}

#[test]
fn a_replay_sends_in_each_second_what_is_due_in_it() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("access.log"), log(60)).unwrap();
    let target = Target::start(&[]);
    let flags = ["access.log", "--format", "nginx", "--size", "all", "--replay", "--speed", "10"];
    let more = ["--url", &target.url, "-o", "day.jsonl"];
    let ran = extract(folder.path(), &[flags.as_slice(), &more].concat());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.contains("acp bench --plan day.jsonl.plan.toml"), "{}", ran.stdout);
    let sample = lines(&folder.path().join("day.jsonl"));
    let at_us: Vec<_> = sample.iter().map(|line| line["at_us"].as_u64().unwrap()).collect();
    assert!(at_us.len() == 60 && at_us[0] == 0 && at_us.is_sorted(), "{at_us:?}");
    let mut due = BTreeMap::<u64, u64>::new();
    for at_us in at_us {
        *due.entry(at_us / 10 / 1_000_000).or_default() += 1;
    }
    let plan = folder.path().join("day.jsonl.plan.toml");
    let ran = bench(&["--plan", plan.to_str().unwrap(), "--format", "json", "--quiet"]);
    let report = ran.report();
    assert_eq!(count(&report, "/books/planned"), 60);
    let planned = |row: &Value| (count(row, "/second"), count(row, "/planned"));
    let planned: BTreeMap<_, _> =
        report["series"].as_array().unwrap().iter().map(planned).collect();
    let planned: Vec<_> = planned.into_values().filter(|count| *count > 0).collect();
    assert_eq!(planned, due.into_values().collect::<Vec<_>>());
}

#[test]
fn what_gives_no_sample_is_said_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("access.log"), log(50) + "garbage\n").unwrap();
    std::fs::write(folder.path().join("empty.log"), "\n").unwrap();
    for (arguments, code, part) in [
        ("none.log", 1, "failed to read `none.log`"),
        ("empty.log", 1, "there are no requests in it"),
        ("access.log --format nginx", 1, "1 of 51 lines are bad"),
        ("access.log --format nginx", 1, "access.log:51: "),
        ("access.log --format nginx", 1, "hint: --bad-lines-max"),
        ("access.log --format json", 1, "none of 51 lines is a request"),
        ("access.log --format xml", 2, "invalid value 'xml'"),
        ("access.log --size 0", 2, "at least one"),
        ("access.log --speed 2", 2, "--replay"),
        ("access.log --replay --speed 0", 2, "from 0.001 to 1000"),
        ("access.log --field path=p", 2, "hint: --format json"),
        ("access.log --route item", 2, "bad route `item`"),
        ("access.log --log-format abc", 2, "the format has no request"),
        ("access.log --bad-lines-max 200%", 2, "from `0%` to `100%`"),
        ("access.log --hash-values user --hash-key none", 2, "failed to read key `none`"),
        ("access.log --hash-values user --drop-values", 2, "cannot be used with"),
    ] {
        let arguments: Vec<_> = arguments.split(' ').chain(["-o", "sample.jsonl"]).collect();
        let ran = extract(folder.path(), &arguments);
        assert!(ran.code == code && ran.stderr.contains(part), "{arguments:?}: {}", ran.stderr);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "{arguments:?}");
    }
    let ran = extract(folder.path(), &["access.log", "--format", "nginx", "--replay"]);
    assert!(ran.code == 2 && ran.stderr.contains("hint: -o FILE"), "{}", ran.stderr);
    // What is read is never replaced: by its name, by another one, as a file of a folder.
    std::os::unix::fs::symlink("access.log", folder.path().join("link.log")).unwrap();
    let log = std::fs::read(folder.path().join("access.log")).unwrap();
    for (arguments, part) in [
        ("access.log -o access.log", "`access.log` is one of the logs"),
        ("link.log -o access.log", "`access.log` is one of the logs"),
        ("access.log -o link.log", "`link.log` is one of the logs"),
        (". -o empty.log", "`empty.log` is one of the logs"),
        ("access.log -o s --report access.log", "`access.log` is one of the logs"),
        ("access.log -o s --report s", "both the sample and its report are `s`"),
    ] {
        let arguments: Vec<_> = arguments.split(' ').chain(["--bad-lines-max", "50%"]).collect();
        let ran = extract(folder.path(), &arguments);
        assert!(ran.code == 2 && ran.stderr.contains(part), "{arguments:?}: {}", ran.stderr);
        assert_eq!(std::fs::read(folder.path().join("access.log")).unwrap(), log, "{arguments:?}");
    }
    let more = ["--bad-lines-max", "2%", "-o", "sample.jsonl"];
    let ran =
        extract(folder.path(), &[["access.log", "--format", "nginx"].as_slice(), &more].concat());
    assert_eq!((ran.code, lines(&folder.path().join("sample.jsonl")).len()), (0, 50));
}
