//! An agent that registers with a control by HTTP and polls it for its assignment. Every poll renews
//! its session.

use super::problem::refusal;
use crate::gate::{Gate, Shown};
use crate::recipe::check_name;
use crate::{AgentSide, CoordError, Session, SessionState};
use acp_wire::agent::{AgentInfo, Assignment, Registered, Registration};
use async_trait::async_trait;
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde::Serialize;
use std::fmt::{self, Debug, Formatter};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Mutex as AsyncMutex, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

/// First wait after an attempt that failed; doubled up to a tenth of the session time-out.
const RETRY_AFTER: Duration = Duration::from_millis(100);

/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Longest wait for an answer that a control gives at once.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// Settings of a [`DirectAgent`].
#[derive(Clone)]
pub struct DirectAgentOptions {
    /// Addresses of the control, tried in turn: `http://host:port`.
    pub controls: Vec<String>,
    /// Sent as `Authorization: Bearer`.
    pub token: Option<String>,
    /// Longest wait for the name when a former agent on the same host has left it, about the session
    /// time-out of the control.
    pub patience: Duration,
}

impl Debug for DirectAgentOptions {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("DirectAgentOptions")
            .field("controls", &self.controls)
            .finish_non_exhaustive()
    }
}

/// The agent's side of direct mode.
#[derive(Debug)]
pub struct DirectAgent {
    controls: Arc<Controls>,
    patience: Duration,
    gate: Arc<Gate>,
    current: AsyncMutex<Option<Current>>,
    /// The former session, if the control still knows it.
    former: Mutex<Option<String>>,
}

/// The session of now.
#[derive(Debug)]
struct Current {
    agent: String,
    session: String,
    state: Arc<watch::Sender<SessionState>>,
    poll: JoinHandle<()>,
}

impl Drop for Current {
    fn drop(&mut self) {
        self.poll.abort();
        self.state.send_replace(SessionState::Expired);
    }
}

/// The addresses of the control, and which of them answers.
#[derive(Debug)]
struct Controls {
    http: Client,
    addresses: Vec<String>,
    token: Option<String>,
    current: AtomicUsize,
}

impl Controls {
    fn address(&self) -> &str {
        let at = self.current.load(Ordering::Relaxed) % self.addresses.len();
        &self.addresses[at]
    }

    fn turn(&self) {
        self.current.fetch_add(1, Ordering::Relaxed);
    }

    fn request(&self, method: Method, path: &str, limit: Duration) -> RequestBuilder {
        let url = format!("{}{path}", self.address());
        let request = self.http.request(method, url).timeout(limit);
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Sends, and returns status and body.
    async fn send(&self, request: RequestBuilder) -> Result<(StatusCode, Vec<u8>), CoordError> {
        let unreachable = |error: reqwest::Error| CoordError::Unreachable {
            coordinator: self.address().to_string(),
            why: chain(&error.without_url()),
        };
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        Ok((status, response.bytes().await.map_err(unreachable)?.to_vec()))
    }
}

/// An error with its causes, which `reqwest` leaves out.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

impl DirectAgent {
    /// An agent of these controls. Proxies of the environment are not used.
    ///
    /// # Errors
    ///
    /// [`CoordError::Settings`] without an address, or with one that is not a URL.
    pub fn new(options: DirectAgentOptions) -> Result<Self, CoordError> {
        let DirectAgentOptions { controls, token, patience } = options;
        let addresses: Vec<String> =
            controls.iter().map(|address| address.trim_end_matches('/').to_string()).collect();
        if addresses.is_empty() {
            let hint = "no address of a control\nhint: give one, like http://host:7700";
            return Err(CoordError::Settings(hint.to_string()));
        }
        let is_http = |url: &reqwest::Url| matches!(url.scheme(), "http" | "https");
        for address in &addresses {
            if !reqwest::Url::parse(address).as_ref().is_ok_and(is_http) {
                return Err(CoordError::Settings(format!(
                    "`{address}` is not the address of a control\nhint: write it like http://host:7700"
                )));
            }
        }
        let http = Client::builder().no_proxy().connect_timeout(CONNECT_TIMEOUT).build();
        let http = http.map_err(|error| CoordError::Settings(chain(&error)))?;
        let controls = Controls { http, addresses, token, current: AtomicUsize::new(0) };
        Ok(Self {
            controls: Arc::new(controls),
            patience,
            gate: Arc::default(),
            current: AsyncMutex::default(),
            former: Mutex::default(),
        })
    }

