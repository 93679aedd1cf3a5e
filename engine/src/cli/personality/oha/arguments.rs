//! The flags of oha, and the plan that they are.

use super::super::refusal::{Refusal, refuse};
use super::super::request::{
    End, HeaderMap, NO_TIMEOUT, USER_AGENT, basic_authorization, load, plan_for, request, tls_for,
};
use super::super::run::Job;
use super::address::{Detour, direct, parse_detour};
use super::refused::RefusedArgs;
use super::scale::Scale;
use crate::launch::Options;
use acp_wire::plan::{Connection, Request, Tls};
use acp_wire::units::{parse_count, parse_duration_ns};
use clap::{Args, ValueEnum};
use std::path::{Path, PathBuf};

/// Run with the flags of oha, and print its summary
#[derive(Args, Debug)]
#[command(after_help = "\
With -q requests are sent on time, and response times count from the moment a request was due. Total
data counts the heads of responses too. Redirects are not followed. At the end of -z open requests are
waited for. The exit code is 0 also where the result is not valid; then a warning is on standard error.

Examples:
  acp oha -n 200 -c 50 http://127.0.0.1:8080/
  acp oha -z 2s -q 100 http://127.0.0.1:8080/
  acp oha --no-tui -j http://127.0.0.1:8080/")]
pub struct OhaArgs {
    /// Where the requests go
    url: String,
    /// Requests in all: 200, 10k, 1m
    #[arg(short, value_name = "N", default_value = "200", value_parser = requests)]
    n: u64,
    /// Connections
    #[arg(short, value_name = "N", default_value = "50")]
    c: u32,
    /// Requests on a connection of HTTP/2, which is not spoken: 1
    #[arg(short, value_name = "N", default_value = "1")]
    p: u32,
    /// Duration; -n is ignored then: 10s, 3m
    #[arg(short, value_name = "TIME")]
    z: Option<String>,
    /// Changes nothing: open requests are always waited for
    #[arg(short, long)]
    wait_ongoing_requests_after_deadline: bool,
    /// Total rate, in requests a second; 0: no limit
    #[arg(short, value_name = "RATE", default_value = "0")]
    q: String,
    /// Changes nothing: times count from the moment a request was due
    #[arg(long)]
    latency_correction: bool,
    /// Changes nothing: there is no live view
    #[arg(long)]
    no_tui: bool,
    /// Changes nothing: there is no live view
    #[arg(long, value_name = "N", default_value = "16")]
    fps: u32,
    /// Method
    #[arg(short, long, value_name = "METHOD", default_value = "GET")]
    method: String,
    /// Header of the request, `Name: value`; repeat it for more
    #[arg(short = 'H', value_name = "HEADER")]
    headers: Vec<String>,
    /// Timeout of each request [default: none (an hour); with -z its duration]
    #[arg(short, value_name = "TIME")]
    t: Option<String>,
    /// Timeout of each connection
    #[arg(long, value_name = "TIME", default_value = "5s")]
    connect_timeout: String,
    /// Accept header
    #[arg(short = 'A', value_name = "TYPE")]
    accept: Option<String>,
    /// Body of the request
    #[arg(short, value_name = "TEXT", conflicts_with = "body_file")]
    d: Option<String>,
    /// File with the body of the request
    #[arg(short = 'D', value_name = "FILE")]
    body_file: Option<PathBuf>,
    /// Content-Type header
    #[arg(short = 'T', value_name = "TYPE")]
    content_type: Option<String>,
    /// Basic authentication, `user:password`
    #[arg(short, value_name = "PAIR")]
    a: Option<String>,
    /// Version of HTTP: 1.1
    #[arg(long, value_name = "VERSION", default_value = "1.1")]
    http_version: String,
    /// Host header
    #[arg(long, value_name = "NAME")]
    host: Option<String>,
    /// Do not ask for compressed responses
    #[arg(long)]
    disable_compression: bool,
    /// Redirects to follow: 0
    #[arg(short, long, value_name = "N")]
    redirect: Option<u32>,
    /// A new connection for each request
    #[arg(long)]
    disable_keepalive: bool,
    /// Changes nothing: the name is resolved once, at the start
    #[arg(long)]
    no_pre_lookup: bool,
    /// Connect to IPv6 addresses only
    #[arg(long)]
    ipv6: bool,
    /// Connect to IPv4 addresses only
    #[arg(long)]
    ipv4: bool,
    /// Authorities to trust: a PEM file
    #[arg(long, value_name = "FILE")]
    cacert: Option<String>,
    /// Certificate to show to the target: a PEM file
    #[arg(long, value_name = "FILE", requires = "key")]
    cert: Option<String>,
    /// Private key of --cert: a PEM file
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<String>,
    /// Do not check the certificate of the target
    #[arg(long)]
    insecure: bool,
    /// Connect elsewhere: `example.org:443:localhost:8443`
    #[arg(long, value_name = "DETOUR", value_parser = parse_detour)]
    connect_to: Vec<Detour>,
    /// Changes nothing: there are no colours
    #[arg(long, visible_alias = "disable-color")]
    no_color: bool,
    /// File for the summary
    #[arg(short, long, value_name = "FILE", default_value = "-")]
    output: PathBuf,
    /// Format of the summary
    #[arg(long, value_name = "NAME", default_value = "text")]
    output_format: Format,
    /// The same as --output-format json
    #[arg(short, long)]
    json: bool,
    /// Unit of the times in the text [default: that of the slowest]
    #[arg(short = 'u', long, value_name = "UNIT")]
    time_unit: Option<Scale>,
    #[command(flatten)]
    refused: RefusedArgs,
}

