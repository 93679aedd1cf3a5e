//! What lists of tasks and runs say of runs: their last one, its shape, its agents, its rate now.

use super::server::{Server, plan};
use acp_control::auth::TargetRule;
use acp_control::settings::ApiSettings;
use acp_control::store::{DatasetRecord, PartRecord, RunRecord, RunState};
use acp_wire::agent::{PartState, PartStatus, Share};
use serde_json::{Value, json};

/// Parts of a run on these agents.
async fn place(server: &Server, run: &str, agents: &[&str]) {
    let part = |(number, agent): (u32, &&str)| PartRecord {
        part: format!("{run}.{number}"),
        run: run.into(),
        number,
        agent: (*agent).into(),
        share: Share::whole(1),
        cores: 1,
        state: PartState::Running,
        lost_at_us: None,
        taken_over_by: Vec::new(),
        stored: 0,
        status: PartStatus::default(),
        sums: String::new(),
    };
    let parts: Vec<_> = (0..).zip(agents).map(part).collect();
    server.store.add_parts(&parts).await.unwrap();
}

/// Ends a run as the scheduler would.
async fn end(server: &Server, run: &str, state: RunState) {
    server
        .schedule(run, |run: &mut RunRecord| {
            run.state = state;
            run.verdict = Some("valid".into());
            run.spark = vec![1.5, 0.0, 20_000.0];
            run.ended_unix_us = Some(run.created_unix_us + 5);
        })
        .await;
}

async fn save(server: &Server, plan: &Value) -> String {
    let made = server.post("/api/v1/tasks", Some(json!({ "plan": plan }))).await;
    assert_eq!(made.status, 201, "{}", made.text);
    assert_eq!(made.json()["last_run"], Value::Null, "{}", made.text);
    made.json()["id"].as_str().unwrap().to_owned()
}

