//! Programs that a test starts, and what they said.

use serde_json::Value;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Output, Stdio};

/// The program under test.
pub(crate) const ACP: &str = env!("CARGO_BIN_EXE_acp");

/// A child that is ended with the test.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Running {
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.0.id().to_string();
        let done = Command::new("kill").args([&format!("-{name}"), &pid]).status().unwrap();
        assert!(done.success(), "kill -{name} {pid}");
    }
}

/// The built-in server.
pub(crate) struct Target {
    pub(crate) process: Running,
    pub(crate) url: String,
}

impl Target {
    pub(crate) fn start(flags: &[&str]) -> Self {
        let mut child = Command::new(ACP)
            .args(["target", "--listen", "127.0.0.1:0", "--threads", "1"])
            .args(flags)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ").expect(&line).to_string();
        Self { process: Running(child), url }
    }

    /// What the server says it has received.
    pub(crate) fn requests(&self) -> u64 {
        let address = self.url.trim_start_matches("http://").trim_end_matches('/');
        let mut stream = TcpStream::connect(address).unwrap();
        stream
            .write_all(b"GET /__acp/count HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let body = answer.split("\r\n\r\n").nth(1).expect(&answer);
        serde_json::from_str::<Value>(body).expect(body)["requests"].as_u64().expect(body)
    }
}

/// `acp up` on a free port.
pub(crate) struct Up {
    _process: Running,
    /// `http://127.0.0.1:7700`.
    pub(crate) url: String,
    /// What it says; without a reader it could say nothing more.
    _said: BufReader<ChildStderr>,
}

impl Up {
    pub(crate) fn start(data: &Path, flags: &[&str]) -> Self {
        let mut child = Command::new(ACP)
            .args(["up", "--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .args(flags)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut said = BufReader::new(child.stderr.take().unwrap());
        said.read_line(&mut line).unwrap();
        let process = Running(child);
        let url = line.split_whitespace().find(|word| word.starts_with("http://")).expect(&line);
        Self { _process: process, url: url.trim_end_matches('/').to_string(), _said: said }
    }

    /// `127.0.0.1:7700`.
    pub(crate) fn address(&self) -> &str {
        self.url.trim_start_matches("http://")
    }
}

/// What `acp bench` printed and how it ended.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ran {
    /// The report on standard output.
    pub(crate) fn report(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: `{}` `{}`", self.stdout, self.stderr))
    }
}

/// Runs `acp bench` to its end.
pub(crate) fn bench(flags: &[&str]) -> Ran {
    Command::new(ACP).arg("bench").args(flags).output().unwrap().into()
}

/// Runs `acp bench` for its JSON report.
pub(crate) fn bench_json(url: &str, flags: &[&str]) -> (i32, Value) {
    let mut all = vec![url, "--format", "json", "--quiet"];
    all.extend(flags);
    let ran = bench(&all);
    let report = ran.report();
    assert_eq!(report["books"]["balanced"], true, "{}", ran.stdout);
    (ran.code, report)
}

/// Starts `acp bench` and waits until its first second is over.
pub(crate) fn bench_in_the_middle(flags: &[&str]) -> (Running, BufReader<ChildStderr>) {
    let mut child = Command::new(ACP)
        .arg("bench")
        .args(flags)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    stderr.read_line(&mut line).unwrap();
    assert!(line.contains("sent"), "`{line}` is no progress");
    (Running(child), stderr)
}

/// Waits for a child and reads what it wrote.
pub(crate) fn finish(mut running: Running, mut stderr: BufReader<ChildStderr>) -> Ran {
    let mut said = Ran { code: 0, stdout: String::new(), stderr: String::new() };
    running.0.stdout.take().unwrap().read_to_string(&mut said.stdout).unwrap();
    stderr.read_to_string(&mut said.stderr).unwrap();
    said.code = running.0.wait().unwrap().code().unwrap_or(-1);
    said
}

/// A count of a report.
pub(crate) fn count(report: &Value, path: &str) -> u64 {
    report.pointer(path).and_then(Value::as_u64).unwrap_or_else(|| panic!("no count at {path}"))
}
