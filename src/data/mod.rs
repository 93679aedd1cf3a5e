//! `acp data`: data for load tests.

mod check;
mod extract;
mod generate;
mod stop;

use anyhow::Result;
use clap::{Args, Subcommand};

/// Make data for load tests, check it, and take requests from logs
#[derive(Args)]
pub(crate) struct DataArgs {
    #[command(subcommand)]
    command: DataCommand,
}

#[derive(Subcommand)]
enum DataCommand {
    Generate(Box<generate::GenerateArgs>),
    Check(check::CheckArgs),
    Extract(Box<extract::ExtractArgs>),
}

/// Runs it and returns the exit code.
///
/// # Errors
///
/// When something cannot be made, or is not what it should be.
pub(crate) fn run(arguments: DataArgs) -> Result<u8> {
    match arguments.command {
        DataCommand::Generate(arguments) => generate::run(&arguments),
        DataCommand::Check(arguments) => check::run(&arguments),
        DataCommand::Extract(arguments) => extract::run(&arguments),
    }
}
