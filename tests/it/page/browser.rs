//! A browser that a test drives: Chromium over WebDriver, started and ended by the test.
//!
//! Whatever a test does to the page, nothing may be said in the browser's log: no error of a script,
//! nothing that the content policy has refused.

use crate::program::Running;
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use thirtyfour::common::capabilities::chrome::ChromeCapabilities;
use thirtyfour::common::log::LoggingPrefsLogLevel;
use thirtyfour::prelude::*;

/// What a test waits for at the most. Only a broken page takes so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// A browser with one window.
pub(crate) struct Browser {
    pub(crate) driver: WebDriver,
    /// Where downloads go.
    pub(crate) downloads: PathBuf,
    /// Parts of messages in the browser's log that this test brings about.
    expected: Mutex<Vec<String>>,
}

/// A window as people have them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Screen {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) is_dark: bool,
}

/// Where pictures go.
pub(crate) fn pictures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/page")
}

/// The driver, which answers on a port that it has chosen.
struct Server {
    /// Killed when the test is over; its browser has ended by then.
    _process: Running,
    url: String,
}

impl Server {
    fn start() -> Self {
        let mut child = Command::new("chromedriver")
            .args(["--port=0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is not here; `make test` installs it");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let process = Running(child);
        let port = lines
            .find_map(|line| Some(line.unwrap().split_once("successfully on port ")?.1.to_string()))
            .unwrap();
        // Whatever else it says must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Self { _process: process, url: format!("http://127.0.0.1:{}", port.trim_end_matches('.')) }
    }
}

/// Browsers of one process take turns: each wants a core of its own.
static TURN: Mutex<()> = Mutex::new(());

/// Runs a test with a browser, which ends with it, also where the test fails.
pub(crate) fn browse(test: impl AsyncFnOnce(&Browser)) {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start();
    let browser = runtime.block_on(Browser::open(&server.url, folder.path()));
    let work = async {
        test(&browser).await;
        browser.is_quiet().await;
    };
    let ended = catch_unwind(AssertUnwindSafe(|| runtime.block_on(work)));
    runtime.block_on(browser.driver.quit()).unwrap();
    drop(server);
    if let Err(panic) = ended {
        resume_unwind(panic);
    }
}

fn capabilities(folder: &Path) -> ChromeCapabilities {
    let mut capabilities = DesiredCapabilities::chrome();
    let profile = format!("--user-data-dir={}", folder.join("profile").display());
    for argument in [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--hide-scrollbars",
        "--enable-precise-memory-info",
        "--js-flags=--expose-gc",
        "--window-size=1280,720",
        &profile,
    ] {
        capabilities.add_arg(argument).unwrap();
    }
    let preferences = json!({
        "download.default_directory": folder.join("downloads").display().to_string(),
        "intl.accept_languages": "en-US",
    });
    capabilities.add_experimental_option("prefs", preferences).unwrap();
    capabilities.set_browser_log_level(LoggingPrefsLogLevel::All).unwrap();
    capabilities
}

impl Browser {
    async fn open(server: &str, folder: &Path) -> Self {
        let downloads = folder.join("downloads");
        std::fs::create_dir_all(&downloads).unwrap();
        let driver = WebDriver::new(server, capabilities(folder)).await.unwrap();
        Self { driver, downloads, expected: Mutex::default() }
    }

    /// The same page from now on may say this in the log.
    pub(crate) fn expect(&self, message: &str) {
        self.expected.lock().unwrap().push(message.into());
    }

    /// Goes to an address.
    pub(crate) async fn goto(&self, url: &str) {
        self.driver.goto(url).await.unwrap();
    }

    /// The first element that is shown, as soon as there is one.
    pub(crate) async fn find(&self, css: &str) -> WebElement {
        self.wait(&format!("`{css}` to be shown"), async || {
            for element in self.driver.find_all(By::Css(css)).await.ok()? {
                if element.is_displayed().await.unwrap_or(false) {
                    return Some(element);
                }
            }
            None
        })
        .await
    }

    /// Whether an element is shown now.
    pub(crate) async fn shows(&self, css: &str) -> bool {
        let script = "const found = document.querySelector(arguments[0]);
            return found !== null && found.checkVisibility();";
        self.run(script, vec![json!(css)]).await == json!(true)
    }

    /// Clicks on an element as soon as it can be clicked on.
    pub(crate) async fn click(&self, css: &str) {
        self.wait(&format!("`{css}` to take a click"), async || {
            let element = self.driver.find(By::Css(css)).await.ok()?;
            if !element.is_enabled().await.ok()? {
                return None;
            }
            element.click().await.ok()
        })
        .await;
    }

    /// Gives a field a new value, key by key.
    pub(crate) async fn enter(&self, css: &str, text: &str) {
        let field = self.find(css).await;
        field.send_keys(Key::Control + "a").await.unwrap();
        field
            .send_keys(if text.is_empty() { Key::Delete + "" } else { text.into() })
            .await
            .unwrap();
    }

    /// Presses keys wherever the focus is.
    pub(crate) async fn press(&self, keys: impl Into<TypingData>) {
        let keys = keys.into().to_string();
        // What has the focus may be drawn anew right now.
        let press = async || {
            let focused = self.driver.active_element().await.ok()?;
            focused.send_keys(keys.as_str()).await.ok()
        };
        self.wait("something that takes keys", press).await;
    }

