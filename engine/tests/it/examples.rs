//! The programs of `engine/examples`, run against the built-in target.

use crate::child::target;
use acp_engine::target::{Target, TargetOptions};
use std::path::PathBuf;
use std::process::{Command, Output};

/// An example as cargo has built it, beside the program of this crate.
fn example(name: &str) -> PathBuf {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_acp-engine"));
    let path = program.with_file_name("examples").join(name);
    assert!(path.exists(), "no `{}`\nhint: cargo build --examples", path.display());
    path
}

fn run(name: &str, target: &Target, path: &str, arguments: &[&str]) -> (String, Output) {
    let url = format!("http://{}{path}", target.address());
    let output = Command::new(example(name)).arg(url).args(arguments).output().expect("example");
    let text = String::from_utf8(output.stdout.clone()).expect("text");
    (text, output)
}

/// Runs an example that must end well, and gives what it has printed.
fn good(name: &str, target: &Target, path: &str, arguments: &[&str]) -> String {
    let (text, output) = run(name, target, path, arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    text
}

/// The number that stands behind `sent` on the last line that has it.
fn sent(text: &str) -> u64 {
    let line = text.lines().rev().find_map(|line| line.strip_prefix("sent "));
    let number = line.and_then(|line| line.split(',').next()).expect("a line with `sent`");
    number.parse().expect("a number")
}

#[test]
fn stop_shows_seconds_and_is_stopped_from_elsewhere() {
    let target = target();
    let text = good("stop", &target, "/", &["1"]);
    assert!(text.starts_with("8 connections are open\n"), "{text}");
    assert!(text.contains("\nsecond 0: "), "{text}");
    assert!(
        text.contains(", aborted\n") && text.contains("stopped before its end: enough"),
        "{text}"
    );
    assert_eq!(sent(&text), target.stop().expect("target").requests, "{text}");
}

#[test]
fn own_requests_are_those_that_the_target_gets() {
    let target = target();
    let text = good("own_requests", &target, "/", &["500"]);
    assert!(text.contains("order: 450 responses, 0 errors\n"), "{text}");
    assert!(text.contains("probe: 50 responses, 0 errors\n"), "{text}");
    assert_eq!((sent(&text), target.stop().expect("target").requests), (500, 500), "{text}");
}

#[test]
fn own_check_finds_what_is_there_and_what_is_not() {
    let target = Target::start(TargetOptions::default()).expect("target");
    for (path, field, unexpected) in [
        ("/__acp/count", "requests", 0),
        ("/__acp/count", "no_such_field", 200),
        ("/", "requests", 200),
    ] {
        let text = good("own_check", &target, path, &[field, "200"]);
        let first = format!("200 responses, {unexpected} without `{field}` as a number\n");
        assert!(text.starts_with(&first), "{path}: {text}");
    }
    target.stop().expect("target");
}

#[test]
fn examples_say_what_is_wrong_with_their_arguments() {
    let target = target();
    for (name, arguments, part) in [
        ("stop", &["soon"][..], "invalid digit"),
        ("own_requests", &["many"], "invalid digit"),
        ("own_check", &[], "error: usage: own_check URL FIELD"),
    ] {
        let (text, output) = run(name, &target, "/", arguments);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && stderr.contains(part), "{name}: {stderr}");
        assert_eq!(text, "", "{name}");
    }
    target.stop().expect("target");
}
