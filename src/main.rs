//! The one binary: parse the command line, call a crate, turn the answer into an exit code.

#![forbid(unsafe_code)]

mod client;
mod cluster;
mod daemon;
mod demo;
mod output;
mod settings;
mod task;
mod up;
mod usage;
mod watch;

use acp_engine::cli::{BenchArgs, ExplainArgs, bench, explain};
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
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
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
        Command::Up(arguments) => platform(up::run(arguments)),
        Command::Control(arguments) => platform(daemon::control(arguments)),
        Command::Agent(arguments) => platform(daemon::agent(arguments)),
        Command::Task(arguments) => platform(task::run(arguments)),
        Command::Cluster(arguments) => platform(cluster::run(arguments)),
    }
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
