//! Facts that only other programs know: versions of tools, the commit of acp, the date.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, Result};

use crate::outcome::ToolFacts;
use crate::tools::Tool;

/// What is known of a tool, installed or not.
pub(crate) fn of_tool(tool: &Tool, path: Option<&PathBuf>) -> ToolFacts {
    ToolFacts {
        name: tool.name.to_string(),
        path: path.map(|path| path.display().to_string()),
        version: path.and_then(|path| version(tool, path)),
    }
}

/// The commit of the work tree that holds `program`, marked if files in it were changed.
pub(crate) fn commit(program: &Path) -> Option<String> {
    let folder = program.canonicalize().ok()?.parent()?.to_path_buf();
    let arguments = ["describe", "--always", "--dirty", "--abbrev=12", "--exclude", "*"];
    let output = Command::new("git").arg("-C").arg(folder).args(arguments).output().ok()?;
    first_line(&output)
}

/// The current time, as `2026-08-01T12:00:00Z`.
///
/// # Errors
///
/// If there is no `date` program.
pub(crate) fn date_utc() -> Result<String> {
    let output = Command::new("date").args(["-u", "+%Y-%m-%dT%H:%M:%SZ"]).output();
    first_line(&output.context("failed to start `date`")?).context("`date` printed nothing")
}

fn version(tool: &Tool, path: &Path) -> Option<String> {
    let Some(flag) = tool.version_flag else { return package_version(tool.name) };
    // wrk prints its version with its usage and leaves with an error.
    let output = Command::new(path).arg(flag).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().find(|line| !line.trim().is_empty()).map(|line| line.trim().to_string())
}

fn package_version(package: &str) -> Option<String> {
    let arguments = ["-W", "-f", "${Package} ${Version}\n", package];
    first_line(&Command::new("dpkg-query").args(arguments).output().ok()?)
}

fn first_line(output: &Output) -> Option<String> {
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().next().map(str::trim).filter(|line| !line.is_empty())?;
    output.status.success().then(|| line.to_string())
}
