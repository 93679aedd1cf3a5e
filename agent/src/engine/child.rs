//! The child process of an engine, from its start to its end.
//!
//! ```text
//!            stop line           stop_time              2 s
//!  running ────────────► asked ────────────► SIGTERM ────────► SIGKILL     all to its process group
//!     └── its standard input is closed: it takes no lease any more ──► SIGTERM at once
//! ```
//!
//! After the stop line an engine sends nothing new, so `stop_time` is only the time that responses in
//! flight have. An engine ends by itself when its lease ends or its standard input closes, so that
//! nothing goes on where the agent was killed or frozen.

use super::output::{News, read_lines, read_tail};
use crate::clock::micros;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, ChildStdin};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

/// How long an engine has after SIGTERM.
const KILL_AFTER: Duration = Duration::from_secs(2);
/// How long a line may take to be written: an engine that does not read is as good as closed.
const WRITE_TIMEOUT: Duration = Duration::from_secs(1);
/// How long output may go on after the engine's end: somebody else may hold its pipe.
const OUTPUT_TIMEOUT: Duration = Duration::from_secs(5);

/// What to start.
#[derive(Debug)]
pub(crate) struct Launch {
    /// The part.
    pub(crate) part: String,
    /// The program.
    pub(crate) program: PathBuf,
    /// Its arguments.
    pub(crate) arguments: Vec<OsString>,
    /// Where it works.
    pub(crate) folder: PathBuf,
    /// How long it may take after the stop line.
    pub(crate) stop_time: Duration,
}

/// What to tell an engine.
#[derive(Clone, Debug)]
pub(crate) enum Command {
    /// A line for its control stream, without the end of the line.
    Line(String),
    /// The lease ends then.
    Lease(Instant),
    /// It is to end.
    Stop,
}

/// A running engine. Dropping it ends the engine.
#[derive(Debug)]
pub(crate) struct Engine {
    commands: mpsc::UnboundedSender<Command>,
}

impl Engine {
    /// Starts an engine; what it says goes to `news`, with [`News::Ended`] as the last.
    pub(crate) fn start(launch: &Launch, news: &mpsc::Sender<(String, News)>) -> io::Result<Self> {
        let mut child = tokio::process::Command::new(&launch.program)
            .args(&launch.arguments)
            .current_dir(&launch.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let (commands, received) = mpsc::unbounded_channel();
        let supervised = Supervised {
            part: launch.part.clone(),
            stdin: child.stdin.take(),
            child,
            stop_time: launch.stop_time,
            next_signal: None,
        };
        tokio::spawn(supervised.run(received, news.clone()));
        Ok(Self { commands })
    }

    /// Tells it something. An engine that is gone already is told nothing: its end is news of its own.
    pub(crate) fn tell(&self, command: Command) {
        self.commands.send(command).unwrap_or_default();
    }
}

/// A child with what is known of its end.
struct Supervised {
    part: String,
    child: Child,
    stdin: Option<ChildStdin>,
    stop_time: Duration,
    next_signal: Option<(Instant, Signal)>,
}

impl Supervised {
    async fn run(
        mut self,
        mut commands: mpsc::UnboundedReceiver<Command>,
        news: mpsc::Sender<(String, News)>,
    ) {
        let lines = self
            .child
            .stdout
            .take()
            .map(|output| tokio::spawn(read_lines(output, self.part.clone(), news.clone())));
        let tail = self.child.stderr.take().map(|output| tokio::spawn(read_tail(output)));
        let exit = self.wait(&mut commands).await;
        if let Some(mut lines) = lines
            && timeout(OUTPUT_TIMEOUT, &mut lines).await.is_err()
        {
            lines.abort();
        }
        let log_tail = match tail {
            Some(tail) => timeout(OUTPUT_TIMEOUT, tail).await.ok().and_then(Result::ok),
            None => None,
        };
        let ended = News::Ended { exit, log_tail: log_tail.unwrap_or_default() };
        // Nobody listens where the agent has ended; then there is nobody to tell.
        news.send((self.part, ended)).await.unwrap_or_default();
    }

    async fn wait(
        &mut self,
        commands: &mut mpsc::UnboundedReceiver<Command>,
    ) -> Option<ExitStatus> {
        let mut is_told = true;
        loop {
            let (at, signal) = self.next_signal.unzip();
            tokio::select! {
                exit = self.child.wait() => return exit.ok(),
                command = commands.recv(), if is_told => {
                    is_told = command.is_some();
                    self.obey(command.unwrap_or(Command::Stop)).await;
                }
                () = tokio::time::sleep_until(at.unwrap_or_else(Instant::now)), if at.is_some() => {
                    self.signal(signal.unwrap_or(Signal::SIGKILL));
                }
            }
        }
    }

    async fn obey(&mut self, command: Command) {
        match command {
            Command::Line(line) => self.write(&line).await,
            Command::Lease(end) => {
                // As late as possible, so that the time until it is read makes it no longer.
                let left = end.saturating_duration_since(Instant::now());
                self.write(&format!("{{\"lease_us\":{}}}", micros(left))).await;
            }
            Command::Stop => {
                if self.next_signal.is_none() {
                    self.next_signal = Some((Instant::now() + self.stop_time, Signal::SIGTERM));
                }
                self.write("{\"stop\":true}").await;
            }
        }
    }

    async fn write(&mut self, line: &str) {
        let Some(stdin) = &mut self.stdin else { return };
        let line = format!("{line}\n");
        let written = timeout(WRITE_TIMEOUT, stdin.write_all(line.as_bytes())).await;
        if !matches!(written, Ok(Ok(()))) {
            tracing::warn!("{} does not read its control stream", self.part);
            self.stdin = None;
            self.next_signal = Some((Instant::now(), Signal::SIGTERM));
        }
    }

    /// Signals the group, while the child is there to keep its number from being used again.
    fn signal(&mut self, signal: Signal) {
        let group = self.child.id().and_then(|id| i32::try_from(id).ok());
        if let Some(group) = group
            && let Err(error) = killpg(Pid::from_raw(group), signal)
        {
            tracing::warn!("failed to send {signal} to {}: {error}", self.part);
        }
        self.next_signal = match signal {
            Signal::SIGTERM => Some((Instant::now() + KILL_AFTER, Signal::SIGKILL)),
            _ => Some((Instant::now() + KILL_AFTER, signal)),
        };
    }
}
