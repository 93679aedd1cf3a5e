//! The flags of `acp target`: from the command line to [`TargetOptions`], and what is printed.

use std::fmt::Display;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;

use acp_wire::units::{Rate, parse_count, parse_duration_ns, parse_rate, parse_size};
use clap::{Args, ValueEnum};
use serde::Serialize;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::response::has_body;
use super::{
    ErrorRate, ResponseOptions, Stall, Target, TargetError, TargetOptions, TargetTls, judge,
    judge_randomness, parse_error_rate, parse_stall, read_arrivals,
};
use crate::cpus;

/// A built-in HTTP server to aim load at: one fixed response to every request.
///
/// Prints `listening on http://ADDRESS/` first, or `https://` with TLS. `GET /__acp/count` answers with
/// what it has done so far, as JSON. Ctrl-C ends it with the same as the last line.
#[derive(Debug, Clone, Args)]
pub struct TargetArgs {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,

    /// Serving threads [default: the CPUs we may use]
    #[arg(long, value_name = "N", value_parser = parse_positive)]
    threads: Option<u64>,

    /// Pin the threads to these CPUs: `0,2-5`
    #[arg(long, value_name = "LIST", value_parser = parse_cpus)]
    cpus: Option<Cpus>,

    /// Length of the body: `512`, `64KiB`, `1MB` [default: a short greeting]
    #[arg(long, value_name = "SIZE", value_parser = parse_body_size)]
    size: Option<usize>,

    /// Status of the response
    #[arg(long, value_name = "CODE", default_value_t = 200,
          value_parser = clap::value_parser!(u16).range(200..=599))]
    status: u16,

    /// Another header of the response (repeatable)
    #[arg(long, value_name = "NAME: VALUE", value_parser = parse_header)]
    header: Vec<String>,

    /// Send the body in chunks
    #[arg(long)]
    chunked: bool,

    /// Speak TLS, 1.2 and 1.3, with a certificate that is made at the start and signs itself
    #[arg(long)]
    tls: bool,

    /// Write the certificate that is made to this file, for clients to trust (implies --tls)
    #[arg(long, value_name = "FILE", conflicts_with = "tls_cert")]
    tls_ca: Option<PathBuf>,

    /// Certificate to show instead, with its chain: a PEM file (implies --tls)
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,

    /// Private key of --tls-cert: a PEM file
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,

    /// Keep each answer back this long
    #[arg(long, value_name = "TIME", default_value = "0", value_parser = parse_duration_ns)]
    delay: u64,

    /// Answer nothing for a while: `3s@10s` is for 3 s, beginning 10 s after the start (repeatable)
    #[arg(long, value_name = "LENGTH@BEGIN", value_parser = parse_stall)]
    stall: Vec<Stall>,

    /// Answer this share of requests with 500: `0.1%`
    #[arg(long, value_name = "SHARE", default_value = "0", value_parser = parse_error_rate)]
    error_rate: ErrorRate,

    /// Which requests fail is drawn from this
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,

    /// Close each connection after this many answers
    #[arg(long, value_name = "N", value_parser = parse_positive)]
    close_every: Option<u64>,

    /// Write the arrival time of each request to a file, for `--judge`
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,

    /// Look for work without sleeping, which takes whole CPUs; `auto`: while recording, if each
    /// thread has a CPU
    #[arg(long, value_enum, default_value_t = Spin::Auto, num_args = 0..=1,
          default_missing_value = "on", value_name = "WHEN")]
    spin: Spin,

    /// Serve nothing; print how far the recorded arrivals are from the schedule of `--rate`
    #[arg(long, value_name = "FILE", requires = "rate", conflicts_with = "record")]
    judge: Option<PathBuf>,

    /// The rate that the load was meant to have: `50k`, `0.5`, `300/m`
    #[arg(short = 'R', long, value_name = "RATE", requires = "judge", value_parser = parse_rate)]
    rate: Option<Rate>,

    /// The spacing that they were meant to have: `poisson` judges how exponential the gaps are
    #[arg(long, value_enum, default_value_t = Arrival::Uniform, requires = "judge",
          value_name = "HOW")]
    arrival: Arrival,

    /// Print the judgement as JSON
    #[arg(long, requires = "judge")]
    json: bool,
}

