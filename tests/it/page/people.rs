//! Who uses the page, and how: without a mouse, in Chinese, without the right to, with bad intent.

use super::browser::{Browser, browse};
use super::life::{await_silence, run_of_page};
use crate::platform::cluster::wait_for;
use crate::platform::http::request;
use crate::program::{ACP, Running, Target, Up};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use thirtyfour::prelude::*;

/// Presses Tab until the element has the focus.
async fn tab_to(browser: &Browser, css: &str) {
    for _ in 0..200 {
        let script = "return document.activeElement?.matches(arguments[0]) ?? false;";
        if browser.run(script, vec![json!(css)]).await == json!(true) {
            return;
        }
        browser.press(Key::Tab + "").await;
    }
    panic!("`{css}` cannot be reached with the keyboard");
}

#[test]
fn a_task_is_made_and_stopped_with_keys_alone() {
    let folder = tempfile::tempdir().unwrap();
    let up = Up::start(&folder.path().join("data"), &[]);
    let target = Target::start(&[]);
    browse(async |browser| {
        browser.goto(&up.url).await;
        browser.find("#task-first").await;
        tab_to(browser, "#task-first, #task-new").await;
        browser.press(Key::Enter + "").await;
        browser.find("#plan-target-url").await;
        tab_to(browser, "#plan-target-url").await;
        browser.press(target.url.as_str()).await;
        tab_to(browser, "#plan-load-duration").await;
        browser.press(Key::Control + "a").await;
        browser.press("10m").await;
        tab_to(browser, "#start").await;
        browser.press(Key::Enter + "").await;
        run_of_page(browser).await;
        browser.wait("load at the target", async || (target.requests() > 100).then_some(())).await;
        tab_to(browser, "#stop").await;
        browser.press(Key::Enter + "").await;
        await_silence(browser, &target).await;
        browser.find("#books").await;
    });
}

#[test]
fn the_page_speaks_chinese() {
    let folder = tempfile::tempdir().unwrap();
    let up = Up::start(&folder.path().join("data"), &[]);
    browse(async |browser| {
        browser.goto(&format!("{}/?lang=zh#/tasks", up.url)).await;
        browser.text_until("nav", |text| text.contains("任务") && text.contains("集群")).await;
        // It is remembered.
        browser.goto(&format!("{}/#/tasks/new", up.url)).await;
        browser.driver.refresh().await.unwrap();
        browser.text_until("main", |text| text.contains("目标")).await;
        assert_eq!(browser.run("return document.documentElement.lang;", vec![]).await, "zh-CN");
        browser.click("#language").await;
        browser.text_until("nav", |text| text.contains("Tasks")).await;
    });
}

/// What a user may type must never become part of the page's own code.
const SCRIPT: &str = "<script>alert(1)</script><img src=x onerror=alert(2)>";

#[test]
fn names_are_shown_as_they_were_typed() {
    let folder = tempfile::tempdir().unwrap();
    let up = Up::start(&folder.path().join("data"), &[]);
    let target = Target::start(&[]);
    browse(async |browser| {
        let plan = json!({
            "schema": "acp.plan/1", "name": SCRIPT, "tags": { SCRIPT: SCRIPT },
            "target": { "url": target.url },
            "load": { "model": "open", "rate": "100", "duration": "1s", "connections": 2 },
            "agents": { "cores": 1 },
        });
        let ask = |method: &str, path: &str, body: Option<&Value>| {
            let (status, text) =
                request(up.address(), method, &format!("/api/v1{path}"), body).unwrap();
            assert!(status < 300, "{text}");
            serde_json::from_str::<Value>(&text).unwrap()
        };
        let body = json!({ "plan": plan });
        let task = ask("POST", "/tasks", Some(&body));
        let task = task["id"].as_str().unwrap();
        wait_for("an agent", || {
            (ask("GET", "/agents", None)["agents"][0]["is_registered"] == true).then_some(())
        });
        let run = ask("POST", &format!("/tasks/{task}/runs"), None);
        let run = run["id"].as_str().unwrap();
        wait_for("the end of the run", || {
            (ask("GET", &format!("/runs/{run}"), None)["state"] == "done").then_some(())
        });
        for page in [
            "tasks".to_string(),
            format!("tasks/{task}"),
            format!("runs/{run}"),
            "compare".into(),
            format!("compare?runs={run},{run}"),
        ] {
            browser.goto(&format!("{}/#/{page}", up.url)).await;
            browser.driver.refresh().await.unwrap();
            let script = "return document.body.textContent +
                [...document.querySelectorAll('input, textarea')].map((one) => one.value).join();";
            browser
                .wait(&format!("the name on {page}"), async || {
                    let text = browser.run(script, vec![]).await;
                    text.as_str()?.contains(SCRIPT).then_some(())
                })
                .await;
            let made = "return document.querySelectorAll('main script, main img').length;";
            assert_eq!(browser.run(made, vec![]).await, 0, "{page}");
            let alert = browser.driver.get_alert_text().await;
            assert!(alert.is_err(), "{page} has run a script of a name");
        }
    });
}

