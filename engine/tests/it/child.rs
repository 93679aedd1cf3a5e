//! The engine as an agent runs it: a child process with a share, a start and commands.

use acp_engine::target::{Target, TargetOptions};
use acp_wire::agent::Share;
use acp_wire::{Frame, Report};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Long enough for any machine; a test that gets here has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(2);

pub(crate) fn target() -> Target {
    Target::start(TargetOptions::default()).expect("target")
}

/// Waits until the target has read so many requests.
pub(crate) fn await_requests(target: &Target, requests: u64) {
    await_condition("requests", || target.counts().requests >= requests);
}

pub(crate) fn await_condition(what: &str, mut is_met: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_met() {
        assert!(start.elapsed() < PATIENCE, "no {what} in {PATIENCE:?}");
        std::thread::sleep(LOOK);
    }
}

pub(crate) fn unix_us() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    u64::try_from(now.as_micros()).expect("before the year 500,000")
}

/// What became of an engine.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    /// The lines before the first frame.
    pub(crate) ready: Option<String>,
    pub(crate) frames: Vec<Frame>,
    pub(crate) report: Option<Report>,
    pub(crate) stderr: String,
}

impl Ended {
    pub(crate) fn report(&self) -> &Report {
        self.report.as_ref().unwrap_or_else(|| panic!("no report: {}", self.stderr))
    }

    /// Requests of the warm-up.
    pub(crate) fn warmup_sent(&self) -> u64 {
        self.frames.iter().filter(|frame| frame.flags.warmup).map(|frame| frame.sent).sum()
    }

    /// Kinds of the events, with their times.
    pub(crate) fn events(&self) -> Vec<(&str, i64)> {
        let events = &self.report().events;
        events.iter().map(|event| (event.kind.as_str(), event.at_us)).collect()
    }
}

/// A running engine. Killed where a test leaves it behind.
pub(crate) struct Engine {
    child: Child,
    commands: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    stderr: Option<ChildStderr>,
    folder: tempfile::TempDir,
    ready: Option<String>,
}

impl Engine {
    /// Starts the engine with its commands on standard input.
    pub(crate) fn start(address: SocketAddr, share: Option<Share>, arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_acp-engine"));
        if let Some(share) = share {
            command.args(["--share", &serde_json::to_string(&share).expect("JSON")]);
        }
        command.args(arguments);
        if !arguments.contains(&"-t") {
            command.args(["-t", "2"]);
        }
        if !arguments.contains(&"--plan") {
            command.arg(format!("http://{address}/"));
        }
        Self::spawn(command)
    }

    /// Starts the engine where `hosts` is the host's file of names.
    pub(crate) fn start_with_hosts(hosts: &Path, arguments: &[&str]) -> Self {
        let mut command = Command::new("unshare");
        command.args(["-m", "sh", "-c", "mount --bind \"$0\" /etc/hosts && exec \"$@\""]);
        command.arg(hosts).arg(env!("CARGO_BIN_EXE_acp-engine")).args(arguments);
        Self::spawn(command)
    }

    fn spawn(mut command: Command) -> Self {
        let folder = tempfile::tempdir().expect("folder");
        command.args(["--quiet", "--control", "-", "--frames", "-", "-o"]);
        command.arg(folder.path().join("report.json"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("acp-engine runs");
        Self {
            commands: child.stdin.take(),
            stdout: BufReader::new(child.stdout.take().expect("stdout")),
            stderr: child.stderr.take(),
            child,
            folder,
            ready: None,
        }
    }

    /// Waits for the line that says that connections are open.
    pub(crate) fn await_ready(&mut self) -> &str {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("a line");
        self.ready.insert(line)
    }

    /// Writes a line of commands.
    pub(crate) fn command(&mut self, line: &str) {
        let commands = self.commands.as_mut().expect("commands are open");
        commands.write_all(format!("{line}\n").as_bytes()).expect("the engine reads commands");
    }

    /// Ends the stream of commands.
    pub(crate) fn hang_up(&mut self) {
        self.commands = None;
    }

    /// Sends a signal by name.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let status = Command::new("sh").args(["-c", "kill -s $0 $1", name, &pid]).status();
        assert!(status.expect("sh runs").success(), "kill -s {name}");
    }

    /// Waits until the kernel has stopped it.
    pub(crate) fn await_stopped(&self) {
        let path = format!("/proc/{}/stat", self.child.id());
        await_condition("stopped process", || {
            let text = std::fs::read_to_string(&path).expect("process");
            text.rsplit(") ").next().is_some_and(|rest| rest.starts_with('T'))
        });
    }

    /// Waits for its end. The stream of commands stays open until then.
    pub(crate) fn end(mut self) -> Ended {
        let mut stderr = self.stderr.take().expect("once");
        let errors = std::thread::spawn(move || {
            let mut text = String::new();
            stderr.read_to_string(&mut text).map(|_| text)
        });
        let pid = self.child.id().to_string();
        let (over, is_over) = std::sync::mpsc::channel::<()>();
        let guard = std::thread::spawn(move || {
            if is_over.recv_timeout(PATIENCE) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                drop(Command::new("sh").args(["-c", "kill -s KILL $0", &pid]).status());
            }
        });
        let mut frames = Vec::new();
        let mut line = String::new();
        while self.stdout.read_line(&mut line).expect("a line") > 0 {
            frames.push(serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}")));
            line.clear();
        }
        let code = self.child.wait().expect("the engine ends").code();
        drop(over);
        guard.join().expect("thread");
        let stderr = errors.join().expect("thread").expect("text");
        let report = std::fs::read(self.folder.path().join("report.json")).ok();
        let report = report.and_then(|bytes| serde_json::from_slice::<Report>(&bytes).ok());
        if let Some(report) = &report {
            assert!(report.books.balanced, "{:?}", report.books);
            let measured = || frames.iter().filter(|frame: &&Frame| !frame.flags.warmup);
            let books = &report.books;
            assert_eq!(measured().map(|frame| frame.planned).sum::<u64>(), books.planned);
            assert_eq!(measured().map(|frame| frame.sent).sum::<u64>(), books.sent);
            for frame in measured() {
                let not_sent: u64 = frame.not_sent.values().sum();
                assert_eq!(frame.planned, frame.sent + not_sent, "settled slots");
            }
        }
        Ended { code, ready: self.ready.take(), frames, report, stderr }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // It has ended where the test has gone well.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
