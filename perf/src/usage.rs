//! What one command cost, by the kernel's own accounting: a command line in, a line of JSON out.
//!
//! It runs in a process of its own (`acp-perf usage`) whose only child is the command, because the
//! kernel gives peak memory as the largest of all children, which has no difference to take.

use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::signal::Signal;
use nix::sys::time::TimeVal;
use serde::{Deserialize, Serialize};

/// The cost of one finished command, its children included.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Usage {
    /// None if a signal ended it.
    pub(crate) exit_code: Option<i32>,
    pub(crate) signal: Option<i32>,
    pub(crate) wall_us: u64,
    pub(crate) user_us: u64,
    pub(crate) system_us: u64,
    /// Not less than this process's own peak, which the command inherits at the fork.
    pub(crate) max_rss_bytes: u64,
}

/// Runs the command to its end and writes its `Usage` to `file`.
///
/// # Errors
///
/// If the command cannot be started or the file cannot be written.
pub(crate) fn measure(command: &[String], file: &Path) -> Result<()> {
    // Nobody is left to end a load that outlives the suite.
    set_pdeathsig(Signal::SIGKILL).context("failed to ask for a signal at the parent's end")?;
    let started = Instant::now();
    let status = Command::new("setpriv")
        .args(["--pdeathsig", "KILL"])
        .args(command)
        .status()
        .context("failed to start `setpriv`; hint: it is in the package util-linux")?;
    let wall_us = u64::try_from(started.elapsed().as_micros())?;
    let spent = getrusage(UsageWho::RUSAGE_CHILDREN).context("failed to read the usage")?;
    let usage = Usage {
        exit_code: status.code(),
        signal: status.signal(),
        wall_us,
        user_us: microseconds(spent.user_time())?,
        system_us: microseconds(spent.system_time())?,
        // Linux counts in KiB, see getrusage(2).
        max_rss_bytes: u64::try_from(spent.max_rss())? * 1024,
    };
    let file =
        File::create(file).with_context(|| format!("failed to create `{}`", file.display()))?;
    serde_json::to_writer(file, &usage).context("failed to write the usage")
}

/// CPU time of all our children that have ended, and theirs.
pub(crate) fn children_cpu_s() -> Option<f64> {
    let spent = getrusage(UsageWho::RUSAGE_CHILDREN).ok()?;
    let cpu_us = microseconds(spent.user_time()).ok()? + microseconds(spent.system_time()).ok()?;
    Some(cpu_us as f64 / 1e6)
}

fn microseconds(time: TimeVal) -> Result<u64> {
    Ok(u64::try_from(time.tv_sec() * 1_000_000 + time.tv_usec())?)
}
