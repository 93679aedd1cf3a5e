//! The one binary: parse the command line, call a crate, turn the answer into an exit code.

#![forbid(unsafe_code)]

use std::error::Error;
use std::process::ExitCode;

use acp_engine::target::cli::TargetArgs;
use clap::{Parser, Subcommand};

/// Load-test HTTP services, from one machine to ten thousand.
#[derive(Debug, Parser)]
#[command(name = "acp", version, max_term_width = 100)]
struct Command {
    #[command(subcommand)]
    area: Area,
}

#[derive(Debug, Subcommand)]
enum Area {
    Target(TargetArgs),
}

fn main() -> ExitCode {
    let result = match Command::parse().area {
        Area::Target(args) => acp_engine::target::cli::run(args),
    };
    match result {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("error: {}", chain(&error));
            ExitCode::FAILURE
        }
    }
}

/// An error and what caused it, in one line.
fn chain(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line.push_str(": ");
        line.push_str(&error.to_string());
        cause = error.source();
    }
    line
}
