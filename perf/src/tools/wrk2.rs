//! wrk2: wrk with a rate. It prints what wrk prints.

use anyhow::Result;

use super::{Invocation, Tool, command_line, wrk};

pub(super) const TOOL: Tool =
    Tool { name: "wrk2", version_flag: Some("-v"), command, read: wrk::read, exit_codes: &[0] };

fn command(run: &Invocation) -> Result<Option<Vec<String>>> {
    let work = run.work;
    let Some(rate_per_s) = work.rate_per_s else { return Ok(None) };
    let connections = format!("-c{}", work.connections);
    let duration = format!("-d{}s", run.seconds);
    let rate = format!("-R{rate_per_s}");
    let arguments = ["-t1", &connections, &duration, &rate, "--latency", run.url];
    Ok(Some(command_line(run.program, &arguments)))
}