#[test]
fn the_content_policy_allows_nothing_inline() {
    let folder = tempfile::tempdir().unwrap();
    let up = Up::start(&folder.path().join("data"), &[]);
    browse(async |browser| {
        browser.goto(&up.url).await;
        let script = "const done = arguments[arguments.length - 1];
            fetch('/').then((answer) => done(answer.headers.get('content-security-policy')));";
        let policy = browser.driver.execute_async(script, vec![]).await.unwrap();
        let policy = policy.json().as_str().unwrap().to_string();
        assert!(policy.contains("script-src 'self'") && !policy.contains("unsafe"), "{policy}");
        // And it holds.
        let script = "window.broken = false;
            const element = document.createElement('script');
            element.textContent = 'window.broken = true';
            document.body.append(element);
            return window.broken;";
        browser.expect("Content Security Policy");
        assert_eq!(browser.run(script, vec![]).await, false);
    });
}

/// A control that asks who one is, with an administrator.
pub(crate) fn guarded(folder: &Path) -> (Running, String) {
    let data = format!("data_folder={}", folder.display());
    let set = |command: &mut Command| {
        command.args(["control", "--listen", "127.0.0.1:0", "--set", &data]);
        command
            .args(["--set", "api.auth=true"])
            .env("ACP_CONTROL_API__AGENT_TOKEN", "x".repeat(32));
    };
    let mut admin = Command::new(ACP);
    set(&mut admin);
    let mut child = admin
        .args(["--admin", "root"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"a long password\n").unwrap();
    assert!(child.wait().unwrap().success());
    let mut control = Command::new(ACP);
    set(&mut control);
    let mut child = control.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let url = line.trim().strip_prefix("listening on ").expect(&line).to_string();
    (Running(child), url.trim_end_matches('/').to_string())
}

pub(crate) async fn log_in(browser: &Browser, name: &str, password: &str) {
    browser.enter("#login-user", name).await;
    browser.enter("#login-password", password).await;
    browser.click("#login-enter").await;
}

#[test]
fn a_viewer_looks_and_cannot_stop() {
    let folder = tempfile::tempdir().unwrap();
    let (_control, url) = guarded(folder.path());
    browse(async |browser| {
        // Asking who one is before one has said so, and a wrong password, are answered with 401.
        browser.expect("401");
        browser.goto(&url).await;
        log_in(browser, "root", "not the password").await;
        browser.text_until("#login-problem", |text| !text.is_empty()).await;
        log_in(browser, "root", "a long password").await;
        browser.find("nav").await;
        browser.goto(&format!("{url}/#/users")).await;
        browser.enter("#user-name", "eve").await;
        browser.enter("#user-password", "another password").await;
        browser.click("#user-save").await;
        browser.text_until("#users-table", |text| text.contains("eve")).await;
        // A run that waits for agents runs, as far as Stop is concerned.
        let script = "const done = arguments[arguments.length - 1];
            const headers = { 'x-acp-csrf': '1', 'content-type': 'application/json' };
            const send = (path, body) => fetch('/api/v1/' + path, { method: 'POST', headers, body: JSON.stringify(body) });
            const plan = { schema: 'acp.plan/1', name: 'waits', target: { url: 'http://127.0.0.1:9/' },
                load: { model: 'open', rate: '10', duration: '10s' } };
            send('tasks', { plan }).then((answer) => answer.json())
                .then((task) => send(`tasks/${task.id}/runs`, {}))
                .then((answer) => answer.json()).then((run) => done(run.id));";
        let run = browser.driver.execute_async(script, vec![]).await.unwrap();
        let run = run.json().as_str().unwrap().to_string();
        browser.click("#logout").await;
        log_in(browser, "eve", "another password").await;
        browser.goto(&format!("{url}/#/runs/{run}")).await;
        browser.find("#stop[disabled]").await;
        browser.find("#pause[disabled], #pause[hidden]").await;
        assert!(!browser.shows("a[href='#/users']").await, "users are not a viewer's business");
        // Not only the button says no.
        browser.expect("403");
        let script = "const done = arguments[arguments.length - 1];
            fetch(`/api/v1/runs/${arguments[0]}/stop`, { method: 'POST', headers: { 'x-acp-csrf': '1' } })
                .then((answer) => done(answer.status));";
        let status = browser.driver.execute_async(script, vec![json!(run)]).await.unwrap();
        assert_eq!(status.json(), &json!(403));
    });
}
