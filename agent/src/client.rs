//! The client of a control plane: what an agent asks by HTTP, on one kept-alive connection.

use crate::settings::Secret;
use acp_wire::agent::{Change, Contact, ErrorBody, FrameBatch, Status};
use reqwest::{RequestBuilder, Response, StatusCode};
use serde::de::DeserializeOwned;
use std::error::Error;
use std::time::Duration;
use thiserror::Error;

/// How long an answer may take. Well below a lease, so that one slow answer does not end it.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Largest plan and largest answer taken.
const MOST_BYTES: usize = 16 << 20;

/// Why control did not answer as asked.
#[derive(Debug, Error)]
pub(crate) enum ClientError {
    /// No address of a control plane is known.
    #[error("no control plane is known\nhint: give addresses with `control`")]
    NobodyKnown,
    /// No answer.
    #[error("control plane `{control}` does not answer: {why}")]
    Unreachable {
        /// Its address.
        control: String,
        /// What went wrong, with its causes.
        why: String,
    },
    /// An answer that is an error.
    #[error("control plane `{control}` refused with {status}: {message}")]
    Refused {
        /// Its address.
        control: String,
        /// Status of the answer.
        status: StatusCode,
        /// What it said.
        message: String,
    },
    /// An answer that cannot be read.
    #[error("bad answer of control plane `{control}`: {why}")]
    BadAnswer {
        /// Its address.
        control: String,
        /// What is wrong.
        why: String,
    },
}

impl ClientError {
    /// Whether asking again may help.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::NobodyKnown | Self::Unreachable { .. } | Self::BadAnswer { .. } => true,
            Self::Refused { status, .. } => {
                let may_pass = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS];
                status.is_server_error() || may_pass.contains(status)
            }
        }
    }
}

/// Talks to control planes.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    token: Option<Secret>,
}

impl Client {
    /// Proxies and redirects are not followed: both would carry the token elsewhere.
    pub(crate) fn new(token: Option<Secret>) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(ANSWER_TIMEOUT)
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_max_idle_per_host(1)
            .tcp_nodelay(true)
            .build()?;
        Ok(Self { http, token })
    }

    /// The bytes of a plan, as they are served.
    pub(crate) async fn plan(&self, control: &str, hash: &str) -> Result<Vec<u8>, ClientError> {
        let request = self.http.get(format!("{control}/agent/v1/plans/{hash}"));
        self.send(control, request).await
    }

    /// The changes of a run so far.
    pub(crate) async fn changes(
        &self,
        control: &str,
        run: &str,
    ) -> Result<Vec<Change>, ClientError> {
        let request = self.http.get(format!("{control}/agent/v1/runs/{run}/changes"));
        read(control, &self.send(control, request).await?)
    }

    /// Hands over frames.
    pub(crate) async fn frames(
        &self,
        control: &str,
        batch: &FrameBatch,
    ) -> Result<Contact, ClientError> {
        let request = self.http.post(format!("{control}/agent/v1/frames")).json(batch);
        read(control, &self.send(control, request).await?)
    }

    /// Says how things are.
    pub(crate) async fn status(
        &self,
        control: &str,
        status: &Status,
    ) -> Result<Contact, ClientError> {
        let request = self.http.post(format!("{control}/agent/v1/status")).json(status);
        read(control, &self.send(control, request).await?)
    }

    async fn send(&self, control: &str, request: RequestBuilder) -> Result<Vec<u8>, ClientError> {
        let request = match &self.token {
            Some(token) => request.bearer_auth(&token.0),
            None => request,
        };
        let unreachable = |error: reqwest::Error| ClientError::Unreachable {
            control: control.to_owned(),
            why: with_causes(&error),
        };
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        let bytes = bounded(control, response).await?;
        if status.is_success() {
            return Ok(bytes);
        }
        let error = serde_json::from_slice::<ErrorBody>(&bytes).unwrap_or_default().error;
        let message = if error.message.is_empty() { error.code } else { error.message };
        Err(ClientError::Refused { control: control.to_owned(), status, message })
    }
}

/// The body, unless it is larger than anything control has to say.
async fn bounded(control: &str, mut response: Response) -> Result<Vec<u8>, ClientError> {
    let mut bytes = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if bytes.len() + chunk.len() <= MOST_BYTES => {
                bytes.extend_from_slice(&chunk);
            }
            Ok(Some(_)) => return Err(bad_answer(control, "it is too large")),
            Ok(None) => return Ok(bytes),
            Err(error) => {
                let why = with_causes(&error);
                return Err(ClientError::Unreachable { control: control.to_owned(), why });
            }
        }
    }
}

fn read<T: DeserializeOwned>(control: &str, bytes: &[u8]) -> Result<T, ClientError> {
    serde_json::from_slice(bytes).map_err(|error| bad_answer(control, &error.to_string()))
}

fn bad_answer(control: &str, why: &str) -> ClientError {
    ClientError::BadAnswer { control: control.to_owned(), why: why.to_owned() }
}

/// What an error says, with what its causes say: the first is often only "error sending request".
fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
