//! An entry: everything the agent knows of one part.

use crate::engine::{Cause, Engine};
use crate::records::{Found, PartFolder};
use crate::settings::SpoolSettings;
use crate::spool::{Budget, Spool};
use crate::steps::{Known, Phase};
use acp_wire::Frame;
use acp_wire::agent::{Part, PartState, PartStatus};
use std::io;
use tokio_util::task::AbortOnDropHandle;

/// Everything the agent knows of one part.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) part: Part,
    pub(super) phase: Phase,
    /// What control is told.
    pub(super) status: PartStatus,
    /// None where it could not be made.
    pub(super) folder: Option<PartFolder>,
    /// Its frames; none where there is no folder for them.
    pub(super) spool: Option<Spool>,
    /// Sequence number of the frame that control wants next.
    pub(super) next: u64,
    /// Changes that its engine was told, or is told first thing.
    pub(super) changes: u32,
    /// Lines that its engine is told first thing.
    pub(super) first_lines: Vec<String>,
    pub(super) engine: Option<Engine>,
    /// Its plan is in its folder.
    pub(super) has_plan: bool,
    /// Of its plan; none while that is not here.
    pub(super) warmup_us: Option<u64>,
    /// Fetches its plan, or changes; ended when dropped.
    pub(super) fetch: Option<AbortOnDropHandle<()>>,
    /// Why its engine was told to stop; none: it was not.
    pub(super) stopped: Option<Cause>,
    /// The last frame of its engine, until it is known how that ended.
    pub(super) last_frame: Option<Box<Frame>>,
    /// Lines of its engine that could not be read.
    pub(super) bad_lines: u64,
    /// Control was told how it ended.
    pub(super) is_told: bool,
}

impl Entry {
    /// A part that is begun now.
    pub(super) fn new(part: Part) -> Self {
        let status =
            PartStatus { part: part.part.clone(), run: part.run.clone(), ..PartStatus::default() };
        Self {
            part,
            phase: Phase::Waiting,
            status,
            folder: None,
            spool: None,
            next: 0,
            changes: 0,
            first_lines: Vec::new(),
            engine: None,
            has_plan: false,
            warmup_us: None,
            fetch: None,
            stopped: None,
            last_frame: None,
            bad_lines: 0,
            is_told: false,
        }
    }

    /// A part that an agent before this one had begun. Its engine ended with that agent at the latest.
    pub(super) fn found(
        found: Found,
        settings: SpoolSettings,
        budget: &Budget,
    ) -> io::Result<Self> {
        let mut entry = Self::new(found.part);
        entry.phase = Phase::Ended;
        let mut spool = Spool::open(&found.folder.frames(), settings, budget)?;
        if found.ended.is_none() {
            spool.take_back_last()?;
        }
        entry.spool = Some(spool);
        entry.status = match found.ended {
            Some(status) => status,
            None => {
                let text = "its agent ended while it ran, and the engine with it".to_owned();
                let status = PartStatus { state: PartState::Failed, text, ..entry.status };
                found.folder.end(&status)?;
                status
            }
        };
        entry.folder = Some(found.folder);
        Ok(entry)
    }

    /// What the steps are made from.
    pub(super) fn known(&self) -> Known {
        let is_handed_over =
            self.phase == Phase::Ended && self.is_told && self.frames_waiting() == 0;
        Known { phase: self.phase, changes: self.changes, is_handed_over }
    }

    /// Frames that control has not stored.
    pub(super) fn frames_waiting(&self) -> usize {
        self.spool.as_ref().map_or(0, Spool::len)
    }

    /// Frames that nobody will see.
    pub(super) fn frames_lost(&self) -> u64 {
        self.spool.as_ref().map_or(0, Spool::lost) + self.bad_lines
    }

    /// Whether control is to hear of its frames: there are some, or there will be.
    pub(super) fn has_frames(&self) -> bool {
        matches!(self.phase, Phase::Alive | Phase::Stopping) || self.frames_waiting() > 0
    }
}
