//! `acp task`: save, start, watch, change and stop runs on a control plane.

use crate::client::{Client, ControlArgs};
use crate::output::{out, tell, text};
use crate::usage::usage;
use crate::watch::{exit_code, watch};
use acp_engine::cli::{PLAN_FLAGS, PlanArgs, RuleArgs};
use acp_wire::plan::{Agents, OnLoss};
use acp_wire::{Plan, Report};
use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};
use std::path::PathBuf;

/// Save, start, watch, change and stop runs on a control plane
#[derive(Args, Debug)]
#[command(after_help = "\
A RUN is the id of a run, the id of a task (its newest run is meant), or `last`.

Examples:
  acp task create -R 1k -d 1m --cores 4 http://10.0.0.5:8080/ --start --watch
  acp task create --plan checkout.toml
  acp task start TASK
  acp task rate last 4k
  acp task stop last
  acp task report last --format csv -o run.csv

Exit codes of --watch and watch: 0 pass, 97 stopped by a rule, 98 result not valid, 99 SLO missed")]
pub(crate) struct TaskArgs {
    #[command(flatten)]
    control: ControlArgs,
    #[command(subcommand)]
    command: TaskCommand,
}

#[derive(Subcommand, Debug)]
enum TaskCommand {
    /// Save a plan, and start it if asked to
    Create(Box<CreateArgs>),
    /// List tasks and their newest runs
    List(ListArgs),
    /// Show a task or a run
    Show(OneArgs),
    /// Start a run of a task
    Start(StartArgs),
    /// Follow a run to its end and print its report
    Watch(OneArgs),
    /// Change the rate of a run: the rest of it has this total rate
    Rate(RateArgs),
    /// Send nothing until `resume`; the run's clock goes on
    Pause(OneArgs),
    /// End a pause
    Resume(OneArgs),
    /// Stop a run
    Stop(OneArgs),
    /// Print the report of a run that has ended
    Report(ReportArgs),
    /// Delete a task; its runs stay
    Delete(OneArgs),
}

#[derive(Args, Debug)]
struct CreateArgs {
    #[command(flatten)]
    plan: PlanArgs,
    /// Plan file (TOML or JSON) instead of flags; `-` is standard input
    #[arg(long = "plan", id = "plan_file", value_name = "FILE", conflicts_with_all = PLAN_FLAGS)]
    plan_file: Option<PathBuf>,
    /// Cores in all [default: as many as the rate needs]
    #[arg(long, value_name = "N")]
    cores: Option<u32>,
    /// Cores of one agent at the most
    #[arg(long, value_name = "N")]
    per_agent_max: Option<u32>,
    /// Only agents with this label, `key=value`; repeat it for more
    #[arg(long = "label", value_name = "K=V")]
    labels: Vec<String>,
    /// What happens when an agent is lost
    #[arg(long, value_name = "HOW")]
    on_loss: Option<OnLossFlag>,
    #[command(flatten)]
    rules: RuleArgs,
    /// Start it at once
    #[arg(long)]
    start: bool,
    /// Start it, follow it to its end and print its report
    #[arg(long)]
    watch: bool,
}

/// `--on-loss`.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum OnLossFlag {
    /// Its share goes to others.
    Reassign,
    /// The run goes on with less.
    Continue,
    /// The run stops.
    Abort,
}

#[derive(Args, Debug)]
struct ListArgs {
    /// Only tasks with this in their name
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args, Debug)]
struct OneArgs {
    /// Which
    #[arg(value_name = "ID")]
    id: String,
}

#[derive(Args, Debug)]
struct StartArgs {
    /// The task
    #[arg(value_name = "TASK")]
    id: String,
    /// Follow it to its end and print its report
    #[arg(long)]
    watch: bool,
}

#[derive(Args, Debug)]
struct RateArgs {
    /// Which run
    #[arg(value_name = "RUN")]
    id: String,
    /// Total rate: 20k 0.5 300/m
    rate: String,
}

