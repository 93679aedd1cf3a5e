//! What a run would get if it were started now. The scheduler's own decision, without a run.

use super::assign::{cores_free, scheme};
use super::pool::Pool;
use super::{Placement, Refusal, View, assign};
use crate::store::RunState;
use acp_plan::Plan;

/// What a run would get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// Cores that it could have, before it takes any.
    pub cores_free: u32,
    /// What it would be given, or why it would wait.
    pub placements: Result<Vec<Placement>, Refusal>,
}

/// Places `plan` behind all runs that wait to be placed.
#[must_use]
pub fn preview(view: &View, plan: &Plan, now_unix_us: u64) -> Preview {
    let mut pool = Pool::new(view, now_unix_us);
    let waits = view.runs.iter().filter(|run| {
        run.run.state == RunState::Pending && run.parts.is_empty() && !run.is_stopping()
    });
    for waiting in waits {
        let Ok(plan) = &waiting.plan else { continue };
        if let Ok(placements) = assign(plan, &pool.offers(scheme(plan))) {
            pool.give(&placements);
        }
    }
    let offers = pool.offers(scheme(plan));
    Preview { cores_free: cores_free(plan, &offers), placements: assign(plan, &offers) }
}

#[cfg(test)]
mod tests {
    use super::super::handover::new_part;
    use super::super::tests::open_plan;
    use super::super::{RunView, SchedulerSettings};
    use super::*;
    use crate::store::{Intent, PartRecord, RunRecord};
    use acp_coord::Membership;
    use acp_wire::agent::{AgentInfo, PartState, Share};
    use acp_wire::plan::Agents;
    use std::collections::{BTreeMap, BTreeSet};
    use std::sync::Arc;

    /// One core for every 1,000 a second.
    fn plan(rate: &str) -> Plan {
        open_plan(rate, "10s", 64)
    }

    /// Agents `a` and `b` of four cores each.
    fn view(runs: Vec<RunView>) -> View {
        let info = |agent: &str| AgentInfo {
            agent: agent.into(),
            cores: 4,
            protocols: vec!["http".into()],
            ..AgentInfo::default()
        };
        let agents = ["a", "b"].map(|agent| (agent.to_owned(), info(agent))).into();
        View {
            settings: SchedulerSettings { rate_per_core: 1000.0, ..SchedulerSettings::default() },
            membership: Arc::new(Membership { agents, is_current: true }),
            lead_since_unix_us: 5,
            runs,
            ..View::default()
        }
    }

    fn run(rate: &str, state: RunState, intent: Intent, parts: Vec<PartRecord>) -> RunView {
        RunView {
            run: RunRecord { state, intent, ..RunRecord::default() },
            plan: Ok(Arc::new(plan(rate))),
            parts,
            progress: BTreeMap::new(),
            draining_since_unix_us: None,
            is_frozen: false,
        }
    }

    fn part(cores: u32, state: PartState) -> PartRecord {
        let placement = Placement { agent: "a".into(), share: Share::whole(8), cores };
        PartRecord { state, ..new_part("r", 0, &placement) }
    }

    #[test]
    fn what_others_have_or_will_have_is_not_free() {
        let check = |what: &str, runs: Vec<RunView>, free: u32| {
            let found = preview(&view(runs), &plan("1k"), 5);
            assert_eq!(found.cores_free, free, "{what}");
            assert_eq!(found.placements.is_ok(), free > 0, "{what}");
        };
        let stop = || Intent::Stop { kind: "user".into(), reason: String::new() };
        let of = |state| vec![part(3, state)];
        check("nothing runs", vec![], 8);
        let running = run("1k", RunState::Running, Intent::Run, of(PartState::Running));
        check("a part runs", vec![running], 5);
        let over = run("1k", RunState::Draining, Intent::Run, of(PartState::Finished));
        check("a part has ended", vec![over], 8);
        check("a run waits", vec![run("2k", RunState::Pending, Intent::Run, vec![])], 6);
        check("it is to stop", vec![run("2k", RunState::Pending, stop(), vec![])], 8);
        check("it waits for more", vec![run("9k", RunState::Pending, Intent::Run, vec![])], 8);
        let chosen = run("1k", RunState::Pending, Intent::Run, of(PartState::default()));
        check("its parts are chosen", vec![chosen], 5);
        check("all are taken", vec![run("8k", RunState::Pending, Intent::Run, vec![])], 0);
    }

    #[test]
    fn agents_that_get_no_part_are_not_counted() {
        let mut one = view(vec![]);
        one.disabled = BTreeSet::from(["b".to_owned()]);
        assert_eq!(preview(&one, &plan("1k"), 5).cores_free, 4, "one is drained");
        let mut capped = plan("1k");
        capped.document.agents = Some(Agents { per_agent_max: 1, ..Agents::default() });
        assert_eq!(preview(&view(vec![]), &capped, 5).cores_free, 2, "one core of each");
        let late_us = 5 + one.settings.offer_window_us + 1;
        let silent = preview(&view(vec![]), &plan("1k"), late_us);
        assert!(silent.placements.is_err(), "nobody was heard of: {silent:?}");
    }
}