    /// Asks each control once.
    async fn enter(&self, registration: &Registration) -> Result<Registered, CoordError> {
        let mut last = None;
        for _ in 0..self.controls.addresses.len() {
            match self.enter_here(registration).await {
                Err(error @ CoordError::Unreachable { .. }) => {
                    last = Some(error);
                    self.controls.turn();
                }
                result => return result,
            }
        }
        Err(last.unwrap_or_else(|| CoordError::Settings("no address of a control".to_string())))
    }

    async fn enter_here(&self, registration: &Registration) -> Result<Registered, CoordError> {
        let request = self.controls.request(Method::POST, "/agent/v1/register", ANSWER_TIMEOUT);
        let (status, body) = self.controls.send(request.json(registration)).await?;
        let address = self.controls.address();
        if !status.is_success() {
            return Err(refusal(address, &registration.info.agent, status.as_u16(), &body));
        }
        serde_json::from_slice(&body).map_err(|error| CoordError::BadDocument {
            path: format!("{address}/agent/v1/register"),
            why: error.to_string(),
        })
    }

    fn former(&self) -> Option<String> {
        self.former.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep_former(&self, session: Option<String>) {
        *self.former.lock().unwrap_or_else(PoisonError::into_inner) = session;
    }
}

#[async_trait]
impl AgentSide for DirectAgent {
    async fn register(&self, info: &AgentInfo) -> Result<Session, CoordError> {
        check_name(&info.agent)?;
        let mut current = self.current.lock().await;
        drop(current.take());
        let registration = Registration { info: info.clone(), session: self.former() };
        let deadline = Instant::now() + self.patience * 3 / 2;
        let registered = loop {
            match self.enter(&registration).await {
                // A former agent of this host may be dying.
                Err(CoordError::NameTaken { by, .. })
                    if by == info.host && Instant::now() < deadline =>
                {
                    sleep(jittered(RETRY_AFTER * 5)).await;
                }
                result => break result?,
            }
        };
        let (shown, assignment) = watch::channel(None);
        let (state, states) = watch::channel(SessionState::Connected);
        let state = Arc::new(state);
        let poll = Poll {
            controls: self.controls.clone(),
            agent: info.agent.clone(),
            session: registered.session.clone(),
            session_timeout: Duration::from_micros(registered.session_timeout_us),
            gate: self.gate.clone(),
            shown,
            state: state.clone(),
        };
        self.keep_former(Some(registered.session.clone()));
        *current = Some(Current {
            agent: info.agent.clone(),
            session: registered.session,
            state,
            poll: tokio::spawn(poll.run()),
        });
        Ok(Session { assignment, state: states })
    }

    async fn deregister(&self) -> Result<(), CoordError> {
        let Some(current) = self.current.lock().await.take() else { return Ok(()) };
        let request = self.controls.request(Method::DELETE, "/agent/v1/register", ANSWER_TIMEOUT);
        let query = Query { agent: &current.agent, session: &current.session };
        let (status, body) = self.controls.send(request.query(&query)).await?;
        self.keep_former(None);
        // Gone already is as good.
        if status.is_success() || status == StatusCode::GONE || status == StatusCode::NOT_FOUND {
            return Ok(());
        }
        Err(refusal(self.controls.address(), &current.agent, status.as_u16(), &body))
    }