async fn start(server: &Server, task: &str) -> String {
    let run = server.post(&format!("/api/v1/tasks/{task}/runs"), None).await;
    assert_eq!(run.status, 201, "{}", run.text);
    run.json()["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn tasks_say_what_they_ask_for() {
    let server = Server::open().await;
    let with = |load: Value, agents: Value| {
        let mut plan = plan("10");
        plan["load"] = load;
        plan["agents"] = agents;
        plan
    };
    let closed = json!({ "model": "closed", "connections": 7, "duration": "5s" });
    let ramp = json!({ "model": "open", "profile": "line(0,2k,5s) const(500,5s)" });
    let slow = json!({ "model": "open", "rate": "300/m", "duration": "5s", "warmup": "2s" });
    for (what, load, agents, expect) in [
        ("closed", closed, Value::Null, json!(["closed", null, 7, 0])),
        ("a ramp", ramp, json!({ "cores": 12 }), json!(["open", 2000.0, 64, 12])),
        ("by the minute", slow, json!({ "cores": 0 }), json!(["open", 5.0, 64, 0])),
    ] {
        let id = save(&server, &with(load, agents)).await;
        let shown = server.get(&format!("/api/v1/tasks/{id}")).await.json();
        let listed = server.get("/api/v1/tasks?limit=1").await.json()["tasks"][0].clone();
        for task in [shown, listed] {
            let names = ["model", "peak_rate_per_s", "connections", "agents_wanted"];
            let found: Vec<_> = names.iter().map(|name| &task[name]).collect();
            assert_eq!(json!(found), expect, "{what}: {task}");
        }
    }
}

#[tokio::test]
async fn tasks_are_listed_with_their_last_run() {
    let server = Server::open().await;
    let (never, done, active) = (
        save(&server, &plan("10")).await,
        save(&server, &plan("10")).await,
        save(&server, &plan("10")).await,
    );
    let first = start(&server, &active).await;
    end(&server, &first, RunState::Failed).await;
    let ended = start(&server, &done).await;
    place(&server, &ended, &["a", "b", "a"]).await;
    end(&server, &ended, RunState::Done).await;
    let running = start(&server, &active).await;
    place(&server, &running, &["a"]).await;
    server.post(&format!("/api/v1/runs/{running}/stop"), None).await;

    let list = server.get("/api/v1/tasks").await.json();
    let last = |id: &str| {
        let tasks = list["tasks"].as_array().unwrap();
        tasks.iter().find(|task| task["id"] == id).unwrap()["last_run"].clone()
    };
    assert_eq!(last(&never), Value::Null);
    let found = last(&done);
    let names = ["id", "state", "verdict", "stopping", "agents", "spark", "t0_unix_us"];
    let shown: Vec<_> = names.iter().map(|name| &found[name]).collect();
    let expect = json!([ended, "done", "valid", null, 2, [1.5, 0.0, 20_000.0], null]);
    assert_eq!(json!(shown), expect, "{found}");
    assert!(found["ended_unix_us"].as_u64() > found["created_unix_us"].as_u64(), "{found}");
    let found = last(&active);
    let shown: Vec<_> = names.iter().map(|name| &found[name]).collect();
    let stopping = "user: stopped by local";
    assert_eq!(json!(shown), json!([running, "pending", null, stopping, 1, [], null]));
    let shown = server.get(&format!("/api/v1/tasks/{done}")).await.json();
    assert_eq!(shown["last_run"], last(&done), "the same where it is shown alone");

    for (query, total) in [
        ("state=never", 1),
        ("state=done", 1),
        ("state=failed", 0),
        ("state=active", 1),
        ("state=active,never", 2),
        ("state=done,active,never", 3),
        ("state=", 3),
        ("state=done&text=heck", 1),
        ("state=done&text=gone", 0),
        ("state=done&owner=eve", 0),
        ("text=127.0.0.1:80", 3),
        ("text=LOCAL", 3),
    ] {
        let list = server.get(&format!("/api/v1/tasks?{query}")).await.json();
        let count = list["tasks"].as_array().unwrap().len();
        assert_eq!((&list["total"], count), (&json!(total), total), "{query}: {list}");
    }
    for query in ["state=gone", "state=Never", "state=done;never", "state=a&state=b"] {
        server.get(&format!("/api/v1/tasks?{query}")).await.error(400, query);
    }
}

#[tokio::test]
async fn runs_are_listed_with_their_shape() {
    let server = Server::open().await;
    let ended = server.run(&plan("10")).await;
    place(&server, &ended, &["a", "b"]).await;
    end(&server, &ended, RunState::Aborted).await;
    let fresh = server.run(&plan("10")).await;
    let runs = server.get("/api/v1/runs").await.json()["runs"].clone();
    for (what, run, id, expect) in [
        ("not placed", &runs[0], &fresh, json!([0, []])),
        ("ended", &runs[1], &ended, json!([2, [1.5, 0.0, 20_000.0]])),
    ] {
        assert_eq!(
            (&run["id"], &json!([run["agents"], run["spark"]])),
            (&json!(id), &expect),
            "{what}"
        );
        let shown = server.get(&format!("/api/v1/runs/{id}")).await.json();
        assert_eq!(json!([shown["agents"], shown["spark"]]), expect, "{what}: {shown}");
        for name in ["rate_now_per_s", "rate_ceiling_per_s"] {
            assert_eq!(shown.get(name), Some(&Value::Null), "{what}: no start, no ceiling");
        }
        assert_eq!(shown["is_paused"], false, "{what}");
    }
}

#[tokio::test]
async fn a_run_says_its_rate_now() {
    let rule = |max_rate: Option<&str>, target: &str| TargetRule {
        max_rate: max_rate.map(str::to_owned),
        ..TargetRule::new(target)
    };
    let targets =
        vec![rule(Some("5k"), "127.0.0.0/8"), rule(Some("2k"), "127.0.0.1"), rule(None, "::1")];
    let server = Server::start(ApiSettings { targets, ..ApiSettings::default() }).await;
    let id = server.running(&plan("10")).await;
    let path = format!("/api/v1/runs/{id}");
    let pace = async || {
        let run = server.get(&path).await.json();
        json!([run["rate_now_per_s"], run["rate_ceiling_per_s"], run["is_paused"]])
    };
    assert_eq!(pace().await, json!([10.0, 2000.0, false]), "as planned, below the lowest ceiling");
    server.post(&format!("{path}/rate"), Some(json!({ "rate": "30" }))).await;
    server.post(&format!("{path}/pause"), None).await;
    assert_eq!(pace().await[2], true, "paused as soon as it is asked for");
    let earlier = |run: &mut RunRecord| run.t0_unix_us = run.t0_unix_us.map(|t0| t0 - 5_000_000);
    server.schedule(&id, earlier).await;
    assert_eq!(pace().await, json!([0.0, 2000.0, true]), "nothing is due");
    server.post(&format!("{path}/resume"), None).await;
    server.schedule(&id, earlier).await;
    assert_eq!(pace().await, json!([30.0, 2000.0, false]), "at the rate that was set");
    server.schedule(&id, |run| run.state = RunState::Done).await;
    assert_eq!(pace().await, json!([null, null, false]), "over");

    let mut closed = plan("10");
    closed["target"]["url"] = json!("http://[::1]:8080/");
    closed["load"] = json!({ "model": "closed", "duration": "60s" });
    let id = server.running(&closed).await;
    server.post(&format!("/api/v1/runs/{id}/pause"), None).await;
    let run = server.get(&format!("/api/v1/runs/{id}")).await.json();
    let found = json!([run["rate_now_per_s"], run["rate_ceiling_per_s"], run["is_paused"]]);
    assert_eq!(found, json!([null, null, true]), "a closed loop has no rate and can pause");
}

#[tokio::test]
async fn data_sets_are_listed() {
    let server = Server::open().await;
    let none = server.get("/api/v1/datasets").await.json();
    assert_eq!(none, json!({ "datasets": [], "total": 0 }));
    for version in 1..=3 {
        let dataset = DatasetRecord {
            name: "users".into(),
            version,
            format: "csv".into(),
            bytes: 10,
            lines: 2,
            sha256: "ab".into(),
            created_unix_us: 9,
            by: "ann".into(),
            agents: Vec::new(),
        };
        server.store.put_dataset(&dataset).await.unwrap();
    }
    server.store.put_dataset_agent("users", 2, "a").await.unwrap();
    let page = server.get("/api/v1/datasets?limit=1&offset=1").await.json();
    let one = json!({
        "name": "users", "version": 2, "format": "csv", "bytes": 10, "lines": 2, "sha256": "ab",
        "created_unix_us": 9, "by": "ann", "agents": ["a"]
    });
    assert_eq!(page, json!({ "datasets": [one], "total": 3 }));
    for query in ["limit=0", "limit=201", "offset=-1", "name=x"] {
        server.get(&format!("/api/v1/datasets?{query}")).await.error(400, query);
    }
}
