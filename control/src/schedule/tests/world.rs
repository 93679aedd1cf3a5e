//! A world of agents and control planes on simulated time: what is stored is in plain lists, what is
//! decided is decided by the reconciler.

use super::agent::{Agent, Answer, Fault, Message};
use super::dice::Dice;
use crate::contacts::Contacts;
use crate::schedule::{
    Action, PartProgress, RunClock, RunView, SchedulerSettings, View, is_final, is_step, reconcile,
};
use crate::store::{EventRecord, Intent, PartRecord, RunRecord, RunState};
use acp_coord::Membership;
use acp_plan::{Pace, Plan, Schedule};
use acp_wire::agent::Assignment;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Time goes on in such steps.
pub(super) const STEP_US: u64 = 20_000;
const SECOND_US: u64 = 1_000_000;
/// When the world begins.
pub(super) const BEGIN_US: u64 = 1_000 * SECOND_US;
/// How long a session lives without a word.
const SESSION_US: u64 = 3 * SECOND_US;

/// What ingest knows of a part.
#[derive(Clone, Debug, Default)]
pub(super) struct Taken {
    pub(super) progress: PartProgress,
    pub(super) sent: u64,
    pub(super) lost_with_agent: u64,
}

/// Everything.
pub(super) struct World {
    pub(super) now_us: u64,
    pub(super) settings: SchedulerSettings,
    pub(super) plan: Arc<Plan>,
    pub(super) pace: Arc<Pace>,
    pub(super) run: RunRecord,
    pub(super) parts: Vec<PartRecord>,
    pub(super) events: Vec<EventRecord>,
    pub(super) taken: BTreeMap<String, Taken>,
    written: BTreeMap<String, (u64, Assignment)>,
    pub(super) agents: Vec<Agent>,
    messages: Vec<(usize, Message)>,
    answers: Vec<(usize, Answer)>,
    pub(super) contacts: Contacts,
    epoch: u64,
    lead_since_us: u64,
    /// Nobody leads until then.
    down_until_us: u64,
    next_turn_us: u64,
    draining_since_us: Option<u64>,
    /// Control does not reach the coordinator: what it knows of members is old.
    pub(super) blind: Option<(u64, u64)>,
    pub(super) members: Membership,
    /// A leader is killed in the middle of what it does, once in so many actions, and so often.
    pub(super) kill_one_in: u64,
    pub(super) kills_left: u32,
    pub(super) dice: Dice,
    /// How often each slot was sent, and when one was sent last.
    pub(super) sent: Vec<u8>,
    pub(super) last_sent_us: u64,
}

impl World {
    pub(super) fn new(plan: Plan, agents: usize, cores: u32, seed: u64) -> Self {
        let mut dice = Dice(seed);
        let Schedule::Open { pace, .. } = &plan.schedule else { panic!("an open loop") };
        let pace = Arc::clone(pace);
        let settings = SchedulerSettings {
            control: "http://c".into(),
            lease_us: 4 * SECOND_US,
            start_timeout_us: 10 * SECOND_US,
            drain_timeout_us: 15 * SECOND_US,
            ..SchedulerSettings::default()
        };
        let run = RunRecord {
            id: "r".into(),
            plan: plan.document.clone(),
            plan_hash: "h".into(),
            created_unix_us: BEGIN_US,
            ..RunRecord::default()
        };
        Self {
            now_us: BEGIN_US,
            contacts: Contacts::new(settings.lease_us),
            settings,
            sent: vec![0; usize::try_from(pace.total()).unwrap()],
            pace,
            plan: Arc::new(plan),
            run,
            parts: Vec::new(),
            events: Vec::new(),
            taken: BTreeMap::new(),
            written: BTreeMap::new(),
            agents: (0..agents).map(|number| Agent::new(number, cores, &mut dice)).collect(),
            messages: Vec::new(),
            answers: Vec::new(),
            epoch: 1,
            lead_since_us: BEGIN_US,
            down_until_us: 0,
            next_turn_us: BEGIN_US,
            draining_since_us: None,
            blind: None,
            members: Membership::default(),
            kill_one_in: 1,
            kills_left: 0,
            dice,
            last_sent_us: 0,
        }
    }

    pub(super) fn is_over(&self) -> bool {
        is_final(self.run.state)
    }

    /// Goes on until `until` or the end of the run.
    pub(super) fn go(&mut self, until_us: u64) {
        while self.now_us < until_us && !self.is_over() {
            self.step();
        }
    }

    fn step(&mut self) {
        self.now_us += STEP_US;
        self.step_agents();
        self.deliver(self.now_us);
        self.see_members();
        if self.now_us >= self.next_turn_us && self.now_us >= self.down_until_us {
            self.next_turn_us = self.now_us + self.dice.between(100_000, SECOND_US);
            self.turn();
        }
    }