/// When to spin. A sleeping server blurs what it records: the median deviation of the same load was
/// 10 µs instead of 3 at 1,000/s and 3 µs instead of 0.2 at 20,000/s (Linux 6.18, 2 CPUs, loopback).
/// On a CPU that is shared with the load, though, spinning takes away what it measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Spin {
    Auto,
    On,
    Off,
}

/// What a record is judged against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Arrival {
    /// Equal gaps.
    Uniform,
    /// Exponential gaps.
    Poisson,
}

/// A list in one value; clap takes a `Vec` for a repeated flag.
#[derive(Debug, Clone)]
struct Cpus(Vec<usize>);

/// Runs `acp target` and returns its exit code.
///
/// # Errors
///
/// See [`TargetError`].
pub fn run(args: TargetArgs) -> Result<u8, TargetError> {
    match (&args.judge, args.rate) {
        (Some(path), Some(rate)) => {
            let arrivals = read_arrivals(path)?;
            print_line(&match args.arrival {
                Arrival::Uniform => judgement(judge(&arrivals, rate), args.json)?,
                Arrival::Poisson => judgement(judge_randomness(&arrivals, rate), args.json)?,
            });
        }
        _ => serve(args)?,
    }
    Ok(0)
}

/// A judgement as it is printed.
fn judgement(
    found: Option<impl Display + Serialize>,
    is_json: bool,
) -> Result<String, TargetError> {
    let found = found.ok_or(TargetError::NothingToJudge)?;
    Ok(if is_json { serde_json::to_string(&found).unwrap_or_default() } else { found.to_string() })
}

fn serve(args: TargetArgs) -> Result<(), TargetError> {
    // Before there is anything to lose by a signal.
    let mut signals =
        Signals::new([SIGINT, SIGTERM]).map_err(|source| TargetError::Signals { source })?;
    let ca = args.tls_ca.clone();
    let target = Target::start(options(args))?;
    print_line(&format!("listening on {}", target.url()));
    if let Some(path) = ca {
        print_line(&format!("trust it with --cacert {}", path.display()));
    }
    let end = target.end();
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            signals.forever().next();
            // A target that has failed by itself waits no more.
            end.send(()).ok();
        })
        .map_err(|source| TargetError::Signals { source })?;
    target.wait();
    print_line(&target.stop()?.to_json());
    Ok(())
}

fn options(args: TargetArgs) -> TargetOptions {
    let allowed = cpus::allowed().len().max(1);
    let cpus = args.cpus.map(|cpus| cpus.0).unwrap_or_default();
    let default = if cpus.is_empty() { allowed } else { cpus.len() };
    let threads = args.threads.map_or(default, |n| usize::try_from(n).unwrap_or(usize::MAX));
    let body_bytes = args.size.unwrap_or(ResponseOptions::default().body_bytes);
    let tls = match (args.tls_cert, args.tls_key) {
        (Some(cert), Some(key)) => Some(TargetTls::Files { cert, key }),
        _ if args.tls || args.tls_ca.is_some() => Some(TargetTls::Made { ca: args.tls_ca }),
        _ => None,
    };
    TargetOptions {
        listen: args.listen,
        threads,
        cpus,
        response: ResponseOptions {
            status: args.status,
            body_bytes: if has_body(args.status) { body_bytes } else { 0 },
            headers: args.header,
            chunked: args.chunked,
        },
        delay_ns: args.delay,
        stalls: args.stall,
        error_rate: args.error_rate,
        seed: args.seed,
        close_every: args.close_every.unwrap_or(0),
        spin: match args.spin {
            Spin::Auto => args.record.is_some() && threads < allowed,
            Spin::On => true,
            Spin::Off => false,
        },
        record: args.record,
        tls,
    }
}

/// A reader that has gone away is no reason to stop serving.
fn print_line(line: &str) {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}").and_then(|()| stdout.flush()).ok();
}

fn parse_positive(input: &str) -> Result<u64, String> {
    match parse_count(input) {
        Ok(0) => Err("`0` is too few".to_owned()),
        Ok(count) => Ok(count),
        Err(error) => Err(error.to_string()),
    }
}

fn parse_cpus(input: &str) -> Result<Cpus, cpus::CpuError> {
    cpus::parse_cpus(input).map(Cpus)
}

/// Responses are kept in memory, several variants of each.
const LARGEST_BODY_BYTES: u64 = 256 << 20;

