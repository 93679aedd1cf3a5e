//! The flags of piemon, and the plan that they are.

use super::super::refusal::{Refusal, refuse};
use super::super::request::{End, HeaderMap, load, plan_for, request};
use super::super::run::Job;
use crate::launch::Options;
use acp_wire::Plan;
use acp_wire::plan::{Connection, Format, Load, Order, Source};
use clap::Args;
use std::path::{Path, PathBuf};

/// The longest run; who gives more means to stop it by hand.
const LONGEST_S: u64 = 365 * 24 * 3600;

/// Run with the flags of piemon, the engine of ACP 1.0, and print its summary
#[derive(Args, Debug)]
#[command(
    args_override_self = true,
    infer_long_args = true,
    after_help = "\
One of -p and -r, and one of -s and -f, is required. Flags may stand behind the other arguments.

-r is an open loop: requests are sent on time at exactly that rate, and response times count from the
moment a request was due. Piemon changed its number of threads until the rate was about that. Each line
of the queries is the path of a request; of a folder all files are read, in the order of their paths,
those of folders in it too, except names that begin with . or # or end in ~. Every response is a
success, whatever its status. Times of day are local. Numbers of documents found and returned are not
measured, so their lines are not printed.

The exit code is 0 also where the result is not valid; then a warning is on standard error.

Examples:
  acp piemon -r 10 -s 10 --http -k 127.0.0.1 8080 queries.txt
  acp piemon -p 4 -f 1000 127.0.0.1 8080 folder -k -o errors.txt"
)]
pub struct PiemonArgs {
    /// Where the requests go
    #[arg(value_name = "HOSTNAME", required_unless_present = "version")]
    host: Option<String>,
    /// Its port
    #[arg(required_unless_present = "version", value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,
    /// File or folder with a path in each line
    #[arg(required_unless_present = "version")]
    queries: Option<String>,
    /// Connections, in a closed loop
    #[arg(short, value_name = "N")]
    p: Option<u32>,
    /// Total rate, in requests a second; an open loop
    #[arg(short, value_name = "N")]
    r: Option<u64>,
    /// Duration, in seconds
    #[arg(short, value_name = "N")]
    s: Option<u64>,
    /// Requests in all
    #[arg(short, value_name = "N")]
    f: Option<u64>,
    /// Threads
    #[arg(short, value_name = "N", default_value = "1",
        value_parser = clap::value_parser!(u32).range(1..=1024))]
    n: u32,
    /// Timeout of each request, in seconds
    #[arg(short, value_name = "N", default_value = "5",
        value_parser = clap::value_parser!(u32).range(1..=3600))]
    t: u32,
    /// Timeout of each request, in milliseconds; counts more than -t
    #[arg(short, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=3_600_000))]
    a: Option<u32>,
    /// Host header
    #[arg(short, value_name = "NAME")]
    q: Option<String>,
    /// Keep connections open; a new one for each request without it
    #[arg(short)]
    k: bool,
    /// File for the errors: how many of which kind
    #[arg(short, value_name = "FILE")]
    o: Option<PathBuf>,
    /// Changes nothing: HTTP is spoken
    #[arg(short = 'c', long)]
    http: bool,
    /// Changes nothing: no thread waits for a response
    #[arg(short, value_name = "0|1", value_parser = ["0", "1"])]
    w: Option<String>,
    /// Changes nothing: rates are not read from a message queue; `acp bench --control` changes them
    #[arg(short, value_name = "N", allow_negative_numbers = true)]
    d: Option<i64>,
    /// Changes nothing: piemon has never added it to its requests
    #[arg(short, value_name = "TEXT")]
    x: Option<String>,
    /// Changes nothing: lines of up to 4 MiB are sent
    #[arg(short, value_name = "N")]
    m: Option<u64>,
    /// Changes nothing, as in piemon (its longest response time)
    #[arg(short, value_name = "N", allow_negative_numbers = true)]
    y: Option<i64>,
    /// Changes nothing, as in piemon (its highest rate)
    #[arg(short, value_name = "N", allow_negative_numbers = true)]
    j: Option<i64>,
    /// Changes nothing, as in piemon (its largest number of timeouts)
    #[arg(short, value_name = "N", allow_negative_numbers = true)]
    g: Option<i64>,
    /// Changes nothing, as in piemon
    #[arg(short)]
    e: bool,
    /// Refused: lengths of responses are not checked
    #[arg(short, value_name = "N", allow_negative_numbers = true)]
    l: Option<i64>,
    /// Refused: HTTP is spoken
    #[arg(short = 'b', long)]
    tcp: bool,
    /// Refused: lines of this form have no body
    #[arg(long)]
    post: bool,
    /// Print the version
    #[arg(short, long)]
    version: bool,
}

