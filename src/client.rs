//! A client of a control plane's API, for the commands that talk to one.

use acp_wire::agent::ErrorBody;
use anyhow::{Context as _, Result, bail};
use clap::Args;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::time::Duration;

/// Where the control plane is.
#[derive(Args, Clone, Debug)]
pub(crate) struct ControlArgs {
    /// Address of the control plane
    #[arg(
        long,
        value_name = "URL",
        env = "ACP_CONTROL",
        default_value = "http://127.0.0.1:7700",
        global = true
    )]
    control: String,
    /// Token, where the control plane asks for one
    #[arg(long, value_name = "TOKEN", env = "ACP_TOKEN", hide_env_values = true, global = true)]
    token: Option<String>,
}

/// A control plane.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    base: String,
    token: Option<String>,
    http: reqwest::Client,
}

impl Client {
    pub(crate) fn new(arguments: &ControlArgs) -> Result<Self> {
        Self::at(&arguments.control, arguments.token.clone())
    }

    pub(crate) fn at(address: &str, token: Option<String>) -> Result<Self> {
        let base = match address.contains("://") {
            true => address.trim_end_matches('/').to_string(),
            false => format!("http://{}", address.trim_end_matches('/')),
        };
        let http = reqwest::Client::builder()
            .no_proxy()
            .connect_timeout(Duration::from_secs(5))
            .timeout(Duration::from_secs(60))
            .build()
            .context("failed to make an HTTP client")?;
        Ok(Self { base, token, http })
    }

    /// Address of the control plane.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        self.json(self.request(Method::GET, path)).await
    }

    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T> {
        self.json(self.request(Method::POST, path).json(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Result<()> {
        self.send(self.request(Method::DELETE, path)).await.map(drop)
    }

    pub(crate) async fn text(&self, path: &str) -> Result<String> {
        let answer = self.send(self.request(Method::GET, path)).await?;
        answer.text().await.context("the answer broke off")
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}/api/v1{path}", self.base));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    async fn json<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T> {
        let text = self.send(request).await?.text().await.context("the answer broke off")?;
        let text = if text.is_empty() { "null" } else { &text };
        serde_json::from_str(text).context("the answer is not what this version of acp expects")
    }

    async fn send(&self, request: RequestBuilder) -> Result<reqwest::Response> {
        let answer = request.send().await.with_context(|| {
            format!(
                "control plane `{}` does not answer\nhint: start one with `acp up`, or say where it is with --control URL",
                self.base
            )
        })?;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let text = answer.text().await.unwrap_or_default();
        bail!(refusal(status, &text))
    }
}

/// What a refusal says to a person.
fn refusal(status: StatusCode, body: &str) -> String {
    let Ok(ErrorBody { error }) = serde_json::from_str(body) else {
        return format!("control plane answered {status}: {}", body.trim());
    };
    let hint = match (status, error.hint.is_empty()) {
        (StatusCode::UNAUTHORIZED, true) => "\nhint: give a token with --token or ACP_TOKEN".into(),
        (_, true) => String::new(),
        (_, false) => format!("\nhint: {}", error.hint),
    };
    format!("{}{hint}", error.message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_sentences_with_hints() {
        for (status, body, text) in [
            (404, r#"{"error":{"code":"not_found","message":"no run `x`"}}"#, "no run `x`"),
            (
                409,
                r#"{"error":{"code":"c","message":"no cores","hint":"start an agent"}}"#,
                "no cores\nhint: start an agent",
            ),
            (
                401,
                r#"{"error":{"code":"c","message":"who are you"}}"#,
                "who are you\nhint: give a token with --token or ACP_TOKEN",
            ),
            (502, "<html>", "control plane answered 502 Bad Gateway: <html>"),
        ] {
            assert_eq!(refusal(StatusCode::from_u16(status).unwrap(), body), text);
        }
    }
}
