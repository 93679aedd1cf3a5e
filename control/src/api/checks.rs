//! Checks before a start: what control knows beforehand of target, agents and data. Ports and sockets
//! are in [`super::limits`].
//!
//! They are of this moment: a plan that is good can be saved whatever they say.

use super::error::ApiError;
use super::outlook::Outlook;
use super::preview::{counted, rate};
use super::problems::Problem;
use crate::auth::{Admitted, Room};
use acp_plan::Plan;
use serde::Serialize;
use std::path::Path;
use utoipa::ToSchema;

/// Addresses that a text names.
const ADDRESSES_NAMED: usize = 4;

/// What a check has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum CheckState {
    /// Nothing is in the way.
    Good,
    /// It may go wrong.
    Warning,
    /// A start would fail now.
    Bad,
    /// Control cannot know.
    Unknown,
}

/// A check before a start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Check {
    /// `target`, `agents`, `ports`, `sockets` or `data`.
    pub(super) name: &'static str,
    /// What it has come to.
    pub(super) state: CheckState,
    /// Why, with numbers.
    pub(super) text: String,
    /// What to do; may be empty.
    pub(super) hint: String,
}

impl Check {
    /// A check; a hint may follow its text in a line of its own.
    pub(super) fn new(name: &'static str, state: CheckState, text: impl Into<String>) -> Self {
        let Problem { message, hint, .. } = Problem::new("", &text.into());
        Self { name, state, text: message, hint }
    }

    fn bad(name: &'static str, message: &str, hint: &str) -> Self {
        Self { name, state: CheckState::Bad, text: message.into(), hint: hint.into() }
    }
}

/// The checks of a plan that cannot be read.
pub(super) fn of_nothing() -> Vec<Check> {
    let unknown = |name| Check::new(name, CheckState::Unknown, "the plan cannot be read");
    ["target", "agents", "ports", "sockets", "data"].map(unknown).into()
}

/// What was found out about the target: why it must not be loaded now, or what it may be loaded with.
pub(super) enum TargetCheck<'a> {
    /// It cannot be loaded.
    Bad(&'a Problem),
    /// The rate is too high while other runs go on.
    Busy(ApiError),
    /// It may be loaded.
    Good(&'a Admitted, Option<Room>),
}

/// Whether the target may be loaded, and how fast.
pub(super) fn target(plan: &Plan, found: TargetCheck<'_>) -> Check {
    match found {
        TargetCheck::Bad(problem) => Check::bad("target", &problem.message, &problem.hint),
        TargetCheck::Busy(error) => Check::bad("target", &error.message, &error.hint),
        TargetCheck::Good(admitted, room) => {
            let ceiling = match room {
                None => "no ceiling".into(),
                Some(Room { rule, limit, others }) if others > 0.0 => format!(
                    "{} of the {} for `{rule}` are left by other runs",
                    rate((limit - others).max(0.0)),
                    rate(limit)
                ),
                Some(Room { rule, limit, .. }) => format!("at most {} for `{rule}`", rate(limit)),
            };
            let addresses = admitted.addresses();
            let named = addresses[..addresses.len().min(ADDRESSES_NAMED)].join(", ");
            let more = if addresses.len() > ADDRESSES_NAMED { ", …" } else { "" };
            let text = format!("{named}{more} is allowed: {ceiling}");
            // Agents get addresses, not names: all of them are to load what was allowed.
            match plan.document.target.dns {
                Some(_) => Check {
                    name: "target",
                    state: CheckState::Warning,
                    text: format!("{text}; target.dns changes nothing: names are resolved once"),
                    hint: "leave target.dns out, or run the plan with acp bench".into(),
                },
                None => Check::new("target", CheckState::Good, text),
            }
        }
    }
}

/// Whether agents have the cores.
pub(super) fn agents(outlook: Option<&Outlook>) -> Check {
    let Some(Outlook { preview, crew, is_current }) = outlook else {
        let text = "how many cores it needs is not known before its schedule is good";
        return Check::new("agents", CheckState::Unknown, text);
    };
    if !is_current {
        let text = "the coordinator cannot be reached now: nobody knows which agents are there";
        return Check::new("agents", CheckState::Unknown, text);
    }
    match (&preview.placements, crew) {
        (Err(refusal), _) => Check::bad("agents", &refusal.text, &refusal.hint),
        (Ok(_), crew) => {
            let (agents, cores) = crew.map_or((0, 0), |crew| (crew.agents, crew.cores));
            let on = counted(agents, "agent");
            let text = format!("{cores} of {} on {on}", counted(preview.cores_free, "free core"));
            Check::new("agents", CheckState::Good, text)
        }
    }
}

/// Whether the data that requests and TLS are made from is there. Control does not see the files of agents.
pub(super) fn data(plan: &Plan, problems: &[Problem]) -> Check {
    if let Some(problem) = problems.iter().find(|problem| problem.place.starts_with("source")) {
        return Check::bad("data", &problem.message, &problem.hint);
    }
    let files = files(&plan.document);
    let named = |files: &[&str]| {
        files.iter().map(|file| format!("`{file}`")).collect::<Vec<_>>().join(", ")
    };
    let relative: Vec<_> =
        files.iter().copied().filter(|file| Path::new(file).is_relative()).collect();
    let are = |files: &[&str]| if files.len() == 1 { "is" } else { "are" };
    match (files.is_empty(), relative.is_empty()) {
        (true, _) => {
            Check::new("data", CheckState::Good, "none is needed: no request is from a file")
        }
        (_, true) => {
            let text = format!("agents look for {} when the run starts", named(&files));
            Check::new("data", CheckState::Unknown, text)
        }
        (_, false) => {
            let text = format!(
                "{} {} looked for in the folder of the run on each agent\n\
                 hint: give the path from the root, where each agent has the file",
                named(&relative),
                are(&relative)
            );
            Check::new("data", CheckState::Warning, text)
        }
    }
}

/// Files that a plan names: of requests and of TLS. Authorities may stand in it as a text.
fn files(plan: &acp_wire::Plan) -> Vec<&str> {
    let source = plan.source.as_ref().and_then(|source| source.file.as_deref());
    let generate = plan.source.as_ref().and_then(|source| source.generate.as_ref());
    let values = generate.into_iter().flat_map(acp_wire::rows::Generate::files);
    let authorities = plan.tls.cacert.as_deref().filter(|text| !text.contains("-----BEGIN"));
    let tls = [authorities, plan.tls.cert.as_deref(), plan.tls.key.as_deref()];
    [source].into_iter().chain(tls).flatten().chain(values).collect()
}
