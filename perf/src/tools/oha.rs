//! oha: closed loop, or a total rate with `-q`.

use anyhow::Result;

use super::{Invocation, Tool, command_line, summary};

pub(super) const TOOL: Tool = Tool {
    name: "oha",
    version_flag: Some("--version"),
    command,
    read: summary::read,
    exit_codes: &[0],
};

fn command(run: &Invocation) -> Result<Option<Vec<String>>> {
    let work = run.work;
    if work.pipeline > 1 || work.requests.is_some() {
        return Ok(None);
    }
    let connections = work.connections.to_string();
    let duration = format!("{}s", run.seconds);
    let mut line = command_line(run.program, &["--no-tui", "-z", &duration, "-c", &connections]);
    if let Some(rate_per_s) = work.rate_per_s {
        line.extend(["-q".to_string(), rate_per_s.to_string()]);
    }
    if !work.keep_alive {
        line.push("--disable-keepalive".to_string());
    }
    if run.is_encrypted() {
        line.push("--insecure".to_string());
    }
    line.push(run.url.to_string());
    Ok(Some(line))
}
