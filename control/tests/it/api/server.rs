//! A control's API on a free port, with a database in a temporary folder.

use acp_control::api::{AgentDesk, App, AppParts, serve};
use acp_control::auth::{SecretText, hash_hex, new_token};
use acp_control::clock::Clock;
use acp_control::schedule::SchedulerSettings;
use acp_control::settings::ApiSettings;
use acp_control::store::{self, Role, RunRecord, RunState, Store, TokenRecord};
use acp_coord::{DirectControl, DirectOptions};
use acp_wire::agent::{Contact, FrameBatch, Status};
use async_trait::async_trait;
use reqwest::header::HeaderMap;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// The token of agents in these tests.
pub(super) const AGENT_TOKEN: &str = "agents-of-the-tests-0123456789";

/// Keeps what agents say.
#[derive(Default)]
pub(super) struct Desk {
    pub(super) batches: Mutex<Vec<FrameBatch>>,
}

#[async_trait]
impl AgentDesk for Desk {
    async fn frames(&self, batch: &FrameBatch) -> Contact {
        self.batches.lock().unwrap().push(batch.clone());
        Contact { lease_us: 7, epoch: batch.epoch, ..Contact::default() }
    }

    async fn status(&self, status: &Status) -> Contact {
        Contact { lease_us: 8, revision: status.revision, ..Contact::default() }
    }
}

/// An answer, read to its end.
#[derive(Debug)]
pub(super) struct Got {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
}

impl Got {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: `{}`", self.text))
    }

    /// Checks that it is an error as all errors are, and returns its message.
    pub(super) fn error(&self, status: u16, what: &str) -> String {
        assert_eq!(self.status, status, "{what}: {}", self.text);
        let error = &self.json()["error"];
        let is_text = |name: &str| error[name].as_str().is_some_and(|text| !text.is_empty());
        assert!(is_text("code") && is_text("message"), "{what}: {}", self.text);
        assert_eq!(self.headers["content-type"], "application/json", "{what}");
        error["message"].as_str().unwrap().to_owned()
    }
}

/// A server under test.
pub(super) struct Server {
    pub(super) url: String,
    pub(super) store: Arc<dyn Store>,
    pub(super) direct: Arc<DirectControl>,
    pub(super) desk: Arc<Desk>,
    pub(super) nudge: Arc<Notify>,
    pub(super) client: Client,
    settings: ApiSettings,
    stop: CancellationToken,
    served: JoinHandle<()>,
    folder: Arc<TempDir>,
}

impl Server {
    /// Without a login.
    pub(super) async fn open() -> Self {
        Self::start(ApiSettings::default()).await
    }

    /// With a login.
    pub(super) async fn guarded() -> Self {
        Self::start(ApiSettings {
            auth: true,
            agent_token: Some(SecretText::new(AGENT_TOKEN)),
            ..ApiSettings::default()
        })
        .await
    }

    pub(super) async fn start(settings: ApiSettings) -> Self {
        let folder = Arc::new(TempDir::new().unwrap());
        let url = format!("sqlite:{}", folder.path().join("acp.db").display());
        let store = store::open(&url).await.unwrap();
        Self::on(settings, store, folder).await
    }

    async fn on(settings: ApiSettings, store: Arc<dyn Store>, folder: Arc<TempDir>) -> Self {
        let direct = DirectControl::start(DirectOptions {
            epoch: 5,
            session_timeout: Duration::from_secs(60),
            settle: Duration::ZERO,
        });
        let (desk, nudge, stop) =
            (Arc::new(Desk::default()), Arc::new(Notify::new()), CancellationToken::new());
        let app = App::new(AppParts {
            store: Arc::clone(&store),
            coord: direct.clone(),
            coordinator: "direct".into(),
            direct: Some(direct.clone()),
            desk: desk.clone(),
            clock: Clock::new(),
            nudge: nudge.clone(),
            change_delay_us: 1_000_000,
            schedule: SchedulerSettings::default(),
            settings: settings.clone(),
            stop: stop.clone(),
        });
        let app = app.unwrap_or_else(|error| panic!("{error}"));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let served = tokio::spawn(async move { serve(listener, app).await.unwrap() });
        let client = Client::builder().no_proxy().build().unwrap();
        Self { url, store, direct, desk, nudge, client, settings, stop, served, folder }
    }

