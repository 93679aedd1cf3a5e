//! What the scheduler asks of the ingest of frames.

use crate::store::{PartRecord, RunRecord};
use acp_wire::Report;
use acp_wire::report::Event;
use async_trait::async_trait;
use thiserror::Error;

/// How far the frames of a part have come.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PartProgress {
    /// The part.
    pub part: String,
    /// Sequence number of the frame it sends next.
    pub next: u64,
    /// Frames below this are stored.
    pub stored: u64,
    /// Its last frame has come.
    pub is_last_seen: bool,
    /// No frame of it is taken any more.
    pub is_shut: bool,
    /// Its books were closed by [`IngestView::lose`].
    pub is_lost: bool,
    /// Run time at the end of its newest frame of the measured part.
    pub last_frame_end_us: Option<i64>,
    /// Slots planned so far, warm-up not counted.
    pub planned: u64,
}

impl PartProgress {
    /// Every frame it will ever have is stored.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.is_last_seen && self.stored >= self.next
    }
}

/// Why ingest could not do what was asked; asked again it may.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct IngestFailure(pub String);

/// What the scheduler asks of the ingest of frames. All of it may be asked again after a failure,
/// and by another leader after a kill: nothing is counted twice.
#[async_trait]
pub trait IngestView: Send + Sync {
    /// We lead in this epoch, or do not lead any more: what was known of runs is forgotten when that
    /// changes, since another leader may have gone on with them.
    fn lead(&self, epoch: Option<u64>);

    /// Every part of a run that is known, `parts` among them, whether frames of it have come or not.
    /// The store is read only for a part that is new to ingest.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    async fn progress(
        &self,
        run: &str,
        parts: &[PartRecord],
    ) -> Result<Vec<PartProgress>, IngestFailure>;

    /// From now on no frame of these parts is taken: an engine that stops because its lease is over
    /// books what it leaves, and so will others that take it over. What was taken before stays. It may
    /// be forgotten in a kill: parts whose record has a `lost_at_us` are shut from the start.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    async fn shut(&self, run: &str, parts: &[String]) -> Result<(), IngestFailure>;

    /// Closes the books of a lost part, which is shut. Slots of its class due
    /// from its last frame to `part.lost_at_us` count as sent and lost with the agent, those from
    /// there to `covered_from_us` (none: the end of the schedule) as not sent.
    ///
    /// # Errors
    ///
    /// When the store cannot be written.
    async fn lose(
        &self,
        run: &RunRecord,
        part: &PartRecord,
        covered_from_us: Option<i64>,
    ) -> Result<(), IngestFailure>;

    /// The report of a run whose parts have all ended.
    ///
    /// # Errors
    ///
    /// When the store cannot be read or written.
    async fn finish(
        &self,
        run: &RunRecord,
        parts: &[PartRecord],
        events: Vec<Event>,
    ) -> Result<Report, IngestFailure>;
}
