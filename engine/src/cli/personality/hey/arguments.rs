//! The flags of hey, and the plan that they are.

use super::super::refusal::{Refusal, refuse};
use super::super::request::{
    End, HeaderMap, NO_TIMEOUT, USER_AGENT, basic_authorization, load, plan_for, request, tls_for,
};
use super::super::run::Job;
use crate::launch::Options;
use acp_wire::Plan;
use acp_wire::plan::{Connection, Request, Target, Tls};
use clap::Args;
use std::path::PathBuf;

/// Run with the flags of hey, and print its summary
#[derive(Args, Debug)]
#[command(
    args_override_self = true,
    override_usage = "acp hey [options...] <url>",
    after_help = "\
Flags are read as hey reads them: `-n 5`, `-n=5` and `--n=5` are the same, and they come before the URL.

With -q the total rate is -q times -c, requests are sent on time, and response times count from the
moment a request was due. Total data counts the heads of responses too. Redirects are not followed.
The exit code is 0 also where the result is not valid; then a warning is on standard error.

Examples:
  acp hey -n 1000 -c 100 -m GET http://127.0.0.1:8080/
  acp hey -z 5s -c 10 -q 20 http://127.0.0.1:8080/"
)]
pub struct HeyArgs {
    /// Where the requests go
    url: String,
    /// What hey does not look at
    #[arg(hide = true)]
    after_url: Vec<String>,
    /// Requests in all
    #[arg(short, value_name = "N", default_value = "200")]
    n: u64,
    /// Workers: a connection each
    #[arg(short, value_name = "N", default_value = "50")]
    c: u32,
    /// Rate of each worker, in requests a second; 0: no limit
    #[arg(short, value_name = "RATE", default_value = "0")]
    q: String,
    /// Duration; -n is ignored then: 10s, 3m
    #[arg(short, value_name = "TIME")]
    z: Option<String>,
    /// Refused: rows of single requests are not kept
    #[arg(short, value_name = "TYPE")]
    o: Option<String>,
    /// Method
    #[arg(short, value_name = "METHOD", default_value = "GET")]
    m: String,
    /// Header of the request, `Name: value`; repeat it for more
    #[arg(short = 'H', value_name = "HEADER")]
    headers: Vec<String>,
    /// Timeout of each request, in seconds; 0: none (an hour)
    #[arg(short, value_name = "S", default_value = "20")]
    t: u32,
    /// Accept header
    #[arg(short = 'A', value_name = "TYPE")]
    accept: Option<String>,
    /// Body of the request
    #[arg(short, value_name = "TEXT")]
    d: Option<String>,
    /// File with the body of the request
    #[arg(short = 'D', value_name = "FILE")]
    body_file: Option<PathBuf>,
    /// Content-Type header
    #[arg(short = 'T', value_name = "TYPE", default_value = "text/html")]
    content_type: String,
    /// User-Agent header
    #[arg(short = 'U', value_name = "NAME")]
    user_agent: Option<String>,
    /// Basic authentication, `user:password`
    #[arg(short, value_name = "PAIR")]
    a: Option<String>,
    /// Refused: proxies are not used
    #[arg(short, value_name = "HOST:PORT")]
    x: Option<String>,
    /// Refused: HTTP/1.1 is spoken
    #[arg(long)]
    h2: bool,
    /// Host header
    #[arg(long, value_name = "NAME")]
    host: Option<String>,
    /// Do not ask for compressed responses
    #[arg(long)]
    disable_compression: bool,
    /// A new connection for each request
    #[arg(long)]
    disable_keepalive: bool,
    /// Changes nothing: redirects are not followed
    #[arg(long)]
    disable_redirects: bool,
    /// Threads [default: one a usable core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    cpus: Option<u32>,
    /// Changes nothing: details are always printed
    #[arg(long)]
    more: bool,
    /// Changes nothing: bodies are always read
    #[arg(long)]
    readall: bool,
    /// Changes nothing: certificates are not looked at
    #[arg(long)]
    allow_insecure: bool,
}

impl HeyArgs {
    /// What is to be run.
    pub(super) fn job(&self) -> Result<Job, Refusal> {
        self.refuse()?;
        let value = |message: &str| Refusal::Value(message.into());
        if self.c == 0 {
            return Err(value("-c cannot be smaller than 1"));
        }
        let end = match &self.z {
            Some(time) => End::Duration(time.clone()),
            None if self.n < u64::from(self.c) => return Err(value("-n cannot be less than -c")),
            None => End::Requests(self.n),
        };
        let rate = match self.q.parse::<f64>() {
            Ok(0.0) => None,
            _ => Some(times(&self.q, self.c)?),
        };
        let timeout = match self.t {
            0 => NO_TIMEOUT.into(),
            seconds => format!("{seconds}s"),
        };
        let target = Target { host: self.host.clone(), ..plan_for(&self.url).target };
        let plan = Plan {
            target,
            load: load(self.c, rate, end),
            request: self.request()?,
            connection: Connection {
                keep_alive: !self.disable_keepalive,
                timeout,
                ..Connection::default()
            },
            // hey does not look at certificates either.
            tls: tls_for(&self.url, Tls { verify: false, ..Tls::default() }),
            ..plan_for(&self.url)
        };
        let options = Options { threads: self.cpus, ..Options::default() };
        Ok(Job { plan, options, follows_redirects: !self.disable_redirects })
    }

