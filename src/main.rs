//! The one binary: parse the command line, call a crate, turn the answer into an exit code.

#![forbid(unsafe_code)]

mod client;
mod cluster;
mod compare;
mod daemon;
mod data;
mod demo;
mod output;
mod settings;
mod share;
mod task;
mod up;
mod usage;
mod watch;

use acp_engine::cli::{
    BenchArgs, ExplainArgs, HeyArgs, OhaArgs, PiemonArgs, WrkArgs, bench, explain, go_arguments,
    hey, oha, piemon, wrk,
};
use acp_engine::doctor::cli::{DoctorArgs, DoctorError};
use acp_engine::target::cli::TargetArgs;
use anyhow::{Context as _, Result};
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
    Explain(Box<ExplainArgs>),
    Up(up::UpArgs),
    Control(daemon::ControlDaemonArgs),
    Agent(daemon::AgentDaemonArgs),
    Task(task::TaskArgs),
    Cluster(cluster::ClusterArgs),
    Target(Box<TargetArgs>),
    Wrk(Box<WrkArgs>),
    Hey(Box<HeyArgs>),
    Oha(Box<OhaArgs>),
    Piemon(Box<PiemonArgs>),
    Compare(compare::CompareArgs),
    Data(data::DataArgs),
    Doctor(DoctorArgs),
}

fn main() -> ExitCode {
    match run(Arguments::parse_from(go_arguments(std::env::args_os())).command) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            output::tell(format_args!("error: {}", usage::sentence(&error)));
            ExitCode::from(usage::exit_code(&error))
        }
    }
}

fn run(command: Command) -> Result<u8> {
    match command {
        Command::Bench(arguments) => Ok(bench(&arguments)),
        Command::Explain(arguments) => Ok(explain(&arguments)),
        Command::Target(arguments) => Ok(acp_engine::target::cli::run(*arguments)?),
        Command::Doctor(arguments) => doctor(&arguments),
        Command::Compare(arguments) => compare::run(arguments),
        Command::Data(arguments) => data::run(arguments),
        Command::Up(arguments) => platform(up::run(arguments)),
        Command::Control(arguments) => platform(daemon::control(arguments)),
        Command::Agent(arguments) => platform(daemon::agent(arguments)),
        Command::Task(arguments) => platform(task::run(arguments)),
        Command::Cluster(arguments) => platform(cluster::run(arguments)),
        Command::Wrk(arguments) => Ok(wrk(&arguments)),
        Command::Hey(arguments) => Ok(hey(&arguments)),
        Command::Oha(arguments) => Ok(oha(&arguments)),
        Command::Piemon(arguments) => {
            let words = std::env::args_os().skip(2);
            Ok(piemon(&arguments, words.map(|word| word.to_string_lossy().into_owned())))
        }
    }
}

fn doctor(arguments: &DoctorArgs) -> Result<u8> {
    acp_engine::doctor::cli::run(arguments).map_err(|error: DoctorError| match error.is_usage() {
        true => usage::usage(error.into()),
        false => error.into(),
    })
}

/// Runs what talks over the network on tokio. The engine never comes here.
fn platform<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let log = tracing_subscriber::EnvFilter::try_from_env("ACP_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(log).with_writer(std::io::stderr).init();
    // Several libraries bring their own; one has to be said.
    if rustls::crypto::aws_lc_rs::default_provider().install_default().is_err() {
        anyhow::bail!("a provider of TLS is installed already");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("failed to start the runtime")?;
    runtime.block_on(work)
}
