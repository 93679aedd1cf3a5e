//! Tasks and runs: saved, started, steered, reported.

use super::server::{Server, plan};
use acp_control::api::plan_hash;
use acp_control::store::{FrameCommit, Intent, RunState, StoredFrame};
use acp_wire::agent::ChangeKind;
use acp_wire::frame::Flags;
use acp_wire::{Frame, Report};
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn a_task_is_saved_changed_cloned_and_deleted() {
    let server = Server::open().await;
    let made = server.post("/api/v1/tasks", Some(json!({ "plan": plan("10") }))).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/tasks/{id}");
    assert_eq!(server.get(&path).await.json()["plan"]["load"]["rate"], "10");
    let put = server.request("PUT", &path).json(&json!({ "plan": plan("20") }));
    assert_eq!(server.send(put).await.json()["plan"]["load"]["rate"], "20");
    let copy = server.post(&format!("{path}/clone"), None).await;
    assert_eq!((copy.status, &copy.json()["plan"]["load"]["rate"]), (201, &json!("20")));
    for (query, total) in
        [("", 2), ("?text=heck", 2), ("?owner=local", 2), ("?text=%25", 0), ("?owner=eve", 0)]
    {
        let list = server.get(&format!("/api/v1/tasks{query}")).await.json();
        assert_eq!(list["total"], total, "{query}: {list}");
    }
    let one = server.get("/api/v1/tasks?limit=1&offset=1").await.json();
    assert_eq!((one["tasks"].as_array().unwrap().len(), &one["total"]), (1, &json!(2)));
    assert_eq!(server.send(server.request("DELETE", &path)).await.status, 204);
    server.get(&path).await.error(404, "it is deleted");
    server.send(server.request("DELETE", &path)).await.error(404, "it is deleted already");
    server.post(&format!("{path}/runs"), None).await.error(404, "and cannot be started");
    let done = ["task.create", "task.update", "task.clone", "task.delete"];
    let expected: Vec<_> = done.iter().map(|what| ("local".to_owned(), what.to_string())).collect();
    assert_eq!(server.audit().await, expected);
}

#[tokio::test]
async fn plans_that_cannot_be_run_are_not_saved() {
    let server = Server::open().await;
    let with = |edit: &dyn Fn(&mut Value)| {
        let mut plan = plan("10");
        edit(&mut plan);
        plan
    };
    for (what, plan, status, part) in [
        ("no rate", with(&|plan| plan["load"]["rate"] = Value::Null), 422, "needs a rate"),
        ("a bad rate", plan("fast"), 422, "rate"),
        ("another schema", with(&|plan| plan["schema"] = json!("acp.plan/9")), 422, "acp.plan/1"),
        ("a typing mistake", with(&|plan| plan["lod"] = json!(1)), 422, "lod"),
        ("TLS of plain HTTP", with(&|plan| plan["tls"] = json!({ "sni": "a" })), 422, "tls.sni"),
        (
            "another host",
            with(&|plan| plan["target"]["url"] = json!("http://10.0.0.1/")),
            403,
            "10.0.0.1",
        ),
        (
            "a limit without a window",
            with(&|plan| plan["stop"] = json!({ "abort_on": ["errors>5%"] })),
            422,
            "over how long",
        ),
        (
            "a limit of nothing",
            with(&|plan| {
                plan["stop"] = json!({ "abort_on": ["rate<9 over 1s", "luck<1 over 1s"] })
            }),
            422,
            "luck",
        ),
        (
            "a goal with a window",
            with(&|plan| plan["stop"] = json!({ "slo": ["p99<1s over 5s"] })),
            422,
            "whole run",
        ),
        (
            "a goal without a number",
            with(&|plan| plan["stop"] = json!({ "slo": ["p99<fast"] })),
            422,
            "p99<fast",
        ),
        ("a long name", with(&|plan| plan["name"] = json!("x".repeat(201))), 422, "name"),
    ] {
        let got = server.post("/api/v1/tasks", Some(json!({ "plan": plan }))).await;
        let message = got.error(status, what);
        assert!(message.contains(part), "{what}: {message}");
        let check = server.post("/api/v1/plans/check", Some(json!({ "plan": plan }))).await;
        assert_eq!((check.status, &check.json()["is_good"]), (200, &json!(false)), "{what}");
        if what.contains("limit") || what.contains("goal") {
            let hint = &check.json()["problems"][0]["hint"];
            assert!(hint.as_str().is_some_and(|hint| hint.contains("p99")), "{what}: {hint}");
            assert_eq!(&got.json()["error"]["hint"], hint, "{what}");
        }
    }
    assert_eq!(server.get("/api/v1/tasks").await.json()["total"], 0);
    assert!(server.audit().await.is_empty());
    let check =
        server.post("/api/v1/plans/check", Some(json!({ "plan": plan("10") }))).await.json();
    assert_eq!(check["sentence"], "10/s for 1 m, 600 requests to 127.0.0.1:8080");
    let numbers = (&check["slots"], &check["peak_rate_per_s"], &check["duration_us"]);
    assert_eq!(numbers, (&json!(600), &json!(10.0), &json!(60_000_000)));
}

