//! The life of a test in the page: created by form, started, steered, stopped, read, downloaded,
//! cloned, compared. What the target has received is asked of the target.

use super::browser::{Browser, browse};
use crate::platform::http::request;
use crate::program::{Target, Up};
use serde_json::Value;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use thirtyfour::prelude::*;

/// Fills in the form of a new task, which is shown.
pub(crate) async fn fill_in(browser: &Browser, name: &str, url: &str, rate: &str, duration: &str) {
    for (field, value) in [
        ("#plan-target-url", url),
        ("#plan-name", name),
        ("#plan-load-rate", rate),
        ("#plan-load-duration", duration),
        ("#plan-load-connections", "16"),
    ] {
        browser.enter(field, value).await;
    }
}

/// The id of the run whose page is shown.
pub(crate) async fn run_of_page(browser: &Browser) -> String {
    browser
        .wait("the page of a run", async || {
            let url = browser.driver.current_url().await.ok()?.to_string();
            Some(url.split_once("#/runs/")?.1.to_string())
        })
        .await
}

/// A number of the page without its unit and separators: `1,234/s` is 1234, `1.5k/s` is 1500.
pub(crate) fn number(text: &str) -> Option<f64> {
    let text = text.trim().replace([',', ' '], "");
    let text = text.split("/s").next()?;
    let digits = text.trim_end_matches(|c: char| c.is_alphabetic());
    let unit = match &text[digits.len()..] {
        "" => 1.0,
        "k" => 1e3,
        "M" => 1e6,
        _ => return None,
    };
    digits.parse::<f64>().ok().map(|value| value * unit)
}

/// Waits until the target gets so many requests a second by its own count.
async fn await_rate(browser: &Browser, target: &Target, low: u64, high: u64) {
    browser
        .wait(&format!("{low} to {high} requests a second at the target"), async || {
            let (before, started) = (target.requests(), Instant::now());
            tokio::time::sleep(Duration::from_secs(1)).await;
            let rate = (target.requests() - before) as f64 / started.elapsed().as_secs_f64();
            (rate >= low as f64 && rate <= high as f64).then_some(())
        })
        .await;
}

/// Waits until the target gets nothing for half a second, and says how long that took.
pub(crate) async fn await_silence(browser: &Browser, target: &Target) -> Duration {
    let started = Instant::now();
    browser
        .wait("a silent target", async || {
            let (before, began) = (target.requests(), started.elapsed());
            tokio::time::sleep(Duration::from_millis(500)).await;
            (target.requests() == before).then_some(began)
        })
        .await
}

fn api(up: &Up, path: &str) -> Value {
    let (status, text) =
        request(up.address(), "GET", &format!("/api/v1{path}"), None).expect("control answers");
    assert_eq!(status, 200, "{path}: {text}");
    serde_json::from_str(&text).unwrap()
}

#[test]
fn a_test_from_its_form_to_its_comparison() {
    let folder = tempfile::tempdir().unwrap();
    let up = Up::start(&folder.path().join("data"), &[]);
    let target = Target::start(&[]);
    browse(async |browser| {
        browser.goto(&up.url).await;
        browser.click("#task-first").await;
        fill_in(browser, "checkout", &target.url, "1k", "10m").await;
        browser.text_until("#sentence", |text| text.contains("10 m") && text.contains("600")).await;
        browser.click("#start").await;
        let run = run_of_page(browser).await;
        numbers_move(browser, &up, &run).await;
        steer(browser, &target).await;

        browser.click("#stop").await;
        let took = await_silence(browser, &target).await;
        eprintln!("silent {took:?} after the click on Stop");
        assert!(took < Duration::from_secs(2), "silent only {took:?} after the click on Stop");
        browser.find("#books").await;
        browser.find("#verdict[data-verdict=aborted]").await;
        download_all(browser, &up, &run).await;

        browser.click("#clone-task").await;
        fill_in(browser, "checkout again", &target.url, "500", "3s").await;
        browser.click("#start").await;
        let second = run_of_page(browser).await;
        assert_ne!(second, run);
        browser.find("#books").await;
        compare(browser, &up, &run, &second).await;
    });
}