    /// What another server on the same database is made from.
    pub(super) fn parts(&self, settings: ApiSettings) -> AppParts {
        AppParts {
            store: Arc::clone(&self.store),
            coord: self.direct.clone(),
            coordinator: "direct".into(),
            direct: Some(self.direct.clone()),
            desk: self.desk.clone(),
            clock: Clock::new(),
            nudge: self.nudge.clone(),
            change_delay_us: 1_000_000,
            schedule: SchedulerSettings::default(),
            settings,
            stop: CancellationToken::new(),
        }
    }

    /// Ends it; another one serves the same database.
    pub(super) async fn restart(mut self) -> Self {
        self.stop.cancel();
        (&mut self.served).await.unwrap();
        let (settings, store) = (self.settings.clone(), Arc::clone(&self.store));
        Self::on(settings, store, Arc::clone(&self.folder)).await
    }

    /// Its temporary folder.
    pub(super) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// A token with a role.
    pub(super) async fn token(&self, role: Role) -> String {
        let secret = new_token();
        let name = format!("{role:?}").to_lowercase();
        let token =
            TokenRecord { id: hash_hex(&secret)[..26].into(), name, role, ..token(&secret) };
        self.store.put_token(&token).await.unwrap();
        secret
    }

    pub(super) fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        self.client.request(method, format!("{}{path}", self.url))
    }

    pub(super) async fn send(&self, request: RequestBuilder) -> Got {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Got { status, headers, text: response.text().await.unwrap() }
    }

    pub(super) async fn get(&self, path: &str) -> Got {
        self.send(self.request("GET", path)).await
    }

    pub(super) async fn post(&self, path: &str, body: Option<Value>) -> Got {
        let request = self.request("POST", path);
        self.send(match body {
            Some(body) => request.json(&body),
            None => request,
        })
        .await
    }

    /// Saves a task and starts it; the id of its run.
    pub(super) async fn run(&self, plan: &Value) -> String {
        let task = self.post("/api/v1/tasks", Some(json!({ "plan": plan }))).await;
        assert_eq!(task.status, 201, "{}", task.text);
        let path = format!("/api/v1/tasks/{}/runs", task.json()["id"].as_str().unwrap());
        let run = self.post(&path, None).await;
        assert_eq!(run.status, 201, "{}", run.text);
        run.json()["id"].as_str().unwrap().to_owned()
    }

    /// Does to a run what the scheduler would.
    pub(super) async fn schedule(&self, id: &str, edit: impl Fn(&mut RunRecord)) {
        let mut run = self.store.run(id).await.unwrap().unwrap();
        edit(&mut run);
        self.store.update_run(&run).await.unwrap();
    }

    /// A run that began a second ago.
    pub(super) async fn running(&self, plan: &Value) -> String {
        let id = self.run(plan).await;
        let t0 = Clock::new().now_unix_us() - 1_000_000;
        self.schedule(&id, |run| {
            run.state = RunState::Running;
            run.t0_unix_us = Some(t0);
        })
        .await;
        id
    }

    /// Actions that were written down, oldest first: who, what.
    pub(super) async fn audit(&self) -> Vec<(String, String)> {
        let page = store::Page { offset: 0, limit: 200 };
        let records = self.store.audit(page).await.unwrap();
        assert!(records.iter().all(|record| record.address == "127.0.0.1"), "{records:?}");
        records.into_iter().rev().map(|record| (record.by, record.action)).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn token(secret: &str) -> TokenRecord {
    TokenRecord { hash: hash_hex(secret), created_unix_us: 1, ..TokenRecord::default() }
}

/// An open loop of a minute at `rate`.
pub(super) fn plan(rate: &str) -> Value {
    json!({
        "schema": "acp.plan/1",
        "name": "checkout",
        "target": { "url": "http://127.0.0.1:8080/" },
        "load": { "model": "open", "rate": rate, "duration": "60s" }
    })
}
