//! Tables of oha's flags.

use super::super::super::fixture::{Given, check_flags, job_of};
use super::*;
use acp_wire::plan::Model;

fn job(line: &[&str]) -> Result<Job, String> {
    job_of::<OhaArgs>(line, OhaArgs::job)
}

fn header<'a>(job: &'a Job, name: &str) -> Option<&'a str> {
    let pairs = job.plan.request.headers.pairs();
    pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
}

#[test]
fn every_flag_of_oha_has_an_answer() {
    use Given::{Done, Nothing, Refused};
    check_flags::<OhaArgs>(
        &["https://a:80/"],
        &[
            (&["-n", "1m"], Done(|job| job.plan.load.requests == Some(1_000_000))),
            (&["-c", "7"], Done(|job| job.plan.load.connections == 7)),
            (&["-p", "1"], Nothing),
            (&["-p", "2"], Refused("HTTP/1.1 is spoken")),
            (&["-z", "3m"], Done(|job| job.plan.load.duration.as_deref() == Some("3m"))),
            (&["-w"], Nothing),
            (&["--wait-ongoing-requests-after-deadline"], Nothing),
            (&["-q", "100"], Done(|job| job.plan.load.rate.as_deref() == Some("100"))),
            (&["--burst-delay", "2s"], Refused("`acp bench --profile` has steps")),
            (&["--burst-rate", "4"], Refused("`acp bench --profile` has steps")),
            (&["--rand-regex-url"], Refused("--requests-file")),
            (&["--max-repeat", "4"], Refused("--requests-file")),
            (&["--dump-urls", "4"], Refused("--requests-file")),
            (&["--urls-from-file"], Refused("--requests-file")),
            (&["--latency-correction"], Nothing),
            (&["--no-tui"], Nothing),
            (&["--fps", "30"], Nothing),
            (&["-j"], Nothing),
            (&["--json"], Nothing),
            (&["-m", "PUT"], Done(|job| job.plan.request.method == "PUT")),
            (&["--method", "PUT"], Done(|job| job.plan.request.method == "PUT")),
            (&["-H", "X-A: b"], Done(|job| header(job, "X-A") == Some("b"))),
            (&["--proxy-header", "A: b"], Refused("without a proxy")),
            (&["-t", "3s"], Done(|job| job.plan.connection.timeout == "3s")),
            (&["--connect-timeout", "1s"], Done(|job| job.plan.connection.connect_timeout == "1s")),
            (&["-A", "text/x"], Done(|job| header(job, "Accept") == Some("text/x"))),
            (&["-d", "text"], Done(|job| job.plan.request.body.as_deref() == Some("text"))),
            (&["-D", "Cargo.toml"], Done(|job| job.plan.request.body.is_some())),
            (&["-Z", "Cargo.toml"], Refused("--requests-file")),
            (&["-F", "a=b"], Refused("-D")),
            (&["--form", "a=b"], Refused("-D")),
            (&["-T", "text/x"], Done(|job| header(job, "Content-Type") == Some("text/x"))),
            (&["-a", "u:p"], Done(|job| header(job, "Authorization") == Some("Basic dTpw"))),
            (&["--aws-session", "x"], Refused("headers with -H")),
            (&["--aws-sigv4", "x"], Refused("headers with -H")),
            (&["-x", "http://p/"], Refused("without a proxy")),
            (&["--proxy-http-version", "2"], Refused("without a proxy")),
            (&["--proxy-http2"], Refused("without a proxy")),
            (&["--http-version", "1.1"], Nothing),
            (&["--http-version", "2"], Refused("--http-version 1.1")),
            (&["--http2"], Refused("HTTP/1.1 is spoken")),
            (&["--host", "h"], Done(|job| job.plan.target.host.as_deref() == Some("h"))),
            (&["--disable-compression"], Done(|job| header(job, "Accept-Encoding").is_none())),
            (&["-r", "0"], Nothing),
            (&["--redirect", "0"], Nothing),
            (&["--redirect", "5"], Refused("not followed")),
            (&["--disable-keepalive"], Done(|job| !job.plan.connection.keep_alive)),
            (&["--no-pre-lookup"], Nothing),
            (
                &["--ipv6", "--connect-to", "a:80:[::1]:8"],
                Done(|job| job.plan.target.connect_to == ["[::1]:8"]),
            ),
            (
                &["--ipv4", "--connect-to", "a:80:127.0.0.1:8"],
                Done(|job| job.plan.target.connect_to == ["127.0.0.1:8"]),
            ),
            (&["--cacert", "c"], Done(|job| job.plan.tls.cacert.as_deref() == Some("c"))),
            (&["--cert", "c", "--key", "k"], Done(|job| job.plan.tls.key.as_deref() == Some("k"))),
            (&["--insecure"], Done(|job| !job.plan.tls.verify)),
            (&["--no-color"], Nothing),
            (&["--disable-color"], Nothing),
            (&["--unix-socket", "/s"], Refused("listen on a port")),
            (&["--vsock-addr", "1:2"], Refused("listen on a port")),
            (&["--stats-success-breakdown"], Refused("apart")),
            (&["--db-url", "x.db"], Refused("--format csv")),
            (&["--debug"], Refused("curl -v")),
            (&["-o", "x.txt"], Nothing),
            (&["--output", "x.txt"], Nothing),
            (&["--output-format", "json"], Nothing),
            (&["--output-format", "quiet"], Nothing),
            (&["--output-format", "csv"], Refused("rows of single requests")),
            (&["-u", "ms"], Nothing),
            (&["--time-unit", "s"], Nothing),
        ],
        OhaArgs::job,
    );
}