/// Something is counted soon after the schedule has begun.
async fn numbers_move(browser: &Browser, up: &Up, run: &str) {
    let sent = browser
        .text_until("#number-sent", |text| number(text).is_some_and(|sent| sent > 0.0))
        .await;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let t0_us = api(up, &format!("/runs/{run}"))["t0_unix_us"].as_u64().unwrap();
    let after = now.checked_sub(Duration::from_micros(t0_us)).unwrap_or_default();
    eprintln!("the first number, {sent}, was there {after:?} after the start of the schedule");
    assert!(after < Duration::from_secs(10), "{after:?}");
}

/// The rate follows the fader, back too; a pause is one.
async fn steer(browser: &Browser, target: &Target) {
    await_rate(browser, target, 950, 1_050).await;
    // A slip of the hand is held up by the ceiling, which is the reader's own.
    browser.enter("#rate-number", "3000").await;
    browser.click("#rate-apply").await;
    browser.text_until("#rate-problem", |text| text.contains("ceiling")).await;
    browser.enter("#rate-ceiling", "5k").await;
    browser.press(Key::Enter + "").await;
    browser.enter("#rate-number", "3000").await;
    browser.click("#rate-apply").await;
    await_rate(browser, target, 2_850, 3_150).await;
    browser.click("#rate-undo").await;
    await_rate(browser, target, 950, 1_050).await;
    browser.click("#pause").await;
    await_silence(browser, target).await;
    browser.click("#pause").await;
    await_rate(browser, target, 950, 1_050).await;
    for text in ["rate", "pause", "resume"] {
        browser.text_until("#event-log", |log| log.contains(text)).await;
    }
}

/// Every format can be had, and says the same.
async fn download_all(browser: &Browser, up: &Up, run: &str) {
    browser.click("#downloads summary").await;
    let report: Value =
        serde_json::from_str(&browser.download("#download-json", "json").await).unwrap();
    assert_eq!(report, api(up, &format!("/runs/{run}/report")));
    let completed = report["books"]["completed"].as_u64().unwrap();
    assert!(completed > 0, "{}", report["books"]);

    let csv = browser.download("#download-csv", "csv").await;
    let mut lines = csv.lines();
    let columns: Vec<_> = lines.next().unwrap().split(',').collect();
    let place = columns.iter().position(|column| *column == "completed").expect(&csv);
    let sum: u64 =
        lines.map(|line| line.split(',').nth(place).unwrap().parse::<u64>().unwrap()).sum();
    assert_eq!(sum, completed);

    let hdr = browser.download("#download-hdr", "hdr").await;
    let total = hdr.lines().find_map(|line| line.split_once("Total count    =")).expect(&hdr).1;
    let expected = report["latency"]["response_ns"]["count"].as_u64().unwrap();
    assert_eq!(total.trim().trim_end_matches(']').trim().parse::<u64>().unwrap(), expected);

    let html = browser.download("#download-html", "html").await;
    let (_, rest) = html.split_once("id=\"report\">").expect("the report is in the page");
    let inside: Value = serde_json::from_str(rest.split("</script>").next().unwrap()).unwrap();
    assert_eq!(inside["books"], report["books"]);
    opens_offline(browser, run).await;
}

/// The downloaded page shows itself from a disk.
async fn opens_offline(browser: &Browser, run: &str) {
    let back = browser.driver.current_url().await.unwrap().to_string();
    let file = browser.downloads.join(format!("acp-{run}.html"));
    browser.goto(&format!("file://{}", file.display())).await;
    browser.find("#books").await;
    browser.find(".plot canvas").await;
    browser.settle().await;
    browser.picture("report-offline").await;
    browser.is_quiet().await;
    browser.goto(&back).await;
    browser.find("#books").await;
}

/// Two runs beside each other.
async fn compare(browser: &Browser, up: &Up, first: &str, second: &str) {
    browser.goto(&format!("{}/#/compare?runs={first},{second}", up.url)).await;
    let judged = browser.text_until("#judged", |text| text.contains("p99")).await;
    assert!(judged.contains("p50"), "{judged}");
    let plan = browser.text_until("#plan", |text| text.contains("load.rate")).await;
    assert!(plan.contains("1k") && plan.contains("500"), "{plan}");
    browser.find("#curve canvas").await;
    browser.picture("compare-two").await;
}
