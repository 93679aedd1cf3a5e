//! Nothing is lost and nothing is counted twice between agents, control and the report.

use super::cluster::{Backing, Cluster, counts, sum_of_series, wait_for};
use acp_report::{decode, new_histogram};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// A plan of an open loop over `cores` cores.
pub(super) fn open_loop(url: &str, rate: &str, duration: &str, cores: u32) -> Value {
    json!({
        "schema": "acp.plan/1",
        "name": "test",
        "target": { "url": url },
        "load": {
            "model": "open", "rate": rate, "duration": duration, "connections": 24
        },
        "agents": { "cores": cores, "per_agent_max": 1 }
    })
}

/// Three agents at 3,000/s for 20 s: every number everywhere is the same.
pub(super) fn three_agents(backing: Backing) {
    let cluster = Cluster::start(backing, 1, 3, 1);
    let run = cluster.start_run(&open_loop(&cluster.target.url, "3000", "20s", 3));
    let report = cluster.await_report(&run);
    let books = &report["books"];
    assert_eq!(books["planned"], 60_000, "{books}");
    assert_eq!(report["agents"].as_array().unwrap().len(), 3, "{}", report["agents"]);
    assert_eq!(sum_of_series(&report, "planned"), 60_000);
    assert_eq!(sum_of_series(&report, "sent"), books["sent"].as_u64().unwrap());
    assert_eq!(sum_of_series(&report, "completed"), books["completed"].as_u64().unwrap());
    assert_eq!(cluster.target.requests(), books["sent"].as_u64().unwrap(), "{books}");
    assert_eq!(counts(&report["status"]), [("200".into(), 60_000)].into());
    assert_histograms_are_the_sum(&cluster, &report);
}

/// The merged histograms are those of the agents' own reports put together, bucket by bucket.
fn assert_histograms_are_the_sum(cluster: &Cluster, report: &Value) {
    let mut own = BTreeMap::new();
    let mut planned = 0;
    for agent in &cluster.agents {
        let reports = agent.folder.join("reports");
        let reports = wait_for("the agent to be done", || std::fs::read_dir(&reports).ok());
        for report in reports.map(|report| report.unwrap().path()) {
            let text = std::fs::read_to_string(report).unwrap();
            let theirs: Value = serde_json::from_str(&text).unwrap();
            planned += theirs["books"]["planned"].as_u64().unwrap();
            for (name, text) in theirs["histograms"].as_object().unwrap() {
                let sum = own.entry(name.clone()).or_insert_with(new_histogram);
                sum.add(decode(text.as_str().unwrap()).unwrap()).unwrap();
            }
        }
    }
    assert_eq!(planned, 60_000, "the agents' own books");
    let merged = report["histograms"].as_object().unwrap();
    assert_eq!(merged.keys().collect::<BTreeSet<_>>(), own.keys().collect());
    for (name, expected) in own {
        let merged = decode(merged[&name].as_str().unwrap()).unwrap();
        assert!(merged == expected, "`{name}`: {} and {} values", merged.len(), expected.len());
    }
    assert_eq!(report["latency"]["response_ns"]["count"], 60_000);
}

#[test]
fn three_agents_without_anything_else() {
    three_agents(Backing::embedded());
}

#[test]
fn any_number_of_agents_sends_the_same_schedule() {
    let cluster = Cluster::start(Backing::embedded(), 1, 7, 1);
    let mut before = 0;
    for (what, load, cores, planned) in [
        ("a ramp on one", json!({ "profile": "line(0,400,2s) const(400,1s)" }), 1, 800),
        ("on two", json!({ "profile": "line(0,400,2s) const(400,1s)" }), 2, 800),
        ("on seven", json!({ "profile": "line(0,400,2s) const(400,1s)" }), 7, 800),
        ("a rate below the agents", json!({ "rate": "1/s", "duration": "4s" }), 3, 4),
        ("fewer requests than agents", json!({ "rate": "100", "requests": 2 }), 7, 2),
        ("a rate below one", json!({ "rate": "0.5", "duration": "4s" }), 3, 2),
    ] {
        let mut plan = open_loop(&cluster.target.url, "1", "1s", cores);
        plan["load"] = load;
        plan["load"]["model"] = "open".into();
        plan["load"]["connections"] = 14.into();
        let run = cluster.start_run(&plan);
        let report = cluster.await_report(&run);
        assert_eq!(report["books"]["planned"], planned, "{what}: {}", report["books"]);
        let agents = report["agents"].as_array().unwrap().len();
        assert_eq!(agents, cores as usize, "{what}: {}", report["agents"]);
        let received = cluster.target.requests() - before;
        before += received;
        assert_eq!(report["books"]["sent"].as_u64(), Some(received), "{what}");
    }
}

#[test]
fn a_closed_loop_with_a_count_over_agents() {
    let cluster = Cluster::start(Backing::embedded(), 1, 3, 1);
    let plan = json!({
        "schema": "acp.plan/1",
        "target": { "url": cluster.target.url },
        "load": { "model": "closed", "requests": 10_001, "connections": 8 },
        "agents": { "cores": 3 }
    });
    let run = cluster.start_run(&plan);
    let report = cluster.await_report(&run);
    assert_eq!(report["books"]["planned"], 10_001);
    assert_eq!(report["books"]["completed"], 10_001);
    assert_eq!(cluster.target.requests(), 10_001);
    // It is over in milliseconds, of which a busy host may take more than is allowed.
    let reasons = report["verdict"]["reasons"].as_array().unwrap();
    assert!(reasons.iter().all(|reason| reason["code"] == "steal"), "{}", report["verdict"]);
}
