//! The flags of `acp bench`.

use super::rules::RuleArgs;
use super::source::SourceArgs;
use super::tls::TlsArgs;
use acp_wire::agent::Share;
use acp_wire::plan::{Arrival, Catchup};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Run the engine on this machine
#[derive(Args, Debug)]
#[command(after_help = "\
Durations: 500ms 30s 1m30s 2h, a bare number is seconds. Counts: 10k 1M. Rates: 50k 0.5 300/m 5/h max.

Examples:
  acp bench http://localhost:8080/                       closed loop, 64 connections, 10 s
  acp bench -c 512 -t 4 -d 30s http://localhost:8080/    more of it
  acp bench -R 20k -d 1m http://localhost:8080/          20,000 requests a second, on time
  acp bench -R 300/m -n 50 http://localhost:8080/        5 a second until there were 50
  acp bench --profile 'line(0,10k,30s) const(10k,1m)' http://localhost:8080/
  acp bench -o report.json -o times.hdr -o report.html http://localhost:8080/
  acp bench -R 1k --slo 'p99<50ms' --abort-on 'errors>5% over 10s' -o junit.xml http://localhost:8080/

Exit codes: 0 pass, 1 internal error, 2 usage, 97 stopped by --abort-on, 98 result not valid, 99 --slo missed,
130 Ctrl-C")]
pub struct BenchArgs {
    #[command(flatten)]
    pub(super) plan: PlanArgs,
    #[command(flatten)]
    pub(super) rules: RuleArgs,
    #[command(flatten)]
    pub(super) run: RunArgs,
}

/// Groups of the flags that a plan in a file stands for. Clap leaves a group empty that has others in
/// it, so each is named.
pub const PLAN_FLAGS: [&str; 3] = ["PlanFlags", "SourceArgs", "TlsArgs"];

/// Flags that say what is sent and when.
#[derive(Args, Debug)]
pub struct PlanArgs {
    #[command(flatten)]
    pub(super) flags: PlanFlags,
    #[command(flatten)]
    pub(super) source: SourceArgs,
    #[command(flatten)]
    pub(super) tls: TlsArgs,
}

