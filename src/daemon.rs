//! `acp control` and `acp agent`: settings, log, the daemon, and signals that end it.

use crate::output::{out, tell, text};
use crate::settings::{Flag, Names, layered, to_toml};
use crate::usage::usage;
use acp_agent::{Agent, Settings};
use acp_control::ControlSettings;
use acp_coord::CoordSettings;
use anyhow::{Context as _, Result, anyhow};
use clap::Args;
use std::path::PathBuf;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Settings of control that have no default to be read by.
const CONTROL: Names = Names {
    prefix: "ACP_CONTROL_",
    texts: &["store", "advertise", "api.agent_token"],
    others: &[],
};
/// Settings of an agent that have no default to be read by.
const AGENT: Names = Names {
    prefix: "ACP_AGENT_",
    texts: &["id", "token", "engine_program", "coord.token"],
    others: &["cores", "virtual_cores"],
};

/// What every daemon takes.
#[derive(Args, Debug)]
struct DaemonArgs {
    /// Settings file (TOML); variables and flags are over it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Any setting by its path, `schedule.lease=5s`; repeat it for more
    #[arg(long = "set", value_name = "PATH=VALUE")]
    settings: Vec<String>,
    /// Print the settings as they are used, and leave
    #[arg(long)]
    print_config: bool,
}

/// The control plane: API, page, scheduler, records
#[derive(Args, Debug)]
#[command(after_help = "\
Settings come from --config, then variables (ACP_CONTROL_STORE, ACP_CONTROL_COORD__CONNECT), then flags.
A password belongs into ACP_CONTROL_STORE: flags are seen by everybody on this machine.
--print-config shows all of them, without secrets.

Examples:
  acp control                                             one control, agents come by HTTP, SQLite
  acp control --config /etc/acp/control.toml
  acp control --coord zookeeper --zookeeper zk1:2181,zk2:2181 --store mysql://acp@db/acp")]
pub(crate) struct ControlDaemonArgs {
    #[command(flatten)]
    daemon: DaemonArgs,
    /// Address of API and page; anything but loopback needs --set api.auth=true
    #[arg(long, value_name = "HOST:PORT")]
    listen: Option<String>,
    /// Folder of what control keeps
    #[arg(long, value_name = "FOLDER")]
    data: Option<String>,
    /// Records: `sqlite:FILE` or `mysql://user:password@host/database` [default: SQLite in --data]
    #[arg(long, value_name = "URL")]
    store: Option<String>,
    /// How agents are found: `direct` or `zookeeper`
    #[arg(long, value_name = "KIND")]
    coord: Option<String>,
    /// Servers of ZooKeeper: `host:port,host:port/chroot`
    #[arg(long, value_name = "SERVERS")]
    zookeeper: Option<String>,
    /// Make an administrator of this name, or give it a new password, and leave; the password is
    /// read from standard input
    #[arg(long, value_name = "NAME")]
    admin: Option<String>,
}

/// The daemon of a load host: offers cores, runs engines
#[derive(Args, Debug)]
#[command(after_help = "\
Settings come from --config, then variables (ACP_AGENT_CONTROL, ACP_AGENT_LABELS='zone=a'), then flags.
A token belongs into ACP_AGENT_TOKEN or the file: flags are seen by everybody on this machine.
--print-config shows all of them, without secrets.

Examples:
  acp agent --control http://10.0.0.1:7700
  acp agent --coord zookeeper --zookeeper zk1:2181 --cores 2-15 --label zone=a")]
pub(crate) struct AgentDaemonArgs {
    #[command(flatten)]
    daemon: DaemonArgs,
    /// Address of its own metrics; the port also keeps a second agent away
    #[arg(long, value_name = "HOST:PORT")]
    listen: Option<String>,
    /// Folder of what must outlive a restart
    #[arg(long, value_name = "FOLDER")]
    state: Option<String>,
    /// Name among all agents [default: host:port]
    #[arg(long, value_name = "NAME")]
    id: Option<String>,
    /// Addresses of control planes, separated by commas
    #[arg(long, value_name = "URLS")]
    control: Option<String>,
    /// Cores to offer: how many, or which (`2-15`) [default: all]
    #[arg(long, value_name = "CORES")]
    cores: Option<String>,
    /// Label that plans can ask for, `key=value`; repeat it for more
    #[arg(long = "label", value_name = "K=V")]
    labels: Vec<String>,
    /// How control is found: `direct` or `zookeeper`
    #[arg(long, value_name = "KIND")]
    coord: Option<String>,
    /// Servers of ZooKeeper: `host:port,host:port/chroot`
    #[arg(long, value_name = "SERVERS")]
    zookeeper: Option<String>,
}

