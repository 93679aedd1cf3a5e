//! Single decisions: one view, one time, what is to be done.

use super::{document, open_plan};
use crate::contacts::Contacts;
use crate::schedule::handover::new_part;
use crate::schedule::{Action, PartProgress, Placement, RunView, View, reconcile};
use crate::store::{Intent, PartRecord, RunRecord, RunState};
use acp_coord::Membership;
use acp_plan::Plan;
use acp_wire::agent::{AgentInfo, Change, ChangeKind, PartState, PartStatus, Share, Status};
use acp_wire::plan::{Agents, OnLoss};
use std::collections::BTreeMap;
use std::sync::Arc;

const NOW: u64 = 1_000_000_000;
const SECOND: u64 = 1_000_000;

/// A view of one run on agents `a` and `b`, both just heard of; its schedule began 5 s ago.
struct Scene {
    view: View,
    contacts: Contacts,
}

impl Scene {
    fn new(plan: Plan, state: RunState, parts: &[&str]) -> Self {
        let contacts = Contacts::new(15 * SECOND);
        contacts.open();
        let placed = state != RunState::Pending;
        let run = RunRecord {
            id: "r".into(),
            plan: plan.document.clone(),
            plan_hash: "h".into(),
            state,
            epoch: 1,
            t0_unix_us: placed.then_some(NOW - 5 * SECOND),
            created_unix_us: NOW,
            ..RunRecord::default()
        };
        let stride = parts.len() as u64;
        let part = |(number, agent): (u32, &&str)| {
            let share = Share { offset: number.into(), stride, ..Share::whole(8) };
            let placement = Placement { agent: (**agent).into(), share, cores: 1 };
            let mut part = new_part("r", number, &placement);
            (part.state, part.status.state) = (PartState::Running, PartState::Running);
            part
        };
        let run = RunView {
            run,
            plan: Ok(Arc::new(plan)),
            parts: (0..).zip(parts).map(part).collect(),
            progress: BTreeMap::new(),
            draining_since_unix_us: None,
            is_frozen: false,
        };
        let mut scene =
            Self { view: View { epoch: 1, runs: vec![run], ..View::default() }, contacts };
        let members = ["a", "b"].map(|agent| (agent.to_owned(), info(agent)));
        let membership = Membership { agents: members.into(), is_current: true };
        scene.view.membership = Arc::new(membership);
        scene.hear("a", NOW, &[]);
        scene.hear("b", NOW, &[]);
        scene
    }

    fn run(&mut self) -> &mut RunView {
        &mut self.view.runs[0]
    }

    fn hear(&mut self, agent: &str, at_unix_us: u64, parts: &[PartStatus]) {
        let status = Status { info: info(agent), parts: parts.to_vec(), ..Status::default() };
        drop(self.contacts.status(&status, at_unix_us));
        self.view.contacts = self.contacts.snapshot();
    }

    /// Tells the agent to end a part, as ingest is told to take no more of it.
    fn give_up(&mut self, number: usize) {
        let part = self.run().parts[number].clone();
        self.contacts.end(&part.agent, std::slice::from_ref(&part.part));
        self.view.contacts = self.contacts.snapshot();
        self.progress(number).is_shut = true;
    }

    fn progress(&mut self, number: usize) -> &mut PartProgress {
        let part = self.run().parts[number].part.clone();
        self.run().progress.entry(part).or_default()
    }

    fn decide(&self) -> Vec<Action> {
        reconcile(&self.view, NOW)
    }
}

fn info(agent: &str) -> AgentInfo {
    let protocols = vec!["http".into()];
    AgentInfo { agent: agent.into(), cores: 2, protocols, ..AgentInfo::default() }
}

fn failed(part: &PartRecord) -> PartStatus {
    let text = "target unreachable".into();
    let log_tail = "connect: refused".into();
    PartStatus { state: PartState::Failed, text, log_tail, ..part.status.clone() }
}

fn open_loop() -> Plan {
    open_plan("1000", "60s", 16)
}

