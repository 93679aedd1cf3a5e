//! A run as columns: what is in them, that a stream goes on from there, and how long a day takes.

use super::server::{Server, plan};
use super::stream;
use crate::long_run::write_long_run;
use acp_control::store::{FrameCommit, RunState, StoredFrame};
use acp_wire::frame::Flags;
use acp_wire::report::Distribution;
use acp_wire::{ErrorClass, Frame};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// What no machine takes that reads frames page by page, and any takes that reads their histograms.
const LIMIT: Duration = Duration::from_secs(60);

fn frame(is_warmup: bool, second: u64, sent: u64) -> StoredFrame {
    let times = Distribution { count: sent, p50: 5, p99: sent, ..Distribution::default() };
    let frame = Frame {
        second,
        sent,
        flags: Flags { warmup: is_warmup, last: false },
        errors: BTreeMap::from([(ErrorClass::Timeout, second)]),
        response_ns: Some(times),
        response_bands: BTreeMap::from([(9, sent)]),
        ..Frame::default()
    };
    StoredFrame { width_s: 1, frame, ..StoredFrame::default() }
}

async fn commit(server: &Server, run: &str, frames: Vec<StoredFrame>) {
    let commit = FrameCommit { run: run.into(), frames, ..FrameCommit::default() };
    server.store.commit_frames(&commit).await.unwrap();
}

/// A run of 20 s behind a warm-up of 2.5 s, which are three seconds.
async fn warmed_up(server: &Server) -> String {
    let mut plan = plan("10");
    plan["load"]["warmup"] = json!("2500ms");
    let id = server.running(&plan).await;
    let warmup = (0..3).map(|second| frame(true, second, 100 + second));
    let measured = (0..20).map(|second| frame(false, second, second));
    commit(server, &id, warmup.chain(measured).collect()).await;
    id
}

#[tokio::test]
async fn a_run_is_shown_in_columns() {
    let server = Server::open().await;
    let id = warmed_up(&server).await;
    let path = format!("/api/v1/runs/{id}/series");
    let whole = server.get(&path).await.json();
    assert_eq!((&whole["run"], &whole["width_s"]), (&json!(id), &json!(1)));
    assert_eq!(whole["second"], json!((-3..20).collect::<Vec<_>>()));
    assert_eq!(whole["sent"].as_array().unwrap()[..5], [100, 101, 102, 0, 1].map(Value::from));
    assert_eq!(whole["response_p99_ns"][3], Value::Null, "nothing was recorded");
    assert_eq!(whole["response_p99_ns"][4], 1);
    assert_eq!(whole["service_p99_ns"][4], Value::Null);
    assert_eq!(whole["errors"]["timeout"][22], 19);
    assert_eq!(whole["bands"][2], json!([9, 102]));
    assert_eq!(whole["status"], json!({}));
    for (query, width_s, second, seconds, sent) in [
        ("?from=18", 1, &[18, 19][..], &[1, 1][..], &[18, 19][..]),
        ("?to=-1", 1, &[-3, -2], &[1, 1], &[100, 101]),
        ("?from=-1&to=2", 1, &[-1, 0, 1], &[1, 1, 1], &[102, 0, 1]),
        ("?points=10", 5, &[-5, 0, 5, 10, 15], &[3, 5, 5, 5, 5], &[303, 10, 35, 60, 85]),
        ("?points=10&from=0&to=12", 2, &[0, 2, 4, 6, 8, 10], &[2; 6], &[1, 5, 9, 13, 17, 21]),
        ("?points=10&from=13&to=16", 1, &[13, 14, 15], &[1; 3], &[13, 14, 15]),
        ("?from=99", 1, &[], &[], &[]),
        ("?to=-99", 1, &[], &[], &[]),
        ("?from=-9223372036854775808&to=-2", 1, &[-3], &[1], &[100]),
        ("?from=19&to=9223372036854775807", 1, &[19], &[1], &[19]),
    ] {
        let found = server.get(&format!("{path}{query}")).await.json();
        assert_eq!(found["width_s"], width_s, "{query}: {found}");
        assert_eq!(found["second"], json!(second), "{query}");
        assert_eq!(found["seconds"], json!(seconds), "{query}");
        assert_eq!(found["sent"], json!(sent), "{query}");
        assert_eq!(found["cursor"], "f23.e0", "{query}");
    }
}

