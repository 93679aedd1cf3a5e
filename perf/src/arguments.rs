//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Performance-regression suite of acp.
#[derive(Parser)]
#[command(name = "acp-perf", version, about)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Run cases and judge them. Exit code: 0 all pass, 1 some fail, 3 no decision, 2 other errors
    Run(Run),
    /// Print the cases and their bars
    List,
    /// Put the tables of a result between the markers of a Markdown file
    Readme(Readme),
    /// Measure one command (used by `run`)
    #[command(hide = true)]
    Usage(Usage),
}

#[derive(Args)]
pub(crate) struct Run {
    /// Names as `acp-perf list` prints them, or `all`
    #[arg(required = true, value_name = "CASE")]
    pub(crate) cases: Vec<String>,
    /// How often each tool runs; fewer than 3 decide nothing
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) pairs: u32,
    /// Length of a run
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub(crate) seconds: u32,
    /// Folder of `result.json` and `result.md`
    #[arg(long, default_value = "perf/out", value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// CPU of the tools
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub(crate) client_cpu: usize,
    /// CPU of the target
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) server_cpu: usize,
    /// The program under test
    #[arg(long, default_value = "target/release/acp", value_name = "PATH")]
    pub(crate) acp: PathBuf,
    /// Peers to compare with; those not installed are named as absent
    #[arg(long, value_delimiter = ',', default_value = "wrk,wrk2,hey,h2load,oha,ab")]
    pub(crate) peers: Vec<String>,
    /// Of the resampling; the same runs and the same seed give the same intervals
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub(crate) seed: u64,
}

#[derive(Args)]
pub(crate) struct Readme {
    /// A `result.json`
    pub(crate) file: PathBuf,
    /// The Markdown file to change
    #[arg(long, value_name = "FILE")]
    pub(crate) into: PathBuf,
}

#[derive(Args)]
pub(crate) struct Usage {
    /// Where the usage is written
    pub(crate) file: PathBuf,
    #[arg(last = true, required = true)]
    pub(crate) command: Vec<String>,
}
