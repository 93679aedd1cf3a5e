//! The programs that make load: how each is asked for work, and how its own output is read.

mod ab;
mod acp;
mod h2load;
mod hey;
mod oha;
mod summary;
mod wrk;
mod wrk2;

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::work::Work;

/// A program's command line and the reader of its output.
pub(crate) struct Tool {
    pub(crate) name: &'static str,
    /// Flags that make it print its version; none: it cannot, its package knows.
    pub(crate) version_flag: Option<&'static str>,
    /// The command line for some work, or none if the tool cannot do it.
    pub(crate) command: fn(&Invocation) -> Result<Option<Vec<String>>>,
    pub(crate) read: fn(&str) -> Result<Reading>,
    /// Exit codes that come with a usable result.
    pub(crate) exit_codes: &'static [i32],
}

/// What a tool needs to know of one run.
pub(crate) struct Invocation<'a> {
    pub(crate) program: &'a Path,
    pub(crate) work: Work,
    pub(crate) url: &'a str,
    pub(crate) seconds: u32,
    pub(crate) client_cpu: usize,
    /// Where scripts are kept, so that a printed command can be run again.
    pub(crate) script_folder: &'a Path,
    pub(crate) query_file: &'a Path,
}

impl Invocation<'_> {
    /// Whether the target shows a certificate that nobody has signed: tools that check it by
    /// themselves must be told not to.
    fn is_encrypted(&self) -> bool {
        self.url.starts_with("https://")
    }

    /// The rate of each of `connections` workers, for tools that count per worker.
    fn rate_per_worker(&self, rate_per_s: u32) -> f64 {
        f64::from(rate_per_s) / f64::from(self.work.connections)
    }
}

/// What a tool says of its own run.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct Reading {
    /// Responses received, of any status.
    pub(crate) requests: u64,
    /// Failed requests and responses that are not 2xx or 3xx.
    pub(crate) errors: u64,
    pub(crate) requests_per_s: f64,
    pub(crate) p50_us: Option<f64>,
    /// acp's opinion of its own result.
    pub(crate) verdict: Option<String>,
    pub(crate) connections_opened: Option<u64>,
}

/// The tool under test.
pub(crate) const ACP: &Tool = &acp::TOOL;

/// What it is compared with, in the order of the tables.
pub(crate) const PEERS: &[&Tool] =
    &[&wrk::TOOL, &wrk2::TOOL, &hey::TOOL, &h2load::TOOL, &oha::TOOL, &ab::TOOL];

/// The peer of this name.
pub(crate) fn find_peer(name: &str) -> Option<&'static Tool> {
    PEERS.iter().copied().find(|tool| tool.name == name)
}

/// Where the search path has a program.
pub(crate) fn locate(name: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders).map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// The program and its arguments as one command line.
fn command_line(program: &Path, arguments: &[&str]) -> Vec<String> {
    let program = program.display().to_string();
    std::iter::once(program).chain(arguments.iter().map(ToString::to_string)).collect()
}
