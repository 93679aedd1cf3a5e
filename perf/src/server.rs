//! The built-in target as a process: started on a free port, pinned, and ended with its owner.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::client::pinned;
use crate::machine::TICKS_PER_S;

/// Time to say where it listens.
const START_LIMIT: Duration = Duration::from_secs(10);

/// Time to write its record, after it was asked to end.
const STOP_LIMIT: Duration = Duration::from_secs(30);

/// A running target.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    pub(crate) url: String,
    pub(crate) command: Vec<String>,
}

impl Server {
    /// Starts `acp target` with these further arguments and waits until it listens.
    ///
    /// # Errors
    ///
    /// If it cannot be started or does not say where it listens.
    pub(crate) fn start(acp: &Path, cpu: usize, more: &[&str], scratch: &Path) -> Result<Self> {
        let command = pinned(&[cpu], command_line(acp, cpu, more));
        let errors = scratch.join("server.stderr");
        let mut child = Command::new("setpriv")
            .args(["--pdeathsig", "TERM"])
            .args(&command)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(&errors).context("failed to create a file for errors")?)
            .spawn()
            .context("failed to start `setpriv`; hint: it is in the package util-linux")?;
        let stdout = child.stdout.take().context("the server has no stdout")?;
        let mut server = Self { child, url: String::new(), command };
        let line = first_line(stdout).with_context(|| {
            let complaint = fs::read_to_string(&errors).unwrap_or_default();
            format!("the target `{}` did not start: {}", acp.display(), complaint.trim())
        })?;
        server.url = address(&line)?.to_string();
        Ok(server)
    }

    /// CPU time it has used up to now, of all its threads.
    pub(crate) fn cpu_s(&self) -> Option<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).ok()?;
        cpu_ticks(&stat).map(|ticks| ticks as f64 / TICKS_PER_S)
    }

    /// Asks it to end and waits until it has.
    ///
    /// # Errors
    ///
    /// If it was gone already or does not end in time.
    pub(crate) fn stop(mut self) -> Result<()> {
        if let Some(status) = self.child.try_wait()? {
            bail!("the target ended by itself: {status}");
        }
        kill(Pid::from_raw(i32::try_from(self.child.id())?), Signal::SIGTERM)
            .context("failed to end the target")?;
        let deadline = Instant::now() + STOP_LIMIT;
        while self.child.try_wait()?.is_none() {
            if Instant::now() > deadline {
                bail!("the target did not end within {} s", STOP_LIMIT.as_secs());
            }
            thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            // Already on the way out of an error: there is nothing better to do with a second one.
            drop(self.child.kill());
            drop(self.child.wait());
        }
    }
}

fn command_line(acp: &Path, cpu: usize, more: &[&str]) -> Vec<String> {
    let (acp, cpu) = (acp.display().to_string(), cpu.to_string());
    let fixed = [&acp, "target", "--listen", "127.0.0.1:0", "--threads", "1", "--cpus", &cpu];
    fixed.iter().chain(more).map(ToString::to_string).collect()
}

/// The first line within `START_LIMIT`. The pipe is read to its end, so that the server never
/// blocks on it and never sees it closed.
fn first_line(stdout: ChildStdout) -> Result<String> {
    let (said, heard) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            // Only the first line has a listener.
            drop(said.send(line));
        }
    });
    heard.recv_timeout(START_LIMIT).map_err(|_| anyhow!("it did not say where it listens"))
}

fn address(line: &str) -> Result<&str> {
    line.strip_prefix("listening on ")
        .filter(|url| url.starts_with("http://") || url.starts_with("https://"))
        .with_context(|| format!("the target said `{line}` instead of `listening on http://...`"))
}

/// User and system time of a line of `/proc/PID/stat`. The name may hold anything, so counting
/// starts after its closing bracket.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_in_the_first_line() {
        let url = address("listening on http://127.0.0.1:4711/").expect("an address");
        assert_eq!(url, "http://127.0.0.1:4711/");
        assert!(address("listening on https://127.0.0.1:4711/").is_ok());
        for line in ["", "listening on ", "http://127.0.0.1:1/", "listening on port 80"] {
            assert!(address(line).is_err(), "{line}");
        }
    }

    #[test]
    fn cpu_time_is_found_after_any_name() {
        let rest = "S 1 2 3 0 -1 4194560 100 0 0 0 700 55 0 0 20 0 1 0 100 1000 10";
        for name in ["acp", "a b", "a) S 1 (b"] {
            assert_eq!(cpu_ticks(&format!("12 ({name}) {rest}")), Some(755), "{name}");
        }
        for stat in ["", "12 (acp) S 1 2", "12 (acp"] {
            assert_eq!(cpu_ticks(stat), None, "{stat}");
        }
    }

    #[test]
    fn our_own_time_can_be_read() {
        let stat = fs::read_to_string("/proc/self/stat").expect("proc is mounted");
        assert!(cpu_ticks(&stat).is_some(), "{stat}");
    }
}
