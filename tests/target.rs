//! `acp target` as a program: what it prints, how it ends.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};

/// A running `acp target`, ended when dropped.
struct Program {
    child: Child,
    stdout: BufReader<ChildStdout>,
    address: String,
}

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_acp"));
    command.arg("target").args(args);
    command
}

fn output(args: &[&str]) -> Output {
    command(args).output().expect("acp")
}

impl Program {
    fn start(args: &[&str]) -> Program {
        let mut child = command(args)
            .args(["--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("acp");
        let mut stdout = BufReader::new(child.stdout.take().expect("stdout"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("first line");
        let url = line.trim_end().strip_prefix("listening on ").expect("a URL");
        let scheme = if args.contains(&"--tls") { "https://" } else { "http://" };
        let address = url.strip_prefix(scheme).expect("address");
        let address = address.strip_suffix('/').expect("slash").to_owned();
        Program { child, stdout, address }
    }

    fn get(&self) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("connect");
        stream.write_all(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n").expect("write");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("read");
        answer
    }

    /// Sends a signal and returns the exit code and the rest of the output.
    fn end(mut self, signal: &str) -> (Option<i32>, String) {
        let pid = self.child.id().to_string();
        let killed = Command::new("kill").args([signal, &pid]).status().expect("kill");
        assert!(killed.success());
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).expect("rest");
        (self.child.wait().expect("wait").code(), rest)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Has ended already in tests that pass.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[test]
fn it_serves_until_a_signal_and_then_says_what_it_did() {
    for signal in ["-INT", "-TERM"] {
        let program = Program::start(&["--status", "404", "--size", "5"]);
        for _ in 0..3 {
            let answer = program.get();
            assert!(answer.starts_with("HTTP/1.1 404 Not Found\r\n"), "{answer}");
            assert!(answer.ends_with("\r\n\r\n01234"), "{answer}");
        }
        let (code, rest) = program.end(signal);
        assert_eq!(code, Some(0));
        let counts: serde_json::Value = serde_json::from_str(&rest).expect("one line of JSON");
        assert_eq!((&counts["requests"], &counts["connections"]), (&3.into(), &3.into()));
    }
}

#[test]
fn it_speaks_tls_and_says_what_to_trust() {
    let folder = tempfile::tempdir().expect("folder");
    let ca = folder.path().join("ca.pem");
    let ca = ca.to_str().expect("path");
    let program = Program::start(&["--tls", "--tls-ca", ca]);
    let url = format!("https://{}/", program.address);
    let bench = |flags: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_acp"));
        command.args(["bench", "-n", "20", "--quiet", &url]).args(flags).output().expect("acp")
    };
    let trusting = bench(&["--cacert", ca]);
    assert_eq!(trusting.status.code(), Some(0), "{}", String::from_utf8_lossy(&trusting.stderr));
    assert_ne!(bench(&[]).status.code(), Some(0), "nobody else has signed it");
    let (code, rest) = program.end("-INT");
    let (hint, counts) = rest.split_once('\n').expect("two lines");
    assert_eq!((code, hint), (Some(0), format!("trust it with --cacert {ca}").as_str()));
    let counts: serde_json::Value = serde_json::from_str(counts).expect("one line of JSON");
    assert_eq!(counts["requests"], 20);
}

#[test]
fn it_records_and_judges() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("arrivals");
    let file = path.to_str().expect("path");
    let program = Program::start(&["--record", file, "--threads", "1"]);
    for _ in 0..5 {
        program.get();
    }
    program.end("-INT");
    let text = output(&["--judge", file, "--rate", "10"]);
    assert!(text.status.success());
    let text = String::from_utf8(text.stdout).expect("text");
    assert!(text.starts_with("arrivals       5\n"), "{text}");
    let json = output(&["--judge", file, "--rate", "10", "--json"]).stdout;
    let json: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
    assert_eq!(json["arrivals"], 5);
    assert_eq!(json["planned_per_s"], 10.0);
}

#[test]
fn a_known_deviation_is_judged_right() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("arrivals");
    // 100/s; every tenth is 50 µs late.
    let mut bytes = b"ACPARRV1".to_vec();
    for index in 0..1000_u64 {
        let late = if index % 10 == 9 { 50_000 } else { 0 };
        bytes.extend((7_000_000_000 + index * 10_000_000 + late).to_le_bytes());
    }
    std::fs::write(&path, bytes).expect("write");
    let json = output(&["--judge", path.to_str().expect("path"), "--rate", "6k/m", "--json"]);
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).expect("JSON");
    let deviation = serde_json::json!({ "p50": 0.0, "p90": 0.0, "p99": 50.0, "max": 50.0 });
    assert_eq!(json["deviation_us"], deviation);
    assert_eq!(json["long_gaps"], 0);
    // Gaps that are as good as equal are no Poisson process.
    let flags = ["--judge", path.to_str().expect("path"), "--rate", "6k/m", "--arrival", "poisson"];
    let text = String::from_utf8(output(&flags).stdout).expect("text");
    assert!(text.starts_with("arrivals       1000\n"), "{text}");
    assert!(text.ends_with("verdict        not poisson\n"), "{text}");
}

#[test]
fn failures_are_one_line_with_a_code() {
    let missing = Path::new("/nonexistent/arrivals");
    let not_arrivals = env!("CARGO_MANIFEST_PATH");
    for (args, code, part) in [
        (vec!["--judge", missing.to_str().expect("path"), "-R", "5"], 1, "failed to read arrivals"),
        (vec!["--judge", not_arrivals, "-R", "5"], 1, "is not a file of arrivals"),
        (vec!["--record", "/nonexistent/arrivals"], 1, "failed to write arrivals"),
        (
            vec!["--tls-cert", "/nonexistent/c", "--tls-key", "/nonexistent/k"],
            1,
            "failed to read `/nonexistent/c`",
        ),
        (vec!["--listen", "203.0.113.1:1"], 1, "failed to listen on `203.0.113.1:1`"),
        (vec!["--size", "64K"], 2, "unknown unit `K`"),
    ] {
        let output = output(&args);
        let text = String::from_utf8(output.stderr).expect("text");
        assert_eq!(output.status.code(), Some(code), "{text}");
        assert!(text.starts_with("error: ") && text.contains(part), "{text}");
        assert!(code == 2 || text.lines().count() == 1, "{text}");
    }
}