#[tokio::test]
async fn frames_of_many_seconds_are_in_every_range_that_they_reach_into() {
    let server = Server::open().await;
    let mut plan = plan("10");
    plan["load"]["warmup"] = json!("25s");
    let id = server.running(&plan).await;
    let wide =
        |is_warmup, second, sent| StoredFrame { width_s: 10, ..frame(is_warmup, second, sent) };
    let warmup = [0, 10, 20].map(|second| wide(true, second, 100 + second));
    let measured = [0, 10, 20, 30].map(|second| wide(false, second, second + 1));
    commit(&server, &id, [&warmup[..], &measured].concat()).await;
    for (query, width_s, second, sent) in [
        ("from=3&to=8", 10, &[0][..], &[1][..]),
        ("from=9&to=11", 10, &[0, 10], &[1, 11]),
        ("from=10&to=20", 10, &[10], &[11]),
        ("from=39", 10, &[30], &[31]),
        ("from=40", 10, &[], &[]),
        ("from=0&to=1", 10, &[0], &[1]),
        ("from=-5&to=0", 10, &[-10], &[120]),
        ("from=-6&to=-5", 10, &[-20], &[110]),
        ("from=-6", 10, &[-20, -10, 0, 10, 20, 30], &[110, 120, 1, 11, 21, 31]),
        ("to=-24", 10, &[-30], &[100]),
        ("from=-1&to=1", 10, &[-10, 0], &[120, 1]),
        ("from=9223372036854775807", 10, &[], &[]),
    ] {
        let found = server.get(&format!("/api/v1/runs/{id}/series?{query}")).await.json();
        assert_eq!(found["width_s"], width_s, "{query}: {found}");
        assert_eq!(found["second"], json!(second), "{query}");
        assert_eq!(found["sent"], json!(sent), "{query}");
    }
}

#[tokio::test]
async fn bad_questions_are_refused() {
    let server = Server::open().await;
    let id = server.run(&plan("10")).await;
    let none = server.get(&format!("/api/v1/runs/{id}/series")).await.json();
    assert_eq!((&none["cursor"], &none["second"]), (&json!("f0.e0"), &json!([])));
    for (query, part) in [
        ("points=9", "from 10 to 20000"),
        ("points=20001", "from 10 to 20000"),
        ("points=many", "points"),
        ("points=-1", "points"),
        ("from=5&to=5", "before to"),
        ("from=5&to=-5", "before to"),
        ("from=1.5", "from"),
        ("to=99999999999999999999", "to"),
        ("form=5", "form"),
    ] {
        let got = server.get(&format!("/api/v1/runs/{id}/series?{query}")).await;
        let message = got.error(400, query);
        assert!(message.contains(part), "{query}: {message}");
    }
    server.get("/api/v1/runs/nothing/series").await.error(404, "there is no such run");
    for (query, part) in [
        ("?after=x", "after"),
        ("?after=f-1.e0", "after"),
        ("?after=f1", "after"),
        ("?before=f1.e0", "before"),
    ] {
        let got = server.get(&format!("/api/v1/runs/{id}/events{query}")).await;
        let message = got.error(400, query);
        assert!(message.contains(part), "{query}: {message}");
    }
    let both = server.request("GET", &format!("/api/v1/runs/{id}/events?after=f0.e0"));
    let got = server.send(both.header("last-event-id", "x")).await;
    assert!(got.error(400, "the header wins").contains("Last-Event-ID"));
}

