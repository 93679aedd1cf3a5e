//! `acp-perf`: runs acp and its peers interleaved against one target, and judges ratios.

#![forbid(unsafe_code)]

mod arguments;
mod usage;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

use crate::arguments::{Arguments, Command};

/// The suite could not run; all other codes are verdicts.
const EXIT_ERROR: u8 = 2;

fn main() -> ExitCode {
    match dispatch(Arguments::parse().command) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("acp-perf: {error:#}");
            ExitCode::from(EXIT_ERROR)
        }
    }
}

fn dispatch(command: Command) -> Result<u8> {
    match command {
        Command::Usage(arguments) => {
            usage::measure(&arguments.command, &arguments.file).map(|()| 0)
        }
    }
}
