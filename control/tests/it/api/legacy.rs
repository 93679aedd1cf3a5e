//! The paths of ACP 1.0, as scripts of old used them.

use super::server::{Server, plan};
use acp_control::store::{Intent, Role, RunState};
use acp_wire::agent::{AgentInfo, ChangeKind, Registration};
use serde_json::{Value, json};

const CREATE: &str = "target=127.0.0.1:8080&qps=100&query_path=/a?b=1&source=&query_type=&option=x";

async fn ask(server: &Server, path: &str) -> Value {
    let got = server.get(path).await;
    assert_eq!(got.status, 200, "{path}: {}", got.text);
    assert_eq!(got.headers["content-type"], "application/json", "{path}");
    got.json()
}

#[tokio::test]
async fn a_task_lives_as_it_did() {
    let server = Server::open().await;
    let made = ask(&server, &format!("/create?{CREATE}")).await;
    assert_eq!((&made["code"], &made["desc"]), (&json!("true"), &json!("")), "{made}");
    let id = made["res"]["taskid"].as_str().unwrap().to_owned();
    let run = server.store.run(&id).await.unwrap().unwrap();
    assert_eq!(run.plan.load.rate.as_deref(), Some("100"), "qps are a total");
    assert_eq!(run.plan.request.path.as_deref(), Some("/a?b=1"));
    let t0 = acp_control::clock::Clock::new().now_unix_us();
    server
        .schedule(&id, |run| {
            run.state = RunState::Running;
            run.t0_unix_us = Some(t0);
        })
        .await;
    let task = ask(&server, &format!("/queryTask?taskid={id}")).await["res"].clone();
    let row = (&task["status"], &task["qps"], &task["target"], &task["option"]);
    assert_eq!(row, (&json!("start"), &json!("100"), &json!("127.0.0.1:8080"), &json!("x")));
    let changed = ask(&server, &format!("/change?taskid={id}&qps=50")).await;
    assert_eq!(changed, json!({ "code": "true", "res": "", "desc": "" }));
    let run = server.store.run(&id).await.unwrap().unwrap();
    assert_eq!(run.changes[0].kind, ChangeKind::Rate("50".into()));
    let list = ask(&server, "/taskList").await["res"].clone();
    assert_eq!((&list[0]["taskid"], &list[0]["qps"]), (&json!(id), &json!("50")), "{list}");
    assert_eq!(list[0]["agentList"], json!([]));
    assert_eq!(ask(&server, &format!("/queryTaskAgent?taskid={id}")).await["res"], json!([]));
    assert_eq!(ask(&server, &format!("/stop?taskid={id}")).await["code"], "true");
    let run = server.store.run(&id).await.unwrap().unwrap();
    assert!(matches!(run.intent, Intent::Stop { .. }));
    server.schedule(&id, |run| run.state = RunState::Aborted).await;
    let task = ask(&server, &format!("/queryTask?taskid={id}")).await["res"].clone();
    assert_eq!((&task["status"], &task["state"]), (&json!("stop"), &json!("aborted")));
    assert_eq!(ask(&server, "/taskList").await["res"], json!([]), "only what runs");
    let audit: Vec<_> = server.audit().await.into_iter().map(|(_, action)| action).collect();
    assert_eq!(audit, ["task.create", "run.start", "run.rate", "run.stop"]);
}

#[tokio::test]
async fn parameters_come_as_query_form_or_json() {
    let server = Server::open().await;
    let post = |kind: Option<&'static str>, body: String| {
        let request = server.request("POST", "/create").body(body);
        match kind {
            Some(kind) => server.send(request.header("content-type", kind)),
            None => server.send(request),
        }
    };
    let json = json!({ "target": "127.0.0.1", "qps": 100 }).to_string();
    for (what, got) in [
        ("a form", post(Some("application/x-www-form-urlencoded"), CREATE.into()).await),
        ("JSON with a number", post(Some("application/json"), json.clone()).await),
        ("JSON that does not say so", post(None, json).await),
        ("a query", server.post(&format!("/create?{CREATE}"), None).await),
    ] {
        assert_eq!(
            (got.status, &got.json()["code"]),
            (200, &json!("true")),
            "{what}: {}",
            got.text
        );
    }
}

#[tokio::test]
async fn what_cannot_be_done_is_answered_as_it_was() {
    let server = Server::open().await;
    let ended = server.run(&plan("10")).await;
    server.schedule(&ended, |run| run.state = RunState::Done).await;
    for (path, part) in [
        ("/create".to_owned(), "`target` is missing"),
        ("/create?target=127.0.0.1".into(), "`qps` is missing"),
        ("/create?target=127.0.0.1&qps=fast".into(), "rate"),
        ("/create?target=10.0.0.1&qps=1".into(), "not allowed"),
        ("/create?target=ftp://127.0.0.1&qps=1".into(), "scheme"),
        ("/create?target=127.0.0.1&qps=1&query_path=a%20b".into(), "path"),
        ("/stop".into(), "`taskid` is missing"),
        ("/stop?taskid=t1".into(), "no run `t1`"),
        ("/change?taskid=t1&qps=1".into(), "no run `t1`"),
        ("/change?taskid=t1".into(), "`qps` is missing"),
        (format!("/change?taskid={ended}&qps=1"), "is done"),
        ("/queryTask?taskid=t1".into(), "no run `t1`"),
        ("/queryTaskAgent".into(), "`taskid` is missing"),
    ] {
        let got = ask(&server, &path).await;
        assert_eq!((&got["code"], &got["res"]), (&json!("false"), &json!("")), "{path}: {got}");
        assert!(got["desc"].as_str().unwrap().contains(part), "{path}: {got}");
    }
    let bad = server.request("POST", "/create").body("{\"target\":");
    assert_eq!(server.send(bad).await.json()["code"], "false");
    let huge = server.request("POST", "/create").body("x".repeat(70_000));
    assert_eq!(server.send(huge).await.json()["code"], "false");
    assert_eq!(server.send(server.request("PUT", "/create")).await.status, 405);
}

#[tokio::test]
async fn roles_hold_here_too() {
    let server = Server::guarded().await;
    let viewer = server.token(Role::Viewer).await;
    for path in [
        "create",
        "stop",
        "change",
        "queryTask",
        "queryTaskAgent",
        "taskList",
        "resource",
        "queryList",
    ] {
        let got = ask(&server, &format!("/{path}?{CREATE}")).await;
        assert_eq!(got["code"], "false", "{path}");
        assert!(got["desc"].as_str().unwrap().contains("login"), "{path}: {got}");
        let request = server.request("GET", &format!("/{path}?{CREATE}")).bearer_auth(&viewer);
        let got = server.send(request).await.json();
        let is_write = matches!(path, "create" | "stop" | "change");
        let is_refused = got["desc"].as_str().unwrap().contains("operator");
        assert_eq!(is_refused, is_write, "{path}: {got}");
    }
}

#[tokio::test]
async fn resources_are_agents() {
    let server = Server::open().await;
    let info =
        AgentInfo { agent: "a:1".into(), host: "h".into(), cores: 4, ..AgentInfo::default() };
    server.direct.register(Registration { info, session: None }).unwrap();
    let got = ask(&server, "/resource").await["res"].clone();
    assert_eq!((&got[0]["host"], &got[0]["resource_num"]), (&json!("h"), &json!(4)), "{got}");
    assert_eq!(ask(&server, "/queryList").await["res"], json!([]));
}
