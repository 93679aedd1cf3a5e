//! The start of engines: parts whose plan, changes, cores and lease are there, and that are not late.

use super::Daemon;
use super::entry::Entry;
use super::reach::{self, ReachError};
use crate::clock::Now;
use crate::engine::{Command, Engine, Launch, arguments};
use crate::steps::Phase;
use acp_wire::Plan;
use acp_wire::agent::Part;
use acp_wire::units::parse_duration_ns;
use std::io;
use std::path::Path;
use std::time::Duration;
use tokio::time::Instant;

/// How late an engine may start. One that starts later joins its schedule in the middle, and would send
/// again what an engine of the same part may have sent that this agent knows nothing of.
const LATE: Duration = Duration::from_secs(5);

impl Daemon {
    /// Starts engines whose plan, changes, cores and lease are there.
    pub(super) fn start_waiting(&mut self) {
        if !self.lease.is_valid(Instant::now()) || self.is_leaving() {
            return;
        }
        let waiting = self.entries.values().filter(|entry| entry.phase == Phase::Waiting);
        let names: Vec<String> = waiting.map(|entry| entry.part.part.clone()).collect();
        for name in names {
            if let Some(late_s) = self.late_s(&name) {
                self.fail(&name, &format!("it was to begin {late_s} s ago"));
            } else if self.has_all(&name) {
                if let Err(refusal) = self.check_reach(&name) {
                    self.fail(&name, &refusal.to_string());
                } else if let Err(error) = self.start(&name) {
                    self.fail(&name, &format!("failed to start the engine: {error}"));
                }
            }
        }
    }

    /// For how many seconds a part should have been sending, where those are too many.
    fn late_s(&self, name: &str) -> Option<u64> {
        let entry = self.entries.get(name)?;
        let control_unix_us = self.clock.control_unix_us(Now::read());
        late_s(&entry.part, entry.warmup_us, control_unix_us)
    }

    /// Whether the plan and all changes so far are here.
    fn has_all(&self, name: &str) -> bool {
        let assigned = self.assignment.iter().flat_map(|assignment| &assignment.parts);
        let changes = assigned.filter(|part| part.part == name).map(|part| part.changes).max();
        self.entries.get(name).is_some_and(|entry| {
            entry.has_plan && entry.changes >= changes.unwrap_or_default().max(entry.part.changes)
        })
    }

    /// Whether the plan of a part names only files that it may.
    fn check_reach(&self, name: &str) -> Result<(), ReachError> {
        let folder = self.entries.get(name).and_then(|entry| entry.folder.as_ref());
        let Some(folder) = folder else { return Ok(()) };
        reach::check(&folder.plan(), folder.path(), &self.settings.data_folders)
    }

    /// Starts an engine; leaves the part waiting while there are not enough cores.
    fn start(&mut self, name: &str) -> io::Result<()> {
        let Some(entry) = self.entries.get(name) else { return Ok(()) };
        let Some(folder) = &entry.folder else { return Ok(()) };
        let (part, connections) = (&entry.part, entry.part.share.connections);
        let placement = if part.cores == 0 {
            match self.peer_of(part) {
                Peer::Waits => return Ok(()),
                Peer::Runs(peer) => self.cores.share(Some(&peer), connections),
                Peer::None => self.cores.share(None, connections),
            }
        } else {
            match self.cores.take(name, part.cores, connections) {
                Some(placement) => placement,
                None => return Ok(()),
            }
        };
        let now = Now::read();
        let start_at_unix_us = self.clock.to_local(part.t0_unix_us, now);
        let lease = self.lease.left(now.instant);
        let agent = &self.info.agent;
        let mut all: Vec<_> = self.settings.engine_arguments.iter().map(Into::into).collect();
        all.extend(arguments(part, folder, agent, start_at_unix_us, lease, &placement)?);
        let program = match &self.settings.engine_program {
            Some(program) => program.clone(),
            None => std::env::current_exe()?,
        };
        let launch = Launch {
            part: name.to_owned(),
            program,
            arguments: all,
            folder: folder.path().to_path_buf(),
            stop_time: self.settings.stop_time,
        };
        let engine = Engine::start(&launch, &self.news)?;
        for line in &entry.first_lines {
            engine.tell(Command::Line(line.clone()));
        }
        if let Some(end) = self.lease.end() {
            engine.tell(Command::Lease(end));
        }
        tracing::info!("engine of {name} started on CPUs {:?}", placement.cpus);
        if let Some(entry) = self.entries.get_mut(name) {
            entry.engine = Some(engine);
            entry.first_lines = Vec::new();
            entry.phase = Phase::Alive;
            entry.status.cpus = placement.cpus;
        }
        Ok(())
    }

