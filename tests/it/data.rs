//! `acp data generate`, `acp data check`, and load whose requests are made while it runs.

use crate::program::{ACP, Running, Target, bench_json, count};
use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Sender, channel};

const TEMPLATE: &str = r#"schema = "acp.rows/1"

[[columns]]
name = "id"
kind = "key"
width = 7

[[columns]]
name = "user"
kind = "zipf"
count = "1M"
exponent = 1.1

[[columns]]
name = "city"
kind = "list"
values = ["hangzhou", "beijing"]
weights = [3, 1]

[[columns]]
name = "day"
kind = "date"
from = "2026-01-01"
to = "2026-12-31"

[format]
kind = "jsonl"
method = "POST"
path = "/item/{{id}}?city={{city}}"
body = "{\"user\":{{user}},\"day\":\"{{day}}\"}"
tag = "{{city}}"
"#;

/// Exit code, standard output and standard error.
fn data(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(ACP).arg("data").args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn rows_are_made_in_parts_and_no_key_comes_twice() {
    let folder = tempfile::tempdir().unwrap();
    let (template, parts) = (folder.path().join("items.toml"), folder.path().join("parts"));
    fs::write(&template, TEMPLATE).unwrap();
    let (template, to) = (template.to_str().unwrap(), parts.to_str().unwrap());
    let flags = ["generate", "--template", template, "--rows", "200k", "--seed", "7"];
    let (code, out, errors) =
        data(&[flags.as_slice(), &["--parts", "8", "--check", "-o", to]].concat());
    assert_eq!(code, Some(0), "{errors}");
    assert!(out.contains("200,000 rows") && out.contains("no `id` comes twice"), "{out}");
    assert_eq!(names(&parts).len(), 9, "eight parts and a manifest");
    let mut keys = BTreeSet::new();
    for name in names(&parts).iter().filter(|name| name.starts_with("part-")) {
        for line in fs::read_to_string(parts.join(name)).unwrap().lines() {
            let request: serde_json::Value = serde_json::from_str(line).unwrap();
            let path = request["path"].as_str().unwrap();
            let key = path.strip_prefix("/item/").unwrap().split('?').next().unwrap().to_owned();
            assert!(key.len() == 7 && keys.insert(key), "{line}");
        }
    }
    assert_eq!(keys.len(), 200_000);
    let (code, _, errors) = data(&[flags.as_slice(), &["--parts", "8", "-o", to]].concat());
    assert!(code == Some(2) && errors.contains("hint: --force"), "{errors}");
    // Any row alone is the one that stands in its part.
    let row = ["--from-row", "123456", "--to-row", "123457"];
    let (_, alone, _) = data(&[flags.as_slice(), &row].concat());
    let part = fs::read_to_string(parts.join("part-00004.jsonl")).unwrap();
    assert_eq!(part.lines().nth(123_456 - 100_000), Some(alone.trim_end()));
    // The folder is a source as it is.
    let target = Target::start(&[]);
    let flags = ["--requests-file", to, "-n", "1000", "-c", "4"];
    let (code, report) = bench_json(&target.url, &flags);
    assert_eq!((code, count(&report, "/books/completed")), (0, 1000));
}

#[test]
fn a_full_disk_and_an_interrupt_leave_nothing() {
    let (code, _, errors) =
        data(&["generate", "--template", "/{{key}}", "--rows", "1M", "-o", "/dev/full", "--quiet"]);
    assert_eq!(code, Some(1), "{errors}");
    assert!(
        errors.contains("failed to write `/dev/full`") && errors.contains("No space"),
        "{errors}"
    );
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("parts");
    let child = Command::new(ACP)
        .args([
            "data",
            "generate",
            "--template",
            "/{{key}}/{{uuid}}",
            "--rows",
            "100G",
            "--parts",
            "2",
            "-o",
        ])
        .arg(&to)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut running = Running(child);
    // It has begun when its passing file is there.
    while !to.exists() || names(&to).is_empty() {
        assert!(running.0.try_wait().unwrap().is_none(), "it has ended");
        std::thread::yield_now();
    }
    running.signal("INT");
    let mut said = String::new();
    running.0.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(running.0.wait().unwrap().code(), Some(130), "{said}");
    assert!(said.contains("nothing was written"), "{said}");
    assert_eq!(names(&to), Vec::<String>::new());
}

#[test]
fn mistakes_are_said_with_a_hint() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bad.toml");
    fs::write(&file, TEMPLATE.replace("weights = [3, 1]", "weights = [3]")).unwrap();
    let file = file.to_str().unwrap();
    for (arguments, part) in [
        (vec!["--template", "/a/{{key}}"], "hint: rows = \"100M\", --rows 100M"),
        (vec!["--template", "/a/{{kye}}", "--rows", "9"], "unknown value `{{kye}}`"),
        (vec!["--template", "/no/such", "--rows", "9"], "failed to read template `/no/such`"),
        (vec!["--template", file, "--rows", "9"], "bad.toml:18: bad columns[2].weights"),
        (vec!["--template", "/{{row}}", "--rows", "9", "--to-row", "10"], "behind the last"),
        (vec!["--template", "/{{row}}", "--rows", "9", "--only", "1"], "hint: --parts 8"),
        (vec!["--template", "/{{row}}", "--rows", "9", "--parts", "2"], "hint: -o parts/"),
        (
            vec!["--template", "/{{row}}", "--rows", "9", "--parts", "2", "--only", "2"],
            "they are 0 to 1",
        ),
        (vec!["--template", "/{{row}}", "--rows", "9", "--format", "csv"], "file of columns"),
        (vec!["--template", "/{{row}}", "--rows", "9", "--check"], "--check reads"),
    ] {
        let (code, out, errors) = data(&[&["generate"], arguments.as_slice()].concat());
        assert_eq!((code, out.as_str()), (Some(2), ""), "{arguments:?}: {errors}");
        assert!(errors.contains(part), "{arguments:?}: {errors}");
    }
    let (code, _, errors) = data(&["check", folder.path().to_str().unwrap()]);
    assert!(code == Some(1) && errors.contains("has no manifest"), "{errors}");
}

