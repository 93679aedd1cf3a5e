//! The suite: settings in, an outcome out. It finds the tools and runs the cases one by one.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tempfile::TempDir;

use crate::arguments::Run as Settings;
use crate::cases::{self, CASES, Case};
use crate::contest::Contest;
use crate::facts;
use crate::machine::{CpuTime, Machine};
use crate::outcome::{Outcome, SCHEMA, ToolFacts};
use crate::tools::{self, Tool};
use crate::verdict::Verdict;

/// Everything the cases share.
pub(crate) struct Suite<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) acp: PathBuf,
    pub(crate) peers: Vec<Peer>,
    /// For records and output; gone with the suite.
    pub(crate) scratch: TempDir,
}

/// A tool that was asked for.
pub(crate) struct Peer {
    pub(crate) tool: &'static Tool,
    /// None if it is not installed.
    pub(crate) path: Option<PathBuf>,
}

/// Runs what the settings ask for. What fails within a case is part of the outcome.
///
/// # Errors
///
/// If a case or a peer has no such name, or there is no program to test.
pub(crate) fn run(settings: &Settings) -> Result<Outcome> {
    let cases = select(&settings.cases)?;
    let suite = Suite {
        settings,
        acp: find_acp(&settings.acp)?,
        peers: settings.peers.iter().map(|name| find_peer(name)).collect::<Result<_>>()?,
        scratch: tempfile::tempdir().context("failed to create a temporary folder")?,
    };
    fs::create_dir_all(&settings.out)
        .with_context(|| format!("failed to create `{}`", settings.out.display()))?;
    raise_file_limit()?;
    let mut machine = Machine::look(settings.client_cpu, settings.server_cpu);
    let date_utc = facts::date_utc()?;
    let before = CpuTime::now();
    let outcomes: Vec<_> = cases.into_iter().map(|case| Contest::new(&suite, case).run()).collect();
    machine.steal_ratio =
        CpuTime::now().zip(before).and_then(|(now, before)| now.steal_ratio_since(before));
    let verdicts = outcomes.iter().flat_map(|case| &case.bars).map(|bar| bar.verdict);
    Ok(Outcome {
        schema: SCHEMA.to_string(),
        date_utc,
        pairs: settings.pairs,
        seconds: settings.seconds,
        seed: settings.seed,
        machine,
        acp_commit: facts::commit(&suite.acp),
        tools: suite.tool_facts(),
        verdict: Verdict::of_all(verdicts),
        cases: outcomes,
    })
}

impl Suite<'_> {
    /// Where the query file of a case is made.
    pub(crate) fn query_file(&self) -> PathBuf {
        self.scratch.path().join("queries")
    }

    fn tool_facts(&self) -> Vec<ToolFacts> {
        let peers = self.peers.iter().map(|peer| facts::of_tool(peer.tool, peer.path.as_ref()));
        std::iter::once(facts::of_tool(tools::ACP, Some(&self.acp))).chain(peers).collect()
    }
}

/// The named cases, each once, in the order of the suite.
fn select(names: &[String]) -> Result<Vec<&'static Case>> {
    for name in names {
        if name != "all" && cases::find(name).is_none() {
            bail!("there is no case `{name}`; hint: acp-perf list");
        }
    }
    let wanted = |case: &&Case| names.iter().any(|name| name == "all" || name == case.name);
    Ok(CASES.iter().filter(wanted).collect())
}

fn find_acp(path: &Path) -> Result<PathBuf> {
    path.canonicalize().with_context(|| {
        format!("there is no program `{}`; hint: cargo build --release, or --acp", path.display())
    })
}

fn find_peer(name: &str) -> Result<Peer> {
    let Some(tool) = tools::find_peer(name) else {
        let known: Vec<_> = tools::PEERS.iter().map(|tool| tool.name).collect();
        bail!("there is no peer `{name}`; hint: {}", known.join(", "));
    };
    Ok(Peer { tool, path: tools::locate(name) })
}

/// Client and server both inherit it: 10,000 connections need as many files on each side.
fn raise_file_limit() -> Result<()> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).context("failed to read the file limit")?;
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).context("failed to raise the file limit")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Result<Vec<&'static str>> {
        let names: Vec<_> = names.iter().map(ToString::to_string).collect();
        Ok(select(&names)?.into_iter().map(|case| case.name).collect())
    }

    #[test]
    fn cases_run_once_in_the_order_of_the_suite() {
        let selected = names(&["memory", "closed-64", "memory"]).expect("known cases");
        assert_eq!(selected, ["closed-64", "memory"]);
        assert_eq!(names(&["all", "connect"]).expect("known cases").len(), CASES.len());
    }

    #[test]
    fn unknown_names_are_refused() {
        let error = names(&["closed-64", "closed-65"]).expect_err("no such case");
        assert_eq!(error.to_string(), "there is no case `closed-65`; hint: acp-perf list");
        assert!(find_peer("jmeter").is_err());
    }
}