#[derive(Args, Debug)]
struct ReportArgs {
    /// Which run
    #[arg(value_name = "RUN")]
    id: String,
    /// Format
    #[arg(long, value_name = "NAME", default_value = "text", value_parser = ["text", "json", "csv", "hdr", "html", "junit", "markdown"])]
    format: String,
    /// Write it to a file
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Runs the command and returns its exit code.
pub(crate) async fn run(arguments: TaskArgs) -> Result<u8> {
    let client = Client::new(&arguments.control)?;
    match arguments.command {
        TaskCommand::Create(create_args) => return create(&client, *create_args).await,
        TaskCommand::Start(start) => return start_task(&client, &start.id, start.watch).await,
        TaskCommand::Watch(one) => return follow(&client, &run_id(&client, &one.id).await?).await,
        TaskCommand::List(list_args) => list(&client, &list_args).await?,
        TaskCommand::Show(one) => show(&client, &one.id).await?,
        TaskCommand::Rate(rate) => {
            let body = json!({ "rate": rate.rate });
            steer(&client, &rate.id, "rate", &body).await?;
        }
        TaskCommand::Pause(one) => steer(&client, &one.id, "pause", &json!({})).await?,
        TaskCommand::Resume(one) => steer(&client, &one.id, "resume", &json!({})).await?,
        TaskCommand::Stop(one) => steer(&client, &one.id, "stop", &json!({})).await?,
        TaskCommand::Report(report_args) => report(&client, &report_args).await?,
        TaskCommand::Delete(one) => {
            client.delete(&format!("/tasks/{}", one.id)).await?;
            out(format_args!("deleted task {}", one.id))?;
        }
    }
    Ok(0)
}

async fn create(client: &Client, arguments: CreateArgs) -> Result<u8> {
    let plan = plan_of(&arguments).map_err(usage)?;
    let task: Value = client.post("/tasks", &json!({ "plan": plan })).await?;
    let id = text_of(&task, "id");
    out(format_args!("task {id}"))?;
    match arguments.start || arguments.watch {
        true => start_task(client, id, arguments.watch).await,
        false => Ok(0),
    }
}

fn plan_of(arguments: &CreateArgs) -> Result<Plan> {
    let mut plan = acp_engine::cli::document(&arguments.plan, arguments.plan_file.as_deref())
        .map_err(anyhow::Error::msg)?;
    let mut agents = plan.agents.take();
    let mut change = |set: &dyn Fn(&mut Agents)| set(agents.get_or_insert_with(Agents::default));
    if let Some(cores) = arguments.cores {
        change(&|agents| agents.cores = cores);
    }
    if let Some(limit) = arguments.per_agent_max {
        change(&|agents| agents.per_agent_max = limit);
    }
    for label in &arguments.labels {
        let Some((key, value)) = label.split_once('=') else {
            bail!("bad label `{label}`\nhint: --label key=value");
        };
        change(&|agents| drop(agents.labels.insert(key.into(), value.into())));
    }
    match arguments.on_loss {
        Some(OnLossFlag::Reassign) => change(&|agents| agents.on_loss = OnLoss::Reassign),
        Some(OnLossFlag::Continue) => change(&|agents| agents.on_loss = OnLoss::Continue),
        Some(OnLossFlag::Abort) => change(&|agents| agents.on_loss = OnLoss::Abort),
        None => {}
    }
    plan.agents = agents;
    arguments.rules.extend(&mut plan);
    Ok(plan)
}

async fn start_task(client: &Client, task: &str, is_watched: bool) -> Result<u8> {
    let run: Value = client.post(&format!("/tasks/{task}/runs"), &json!({})).await?;
    let id = text_of(&run, "id");
    out(format_args!("run {id}"))?;
    match is_watched {
        true => follow(client, id).await,
        false => Ok(0),
    }
}

/// Follows a run and prints its report.
async fn follow(client: &Client, run: &str) -> Result<u8> {
    watch(client, run, &mut |line| tell(line)).await?;
    text(&client.text(&format!("/runs/{run}/report?format=text")).await?)?;
    let report: Report = client.get(&format!("/runs/{run}/report")).await?;
    Ok(exit_code(&report))
}

async fn list(client: &Client, arguments: &ListArgs) -> Result<()> {
    let query = arguments
        .text
        .as_deref()
        .map_or(String::new(), |text| format!("&text={}", percent_encoded(text)));
    let answer: Value = client.get(&format!("/tasks?limit=100{query}")).await?;
    if arguments.json {
        out(serde_json::to_string_pretty(&answer)?)?;
        return Ok(());
    }
    out(format_args!(
        "{:<26}  {:<10}  {:<18}  {:<24}  TARGET",
        "TASK", "STATE", "VERDICT", "NAME"
    ))?;
    for task in answer["tasks"].as_array().into_iter().flatten() {
        let (id, run) = (text_of(task, "id"), &task["last_run"]);
        let state = run["state"].as_str().unwrap_or("-");
        let verdict = run["verdict"].as_str().unwrap_or("-");
        let (name, target) = (text_of(task, "name"), text_of(task, "target"));
        out(format_args!("{id:<26}  {state:<10}  {verdict:<18}  {name:<24}  {target}"))?;
    }
    Ok(())
}

async fn show(client: &Client, id: &str) -> Result<()> {
    let run = match id {
        "last" => Some(run_id(client, id).await?),
        _ => None,
    };
    let found: Value = match client.get(&format!("/runs/{}", run.as_deref().unwrap_or(id))).await {
        Ok(run) => run,
        Err(_) => client.get(&format!("/tasks/{id}")).await?,
    };
    out(serde_json::to_string_pretty(&found)?)?;
    Ok(())
}

async fn steer(client: &Client, id: &str, what: &str, body: &Value) -> Result<()> {
    let run = run_id(client, id).await?;
    let _: Value = client.post(&format!("/runs/{run}/{what}"), body).await?;
    out(format_args!("{what}: run {run}"))?;
    Ok(())
}

async fn report(client: &Client, arguments: &ReportArgs) -> Result<()> {
    let run = run_id(client, &arguments.id).await?;
    let report = client.text(&format!("/runs/{run}/report?format={}", arguments.format)).await?;
    match &arguments.output {
        None => text(&report)?,
        Some(path) => std::fs::write(path, report)
            .with_context(|| format!("failed to write `{}`", path.display()))?,
    }
    Ok(())
}

/// The run that a person means.
async fn run_id(client: &Client, id: &str) -> Result<String> {
    if id != "last" && client.get::<Value>(&format!("/runs/{id}")).await.is_ok() {
        return Ok(id.into());
    }
    let query = if id == "last" { String::new() } else { format!("task={id}&") };
    let runs: Value = client.get(&format!("/runs?{query}limit=1")).await?;
    match runs["runs"][0]["id"].as_str() {
        Some(run) => Ok(run.into()),
        None => bail!("no run or task `{id}`\nhint: acp task list shows what there is"),
    }
}

fn text_of<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}

fn percent_encoded(text: &str) -> String {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    let encode = |byte: u8| match is_plain(&byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}