/// Answers requests of a connection, and tells their paths.
fn serve(stream: TcpStream, paths: &Sender<String>) {
    let mut from = BufReader::new(stream.try_clone().unwrap());
    let mut to = stream;
    let mut line = String::new();
    let mut path = String::new();
    while from.read_line(&mut line).is_ok_and(|bytes| bytes > 0) {
        if let Some(rest) = line.strip_prefix("GET ") {
            path = rest.split(' ').next().unwrap_or_default().to_owned();
        }
        if line == "\r\n" {
            paths.send(std::mem::take(&mut path)).unwrap();
            if to.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").is_err() {
                return;
            }
        }
        line.clear();
    }
}

#[test]
fn requests_that_are_made_while_it_runs_come_once_each() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let (paths_to, paths) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let paths_to = paths_to.clone();
            std::thread::spawn(move || serve(stream.unwrap(), &paths_to));
        }
    });
    let template = "/item/{{key}}?u={{zipf 1000 1.1}}";
    for order in ["seq", "shuffle"] {
        let flags = ["--source-template", template, "--source-rows", "3000", "--order", order];
        let (code, report) =
            bench_json(&url, &[flags.as_slice(), &["-n", "3000", "-c", "4"]].concat());
        assert_eq!((code, count(&report, "/books/completed")), (0, 3000), "{order}");
        let seen: Vec<_> = paths.try_iter().collect();
        let key = |path: &String| {
            let rest = path.strip_prefix("/item/").expect(path);
            rest.split('?').next().unwrap().parse::<u64>().expect(path)
        };
        let keys: BTreeSet<_> = seen.iter().map(key).collect();
        assert_eq!((seen.len(), keys.len()), (3000, 3000), "{order}: each key once");
        assert_eq!(keys.last(), Some(&2999), "{order}");
    }
    // The built-in server counts as many.
    let target = Target::start(&[]);
    let flags = ["--source-template", template, "--source-rows", "500", "-n", "500", "-c", "2"];
    let (code, _) = bench_json(&target.url, &flags);
    assert_eq!((code, target.requests()), (0, 500));
}

#[test]
fn a_row_that_is_sent_can_be_shown() {
    let template = "/item/{{key}}?u={{uuid}}";
    let (_, rows, _) = data(&["generate", "--template", template, "--rows", "50"]);
    let flags = ["-R", "100", "--source-template", template, "--source-rows", "50", "http://h/"];
    for slot in [0_usize, 7, 57] {
        let number = slot.to_string();
        let output =
            Command::new(ACP).args(["explain", "--slot", &number]).args(flags).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let row = rows.lines().nth(slot % 50).unwrap();
        assert!(text.contains(&format!("GET {row} HTTP/1.1")), "slot {slot}: {text}");
        assert!(text.contains(&format!("Row:     {}", slot % 50)), "slot {slot}: {text}");
    }
}
