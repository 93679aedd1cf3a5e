//! `acp-perf run`: order of the runs, verdicts, exit codes, files.

use std::fs;
use std::process::Output;

use serde_json::Value;

use crate::stubs::Stubs;

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn result(stubs: &Stubs) -> Value {
    serde_json::from_str(&stubs.read("out/result.json")).expect("the result is JSON")
}

#[test]
fn pairs_are_interleaved_and_their_order_turns() {
    let stubs = Stubs::new();
    let output = stubs.run(&["closed-512", "--pairs", "3", "--peers", "wrk"]);
    let calls = stubs.read("calls");
    let clients: Vec<&str> = calls
        .lines()
        .filter(|call| call.contains("http://"))
        .map(|call| call.split(' ').next().expect("a name"))
        .collect();
    let warm_up = ["acp", "wrk"];
    let pairs = [["acp", "wrk"], ["wrk", "acp"], ["acp", "wrk"]].concat();
    assert_eq!(clients, [warm_up.to_vec(), pairs].concat(), "{}", stderr(&output));
    assert_eq!(calls.lines().filter(|call| call.starts_with("acp target")).count(), 1);
    assert!(calls.contains("\nstopped\n"), "the target was asked to end: {calls}");
}

#[test]
fn ratios_come_from_what_the_tools_print() {
    let stubs = Stubs::new();
    let output = stubs.run(&["pipeline-16", "connect", "--pairs", "3", "--peers", "wrk,oha"]);
    let result = result(&stubs);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(result["schema"], "acp.perf/1");
    assert_eq!(result["verdict"], "pass");
    assert_eq!(result["tools"][2]["path"], Value::Null, "oha is absent");
    let names: Vec<_> =
        result["cases"].as_array().expect("cases").iter().map(|c| &c["name"]).collect();
    assert_eq!(names, ["connect", "pipeline-16"]);
    for case in result["cases"].as_array().expect("cases") {
        let bar = &case["bars"][0];
        assert_eq!((bar["median"].as_f64(), &bar["verdict"]), (Some(1.6), &"pass".into()));
        assert_eq!(case["lanes"][0]["runs"][0]["verdict"], "generator_limited");
    }
    let script = stubs.read("out/wrk-pipeline-16.lua");
    assert!(script.contains("for i = 1, 16 do"), "{script}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), stubs.read("out/result.md"));
}

#[test]
fn paced_runs_have_a_target_each() {
    let stubs = Stubs::new();
    let output = stubs.run(&["paced-20k", "--pairs", "3", "--peers", "wrk,oha"]);
    let result = result(&stubs);
    let calls = stubs.read("calls");
    let count = |start: &str| calls.lines().filter(|call| call.starts_with(start)).count();
    assert_eq!(count("acp target --listen 127.0.0.1:0 --threads 1 --cpus"), 4, "{calls}");
    assert_eq!(count("acp target --judge"), 4, "{calls}");
    assert_eq!(count("stopped"), 4, "{calls}");
    assert!(calls.contains("--rate 20000 --json"), "{calls}");
    let bars: Vec<_> =
        (0..3).map(|bar| result["cases"][0]["bars"][bar]["verdict"].clone()).collect();
    assert_eq!(bars, ["pass", "pass", "no_decision"], "oha is absent");
    assert_eq!(result["cases"][0]["lanes"][1]["state"], "unsupported", "wrk has no rate");
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
}

#[test]
fn memory_is_measured_by_size() {
    let stubs = Stubs::new();
    let output = stubs.run(&["memory", "--pairs", "3"]);
    let result = result(&stubs);
    let lanes = result["cases"][0]["lanes"].as_array().expect("lanes");
    let runs: Vec<_> = lanes
        .iter()
        .map(|lane| (lane["name"].as_str().expect("a name"), lane["runs"].as_array().map(Vec::len)))
        .collect();
    let expected =
        [("acp-c1", 3), ("acp-c1000", 3), ("acp-c10000", 3), ("acp-n5M", 1), ("acp-n20M", 1)];
    assert_eq!(runs, expected.map(|(name, count)| (name, Some(count))), "{}", stderr(&output));
    assert_eq!(result["cases"][0]["bars"][0]["verdict"], "pass");
}

#[test]
fn a_failing_acp_is_a_failure() {
    let stubs = Stubs::new();
    fs::write(stubs.path("BENCH_FAILS"), "").expect("the file can be written");
    let output = stubs.run(&["closed-64", "--pairs", "3", "--peers", "wrk"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let reason = "acp: exit code 1: cannot bench today";
    assert_eq!(result(&stubs)["cases"][0]["bars"][0]["reason"], reason);
}

#[test]
fn a_target_that_does_not_start_is_a_failure_with_its_words() {
    let stubs = Stubs::new();
    fs::write(stubs.path("acp"), "#!/bin/sh\necho 'no target today' >&2; exit 1\n").expect("stub");
    let output = stubs.run(&["closed-64", "--pairs", "3", "--peers", "wrk"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stderr(&output).contains("no target today"), "{}", stderr(&output));
}

#[test]
fn one_pair_decides_nothing() {
    let stubs = Stubs::new();
    let output = stubs.run(&["connect", "--pairs", "1", "--peers", "wrk"]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(stubs.read("out/result.md").contains("1 of the 3 pairs it takes"));
}

#[test]
fn mistakes_are_told_in_one_line() {
    let stubs = Stubs::new();
    let rows: &[(&[&str], &str)] = &[
        (&["closed-3"], "acp-perf: there is no case `closed-3`; hint: acp-perf list\n"),
        (&["connect", "--peers", "jmeter"], "there is no peer `jmeter`"),
        (&["connect", "--acp", "/nowhere/acp"], "there is no program `/nowhere/acp`"),
    ];
    for (arguments, expected) in rows {
        // The stub's path is given first; the last one counts.
        let arguments: Vec<&str> = arguments.to_vec();
        let output = match arguments.contains(&"--acp") {
            true => crate::stubs::perf(stubs.folder.path()).arg("run").args(&arguments).output(),
            false => Ok(stubs.run(&arguments)),
        };
        let output = output.expect("acp-perf starts");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(stderr(&output).contains(expected), "{}", stderr(&output));
        assert_eq!(stderr(&output).lines().count(), 1, "{}", stderr(&output));
    }
}

#[test]
fn the_list_names_every_case_with_its_bars() {
    let stubs = Stubs::new();
    let output = crate::stubs::perf(stubs.folder.path()).arg("list").output().expect("it starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("closed-4096  4,096 connections"), "{text}");
    assert!(text.contains("requests/s, ratio to wrk ≥ 1.8"), "{text}");
}
