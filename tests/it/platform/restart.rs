//! Control, the coordinator or the database go away in the middle of a run and come back.

use super::cluster::{Backing, Cluster, sum_of_series, wait_for};
use super::exact::open_loop;
use serde_json::Value;
use std::time::Duration;

/// A run of 10 s at 2,000/s on two agents that has begun.
pub(super) fn begin(backing: Backing, controls: usize) -> (Cluster, String) {
    let cluster = Cluster::start(backing, controls, 2, 1);
    let run = cluster.start_run(&open_loop(&cluster.target.url, "2000", "10s", 2));
    cluster.await_state(&run, &["running"]);
    wait_for("a fifth of the run", || (cluster.target.requests() > 4_000).then_some(()));
    (cluster, run)
}

/// The run ended as if nothing had happened.
pub(super) fn assert_whole(cluster: &Cluster, run: &str) -> Value {
    let report = cluster.await_report(run);
    assert_eq!(report["books"]["planned"], 20_000, "{}", report["books"]);
    assert_eq!(report["books"]["completed"], 20_000, "{}", report["books"]);
    assert_eq!(sum_of_series(&report, "completed"), 20_000);
    assert_eq!(cluster.target.requests(), 20_000);
    report
}

#[test]
fn control_is_killed_and_started_again() {
    let (mut cluster, run) = begin(Backing::embedded(), 1);
    cluster.controls[0].kill();
    cluster.controls[0].restart();
    assert_whole(&cluster, &run);
}

#[test]
fn control_is_killed_twice() {
    let (mut cluster, run) = begin(Backing::embedded(), 1);
    for _ in 0..2 {
        cluster.controls[0].restart();
        std::thread::sleep(Duration::from_secs(2));
    }
    assert_whole(&cluster, &run);
}