    fn refuse(&self) -> Result<(), Refusal> {
        if let Some(argument) = self.after_url.first() {
            return Err(Refusal::Value(format!(
                "`{argument}` comes after the URL, where hey ignores it\nhint: flags come before the URL"
            )));
        }
        let has_type = self.o.as_ref().is_some_and(|kind| !kind.is_empty());
        let rows =
            "rows of single requests are not kept; `acp bench --format csv` has a row a second";
        refuse(&[
            (has_type, "-o", rows),
            (
                self.x.is_some(),
                "-x",
                "requests go straight to the target, without a proxy; leave it out",
            ),
            (self.h2, "-h2", "HTTP/1.1 is spoken; leave it out"),
        ])
    }

    fn request(&self) -> Result<Request, Refusal> {
        let mut headers = HeaderMap::default();
        headers.set("User-Agent", USER_AGENT);
        headers.set("Content-Type", self.content_type.as_str());
        headers.set_lines(&self.headers)?;
        if let Some(accept) = &self.accept {
            headers.set("Accept", accept.as_str());
        }
        if let Some(pair) = &self.a {
            headers.set("Authorization", basic_authorization(pair)?);
        }
        if let Some(name) = &self.user_agent {
            headers.set("User-Agent", name.as_str());
        }
        let method = self.m.to_uppercase();
        // When Go's client asks for compression by itself.
        let asks = ["Accept-Encoding", "Range"].iter().all(|name| !headers.has(name));
        if !self.disable_compression && asks && method != "HEAD" {
            headers.set("Accept-Encoding", "gzip");
        }
        request(&method, headers, self.d.as_deref(), self.body_file.as_deref())
    }
}

/// A decimal number times a whole one, exactly: `2.5` times 3 is `7.5`.
fn times(number: &str, factor: u32) -> Result<String, Refusal> {
    let bad = || Refusal::Value(format!("bad -q: `{number}` is not a rate\nhint: -q 20, -q 0.5"));
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = format!("{whole}{fraction}");
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(bad());
    }
    let product = digits.parse::<u64>().ok().and_then(|digits| digits.checked_mul(factor.into()));
    let product = format!("{:0>width$}", product.ok_or_else(bad)?, width = fraction.len() + 1);
    let (whole, fraction) = product.split_at(product.len() - fraction.len());
    Ok(if fraction.is_empty() { whole.into() } else { format!("{whole}.{fraction}") })
}

#[cfg(test)]
mod tests {
    use super::super::super::fixture::{Given, check_flags, job_of};
    use super::super::go_arguments;
    use super::*;
    use acp_wire::plan::Model;

    fn job(line: &[&str]) -> Result<Job, String> {
        let line = [&["acp", "hey"], line].concat();
        let line = go_arguments(line.into_iter().map(Into::into));
        let line: Vec<_> = line[2..].iter().map(|argument| argument.to_str().unwrap()).collect();
        job_of::<HeyArgs>(&line, HeyArgs::job)
    }

