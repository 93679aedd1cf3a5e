//! What agents would do for a plan now: the scheduler's decision, on what this control knows.

use super::app::App;
use super::error::Answer;
use super::preview::Crew;
use crate::contacts::{AgentContact, Snapshot};
use crate::schedule::{Placement, Preview, RunView, View, preview};
use crate::store::RunState;
use acp_plan::Plan;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What agents would do.
#[derive(Debug)]
pub(super) struct Outlook {
    pub(super) preview: Preview,
    /// How many; none where the run would wait.
    pub(super) crew: Option<Crew>,
    /// Whether it is known who is there.
    pub(super) is_current: bool,
}

impl Outlook {
    /// Asks the scheduler's own decision.
    pub(super) async fn of(app: &App, plan: &Plan) -> Answer<Self> {
        let now_unix_us = app.clock.now_unix_us();
        let view = view(app, now_unix_us).await?;
        let preview = preview(&view, plan, now_unix_us);
        let crew = preview.placements.as_deref().ok().map(crew);
        Ok(Self { preview, crew, is_current: view.membership.is_current })
    }

    /// Who would send what.
    pub(super) fn placements(&self) -> Option<&[Placement]> {
        self.preview.placements.as_deref().ok()
    }
}

fn crew(placements: &[Placement]) -> Crew {
    let agents: BTreeSet<_> = placements.iter().map(|part| part.agent.as_str()).collect();
    Crew {
        agents: u32::try_from(agents.len()).unwrap_or(u32::MAX),
        cores: placements.iter().map(|part| part.cores).sum(),
    }
}

/// Agents and runs as the scheduler looks at them, as far as a choice of agents goes.
async fn view(app: &App, now_unix_us: u64) -> Answer<View> {
    let mut runs = Vec::new();
    for run in app.store.active_runs().await? {
        // Only those that wait are placed, and only for that their plans are looked at.
        let plan = match run.state {
            RunState::Pending => acp_plan::compile(&run.plan).map_err(|error| error.to_string()),
            _ => Err(String::new()),
        };
        runs.push(RunView {
            plan: plan.map(Arc::new),
            parts: app.store.parts(&run.id).await?,
            progress: BTreeMap::new(),
            draining_since_unix_us: None,
            is_frozen: false,
            run,
        });
    }
    let agents = app.store.agents().await?;
    let disabled = agents.iter().filter(|agent| !agent.is_enabled);
    let calibrations = app.store.calibrations().await?.into_iter();
    let membership = Arc::clone(&app.coord.membership().borrow());
    Ok(View {
        settings: app.schedule.clone(),
        contacts: contacts(app, membership.agents.keys(), now_unix_us),
        disabled: disabled.map(|agent| agent.info.agent.clone()).collect(),
        calibrations: calibrations
            .map(|found| ((found.agent, found.protocol), found.rate_per_core))
            .collect(),
        membership,
        runs,
        ..View::default()
    })
}

/// What agents said to this control. Where another one leads, they talk to that one: whoever is
/// registered counts as heard of.
fn contacts<'a>(
    app: &App,
    registered: impl Iterator<Item = &'a String>,
    now_unix_us: u64,
) -> Snapshot {
    let said = app.statuses.all();
    let leads = app.coord.leadership().borrow().epoch().is_some();
    let mut snapshot = Snapshot::default();
    for agent in registered {
        let said = said.get(agent).filter(|_| leads);
        // Frames are words too, and are not in the statuses: the shorter of the scheduler's two
        // patiences cannot be held against an agent here.
        let is_silent = |at_unix_us| now_unix_us > at_unix_us + app.schedule.offer_window_us;
        let silent_since = said.map(|said| said.at_unix_us).filter(|&at| is_silent(at));
        let contact = AgentContact {
            heard_unix_us: silent_since.unwrap_or(now_unix_us),
            status: said.map(|said| Arc::clone(&said.status)),
            ..AgentContact::default()
        };
        snapshot.agents.insert(agent.clone(), contact);
    }
    snapshot
}