/// What is done, in short.
fn names(actions: &[Action]) -> Vec<String> {
    let name = |action: &Action| match action {
        Action::End { agent, parts } => format!("end {} of {agent}", parts.join(" ")),
        Action::Shut { parts, .. } => format!("shut {}", parts.join(" ")),
        Action::AddParts(parts) => {
            let on = parts.iter().map(|part| format!(" {} on {}", part.part, part.agent));
            format!("add{}", on.collect::<String>())
        }
        Action::UpdateParts(parts) => format!("parts {}", parts.len()),
        Action::UpdateRun(run) => format!("run {:?}", run.state),
        Action::AddEvent(event) => format!("event {}", event.kind),
        Action::Assign(batch) => {
            let to = batch.iter().map(|(agent, a)| format!(" {agent}:{}", a.parts.len()));
            format!("assign{}", to.collect::<String>())
        }
        Action::Forget(agents) => format!("forget {}", agents.join(" ")),
        Action::Lose { part, covered_from_us, .. } => format!("lose {part} {covered_from_us:?}"),
        Action::Finish(run) => format!("finish {:?}", run.state),
    };
    actions.iter().map(name).collect()
}

fn check(what: &str, scene: &Scene, expect: &[&str]) {
    assert_eq!(names(&scene.decide()), expect, "{what}");
}

#[test]
fn a_pending_run_is_placed_or_waits() {
    let pending = || Scene::new(open_loop(), RunState::Pending, &[]);
    check("placed", &pending(), &["add r.0 on a", "run Assigned"]);
    let mut scene = Scene::new(open_loop(), RunState::Pending, &["a"]);
    check("chosen, and killed then", &scene, &["run Assigned"]);
    scene.run().run.intent = Intent::Stop { kind: "user".into(), reason: "no".into() };
    check("stopped before it was placed", &scene, &["run Aborted", "event stop"]);
    let mut scene = pending();
    scene.view.disabled.insert("a".into());
    check("one is drained", &scene, &["add r.0 on b", "run Assigned"]);
    scene.view.disabled.insert("b".into());
    check("all are drained", &scene, &["run Pending"]);
    let Some(Action::UpdateRun(waiting)) = scene.decide().pop() else { panic!("it waits") };
    assert!(waiting.text.contains("2 of 2 agents take no new part"), "{}", waiting.text);
    scene.run().run = *waiting;
    check("it has said so", &scene, &[]);
    scene.run().run.created_unix_us = NOW - 31 * SECOND;
    check("it has waited long", &scene, &["run Failed", "event error"]);
    scene.view.lead_since_unix_us = NOW - SECOND;
    check("but nobody knew the agents", &scene, &[]);
    let mut scene = pending();
    scene.view.runs[0].plan = Err("bad url".into());
    check("a plan that cannot be run", &scene, &["run Failed", "event error"]);
    let mut scene = pending();
    scene.hear("a", NOW, &[]);
    scene.view.contacts.agents.get_mut("a").unwrap().heard_unix_us = NOW - 16 * SECOND;
    check("one is silent", &scene, &["add r.0 on b", "run Assigned"]);
    let mut scene = pending();
    scene.run().is_frozen = true;
    check("nothing about a run that waits for another turn", &scene, &[]);
}

#[test]
fn a_lost_part_is_given_up_marked_and_taken_over() {
    let mut scene = Scene::new(open_loop(), RunState::Running, &["a", "b"]);
    check("all is well", &scene, &["assign a:1 b:1"]);
    scene.view.epoch = 2;
    check("another leads", &scene, &["run Running"]);
    scene.view.epoch = 1;
    let mut membership = (*scene.view.membership).clone();
    membership.agents.remove("a");
    scene.view.membership = Arc::new(membership);
    check("gone, but heard of", &scene, &["assign a:1 b:1"]);
    scene.view.contacts.agents.get_mut("a").unwrap().heard_unix_us = NOW - 3 * SECOND;
    check("gone and silent", &scene, &["end r.0 of a", "shut r.0"]);
    Arc::make_mut(&mut scene.view.membership).is_current = false;
    check("nobody knows who is gone", &scene, &["assign a:1 b:1"]);
    Arc::make_mut(&mut scene.view.membership).is_current = true;
    scene.contacts = Contacts::new(15 * SECOND);
    scene.contacts.open();
    drop(scene.contacts.heard("a", NOW - 3 * SECOND));
    scene.hear("b", NOW, &[]);
    scene.give_up(0);
    check("given up", &scene, &["parts 1", "event agent_lost"]);
    let Some(Action::UpdateParts(lost)) = scene.decide().into_iter().next() else { panic!() };
    // Heard of 3 s ago, at 2 s of the run: a lease of 15 s and a margin of 100 ms.
    assert_eq!(lost[0].lost_at_us, Some(17_100_000));
    scene.run().parts[0] = lost[0].clone();
    check("marked", &scene, &["add r.2 on b", "parts 1", "event agent_took_over"]);
    let Some(Action::AddParts(new)) = scene.decide().into_iter().next() else { panic!() };
    assert_eq!(new[0].share.from_us, 17_100_000, "not before the lease is over");
    scene.run().parts.push(new[0].clone());
    check("added, and killed then", &scene, &["parts 1"]);
    scene.run().parts[0].taken_over_by = vec!["r.2".into()];
    check("an agent that comes back does not find it", &scene, &["assign b:2"]);
}

