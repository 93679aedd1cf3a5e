//! One run of one client: a command line in, its output and its cost out.

use std::env;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::usage::Usage;

/// What a client printed and what it cost.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) stdout: String,
    pub(crate) usage: Usage,
}

/// `line`, pinned to CPUs.
pub(crate) fn pinned(cpus: &[usize], line: Vec<String>) -> Vec<String> {
    let cpus: Vec<String> = cpus.iter().map(ToString::to_string).collect();
    ["taskset".to_string(), "-c".to_string(), cpus.join(",")].into_iter().chain(line).collect()
}

/// Runs a client to its end. Its output goes to files, so that no reader of ours wakes up while
/// it is measured.
///
/// # Errors
///
/// If it cannot be started, takes longer than `limit`, is ended by a signal, or leaves with a
/// code that is not among `exit_codes`.
pub(crate) fn run(
    line: &[String],
    exit_codes: &[i32],
    limit: Duration,
    scratch: &Path,
) -> Result<Finished> {
    let [stdout, stderr, usage] = ["stdout", "stderr", "usage"].map(|name| scratch.join(name));
    let child = Command::new(env::current_exe().context("failed to find our own program")?)
        .arg("usage")
        .arg(&usage)
        .arg("--")
        .args(line)
        .stdin(Stdio::null())
        .stdout(File::create(&stdout).context("failed to create a file for output")?)
        .stderr(File::create(&stderr).context("failed to create a file for errors")?)
        .spawn()
        .context("failed to start our own program")?;
    let status = wait(child, limit)?;
    let complaint = || last_line(&fs::read_to_string(&stderr).unwrap_or_default());
    if !status.success() {
        bail!("failed to measure: {}", complaint());
    }
    let usage: Usage =
        serde_json::from_str(&fs::read_to_string(&usage)?).context("failed to read the usage")?;
    match (usage.exit_code, usage.signal) {
        (Some(code), _) if exit_codes.contains(&code) => {}
        (Some(code), _) => bail!("exit code {code}: {}", complaint()),
        (None, signal) => bail!("ended by signal {}: {}", signal.unwrap_or(0), complaint()),
    }
    let stdout = String::from_utf8_lossy(&fs::read(&stdout)?).into_owned();
    Ok(Finished { stdout, usage })
}

/// Waits for the end, and brings it about when the time is up.
fn wait(mut child: Child, limit: Duration) -> Result<ExitStatus> {
    let pid = Pid::from_raw(i32::try_from(child.id())?);
    let (ended, end) = mpsc::channel();
    let waiter = thread::spawn(move || ended.send(child.wait()));
    let status = end.recv_timeout(limit);
    if status.is_err() {
        // The client goes with the process that measures it.
        kill(pid, Signal::SIGKILL).context("failed to end a client that took too long")?;
    }
    if waiter.join().is_err() {
        bail!("the thread that waits for the client panicked");
    }
    match status {
        Ok(status) => status.context("failed to wait for the client"),
        Err(_) => bail!("took longer than {} s", limit.as_secs()),
    }
}

fn last_line(text: &str) -> String {
    let line = text.lines().rev().find(|line| !line.trim().is_empty());
    line.unwrap_or("nothing on stderr").trim().to_string()
}