    /// The text of the first element, as it is; empty where there is none.
    pub(crate) async fn text(&self, css: &str) -> String {
        let script = "return document.querySelector(arguments[0])?.textContent ?? '';";
        self.run(script, vec![json!(css)]).await.as_str().unwrap_or_default().to_string()
    }

    /// Waits until the text of an element is as it should be, and returns it.
    pub(crate) async fn text_until(&self, css: &str, check: impl Fn(&str) -> bool) -> String {
        self.wait(&format!("the text of `{css}`"), async || {
            let text = self.text(css).await;
            check(&text).then_some(text)
        })
        .await
    }

    /// Runs a script in the page.
    pub(crate) async fn run(&self, script: &str, arguments: Vec<Value>) -> Value {
        let done = self.driver.execute(script, arguments).await;
        done.map(|found| found.json().clone()).unwrap_or(Value::Null)
    }

    /// Tries until there is something. What the page shows when there never is goes into a picture.
    pub(crate) async fn wait<T>(&self, what: &str, attempt: impl AsyncFn() -> Option<T>) -> T {
        let started = Instant::now();
        loop {
            if let Some(found) = attempt().await {
                return found;
            }
            if started.elapsed() > PATIENCE {
                let name = std::thread::current().name().unwrap_or("a test").replace("::", "-");
                self.picture(&format!("failed-{name}")).await;
                let text = self.run("return document.body.innerText;", vec![]).await;
                panic!(
                    "waited {PATIENCE:?} for {what}; target/page/failed-{name}.png; the page: {text}"
                );
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Writes what is shown into `target/page/`, which is kept.
    pub(crate) async fn picture(&self, name: &str) {
        let folder = pictures();
        std::fs::create_dir_all(&folder).unwrap();
        let picture = self.driver.screenshot_as_png().await.unwrap();
        std::fs::write(folder.join(format!("{name}.png")), picture).unwrap();
    }

    /// What axe-core finds on the page that is serious or worse: rule, place and what is wrong.
    pub(crate) async fn barriers(&self) -> Vec<String> {
        let file = std::env::var("AXE").expect("AXE names axe.min.js; `make test` gets it");
        let axe = std::fs::read_to_string(file).unwrap();
        self.driver.execute(axe, vec![]).await.unwrap();
        let script = "const done = arguments[arguments.length - 1];
            axe.run(document, { resultTypes: ['violations'] }).then((found) => done(
                found.violations.filter((rule) => ['serious', 'critical'].includes(rule.impact))
                    .flatMap((rule) => rule.nodes.map((node) =>
                        `${rule.id}: ${node.target.join(' ')}: ${node.failureSummary}`))),
                (error) => done([String(error)]));";
        let found = self.driver.execute_async(script, vec![]).await.unwrap();
        serde_json::from_value(found.json().clone()).unwrap()
    }

    /// What does not fit: a page that scrolls sideways, controls whose text is cut.
    pub(crate) async fn misfits(&self) -> Vec<String> {
        let script = "const found = [];
            const page = document.documentElement;
            if (page.scrollWidth > innerWidth) found.push(`the page is ${page.scrollWidth} wide`);
            for (const element of document.querySelectorAll('button, .button, .badge, h1, h2, h3, label')) {
                if (element.checkVisibility() && element.scrollWidth > element.clientWidth + 1
                    && getComputedStyle(element).display !== 'inline')
                    found.push(`cut: ${element.outerHTML.slice(0, 120)}`);
            }
            return found;";
        serde_json::from_value(self.run(script, vec![]).await).unwrap()
    }

    /// The contents of a file that a click downloads.
    pub(crate) async fn download(&self, css: &str, suffix: &str) -> String {
        let files = || -> Vec<PathBuf> {
            let entries = std::fs::read_dir(&self.downloads).unwrap();
            entries.map(|entry| entry.unwrap().path()).collect()
        };
        let before = files();
        self.click(css).await;
        let file = self
            .wait(&format!("a download of `*.{suffix}`"), async || {
                files().into_iter().find(|file| {
                    !before.contains(file) && file.extension().is_some_and(|end| end == suffix)
                })
            })
            .await;
        std::fs::read_to_string(file).unwrap()
    }

    /// Waits until the page has drawn itself twice.
    pub(crate) async fn settle(&self) {
        let script = "const done = arguments[arguments.length - 1];
            requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 150)));";
        self.driver.execute_async(script, vec![]).await.unwrap();
    }

    /// Makes the window look like another.
    pub(crate) async fn set_screen(&self, screen: Screen) {
        let cdp = self.driver.cdp();
        let size = json!({
            "width": screen.width, "height": screen.height, "deviceScaleFactor": 1,
            "mobile": screen.width < 600,
        });
        cdp.send_raw("Emulation.setDeviceMetricsOverride", size).await.unwrap();
        let scheme = if screen.is_dark { "dark" } else { "light" };
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        cdp.send_raw("Emulation.setEmulatedMedia", media).await.unwrap();
    }

    /// Nothing was said in the browser's log that the test did not expect.
    pub(crate) async fn is_quiet(&self) {
        let log = self.driver.browser_log().await.unwrap();
        let expected = self.expected.lock().unwrap().clone();
        let said: Vec<_> = log
            .into_iter()
            .map(|entry| format!("{entry:?}"))
            .filter(|said| !expected.iter().any(|part| said.contains(part)))
            .collect();
        assert!(said.is_empty(), "the browser's log says:\n{}", said.join("\n"));
    }
}
