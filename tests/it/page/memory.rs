//! The memory of a tab that watches a run: flat, however long it watches.
//!
//! `ACP_PAGE_SECONDS` says for how long; ten minutes are worth a look before a release.

use super::browser::{Browser, browse};
use crate::platform::cluster::wait_for;
use crate::platform::http::request;
use crate::program::{Target, Up};
use serde_json::{Value, json};
use std::time::Duration;

/// What the page keeps after everything that it does not need was given back, in bytes, and how many
/// nodes its document has.
async fn kept(browser: &Browser) -> (u64, u64) {
    let cdp = browser.driver.cdp();
    // What holds on to nodes is found only after what held on to it.
    for _ in 0..3 {
        cdp.send_raw("HeapProfiler.collectGarbage", json!({})).await.unwrap();
    }
    let metrics = cdp.send_raw("Performance.getMetrics", json!({})).await.unwrap();
    let of = |name: &str| {
        let found = metrics["metrics"].as_array().unwrap().iter().find(|one| one["name"] == name);
        found.unwrap()["value"].as_f64().unwrap()
    };
    #[expect(clippy::cast_possible_truncation, reason = "whole numbers")]
    #[expect(clippy::cast_sign_loss, reason = "sizes and counts")]
    let whole = |value: f64| value as u64;
    (whole(of("JSHeapUsedSize")), whole(of("Nodes")))
}

#[test]
fn watching_takes_no_more_memory_as_time_goes_on() {
    let seconds: u64 =
        std::env::var("ACP_PAGE_SECONDS").map_or(45, |text| text.parse().expect("seconds"));
    let folder = tempfile::tempdir().unwrap();
    let up = Up::start(&folder.path().join("data"), &[]);
    let target = Target::start(&["--spin", "off"]);
    let ask = |method: &str, path: &str, body: Option<&Value>| -> Value {
        let (_, text) = request(up.address(), method, &format!("/api/v1{path}"), body).unwrap();
        serde_json::from_str(&text).unwrap()
    };
    let plan = json!({
        "schema": "acp.plan/1", "name": "watched", "target": { "url": target.url },
        "load": { "model": "open", "rate": "200", "duration": "2h", "connections": 4 },
        "agents": { "cores": 1 },
    });
    wait_for("an agent", || {
        (ask("GET", "/agents", None)["agents"][0]["is_registered"] == true).then_some(())
    });
    let task = ask("POST", "/tasks", Some(&json!({ "plan": plan })));
    let run = ask("POST", &format!("/tasks/{}/runs", task["id"].as_str().unwrap()), None);
    browse(async |browser| {
        browser.goto(&format!("{}/#/runs/{}", up.url, run["id"].as_str().unwrap())).await;
        browser
            .text_until("#number-sent", |text| text.contains(|c: char| c.is_ascii_digit()))
            .await;
        browser.driver.cdp().send_raw("Performance.enable", json!({})).await.unwrap();
        // Charts, texts and code have come to their size by then.
        tokio::time::sleep(Duration::from_secs(seconds / 3)).await;
        let (before, nodes_before) = kept(browser).await;
        tokio::time::sleep(Duration::from_secs(seconds - seconds / 3)).await;
        let (after, nodes_after) = kept(browser).await;
        eprintln!(
            "heap after {} s {before} bytes, after {seconds} s {after}; nodes {nodes_before}, {nodes_after}",
            seconds / 3
        );
        let rows = 2 * seconds * 8 * 60;
        assert!(after < before + 1_000_000 + rows, "from {before} to {after} bytes");
        // A table of slow requests may just have been drawn anew.
        assert!(nodes_after < nodes_before + 800, "from {nodes_before} to {nodes_after} nodes");
        browser.click("#stop").await;
        browser.find("#books").await;
    });
}
