//! Live changes: one step on every agent at the same moment.

use super::cluster::{Backing, Cluster};
use super::exact::open_loop;
use serde_json::json;
use std::time::Duration;

/// Requests in each second from `from` on.
fn per_second(arrivals: &[u64], from: Duration, seconds: usize) -> Vec<usize> {
    let start = arrivals[0] + u64::try_from(from.as_nanos()).unwrap();
    let mut counts = vec![0; seconds];
    for at in arrivals.iter().filter(|at| **at >= start) {
        let second = usize::try_from((at - start) / 1_000_000_000).unwrap();
        if let Some(count) = counts.get_mut(second) {
            *count += 1;
        }
    }
    counts
}

fn change_at(report: &serde_json::Value, kind: &str) -> Duration {
    let events = report["events"].as_array().unwrap();
    let event = events.iter().find(|event| event["kind"] == kind);
    let event = event.unwrap_or_else(|| panic!("no `{kind}` in {events:?}"));
    Duration::from_micros(event["at_us"].as_u64().unwrap())
}

#[test]
fn a_rate_changes_in_one_step_on_three_agents() {
    let mut cluster = Cluster::start(Backing::embedded(), 1, 3, 1);
    let run = cluster.start_run(&open_loop(&cluster.target.url, "1000", "12s", 3));
    cluster.await_state(&run, &["running"]);
    std::thread::sleep(Duration::from_secs(3));
    cluster.ask("POST", &format!("/runs/{run}/rate"), Some(&json!({ "rate": "4000" })));
    let report = cluster.await_report(&run);
    let at = change_at(&report, "rate");
    let arrivals = cluster.arrivals();
    assert_eq!(report["books"]["sent"], arrivals.len(), "{}", report["books"]);
    // Half a second around the step is the resolution of a second that it falls into.
    let before = per_second(&arrivals, at - Duration::from_secs(2), 2);
    let after = per_second(&arrivals, at + Duration::from_millis(50), 3);
    assert!(before.iter().all(|count| (980..=1020).contains(count)), "before {before:?}");
    assert!(after.iter().all(|count| (3_920..=4_080).contains(count)), "after {after:?}");
}

#[test]
fn a_pause_is_silence_and_a_resume_its_end() {
    let mut cluster = Cluster::start(Backing::embedded(), 1, 2, 1);
    let run = cluster.start_run(&open_loop(&cluster.target.url, "1000", "14s", 2));
    cluster.await_state(&run, &["running"]);
    std::thread::sleep(Duration::from_secs(2));
    cluster.ask("POST", &format!("/runs/{run}/pause"), None);
    std::thread::sleep(Duration::from_secs(4));
    cluster.ask("POST", &format!("/runs/{run}/resume"), None);
    let report = cluster.await_report(&run);
    let (pause, resume) = (change_at(&report, "pause"), change_at(&report, "resume"));
    let arrivals = cluster.arrivals();
    assert_eq!(report["books"]["sent"], arrivals.len(), "{}", report["books"]);
    let silent = per_second(&arrivals, pause + Duration::from_millis(50), 2);
    assert_eq!(silent, [0, 0], "in the pause");
    let after = per_second(&arrivals, resume + Duration::from_millis(50), 2);
    assert!(after.iter().all(|count| (980..=1020).contains(count)), "after {after:?}");
}