#[test]
fn on_loss_is_what_the_plan_says() {
    let scene = |on_loss, stop: bool| {
        let mut document = open_loop().document;
        document.agents = Some(Agents { on_loss, ..Agents::default() });
        let plan = acp_plan::compile(&document).unwrap();
        let mut scene = Scene::new(plan, RunState::Running, &["a", "b"]);
        scene.give_up(0);
        scene.run().parts[0].lost_at_us = Some(4_000_000);
        if stop {
            let reason = "no".into();
            scene.run().run.intent = Intent::Stop { kind: "user".into(), reason };
            let status = scene.run().parts[1].status.clone();
            scene.hear("b", NOW, &[PartStatus { state: PartState::Running, ..status }]);
        }
        scene
    };
    let took_over = &["add r.2 on b", "parts 1", "event agent_took_over"];
    check("reassign", &scene(OnLoss::Reassign, false), took_over);
    check("continue", &scene(OnLoss::Continue, false), &["assign b:1"]);
    check("abort", &scene(OnLoss::Abort, false), &["run Running", "event stop"]);
    check("reassign, but it stops", &scene(OnLoss::Reassign, true), &["end r.1 of b"]);
}

#[test]
fn an_engine_that_fails_is_replaced_elsewhere_or_ends_the_run() {
    let mut scene = Scene::new(open_loop(), RunState::Running, &["a", "b"]);
    let status = failed(&scene.run().parts[0].clone());
    scene.hear("a", NOW, std::slice::from_ref(&status));
    check("said", &scene, &["parts 1"]);
    scene.run().parts[0].state = PartState::Failed;
    scene.run().parts[0].status = status;
    check("seen", &scene, &["end r.0 of a", "shut r.0"]);
    scene.give_up(0);
    check("given up", &scene, &["parts 1", "event error"]);
    scene.run().parts[0].lost_at_us = Some(5_000_000);
    check("the other takes it", &scene, &["add r.2 on b", "parts 1", "event agent_took_over"]);
    let mut alone = Scene::new(open_loop(), RunState::Assigned, &["a"]);
    let status = failed(&alone.run().parts[0].clone());
    alone.hear("a", NOW, std::slice::from_ref(&status));
    alone.run().parts[0] =
        PartRecord { state: PartState::Failed, status, ..alone.run().parts[0].clone() };
    alone.give_up(0);
    alone.run().parts[0].lost_at_us = Some(-1);
    check("none was ever ready", &alone, &["run Assigned", "event stop"]);
    let Some(Action::UpdateRun(run)) = alone.decide().into_iter().next() else { panic!() };
    assert_eq!(run.text, "no engine is left: target unreachable\nconnect: refused");
    alone.run().run = *run;
    check("it ends", &alone, &["run Draining"]);
    alone.run().run.state = RunState::Draining;
    check("its books", &alone, &["lose r.0 None"]);
    alone.progress(0).is_lost = true;
    check("it has failed, without a report", &alone, &["run Failed", "event error"]);
}

#[test]
fn a_closed_loop_is_taken_over_once_the_old_part_is_counted() {
    let mut document = document(16);
    document.load.requests = Some(1000);
    let plan = acp_plan::compile(&document).unwrap();
    let mut scene = Scene::new(plan, RunState::Running, &["a", "b"]);
    scene.give_up(0);
    scene.run().parts[0].lost_at_us = Some(4_000_000);
    scene.view.assigned = BTreeMap::new();
    check("not counted yet", &scene, &["assign b:1"]);
    let Some(Action::Assign(batch)) = scene.decide().pop() else { panic!() };
    scene.view.assigned = batch.into_iter().collect();
    check("counted", &scene, &["lose r.0 None"]);
    *scene.progress(0) =
        PartProgress { is_lost: true, is_shut: true, planned: 7, ..PartProgress::default() };
    check("taken over", &scene, &["add r.2 on b", "parts 1", "event agent_took_over"]);
    let Some(Action::AddParts(new)) = scene.decide().into_iter().next() else { panic!() };
    assert_eq!(new[0].share.skip, 7, "what it has taken is not sent again");
    scene.run().parts[0].lost_at_us = Some(6_000_000);
    check("its lease is not over", &scene, &[]);
}

