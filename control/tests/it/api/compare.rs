//! Runs side by side: what differs, and whether by more than noise.

use super::server::{Server, plan};
use acp_control::store::{FrameCommit, StoredFrame};
use acp_report::{Facts, Series, Sum, assemble};
use acp_wire::report::Run;
use acp_wire::{Frame, Report};
use serde_json::{Value, json};

/// A second of a run: responses of 1 to 2 ms, or so many times as long.
fn second(second: u64, slowdown: u64) -> Frame {
    let mut histogram = acp_report::new_histogram();
    for step in 0..100 {
        // A pattern that is not the same in every second, and never far off.
        let offset_ns = (step * 7_919 + second * 104_729) % 1_000_000;
        histogram.record((1_000_000 + offset_ns) * slowdown).unwrap();
    }
    let mut frame = Frame { second, planned: 100, sent: 100, completed: 100, ..Frame::default() };
    frame.cost.cpu_user_us = 2_000;
    frame.response_ns = Some(acp_report::summary(&histogram));
    frame.histograms.response = acp_report::encode(&histogram);
    frame.histograms.service = acp_report::encode(&histogram);
    frame
}

/// A run that has ended, with its frames and its report.
async fn ended(server: &Server, rate: &str, seconds: u64, slowdown: u64) -> String {
    let id = server.run(&plan(rate)).await;
    let frames: Vec<_> = (0..seconds).map(|number| second(number, slowdown)).collect();
    server.store.put_report(&id, &report(&id, &plan(rate), &frames)).await.unwrap();
    let stored = |frame| StoredFrame { run: id.clone(), number: 0, width_s: 1, frame };
    let frames = frames.into_iter().map(stored).collect();
    let commit = FrameCommit { run: id.clone(), frames, ..FrameCommit::default() };
    server.store.commit_frames(&commit).await.unwrap();
    id
}

fn report(id: &str, plan: &Value, frames: &[Frame]) -> Report {
    let (mut sum, mut series) = (Sum::new(), Series::default());
    for frame in frames {
        sum.add_next_frame(frame).unwrap();
        series.push(frame);
    }
    let duration_us = frames.len() as u64 * 1_000_000;
    let run = Run { id: id.into(), name: "checkout".into(), duration_us, ..Run::default() };
    let facts = Facts { run, elapsed_us: duration_us, ..Facts::default() };
    let plan = acp_plan::compile(&serde_json::from_value(plan.clone()).unwrap()).unwrap();
    assemble(&plan, &sum, series, facts)
}

async fn compared(server: &Server, query: &str) -> Value {
    let got = server.get(&format!("/api/v1/compare?{query}")).await;
    assert_eq!(got.status, 200, "{query}: {}", got.text);
    got.json()
}

fn judged<'a>(comparison: &'a Value, name: &str) -> &'a Value {
    let rows = comparison["judged"].as_array().unwrap();
    rows.iter().find(|row| row["name"] == name).unwrap_or_else(|| panic!("{name}: {comparison}"))
}

#[tokio::test]
async fn runs_are_beside_the_first() {
    let server = Server::open().await;
    // More seconds than are read at once.
    let a = ended(&server, "100", 250, 1).await;
    let b = ended(&server, "100", 60, 2).await;
    let c = ended(&server, "200", 30, 1).await;
    let found = compared(&server, &format!("a={a}&b={b}&c={c}")).await;
    let row = judged(&found, "response_ns.p99");
    assert_eq!((&row["unit"], &row["better"]), (&json!("ns"), &json!("lower")));
    assert_eq!(row["values"].as_array().unwrap().len(), 3);
    assert_eq!(row["differences"][0], Value::Null, "the baseline");
    let slower = &row["differences"][1];
    assert_eq!(slower["judgement"], "worse", "{slower}");
    let number = |name: &str| slower[name].as_f64().unwrap();
    assert!((number("ratio") - 2.0).abs() < 0.05, "{slower}");
    assert!(number("low") > 1.9 && number("high") < 2.1, "{slower}");
    assert!(number("difference") > 1_900_000.0, "{slower}");
    assert_eq!(row["differences"][2]["judgement"], "same", "{row}");
    for name in ["completed_per_s", "errors_ratio", "cpu_us_per_request"] {
        assert_eq!(judged(&found, name)["differences"][1]["judgement"], "same", "{name}");
    }
    // Every response is in the blocks: nothing is said about missing ones.
    assert_eq!(found["warnings"], json!(["the plans are not the same"]));
    assert_eq!(found["plan"], json!([{ "name": "load.rate", "values": ["100", "100", "200"] }]));
    assert_eq!(found["environment"], json!([]));
    let runs = &found["runs"];
    assert_eq!((&runs[0]["run"], &runs[1]["run"]), (&json!(a), &json!(b)));
    assert_eq!((&runs[0]["blocks"], &runs[2]["blocks"]), (&json!(32), &json!(30)));
    assert_eq!(
        (&runs[0]["verdict"], &runs[1]["duration_us"]),
        (&json!("valid"), &json!(60_000_000))
    );
    let sent = found["numbers"].as_array().unwrap();
    let sent = sent.iter().find(|row| row["name"] == "books.sent").unwrap();
    assert_eq!(sent["values"], json!([25_000.0, 6_000.0, 3_000.0]));
    let curve = found["curves"][1]["points"].as_array().unwrap();
    assert_eq!((&curve[0][0], &curve[curve.len() - 1][0]), (&json!(0.0), &json!(1.0)));
    let rates = &found["rates"][0];
    assert_eq!(rates["second"].as_array().unwrap().len(), 250);
    assert_eq!((&rates["width_s"], &rates["completed_per_s"][7]), (&json!(1), &json!(100.0)));
    assert!(rates["response_p99_ns"][7].as_u64().unwrap() > 1_900_000);
}