    fn step_agents(&mut self) {
        let warmup_us = (self.plan.warmup_ns / 1000).cast_signed();
        for (number, agent) in self.agents.iter_mut().enumerate() {
            let written = self.written.get(&agent.info.agent);
            let written = written.filter(|(seen_us, _)| *seen_us <= self.now_us);
            let (sent, last_sent_us, now_us) =
                (&mut self.sent, &mut self.last_sent_us, self.now_us);
            let mut send = |slot: u64| {
                sent[usize::try_from(slot).unwrap()] += 1;
                *last_sent_us = now_us;
            };
            let written = written.map(|(_, assignment)| assignment);
            agent.step(&self.pace, warmup_us, now_us, written, &mut self.dice, &mut send);
            if let Some(message) = agent.talk(self.now_us, &mut self.dice) {
                self.messages.push((number, message));
            }
        }
    }

    /// Messages that arrive up to then, and answers that have arrived.
    fn deliver(&mut self, until_us: u64) {
        let (due, later): (Vec<_>, Vec<_>) = std::mem::take(&mut self.messages)
            .into_iter()
            .partition(|m| m.1.arrives_us <= until_us);
        self.messages = later;
        for (number, message) in due {
            let is_cut = self.agents[number].has(Fault::CutFromControl, self.now_us);
            if self.now_us >= self.down_until_us && !is_cut {
                let answer = self.answer(&message);
                self.answers.extend(answer.map(|answer| (number, answer)));
            }
        }
        let (due, later): (Vec<_>, Vec<_>) = std::mem::take(&mut self.answers)
            .into_iter()
            .partition(|a| a.1.arrives_us <= self.now_us);
        self.answers = later;
        for (number, answer) in due {
            self.agents[number].hear(&answer, &self.pace, self.now_us);
        }
    }

    fn answer(&mut self, message: &Message) -> Option<Answer> {
        let heard = self.contacts.status(&message.status, self.now_us)?;
        let mut next = BTreeMap::new();
        for (part, frames) in &message.frames {
            let record = &self.parts[number_of(part)];
            let taken = self.taken.entry(part.clone()).or_default();
            let progress = &mut taken.progress;
            if progress.is_shut || progress.is_lost || record.lost_at_us.is_some() {
                continue;
            }
            let known = progress.next;
            for frame in frames.iter().filter(|frame| frame.seq >= known) {
                assert_eq!(frame.seq, progress.next, "no hole in the frames of {part}");
                progress.next += 1;
                progress.stored = progress.next;
                progress.planned += frame.planned;
                progress.is_last_seen |= frame.is_last;
                taken.sent += frame.sent;
            }
            next.insert(part.clone(), progress.next);
        }
        let arrives_us = self.now_us + self.dice.between(1_000, 200_000);
        let lease_end_us = message.sent_us + heard.lease_us;
        Some(Answer { arrives_us, lease_end_us, stop: heard.stop, next })
    }

    fn see_members(&mut self) {
        let is_blind = self.blind.is_some_and(|(from, until)| (from..until).contains(&self.now_us));
        self.members.is_current = !is_blind;
        if !is_blind {
            let here = self.agents.iter().filter(|a| a.is_registered(self.now_us, SESSION_US));
            self.members.agents =
                here.map(|agent| (agent.info.agent.clone(), agent.info.clone())).collect();
        }
    }

    pub(super) fn view(&self) -> View {
        let progress = |part: &PartRecord| {
            let taken = self.taken.get(&part.part).cloned().unwrap_or_default();
            (part.part.clone(), PartProgress { part: part.part.clone(), ..taken.progress })
        };
        let run = RunView {
            run: self.run.clone(),
            plan: Ok(Arc::clone(&self.plan)),
            parts: self.parts.clone(),
            progress: self.parts.iter().map(progress).collect(),
            draining_since_unix_us: self.draining_since_us,
            is_frozen: false,
        };
        let written = self.written.iter();
        View {
            epoch: self.epoch,
            lead_since_unix_us: self.lead_since_us,
            settings: self.settings.clone(),
            runs: if self.is_over() { Vec::new() } else { vec![run] },
            membership: Arc::new(self.members.clone()),
            contacts: self.contacts.snapshot(),
            disabled: BTreeSet::new(),
            calibrations: BTreeMap::new(),
            assigned: written.map(|(agent, (_, a))| (agent.clone(), a.clone())).collect(),
        }
    }

    /// What a leader does in a turn. It may be killed before any action.
    pub(super) fn turn(&mut self) {
        for part in self.view().ending() {
            self.contacts.end(&part.agent, std::slice::from_ref(&part.part));
        }
        self.contacts.open();
        for look in 0.. {
            assert!(
                look < 32,
                "it does not come to an end: {:?}",
                reconcile(&self.view(), self.now_us)
            );
            let actions = reconcile(&self.view(), self.now_us);
            if actions.is_empty() {
                return;
            }
            for action in actions {
                if self.kills_left > 0 && self.dice.one_in(self.kill_one_in) {
                    self.kills_left -= 1;
                    return self.change_leader();
                }
                // Agents talk while a leader is at work, some sooner than they would have.
                if self.dice.one_in(4) {
                    self.deliver(self.now_us + 150_000);
                }
                self.act(action);
            }
        }
    }

