//! `wire::Plan` → [`Plan`]: every string parsed, every limit checked, defaults put in.

use super::endpoint::{parse_endpoint, parse_url};
use super::profile::parse_profile;
use super::tls::server_name;
use crate::pace::{MAX_DURATION_NS, Pace, PaceError, Spacing, Stretch};
use crate::request::{EncodedRequest, Field, RequestTemplate};
use crate::rows::{Rows, RowsError};
use crate::template::TemplateError;
use crate::{Endpoint, Expect, Origins, Plan, Schedule};
use acp_wire::plan::{Arrival, Format, Load, Model, Source};
use acp_wire::rows::Generate;
use acp_wire::units::{UnitError, parse_duration_ns, parse_rate};
use std::sync::Arc;
use thiserror::Error;

/// Length of a run that gives neither a duration nor a count.
pub(super) const DEFAULT_DURATION_NS: u64 = 10_000_000_000;
/// Connections, at the most: what a token of the driver can tell apart.
pub(super) const MAX_CONNECTIONS: u32 = 1 << 22;
/// Requests on one connection at a time, at the most.
pub(super) const MAX_PIPELINE: u32 = 1024;
/// Bytes of requests on one connection at a time, at the most.
pub const MAX_BATCH_BYTES: usize = 64 << 20;
/// Bytes of one request that is made from a template, at the most: each slot makes its own.
pub(super) const MAX_TEMPLATE_BYTES: usize = 16 << 20;

/// Why a plan cannot be run.
#[derive(Debug, Error, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant is its message")]
pub enum PlanError {
    #[error("plan has schema `{0}`, expected `acp.plan/1`")]
    Schema(String),
    #[error("bad url `{url}`: {why}")]
    Url { url: String, why: String },
    #[error("unknown url scheme `{0}`\nhint: acp speaks http:// and https://")]
    Scheme(String),
    #[error("{0} is only for https, and the url is not\nhint: https://HOST/")]
    TlsWithoutHttps(&'static str),
    #[error("bad name `{name}` for TLS in {place}: it is neither a DNS name nor an address")]
    ServerName { name: String, place: &'static str },
    #[error("the lowest TLS version is above the highest")]
    TlsVersions,
    #[error("{0} is empty\nhint: leave it out, or name a PEM file")]
    EmptyFile(&'static str),
    #[error("{0} is missing: a certificate and its key go together")]
    HalfIdentity(&'static str),
    #[error(
        "tls.cert and tls.key are names of files, not what is in them: plans are stored and shown"
    )]
    KeyInPlan,
    #[error("bad address in connect_to: {0}")]
    ConnectTo(String),
    #[error(
        "bad address in source_ips: {0}\nhint: addresses and ranges: 10.0.0.1, 10.0.0.7-10.0.0.9"
    )]
    SourceIp(String),
    #[error("bad dns: {0}\nhint: `once`, or how often: 1s")]
    Dns(String),
    #[error("bad {field}: {source}")]
    Unit { field: &'static str, source: UnitError },
    #[error("{0} must be above 0")]
    Zero(&'static str),
    #[error("{field} is {value}, the limit is {limit}")]
    TooMany { field: &'static str, value: u64, limit: u64 },
    #[error("{0} is longer than a year")]
    TooLong(&'static str),
    #[error("bad profile `{profile}`: {why}")]
    Profile { profile: String, why: String },
    #[error("bad schedule: {0}")]
    Pace(#[from] PaceError),
    #[error("an open loop needs a rate or a profile")]
    NoRate,
    #[error("a rate and a profile exclude each other")]
    RateAndProfile,
    #[error("a closed loop has no rate\nhint: set load.model = \"open\"")]
    RateInClosedLoop,
    #[error(
        "a closed loop has no arrivals of its own\nhint: give a rate, with load.model = \"open\" in a plan"
    )]
    ArrivalInClosedLoop,
    #[error("a profile has its own length; leave the duration out")]
    DurationAndProfile,
    #[error("a rate of 0 never reaches {0} requests\nhint: give a duration")]
    NeverEnds(u64),
    #[error("bad method `{0}`")]
    Method(String),
    #[error("bad path `{0}`: it starts with `/` and has no blanks\nhint: write a blank as %20")]
    Path(String),
    #[error("bad header `{0}`\nhint: -H 'Name: value'")]
    Header(String),
    #[error("a Transfer-Encoding header would contradict the body, which is sent with its length")]
    TransferEncoding,
    #[error("the Content-Length header contradicts the body of {0} bytes")]
    ContentLength(String),
    #[error("body and body_base64 exclude each other")]
    TwoBodies,
    #[error("bad body_base64: {0}")]
    Base64(String),
    #[error(
        "a Content-Length header cannot be right for a body with values\nhint: leave it out, it is added"
    )]
    VaryingLength,
    #[error("bad template in {place}: {why}", place = field.place())]
    Template { field: Field, why: TemplateError },
    #[error("a source has a file\nhint: file = \"queries.txt\"")]
    NoFile,
    #[error(
        "data sets cannot be fetched yet: `{0}`\nhint: put the file on every agent and name it: file = \"/data/queries.txt\""
    )]
    DataSet(String),
    #[error("file, dataset and generate exclude each other: a source is one of them")]
    TwoSources,
    #[error("{0}")]
    Rows(RowsError),
    #[error("rows that are made say by themselves how they are written\nhint: format = \"auto\"")]
    FormatOfRows,
    #[error(
        "these rows are no requests\nhint: a template that begins with a path, or `{{{{line}}}}` in path, headers or body of the request"
    )]
    RowsAreNoRequests,
    #[error(
        "`{{{{line}}}}` stands for a line of a source, and there is none\nhint: file = \"values.txt\" in [source], --requests-file"
    )]
    NoLines,
    #[error("with `{{{{line}}}}` lines are values, which have no format\nhint: format = \"auto\"")]
    FormatOfValues,
    #[error("bad status `{0}` in expect\nhint: a code (200) or a class (2xx)")]
    Status(String),
    #[error("requests of {0} bytes times the pipeline depth are above {MAX_BATCH_BYTES} bytes")]
    BatchBytes(usize),
    #[error(
        "with their values requests can have up to {0} bytes, the limit is {MAX_TEMPLATE_BYTES}\n\
         hint: shorter text or fewer values"
    )]
    TemplateBytes(usize),
}

