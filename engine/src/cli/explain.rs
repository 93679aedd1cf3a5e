//! `acp explain`: what a slot of a plan sends, when, and who sends it, without sending it.

use super::arguments::{PLAN_FLAGS, PlanArgs, share};
use super::{EXIT_INTERNAL, EXIT_OK, EXIT_USAGE, plan};
use crate::plan::{Plan, ShardPlan, compile, split};
use crate::source::{Explained, Place, explain as explain_slot};
use acp_wire::agent::Share;
use base64::Engine as _;
use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

/// Bytes in a line of a hex dump.
const DUMPED_BYTES: usize = 16;

/// Show what a slot of a plan sends, without sending it
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  acp explain --slot 7 -R 100 'http://localhost:8080/item?id={{int 1 1000}}'
  acp explain --slot 7 --plan plan.toml --agents 3 --cores 2")]
pub struct ExplainArgs {
    #[command(flatten)]
    plan: PlanArgs,
    /// Plan file (TOML or JSON) instead of flags; `-` is standard input
    #[arg(long = "plan", id = "plan_file", value_name = "FILE", conflicts_with_all = PLAN_FLAGS)]
    plan_file: Option<PathBuf>,
    /// Number of the slot, from 0, among those of the measured part
    #[arg(long, value_name = "K")]
    slot: u64,
    /// Agents that run the plan
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    agents: u32,
    /// Cores of each agent, a shard each
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    cores: Option<u32>,
    /// The part of the plan that one engine runs, as JSON
    #[arg(long, value_name = "JSON", value_parser = share, conflicts_with_all = ["agents", "cores"])]
    share: Option<Share>,
    /// Shards of that engine
    #[arg(short, long, value_name = "N", conflicts_with = "cores", value_parser = clap::value_parser!(u32).range(1..=1024))]
    threads: Option<u32>,
    /// How it is shown
    #[arg(long, value_name = "NAME", default_value = "text")]
    format: ExplainFormat,
}

/// `--format`.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum ExplainFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// Who sends a slot.
struct Sender {
    share: Share,
    agent: u64,
    agents: u64,
    shards: u32,
}

/// Runs `acp explain` and returns its exit code. Errors are on standard error.
#[must_use]
pub fn explain(arguments: &ExplainArgs) -> u8 {
    match explained(arguments) {
        Ok(text) => match std::io::stdout().write_all(text.as_bytes()) {
            Ok(()) => EXIT_OK,
            Err(_) => EXIT_INTERNAL,
        },
        Err(message) => {
            super::messages::say(&format!("error: {message}"));
            EXIT_USAGE
        }
    }
}

fn explained(arguments: &ExplainArgs) -> Result<String, String> {
    let document = plan::document(&arguments.plan, arguments.plan_file.as_deref())?;
    let plan = Arc::new(compile(&document).map_err(|error| error.to_string())?);
    let has_shards = arguments.cores.is_some() || arguments.threads.is_some();
    if !plan.is_open_loop() && document.source.is_some() && !has_shards {
        return Err("in a closed loop the lines of a source go to whichever shard asks first\n\
                    hint: give -t 1 if the run had one shard"
            .into());
    }
    let sender = arguments.sender(&plan);
    let parts = parts(&plan, &sender);
    let found = explain_slot(arguments.slot, &sender.share, &parts);
    let found = found.map_err(|error| error.to_string())?;
    Ok(match arguments.format {
        ExplainFormat::Text => text(arguments.slot, &sender, &found),
        ExplainFormat::Json => format!("{}\n", document_of(arguments.slot, &sender, &found)),
    })
}

impl ExplainArgs {
    /// Classes of slots are of equal size, one for each agent.
    fn sender(&self, plan: &Plan) -> Sender {
        match self.share {
            Some(share) => {
                let (agent, agents) = (share.offset, share.stride);
                Sender { share, agent, agents, shards: self.threads.unwrap_or(1) }
            }
            None => {
                let agents = u64::from(self.agents);
                let agent = self.slot % agents;
                let share =
                    Share { offset: agent, stride: agents, ..Share::whole(plan.connections) };
                Sender { share, agent, agents, shards: self.cores.or(self.threads).unwrap_or(1) }
            }
        }
    }
}

