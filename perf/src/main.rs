//! `acp-perf`: runs acp and its peers interleaved against one target, and judges ratios.

#![forbid(unsafe_code)]

mod arguments;
mod bars;
mod cases;
mod client;
mod contest;
mod deviation;
mod facts;
#[cfg(test)]
mod golden;
mod judgement;
mod listing;
mod machine;
mod markdown;
mod number;
mod outcome;
mod queries;
mod readme;
mod server;
mod statistics;
mod suite;
mod tools;
mod usage;
mod verdict;
mod work;

use std::fs;
use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;

use crate::arguments::{Arguments, Command, Run};

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
        Command::Run(settings) => run(&settings),
        Command::List => print(&listing::render()).map(|()| 0),
        Command::Readme(arguments) => readme::update(&arguments.file, &arguments.into).map(|()| 0),
        Command::Usage(arguments) => {
            usage::measure(&arguments.command, &arguments.file).map(|()| 0)
        }
    }
}

fn run(settings: &Run) -> Result<u8> {
    let outcome = suite::run(settings)?;
    let document = markdown::render(&outcome);
    let json = serde_json::to_string_pretty(&outcome).context("failed to write the result")?;
    for (name, text) in [("result.json", json + "\n"), ("result.md", document.clone())] {
        let path = settings.out.join(name);
        fs::write(&path, text).with_context(|| format!("failed to write `{}`", path.display()))?;
    }
    print(&document)?;
    Ok(outcome.verdict.exit_code())
}

fn print(text: &str) -> Result<()> {
    io::stdout().write_all(text.as_bytes()).context("failed to write to stdout")
}
