//! The one binary: parse the command line, call a crate, turn the answer into an exit code.

#![forbid(unsafe_code)]

use acp_engine::cli::{BenchArgs, bench};
use acp_engine::drivers::host::chain;
use acp_engine::target::cli::TargetArgs;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Load-test HTTP services, from one machine to ten thousand
#[derive(Parser)]
#[command(name = "acp", version, arg_required_else_help = true, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Bench(Box<BenchArgs>),
    Target(Box<TargetArgs>),
}

fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Bench(arguments) => ExitCode::from(bench(&arguments)),
        Command::Target(arguments) => match acp_engine::target::cli::run(*arguments) {
            Ok(code) => ExitCode::from(code),
            Err(error) => {
                eprintln!("error: {}", chain(&error));
                ExitCode::FAILURE
            }
        },
    }
}