/// Those of them that are neither about a query file nor about TLS.
#[derive(Args, Debug)]
pub(super) struct PlanFlags {
    /// Where the requests go; `http://` may be left out
    #[arg(required_unless_present = "plan_file")]
    pub(super) url: Option<String>,
    /// Connections in all
    #[arg(short, long, value_name = "N", default_value = "64", value_parser = connections)]
    pub(super) connections: u32,
    /// Length of the measured part [default: 10s, unless -n or --profile says it]
    #[arg(short, long, value_name = "TIME", visible_short_alias = 'z')]
    pub(super) duration: Option<String>,
    /// Stop after so many requests
    #[arg(short = 'n', long, value_name = "N", value_parser = count)]
    pub(super) requests: Option<u64>,
    /// Total rate, open loop: 50k 0.5 300/m 5/h; `max` or no rate: closed loop
    #[arg(short = 'R', long, value_name = "RATE", visible_short_alias = 'q')]
    pub(super) rate: Option<String>,
    /// Spacing of requests in an open loop
    #[arg(long, value_name = "HOW", default_value = "uniform")]
    pub(super) arrival: ArrivalFlag,
    /// Schedule: `line(0,10k,30s) const(10k,5m) step(1k,10k,1k,10s) sine(5k,2k,60s,5m)`
    #[arg(long, value_name = "EXPR", conflicts_with = "rate")]
    pub(super) profile: Option<String>,
    /// Load before the measured part, not counted
    #[arg(long, value_name = "TIME", default_value = "0s")]
    pub(super) warmup: String,
    /// What happens to slots that are late: sent at most at twice the rate, at once, or not at all
    #[arg(long, value_name = "HOW", default_value = "smooth")]
    pub(super) catchup: CatchupFlag,
    /// Slots that may wait for a connection; the oldest beyond are given up
    #[arg(long, value_name = "N", default_value = "65536", value_parser = count)]
    pub(super) backlog: u64,
    /// Method of the request
    #[arg(short = 'X', long, value_name = "METHOD")]
    pub(super) method: Option<String>,
    /// Header of the request, `Name: value`
    #[arg(short = 'H', long = "header", value_name = "HEADER")]
    pub(super) headers: Vec<String>,
    /// Body of the request; its method is POST unless -X says another
    #[arg(short, long, value_name = "TEXT")]
    pub(super) body: Option<String>,
    /// File with the body of the request
    #[arg(short = 'B', long, value_name = "FILE", conflicts_with = "body")]
    pub(super) body_file: Option<PathBuf>,
    /// Host header instead of the host of the URL
    #[arg(long, value_name = "NAME")]
    pub(super) host: Option<String>,
    /// A new connection for each request
    #[arg(long)]
    pub(super) no_keepalive: bool,
    /// Close a connection after so many requests; 0: no limit
    #[arg(long, value_name = "N", default_value = "0")]
    pub(super) requests_per_connection: u32,
    /// Requests that may be on one connection at a time
    #[arg(long, value_name = "N", default_value = "1")]
    pub(super) pipeline: u32,
    /// From the send to the last byte of the response
    #[arg(long, value_name = "TIME", default_value = "10s")]
    pub(super) timeout: String,
    /// From the start of a connection until it is open
    #[arg(long, value_name = "TIME", default_value = "5s")]
    pub(super) connect_timeout: String,
    /// Connect here instead; repeat it to spread connections over several addresses
    #[arg(long, value_name = "HOST:PORT")]
    pub(super) connect_to: Vec<String>,
    /// Local addresses to connect from, in turn: `10.0.0.1,10.0.0.7-10.0.0.9`
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub(super) source_ip: Vec<String>,
    /// How often to resolve the name of the target: `once`, or a time like 1s
    #[arg(long, value_name = "HOW", default_value = "once")]
    pub(super) dns: String,
    /// Send `{{…}}` in path, headers and body as it stands
    #[arg(long)]
    pub(super) no_templates: bool,
    /// What is expected: `status=200`, `status=2xx,404`, `body~text` [default: 2xx and 3xx]
    #[arg(long, value_name = "EXPR")]
    pub(super) expect: Vec<String>,
    /// Label kept in the report, `key=value`
    #[arg(long = "tag", value_name = "K=V")]
    pub(super) tags: Vec<String>,
    /// Name kept in the report
    #[arg(long, value_name = "NAME")]
    pub(super) name: Option<String>,
    /// Seed of everything random
    #[arg(long, value_name = "N", default_value = "1")]
    pub(super) seed: u64,
}

/// Flags that say how it is run and what is written.
#[derive(Args, Debug)]
pub(super) struct RunArgs {
    /// Plan file (TOML or JSON) instead of flags; `-` is standard input
    #[arg(long = "plan", id = "plan_file", value_name = "FILE", conflicts_with_all = PLAN_FLAGS)]
    pub(super) plan_file: Option<PathBuf>,
    /// Shards, one thread each [default: one a usable core, at most one a connection; half of that
    /// in an open loop against this machine]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(super) threads: Option<u32>,
    /// CPUs to pin shards to: `0,2-5` [default: those we may use]
    #[arg(long, value_name = "LIST")]
    pub(super) cpus: Option<String>,
    /// How long before a due time a shard stops sleeping: `auto`, `off` or a time like 30us
    #[arg(long, value_name = "HOW", default_value = "auto")]
    pub(super) spin: String,
    /// What moves the bytes
    #[arg(long, value_name = "NAME", default_value = "auto")]
    pub(super) driver: DriverFlag,
    /// The part of the plan to send, as JSON: offset, stride, connections, and where they apply
    /// first_connection, from_us, skip
    #[arg(long, value_name = "JSON", value_parser = share)]
    pub(super) share: Option<Share>,
    /// Open connections now and begin the schedule, its warm-up first, at this Unix time in
    /// microseconds; one in the past is joined where it is by now. The frames begin with a line that
    /// says how many connections are open
    #[arg(long, value_name = "UNIX_US")]
    pub(super) start_at: Option<u64>,
    /// Id of the run, in frames and report
    #[arg(long, value_name = "ID", default_value = "", hide_default_value = true)]
    pub(super) run_id: String,
    /// Name of the agent, in frames
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    pub(super) agent: String,
    /// Commands while it runs, one JSON a line; `-` is standard input: {"rate":"20k"}, {"pause":true},
    /// {"resume":true}, {"stop":true}, {"lease_us":15000000}: stop unless another comes in that time
    #[arg(long, value_name = "FILE")]
    pub(super) control: Option<PathBuf>,
    /// Stop unless a command gives a lease within this time from the start of the process: 15s,
    /// 15000ms. The end of the commands stops the run at once
    #[arg(long, value_name = "TIME", requires = "control")]
    pub(super) lease: Option<String>,
    /// Percentiles of the text report, in percent
    #[arg(short, long, value_name = "LIST", default_value = "50,90,99,99.9,99.99", value_delimiter = ',', value_parser = percentile)]
    pub(super) percentiles: Vec<f64>,
    /// Write the report to a file, in the format of its suffix; `-` is standard output
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Vec<PathBuf>,
    /// Format where the suffix does not say it [default: text]
    #[arg(long, value_name = "NAME")]
    pub(super) format: Option<Format>,
    /// Write a frame each second, one JSON a line; `-` is standard output
    #[arg(long, value_name = "FILE")]
    pub(super) frames: Option<PathBuf>,
    /// No progress on standard error
    #[arg(long)]
    pub(super) quiet: bool,
    /// Show the live view, or fail [default: where standard error is a terminal]
    #[arg(long, conflicts_with_all = ["no_tui", "quiet"])]
    pub(super) tui: bool,
    /// Progress as a line a second, on a terminal too
    #[arg(long)]
    pub(super) no_tui: bool,
    /// No colours; the variable NO_COLOR says the same
    #[arg(long)]
    pub(super) no_color: bool,
}