    fn change_leader(&mut self) {
        let down_us = if self.dice.one_in(2) { 0 } else { self.dice.between(0, 6 * SECOND_US) };
        self.down_until_us = self.now_us + down_us;
        self.next_turn_us = self.down_until_us;
        self.lead_since_us = self.down_until_us;
        self.epoch += 1;
        self.contacts = Contacts::new(self.settings.lease_us);
        self.draining_since_us = None;
        self.taken.values_mut().for_each(|taken| taken.progress.is_shut = false);
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::End { agent, parts } => self.contacts.end(&agent, &parts),
            Action::Shut { parts, .. } => {
                for part in parts {
                    self.taken.entry(part).or_default().progress.is_shut = true;
                }
            }
            Action::AddParts(parts) => {
                for part in parts {
                    assert_eq!(number_of(&part.part), self.parts.len(), "a name is used once");
                    self.parts.push(part);
                }
            }
            Action::UpdateParts(parts) => {
                for part in parts {
                    let known = &mut self.parts[number_of(&part.part)];
                    assert!(known.lost_at_us.is_none() || known.lost_at_us == part.lost_at_us);
                    *known = part;
                }
            }
            Action::UpdateRun(run) | Action::Finish(run) => self.update_run(*run),
            Action::AddEvent(event) => self.events.push(event),
            Action::Assign(batch) => {
                for (agent, assignment) in batch {
                    let seen_us = self.now_us + self.dice.between(0, 400_000);
                    assert_eq!(assignment.epoch, self.epoch);
                    let before = self.written.get(&agent).map_or(0, |(_, before)| before.revision);
                    assert!(assignment.revision > before, "revisions grow");
                    self.written.insert(agent, (seen_us, assignment));
                }
            }
            Action::Forget(agents) => self.written.retain(|agent, _| !agents.contains(agent)),
            Action::Lose { part, covered_from_us, .. } => self.lose(&part, covered_from_us),
        }
    }

    fn update_run(&mut self, run: RunRecord) {
        let is_legal = run.state == self.run.state || is_step(self.run.state, run.state);
        assert!(is_legal, "{:?} to {:?}", self.run.state, run.state);
        assert_eq!(run.version, self.run.version, "nobody else has changed it");
        assert!(run.t0_unix_us.is_some() || self.run.t0_unix_us.is_none(), "the start stays");
        if run.state == RunState::Draining {
            self.draining_since_us = self.draining_since_us.or(Some(self.now_us));
        }
        self.run = RunRecord { version: run.version + 1, ..run };
    }

    fn lose(&mut self, part: &str, covered_from_us: Option<i64>) {
        let record = &self.parts[number_of(part)];
        let taken = self.taken.entry(part.into()).or_default();
        assert!(!taken.progress.is_lost, "books are closed once");
        let slots_before = |at_us: i64| {
            let at_ns = u64::try_from(at_us).unwrap_or(0) * 1000;
            record.share.count_of(self.pace.slots_before(at_ns))
        };
        let skipped = slots_before(record.share.from_us.cast_signed());
        let due_lost = slots_before(record.lost_at_us.expect("it is lost")).saturating_sub(skipped);
        let all = record.share.count_of(self.pace.total());
        let covered = covered_from_us.map_or(all, slots_before).saturating_sub(skipped);
        assert!(taken.progress.planned <= covered, "frames of {part} reach into what others have");
        let maybe_sent = due_lost.max(taken.progress.planned) - taken.progress.planned;
        taken.lost_with_agent += maybe_sent;
        taken.progress.planned = covered;
        taken.progress.is_lost = true;
        taken.progress.is_shut = true;
    }

    pub(super) fn stop(&mut self, kind: &str) {
        if !self.is_over() && self.run.intent == Intent::Run {
            self.run.intent = Intent::Stop { kind: kind.into(), reason: "it is enough".into() };
            self.run.version += 1;
        }
    }

    /// Slots that are accounted for, and slots that were sent at the most.
    pub(super) fn books(&self) -> (u64, u64) {
        let planned = self.taken.values().map(|taken| taken.progress.planned).sum();
        let sent = self.taken.values().map(|taken| taken.sent + taken.lost_with_agent).sum();
        (planned, sent)
    }

    pub(super) fn clock(&self) -> RunClock {
        RunClock::new(&self.run, &self.plan).expect("a start")
    }
}

fn number_of(part: &str) -> usize {
    part.rsplit_once('.').and_then(|(_, number)| number.parse().ok()).expect("a part has a number")
}
