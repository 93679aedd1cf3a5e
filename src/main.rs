//! The one binary: parse the command line, call a crate, turn the answer into an exit code.

#![forbid(unsafe_code)]

use acp_engine::cli::{BenchArgs, bench};
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Load-test HTTP services, from one machine to ten thousand
#[derive(Parser)]
#[command(name = "acp", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Bench(Box<BenchArgs>),
}

fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Bench(arguments) => ExitCode::from(bench(&arguments)),
    }
}