/// Compiles a plan.
///
/// # Errors
///
/// When the plan asks for something that cannot be, or that this engine does not do.
pub fn compile(document: &acp_wire::Plan) -> Result<Plan, PlanError> {
    check_schema(document)?;
    let url = parse_url(&document.target.url)?;
    let server_name = server_name(&document.tls, &url)?;
    let connection = &document.connection;
    let connections = within("connections", document.load.connections, MAX_CONNECTIONS)?;
    let pipeline = within("pipeline", connection.pipeline, MAX_PIPELINE)?;
    // Without keep-alive a connection carries one request, whatever the depth.
    let pipeline = if connection.keep_alive { pipeline } else { 1 };
    let host = document.target.host.as_deref().unwrap_or(&url.host);
    let limit_bytes = MAX_BATCH_BYTES / pipeline as usize;
    let keep_alive = connection.keep_alive;
    let template =
        RequestTemplate::compile(&document.request, &url.path, host, keep_alive, limit_bytes)?;
    let (request, template) = one_or_many(document.source.as_ref(), template)?;
    if request.bytes.len() > limit_bytes {
        return Err(PlanError::BatchBytes(request.bytes.len()));
    }
    if let Some(bytes) = template.as_ref().map(RequestTemplate::most_bytes) {
        if bytes > MAX_TEMPLATE_BYTES {
            return Err(PlanError::TemplateBytes(bytes));
        }
        if bytes > limit_bytes {
            return Err(PlanError::BatchBytes(bytes));
        }
    }
    let warmup_ns = duration("warmup", &document.load.warmup)?;
    let endpoints = endpoints(document, url.endpoint)?;
    let timeout_ns = positive("timeout", &connection.timeout)?;
    let connect_timeout_ns = positive("connect_timeout", &connection.connect_timeout)?;
    let expect = Expect::new(&document.expect.status)?;
    let origins = Origins::new(&connection.source_ips)?;
    let dns_ns = dns(document.target.dns.as_deref())?;
    Ok(Plan {
        endpoints,
        origins,
        dns_ns,
        // Last of what can fail: a profile takes the longest, and a survey comes by once a problem.
        schedule: schedule(document, warmup_ns)?,
        warmup_ns,
        connections,
        pipeline,
        keep_alive,
        requests_per_connection: match connection.requests_per_connection {
            0 => None,
            limit => Some(limit),
        },
        timeout_ns,
        connect_timeout_ns,
        request: Arc::new(request),
        server_name,
        template: template.map(Arc::new),
        expect,
        document: document.clone(),
    })
}

