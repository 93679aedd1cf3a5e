//! What may be loaded is checked when a task is saved, when it starts, and when its rate changes.

use super::server::{Server, plan};
use acp_control::api::{ApiStartError, App};
use acp_control::auth::TargetRule;
use acp_control::settings::ApiSettings;
use acp_control::store::{RunState, TaskRecord};
use serde_json::{Value, json};

fn settings(targets: &[TargetRule]) -> ApiSettings {
    ApiSettings { targets: targets.to_vec(), ..ApiSettings::default() }
}

fn to(url: &str) -> Value {
    let mut plan = plan("10");
    plan["target"]["url"] = json!(url);
    plan
}

#[tokio::test]
async fn names_that_lead_elsewhere_are_refused() {
    let named = [TargetRule::new("localhost"), TargetRule::new("*.invalid")];
    let server = Server::start(settings(&named)).await;
    for (url, status, part) in [
        ("http://localhost:8080/", 403, "resolves to"),
        ("http://127.0.0.1:8080/", 403, "not allowed"),
        ("http://[::1]:8080/", 403, "not allowed"),
        ("http://169.254.169.254/", 403, "not allowed"),
        ("http://2130706433/", 403, "resolves to"),
        ("http://shop.invalid/", 422, "cannot be resolved"),
    ] {
        let got = server.post("/api/v1/tasks", Some(json!({ "plan": to(url) }))).await;
        let message = got.error(status, url);
        assert!(message.contains(part), "{url}: {message}");
    }
}

#[tokio::test]
async fn a_run_connects_to_the_addresses_that_were_looked_at() {
    let server = Server::open().await;
    let with = |url: &str, connect_to: &[&str]| {
        let mut plan = to(url);
        plan["target"]["connect_to"] = json!(connect_to);
        plan
    };
    for (what, plan, expected) in [
        ("a name", with("http://127.1:8080/", &[]), &["127.0.0.1:8080"][..]),
        ("an address", with("http://127.0.0.1:8080/", &[]), &[]),
        ("given", with("http://127.1:8080/", &["127.0.0.2:80"]), &["127.0.0.2:80"]),
    ] {
        let id = server.running(&plan).await;
        let run = server.store.run(&id).await.unwrap().unwrap();
        assert_eq!(run.plan.target.connect_to, expected, "{what}");
        assert_eq!(run.plan.target.url, plan["target"]["url"], "{what}: so is the Host header");
        assert_eq!(run.plan_hash, acp_control::api::plan_hash(&run.plan), "{what}");
        let rate = format!("/api/v1/runs/{id}/rate");
        let got = server.post(&rate, Some(json!({ "rate": "5" }))).await;
        assert_eq!(got.status, 200, "{what}: {}", got.text);
    }
}

#[tokio::test]
async fn a_task_that_was_good_once_is_checked_again() {
    let server = Server::open().await;
    let mut task = TaskRecord { id: "01OLD".into(), name: "old".into(), ..TaskRecord::default() };
    task.plan = serde_json::from_value(to("http://10.0.0.1/")).unwrap();
    server.store.create_task(&task).await.unwrap();
    server.post("/api/v1/tasks/01OLD/runs", None).await.error(403, "it is not allowed now");
    assert_eq!(server.get("/api/v1/runs").await.json()["total"], 0);
    assert!(server.audit().await.is_empty(), "nothing was done");
}

#[tokio::test]
async fn the_ceiling_is_for_all_runs_together() {
    let capped = TargetRule { max_rate: Some("100".into()), ..TargetRule::new("127.0.0.0/8") };
    let server = Server::start(settings(&[capped])).await;
    let body = |rate: &str| Some(json!({ "plan": plan(rate) }));
    server.post("/api/v1/tasks", body("101")).await.error(422, "above it alone");
    let mut closed = plan("10");
    closed["load"] = json!({ "model": "closed" });
    let closed = Some(json!({ "plan": closed }));
    server.post("/api/v1/tasks", closed).await.error(422, "a closed loop has no rate");
    let first = server.running(&plan("60")).await;
    let task = server.post("/api/v1/tasks", body("60")).await.json();
    let start = format!("/api/v1/tasks/{}/runs", task["id"].as_str().unwrap());
    let message = server.post(&start, None).await.error(422, "60 and 60 are above 100");
    assert!(message.contains("ceiling of 100") && message.contains("60"), "{message}");
    let rate = |run: &str| format!("/api/v1/runs/{run}/rate");
    let to = |rate: &str| Some(json!({ "rate": rate }));
    server.post(&rate(&first), to("101")).await.error(422, "above it alone");
    assert_eq!(server.post(&rate(&first), to("40")).await.status, 200);
    assert_eq!(server.post(&start, None).await.status, 201, "40 and 60 are not");
    server.post(&rate(&first), to("41")).await.error(422, "41 and 60 are");
    server.schedule(&first, |run| run.state = RunState::Done).await;
    server.post(&start, None).await.error(422, "60 and 60, the first has ended");
}

#[tokio::test]
async fn bad_settings_do_not_start() {
    let open = Server::open().await;
    for (what, settings, part) in [
        (
            "not loopback, no login",
            ApiSettings { listen: "0.0.0.0:7700".parse().unwrap(), ..ApiSettings::default() },
            "not a loopback address",
        ),
        (
            "a login, and none for agents",
            ApiSettings { auth: true, ..ApiSettings::default() },
            "agents have no token",
        ),
        (
            "a token that can be guessed",
            toml::from_str("agent_token = \"secret\"").unwrap(),
            "shorter",
        ),
        ("a bad target", settings(&[TargetRule::new("10.0.0.0/99")]), "bad target"),
    ] {
        let parts = open.parts(settings);
        match App::new(parts) {
            Ok(_) => panic!("{what} has started"),
            Err(error) => assert!(error.to_string().contains(part), "{what}: {error}"),
        }
    }
}

#[tokio::test]
async fn a_socket_that_others_reach_is_not_served_without_a_login() {
    let open = Server::open().await;
    let app = App::new(open.parts(ApiSettings::default())).map_err(|_| ()).unwrap();
    let listener = tokio::net::TcpListener::bind("0.0.0.0:0").await.unwrap();
    let result = acp_control::api::serve(listener, app).await;
    assert!(matches!(result, Err(ApiStartError::Bind(_))), "{result:?}");
}

#[test]
fn settings_are_read_and_typing_mistakes_are_not() {
    let text = "listen = \"127.0.0.1:1\"\nauth = true\nagent_token = \"0123456789abcdef\"\n\
        [[targets]]\ntarget = \"*.shop.example\"\nports = [80]\nmax_rate = \"50k\"\n";
    let settings: ApiSettings = toml::from_str(text).unwrap();
    assert_eq!(settings.targets[0].ports, [80]);
    assert_eq!(settings.session_hours, ApiSettings::default().session_hours);
    for text in ["listen = 1", "listen = \"here\"", "[[targets]]\nport = 1", "auth = \"yes\""] {
        assert!(toml::from_str::<ApiSettings>(text).is_err(), "{text}");
    }
}
