//! What is printed of a host that is made up.

use super::*;
use std::path::Path;

fn findings() -> Vec<Finding> {
    let finding = |check, state, found: &str, fix: Option<&str>| Finding {
        check,
        state,
        found: found.into(),
        why: "it matters",
        fix: fix.map(str::to_owned),
    };
    vec![
        finding("open_files", State::Bad, "1024", Some("ulimit -n 65536")),
        finding("cpu_governor", State::Note, "powersave", Some("cpupower frequency-set")),
        finding("clock_source", State::Ok, "tsc", None),
        finding("conntrack", State::Unknown, "cannot be read", None),
    ]
}

fn calibration() -> Calibration {
    Calibration {
        measured_unix_us: 1_700_000_000_000_000,
        version: "0.1.0".into(),
        driver: "uring".into(),
        requests_per_s: 206_123.4,
        cpu_us_per_request: 4.61,
        send_lag_p50_ns: 3_700,
        send_lag_p99_ns: 640_000,
    }
}

/// `UPDATE=1` rewrites the golden files.
#[test]
fn findings_read_as_they_always_did() {
    let measured =
        Measured { calibration: Some(calibration()), problem: Some("not kept: no space".into()) };
    for (name, text) in [
        ("golden.txt", text(&findings(), &measured)),
        ("golden.json", json(&findings(), &measured)),
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/doctor").join(name);
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&path, &text).expect("written");
        }
        let golden = std::fs::read_to_string(&path).expect("a golden file");
        assert_eq!(text, golden, "{name} has changed; UPDATE=1 accepts it");
    }
}

#[test]
fn only_what_is_bad_makes_a_host_unfit() {
    for (states, expect) in [
        (&[][..], true),
        (&[State::Ok, State::Note, State::Unknown], true),
        (&[State::Ok, State::Bad], false),
    ] {
        let of = |state: &State| Finding { state: *state, ..findings()[0].clone() };
        let findings: Vec<_> = states.iter().map(of).collect();
        assert_eq!(is_fit(&findings), expect, "{states:?}");
    }
}