#[tokio::test]
async fn a_stream_goes_on_from_the_series() {
    let server = Server::open().await;
    let id = warmed_up(&server).await;
    stream::event(&server, &id, "seen").await;
    let series = server.get(&format!("/api/v1/runs/{id}/series")).await.json();
    assert_eq!(
        (&series["cursor"], &series["events"][0]["text"]),
        (&json!("f23.e1"), &json!("seen"))
    );
    // One second more, and a late part of one before: it comes again.
    commit(&server, &id, vec![frame(false, 20, 5), frame(false, 3, 7)]).await;
    stream::event(&server, &id, "new").await;
    server.schedule(&id, |run| run.state = RunState::Done).await;
    let cursor = series["cursor"].as_str().unwrap();
    let path = format!("/api/v1/runs/{id}/events?after={cursor}");
    for (what, header, expected) in [
        ("after the series", None, &[20, 3][..]),
        ("an empty header is none", Some(""), &[20, 3]),
        ("the header wins", Some("f24.e2"), &[3]),
    ] {
        let mut request = server.request("GET", &path);
        if let Some(header) = header {
            request = request.header("last-event-id", header);
        }
        let messages = stream::read_from(request, |_| false).await;
        assert_eq!(stream::seconds(&messages), expected, "{what}");
    }
    let again = server.get(&format!("/api/v1/runs/{id}/series")).await.json();
    assert_eq!((&again["cursor"], &again["sent"][6]), (&json!("f25.e2"), &json!(7)));
}

#[tokio::test]
async fn many_series_at_once_take_turns() {
    let server = Server::open().await;
    let id = warmed_up(&server).await;
    let path = format!("/api/v1/runs/{id}/series");
    let all = futures_util::future::join_all((0..16).map(|_| server.get(&path))).await;
    assert!(all.iter().all(|got| got.status == 200 && got.text == all[0].text), "{all:?}");
}

/// Columns of a long run against its report, in rows of several widths; how long each took.
async fn check_long_run(seconds: u64) {
    let server = Server::open().await;
    let start = Instant::now();
    let long = write_long_run(server.folder(), "long", 10, seconds).await;
    println!("{seconds} s written in {:?}", start.elapsed());
    assert!(long.report.books.balanced && long.report.verdict.reasons.is_empty());
    assert_eq!(long.report.books.planned, 1_000 * seconds);
    let path = format!("/api/v1/runs/{}/series", long.run);
    for points in [10, 3_600, 20_000] {
        let start = Instant::now();
        let got = server.get(&format!("{path}?points={points}")).await;
        let took = start.elapsed();
        println!("{seconds} s in {points} points: {took:?}, {} bytes", got.text.len());
        assert!(took < LIMIT, "{took:?}");
        let found = got.json();
        let second: Vec<_> =
            found["second"].as_array().unwrap().iter().map(Value::as_i64).collect();
        let sum = |column: &Value| -> u64 {
            let rows = column.as_array().unwrap().iter().zip(&second);
            rows.filter(|(_, at)| at.unwrap() >= 0).map(|(count, _)| count.as_u64().unwrap()).sum()
        };
        assert_eq!(sum(&found["sent"]), long.report.books.sent);
        assert_eq!(sum(&found["completed"]), long.report.books.completed);
        assert_eq!(sum(&found["seconds"]), seconds);
        assert_eq!(sum(&found["status"]["304"]), long.report.status[&304]);
        let timeouts = long.report.books.errors.get(&ErrorClass::Timeout).copied();
        assert_eq!(sum(&found["errors"]["timeout"]), timeouts.unwrap_or(0));
        let banded: u64 = (found["bands"].as_array().unwrap().iter().zip(&second))
            .filter(|(_, at)| at.unwrap() >= 0)
            .flat_map(|(row, _)| row.as_array().unwrap().iter().skip(1).step_by(2))
            .map(|count| count.as_u64().unwrap())
            .sum();
        assert_eq!(banded, long.report.latency.response_ns.count);
        let highest = found["response_max_ns"].as_array().unwrap().iter().map(Value::as_u64).max();
        assert_eq!(highest.flatten(), Some(long.report.latency.response_ns.max));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hours_are_columns_at_once() {
    check_long_run(7_200).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "writes for minutes; `--run-ignored all` says how long a day takes to read"]
async fn a_day_is_columns_at_once() {
    check_long_run(86_400).await;
}