#[tokio::test]
async fn a_run_is_started_steered_and_stopped() {
    let server = Server::open().await;
    let id = server.run(&plan("10")).await;
    let woken = tokio::time::timeout(Duration::from_secs(30), server.nudge.notified());
    woken.await.expect("the scheduler is woken");
    let record = server.store.run(&id).await.unwrap().unwrap();
    assert_eq!(record.plan_hash, plan_hash(&record.plan));
    let path = |what: &str| format!("/api/v1/runs/{id}/{what}");
    let rate = |rate: &str| Some(json!({ "rate": rate }));
    server.post(&path("pause"), None).await.error(409, "a pending run is not paused");
    let t0 = acp_control::clock::Clock::new().now_unix_us();
    server
        .schedule(&id, |run| {
            run.state = RunState::Running;
            run.t0_unix_us = Some(t0);
        })
        .await;
    for (what, body, status) in [
        ("resume", None, 409),
        ("rate", rate("20"), 200),
        ("pause", None, 200),
        ("pause", None, 409),
        ("rate", rate("30"), 200),
        ("resume", None, 200),
        ("resume", None, 409),
        ("rate", rate("fast"), 422),
        ("rate", rate("max"), 422),
        ("rate", rate("2G"), 422),
        ("stop", None, 200),
        ("stop", None, 200),
        ("rate", rate("40"), 409),
        ("pause", None, 409),
    ] {
        let got = server.post(&path(what), body.clone()).await;
        assert_eq!(got.status, status, "{what} {body:?}: {}", got.text);
    }
    let run = server.store.run(&id).await.unwrap().unwrap();
    let kinds: Vec<_> = run.changes.iter().map(|change| change.kind.clone()).collect();
    let rate = |rate: &str| ChangeKind::Rate(rate.into());
    assert_eq!(kinds, [rate("20"), ChangeKind::Pause, rate("30"), ChangeKind::Resume]);
    assert_eq!(run.changes.iter().map(|change| change.number).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert!(run.changes.is_sorted_by_key(|change| change.at_us), "{:?}", run.changes);
    assert!(run.changes[0].at_us >= 1_000_000, "a second from now on: {:?}", run.changes);
    assert_eq!(run.intent, Intent::Stop { kind: "user".into(), reason: "stopped by local".into() });
    let events = server.store.events_after(&id, 0, 100).await.unwrap();
    let kinds: Vec<_> =
        events.iter().map(|event| (event.kind.as_str(), event.by.as_str())).collect();
    let expected = ["rate", "pause", "rate", "resume", "stop"].map(|kind| (kind, "local"));
    assert_eq!(kinds, expected);
    let audit: Vec<_> = server.audit().await.into_iter().map(|(_, action)| action).collect();
    let expected = ["task.create", "run.start", "run.rate", "run.pause", "run.rate", "run.resume"];
    assert_eq!(audit[..6], expected);
    assert_eq!(audit[6..], ["run.stop"], "the second stop changes nothing");
}

#[tokio::test]
async fn changes_at_once_are_all_kept() {
    let server = Server::open().await;
    let id = server.running(&plan("10")).await;
    let path = format!("/api/v1/runs/{id}/rate");
    let body = |rate: u32| Some(json!({ "rate": rate.to_string() }));
    let all = (1..=8).map(|rate| server.post(&path, body(rate)));
    for got in futures_util::future::join_all(all).await {
        assert_eq!(got.status, 200, "{}", got.text);
    }
    let run = server.store.run(&id).await.unwrap().unwrap();
    let numbers: Vec<_> = run.changes.iter().map(|change| change.number).collect();
    assert_eq!(numbers, (1..=8).collect::<Vec<_>>());
}

#[tokio::test]
async fn stop_all_stops_what_has_not_ended() {
    let server = Server::open().await;
    let (a, b) = (server.run(&plan("10")).await, server.running(&plan("10")).await);
    let ended = server.run(&plan("10")).await;
    server.schedule(&ended, |run| run.state = RunState::Done).await;
    let answer = server.post("/api/v1/stop-all", None).await.json();
    assert_eq!(answer, json!({ "stopped": [a, b], "failed": [] }));
    let again = server.post("/api/v1/stop-all", None).await.json();
    assert_eq!(again["stopped"], json!([]));
    let ended = server.store.run(&ended).await.unwrap().unwrap();
    assert_eq!(ended.intent, Intent::Run);
}

fn frame(run: &str, second: u64, sent: u64) -> StoredFrame {
    let flags = Flags::default();
    let frame = Frame { second, sent, planned: sent, completed: sent, flags, ..Frame::default() };
    StoredFrame { run: run.into(), number: 0, width_s: 1, frame }
}

#[tokio::test]
async fn a_run_shows_where_it_is() {
    let server = Server::open().await;
    let id = server.running(&plan("10")).await;
    let path = format!("/api/v1/runs/{id}");
    let commit = |frames| {
        let commit = FrameCommit { run: id.clone(), frames, ..FrameCommit::default() };
        let store = server.store.clone();
        async move { store.commit_frames(&commit).await.unwrap() }
    };
    assert_eq!(server.get(&path).await.json()["live"]["sent"], 0);
    commit(vec![frame(&id, 0, 10), frame(&id, 1, 12)]).await;
    let live = server.get(&path).await.json()["live"].clone();
    assert_eq!((&live["sent"], &live["sent_per_s"]), (&json!(22), &json!(12.0)), "{live}");
    commit(vec![frame(&id, 1, 15), frame(&id, 2, 9)]).await;
    let live = server.get(&path).await.json()["live"].clone();
    assert_eq!((&live["sent"], &live["second"]), (&json!(34), &json!(2)), "{live}");
    let frames = server.get(&format!("{path}/frames?after=2&limit=1")).await.json();
    assert_eq!(frames["frames"].as_array().unwrap().len(), 1, "{frames}");
    let metrics = server.get("/metrics").await;
    let line = format!("acp_run_sent_per_second{{run=\"{id}\",name=\"checkout\"}} 9");
    assert!(metrics.text.contains(&line), "{}", metrics.text);
    server.schedule(&id, |run| run.state = RunState::Done).await;
    assert_eq!(server.get(&path).await.json()["live"], Value::Null);
    for (query, total) in [("", 1), ("?state=done", 1), ("?state=active", 0), ("?task=x", 0)] {
        let list = server.get(&format!("/api/v1/runs{query}")).await.json();
        assert_eq!(list["total"], total, "{query}");
    }
}

/// A name that would be a script where it is taken for HTML.
const EVIL: &str = "</script><script>alert(1)</script>";

#[tokio::test]
async fn reports_come_in_every_format() {
    let server = Server::open().await;
    let id = server.run(&plan("10")).await;
    let path = format!("/api/v1/runs/{id}/report");
    let message = server.get(&path).await.error(409, "no report yet");
    assert!(message.contains("pending"), "{message}");
    let mut histogram = acp_report::new_histogram();
    histogram.record_n(5_000_000, 10).unwrap();
    let mut report = Report { schema: acp_wire::REPORT_SCHEMA.into(), ..Report::default() };
    report.run.id.clone_from(&id);
    report.run.name = EVIL.into();
    report.series = vec![Frame::default()];
    report.books.sent = 10;
    report.latency.response_ns = acp_report::summary(&histogram);
    report.histograms.response = acp_report::encode(&histogram);
    report.series = vec![Frame { second: 7, sent: 10, ..Frame::default() }];
    server.store.put_report(&id, &report).await.unwrap();
    for (format, kind, part) in [
        ("", "application/json", "\"acp.report/1\""),
        ("?format=json", "application/json", "\"acp.report/1\""),
        ("?format=csv", "text/csv; charset=utf-8", "second"),
        ("?format=hdr", "text/plain; charset=utf-8", "#[Max     =     5.0"),
        ("?format=text", "text/plain; charset=utf-8", "Verdict: valid"),
        ("?format=junit", "application/xml", "<testcase classname=\"acp\" name=\"verdict\""),
        ("?format=markdown", "text/markdown; charset=utf-8", "**Verdict: ✅ valid**"),
    ] {
        let got = server.get(&format!("{path}{format}")).await;
        assert_eq!((got.status, got.headers["content-type"].to_str().unwrap()), (200, kind));
        assert!(got.text.contains(part), "{format}: {}", got.text);
        assert!(!got.headers.contains_key("content-disposition"), "{format} is shown");
    }
    for (query, suffix) in [
        ("?download=true", "json"),
        ("?format=csv&download=true", "csv"),
        ("?format=hdr&download=true", "hdr"),
        ("?format=text&download=true", "txt"),
        ("?format=junit&download=true", "xml"),
        ("?format=markdown&download=true", "md"),
        ("?format=html", "html"),
        ("?format=html&download=false", "html"),
    ] {
        let got = server.get(&format!("{path}{query}")).await;
        let expected = format!("attachment; filename=\"acp-{id}.{suffix}\"");
        assert_eq!(got.headers["content-disposition"], *expected, "{query}");
    }
    let file = server.get(&format!("{path}?format=html")).await;
    assert_eq!(file.headers["content-type"], "text/html; charset=utf-8");
    assert!(!file.text.contains(EVIL), "the name of a plan is text");
    for part in [&format!("\"id\": \"{id}\""), "\"second\":[7]", "\\u003c/script>"] {
        assert!(file.text.contains(part), "`{part}`");
    }
    for (query, length) in [("", 1), ("?series=true", 1), ("?series=false", 0)] {
        let found = server.get(&format!("{path}{query}")).await.json();
        assert_eq!(found["series"].as_array().unwrap().len(), length, "{query}");
        assert_eq!(found["books"]["sent"], 10, "{query}");
    }
    let csv = server.get(&format!("{path}?format=csv&series=false")).await;
    assert!(csv.text.contains("\n7,"), "the series is all that it is: {}", csv.text);
    server.get(&format!("{path}?series=no")).await.error(400, "neither true nor false");
}
