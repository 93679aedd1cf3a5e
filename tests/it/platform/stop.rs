//! Stop means that the target is silent two seconds later, whatever hangs.

use super::cluster::{Backing, Cluster, wait_for};
use super::exact::open_loop;
use std::time::Duration;

const SILENCE: Duration = Duration::from_secs(2);

fn running(agents: usize) -> (Cluster, String) {
    let cluster = Cluster::start(Backing::embedded(), 1, agents, 1);
    let run = cluster.start_run(&open_loop(&cluster.target.url, "2000", "60s", 2));
    cluster.await_state(&run, &["running"]);
    wait_for("load", || (cluster.target.requests() > 2_000).then_some(()));
    (cluster, run)
}

#[test]
fn a_user_stops_a_run() {
    let (cluster, run) = running(2);
    cluster.ask("POST", &format!("/runs/{run}/stop"), None);
    std::thread::sleep(SILENCE);
    assert_eq!(cluster.requests_within(Duration::from_secs(1)), 0);
    let report = cluster.await_report(&run);
    assert_eq!(report["verdict"]["state"], "aborted", "{}", report["verdict"]);
    assert_eq!(report["books"]["planned"], 120_000);
    assert_eq!(report["books"]["sent"].as_u64(), Some(cluster.target.requests()));
    assert!(report["books"]["not_sent"]["stopped"].as_u64().unwrap() > 50_000);
}

#[test]
fn an_agent_that_hangs_stops_when_its_lease_is_over() {
    let (cluster, run) = running(2);
    cluster.agents[0].process.signal("STOP");
    cluster.ask("POST", &format!("/runs/{run}/stop"), None);
    // The lease of these tests is 2 s.
    std::thread::sleep(SILENCE + SILENCE);
    assert_eq!(cluster.requests_within(Duration::from_secs(1)), 0, "the agent hangs");
    cluster.agents[0].process.signal("CONT");
    assert_eq!(cluster.requests_within(Duration::from_secs(2)), 0, "and has come back");
    let report = cluster.await_report(&run);
    assert_eq!(report["verdict"]["state"], "aborted", "{}", report["verdict"]);
}

#[test]
fn without_control_the_load_ends_with_the_lease() {
    let (mut cluster, _) = running(2);
    cluster.controls[0].kill();
    std::thread::sleep(SILENCE + SILENCE);
    assert_eq!(cluster.requests_within(Duration::from_secs(1)), 0);
}

#[test]
fn stop_all_stops_everything() {
    let cluster = Cluster::start(Backing::embedded(), 1, 2, 2);
    let runs: Vec<_> = (0..2)
        .map(|_| cluster.start_run(&open_loop(&cluster.target.url, "500", "60s", 2)))
        .collect();
    for run in &runs {
        cluster.await_state(run, &["running"]);
    }
    wait_for("load of both", || (cluster.target.requests() > 2_000).then_some(()));
    cluster.ask("POST", "/stop-all", None);
    std::thread::sleep(SILENCE);
    assert_eq!(cluster.requests_within(Duration::from_secs(1)), 0);
    for run in &runs {
        assert_eq!(cluster.await_report(run)["verdict"]["state"], "aborted");
    }
}