fn check_schema(document: &acp_wire::Plan) -> Result<(), PlanError> {
    if document.schema != acp_wire::PLAN_SCHEMA {
        return Err(PlanError::Schema(document.schema.clone()));
    }
    Ok(())
}

/// The one request of the plan, or what its requests are made from.
fn one_or_many(
    source: Option<&Source>,
    template: RequestTemplate,
) -> Result<(EncodedRequest, Option<RequestTemplate>), PlanError> {
    match source {
        None if template.wants_line() => return Err(PlanError::NoLines),
        None => {}
        Some(source) if count_given(source) > 1 => return Err(PlanError::TwoSources),
        Some(Source { generate: Some(generate), format, .. }) => {
            check_rows(generate, *format, &template)?;
        }
        Some(Source { dataset: Some(name), .. }) => return Err(PlanError::DataSet(name.clone())),
        Some(Source { file: None, .. }) => return Err(PlanError::NoFile),
        Some(Source { format, .. }) if template.wants_line() && *format != Format::Auto => {
            return Err(PlanError::FormatOfValues);
        }
        Some(_) => {}
    }
    match template.encode().filter(|_| source.is_none()) {
        Some(request) => Ok((request, None)),
        None => {
            let is_head = template.is_head();
            Ok((EncodedRequest { bytes: Vec::new(), is_head }, Some(template)))
        }
    }
}

/// Of how many things a source is said to come.
fn count_given(source: &Source) -> usize {
    let given = [source.file.is_some(), source.dataset.is_some(), source.generate.is_some()];
    given.into_iter().filter(|is_given| *is_given).count()
}

/// Whether rows can be made, and can be requests. Files of values are read where the rows are made.
fn check_rows(
    generate: &Generate,
    format: Format,
    template: &RequestTemplate,
) -> Result<(), PlanError> {
    let rows = Rows::compile(generate, 0, &mut |_| Ok(None)).map_err(PlanError::Rows)?;
    match template.wants_line() {
        _ if format != Format::Auto => Err(PlanError::FormatOfRows),
        false if !rows.form().is_request() => Err(PlanError::RowsAreNoRequests),
        _ => Ok(()),
    }
}

fn endpoints(document: &acp_wire::Plan, url: Endpoint) -> Result<Vec<Endpoint>, PlanError> {
    let given = &document.target.connect_to;
    if given.is_empty() {
        return Ok(vec![url]);
    }
    let parse = |text: &String| {
        parse_endpoint(text, Some(url.port))
            .map_err(|why| PlanError::ConnectTo(format!("`{text}`: {why}")))
    };
    given.iter().map(parse).collect()
}

/// How often to resolve names: not more often than ten times a second.
fn dns(text: Option<&str>) -> Result<Option<u64>, PlanError> {
    const LEAST_NS: u64 = 100_000_000;
    match text {
        None | Some("once") => Ok(None),
        Some(text) => match parse_duration_ns(text) {
            Ok(every_ns @ LEAST_NS..) => Ok(Some(every_ns)),
            Ok(_) => Err(PlanError::Dns(format!("`{text}` is more often than every 100 ms"))),
            Err(error) => Err(PlanError::Dns(error.to_string())),
        },
    }
}

