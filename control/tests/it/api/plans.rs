//! What is said about a plan before it is saved or started.

use super::server::{AGENT_TOKEN, Server, plan};
use acp_control::auth::TargetRule;
use acp_control::settings::ApiSettings;
use acp_control::store::{CalibrationRecord, Role};
use acp_coord::{AgentSide as _, ControlSide as _, DirectAgent, DirectAgentOptions};
use acp_wire::agent::AgentInfo;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

const PATH: &str = "/api/v1/plans/check";

/// Registers an agent with so many cores; it is there as long as what is returned.
async fn agent(server: &Server, name: &str, cores: u32, labels: &[(&str, &str)]) -> DirectAgent {
    let options = DirectAgentOptions {
        controls: vec![server.url.clone()],
        token: Some(AGENT_TOKEN.into()),
        patience: Duration::from_secs(60),
    };
    let agent = DirectAgent::new(options).unwrap();
    let labels = labels.iter().map(|(name, value)| ((*name).into(), (*value).into()));
    let info = AgentInfo {
        agent: name.into(),
        host: "h".into(),
        version: "1".into(),
        cores,
        protocols: vec!["http".into()],
        labels: labels.collect::<BTreeMap<_, _>>(),
        ..AgentInfo::default()
    };
    agent.register(&info).await.unwrap();
    let mut membership = server.direct.membership();
    membership.wait_for(|now| now.agents.contains_key(name)).await.unwrap();
    agent
}

/// The plan of the tests with other fields.
fn with(fields: &[(&str, Value)]) -> Value {
    let mut plan = plan("10");
    for (place, value) in fields {
        let at = place.split('.').fold(&mut plan, |at, name| &mut at[name]);
        *at = value.clone();
    }
    plan
}

async fn check(server: &Server, body: Value) -> Value {
    let got = server.post(PATH, Some(body)).await;
    assert_eq!(got.status, 200, "{}", got.text);
    got.json()
}

async fn check_plan(server: &Server, plan: Value) -> Value {
    check(server, json!({ "plan": plan })).await
}

fn states(answer: &Value) -> Vec<(&str, &str)> {
    let checks = answer["checks"].as_array().unwrap().iter();
    checks.map(|it| (it["name"].as_str().unwrap(), it["state"].as_str().unwrap())).collect()
}

/// State and text of one check, with its hint.
fn one<'a>(answer: &'a Value, name: &str) -> (&'a str, String) {
    let checks = answer["checks"].as_array().unwrap();
    let found = checks.iter().find(|check| check["name"] == name).unwrap();
    (found["state"].as_str().unwrap(), format!("{}|{}", found["text"], found["hint"]))
}

