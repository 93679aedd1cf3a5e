//! `acp-engine`, the lean program for runs at full speed: exactly `acp bench`.

use acp_engine::cli::{BenchArgs, bench};
use clap::Parser;
use std::process::ExitCode;

/// Load-test HTTP services from this machine
#[derive(Parser)]
#[command(name = "acp-engine", version)]
struct Arguments {
    #[command(flatten)]
    bench: BenchArgs,
}

fn main() -> ExitCode {
    ExitCode::from(bench(&Arguments::parse().bench))
}