/// `--arrival`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum ArrivalFlag {
    /// Equal gaps.
    Uniform,
    /// Exponential gaps.
    Poisson,
}

impl From<ArrivalFlag> for Arrival {
    fn from(flag: ArrivalFlag) -> Self {
        match flag {
            ArrivalFlag::Uniform => Self::Uniform,
            ArrivalFlag::Poisson => Self::Poisson,
        }
    }
}

/// `--catchup`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum CatchupFlag {
    /// At most twice the rate.
    Smooth,
    /// As fast as connections allow.
    Burst,
    /// Late slots are given up.
    None,
}

impl From<CatchupFlag> for Catchup {
    fn from(flag: CatchupFlag) -> Self {
        match flag {
            CatchupFlag::Smooth => Self::Smooth,
            CatchupFlag::Burst => Self::Burst,
            CatchupFlag::None => Self::None,
        }
    }
}

/// `--driver`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum DriverFlag {
    /// io_uring, or monoio on epoll where io_uring is forbidden.
    Auto,
    /// Raw io_uring.
    Uring,
    /// The monoio runtime on io_uring.
    Monoio,
    /// The monoio runtime on epoll.
    MonoioEpoll,
    /// The glommio runtime on io_uring: only in a program that was built with it.
    Glommio,
}

/// Format of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people.
    Text,
    /// The whole report.
    Json,
    /// Percentile table of response times (.hgrm).
    Hdr,
    /// The series: a row a second.
    Csv,
    /// The page with its charts as one file.
    Html,
    /// Test cases for continuous integration (.xml): verdict, goals, limits.
    Junit,
    /// For merge requests and chats (.md).
    Markdown,
    /// Metrics for a textfile collector (.prom); a file is written anew each second.
    Prometheus,
}

pub(super) fn share(text: &str) -> Result<Share, String> {
    let share = serde_json::from_str(text).map_err(|error| error.to_string())?;
    crate::plan::check_share(&share).map_err(|error| error.to_string())?;
    Ok(share)
}

fn count(text: &str) -> Result<u64, String> {
    acp_wire::units::parse_count(text).map_err(|error| error.to_string())
}

fn connections(text: &str) -> Result<u32, String> {
    u32::try_from(count(text)?).map_err(|_| "that are too many connections".into())
}

fn percentile(text: &str) -> Result<f64, String> {
    match text.trim().trim_start_matches('p').parse::<f64>() {
        Ok(percentile) if (0.0..=100.0).contains(&percentile) => Ok(percentile),
        _ => Err(format!("`{text}` is not a percentile between 0 and 100")),
    }
}
