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
    /// Measure one command (used by `run`)
    #[command(hide = true)]
    Usage(Usage),
}

#[derive(Args)]
pub(crate) struct Usage {
    /// Where the usage is written
    pub(crate) file: PathBuf,
    #[arg(last = true, required = true)]
    pub(crate) command: Vec<String>,
}