    fn header<'a>(job: &'a Job, name: &str) -> Option<&'a str> {
        let pairs = job.plan.request.headers.pairs();
        pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }

    #[test]
    fn every_flag_of_hey_has_an_answer() {
        use Given::{Done, Nothing, Refused};
        check_flags::<HeyArgs>(
            &["http://a/"],
            &[
                (&["-n", "300"], Done(|job| job.plan.load.requests == Some(300))),
                (&["-c=7"], Done(|job| job.plan.load.connections == 7)),
                (&["-q", "2"], Done(|job| job.plan.load.rate.as_deref() == Some("100"))),
                (&["-z", "3m"], Done(|job| job.plan.load.duration.as_deref() == Some("3m"))),
                (&["-o", "csv"], Refused("rows of single requests are not kept")),
                (&["-m", "post"], Done(|job| job.plan.request.method == "POST")),
                (&["-H", "X-A: b"], Done(|job| header(job, "X-A") == Some("b"))),
                (&["-t", "5"], Done(|job| job.plan.connection.timeout == "5s")),
                (&["-A", "text/x"], Done(|job| header(job, "Accept") == Some("text/x"))),
                (&["-d", "text"], Done(|job| job.plan.request.body.as_deref() == Some("text"))),
                (&["-D", "Cargo.toml"], Done(|job| job.plan.request.body.is_some())),
                (&["-T", "text/x"], Done(|job| header(job, "Content-Type") == Some("text/x"))),
                (&["-U", "me"], Done(|job| header(job, "User-Agent") == Some("me"))),
                (&["-a", "u:p"], Done(|job| header(job, "Authorization") == Some("Basic dTpw"))),
                (&["-x", "proxy:80"], Refused("proxy")),
                (&["--h2"], Refused("HTTP/1.1 is spoken")),
                (&["--host", "h"], Done(|job| job.plan.target.host.as_deref() == Some("h"))),
                (&["--disable-compression"], Done(|job| header(job, "Accept-Encoding").is_none())),
                (&["--disable-keepalive"], Done(|job| !job.plan.connection.keep_alive)),
                (&["--disable-redirects"], Nothing),
                (&["--cpus=1"], Done(|job| job.options.threads == Some(1))),
                (&["--more"], Nothing),
                (&["--readall"], Nothing),
                (&["--allow-insecure"], Nothing),
            ],
            HeyArgs::job,
        );
    }

    #[test]
    fn defaults_are_those_of_hey() {
        let found = job(&["http://a/"]).unwrap();
        let load = &found.plan.load;
        assert_eq!((load.requests, load.connections, load.model), (Some(200), 50, Model::Closed));
        assert_eq!(
            (load.duration.as_deref(), found.plan.connection.timeout.as_str()),
            (None, "20s")
        );
        assert_eq!(header(&found, "Content-Type"), Some("text/html"));
        assert_eq!(header(&found, "Accept-Encoding"), Some("gzip"));
        assert!(found.follows_redirects && found.plan.tls.verify);
        assert!(!job(&["https://a/"]).unwrap().plan.tls.verify);
        assert!(!job(&["-disable-redirects", "http://a/"]).unwrap().follows_redirects);
    }

    #[test]
    fn flags_work_together_as_in_hey() {
        let found = job(&["-z=5s", "-n", "3", "-c", "4", "-q", "2.5", "http://a/"]).unwrap();
        let load = &found.plan.load;
        assert_eq!((load.requests, load.duration.as_deref()), (None, Some("5s")));
        assert_eq!((load.rate.as_deref(), load.model), (Some("10.0"), Model::Open));
        let found = job(&["-n", "5", "-n", "60", "-t=0", "-q=0.0", "http://a/"]).unwrap();
        assert_eq!((found.plan.load.requests, found.plan.load.rate), (Some(60), None));
        assert_eq!(found.plan.connection.timeout, NO_TIMEOUT);
        for (what, flags) in [
            ("a header of one's own", ["-H", "Accept-Encoding: br"]),
            ("part of a body", ["-H", "Range: bytes=0-1"]),
            ("no body", ["-m", "HEAD"]),
        ] {
            let line = [flags.as_slice(), &["http://a/"]].concat();
            assert_ne!(header(&job(&line).unwrap(), "Accept-Encoding"), Some("gzip"), "{what}");
        }
    }

    #[test]
    fn rates_are_exact() {
        for (number, factor, expect) in [
            ("20", 50, "1000"),
            ("0.1", 3, "0.3"),
            (".5", 1, "0.5"),
            ("2.", 4, "8"),
            ("0.05", 3, "0.15"),
        ] {
            assert_eq!(times(number, factor).unwrap(), expect);
        }
        for bad in ["", "-1", "1e3", "x", "1.2.3", "18446744073709551615"] {
            assert!(times(bad, 2).is_err(), "`{bad}`");
        }
    }

    #[test]
    fn bad_values_are_refused() {
        for (line, part) in [
            (vec![], "<URL>"),
            (vec!["-n", "5", "http://a/"], "-n cannot be less than -c"),
            (vec!["-n", "0", "http://a/"], "-n cannot be less than -c"),
            (vec!["-c", "0", "http://a/"], "-c cannot be smaller than 1"),
            (vec!["-c", "-1", "http://a/"], "invalid value '-1'"),
            (vec!["-q", "fast", "http://a/"], "`fast` is not a rate"),
            (vec!["-q", "-5", "http://a/"], "`-5` is not a rate"),
            (vec!["-z", "soon", "http://a/"], "bad duration"),
            (vec!["-H", "colon", "http://a/"], "bad header `colon`"),
            (vec!["-a", "user", "http://a/"], "user:password"),
            (vec!["-D", "/no/such/file", "http://a/"], "failed to read body file"),
            (vec!["-cpus", "0", "http://a/"], "0 is not in"),
            (vec!["-more=maybe", "http://a/"], "unexpected value 'maybe'"),
            (vec!["-n5", "http://a/"], "unexpected argument '--n5'"),
            (vec!["-disable-foo", "http://a/"], "unexpected argument '--disable-foo'"),
            (vec!["http://a/", "-n", "300"], "`-n` comes after the URL"),
            (vec!["-n"], "a value is required for '-n"),
        ] {
            let error = job(&line).unwrap_err();
            assert!(error.contains(part), "{line:?}: `{part}` is not in `{error}`");
        }
    }
}