/// Runs `acp control` until a signal ends it.
pub(crate) async fn control(arguments: ControlDaemonArgs) -> Result<u8> {
    let flags = [
        ("api.listen", arguments.listen),
        ("data_folder", arguments.data),
        ("store", arguments.store),
        ("coord.kind", arguments.coord),
        ("coord.connect", arguments.zookeeper),
    ];
    let settings: ControlSettings = read(&arguments.daemon, &CONTROL, &flags)?;
    if arguments.daemon.print_config {
        text(&to_toml(&settings)?)?;
        return Ok(0);
    }
    if let Some(name) = arguments.admin {
        tell(format_args!("password of `{name}`:"));
        let mut password = String::new();
        std::io::stdin().read_line(&mut password).context("failed to read the password")?;
        let password = password.trim_end_matches(['\r', '\n']);
        acp_control::make_admin(&settings, &name, password).await?;
        out(format_args!("`{name}` is an administrator"))?;
        return Ok(0);
    }
    let stop = until_signal()?;
    let control = acp_control::start(settings, stop).await?;
    out(format_args!("listening on http://{}/", control.address()))?;
    control.wait().await?;
    Ok(0)
}

/// Runs `acp agent` until a signal ends it.
pub(crate) async fn agent(arguments: AgentDaemonArgs) -> Result<u8> {
    let labels = (!arguments.labels.is_empty()).then(|| arguments.labels.join(","));
    let flags = [
        ("listen", arguments.listen),
        ("state_folder", arguments.state),
        ("id", arguments.id),
        ("control", arguments.control),
        ("cores", arguments.cores),
        ("labels", labels),
        ("coord.kind", arguments.coord),
        ("coord.connect", arguments.zookeeper),
    ];
    let settings: Settings = read(&arguments.daemon, &AGENT, &flags)?;
    if arguments.daemon.print_config {
        text(&to_toml(&settings)?)?;
        return Ok(0);
    }
    let stop = until_signal()?;
    let is_alone = matches!(settings.coordinator(),
        CoordSettings::Direct(direct) if direct.controls.is_empty());
    if is_alone {
        return Err(usage(anyhow!(
            "no control plane to register with\nhint: --control http://host:7700, or --coord zookeeper --zookeeper host:2181"
        )));
    }
    let coordinator = acp_coord::connect_agent(&settings.coordinator())?;
    let agent = Agent::bind(settings).await?;
    out(format_args!("listening on http://{}/", agent.address()?))?;
    agent.run(coordinator, stop).await?;
    Ok(0)
}

fn read<T>(daemon: &DaemonArgs, names: &Names, flags: &[(&str, Option<String>)]) -> Result<T>
where
    T: Default + serde::Serialize + serde::de::DeserializeOwned,
{
    let mut all: Vec<Flag> = Vec::new();
    for setting in &daemon.settings {
        let (path, value) = setting
            .split_once('=')
            .with_context(|| format!("bad --set `{setting}`\nhint: --set path=value"))
            .map_err(usage)?;
        all.push((path.to_string(), Some(value.to_string())));
    }
    all.extend(flags.iter().map(|(path, value)| ((*path).to_string(), value.clone())));
    layered(daemon.config.as_deref(), names, std::env::vars_os(), &all).map_err(usage)
}

/// Cancelled by the first SIGINT or SIGTERM; the second ends the process at once.
pub(crate) fn until_signal() -> Result<CancellationToken> {
    let stop = CancellationToken::new();
    let mut interrupt = signal(SignalKind::interrupt()).context("failed to watch SIGINT")?;
    let mut terminate = signal(SignalKind::terminate()).context("failed to watch SIGTERM")?;
    let token = stop.clone();
    tokio::spawn(async move {
        for is_second in [false, true] {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if is_second {
                #[expect(clippy::exit, reason = "the user does not want to wait")]
                std::process::exit(130);
            }
            token.cancel();
        }
    });
    Ok(stop)
}