impl PiemonArgs {
    pub(super) fn shows_version(&self) -> bool {
        self.version
    }

    /// The host as it was given.
    pub(super) fn host(&self) -> &str {
        self.host.as_deref().unwrap_or_default()
    }

    /// Where the errors go.
    pub(super) fn log(&self) -> Option<&Path> {
        self.o.as_deref()
    }

    /// What is said before the run: of flags that do less here than they did.
    pub(super) fn notes(&self) -> Vec<&'static str> {
        let queue = "note: rates are not read from a message queue (-d); `acp bench --control FILE` \
                     changes them while it runs";
        let longest = "note: -s is more than a year, the length of the longest run: it ends then";
        let is_longer = self.s.is_some_and(|seconds| seconds > LONGEST_S);
        [self.d.map(|_| queue), is_longer.then_some(longest)].into_iter().flatten().collect()
    }

    /// What is to be run; none where only the version was asked for.
    pub(super) fn job(&self) -> Result<Option<Job>, Refusal> {
        let (Some(host), Some(port), Some(queries)) = (&self.host, self.port, &self.queries) else {
            return Ok(None);
        };
        self.refuse()?;
        let url = url(host, port)?;
        let timeout = match self.a {
            Some(milliseconds) => format!("{milliseconds}ms"),
            None => format!("{}s", self.t),
        };
        let mut plan = Plan {
            load: self.load()?,
            request: request("GET", HeaderMap::default(), None, None)?,
            source: Some(Source {
                file: Some(queries.clone()),
                format: Format::Path,
                order: Order::Seq,
                ..Source::default()
            }),
            connection: Connection { keep_alive: self.k, timeout, ..Connection::default() },
            ..plan_for(&url)
        };
        plan.target.host = self.q.clone();
        let options = Options { threads: Some(self.n), ..Options::default() };
        Ok(Some(Job { plan, options, follows_redirects: false }))
    }

    fn load(&self) -> Result<Load, Refusal> {
        let value = |message: &str| Refusal::Value(message.into());
        let (connections, rate) = match (self.p, self.r) {
            (Some(0), None) => return Err(value("bad -p: it must be above 0")),
            (None, Some(0)) => return Err(value("bad -r: it must be above 0")),
            (Some(connections), None) => (connections, None),
            (None, Some(rate)) => (Load::default().connections, Some(rate.to_string())),
            _ => {
                return Err(value(
                    "one start specifier, either -p or -r, is required\nhint: -r N requests a second, \
                     or -p N connections",
                ));
            }
        };
        let end = match (self.s, self.f) {
            (Some(0), None) => return Err(value("bad -s: it must be above 0")),
            (None, Some(0)) => return Err(value("bad -f: it must be above 0")),
            (Some(seconds), None) => End::Duration(format!("{}s", seconds.min(LONGEST_S))),
            (None, Some(requests)) => End::Requests(requests),
            _ => {
                return Err(value(
                    "one end specifier, either -f or -s, is required\nhint: -s N seconds, or -f N \
                     requests",
                ));
            }
        };
        Ok(load(connections, rate, end))
    }

    fn refuse(&self) -> Result<(), Refusal> {
        refuse(&[
            (self.tcp, "-b, --tcp", "HTTP is spoken: --http"),
            (
                self.post,
                "--post",
                "a line here is a path without a body; `acp bench --requests-file FILE` reads lines \
                 `POST /path BODY`",
            ),
            (
                self.l.is_some(),
                "-l",
                "lengths of responses are not checked; `acp bench --expect body~TEXT` looks for a text \
                 that only whole ones have",
            ),
        ])
    }
}

/// The URL of a host: a name, or an address of either family.
fn url(host: &str, port: u16) -> Result<String, Refusal> {
    let is_bad = |c: char| "/?#@\\ ".contains(c);
    if host.is_empty() || host.contains(is_bad) {
        return Err(Refusal::Value(format!(
            "bad host `{host}`: a name or an address\nhint: acp piemon -r 10 -s 10 127.0.0.1 8080 queries.txt"
        )));
    }
    Ok(match host.contains(':') && !host.starts_with('[') {
        true => format!("http://[{host}]:{port}/"),
        false => format!("http://{host}:{port}/"),
    })
}

#[cfg(test)]
#[path = "arguments_tests.rs"]
mod tests;
