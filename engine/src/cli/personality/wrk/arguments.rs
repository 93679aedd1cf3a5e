//! The flags of wrk and wrk2, and the plan that they are.

use super::super::refusal::{Refusal, refuse};
use super::super::request::{End, HeaderMap, load, plan_for, request, tls_for};
use super::super::run::Job;
use crate::launch::Options;
use acp_wire::Plan;
use acp_wire::plan::{Connection, Tls};
use acp_wire::units::{parse_count, parse_duration_ns};
use clap::Args;

/// Run with the flags of wrk and wrk2, and print their summary
#[derive(Args, Debug)]
#[command(
    args_override_self = true,
    infer_long_args = true,
    after_help = "\
Numbers may have a unit (1k, 1M), times too (2s, 2m, 2h). All connections are opened, also where the
threads do not share them evenly. A response that takes longer than --timeout is given up.

The exit code is 0 also where the result is not valid; then a warning is on standard error.

Examples:
  acp wrk -t2 -c100 -d30s http://127.0.0.1:8080/index.html
  acp wrk -t2 -c100 -d30s -R2000 --latency http://127.0.0.1:8080/index.html"
)]
pub struct WrkArgs {
    /// Where the requests go
    #[arg(required_unless_present = "version")]
    url: Option<String>,
    /// Arguments of a script
    #[arg(hide = true)]
    script_arguments: Vec<String>,
    /// Connections to keep open
    #[arg(short, long, value_name = "N", default_value = "10", value_parser = metric)]
    connections: u64,
    /// Duration of the test
    #[arg(short, long, value_name = "T", default_value = "10s", value_parser = seconds)]
    duration: u64,
    /// Threads to use
    #[arg(short, long, value_name = "N", default_value = "2", value_parser = metric)]
    threads: u64,
    /// Refused: Lua scripts are not run
    #[arg(short, long, value_name = "S")]
    script: Option<String>,
    /// Header of the request, `Name: value`
    #[arg(short = 'H', long, value_name = "H")]
    header: Vec<String>,
    /// Print the distribution of response times
    #[arg(short = 'L', long)]
    latency: bool,
    /// Give a response up after so long
    #[arg(short = 'T', long, value_name = "T", default_value = "2s", value_parser = seconds)]
    timeout: u64,
    /// Print the version
    #[arg(short, long)]
    version: bool,
    /// wrk2: total rate, an open loop
    #[arg(short = 'R', long, value_name = "RATE", value_parser = metric)]
    rate: Option<u64>,
    /// wrk2: print also times from the actual send
    #[arg(short = 'U', long = "u_latency", requires = "rate")]
    u_latency: bool,
    /// wrk2: changes nothing, as only scripts send batches
    #[arg(short = 'B', long = "batch_latency")]
    batch_latency: bool,
}

/// What a summary shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Style {
    /// The distribution of response times.
    pub(super) latency: bool,
    /// The distribution of times from the actual send.
    pub(super) uncorrected: bool,
    /// In the shape of wrk2.
    pub(super) at_rate: bool,
    /// Threads asked for.
    pub(super) threads: u64,
}

impl WrkArgs {
    pub(super) fn shows_version(&self) -> bool {
        self.version
    }

    pub(super) fn style(&self) -> Style {
        Style {
            latency: self.latency || self.u_latency,
            uncorrected: self.u_latency,
            at_rate: self.rate.is_some(),
            threads: self.threads,
        }
    }

    /// What is to be run; none where only the version was asked for.
    pub(super) fn job(&self) -> Result<Option<Job>, Refusal> {
        let Some(url) = &self.url else { return Ok(None) };
        refuse(&[(
            self.script.is_some(),
            "-s, --script",
            "Lua scripts are not run; -H sets headers, and `acp bench` has -X, -b and --requests-file \
             for other requests and --format json for other reports",
        )])?;
        let value = |message: &str| Refusal::Value(message.into());
        if self.connections < self.threads {
            return Err(value("number of connections must be >= threads"));
        }
        let threads =
            u32::try_from(self.threads).ok().filter(|threads| (1..=1024).contains(threads));
        let threads = threads.ok_or_else(|| value("bad -t: 1 to 1024 threads"))?;
        let connections =
            u32::try_from(self.connections).map_err(|_| value("that are too many connections"))?;
        if self.rate == Some(0) {
            return Err(value("bad -R: it must be above 0"));
        }
        let rate = self.rate.map(|rate| rate.to_string());
        let mut headers = HeaderMap::default();
        headers.set_lines(&self.header)?;
        let plan = Plan {
            load: load(connections, rate, End::Duration(format!("{}s", self.duration))),
            request: request("GET", headers, None, None)?,
            connection: Connection {
                timeout: format!("{}s", self.timeout),
                ..Connection::default()
            },
            // wrk does not look at certificates either.
            tls: tls_for(url, Tls { verify: false, ..Tls::default() }),
            ..plan_for(url)
        };
        let options = Options { threads: Some(threads), ..Options::default() };
        Ok(Some(Job { plan, options, follows_redirects: false }))
    }
}

/// A number as wrk reads it: the case of the unit does not matter.
fn metric(text: &str) -> Result<u64, String> {
    let text = text.to_lowercase().replace('m', "M").replace('g', "G");
    parse_count(&text).map_err(|error| error.to_string())
}