fn parse_body_size(input: &str) -> Result<usize, String> {
    let size = parse_size(input).map_err(|error| error.to_string())?;
    if size > LARGEST_BODY_BYTES {
        return Err(format!("`{input}` is too large, at most 256MiB"));
    }
    usize::try_from(size).map_err(|error| error.to_string())
}

/// Checks `Name: value` and refuses what would contradict the framing.
fn parse_header(input: &str) -> Result<String, String> {
    const OURS: [&str; 3] = ["content-length", "transfer-encoding", "connection"];
    let Some((name, value)) = input.split_once(':') else {
        return Err(format!("`{input}` is not a header, expected `Name: value`"));
    };
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_token) {
        return Err(format!("`{name}` is not the name of a header"));
    }
    if value.bytes().any(|byte| byte.is_ascii_control() && byte != b'\t') {
        return Err(format!("the value of `{name}` has control characters"));
    }
    if OURS.iter().any(|ours| name.eq_ignore_ascii_case(ours)) {
        return Err(format!("`{name}` is set by the target itself"));
    }
    Ok(format!("{name}: {}", value.trim()))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Command {
        #[command(flatten)]
        target: TargetArgs,
    }

    fn parse(flags: &str) -> Result<TargetArgs, String> {
        Command::try_parse_from(["target"].into_iter().chain(flags.split_terminator(' ')))
            .map(|command| command.target)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn flags_become_options() {
        let flags = "--listen 127.0.0.1:0 --cpus 0,1 --size 64KiB --status 503 --header A:b \
                     --chunked --delay 5ms --stall 3s@10s --stall 1@20 --error-rate 50% \
                     --close-every 1k --record /tmp/x --spin off --seed 7";
        let options = options(parse(flags).expect("flags"));
        assert_eq!((options.threads, options.cpus.as_slice()), (2, &[0, 1][..]));
        assert_eq!(options.response.body_bytes, 65_536);
        assert_eq!((options.response.status, options.response.chunked), (503, true));
        assert_eq!(options.response.headers, ["A: b"]);
        assert_eq!((options.delay_ns, options.stalls.len()), (5_000_000, 2));
        assert_eq!((options.close_every, options.seed, options.spin), (1000, 7, false));
    }

    #[test]
    fn tls_is_for_whoever_asks_for_it() {
        for (flags, expect) in [
            ("", None),
            ("--tls", Some(TargetTls::Made { ca: None })),
            ("--tls --tls-ca x", Some(TargetTls::Made { ca: Some("x".into()) })),
            ("--tls-ca x", Some(TargetTls::Made { ca: Some("x".into()) })),
            (
                "--tls --tls-cert c --tls-key k",
                Some(TargetTls::Files { cert: "c".into(), key: "k".into() }),
            ),
        ] {
            assert_eq!(options(parse(flags).expect(flags)).tls, expect, "{flags}");
        }
    }

    #[test]
    fn spinning_is_for_recording_with_a_cpu_for_each_thread_and_one_left() {
        let spins = |flags| options(parse(flags).expect("flags")).spin;
        assert!(!spins("--threads 1"));
        assert!(spins("--spin"));
        assert!(!spins("--record x --threads 1k"));
        assert_eq!(spins("--record x --threads 1"), cpus::allowed().len() > 1);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (flags, part) in [
            ("--threads 0", "too few"),
            ("--size 64K", "unknown unit"),
            ("--size 1GiB", "too large"),
            ("--status 99", "not in 200..=599"),
            ("--header A", "not a header"),
            ("--header Content-Length:5", "set by the target"),
            ("--header A\u{7f}b:5", "not the name"),
            ("--delay -5", "unexpected argument"),
            ("--stall 3s", "like `3s@10s`"),
            ("--error-rate 101%", "at most 100%"),
            ("--close-every 0", "too few"),
            ("--judge x", "--rate"),
            ("--rate 5", "--judge"),
            ("--judge x --rate max", "not a number"),
            ("--judge x --rate 5 --record y", "cannot be used with"),
            ("--json", "--judge"),
            ("--arrival poisson", "--judge"),
            ("--judge x --rate 5 --arrival even", "invalid value 'even'"),
            ("--tls-cert c", "--tls-key"),
            ("--tls-key k", "--tls-cert"),
            ("--tls-cert c --tls-key k --tls-ca x", "cannot be used with"),
            ("--listen localhost", "invalid socket address"),
        ] {
            let error = parse(flags).expect_err(flags);
            assert!(error.contains(part), "{flags}: `{error}` lacks `{part}`");
        }
    }
}