#[tokio::test]
async fn the_same_run_twice_is_the_same() {
    let server = Server::open().await;
    for seconds in [5, 60] {
        let id = ended(&server, "100", seconds, 1).await;
        let same = compared(&server, &format!("a={id}&b={id}&c={id}&d={id}")).await;
        for row in same["judged"].as_array().unwrap() {
            for difference in &row["differences"].as_array().unwrap()[1..] {
                let found = (&difference["judgement"], &difference["difference"]);
                assert_eq!(found, (&json!("same"), &json!(0.0)), "{row}");
            }
        }
        assert_eq!((&same["plan"], &same["environment"]), (&json!([]), &json!([])));
    }
}

#[tokio::test]
async fn what_cannot_be_compared_is_refused() {
    let server = Server::open().await;
    let good = ended(&server, "100", 12, 1).await;
    let pending = server.run(&plan("100")).await;
    for (what, query, status) in [
        ("one run", format!("a={good}"), 400),
        ("d and no c", format!("a={good}&b={good}&d={good}"), 400),
        ("five runs", format!("a={good}&b={good}&c={good}&d={good}&e={good}"), 400),
        ("a run twice in the query", format!("a={good}&a={good}&b={good}"), 400),
        ("no such run", format!("a={good}&b=01NOTHING"), 404),
        ("no such third run", format!("a={good}&b={good}&c=01NOTHING"), 404),
        ("no report of the second", format!("a={good}&b={pending}"), 409),
        ("no report of the fourth", format!("a={good}&b={good}&c={good}&d={pending}"), 409),
    ] {
        server.get(&format!("/api/v1/compare?{query}")).await.error(status, what);
    }
    // Those that were refused have given back their turns.
    compared(&server, &format!("a={good}&b={good}")).await;
}

#[tokio::test]
async fn a_run_without_frames_is_compared_by_its_report() {
    let server = Server::open().await;
    let a = ended(&server, "100", 60, 1).await;
    let b = server.run(&plan("100")).await;
    let frames: Vec<_> = (0..60).map(|number| second(number, 2)).collect();
    server.store.put_report(&b, &report(&b, &plan("100"), &frames)).await.unwrap();
    let found = compared(&server, &format!("a={a}&b={b}")).await;
    let difference = &judged(&found, "response_ns.p99")["differences"][1];
    let ends = (&difference["low"], &difference["high"], &difference["judgement"]);
    assert_eq!(ends, (&Value::Null, &Value::Null, &json!("no_decision")));
    assert!((difference["ratio"].as_f64().unwrap() - 2.0).abs() < 0.05, "{difference}");
    assert_eq!(found["rates"][1]["second"].as_array().unwrap().len(), 60, "from its series");
    let warnings = found["warnings"].to_string();
    assert!(warnings.contains(&format!("run `{b}` has 0 responses")), "{warnings}");
}

#[tokio::test]
async fn many_comparisons_at_once_take_turns() {
    let server = Server::open().await;
    let (a, b) = (ended(&server, "100", 60, 1).await, ended(&server, "100", 60, 2).await);
    let path = format!("/api/v1/compare?a={a}&b={b}");
    let all = futures_util::future::join_all((0..8).map(|_| server.get(&path))).await;
    assert!(all.iter().all(|got| got.status == 200), "{all:?}");
    assert!(all.iter().all(|got| got.text == all[0].text), "the same every time");
}