    /// Whose cores a part without any shares: those of another part of its run.
    fn peer_of(&self, part: &Part) -> Peer {
        let is_peer = |other: &&Entry| other.part.run == part.run && other.part.cores > 0;
        let mut peers = self.entries.values().filter(is_peer);
        if let Some(peer) = peers.clone().find(|peer| peer.engine.is_some()) {
            return Peer::Runs(peer.part.part.clone());
        }
        if peers.any(|peer| peer.phase == Phase::Waiting) { Peer::Waits } else { Peer::None }
    }
}

/// Another part of the same run, with cores of its own.
enum Peer {
    /// It has them.
    Runs(String),
    /// It is about to have them.
    Waits,
    /// There is none.
    None,
}

/// The warm-up of a plan, in microseconds. A plan that cannot be read is for its engine to refuse.
pub(super) fn warmup_us(plan: &Path) -> Option<u64> {
    let plan: Plan = serde_json::from_slice(&std::fs::read(plan).ok()?).ok()?;
    Some(parse_duration_ns(&plan.load.warmup).ok()? / 1000)
}

/// How late a part would start at a time of the control plane's clock, in seconds; none where it is in
/// time, or where its beginning is counted from the end of a warm-up that is not known.
fn late_s(part: &Part, warmup_us: Option<u64>, control_unix_us: u64) -> Option<u64> {
    let begins_unix_us = match part.share.from_us {
        0 => part.t0_unix_us,
        from_us => part.t0_unix_us.saturating_add(warmup_us?).saturating_add(from_us),
    };
    let late = Duration::from_micros(control_unix_us.saturating_sub(begins_unix_us));
    (late > LATE).then_some(late.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use acp_wire::agent::Share;

    /// A part that begins at second 100 of control's clock, at another second of it.
    fn check(row: &str, from_s: u64, warmup_s: Option<u64>, now_s: f64, expect: Option<u64>) {
        let part = Part {
            part: "r.0".to_owned(),
            run: "r".to_owned(),
            plan: String::new(),
            t0_unix_us: 100_000_000,
            share: Share { from_us: from_s * 1_000_000, ..Share::whole(1) },
            cores: 1,
            changes: 0,
            change: None,
            stop: false,
        };
        let now = Duration::from_secs_f64(now_s);
        let found =
            late_s(&part, warmup_s.map(|second| second * 1_000_000), crate::clock::micros(now));
        assert_eq!(found, expect, "{row}");
    }

    #[test]
    fn a_part_is_late_five_seconds_after_its_beginning() {
        check("long before", 0, Some(0), 1.0, None);
        check("now", 0, Some(0), 100.0, None);
        check("joins in time", 0, Some(0), 105.0, None);
        check("late", 0, Some(0), 105.000_001, Some(5));
        check("very late", 0, Some(0), 3700.0, Some(3600));
        check("its warm-up is its beginning", 0, Some(60), 106.0, Some(6));
        check("the warm-up is not known", 0, None, 106.0, Some(6));
        check("takes over later", 30, Some(0), 134.0, None);
        check("takes over too late", 30, Some(0), 136.0, Some(6));
        check("takes over behind a warm-up", 30, Some(60), 194.0, None);
        check("takes over too late behind a warm-up", 30, Some(60), 197.0, Some(7));
        check("takes over behind a warm-up that is not known", 30, None, 1000.0, None);
    }

    #[test]
    fn the_warm_up_is_read_from_the_plan() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plan.json");
        assert_eq!(warmup_us(&path), None, "no plan");
        let plan = |load: &str| {
            format!(
                "{{\"schema\":\"acp.plan/1\",\"target\":{{\"url\":\"http://127.0.0.1/\"}},\
                 \"load\":{{{load}}}}}"
            )
        };
        for (text, expect) in [
            (plan(""), Some(0)),
            (plan("\"warmup\":\"5s\""), Some(5_000_000)),
            (plan("\"warmup\":\"1500ms\""), Some(1_500_000)),
            (plan("\"warmup\":\"soon\""), None),
            ("{}".to_owned(), None),
            ("nothing".to_owned(), None),
        ] {
            std::fs::write(&path, &text).unwrap();
            assert_eq!(warmup_us(&path), expect, "{text}");
        }
    }
}
