//! An agent is lost in the middle of a run.

use super::cluster::{Backing, Cluster, wait_for};
use super::exact::open_loop;
use serde_json::Value;
use std::time::Duration;

/// Kills one of three agents at 30 % of a run of 10 s at 3,000/s under a policy; returns the report
/// and when requests arrived, in nanoseconds from the first.
fn lose_one(backing: Backing, on_loss: &str) -> (Value, Vec<u64>) {
    let mut cluster = Cluster::start(backing, 1, 3, 1);
    let mut plan = open_loop(&cluster.target.url, "3000", "10s", 3);
    plan["agents"]["on_loss"] = on_loss.into();
    plan["agents"]["per_agent_max"] = 0.into();
    let run = cluster.start_run(&plan);
    cluster.await_state(&run, &["running"]);
    wait_for("30 % of the run", || (cluster.target.requests() > 9_000).then_some(()));
    cluster.agents[1].kill();
    let report = cluster.await_report(&run);
    let books = &report["books"];
    let (sent, lost) =
        (books["sent"].as_u64().unwrap(), books["lost_with_agent"].as_u64().unwrap());
    let arrivals = cluster.arrivals();
    let received = arrivals.len() as u64;
    assert!(lost > 0, "{books}");
    assert!(received <= sent && received >= sent - lost, "{received} received: {books}");
    let events = report["events"].as_array().unwrap();
    assert!(events.iter().any(|event| event["kind"] == "agent_lost"), "{events:?}");
    let first = arrivals[0];
    (report, arrivals.into_iter().map(|at| at - first).collect())
}

fn event_at(report: &Value, kind: &str) -> Duration {
    let events = report["events"].as_array().unwrap();
    let event = events.iter().find(|event| event["kind"] == kind);
    let event = event.unwrap_or_else(|| panic!("no `{kind}` in {events:?}"));
    Duration::from_micros(event["at_us"].as_u64().unwrap())
}

fn between(arrivals: &[u64], from: Duration, to: Duration) -> usize {
    let range = from.as_nanos()..to.as_nanos();
    arrivals.iter().filter(|at| range.contains(&u128::from(**at))).count()
}

pub(super) fn reassign(backing: Backing) {
    let (report, arrivals) = lose_one(backing, "reassign");
    assert_eq!(report["verdict"]["state"], "partial", "{}", report["verdict"]);
    assert_eq!(report["books"]["planned"], 30_000);
    assert!(report["books"]["not_sent"]["agent_lost"].as_u64().unwrap() > 0, "a gap");
    let lost = event_at(&report, "agent_lost");
    let back = lost + Duration::from_secs(2);
    // Two thirds while it is missing, all of it from two seconds after the loss was seen.
    let second = Duration::from_secs(1);
    let after = between(&arrivals, back, back + second);
    assert!((2_900..=3_100).contains(&after), "{after} in the second from {back:?} on");
    let gap = between(&arrivals, lost, lost + second / 2);
    assert!(gap < 1_250, "{gap} in half a second without the agent");
}

#[test]
fn its_share_goes_to_others() {
    reassign(Backing::embedded());
}

#[test]
fn the_run_goes_on_without_it() {
    let (report, arrivals) = lose_one(Backing::embedded(), "continue");
    assert_eq!(report["verdict"]["state"], "partial", "{}", report["verdict"]);
    assert_eq!(report["books"]["planned"], 30_000, "{}", report["books"]);
    let lost = event_at(&report, "agent_lost");
    let second = Duration::from_secs(1);
    let after = between(&arrivals, lost + second, lost + 2 * second);
    assert!((1_900..=2_100).contains(&after), "{after} a second on two agents");
}

#[test]
fn the_run_stops() {
    let (report, arrivals) = lose_one(Backing::embedded(), "abort");
    assert_eq!(report["verdict"]["state"], "aborted", "{}", report["verdict"]);
    let lost = event_at(&report, "agent_lost");
    let late = between(&arrivals, lost + Duration::from_secs(2), Duration::from_secs(3600));
    assert_eq!(late, 0, "requests two seconds after the loss was seen");
}