#[test]
fn what_is_shown_follows_the_flags() {
    for (line, format, output, scale) in [
        (vec![], Format::Text, "-", None),
        (vec!["-j", "--no-tui"], Format::Json, "-", None),
        (vec!["--output-format", "json", "-o", "x"], Format::Json, "x", None),
        (vec!["--output-format", "quiet", "-u", "us"], Format::Quiet, "-", Some(Scale::Us)),
        (vec!["--output-format", "csv", "-j"], Format::Json, "-", None),
    ] {
        let line = [line.as_slice(), &["http://a/"]].concat();
        job_of::<OhaArgs>(&line, |arguments| {
            let shown = (arguments.format(), arguments.output(), arguments.scale());
            assert_eq!(shown, (format, Path::new(output), scale), "{line:?}");
            arguments.job()
        })
        .unwrap();
    }
}

#[test]
fn defaults_are_those_of_oha() {
    let found = job(&["http://a/"]).unwrap();
    let load = &found.plan.load;
    assert_eq!((load.requests, load.connections, load.model), (Some(200), 50, Model::Closed));
    assert_eq!((load.duration.as_deref(), load.rate.as_deref()), (None, None));
    assert_eq!(header(&found, "Accept"), Some("*/*"));
    assert_eq!(header(&found, "Accept-Encoding"), Some("gzip, compress, deflate, br"));
    assert_eq!(found.plan.connection.timeout, NO_TIMEOUT);
    assert!(found.follows_redirects && found.plan.tls.verify);
    assert!(!job(&["-r", "0", "http://a/"]).unwrap().follows_redirects);
}

#[test]
fn flags_work_together_as_in_oha() {
    let found = job(&["http://a/", "-z", "2s", "-n", "3", "-q", "0.5"]).unwrap();
    let load = &found.plan.load;
    assert_eq!((load.requests, load.duration.as_deref()), (None, Some("2s")));
    assert_eq!((load.rate.as_deref(), load.model), (Some("0.5"), Model::Open));
    assert_eq!(found.plan.connection.timeout, "2s", "as long as it could have been waited for");
    let found = job(&["http://a/", "-z", "2s", "-t", "9s", "-q", "0"]).unwrap();
    assert_eq!((found.plan.connection.timeout.as_str(), found.plan.load.rate), ("9s", None));
    let found = job(&["http://a/", "-H", "accept: a", "-H", "User-agent: me"]).unwrap();
    assert_eq!((header(&found, "accept"), header(&found, "User-agent")), (Some("a"), Some("me")));
}

#[test]
fn bad_values_are_refused() {
    for (line, part) in [
        (vec![], "<URL>"),
        (vec!["http://a/", "-n", "x"], "`x` is not a number"),
        (vec!["http://a/", "-n", "0"], "requests must be above 0"),
        (vec!["http://a/", "-c", "0"], "-c cannot be smaller than 1"),
        (vec!["http://a/", "-q", "fast"], "bad rate"),
        (vec!["http://a/", "-z", "soon"], "bad -z: `soon`"),
        (vec!["http://a/", "-t", "soon"], "bad timeout"),
        (vec!["http://a/", "-H", "colon"], "bad header `colon`"),
        (vec!["http://a/", "-a", "user"], "user:password"),
        (vec!["http://a/", "-D", "/no/such/file"], "failed to read body file"),
        (vec!["http://a/", "-d", "a", "-D", "b"], "cannot be used with"),
        (vec!["http://a/", "--cert", "c"], "--key"),
        (vec!["http://a/", "--connect-to", "b:80"], "expected host:port:to_host:to_port"),
        (vec!["http://127.0.0.1/", "--ipv6"], "no IPv6 address"),
        (vec!["http://a/", "--output-format", "xml"], "invalid value 'xml'"),
        (vec!["http://a/", "-u", "d"], "invalid value 'd'"),
        (vec!["http://a/", "-n", "5", "-n", "6"], "cannot be used multiple times"),
        (vec!["http://a/", "--nonsense"], "unexpected argument"),
    ] {
        let error = job(&line).unwrap_err();
        assert!(error.contains(part), "{line:?}: `{part}` is not in `{error}`");
    }
}