/// Whole seconds.
fn seconds(text: &str) -> Result<u64, String> {
    let found = parse_duration_ns(&text.to_lowercase()).map_err(|error| error.to_string())?;
    match found {
        0 => Err("it must be above 0".into()),
        _ if found % 1_000_000_000 != 0 => Err("whole seconds are expected".into()),
        _ => Ok(found / 1_000_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::fixture::{Given, check_flags, job_of};
    use super::*;
    use acp_wire::plan::Model;

    fn job(line: &[&str]) -> Result<Job, String> {
        job_of::<WrkArgs>(line, |arguments| Ok(arguments.job()?.expect("a URL was given")))
    }

    #[test]
    fn every_flag_of_wrk_and_wrk2_has_an_answer() {
        let unlike = |check: fn(&Job) -> bool| Given::Done(check);
        check_flags::<WrkArgs>(
            &["http://a/"],
            &[
                (&["-c", "40"], unlike(|job| job.plan.load.connections == 40)),
                (&["--connections", "1k"], unlike(|job| job.plan.load.connections == 1000)),
                (&["-d", "2m"], unlike(|job| job.plan.load.duration.as_deref() == Some("120s"))),
                (&["--duration=3"], unlike(|job| job.plan.load.duration.as_deref() == Some("3s"))),
                (&["-t5"], unlike(|job| job.options.threads == Some(5))),
                (&["--threads", "5"], unlike(|job| job.options.threads == Some(5))),
                (&["-s", "x.lua"], Given::Refused("Lua scripts are not run")),
                (&["--script=x.lua"], Given::Refused("Lua scripts are not run")),
                (&["-H", "A: b"], unlike(|job| job.plan.request.headers.pairs() == [("A", "b")])),
                (
                    &["--header", "A:b"],
                    unlike(|job| job.plan.request.headers.pairs() == [("A", "b")]),
                ),
                (&["--latency"], Given::Nothing),
                (&["-L"], Given::Nothing),
                (&["--timeout", "5s"], unlike(|job| job.plan.connection.timeout == "5s")),
                (&["-T", "1h"], unlike(|job| job.plan.connection.timeout == "3600s")),
                (&["-v"], Given::Nothing),
                (&["--version"], Given::Nothing),
                (&["-R2k"], unlike(|job| job.plan.load.rate.as_deref() == Some("2000"))),
                (&["--rate", "5"], unlike(|job| job.plan.load.model == Model::Open)),
                (&["-R9", "-U"], unlike(|job| job.plan.load.rate.as_deref() == Some("9"))),
                (&["-R9", "--u_latency"], unlike(|job| job.plan.load.rate.as_deref() == Some("9"))),
                (&["-B"], Given::Nothing),
                (&["--batch_latency"], Given::Nothing),
            ],
            |arguments| Ok(arguments.job()?.expect("a URL was given")),
        );
    }

    #[test]
    fn what_is_shown_follows_the_flags() {
        let plain = Style { threads: 2, ..Style::default() };
        for (line, expect) in [
            (vec![], plain),
            (vec!["--latency"], Style { latency: true, ..plain }),
            (vec!["--lat", "-t4"], Style { latency: true, threads: 4, ..plain }),
            (vec!["-R5"], Style { at_rate: true, ..plain }),
            (vec!["-R5", "-U"], Style { at_rate: true, latency: true, uncorrected: true, ..plain }),
        ] {
            let line = [line.as_slice(), &["http://a/"]].concat();
            let mut found = None;
            job_of::<WrkArgs>(&line, |arguments| {
                found = Some(arguments.style());
                Ok(arguments.job()?.expect("a URL was given"))
            })
            .unwrap();
            assert_eq!(found, Some(expect), "{line:?}");
        }
    }

    #[test]
    fn defaults_are_those_of_wrk() {
        let Job { plan, options, follows_redirects } = job(&["http://a/"]).unwrap();
        let load = plan.load;
        assert_eq!((load.connections, load.duration.as_deref()), (10, Some("10s")));
        assert_eq!((load.model, load.requests, load.rate), (Model::Closed, None, None));
        assert_eq!((options.threads, plan.connection.timeout.as_str()), (Some(2), "2s"));
        assert!(plan.request.headers.is_empty() && !plan.request.templates);
        assert!(plan.tls.verify && !follows_redirects);
        assert!(!job(&["https://a/"]).unwrap().plan.tls.verify);
    }

    #[test]
    fn the_last_of_a_flag_counts_and_flags_may_follow_the_url() {
        let job = job(&["-c20", "http://a/", "-c", "30", "-d1M", "--", "x", "-y"]).unwrap();
        assert_eq!(job.plan.load.connections, 30);
        assert_eq!(job.plan.load.duration.as_deref(), Some("60s"));
    }

    #[test]
    fn bad_values_are_refused() {
        for (line, part) in [
            (vec![], "<URL>"),
            (vec!["http://a/", "-c", "1", "-t", "2"], "connections must be >= threads"),
            (vec!["http://a/", "-c", "x"], "`x` is not a number"),
            (vec!["http://a/", "-t", "0"], "1 to 1024 threads"),
            (vec!["http://a/", "-t", "2k", "-c", "2k"], "1 to 1024 threads"),
            (vec!["http://a/", "-c", "5G"], "too many connections"),
            (vec!["http://a/", "-d", "0"], "above 0"),
            (vec!["http://a/", "-d", "1500ms"], "whole seconds"),
            (vec!["http://a/", "-d", "5y"], "unknown unit"),
            (vec!["http://a/", "-H", "colon"], "bad header `colon`"),
            (vec!["http://a/", "-R", "fast"], "not a number"),
            (vec!["http://a/", "-R", "0"], "bad -R: it must be above 0"),
            (vec!["http://a/", "-U"], "--rate"),
            (vec!["http://a/", "--nonsense"], "unexpected argument"),
        ] {
            let error = job(&line).unwrap_err();
            assert!(error.contains(part), "{line:?}: `{part}` is not in `{error}`");
        }
    }
}
