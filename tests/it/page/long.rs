//! Runs of hours in the page: how soon they are there, and how smoothly they move.
//!
//! `ACP_PAGE_HOURS` says how long the run is.

use super::browser::{Browser, browse};
use super::long_run::write_long_run;
use crate::program::Up;
use serde_json::json;

/// Milliseconds from the moment at which the address was entered to the last chart.
async fn open(browser: &Browser, url: &str, seconds: u64) -> f64 {
    browser.goto("about:blank").await;
    browser.goto(url).await;
    let last = format!("..{}", seconds - 1);
    let script = "const seconds = document.querySelector('#charts')?.dataset.seconds ?? '';
        return seconds.endsWith(arguments[0]) && document.querySelector('.plot canvas') !== null
            ? performance.now() : null;";
    browser
        .wait("the charts of a long run", async || {
            browser.run(script, vec![json!(last)]).await.as_f64()
        })
        .await
}

/// Moves the line under the mouse over the first chart for two seconds; what each frame of the browser
/// took, in milliseconds, in order.
async fn frame_times(browser: &Browser) -> Vec<f64> {
    let script = "const done = arguments[arguments.length - 1];
        const over = document.querySelector('.plot .u-over');
        over.scrollIntoView({ block: 'center' });
        const box = over.getBoundingClientRect();
        const times = [];
        let [last, x] = [performance.now(), 0];
        const step = (now) => {
            times.push(now - last);
            last = now;
            x = (x + 7) % box.width;
            over.dispatchEvent(new MouseEvent('mousemove', { bubbles: true, clientX: box.left + x, clientY: box.top + 20 }));
            if (times.length < 120) requestAnimationFrame(step); else done(times);
        };
        requestAnimationFrame(step);";
    let times = browser.driver.execute_async(script, vec![]).await.unwrap();
    let mut times: Vec<f64> = serde_json::from_value(times.json().clone()).unwrap();
    times.sort_by(f64::total_cmp);
    times
}

#[test]
fn a_run_of_hours_opens_soon_and_moves_smoothly() {
    let hours: u64 = std::env::var("ACP_PAGE_HOURS").map_or(2, |text| text.parse().expect("hours"));
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir_all(&data).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let long = runtime.block_on(write_long_run(&data, "long", 5, hours * 3600));
    let up = Up::start(&data, &[]);
    let url = format!("{}/#/runs/{}", up.url, long.run);
    browse(async |browser| {
        // Once for the files of the page and of the database.
        open(browser, &url, hours * 3600).await;
        let mut opened = Vec::new();
        for _ in 0..3 {
            opened.push(open(browser, &url, hours * 3600).await);
        }
        opened.sort_by(f64::total_cmp);
        let times = frame_times(browser).await;
        let at = |share: usize| times[(times.len() - 1) * share / 100];
        eprintln!(
            "{hours} h open after {opened:.0?} ms; a frame takes {:.1} ms, 95 of 100 at most {:.1} ms, all at most {:.1} ms",
            at(50),
            at(95),
            at(100)
        );
        assert!(opened[0] < 20_000.0 && at(50) < 500.0, "{opened:?} {times:?}");
        let sent = browser.text("#books tr[data-book=sent] td.number").await.replace(',', "");
        assert_eq!(sent.parse(), Ok(long.report.books.sent));
        let note = browser.text("#chart-note").await;
        assert!(note.contains(' '), "what a point stands for is said: `{note}`");
        // Zooming in shows single seconds.
        let over = browser.find(".plot .u-over").await;
        let drag = browser.driver.action_chain();
        let drag = drag.move_to_element_center(&over).click_and_hold().move_by_offset(12, 0);
        drag.release().perform().await.unwrap();
        browser
            .wait("a part of the run", async || {
                let script = "return document.querySelector('#charts').dataset.seconds;";
                let seconds = browser.run(script, vec![]).await;
                let first: i64 = seconds.as_str()?.split("..").next()?.parse().ok()?;
                (first > 0).then_some(())
            })
            .await;
    });
}
