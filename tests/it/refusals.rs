//! What cannot be run is refused at once, in words, with a hint and an exit code.

use crate::program::{ACP, Target, bench};
use std::process::Command;

#[test]
fn bad_command_lines_are_refused() {
    let url = "http://127.0.0.1:9/";
    for (flags, part) in [
        (vec![], "<URL>"),
        (vec!["ftp://a/"], "unknown url scheme `ftp`"),
        (vec![url, "--sni", "b"], "tls.sni is only for https"),
        (vec![url, "-k"], "tls.verify is only for https"),
        (vec!["https://127.0.0.1:9/", "--cacert", "/no/such"], "cannot read tls.cacert `/no/such`"),
        (vec!["https://127.0.0.1:9/", "--tls-min", "1.3", "--tls-max", "1.2"], "above the highest"),
        (vec!["http://no-such-host.invalid/"], "no address for host `no-such-host.invalid`"),
        (vec!["http://a:99999/"], "not a port"),
        (vec![url, "-c", "0"], "connections must be above 0"),
        (vec![url, "-c", "x"], "`x`"),
        (vec![url, "-n", "0"], "requests must be above 0"),
        (vec![url, "-d", "5x"], "bad duration"),
        (vec![url, "-d", "0"], "duration must be above 0"),
        (vec![url, "-R", "fast"], "bad rate"),
        (vec![url, "-R", "2000000000"], "above 1000000000 requests per second"),
        (vec![url, "-R", "0", "-n", "5"], "never reaches 5 requests"),
        (vec![url, "--profile", "line(0,1)"], "bad profile"),
        (vec![url, "--profile", "const(1,1s)", "-R", "5"], "cannot be used with"),
        (vec![url, "--pipeline", "0"], "pipeline must be above 0"),
        (vec![url, "--timeout", "0"], "timeout must be above 0"),
        (vec![url, "-H", "no colon"], "bad header `no colon`"),
        (vec![url, "-X", "A B"], "bad method"),
        (vec![url, "-B", "/no/such/file"], "failed to read body file `/no/such/file`"),
        (vec![url, "--expect", "nonsense"], "bad expectation"),
        (vec![url, "--expect", "status=9999"], "bad status `9999`"),
        (vec![url, "--tag", "novalue"], "bad tag"),
        (vec![url, "--cpus", "a"], "not a list of CPUs"),
        (vec![url, "--cpus", "1000"], "CPU 1000 cannot be used"),
        (vec![url, "-t", "0"], "0 is not in"),
        (vec![url, "-p", "101"], "not a percentile"),
        (vec![url, "--spin", "soon"], "bad --spin"),
        (vec![url, "--connect-to", "::1"], "bad address in connect_to"),
        (vec![url, "--arrival", "poisson"], "a closed loop has no arrivals of its own"),
        (vec![url, "--slo", "p99 is low"], "bad rule `p99 is low`"),
        (vec![url, "--slo", "p99<50ms over 10s"], "judged over the whole run"),
        (vec![url, "--abort-on", "errors>5%"], "it does not say over how long"),
        (vec![url, "--abort-on", "errors>5% over 10ms"], "not 1 to 600 whole seconds"),
        (vec![url, "-o", "/no/such/folder/x.json"], "failed to create"),
        (vec![url, "-o", "/no/such/folder/x.prom"], "failed to create"),
        (vec![url, "-o", "-", "--frames", "-"], "standard output can take one"),
        (vec!["--plan", "/no/such/plan"], "failed to read plan"),
        (vec!["--plan", "Cargo.toml", "-c", "5"], "cannot be used with"),
        (vec!["--plan", "Cargo.toml"], "bad plan `Cargo.toml`"),
    ] {
        let ran = bench(&flags);
        assert_eq!(ran.code, 2, "{flags:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(part), "{flags:?}: `{part}` is not in:\n{}", ran.stderr);
        assert!(ran.stdout.is_empty(), "{flags:?}");
        assert!(!ran.stderr.contains("panicked"), "{flags:?}: {}", ran.stderr);
    }
}

#[test]
fn a_target_that_is_not_there_is_said_at_once() {
    // The port was free a moment ago; nobody else listens on a port of this test.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let ran = bench(&[&format!("http://127.0.0.1:{port}/"), "-c", "3"]);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains(&format!("cannot connect to 127.0.0.1:{port}")), "{}", ran.stderr);
    assert!(ran.stderr.contains("Connection refused"), "{}", ran.stderr);
    assert!(ran.stderr.contains("hint: is the server running"), "{}", ran.stderr);
}

#[test]
fn too_few_open_files_are_said_with_the_number_needed() {
    let target = Target::start(&[]);
    let script = format!("ulimit -n 100; exec {ACP} bench -c 200 -t 1 {}", target.url);
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("200 connections need 272 open files, the limit is 100"), "{stderr}");
    assert!(stderr.contains("hint: ulimit -n 272"), "{stderr}");
    assert_eq!(target.requests(), 0);
}