fn parts(plan: &Arc<Plan>, sender: &Sender) -> Vec<ShardPlan> {
    // Nothing is connected: any address will do.
    let addresses = [([127, 0, 0, 1], 0).into()];
    let connections = sender.share.connections.max(sender.shards);
    split(plan, &Share { connections, ..sender.share }, sender.shards, &addresses)
}

fn text(slot: u64, sender: &Sender, found: &Explained) -> String {
    let mut text = match found.due_ns {
        Some(due_ns) => {
            let due_s = due_ns as f64 / 1e9;
            format!("Slot {slot} is due {due_s:.9} s after the start of the measured part\n")
        }
        None => format!("Slot {slot} is due when a connection is free: the loop is closed\n"),
    };
    let Sender { agent, agents, shards, .. } = sender;
    let mut add = |line: String| writeln!(text, "{line}").unwrap_or_default();
    add(format!("Sent by: agent {agent} of {agents}, shard {} of {shards}", found.shard));
    match &found.line {
        Some(place @ Place::Line(..)) => add(format!("Line:    {place}")),
        Some(Place::Row(row)) => add(format!("Row:     {row}, made from the template")),
        None => {}
    }
    if let Some(tag) = &found.tag {
        add(format!("Tag:     {tag}"));
    }
    match &found.bytes {
        Err(why) => add(format!("Request: none, its line is bad: {why}")),
        Ok(bytes) => {
            let (head, body) = split_request(bytes);
            add(format!("Request: {} bytes\n\n{}", bytes.len(), head.trim_end()));
            if !body.is_empty() {
                add(format!("\n{}", body_text(body).trim_end_matches('\n')));
            }
        }
    }
    text
}

fn document_of(slot: u64, sender: &Sender, found: &Explained) -> Value {
    let (file, line, row) = match &found.line {
        Some(Place::Line(path, line)) => (Some(path.display().to_string()), Some(*line), None),
        Some(Place::Row(row)) => (None, None, Some(*row)),
        None => (None, None, None),
    };
    let mut document = json!({
        "schema": "acp.explain/1",
        "slot": slot,
        "due_ns": found.due_ns,
        "agent": sender.agent,
        "agents": sender.agents,
        "shard": found.shard,
        "shards": sender.shards,
        "file": file,
        "line": line,
        "row": row,
        "tag": found.tag,
    });
    match &found.bytes {
        Err(why) => document["bad_line"] = json!(why),
        Ok(bytes) => {
            let (head, body) = split_request(bytes);
            document["head"] = json!(head);
            match str::from_utf8(body) {
                Ok(text) => document["body"] = json!(text),
                Err(_) => {
                    let engine = &base64::engine::general_purpose::STANDARD;
                    document["body_base64"] = json!(engine.encode(body));
                }
            }
        }
    }
    document
}

/// Head and body.
fn split_request(bytes: &[u8]) -> (String, &[u8]) {
    let end = memchr::memmem::find(bytes, b"\r\n\r\n").map_or(bytes.len(), |at| at + 4);
    (String::from_utf8_lossy(&bytes[..end]).into_owned(), &bytes[end..])
}

/// A body as text, or as a hex dump where it is none.
fn body_text(body: &[u8]) -> String {
    let is_text = |text: &&str| !text.contains(|c: char| c.is_control() && !c.is_whitespace());
    if let Some(text) = str::from_utf8(body).ok().filter(is_text) {
        return text.into();
    }
    let lines = body.chunks(DUMPED_BYTES).enumerate().map(|(number, bytes)| {
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x} ")).collect();
        let shown = |byte: &u8| if byte.is_ascii_graphic() { char::from(*byte) } else { '.' };
        let text: String = bytes.iter().map(shown).collect();
        format!("{:08x}  {hex:<48} {text}\n", number * DUMPED_BYTES)
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_that_are_no_text_are_dumped() {
        assert_eq!(body_text("é\n\tb".as_bytes()), "é\n\tb");
        let dumped = body_text(b"ab\0\xff0123456789abcd");
        let first = "00000000  61 62 00 ff 30 31 32 33 34 35 36 37 38 39 61 62  ab..0123456789ab\n";
        assert!(dumped.starts_with(first), "{dumped}");
        assert!(dumped.contains("\n00000010  63 64 "), "{dumped}");
    }
}
