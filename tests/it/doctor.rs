//! `acp doctor` on this machine.

use crate::program::{ACP, Ran, Target};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// Runs a command whose state is in a folder.
fn acp(state: &Path, flags: &[&str]) -> Ran {
    Command::new(ACP).args(flags).env("XDG_STATE_HOME", state).output().unwrap().into()
}

fn bench_report(state: &Path) -> Value {
    let target = Target::start(&[]);
    let ran = acp(state, &["bench", &target.url, "-n", "50", "--quiet", "--format", "json"]);
    ran.report()
}

#[test]
fn a_calibration_is_kept_and_is_in_every_report() {
    let state = tempfile::tempdir().unwrap();
    assert!(bench_report(state.path())["run"].get("calibration").is_none(), "not yet");
    let ran = acp(state.path(), &["doctor", "--format", "json"]);
    assert!(matches!(ran.code, 0 | 98), "{}", ran.stderr);
    let found = ran.report();
    assert_eq!(found["schema"], "acp.doctor/1");
    assert_eq!(found["is_fit"], ran.code == 0);
    let checks = found["checks"].as_array().unwrap();
    for check in checks {
        let state = check["state"].as_str().unwrap();
        assert!(["ok", "note", "bad", "unknown"].contains(&state), "{check}");
    }
    let files = checks.iter().find(|check| check["check"] == "open_files").unwrap();
    assert_eq!(files["state"], "ok", "{files}");
    let calibration = &found["calibration"];
    assert!(calibration["requests_per_s"].as_f64().unwrap() > 0.0, "{found}");
    assert!(calibration["send_lag_p99_ns"].as_u64().unwrap() > 0, "{found}");
    assert_eq!(&bench_report(state.path())["run"]["calibration"], calibration);
    let again = acp(state.path(), &["doctor", "--format", "json", "--no-calibrate"]).report();
    assert_eq!(&again["calibration"], calibration, "what was kept");
    std::fs::write(state.path().join("acp/calibration.json"), "half of {").unwrap();
    assert!(bench_report(state.path())["run"].get("calibration").is_none(), "broken is none");
}

#[test]
fn limits_are_judged_by_the_plan() {
    let state = tempfile::tempdir().unwrap();
    let plan = state.path().join("plan.toml");
    let text = "schema = \"acp.plan/1\"\n[target]\nurl = \"http://192.0.2.1/\"\n\
                [load]\nconnections = 900000\nduration = \"1s\"\n";
    std::fs::write(&plan, text).unwrap();
    let plan = plan.display().to_string();
    for flags in [&["--plan", &plan][..], &["-c", "900000"]] {
        let ran = acp(state.path(), &[&["doctor", "--no-calibrate"], flags].concat());
        assert_eq!(ran.code, 98, "{}{}", ran.stdout, ran.stderr);
        let bad = ran.stdout.lines().find(|line| line.starts_with("bad      local_ports"));
        assert!(bad.is_some_and(|line| line.contains("900000 connections")), "{}", ran.stdout);
        assert!(ran.stdout.contains("do:  sysctl -w net.ipv4.ip_local_port_range"));
        assert!(ran.stdout.contains("This host is not fit: "), "{}", ran.stdout);
    }
    let files = state.path().read_dir().unwrap().count();
    assert_eq!(files, 1, "nothing is kept without a calibration");
}

#[test]
fn bad_command_lines_are_refused() {
    let state = tempfile::tempdir().unwrap();
    let bad = state.path().join("bad.toml");
    std::fs::write(&bad, "nonsense").unwrap();
    let bad = bad.display().to_string();
    for (flags, part) in [
        (&["-c", "0"][..], "0 is not in"),
        (&["-R", "fast"], "bad rate"),
        (&["--plan", "/no/such/plan"], "failed to read plan `/no/such/plan`"),
        (&["--plan", &bad], "bad plan"),
        (&["--plan", &bad, "-c", "5"], "cannot be used with"),
        (&["--format", "pdf"], "pdf"),
    ] {
        let ran = acp(state.path(), &[&["doctor", "--no-calibrate"], flags].concat());
        assert_eq!(ran.code, 2, "{flags:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(part), "{flags:?}: `{part}` is not in:\n{}", ran.stderr);
        assert!(ran.stdout.is_empty() && !ran.stderr.contains("panicked"), "{flags:?}");
    }
}

#[test]
fn a_place_that_cannot_be_written_costs_only_what_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let ran = acp(&file, &["doctor", "--format", "json"]);
    let found = ran.report();
    assert!(found["calibration"].is_object(), "{found}");
    let problem = found["calibration_problem"].as_str().unwrap();
    assert!(problem.starts_with("not kept: "), "{problem}");
}
