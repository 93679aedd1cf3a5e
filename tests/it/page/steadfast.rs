//! What a page shows survives whatever happens around it: reloads, a second tab, a control that is
//! killed and comes back.

use super::browser::{Browser, browse};
use super::life::number;
use crate::platform::cluster::{Backing, Cluster};
use serde_json::{Value, json};

fn plan(cluster: &Cluster, name: &str, duration: &str) -> Value {
    json!({
        "schema": "acp.plan/1",
        "name": name,
        "target": { "url": cluster.target.url },
        "load": { "model": "open", "rate": "500", "duration": duration, "connections": 8 },
        "agents": { "cores": 1 }
    })
}

/// Waits until the page has the seconds from the first to one that is at least `last`, none missing.
async fn await_whole_history(browser: &Browser, last: i64) {
    let script = "return document.querySelector('#charts')?.dataset.seconds ?? '';";
    let seconds = browser
        .wait(&format!("second {last}"), async || {
            let seconds = browser.run(script, vec![]).await.as_str()?.to_string();
            let newest: i64 = seconds.rsplit("..").next()?.parse().ok()?;
            (newest >= last).then_some(seconds)
        })
        .await;
    assert!(seconds.starts_with("0..") && !seconds.contains(' '), "the page has `{seconds}`");
}

#[test]
fn a_reload_and_a_second_tab_show_the_whole_history() {
    let cluster = Cluster::start(Backing::embedded(), 1, 1, 2);
    let run = cluster.start_run(&plan(&cluster, "reload", "10m"));
    let url = format!("http://{}/#/runs/{run}", cluster.controls[0].address);
    browse(async |browser| {
        browser.goto(&url).await;
        await_whole_history(browser, 4).await;
        browser.driver.refresh().await.unwrap();
        await_whole_history(browser, 6).await;
        let first = browser.driver.window().await.unwrap();
        let second = browser.driver.new_tab().await.unwrap();
        browser.driver.switch_to_window(second).await.unwrap();
        browser.goto(&url).await;
        await_whole_history(browser, 8).await;
        browser.click("#stop").await;
        browser.find("#books").await;
        browser.driver.switch_to_window(first).await.unwrap();
        // The other tab hears of the end by itself.
        browser.find("#books").await;
    });
    let report = cluster.await_report(&run);
    assert_eq!(report["verdict"]["state"], "aborted");
}

#[test]
fn a_page_comes_back_with_its_control() {
    let mut cluster = Cluster::start(Backing::embedded(), 1, 1, 2);
    let run = cluster.start_run(&plan(&cluster, "restart", "25s"));
    let url = format!("http://{}/#/runs/{run}", cluster.controls[0].address);
    let mut shown = 0.0;
    browse(async |browser| {
        browser.expect("net::ERR_");
        browser.goto(&url).await;
        await_whole_history(browser, 3).await;
        cluster.controls[0].kill();
        browser.text_until("#connection", |text| !text.is_empty()).await;
        cluster.controls[0].restart();
        await_whole_history(browser, 15).await;
        browser.find("#books").await;
        let text = browser.text("#books tr[data-book=sent] td.number").await;
        shown = number(&text).expect(&text);
    });
    let report = cluster.await_report(&run);
    assert_eq!(report["books"]["sent"], 12_500, "{}", report["books"]);
    assert_eq!(shown, 12_500.0);
}