    async fn control_address(&self) -> Option<String> {
        Some(self.controls.address().to_string())
    }
}

/// Which session a request is about.
#[derive(Serialize)]
struct Query<'a> {
    agent: &'a str,
    session: &'a str,
}

/// The task of a session.
struct Poll {
    controls: Arc<Controls>,
    agent: String,
    session: String,
    session_timeout: Duration,
    gate: Arc<Gate>,
    shown: Shown,
    state: Arc<watch::Sender<SessionState>>,
}

impl Poll {
    async fn run(self) {
        let (mut heard, mut after, mut retry) = (Instant::now(), 0, RETRY_AFTER);
        loop {
            let asked = Instant::now();
            match self.ask(after).await {
                Ok(Answer::Gone) => break,
                Ok(answer) => {
                    self.publish(SessionState::Connected);
                    (heard, retry) = (Instant::now(), RETRY_AFTER);
                    if let Answer::Assignment(assignment) = answer {
                        after = after.max(assignment.revision);
                        self.gate.offer(&self.shown, assignment);
                    } else if asked.elapsed() < RETRY_AFTER {
                        // A control that does not let us wait must not be asked without pause.
                        sleep(jittered(RETRY_AFTER)).await;
                    }
                }
                Err(error) => {
                    tracing::debug!(%error, "failed to ask for the assignment");
                    if heard.elapsed() >= self.session_timeout {
                        break;
                    }
                    self.publish(SessionState::Suspended);
                    self.controls.turn();
                    sleep(jittered(retry)).await;
                    retry = (retry * 2).min(self.session_timeout / 10).max(RETRY_AFTER);
                }
            }
        }
        self.publish(SessionState::Expired);
    }

    fn publish(&self, new: SessionState) {
        self.state.send_if_modified(|state| {
            let is_new = *state != new && *state != SessionState::Expired;
            if is_new {
                *state = new;
            }
            is_new
        });
    }

    async fn ask(&self, after: u64) -> Result<Answer, CoordError> {
        let wait_s = (self.session_timeout / 3).as_secs().max(1);
        let limit = Duration::from_secs(wait_s) + (self.session_timeout / 3).max(RETRY_AFTER * 10);
        let query = Query { agent: &self.agent, session: &self.session };
        let request = self
            .controls
            .request(Method::GET, "/agent/v1/assignment", limit)
            .query(&query)
            .query(&[("after", after), ("wait_s", wait_s)]);
        let (status, body) = self.controls.send(request).await?;
        match status {
            StatusCode::NO_CONTENT => Ok(Answer::NothingNew),
            StatusCode::GONE => Ok(Answer::Gone),
            status if status.is_success() => match serde_json::from_slice::<Assignment>(&body) {
                Ok(assignment) if assignment.revision > after => Ok(Answer::Assignment(assignment)),
                Ok(_) => Ok(Answer::NothingNew),
                Err(error) => Err(CoordError::BadDocument {
                    path: format!("{}/agent/v1/assignment", self.controls.address()),
                    why: error.to_string(),
                }),
            },
            status => Err(refusal(self.controls.address(), &self.agent, status.as_u16(), &body)),
        }
    }
}

enum Answer {
    Assignment(Assignment),
    NothingNew,
    Gone,
}

/// Between half and all of a wait, so that agents do not ask all at once.
fn jittered(wait: Duration) -> Duration {
    wait.mul_f64(0.5 + rand::random::<f64>() / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_controls() {
        for (controls, is_good, why) in [
            (vec!["http://127.0.0.1:7700"], true, "an address"),
            (vec!["http://a:1", "https://b:2/"], true, "two"),
            (vec![], false, "none"),
            (vec!["127.0.0.1:7700"], false, "no scheme"),
            (vec!["http://a:1", ""], false, "an empty one"),
            (vec!["ftp://a:1"], false, "another protocol"),
        ] {
            let controls = controls.into_iter().map(str::to_string).collect();
            let options =
                DirectAgentOptions { controls, token: None, patience: Duration::from_secs(1) };
            assert_eq!(DirectAgent::new(options).is_ok(), is_good, "{why}");
        }
    }

    #[test]
    fn a_token_is_not_printed() {
        let options = DirectAgentOptions {
            controls: vec!["http://a:1".to_string()],
            token: Some("secret".to_string()),
            patience: Duration::ZERO,
        };
        assert!(!format!("{options:?}").contains("secret"));
    }
}
