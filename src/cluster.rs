//! `acp cluster`: agents and cores of a control plane.

use crate::client::{Client, ControlArgs};
use crate::output::out;
use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

/// Agents and cores of a control plane
#[derive(Args, Debug)]
pub(crate) struct ClusterArgs {
    #[command(flatten)]
    control: ControlArgs,
    #[command(subcommand)]
    command: ClusterCommand,
}

#[derive(Subcommand, Debug)]
enum ClusterCommand {
    /// List agents: state, cores, labels, clock, what they run
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Give an agent no new parts; what runs goes on
    Drain {
        /// Its name
        agent: String,
    },
    /// Give an agent new parts again
    Enable {
        /// Its name
        agent: String,
    },
    /// Forget an agent that is gone
    Remove {
        /// Its name
        agent: String,
    },
    /// Stop every run
    StopAll,
}

/// Runs the command and returns its exit code.
pub(crate) async fn run(arguments: ClusterArgs) -> Result<u8> {
    let client = Client::new(&arguments.control)?;
    match arguments.command {
        ClusterCommand::List { json } => list(&client, json).await?,
        ClusterCommand::Drain { agent } => change(&client, &agent, "drain").await?,
        ClusterCommand::Enable { agent } => change(&client, &agent, "enable").await?,
        ClusterCommand::Remove { agent } => change(&client, &agent, "remove").await?,
        ClusterCommand::StopAll => {
            let answer: Value = client.post("/stop-all", &json!({})).await?;
            let count = |field: &str| answer[field].as_array().map_or(0, Vec::len);
            out(format_args!("stopping {} runs", count("stopped")))?;
            for failure in answer["failed"].as_array().into_iter().flatten() {
                out(format_args!("not stopped: {failure}"))?;
            }
            return Ok(u8::from(count("failed") > 0));
        }
    }
    Ok(0)
}

async fn change(client: &Client, agent: &str, what: &str) -> Result<()> {
    let _: Value = client.post(&format!("/agents/{agent}/{what}"), &json!({})).await?;
    out(format_args!("{what}: agent {agent}"))?;
    Ok(())
}

async fn list(client: &Client, as_json: bool) -> Result<()> {
    let answer: Value = client.get("/agents").await?;
    if as_json {
        out(serde_json::to_string_pretty(&answer)?)?;
        return Ok(());
    }
    if answer["is_current"] == false {
        out("the coordinator does not answer: this is what was known last")?;
    }
    out(format_args!(
        "{:<28}  {:<9}  {:>5}  {:>5}  {:>9}  {:<20}  RUNS",
        "AGENT", "STATE", "CORES", "FREE", "CLOCK", "LABELS"
    ))?;
    for agent in answer["agents"].as_array().into_iter().flatten() {
        out(row(agent))?;
    }
    Ok(())
}

/// One agent in one line.
fn row(agent: &Value) -> String {
    let is = |field: &str| agent[field] == true;
    let state = match () {
        () if !is("is_registered") => "away",
        () if is("is_draining") => "leaving",
        () if !is("is_enabled") => "drained",
        () => "ready",
    };
    let number = |field: &str| agent[field].as_u64().map_or("-".into(), |n| n.to_string());
    let clock = agent["clock_offset_us"]
        .as_i64()
        .map_or("-".into(), |offset_us| format!("{:+.1} ms", offset_us as f64 / 1e3));
    let labels: Vec<_> = agent["labels"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    let parts: Vec<_> = agent["parts"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|part| part["part"].as_str().unwrap_or_default())
        .collect();
    let row = format!(
        "{:<28}  {state:<9}  {:>5}  {:>5}  {clock:>9}  {:<20}  {}",
        agent["agent"].as_str().unwrap_or_default(),
        number("cores"),
        number("cores_free"),
        labels.join(","),
        parts.join(" ")
    );
    row.trim_end().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_is_one_line() {
        let agent = json!({
            "agent": "a:7710", "is_registered": true, "is_enabled": true, "is_draining": false,
            "cores": 4, "cores_free": 2, "clock_offset_us": -1500, "labels": { "zone": "a" },
            "parts": [{ "part": "r.0" }]
        });
        let expected =
            format!("{:<28}  ready          4      2    -1.5 ms  {:<20}  r.0", "a:7710", "zone=a");
        assert_eq!(row(&agent), expected);
        for (field, value, state) in [
            ("is_draining", json!(true), "leaving"),
            ("is_enabled", json!(false), "drained"),
            ("is_registered", json!(false), "away"),
            ("is_registered", Value::Null, "away"),
        ] {
            let mut other = agent.clone();
            other[field] = value;
            assert!(row(&other).contains(state), "{field}: {}", row(&other));
        }
    }
}