/// Format of a summary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people.
    Text,
    /// One document.
    Json,
    /// Refused: a row for each request.
    Csv,
    /// Nothing.
    Quiet,
}

impl OhaArgs {
    /// Where the summary goes; `-` is standard output.
    pub(super) fn output(&self) -> &Path {
        &self.output
    }

    pub(super) fn format(&self) -> Format {
        if self.json { Format::Json } else { self.output_format }
    }

    pub(super) fn scale(&self) -> Option<Scale> {
        self.time_unit
    }

    /// What is to be run.
    pub(super) fn job(&self) -> Result<Job, Refusal> {
        self.refuse()?;
        if self.c == 0 {
            return Err(Refusal::Value("-c cannot be smaller than 1".into()));
        }
        let end = match &self.z {
            Some(time) => {
                parse_duration_ns(time)
                    .map_err(|error| Refusal::Value(format!("bad -z: {error}")))?;
                End::Duration(time.clone())
            }
            None => End::Requests(self.n),
        };
        // oha drops what is open at the end of -z, so a response that takes as long is never seen.
        let patience = self.z.as_deref().unwrap_or(NO_TIMEOUT);
        let rate = Some(self.q.clone()).filter(|rate| rate.parse::<f64>() != Ok(0.0));
        let mut plan = plan_for(&self.url);
        plan.target.host = self.host.clone();
        plan.load = load(self.c, rate, end);
        plan.request = self.request()?;
        plan.connection = Connection {
            keep_alive: !self.disable_keepalive,
            timeout: self.t.as_deref().unwrap_or(patience).into(),
            connect_timeout: self.connect_timeout.clone(),
            ..Connection::default()
        };
        let tls = Tls {
            verify: !self.insecure,
            cacert: self.cacert.clone(),
            cert: self.cert.clone(),
            key: self.key.clone(),
            ..Tls::default()
        };
        plan.tls = tls_for(&self.url, tls);
        direct(&mut plan, &self.connect_to, self.ipv4, self.ipv6)?;
        let follows_redirects = self.redirect != Some(0);
        Ok(Job { plan, options: Options::default(), follows_redirects })
    }

    fn refuse(&self) -> Result<(), Refusal> {
        self.refused.refuse()?;
        let follows = self.redirect.is_some_and(|limit| limit > 0);
        let rows =
            "rows of single requests are not kept; `acp bench --format csv` has a row a second";
        refuse(&[
            (self.p != 1, "-p", "HTTP/1.1 is spoken; -c is the number of requests at a time"),
            (
                self.http_version != "1.1",
                "--http-version",
                "HTTP/1.1 is spoken: --http-version 1.1",
            ),
            (
                follows,
                "-r, --redirect",
                "redirects are not followed: -r 0; or load what they lead to",
            ),
            (self.format() == Format::Csv, "--output-format csv", rows),
        ])
    }

    fn request(&self) -> Result<Request, Refusal> {
        let mut headers = HeaderMap::default();
        headers.set("Accept", self.accept.as_deref().unwrap_or("*/*"));
        if !self.disable_compression {
            headers.set("Accept-Encoding", "gzip, compress, deflate, br");
        }
        headers.set("User-Agent", USER_AGENT);
        if let Some(kind) = &self.content_type {
            headers.set("Content-Type", kind.as_str());
        }
        if let Some(pair) = &self.a {
            headers.set("Authorization", basic_authorization(pair)?);
        }
        headers.set_lines(&self.headers)?;
        request(&self.method, headers, self.d.as_deref(), self.body_file.as_deref())
    }
}

/// A number of requests: `m` is a million, whatever its case.
fn requests(text: &str) -> Result<u64, String> {
    let text = text.to_lowercase().replace('m', "M");
    parse_count(&text).map_err(|error| error.to_string())
}

#[cfg(test)]
#[path = "arguments_tests.rs"]
mod tests;