#[test]
fn assignments_say_what_is_to_be_done_now() {
    let mut scene = Scene::new(open_loop(), RunState::Running, &["a", "b"]);
    let Some(Action::Assign(batch)) = scene.decide().pop() else { panic!() };
    assert!(batch.iter().all(|(_, assignment)| assignment.revision == NOW / 1000));
    scene.view.assigned = batch.into_iter().collect();
    check("written", &scene, &[]);
    scene.view.settings.control = "http://other".into();
    check("another address", &scene, &["assign a:1 b:1"]);
    scene.view.settings.control = String::new();
    let kind = ChangeKind::Pause;
    scene.run().run.changes = vec![Change { number: 1, at_us: 9_000_000, kind }];
    check("a change", &scene, &["assign a:1 b:1"]);
    let Some(Action::Assign(batch)) = scene.decide().pop() else { panic!() };
    let part = &batch[0].1.parts[0];
    assert_eq!(
        (part.changes, part.change.as_ref().map(|change| change.at_us)),
        (1, Some(9_000_000))
    );
    assert!(batch.iter().all(|(_, assignment)| assignment.revision > NOW / 1000));
    scene.run().run.changes.clear();
    scene.view.assigned.insert("gone".into(), acp_wire::agent::Assignment::default());
    check(
        "somebody who was there lately",
        &Scene {
            view: View { lead_since_unix_us: NOW, ..scene.view.clone() },
            contacts: Contacts::new(1),
        },
        &[],
    );
    check("somebody who is gone", &scene, &["forget gone"]);
    scene.view.assigned.remove("gone");
    scene.run().parts[0].state = PartState::Finished;
    check("its last frame is not there", &scene, &[]);
    *scene.progress(0) =
        PartProgress { is_last_seen: true, next: 3, stored: 3, ..PartProgress::default() };
    check("finished and stored", &scene, &["assign a:0"]);
}

#[test]
fn a_run_ends_when_every_part_has_ended_or_its_end_will_not_be_known() {
    let mut scene = Scene::new(open_loop(), RunState::Draining, &["a"]);
    scene.run().run.t0_unix_us = Some(NOW - 30 * SECOND);
    let complete =
        PartProgress { is_last_seen: true, next: 3, stored: 3, ..PartProgress::default() };
    *scene.progress(0) = complete;
    let Some(Action::Assign(batch)) = scene.decide().pop() else { panic!("its part is written") };
    scene.view.assigned = batch.into_iter().collect();
    check("its agent was started again and knows nothing of it", &scene, &["finish Done"]);
    let status = scene.run().parts[0].status.clone();
    scene.hear("a", NOW, std::slice::from_ref(&status));
    check("its agent is about to say how it ended", &scene, &[]);
    scene.view.contacts.agents.get_mut("a").unwrap().heard_unix_us = NOW - 17 * SECOND;
    check("its agent is silent", &scene, &["finish Done"]);
    scene.hear("a", NOW, std::slice::from_ref(&status));
    scene.run().draining_since_unix_us = Some(NOW - 71 * SECOND);
    check("it was waited for", &scene, &["finish Done"]);
    scene.progress(0).stored = 2;
    check("its last frame is not stored", &scene, &["end r.0 of a", "shut r.0"]);
    scene.run().draining_since_unix_us = None;
    check("and there is time", &scene, &[]);
    for (kind, expect) in [("user", "finish Aborted"), ("failure", "finish Failed")] {
        scene.progress(0).stored = 3;
        scene.run().parts[0].state = PartState::Finished;
        scene.view.assigned.clear();
        let reason = "why".into();
        scene.run().run.intent = Intent::Stop { kind: kind.into(), reason };
        check(kind, &scene, &[expect]);
    }
}
