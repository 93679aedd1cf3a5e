//! `acp up`: control, one agent and the page in one process, nothing to install; `--demo` runs a
//! first task on it.

use crate::client::Client;
use crate::daemon::until_signal;
use crate::demo;
use crate::output::tell;
use acp_agent::{Agent, CoresSetting, Settings};
use acp_control::auth::TargetRule;
use acp_control::{ControlSettings, LaunchError};
use anyhow::{Context as _, Result, anyhow};
use clap::Args;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Where the page is, unless it is said or taken.
const LISTEN: &str = "127.0.0.1:7700";

/// All in one: control, one agent and the page on this machine; nothing to install
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  acp up --demo               a first look: starts a server, loads it, shows the report
  acp up                      stays up; then `acp task create -R 1k -d 30s URL --watch`
  acp up --allow 10.0.0.0/8   may load that network besides this machine")]
pub(crate) struct UpArgs {
    /// Start the built-in server and run a first task against it
    #[arg(long)]
    demo: bool,
    /// Leave after the demo's report, with the exit code of its run
    #[arg(long, requires = "demo")]
    once: bool,
    /// Length of the demo's run in seconds
    #[arg(long, value_name = "N", default_value = "10", requires = "demo", value_parser = clap::value_parser!(u32).range(2..=3600))]
    seconds: u32,
    /// Address of API and page [default: 127.0.0.1:7700, or a free port if that is taken]
    #[arg(long, value_name = "HOST:PORT")]
    listen: Option<SocketAddr>,
    /// Folder of records and results [default: ~/.local/share/acp; the demo: a temporary one]
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// What may be loaded besides this machine: an address, a network, a name, or all below one
    /// (`*.test.example`); repeat it for more
    #[arg(long, value_name = "NET|HOST|*.SUFFIX")]
    allow: Vec<String>,
    /// Cores to offer: how many, or which (`2-15`) [default: all]
    #[arg(long, value_name = "CORES")]
    cores: Option<String>,
}

/// Runs the command and returns its exit code.
pub(crate) async fn run(arguments: UpArgs) -> Result<u8> {
    let temporary = match (&arguments.data, arguments.demo) {
        (None, true) => Some(tempfile::tempdir().context("failed to make a temporary folder")?),
        _ => None,
    };
    let data = match (&arguments.data, &temporary) {
        (Some(folder), _) => folder.clone(),
        (None, Some(folder)) => folder.path().to_path_buf(),
        (None, None) => default_folder()?,
    };
    let interrupted = until_signal()?;
    let stop = CancellationToken::new();
    let settings = control_settings(&data, arguments.listen, &arguments.allow)?;
    let control = acp_control::start(settings, stop.clone()).await.map_err(|error| match error {
        LaunchError::InUse { path } => anyhow!(
            "acp is up already: its data are in `{}`\nhint: use that one, or give this one another folder with --data",
            path.display()
        ),
        error => error.into(),
    })?;
    let address = format!("http://{}", control.address());
    let mut control = Part::start("control", stop, async { Ok(control.wait().await?) });
    let worked = with_agent(&arguments, &data, &address, &interrupted, &mut control).await;
    // Control outlives the agent: it takes the last frames. What failed first is said.
    let ended = control.end().await;
    let code = worked?;
    ended?;
    Ok(if arguments.once { code } else { 0 })
}

/// Has an agent for as long as there is work, and ends it.
async fn with_agent(
    arguments: &UpArgs,
    data: &Path,
    address: &str,
    interrupted: &CancellationToken,
    control: &mut Part,
) -> Result<u8> {
    let settings = agent_settings(data, address, arguments.cores.as_deref());
    let coordinator = acp_coord::connect_agent(&settings.coordinator())?;
    let agent = Agent::bind(settings).await?;
    let stop = CancellationToken::new();
    let running = agent.run(coordinator, stop.clone());
    let mut agent = Part::start("the agent", stop, async { Ok(running.await?) });
    tell(format_args!("acp is up at {address}/  (data in {})", data.display()));
    let worked = tokio::select! {
        worked = work(arguments, address, interrupted) => worked,
        error = agent.failed() => Err(error),
        error = control.failed() => Err(error),
    };
    let ended = agent.end().await;
    let code = worked?;
    ended?;
    Ok(code)
}

