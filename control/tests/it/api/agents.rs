//! Agents at the API: they register, poll, send; people drain and remove them.

use super::server::{AGENT_TOKEN, Server, plan};
use acp_control::auth::hash_hex;
use acp_control::store::Role;
use acp_coord::{AgentSide as _, ControlSide as _, DirectAgent, DirectAgentOptions};
use acp_wire::agent::{AgentInfo, Assignment, FrameBatch, PartFrames, Status};
use acp_wire::{Frame, Plan};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use std::io::Write as _;
use std::time::Duration;

fn info(agent: &str) -> AgentInfo {
    AgentInfo {
        agent: agent.into(),
        host: "h".into(),
        version: "1".into(),
        cores: 2,
        protocols: vec!["http".into()],
        ..AgentInfo::default()
    }
}

fn agent(server: &Server) -> DirectAgent {
    let options = DirectAgentOptions {
        controls: vec![server.url.clone()],
        token: Some(AGENT_TOKEN.into()),
        patience: Duration::from_secs(5),
    };
    DirectAgent::new(options).unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn an_agent_registers_gets_its_assignment_and_leaves() {
    let server = Server::guarded().await;
    let agent = agent(&server);
    let mut session = agent.register(&info("a:1")).await.unwrap();
    let mut membership = server.direct.membership();
    membership.wait_for(|now| now.agents.contains_key("a:1")).await.unwrap();
    let assignment = Assignment { epoch: 5, revision: 1, ..Assignment::default() };
    server.direct.assign(5, &[("a:1".into(), assignment)]).await.unwrap();
    let arrived = session.assignment.wait_for(Option::is_some);
    let arrived = tokio::time::timeout(Duration::from_secs(60), arrived).await.unwrap().unwrap();
    assert_eq!(arrived.as_ref().unwrap().revision, 1);
    drop(arrived);
    let other = AgentInfo { host: "other".into(), ..info("a:1") };
    let refused = self::agent(&server).register(&other).await;
    let error = refused.expect_err("the name is taken").to_string();
    assert!(error.contains("registered already"), "{error}");
    let path = "/agent/v1/register";
    let bad = json!({ "info": info("no good") });
    let got = server.send(server.request("POST", path).bearer_auth(AGENT_TOKEN).json(&bad)).await;
    got.error(422, "a bad name");
    agent.deregister().await.unwrap();
    membership.wait_for(|now| now.agents.is_empty()).await.unwrap();
}

#[tokio::test]
async fn plans_are_served_as_they_were_hashed() {
    let server = Server::guarded().await;
    let admin = server.token(Role::Admin).await;
    let task = server.request("POST", "/api/v1/tasks").bearer_auth(&admin);
    let task = server.send(task.json(&json!({ "plan": plan("10") }))).await.json();
    let start = format!("/api/v1/tasks/{}/runs", task["id"].as_str().unwrap());
    let run = server.send(server.request("POST", &start).bearer_auth(&admin)).await.json();
    let id = run["id"].as_str().unwrap();
    let record = server.store.run(id).await.unwrap().unwrap();
    let path = format!("/agent/v1/plans/{}", record.plan_hash);
    let got = server.send(server.request("GET", &path).bearer_auth(AGENT_TOKEN)).await;
    assert_eq!(hash_hex(&got.text), record.plan_hash);
    assert_eq!(serde_json::from_str::<Plan>(&got.text).unwrap(), record.plan);
    let path = format!("/agent/v1/runs/{id}/changes");
    let got = server.send(server.request("GET", &path).bearer_auth(AGENT_TOKEN)).await;
    assert_eq!(got.json(), json!([]));
}

#[tokio::test]
async fn frames_are_taken_up_to_their_limit() {
    let server = Server::guarded().await;
    let frame = Frame { second: 3, ..Frame::default() };
    let part = PartFrames { part: "r.0".into(), run: "r".into(), frames: vec![frame] };
    let batch = FrameBatch { agent: "a:1".into(), epoch: 9, parts: vec![part] };
    let bytes = serde_json::to_vec(&batch).unwrap();
    // Blanks around JSON are JSON: a large body, and one that is larger only once it is unpacked.
    let padded = |length: usize| [bytes.clone(), vec![b' '; length - bytes.len()]].concat();
    let limit = 32 << 20;
    let bad_name =
        serde_json::to_vec(&FrameBatch { agent: "a b".into(), ..batch.clone() }).unwrap();
    for (what, encoding, body, status) in [
        ("plain", None, bytes.clone(), 200),
        ("packed", Some("gzip"), gzip(&bytes), 200),
        ("2 MiB", None, padded(2 << 20), 200),
        ("packed, at the limit", Some("gzip"), gzip(&padded(limit)), 200),
        ("packed, above it", Some("gzip"), gzip(&padded(limit + 1)), 413),
        ("not packed", Some("gzip"), bytes.clone(), 400),
        ("cut off", Some("gzip"), gzip(&bytes)[..20].to_vec(), 400),
        ("another encoding", Some("br"), bytes.clone(), 415),
        ("a bad name", None, bad_name, 422),
    ] {
        let mut request = server.request("POST", "/agent/v1/frames").bearer_auth(AGENT_TOKEN);
        request = request.header("content-type", "application/json");
        if let Some(encoding) = encoding {
            request = request.header("content-encoding", encoding);
        }
        let got = server.send(request.body(body)).await;
        assert_eq!(got.status, status, "{what}: {}", got.text);
        if status == 200 {
            let answer = got.json();
            assert_eq!((&answer["lease_us"], &answer["epoch"]), (&json!(7), &json!(9)), "{what}");
        } else {
            got.error(status, what);
        }
    }
    let taken = server.desk.batches.lock().unwrap().clone();
    assert_eq!(taken, vec![batch; 4]);
    let admin = server.token(Role::Viewer).await;
    let metrics = server.send(server.request("GET", "/metrics").bearer_auth(admin)).await;
    assert!(metrics.text.contains("acp_frames_taken_total 4"), "{}", metrics.text);
}

async fn shown(server: &Server) -> Value {
    server.get("/api/v1/agents").await.json()["agents"].clone()
}

#[tokio::test]
async fn agents_are_shown_drained_and_removed() {
    let server = Server::open().await;
    let agent = agent(&server);
    agent.register(&info("a:1")).await.unwrap();
    let mut status = Status { info: info("a:1"), cores_free: 1, ..Status::default() };
    status.clock_offset_us = Some(60_000);
    status.host = Some(acp_wire::agent::HostSample {
        cpu_busy_ratio: Some(0.25),
        ..acp_wire::agent::HostSample::default()
    });
    let said = serde_json::to_value(&status).unwrap();
    assert_eq!(server.post("/agent/v1/status", Some(said)).await.json()["lease_us"], 8);
    let row = shown(&server).await[0].clone();
    assert_eq!((&row["agent"], &row["cores_free"]), (&json!("a:1"), &json!(1)), "{row}");
    assert_eq!((&row["is_registered"], &row["is_clock_wrong"]), (&json!(true), &json!(true)));
    let metrics = server.get("/metrics").await.text;
    let line = "acp_agent_host_cpu_busy_ratio{agent=\"a:1\"} 0.25";
    assert!(metrics.contains(line) && metrics.ends_with("# EOF\n"), "{metrics}");
    assert!(!metrics.contains("load_1m{"), "what nobody knows is left out: {metrics}");
    let act = |what: &str| {
        let path = format!("/api/v1/agents/a:1/{what}");
        let server = &server;
        async move { server.post(&path, None).await }
    };
    for what in ["drain", "enable", "remove"] {
        let blank = server.post(&format!("/api/v1/agents/a:1%20/{what}"), None).await;
        blank.error(404, &format!("{what} with a blank behind the name"));
    }
    assert_eq!(act("drain").await.status, 204);
    assert_eq!(shown(&server).await[0]["is_enabled"], false);
    assert_eq!(act("enable").await.status, 204);
    assert_eq!(shown(&server).await[0]["is_enabled"], true);
    act("remove").await.error(409, "it is registered");
    let host = server.get("/api/v1/agents/a:1/host").await;
    assert_eq!((host.status, host.json()), (200, json!({ "samples": [] })));
    agent.deregister().await.unwrap();
    let mut membership = server.direct.membership();
    membership.wait_for(|now| now.agents.is_empty()).await.unwrap();
    assert_eq!(shown(&server).await[0]["is_registered"], false);
    assert_eq!(act("remove").await.status, 204);
    assert_eq!(shown(&server).await, json!([]));
    act("remove").await.error(404, "it is gone");
    let audit: Vec<_> = server.audit().await.into_iter().map(|(_, action)| action).collect();
    assert_eq!(audit, ["agent.drain", "agent.enable", "agent.remove"]);
}

#[tokio::test]
async fn the_cluster_is_shown() {
    let server = Server::open().await;
    let agent = agent(&server);
    agent.register(&info("a:1")).await.unwrap();
    let cluster = server.get("/api/v1/cluster").await.json();
    let row = (&cluster["is_leader"], &cluster["epoch"], &cluster["agents"]);
    assert_eq!(row, (&json!(true), &json!(5), &json!({ "1": 1 })), "{cluster}");
    let root = server.get("/api/v1/cluster/tree").await;
    assert_eq!(root.json()["children"], json!(["v1"]), "{}", root.text);
    assert_eq!(server.get("/readyz").await.status, 200);
    server.direct.leave().await;
    let mut membership = server.direct.membership();
    membership.wait_for(|now| !now.is_current).await.unwrap();
    server.get("/readyz").await.error(503, "the coordinator is gone");
    assert_eq!(server.get("/healthz").await.status, 200, "but it lives");
    let cluster = server.get("/api/v1/cluster").await.json();
    assert_eq!((&cluster["is_current"], &cluster["is_leader"]), (&json!(false), &json!(false)));
    agent.deregister().await.unwrap();
}
