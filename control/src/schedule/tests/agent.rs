//! A model of an agent: it makes its assignment so, holds a lease, talks to control every second,
//! and may freeze, be cut off, die and come back.

use super::dice::Dice;
use super::engine::{Engine, SimFrame};
use acp_plan::Pace;
use acp_wire::agent::{AgentInfo, Assignment, PartState, PartStatus, Status};
use std::collections::{BTreeMap, BTreeSet};

/// What goes wrong with an agent from `at_us` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Its process is killed, and its engines with it.
    Dies,
    /// Its process does not run; its engines do, while they have a lease.
    Freezes,
    /// Nothing on its host runs.
    HostFreezes,
    /// Control is not reached.
    CutFromControl,
    /// The coordinator is not reached.
    CutFromCoord,
    /// An engine dies.
    EngineFails,
}

pub(super) const FAULTS: [Fault; 6] = [
    Fault::Dies,
    Fault::Freezes,
    Fault::HostFreezes,
    Fault::CutFromControl,
    Fault::CutFromCoord,
    Fault::EngineFails,
];

/// A fault and when it is there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trouble {
    pub(super) fault: Fault,
    pub(super) from_us: u64,
    pub(super) until_us: u64,
}

/// A message on its way.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) sent_us: u64,
    pub(super) arrives_us: u64,
    pub(super) status: Status,
    pub(super) frames: BTreeMap<String, Vec<SimFrame>>,
}

/// An answer on its way.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) arrives_us: u64,
    pub(super) lease_end_us: u64,
    pub(super) stop: Vec<String>,
    pub(super) next: BTreeMap<String, u64>,
}

/// An agent.
#[derive(Clone, Debug)]
pub(super) struct Agent {
    pub(super) info: AgentInfo,
    pub(super) troubles: Vec<Trouble>,
    clock_error_us: i64,
    assignment: Assignment,
    engines: BTreeMap<String, Engine>,
    /// Parts that were ever started: this survives the process.
    started: BTreeSet<String>,
    lease_end_us: u64,
    next_talk_us: u64,
    is_dead: bool,
    /// The coordinator was reached last.
    coord_us: u64,
}

impl Agent {
    pub(super) fn new(number: usize, cores: u32, dice: &mut Dice) -> Self {
        let info = AgentInfo {
            agent: format!("a{number}"),
            cores,
            protocols: vec!["http".into()],
            ..AgentInfo::default()
        };
        Self {
            info,
            troubles: Vec::new(),
            clock_error_us: dice.between(0, 40_000).cast_signed() - 20_000,
            assignment: Assignment::default(),
            engines: BTreeMap::new(),
            started: BTreeSet::new(),
            lease_end_us: 0,
            next_talk_us: dice.between(0, 1_000_000),
            is_dead: false,
            coord_us: 0,
        }
    }

    pub(super) fn has(&self, fault: Fault, now_us: u64) -> bool {
        let is_now = |trouble: &&Trouble| trouble.from_us <= now_us && now_us < trouble.until_us;
        self.troubles.iter().filter(is_now).any(|trouble| trouble.fault == fault)
    }

    fn is_still(&self, now_us: u64) -> bool {
        [Fault::Dies, Fault::Freezes, Fault::HostFreezes]
            .iter()
            .any(|fault| self.has(*fault, now_us))
    }

    pub(super) fn is_cut_from_control(&self, now_us: u64) -> bool {
        self.is_still(now_us) || self.has(Fault::CutFromControl, now_us)
    }

    /// Whether it is among the members: its session lives without a word for so long.
    pub(super) fn is_registered(&self, now_us: u64, session_us: u64) -> bool {
        now_us < self.coord_us + session_us
    }

