//! The exit code of `acp bench`: what a script decides by.

use crate::program::{Target, bench, bench_in_the_middle, finish};
use serde_json::Value;
use std::time::{Duration, Instant};

#[test]
fn a_target_that_dies_ends_the_run() {
    let mut target = Target::start(&[]);
    let rule = "errors>50% over 2s";
    let flags = [&target.url, "-R", "200", "-d", "10m", "-c", "4", "--abort-on", rule];
    let flags = [&flags[..], &["--format", "json"]].concat();
    let (running, stderr) = bench_in_the_middle(&flags);
    target.process.0.kill().unwrap();
    let died = Instant::now();
    let ran = finish(running, stderr);
    // Three seconds are what it should take; the rest is patience with a busy machine.
    assert!(died.elapsed() < Duration::from_secs(20), "{:?}", died.elapsed());
    assert_eq!(ran.code, 97, "{}", ran.stderr);
    let report = ran.report();
    assert_eq!(report["verdict"]["state"], "aborted");
    assert_eq!(report["books"]["balanced"], true);
    let is_rule = |event: &&Value| event["kind"] == "rule";
    let event = report["events"].as_array().unwrap().iter().find(is_rule).unwrap();
    assert!(event["text"].as_str().unwrap().starts_with(&format!("{rule}: found ")), "{event}");
    // It was killed in the second second, so the window is full of errors after the third.
    let whole_seconds = event["at_us"].as_u64().unwrap() / 1_000_000;
    assert!((2..12).contains(&whole_seconds), "{event}");
}

#[test]
fn goals_decide_about_a_valid_run() {
    let target = Target::start(&[]);
    for (what, flags, code) in [
        ("no goal", &[][..], 0),
        ("a goal that is met", &["--slo", "errors<1%"], 0),
        ("a goal that is missed", &["--slo", "p99<1ns"], 99),
        ("one of two is missed", &["--slo", "errors<1%", "--slo", "rate>=1000000000"], 99),
        ("a limit that is not passed", &["--abort-on", "errors>5% over 1s"], 0),
    ] {
        let fixed = [&target.url, "-n", "100", "-c", "4", "--quiet", "--format", "json"];
        let ran = bench(&[&fixed[..], flags].concat());
        assert_eq!(ran.code, code, "{what}: {}", ran.stdout);
        let report = ran.report();
        assert_eq!(report["verdict"]["state"], "valid", "{what}");
        let goals = flags.iter().filter(|flag| **flag == "--slo").count();
        assert_eq!(report["slo"].as_array().unwrap().len(), goals, "{what}");
    }
}

#[test]
fn an_interrupt_is_neither_a_limit_nor_a_missed_goal() {
    let target = Target::start(&[]);
    let flags = [&target.url, "-d", "10m", "-c", "4", "--slo", "p99<1ns", "--format", "json"];
    let (running, stderr) = bench_in_the_middle(&flags);
    running.signal("INT");
    let ran = finish(running, stderr);
    assert_eq!(ran.code, 130, "{}", ran.stderr);
    assert_eq!(ran.report()["slo"][0]["pass"], false);
}

/// The first CPU that this process may use.
fn first_cpu() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap();
    list.trim().split([',', '-']).next().unwrap().to_string()
}

#[test]
fn a_generator_without_a_cpu_of_its_own_says_that_it_was_the_limit() {
    let cpu = first_cpu();
    let target = Target::start(&[]);
    // A server that looks for work without a break takes half of the engine's CPU.
    let hog = Target::start(&["--cpus", &cpu, "--spin", "on"]);
    // A thread that never sleeps gets the other half, and no more; and so many connections that one
    // is free even if the target is slow on this machine.
    let fixed = [&target.url, "-R", "200", "-d", "4s", "-c", "128", "-t", "1", "--cpus", &cpu];
    // A missed goal is not what is wrong then.
    let flags = ["--spin", "10ms", "--slo", "p99<1ns", "--quiet", "--format", "json"];
    let ran = bench(&[&fixed[..], &flags].concat());
    drop(hog);
    assert_eq!(ran.code, 98, "{} {}", ran.stdout, ran.stderr);
    let report = ran.report();
    let verdict = &report["verdict"];
    let reasons = verdict["reasons"].as_array().unwrap().iter();
    let codes: Vec<_> = reasons.map(|reason| reason["code"].as_str().unwrap()).collect();
    assert!(codes.contains(&"send_lag"), "{verdict}");
    // A machine that is busy with other things, too, may leave it so little that slots are given up.
    let state = if codes.contains(&"sent") { "schedule_missed" } else { "generator_limited" };
    assert_eq!(verdict["state"], state, "{verdict}");
    assert_eq!(report["books"]["balanced"], true);
    assert_eq!(report["slo"][0]["pass"], false);
}