fn schedule(document: &acp_wire::Plan, warmup_ns: u64) -> Result<Schedule, PlanError> {
    let load = &document.load;
    if load.requests == Some(0) {
        return Err(PlanError::Zero("requests"));
    }
    match load.model {
        Model::Open => open_loop(load, document.seed, warmup_ns),
        Model::Closed if load.rate.is_some() || load.profile.is_some() => {
            Err(PlanError::RateInClosedLoop)
        }
        Model::Closed if load.arrival != Arrival::default() => Err(PlanError::ArrivalInClosedLoop),
        Model::Closed => {
            let given = given_duration(load)?;
            let default = load.requests.is_none().then_some(DEFAULT_DURATION_NS);
            Ok(Schedule::Closed { requests: load.requests, duration_ns: given.or(default) })
        }
    }
}

fn open_loop(load: &Load, seed: u64, warmup_ns: u64) -> Result<Schedule, PlanError> {
    let spacing = spacing(load.arrival, seed);
    let (stretches, pace) = match (&load.rate, &load.profile) {
        (Some(_), Some(_)) => return Err(PlanError::RateAndProfile),
        (None, None) => return Err(PlanError::NoRate),
        (None, Some(_)) if load.duration.is_some() => return Err(PlanError::DurationAndProfile),
        (None, Some(profile)) => {
            let stretches = parse_profile(profile)?;
            let pace = Pace::new(&stretches)?.spaced(spacing)?;
            (stretches, pace)
        }
        (Some(rate), None) => constant(rate, load, spacing)?,
    };
    let total = load.requests.map_or(pace.total(), |requests| requests.min(pace.total()));
    // The warm-up holds the rate that the schedule begins with. Random arrivals are its own: else
    // the measured part would begin with a repetition.
    let first = stretches.iter().find(|stretch| stretch.duration_ns > 0);
    let warmup: Vec<_> =
        first.map(|stretch| Stretch::constant(stretch.from, warmup_ns)).into_iter().collect();
    Ok(Schedule::Open {
        warmup: Arc::new(Pace::new(&warmup)?.spaced(self::spacing(load.arrival, !seed))?),
        late_limit_ns: pace.late_limit_ns(),
        pace: Arc::new(pace),
        total,
        catchup: load.catchup,
        backlog: load.backlog,
    })
}

fn spacing(arrival: Arrival, seed: u64) -> Spacing {
    match arrival {
        Arrival::Uniform => Spacing::Uniform,
        Arrival::Poisson => Spacing::Poisson { seed },
    }
}

/// A constant rate: for as long as given, or until a count is reached.
fn constant(rate: &str, load: &Load, spacing: Spacing) -> Result<(Vec<Stretch>, Pace), PlanError> {
    let rate = parse_rate(rate).map_err(|source| PlanError::Unit { field: "rate", source })?;
    let given = given_duration(load)?;
    let Some(requests) = load.requests else {
        let stretches = vec![Stretch::constant(rate, given.unwrap_or(DEFAULT_DURATION_NS))];
        let pace = Pace::new(&stretches)?.spaced(spacing)?;
        return Ok((stretches, pace));
    };
    if rate.numerator == 0 && given.is_none() {
        return Err(PlanError::NeverEnds(requests));
    }
    let stretches = vec![Stretch::constant(rate, given.unwrap_or(MAX_DURATION_NS))];
    let pace = Pace::counted(&stretches, requests)?.spaced(spacing)?;
    if given.is_none() && pace.total() < requests {
        return Err(PlanError::Pace(PaceError::TooLong));
    }
    Ok((stretches, pace))
}

fn given_duration(load: &Load) -> Result<Option<u64>, PlanError> {
    load.duration.as_deref().map(|text| positive("duration", text)).transpose()
}

fn within(field: &'static str, value: u32, limit: u32) -> Result<u32, PlanError> {
    match value {
        0 => Err(PlanError::Zero(field)),
        _ if value > limit => {
            Err(PlanError::TooMany { field, value: value.into(), limit: limit.into() })
        }
        _ => Ok(value),
    }
}

fn duration(field: &'static str, text: &str) -> Result<u64, PlanError> {
    let found = parse_duration_ns(text).map_err(|source| PlanError::Unit { field, source })?;
    if found > MAX_DURATION_NS {
        return Err(PlanError::TooLong(field));
    }
    Ok(found)
}

fn positive(field: &'static str, text: &str) -> Result<u64, PlanError> {
    match duration(field, text)? {
        0 => Err(PlanError::Zero(field)),
        found => Ok(found),
    }
}