    /// Goes on to `now`. `written` is what the coordinator shows it.
    pub(super) fn step(
        &mut self,
        pace: &Pace,
        warmup_us: i64,
        now_us: u64,
        written: Option<&Assignment>,
        dice: &mut Dice,
        send: &mut impl FnMut(u64),
    ) {
        if self.has(Fault::Dies, now_us) {
            self.engines.clear();
            self.lease_end_us = 0;
            self.is_dead = true;
            return;
        }
        if self.is_dead {
            self.is_dead = false;
            self.assignment = Assignment::default();
        }
        if self.has(Fault::HostFreezes, now_us) {
            return;
        }
        if self.has(Fault::EngineFails, now_us) {
            self.engines.values_mut().for_each(Engine::die);
        }
        for engine in self.engines.values_mut() {
            // The engine itself looks at its lease, before it sends.
            if now_us > self.lease_end_us {
                engine.end(pace);
            }
            engine.step(pace, warmup_us, now_us, send);
        }
        if self.is_still(now_us) {
            return;
        }
        if !self.has(Fault::CutFromCoord, now_us) {
            self.coord_us = now_us;
            let is_newer = |written: &&Assignment| {
                (written.epoch, written.revision)
                    > (self.assignment.epoch, self.assignment.revision)
            };
            if let Some(written) = written.filter(is_newer) {
                self.assignment = written.clone();
            }
        }
        self.obey(pace, now_us, dice);
    }

    fn obey(&mut self, pace: &Pace, now_us: u64, dice: &mut Dice) {
        let wanted: BTreeSet<_> =
            self.assignment.parts.iter().filter(|part| !part.stop).map(|part| &part.part).collect();
        for (name, engine) in &mut self.engines {
            if !wanted.contains(name) {
                engine.end(pace);
            }
        }
        for part in &self.assignment.parts {
            // Without a lease nothing may be sent; a part is started once at the most.
            let may =
                !part.stop && now_us < self.lease_end_us && !self.started.contains(&part.part);
            if may {
                let ready_us = now_us + dice.between(100_000, 900_000);
                let engine = Engine::new(part.clone(), pace, ready_us, self.clock_error_us);
                self.engines.insert(part.part.clone(), engine);
                self.started.insert(part.part.clone());
            }
        }
    }

    /// What it says now, if it is time to say something.
    pub(super) fn talk(&mut self, now_us: u64, dice: &mut Dice) -> Option<Message> {
        if now_us < self.next_talk_us || self.is_still(now_us) || self.is_dead {
            return None;
        }
        let is_busy = !self.assignment.parts.is_empty();
        self.next_talk_us = now_us + if is_busy { 1_000_000 } else { 3_000_000 };
        let lost_engines = self.assignment.parts.iter().filter(|part| {
            !part.stop
                && self.started.contains(&part.part)
                && !self.engines.contains_key(&part.part)
        });
        let lost_engines = lost_engines.map(|part| PartStatus {
            part: part.part.clone(),
            run: part.run.clone(),
            state: PartState::Failed,
            text: "agent was started again".into(),
            ..PartStatus::default()
        });
        let status = Status {
            info: self.info.clone(),
            epoch: self.assignment.epoch,
            revision: self.assignment.revision,
            parts: self.engines.values().map(Engine::status).chain(lost_engines).collect(),
            ..Status::default()
        };
        let frames =
            self.engines.iter().map(|(name, engine)| (name.clone(), engine.frames.clone()));
        let frames = frames.collect();
        let arrives_us = now_us + dice.between(1_000, 200_000);
        Some(Message { sent_us: now_us, arrives_us, status, frames })
    }

    pub(super) fn hear(&mut self, answer: &Answer, pace: &Pace, now_us: u64) {
        if self.is_cut_from_control(now_us) || self.is_dead {
            return;
        }
        // Control says in the same answer what is to end: it ends before the lease is renewed, and is
        // not started later, though an old assignment has it.
        for part in &answer.stop {
            self.started.insert(part.clone());
            if let Some(engine) = self.engines.get_mut(part) {
                engine.end(pace);
            }
        }
        for (part, next) in &answer.next {
            if let Some(engine) = self.engines.get_mut(part) {
                engine.frames.retain(|frame| frame.seq >= *next);
            }
        }
        self.lease_end_us = self.lease_end_us.max(answer.lease_end_us);
    }
}
