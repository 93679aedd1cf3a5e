//! The first thing a newcomer sees: the built-in server, a task that ramps up and holds, its report.

use crate::client::Client;
use crate::output::{out, tell};
use crate::watch::{exit_code, watch};
use acp_engine::target::{Target, TargetOptions};
use acp_wire::Report;
use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use std::time::Duration;

/// How long the agent may take to come up.
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs the demo against a control plane that has just been started. The server is a thread of ours:
/// it ends with us, however that happens.
pub(crate) async fn run(client: &Client, seconds: u32) -> Result<u8> {
    let server = Target::start(TargetOptions::default())
        .context("failed to start the built-in server\nhint: try `acp target`")?;
    load(client, &format!("http://{}/", server.address()), seconds).await
}

async fn load(client: &Client, url: &str, seconds: u32) -> Result<u8> {
    await_agent(client).await?;
    let ramp = seconds * 4 / 10;
    let profile = format!("line(0,20k,{ramp}s) const(20k,{}s)", seconds - ramp);
    tell(format_args!("loading {url} with {profile}, on one core\n"));
    let plan = json!({
        "schema": "acp.plan/1",
        "name": "demo",
        "target": { "url": url },
        "load": { "model": "open", "profile": profile, "connections": 64 },
        "agents": { "cores": 1 }
    });
    let task: Value = client.post("/tasks", &json!({ "plan": plan })).await?;
    let id = task["id"].as_str().context("a task has an id")?;
    let run: Value = client.post(&format!("/tasks/{id}/runs"), &json!({})).await?;
    let run = run["id"].as_str().context("a run has an id")?;
    watch(client, run, &mut |line| tell(line)).await?;
    let text = client.text(&format!("/runs/{run}/report?format=text")).await?;
    out(format_args!("\n{text}"))?;
    let report: Report = client.get(&format!("/runs/{run}/report")).await?;
    let balance = if report.books.balanced { "balance" } else { "DO NOT BALANCE" };
    let base = client.base();
    out(format_args!("the books {balance}; the run is kept at {base}/#/runs/{run}"))?;
    Ok(exit_code(&report))
}

async fn await_agent(client: &Client) -> Result<()> {
    let looking = async {
        loop {
            let answer: Value = client.get("/agents").await?;
            let mut agents = answer["agents"].as_array().into_iter().flatten();
            if agents.any(|agent| agent["is_registered"] == true && agent["cores_free"].is_u64()) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, looking).await.context("the agent did not come up")?
}