/// The demo if it is asked for, then whatever the user does until it is interrupted.
async fn work(arguments: &UpArgs, address: &str, interrupted: &CancellationToken) -> Result<u8> {
    let mut code = 0;
    if arguments.demo {
        let client = Client::at(address, None)?;
        code = tokio::select! {
            code = demo::run(&client, arguments.seconds) => code?,
            () = interrupted.cancelled() => 130,
        };
    }
    if !arguments.once && !interrupted.is_cancelled() {
        tell(format_args!("\nthe page: {address}/   Ctrl-C ends acp"));
        interrupted.cancelled().await;
    }
    Ok(code)
}

/// A part of acp that works beside us until it is told to stop.
struct Part {
    name: &'static str,
    stop: CancellationToken,
    task: JoinHandle<Result<()>>,
    is_over: bool,
}

impl Part {
    fn start(
        name: &'static str,
        stop: CancellationToken,
        work: impl Future<Output = Result<()>> + Send + 'static,
    ) -> Self {
        Self { name, stop, task: tokio::spawn(work), is_over: false }
    }

    /// Waits for it to end by itself, which it must not.
    async fn failed(&mut self) -> anyhow::Error {
        let ended = (&mut self.task).await;
        self.is_over = true;
        let what = format!("{} ended by itself", self.name);
        match ended {
            Ok(Ok(())) => anyhow!(what),
            Ok(Err(error)) => error.context(what),
            Err(error) => anyhow::Error::new(error).context(what),
        }
    }

    /// Tells it to stop and waits until it has.
    async fn end(self) -> Result<()> {
        self.stop.cancel();
        if self.is_over {
            return Ok(());
        }
        self.task.await.with_context(|| format!("{} broke off", self.name))?
    }
}

fn control_settings(
    data: &Path,
    listen: Option<SocketAddr>,
    allow: &[String],
) -> Result<ControlSettings> {
    let data_folder = data.to_path_buf();
    let mut settings = ControlSettings { data_folder, ..ControlSettings::default() };
    settings.api.targets.extend(allow.iter().map(|target| TargetRule::new(target)));
    settings.api.listen = match listen {
        Some(address) => address,
        None => free_address()?,
    };
    Ok(settings)
}

/// The usual address, or another port if something listens there.
fn free_address() -> Result<SocketAddr> {
    let usual: SocketAddr = LISTEN.parse().context("the usual address")?;
    Ok(match std::net::TcpListener::bind(usual) {
        Ok(_) => usual,
        Err(_) => SocketAddr::new(usual.ip(), 0),
    })
}

fn agent_settings(data: &Path, control: &str, cores: Option<&str>) -> Settings {
    Settings {
        state_folder: data.join("agent"),
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        control: vec![control.to_string()],
        id: Some("local".into()),
        cores: cores.map(cores_setting),
        ..Settings::default()
    }
}

/// How many cores, or which.
fn cores_setting(text: &str) -> CoresSetting {
    match text.parse() {
        Ok(count) => CoresSetting::Count(count),
        Err(_) => CoresSetting::List(text.into()),
    }
}

/// `$XDG_DATA_HOME/acp`, or `~/.local/share/acp`.
fn default_folder() -> Result<PathBuf> {
    let data = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from).filter(|p| p.is_absolute());
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/share"));
    let folder =
        data.or_else(home).context("neither HOME nor XDG_DATA_HOME is set\nhint: --data FOLDER")?;
    Ok(folder.join("acp"))
}