fn places(answer: &Value) -> Vec<&str> {
    let problems = answer["problems"].as_array().unwrap().iter();
    problems.map(|problem| problem["place"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_good_plan_is_described() {
    let server = Server::open().await;
    let _agent = agent(&server, "a", 4, &[]).await;
    let _other = agent(&server, "b", 2, &[]).await;
    let fields = [("load.rate", json!("30k")), ("load.warmup", json!("5s"))];
    let answer = check_plan(&server, with(&fields)).await;
    assert_eq!((&answer["is_good"], &answer["problems"]), (&json!(true), &json!([])));
    assert_eq!(answer["model"], "open");
    assert_eq!(answer["slots"], 1_800_000);
    assert_eq!(answer["peak_rate_per_s"], 30_000.0);
    assert_eq!(answer["duration_us"], 60_000_000);
    assert_eq!(answer["warmup_us"], 5_000_000);
    assert_eq!(
        answer["sentence"],
        "2 agents, 2 cores, 30k/s for 1 m, after 5 s of warm-up, 1.8 M requests to 127.0.0.1:8080"
    );
    let rate = 30_000.0;
    assert_eq!(answer["schedule"], json!([[-5.0, rate], [0.0, rate], [60.0, rate]]));
    assert_eq!(answer["placement"], json!({ "agents": 2, "cores": 2, "cores_free": 6 }));
    let good = ["target", "agents", "ports", "sockets", "data"].map(|name| (name, "good"));
    assert_eq!(states(&answer), good);
    assert_eq!(answer["plan"]["load"]["backlog"], 65_536, "with its defaults");
    let text = answer["toml"].as_str().unwrap();
    assert!(!text.contains("backlog"), "without them: {text}");
    let again = check(&server, json!({ "toml": text })).await;
    assert_eq!(again, answer, "as TOML it is the same");
}

#[tokio::test]
async fn what_can_be_saved_is_good_and_nothing_else() {
    let server = Server::open().await;
    for (what, name, is_good) in [
        ("no name: the target is it", String::new(), true),
        ("as long as may be", "é".repeat(200), true),
        ("longer", "x".repeat(201), false),
        ("long in blanks", " ".repeat(201), false),
    ] {
        let plan = with(&[("name", json!(name))]);
        let answer = check_plan(&server, plan.clone()).await;
        let expected = if is_good { vec![] } else { vec!["name"] };
        assert_eq!((&answer["is_good"], places(&answer)), (&json!(is_good), expected), "{what}");
        assert_eq!(answer["slots"], 600, "{what}: the rest is looked at");
        let saved = server.post("/api/v1/tasks", Some(json!({ "plan": plan }))).await;
        assert_eq!(saved.status, if is_good { 201 } else { 422 }, "{what}: {}", saved.text);
    }
}

#[tokio::test]
async fn as_many_problems_are_told_as_somebody_reads() {
    let server = Server::open().await;
    let long = with(&[
        ("load", json!({ "model": "open", "profile": "const(1,1s)".repeat(80_000) })),
        ("expect.status", json!(vec!["ok"; 15])),
        ("stop.slo", json!(vec!["p99"; 10_000])),
    ]);
    let all = futures_util::future::join_all((0..6).map(|_| check_plan(&server, long.clone())));
    for answer in all.await {
        let places = places(&answer);
        assert_eq!(places.len(), 16 + 16, "{places:?}");
        assert_eq!((places[14], places[15]), ("expect.status[14]", "load.profile"));
        assert_eq!((places[16], places[31]), ("stop.slo[0]", "stop.slo[15]"));
        assert_eq!(answer["is_good"], false);
    }
}

#[tokio::test]
async fn schedules_are_drawn() {
    let server = Server::open().await;
    for (what, load, model, expected) in [
        (
            "steps",
            json!({ "model": "open", "profile": "step(10,20,10,5s) line(20,0,5s)", "warmup": "1s" }),
            "open",
            json!([[-1.0, 10.0], [0.0, 10.0], [5.0, 10.0], [5.0, 20.0], [10.0, 20.0], [15.0, 0.0]]),
        ),
        ("closed", json!({ "requests": 100, "warmup": "1s" }), "closed", json!([])),
    ] {
        let answer = check_plan(&server, with(&[("load", load)])).await;
        assert_eq!(answer["schedule"], expected, "{what}");
        assert_eq!(answer["model"], model, "{what}");
        assert_eq!(answer["warmup_us"], 1_000_000, "{what}");
        assert_eq!(answer["peak_rate_per_s"].is_null(), model == "closed", "{what}");
    }
    let timed = check_plan(&server, with(&[("load", json!({ "duration": "5s" }))])).await;
    assert_eq!((&timed["slots"], &timed["duration_us"]), (&Value::Null, &json!(5_000_000)));
    let sentence = timed["sentence"].as_str().unwrap();
    assert!(sentence.starts_with("64 connections as fast as responses come for 5 s"), "{sentence}");
}

#[tokio::test]
async fn every_problem_has_its_place() {
    let server = Server::open().await;
    for (what, fields, expected) in [
        (
            "many at once",
            vec![
                ("load.rate", json!("fast")),
                ("load.duration", json!("5y")),
                ("connection", json!({ "timeout": "0s" })),
                ("stop", json!({ "slo": ["p99<1s", "p99"], "abort_on": ["errors"] })),
                ("target.url", json!("http://10.0.0.1/")),
            ],
            vec![
                "connection.timeout",
                "load.rate",
                "load.duration",
                "stop.abort_on[0]",
                "stop.slo[1]",
                "target.url",
            ],
        ),
        (
            "not allowed",
            vec![("target.connect_to", json!(["127.0.0.1:1", "10.0.0.1:1"]))],
            vec!["target.connect_to[1]"],
        ),
        ("no name", vec![("target.url", json!("http://shop.invalid/"))], vec!["target.url"]),
        ("no file", vec![("source", json!({}))], vec!["source.file"]),
        ("a data set", vec![("source", json!({ "dataset": "a@1" }))], vec!["source.dataset"]),
        ("a typing mistake", vec![("load.raet", json!("5"))], vec!["load.raet"]),
        ("a wrong type", vec![("stop", json!({ "slo": [5] }))], vec!["stop.slo[0]"]),
    ] {
        let answer = check_plan(&server, with(&fields)).await;
        assert_eq!(places(&answer), expected, "{what}");
        assert_eq!(answer["is_good"], false, "{what}");
        let sentence = answer["sentence"].as_str().unwrap();
        assert!(sentence.starts_with("cannot be run: "), "{what}: {sentence}");
        assert_eq!(states(&answer).len(), 5, "{what}");
    }
}

#[tokio::test]
async fn what_has_no_problem_is_filled_in_all_the_same() {
    let server = Server::open().await;
    let _agent = agent(&server, "a", 4, &[]).await;
    let source = json!({ "file": "x", "dataset": "a@1" });
    let fields = [("target.url", json!("http://10.0.0.1/")), ("source", source)];
    let answer = check_plan(&server, with(&fields)).await;
    assert_eq!((&answer["slots"], &answer["schedule"][1]), (&json!(600), &json!([60.0, 10.0])));
    assert_eq!(answer["placement"]["cores"], 1);
    assert_eq!(answer["plan"]["source"]["file"], "x", "as it was given");
    assert!(answer["toml"].as_str().unwrap().contains("[source]"));
    let (bad, good) = ("bad", "good");
    let expected =
        [("target", bad), ("agents", good), ("ports", good), ("sockets", good), ("data", bad)];
    assert_eq!(states(&answer), expected);
    let answer = check_plan(&server, with(&[("load.rate", json!("fast"))])).await;
    assert_eq!((&answer["slots"], &answer["schedule"]), (&Value::Null, &json!([])));
    assert_eq!(answer["model"], "open");
    assert_eq!(answer["placement"], Value::Null);
    assert_eq!(one(&answer, "target").0, "good");
    assert_eq!(one(&answer, "agents").0, "unknown");
}

#[tokio::test]
async fn what_does_nothing_or_is_not_found_on_agents_is_warned_of() {
    let server = Server::open().await;
    let _agent = agent(&server, "a", 4, &[]).await;
    let tls = |fields: Value| vec![("target.url", json!("https://127.0.0.1/")), ("tls", fields)];
    let pem = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n";
    for (what, fields, name, state, parts) in [
        ("nothing", vec![], "target", "good", vec!["is allowed"]),
        (
            "names again and again",
            vec![("target.dns", json!("1s"))],
            "target",
            "warning",
            vec!["is allowed", "target.dns changes nothing"],
        ),
        ("no file", vec![], "data", "good", vec!["none is needed"]),
        (
            "a file of agents",
            vec![("source", json!({ "file": "/q" }))],
            "data",
            "unknown",
            vec!["agents look for `/q`"],
        ),
        (
            "a relative one",
            vec![("source", json!({ "file": "q" }))],
            "data",
            "warning",
            vec!["`q` is looked for in the folder of the run"],
        ),
        (
            "an authority",
            tls(json!({ "cacert": "ca.pem" })),
            "data",
            "warning",
            vec!["`ca.pem` is"],
        ),
        ("its text", tls(json!({ "cacert": pem })), "data", "good", vec!["none is needed"]),
        (
            "an identity",
            tls(json!({ "cert": "c.pem", "key": "k.pem" })),
            "data",
            "warning",
            vec!["`c.pem`, `k.pem` are looked for"],
        ),
        (
            "half of it from the root",
            tls(json!({ "cert": "/c.pem", "key": "k.pem" })),
            "data",
            "warning",
            vec!["`k.pem` is looked for"],
        ),
        (
            "all of it from the root",
            tls(json!({ "cert": "/c.pem", "key": "/k.pem" })),
            "data",
            "unknown",
            vec!["agents look for `/c.pem`, `/k.pem`"],
        ),
    ] {
        let answer = check_plan(&server, with(&fields)).await;
        assert_eq!(answer["is_good"], true, "{what}: it can be saved");
        let (found, text) = one(&answer, name);
        assert_eq!(found, state, "{what}: {text}");
        assert!(parts.iter().all(|part| text.contains(part)), "{what}: {text}");
    }
}

#[tokio::test]
async fn a_text_that_cannot_be_read_has_a_line() {
    let server = Server::open().await;
    let head = "schema = \"acp.plan/1\"\n[target]\nurl = \"http://127.0.0.1/\"\n";
    for (what, text, place) in [
        ("nothing", String::new(), "toml:1:1"),
        ("broken", format!("{head}x ="), "toml:4:4"),
        ("a typing mistake", format!("{head}[load]\nraet = \"5\"\n"), "toml:5:1"),
        ("a wrong type", format!("{head}[load]\nrate = 5\n"), "toml:5:8"),
        ("JSON", "{\"schema\":\"acp.plan/1\"}".into(), "toml:1:1"),
    ] {
        let answer = check(&server, json!({ "toml": text })).await;
        assert_eq!(places(&answer), [place], "{what}: {answer}");
        let unread = (&answer["is_good"], &answer["plan"], &answer["toml"], &answer["model"]);
        let expected = (&json!(false), &Value::Null, &json!(""), &Value::Null);
        assert_eq!(unread, expected, "{what}");
        assert!(states(&answer).iter().all(|(_, state)| *state == "unknown"), "{what}");
    }
    let answer = check(&server, json!({ "toml": format!("{head}[load]\nrate = \"5\"\n") })).await;
    assert_eq!(places(&answer), ["load.rate"], "it can be read, and not be run");
    assert!(answer["toml"].as_str().unwrap().contains("rate = \"5\""));
}

#[tokio::test]
async fn one_of_the_two_is_needed() {
    let server = Server::open().await;
    for body in [
        json!({}),
        json!({ "plan": plan("10"), "toml": "" }),
        json!({ "plan": plan("10"), "x": 1 }),
        json!({ "x": 1 }),
        json!({ "plan": 5 }),
        json!({ "plan": null }),
        json!({ "toml": 5 }),
        json!({ "toml": {} }),
    ] {
        let got = server.post(PATH, Some(body.clone())).await;
        got.error(400, &body.to_string());
        let hint = got.json()["error"]["hint"].clone();
        assert_eq!(hint, "send one of `plan` and `toml`", "{body}");
    }
}

#[tokio::test]
async fn whoever_only_looks_does_not_ask() {
    let server = Server::guarded().await;
    let token = server.token(Role::Viewer).await;
    for body in [json!({ "plan": plan("10") }), json!({ "toml": "" }), json!({})] {
        let request = server.request("POST", PATH).bearer_auth(&token).json(&body);
        server.send(request).await.error(403, &body.to_string());
    }
}

#[tokio::test]
async fn agents_are_chosen_as_the_scheduler_would() {
    let server = Server::open().await;
    let answer = check_plan(&server, plan("10")).await;
    let (state, text) = one(&answer, "agents");
    assert_eq!((state, &answer["placement"]), ("bad", &Value::Null), "{text}");
    assert!(text.contains("no agent is there") && text.contains("acp agent"), "{text}");
    assert_eq!(answer["is_good"], true, "it can be saved");

    let _east = agent(&server, "east", 4, &[("zone", "east")]).await;
    let _west = agent(&server, "west", 2, &[("zone", "west")]).await;
    let known = CalibrationRecord {
        agent: "east".into(),
        protocol: "http".into(),
        rate_per_core: 1000.0,
        at_unix_us: 1,
    };
    server.store.put_calibration(&known).await.unwrap();
    let agents = |fields: Value| ("agents", fields);
    let zone = |zone: &str| json!({ "zone": zone });
    for (what, rate, fields, state, placement) in [
        ("by the rate", "10", json!({}), "good", Some((1, 1, 6))),
        ("by what a core is known to do", "4k", json!({}), "good", Some((2, 4, 6))),
        ("as many as asked", "10", json!({ "cores": 6 }), "good", Some((2, 6, 6))),
        ("too many", "10", json!({ "cores": 7 }), "bad", None),
        ("too fast", "100k", json!({}), "bad", None),
        ("labels", "10", json!({ "cores": 2, "labels": zone("west") }), "good", Some((1, 2, 2))),
        ("too many with labels", "10", json!({ "cores": 3, "labels": zone("west") }), "bad", None),
        ("labels of nobody", "10", json!({ "labels": zone("north") }), "bad", None),
        ("one of each", "10", json!({ "per_agent_max": 1 }), "good", Some((1, 1, 2))),
    ] {
        let plan = with(&[("load.rate", json!(rate)), agents(fields)]);
        let answer = check_plan(&server, plan).await;
        let found = one(&answer, "agents");
        assert_eq!(found.0, state, "{what}: {found:?}");
        let expected = placement.map_or(
            Value::Null,
            |(agents, cores, free)| json!({ "agents": agents, "cores": cores, "cores_free": free }),
        );
        assert_eq!(answer["placement"], expected, "{what}: {found:?}");
    }

    let drained = server.post("/api/v1/agents/east/drain", None).await;
    assert_eq!(drained.status, 204, "{}", drained.text);
    let answer = check_plan(&server, plan("10")).await;
    assert_eq!(answer["placement"]["cores_free"], 2, "one is drained");
    let asked = with(&[agents(json!({ "cores": 2 }))]);
    server.run(&asked).await;
    let answer = check_plan(&server, plan("10")).await;
    let found = one(&answer, "agents");
    assert_eq!(found.0, "bad", "a run that waits will have them: {found:?}");
}

#[tokio::test]
async fn fewer_connections_than_cores_are_told() {
    let server = Server::open().await;
    let _agent = agent(&server, "a", 4, &[]).await;
    let fields = [("load.connections", json!(2)), ("agents", json!({ "cores": 4 }))];
    let answer = check_plan(&server, with(&fields)).await;
    assert_eq!(one(&answer, "sockets").0, "warning");
    assert_eq!(answer["placement"]["cores"], 2);
    let fields = [("load.rate", json!("5k")), ("connection", json!({ "keep_alive": false }))];
    let answer = check_plan(&server, with(&fields)).await;
    let (state, text) = one(&answer, "ports");
    assert_eq!(state, "warning", "{text}");
    assert!(text.contains("28,232") && text.contains("keep_alive"), "{text}");
}

#[tokio::test]
async fn the_ceiling_counts_what_others_use() {
    let capped = TargetRule { max_rate: Some("100".into()), ..TargetRule::new("127.0.0.0/8") };
    let settings = ApiSettings { targets: vec![capped], ..ApiSettings::default() };
    let server = Server::start(settings).await;
    let answer = check_plan(&server, plan("101")).await;
    assert_eq!((places(&answer), one(&answer, "target").0), (vec!["load.rate"], "bad"));
    assert_eq!(answer["slots"], 6060, "the schedule is good");
    let closed = check_plan(&server, with(&[("load", json!({ "model": "closed" }))])).await;
    assert_eq!((places(&closed), one(&closed, "target").0), (vec!["load.model"], "bad"));
    let answer = check_plan(&server, plan("60")).await;
    let (state, text) = one(&answer, "target");
    assert_eq!(state, "good");
    assert!(text.contains("at most 100/s"), "{text}");
    let run = server.running(&plan("60")).await;
    let answer = check_plan(&server, plan("60")).await;
    let (state, text) = one(&answer, "target");
    assert_eq!((state, &answer["is_good"]), ("bad", &json!(true)), "not now: {text}");
    assert!(text.contains("60 of which others use"), "{text}");
    let answer = check_plan(&server, plan("40")).await;
    let (state, text) = one(&answer, "target");
    assert_eq!(state, "good");
    assert!(text.contains("40/s of the 100/s"), "{text}");
    server.post(&format!("/api/v1/runs/{run}/stop"), None).await;
    let ended = acp_control::store::RunState::Aborted;
    server.schedule(&run, |run| run.state = ended).await;
    let answer = check_plan(&server, plan("60")).await;
    assert_eq!(one(&answer, "target").0, "good", "the other has ended");
}
