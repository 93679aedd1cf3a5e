//! Parts of a plan that the tools have in common.

use super::super::plan::{file_body, split_header};
use super::refusal::Refusal;
use acp_wire::Plan;
use acp_wire::plan::{Expect, Headers, Load, Model, Request, Target, Tls};
use base64::Engine as _;
use std::path::Path;

/// For tools that wait for ever: the longest response time that is recorded.
pub(super) const NO_TIMEOUT: &str = "1h";

/// What this program calls itself where a tool sends its own name.
pub(super) const USER_AGENT: &str = concat!("acp/", env!("CARGO_PKG_VERSION"));

/// What a tool asks of TLS: it says so, or means it, for targets without TLS as well.
pub(super) fn tls_for(url: &str, tls: Tls) -> Tls {
    if url.starts_with("https://") { tls } else { Tls::default() }
}

/// A plan for `url` that takes every response for a response: the tools count the times of all of
/// them, whatever their status.
pub(super) fn plan_for(url: &str) -> Plan {
    Plan {
        schema: acp_wire::PLAN_SCHEMA.into(),
        seed: 1,
        target: Target { url: url.into(), ..Target::default() },
        expect: Expect {
            status: (1..=9).map(|class| format!("{class}xx")).collect(),
            ..Expect::default()
        },
        ..Plan::default()
    }
}

/// What ends a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    Requests(u64),
    Duration(String),
}

/// A closed loop, or an open one at a total rate.
pub(super) fn load(connections: u32, rate: Option<String>, end: End) -> Load {
    let (requests, duration) = match end {
        End::Requests(count) => (Some(count), None),
        End::Duration(duration) => (None, Some(duration)),
    };
    let model = if rate.is_some() { Model::Open } else { Model::Closed };
    Load { model, rate, connections, duration, requests, ..Load::default() }
}

/// Headers by name: one that is set again is replaced, as in the header maps of the tools.
#[derive(Debug, Default)]
pub(super) struct HeaderMap(Vec<(String, String)>);

impl HeaderMap {
    pub(super) fn set(&mut self, name: &str, value: impl Into<String>) {
        let value = value.into();
        match self.0.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
            Some(pair) => *pair = (name.into(), value),
            None => self.0.push((name.into(), value)),
        }
    }

    /// Sets headers as they are written on a command line, `Name: value`.
    pub(super) fn set_lines(&mut self, lines: &[String]) -> Result<(), Refusal> {
        for line in lines {
            let (name, value) = split_header(line).map_err(Refusal::Value)?;
            self.set(&name, value);
        }
        Ok(())
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known.eq_ignore_ascii_case(name))
    }
}

/// The request that a plan sends. Braces in it are sent as they stand.
pub(super) fn request(
    method: &str,
    headers: HeaderMap,
    body: Option<&str>,
    body_file: Option<&Path>,
) -> Result<Request, Refusal> {
    let (body, body_base64) = match body_file {
        Some(path) => file_body(path).map_err(Refusal::Value)?,
        None => (body.map(Into::into), None),
    };
    Ok(Request {
        method: method.into(),
        path: None,
        headers: Headers::List(headers.0),
        body,
        body_base64,
        templates: false,
    })
}

/// The value of an `Authorization` header for `user:password`.
pub(super) fn basic_authorization(pair: &str) -> Result<String, Refusal> {
    if !pair.contains(':') {
        return Err(Refusal::Value(
            "bad -a: a user without a password\nhint: -a user:password".into(),
        ));
    }
    Ok(format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_sent_once() {
        let mut headers = HeaderMap::default();
        headers.set("Accept", "*/*");
        let lines = ["accept: text/html", "X-A: 1: 2", "x-a:3"].map(String::from);
        headers.set_lines(&lines).unwrap();
        assert!(headers.has("ACCEPT") && !headers.has("Host"));
        let pairs = [("accept", "text/html"), ("x-a", "3")];
        assert_eq!(headers.0, pairs.map(|(name, value)| (name.into(), value.into())));
        assert!(headers.set_lines(&["no colon".into()]).is_err());
    }

    #[test]
    fn a_user_has_a_password() {
        assert_eq!(
            basic_authorization("Aladdin:open sesame").unwrap(),
            "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
        );
        assert_eq!(basic_authorization("a:").unwrap(), "Basic YTo=");
        assert!(basic_authorization("a").is_err());
    }

    #[test]
    fn a_body_comes_from_one_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("body");
        std::fs::write(&path, [0xff, 0x00]).unwrap();
        let request = |body, file| super::request("GET", HeaderMap::default(), body, file);
        let binary = request(Some("text"), Some(&path)).unwrap();
        assert_eq!((binary.body, binary.body_base64.as_deref()), (None, Some("/wA=")));
        let text = request(Some("{{slot}}"), None).unwrap();
        assert_eq!((text.body.as_deref(), text.templates), (Some("{{slot}}"), false));
        assert!(request(None, Some(Path::new("/no/such/file"))).is_err());
    }
}
