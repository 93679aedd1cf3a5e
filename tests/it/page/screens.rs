//! Every page as people see it: pictures in both schemes and sizes, nothing cut, no barrier.

use super::browser::{Browser, Screen, browse, pictures};
use super::people::{guarded, log_in};
use crate::platform::cluster::{Backing, Cluster};
use serde_json::json;
use std::path::Path;

/// A desk and a phone, light and dark.
pub(crate) const SCREENS: [(&str, Screen); 4] = [
    ("light", Screen { width: 1280, height: 720, is_dark: false }),
    ("dark", Screen { width: 1280, height: 720, is_dark: true }),
    ("phone-light", Screen { width: 390, height: 844, is_dark: false }),
    ("phone-dark", Screen { width: 390, height: 844, is_dark: true }),
];

/// Looks at the page that is shown, on every screen, and leaves it on the first. Returns what is wrong.
pub(crate) async fn inspect(browser: &Browser, name: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    for (kind, screen) in SCREENS {
        browser.set_screen(screen).await;
        browser.settle().await;
        browser.picture(&format!("{name}-{kind}")).await;
        let found = [browser.misfits().await, browser.barriers().await].concat();
        wrong.extend(found.into_iter().map(|text| format!("{name} {kind}: {text}")));
    }
    browser.set_screen(SCREENS[0].1).await;
    wrong
}

/// A page, what its pictures are called, and what is there when it is whole.
type Page = (String, &'static str, &'static str);

async fn inspect_all(browser: &Browser, url: &str, pages: &[Page], language: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    for (hash, name, whole) in pages {
        browser.goto(&format!("{url}/?lang={language}#/{hash}")).await;
        browser.driver.refresh().await.unwrap();
        browser.find(whole).await;
        let name =
            if language == "en" { (*name).to_string() } else { format!("{name}-{language}") };
        wrong.extend(inspect(browser, &name).await);
    }
    wrong
}

#[test]
fn every_page_fits_every_screen_and_everybody() {
    let cluster = Cluster::start(Backing::embedded(), 1, 2, 2);
    let url = format!("http://{}", cluster.controls[0].address);
    let plan = |name: &str, load: serde_json::Value| {
        json!({
            "schema": "acp.plan/1", "name": name, "target": { "url": cluster.target.url },
            "load": load, "agents": { "cores": 2, "per_agent_max": 1 },
            "stop": { "slo": ["p99<250ms", "errors<1%"], "abort_on": ["errors>50% over 5s"] },
        })
    };
    browse(async |browser| {
        let empty = [
            ("tasks".into(), "tasks-empty", "#tasks-empty"),
            ("compare".into(), "compare-empty", "main .empty"),
            ("tasks/new".into(), "new", "#plan-target-url"),
        ];
        let mut wrong = inspect_all(browser, &url, &empty, "en").await;

        let ramp = json!({ "model": "open", "profile": "line(0,800,4s) const(800,6s)", "warmup": "1s", "connections": 32 });
        let first = cluster.start_run(&plan("checkout ramp", ramp));
        cluster.await_report(&first);
        let even = json!({ "model": "open", "rate": "700", "duration": "8s", "connections": 32 });
        let second = cluster.start_run(&plan("checkout", even));
        cluster.await_report(&second);
        let long =
            json!({ "model": "open", "profile": "line(0,1k,20s) const(1k,1h)", "connections": 32 });
        let live = cluster.start_run(&plan("search under load", long));
        cluster.await_state(&live, &["running"]);
        cluster.ask("POST", &format!("/runs/{live}/rate"), Some(&json!({ "rate": "600" })));
        browser.goto(&format!("{url}/#/runs/{live}")).await;
        browser
            .wait("half a minute of the run", async || {
                let run = cluster.run(&live);
                (run["live"]["second"].as_u64() >= Some(30)).then_some(())
            })
            .await;
        let task = cluster.run(&first)["task"].as_str().unwrap().to_string();
        let full: Vec<Page> = vec![
            ("tasks".into(), "tasks", "tr[data-task]"),
            (format!("tasks/{task}"), "edit", "#plan-target-url"),
            (format!("runs/{live}"), "live", "#charts[data-seconds*='..']"),
            (format!("runs/{first}"), "report", "#books"),
            ("compare".into(), "compare-choose", "input[data-pick]"),
            (format!("compare?runs={first},{second}"), "compare", "#judged"),
            ("cluster".into(), "cluster", "tr[data-agent]"),
            ("data".into(), "data", "main h1"),
            ("monitor".into(), "monitor", ".plot canvas"),
        ];
        wrong.extend(inspect_all(browser, &url, &full, "en").await);
        wrong.extend(inspect_all(browser, &url, &full, "zh").await);
        picture_of_the_readme(browser, &format!("{url}/?lang=en#/runs/{live}")).await;
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    });
}

/// The picture in the README, `web/page.png`; `UPDATE=1` takes a new one.
async fn picture_of_the_readme(browser: &Browser, url: &str) {
    browser.goto(url).await;
    browser.driver.refresh().await.unwrap();
    browser.set_screen(Screen { width: 1280, height: 1120, is_dark: false }).await;
    browser.find("#charts[data-seconds*='..']").await;
    browser.settle().await;
    browser.picture("readme").await;
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("web/page.png");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::copy(pictures().join("readme.png"), &kept).unwrap();
    }
    assert!(kept.exists(), "the README has no picture; UPDATE=1 makes it");
}

#[test]
fn the_pages_of_a_guarded_control_fit_too() {
    let folder = tempfile::tempdir().unwrap();
    let (_control, url) = guarded(folder.path());
    browse(async |browser| {
        browser.expect("401");
        browser.goto(&url).await;
        browser.find("#login-user").await;
        let mut wrong = inspect(browser, "login").await;
        log_in(browser, "root", "a long password").await;
        browser.find("nav a[href='#/users']").await;
        let pages = [
            ("users".into(), "users", "#users-table"),
            ("cluster".into(), "cluster-empty", "main .empty"),
        ];
        wrong.extend(inspect_all(browser, &url, &pages, "en").await);
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    });
}
