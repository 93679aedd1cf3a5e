//! Flags, or a file, into a plan document.

use super::arguments::{PlanArgs, PlanFlags};
use acp_wire::Plan;
use acp_wire::plan::{Connection, Expect, Headers, Load, Model, Request, Target};
use base64::Engine as _;
use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

/// The plan of a file, or else the one that the flags describe.
///
/// # Errors
///
/// A sentence for people: what is wrong with the file or a flag.
pub fn document(arguments: &PlanArgs, file: Option<&Path>) -> Result<Plan, String> {
    match file {
        Some(path) => from_file(path),
        None => from_flags(arguments),
    }
}

/// The plan that the flags describe.
fn from_flags(all: &PlanArgs) -> Result<Plan, String> {
    let PlanArgs { flags: arguments, source, tls } = all;
    let rate = arguments.rate.clone().filter(|rate| rate != "max");
    let is_open = rate.is_some() || arguments.profile.is_some();
    Ok(Plan {
        schema: acp_wire::PLAN_SCHEMA.into(),
        name: arguments.name.clone().unwrap_or_default(),
        seed: arguments.seed,
        tags: tags(&arguments.tags)?,
        target: Target {
            url: arguments.url.clone().unwrap_or_default(),
            connect_to: arguments.connect_to.clone(),
            host: arguments.host.clone(),
            dns: Some(arguments.dns.clone()).filter(|dns| dns != "once"),
        },
        load: Load {
            model: if is_open { Model::Open } else { Model::Closed },
            rate,
            arrival: arguments.arrival.into(),
            profile: arguments.profile.clone(),
            connections: arguments.connections,
            duration: arguments.duration.clone(),
            requests: arguments.requests,
            warmup: arguments.warmup.clone(),
            catchup: arguments.catchup.into(),
            backlog: arguments.backlog,
        },
        request: request(arguments)?,
        connection: Connection {
            keep_alive: !arguments.no_keepalive,
            requests_per_connection: arguments.requests_per_connection,
            pipeline: arguments.pipeline,
            timeout: arguments.timeout.clone(),
            connect_timeout: arguments.connect_timeout.clone(),
            source_ips: arguments.source_ip.clone(),
        },
        source: source.to_wire()?,
        tls: tls.to_wire(),
        expect: expected(&arguments.expect)?,
        ..Plan::default()
    })
}

/// The plan in a file, TOML or JSON; `-` is standard input.
///
/// # Errors
///
/// A sentence for people: what is wrong with the file.
pub fn from_file(path: &Path) -> Result<Plan, String> {
    let name = path.display();
    let text = if path == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(path)
    };
    let text = text.map_err(|error| format!("failed to read plan `{name}`: {error}"))?;
    if text.trim_start().starts_with('{') {
        serde_json::from_str(&text).map_err(|error| format!("bad plan `{name}`: {error}"))
    } else {
        toml::from_str(&text)
            .map_err(|error| format!("bad plan `{name}`: {}", error.to_string().trim_end()))
    }
}

fn request(arguments: &PlanFlags) -> Result<Request, String> {
    let headers = arguments.headers.iter().map(|header| split_header(header));
    let (body, body_base64) = body(arguments)?;
    let has_body = body.is_some() || body_base64.is_some();
    let default = if has_body { "POST" } else { "GET" };
    Ok(Request {
        method: arguments.method.clone().unwrap_or_else(|| default.into()),
        path: None,
        headers: Headers::List(headers.collect::<Result<_, _>>()?),
        body,
        body_base64,
        templates: !arguments.no_templates,
    })
}

/// Name and value of a header on the command line.
pub(super) fn split_header(header: &str) -> Result<(String, String), String> {
    let (name, value) = header
        .split_once(':')
        .ok_or_else(|| format!("bad header `{header}`\nhint: -H 'Name: value'"))?;
    Ok((name.trim().into(), value.trim().into()))
}

/// Body as text, or as base64 where it is not text.
fn body(arguments: &PlanFlags) -> Result<(Option<String>, Option<String>), String> {
    match &arguments.body_file {
        Some(path) => file_body(path),
        None => Ok((arguments.body.clone(), None)),
    }
}

/// What a file holds as text, or as base64 where it is not text.
pub(super) fn file_body(path: &Path) -> Result<(Option<String>, Option<String>), String> {
    let bytes = std::fs::read(path)
        .map_err(|error| format!("failed to read body file `{}`: {error}", path.display()))?;
    Ok(match String::from_utf8(bytes) {
        Ok(text) => (Some(text), None),
        Err(error) => {
            let engine = &base64::engine::general_purpose::STANDARD;
            (None, Some(engine.encode(error.as_bytes())))
        }
    })
}

fn tags(tags: &[String]) -> Result<BTreeMap<String, String>, String> {
    let split = |tag: &String| match tag.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.into(), value.into())),
        _ => Err(format!("bad tag `{tag}`\nhint: --tag key=value")),
    };
    tags.iter().map(split).collect()
}

fn expected(expressions: &[String]) -> Result<Expect, String> {
    let mut expect = Expect::default();
    for expression in expressions {
        if let Some(list) = expression.strip_prefix("status=") {
            expect.status.extend(list.split(',').map(|pattern| pattern.trim().to_string()));
        } else if let Some(text) = expression.strip_prefix("body~").filter(|text| !text.is_empty())
        {
            if !expect.body_contains.is_empty() {
                return Err("a body can be expected to hold one text".into());
            }
            expect.body_contains = text.into();
        } else {
            let hint = "hint: --expect status=200, --expect body~text";
            return Err(format!("bad expectation `{expression}`\n{hint}"));
        }
    }
    Ok(expect)
}
