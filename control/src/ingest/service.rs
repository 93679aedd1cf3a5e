//! Ingest as a service: the runs whose frames come in, and the store that they go to.

use super::finish::{Finish, read_all};
use super::loss::lost_share;
use super::merge::RunMerge;
use super::moment::Moment;
use super::part::CLOSED;
use super::plan::{IngestError, changed_plan, timeline};
use super::rules::RunRules;
use crate::clock::Clock;
use crate::schedule::{IngestFailure, IngestView, PartProgress};
use crate::store::{PartRecord, RunRecord, RunState, Store, StoreError, Stored};
use acp_report::books_of;
use acp_wire::agent::{FrameBatch, PartAck, PartFrames};
use acp_wire::report::Event;
use acp_wire::{Frame, Report};
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often what is ready is stored.
const COMMIT_EVERY: Duration = Duration::from_millis(250);
/// A run of which nothing is heard for so long leaves memory; it is read again when needed.
const FORGET_AFTER_US: u64 = 600_000_000;
/// Frames of a second that is so far ahead of our clock are not taken yet.
const MAX_AHEAD_US: u64 = 60_000_000;

/// One run in memory.
struct Run {
    id: String,
    merge: Mutex<RunMerge>,
    /// Held over a commit: there is one at a time.
    committer: tokio::sync::Mutex<Committer>,
    touched_unix_us: AtomicU64,
}

#[derive(Default)]
struct Committer {
    /// It is not known whether the commit before was stored.
    is_unsure: bool,
    rules: Option<RunRules>,
}

/// Frames in, merged frames and reports out.
pub struct Ingest {
    store: Arc<dyn Store>,
    clock: Clock,
    runs: Mutex<BTreeMap<String, Arc<Run>>>,
    /// The store has failed; said once.
    is_failing: AtomicBool,
    /// Of the leader that we take frames for: the store refuses those of a leader before another.
    epoch: AtomicU64,
}

/// What became of a batch of frames.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// How far each part is.
    pub acks: BTreeMap<String, PartAck>,
    /// Parts of runs that are over, or that nobody knows: their engines are to end.
    pub homeless: Vec<String>,
}

/// A panic of another thread between two frames leaves nothing half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Ingest {
    /// Ingest into a store.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, clock: Clock) -> Self {
        Self {
            store,
            clock,
            runs: Mutex::default(),
            is_failing: AtomicBool::new(false),
            epoch: AtomicU64::new(u64::MAX),
        }
    }

    /// Takes frames into memory and says how far each part is. Parts that are not known, or whose
    /// run cannot be read now, are left out: their agent sends again.
    pub async fn take(&self, batch: &FrameBatch) -> Taken {
        let mut taken = Taken::default();
        for frames in &batch.parts {
            let part = frames.part.clone();
            match self.take_part(frames).await {
                Ok(Some(ack)) => {
                    if ack.next == CLOSED && ack.stored == CLOSED {
                        taken.homeless.push(part.clone());
                    }
                    taken.acks.insert(part, ack);
                }
                Ok(None) => taken.homeless.push(part),
                Err(error) => self.failed(&frames.run, &error),
            }
        }
        taken
    }

    /// From now on frames are taken for the leader of this epoch; none: for nobody. What another
    /// leader has stored meanwhile is not known here, so everything is read again.
    fn lead_runs(&self, epoch: Option<u64>) {
        let epoch = epoch.unwrap_or(0);
        if self.epoch.swap(epoch, Ordering::AcqRel) != epoch {
            lock(&self.runs).clear();
        }
    }

    async fn take_part(&self, frames: &PartFrames) -> Stored<Option<PartAck>> {
        let Some(run) = self.find_run(&frames.run).await? else { return Ok(None) };
        let Some(run) = run else {
            // It is over: whatever its agents still have may be forgotten.
            return Ok(Some(PartAck { next: CLOSED, stored: CLOSED }));
        };
        let now_unix_us = self.clock.now_unix_us();
        run.touched_unix_us.store(now_unix_us, Ordering::Relaxed);
        if !lock(&run.merge).has_part(&frames.part) {
            let parts = self.store.parts(&run.id).await?;
            lock(&run.merge).add_parts(&parts);
        }
        let mut merge = lock(&run.merge);
        let timeline = merge.timeline();
        let latest = now_unix_us + MAX_AHEAD_US;
        let is_early = |frame: &Frame| timeline.end_unix_us(Moment::of(frame)) > latest;
        Ok(match frames.frames.iter().position(is_early) {
            None => merge.take(frames),
            Some(count) => {
                let first = frames.frames[..count].to_vec();
                merge.take(&PartFrames { frames: first, ..frames.clone() })
            }
        })
    }

    /// A run in memory, read from the store on first contact. None: there is none; inside none: it
    /// is over.
    async fn find_run(&self, id: &str) -> Stored<Option<Option<Arc<Run>>>> {
        if let Some(run) = lock(&self.runs).get(id) {
            return Ok(Some(Some(Arc::clone(run))));
        }
        let Some(record) = self.store.run(id).await? else { return Ok(None) };
        if matches!(record.state, RunState::Done | RunState::Failed | RunState::Aborted) {
            return Ok(Some(None));
        }
        self.load(&record).await.map(|run| Some(Some(run)))
    }

    async fn load(&self, record: &RunRecord) -> Stored<Arc<Run>> {
        let known = lock(&self.runs).get(&record.id).map(Arc::clone);
        if let Some(run) = known {
            return Ok(run);
        }
        let parts = self.store.parts(&record.id).await?;
        let run = Arc::new(Run {
            id: record.id.clone(),
            merge: Mutex::new(RunMerge::new(&record.id, timeline(record), &parts)),
            committer: tokio::sync::Mutex::default(),
            touched_unix_us: AtomicU64::new(self.clock.now_unix_us()),
        });
        // Another task may have been faster; then its frames count.
        Ok(Arc::clone(lock(&self.runs).entry(record.id.clone()).or_insert(run)))
    }

    /// Stores what is ready, of every run, and judges it. What could not be stored is kept.
    pub async fn commit(&self) {
        let runs: Vec<_> = lock(&self.runs).values().map(Arc::clone).collect();
        let mut has_failed = false;
        for run in runs {
            if let Err(error) = self.commit_run(&run).await {
                self.failed(&run.id, &error);
                has_failed = true;
            }
        }
        if !has_failed && self.is_failing.swap(false, Ordering::Relaxed) {
            tracing::info!("frames are stored again");
        }
        let now_unix_us = self.clock.now_unix_us();
        lock(&self.runs).retain(|_, run| {
            let touched_unix_us = run.touched_unix_us.load(Ordering::Relaxed);
            !lock(&run.merge).is_empty() || now_unix_us < touched_unix_us + FORGET_AFTER_US
        });
    }

    fn failed(&self, run: &str, error: &StoreError) {
        if !self.is_failing.swap(true, Ordering::Relaxed) {
            tracing::warn!(run, %error, "frames cannot be stored now; they are kept");
        }
    }

    async fn commit_run(&self, run: &Run) -> Stored<()> {
        let mut committer = run.committer.lock().await;
        if committer.is_unsure {
            let parts = self.store.parts(&run.id).await?;
            lock(&run.merge).settle_commit(&parts);
            committer.is_unsure = false;
        }
        if committer.rules.is_none() {
            committer.rules = Some(self.rules(run).await?);
        }
        let now_unix_us = self.clock.now_unix_us();
        let wanted = lock(&run.merge).wanted(now_unix_us);
        for moment in wanted {
            let base = self.stored_frame(&run.id, moment).await?;
            lock(&run.merge).put_base(moment, base);
        }
        let mut commit = lock(&run.merge).begin_commit(now_unix_us);
        if let Some(commit) = &mut commit {
            commit.epoch = self.epoch.load(Ordering::Acquire);
        }
        if let Some(commit) = &commit {
            // Whoever drops this call in the middle does not know either.
            committer.is_unsure = true;
            if let Some(rules) = committer.rules.as_mut().filter(|rules| rules.is_judging()) {
                // Before it is stored: what is stored must be judged, whatever fails.
                rules.refresh(&self.store.run(&run.id).await?.unwrap_or_default());
            }
            self.store.commit_frames(commit).await?;
            committer.is_unsure = false;
            lock(&run.merge).end_commit();
        }
        let timeline = lock(&run.merge).timeline();
        let Some(rules) = &mut committer.rules else { return Ok(()) };
        for stored in commit.iter().flat_map(|commit| &commit.frames) {
            rules.push(&stored.frame);
        }
        rules.act(&*self.store, &run.id, &timeline, now_unix_us).await
    }

    async fn stored_frame(&self, run: &str, moment: Moment) -> Stored<Option<Frame>> {
        let found = self.store.frames_from(run, !moment.is_measured, moment.second, 1).await?;
        let mut frames = found.into_iter().map(|stored| stored.frame);
        Ok(frames.next().filter(|frame| Moment::of(frame) == moment))
    }

    /// The limits of a run, with the seconds in sight that are stored already.
    async fn rules(&self, run: &Run) -> Stored<RunRules> {
        let record = self.store.run(&run.id).await?.unwrap_or_default();
        let mut rules = RunRules::new(&record);
        let newest = lock(&run.merge).newest_second();
        if let (Some(newest), len_s @ 1..) = (newest, rules.len_s()) {
            let limit = u32::try_from(len_s).unwrap_or(u32::MAX).saturating_add(1);
            let from = newest.saturating_sub(len_s);
            let stored = self.store.frames_from(&run.id, false, from, limit).await?;
            stored.iter().for_each(|stored| rules.push(&stored.frame));
        }
        Ok(rules)
    }

    /// Stores what is ready until `stop`, and once more then.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(COMMIT_EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while !stop.is_cancelled() {
            tokio::select! {
                _ = ticks.tick() => {}
                () = stop.cancelled() => {}
            }
            self.commit().await;
        }
    }
}

#[async_trait]
impl IngestView for Ingest {
    fn lead(&self, epoch: Option<u64>) {
        self.lead_runs(epoch);
    }

    async fn progress(
        &self,
        run: &str,
        parts: &[PartRecord],
    ) -> Result<Vec<PartProgress>, IngestFailure> {
        Ok(self.try_progress(run, parts).await?)
    }

    async fn shut(&self, run: &str, parts: &[String]) -> Result<(), IngestFailure> {
        Ok(self.try_shut(run, parts).await?)
    }

    async fn lose(
        &self,
        run: &RunRecord,
        part: &PartRecord,
        covered_from_us: Option<i64>,
    ) -> Result<(), IngestFailure> {
        Ok(self.try_lose(run, part, covered_from_us).await?)
    }

    async fn finish(
        &self,
        run: &RunRecord,
        parts: &[PartRecord],
        events: Vec<Event>,
    ) -> Result<Report, IngestFailure> {
        Ok(self.try_finish(run, parts, events).await?)
    }
}

impl Ingest {
    async fn try_progress(
        &self,
        run: &str,
        parts: &[PartRecord],
    ) -> Result<Vec<PartProgress>, IngestError> {
        let Some(Some(run)) = self.find_run(run).await? else { return Ok(Vec::new()) };
        let are_known = {
            let merge = lock(&run.merge);
            parts.iter().all(|part| merge.has_part(&part.part))
        };
        if !are_known {
            // The caller's may be older than what is stored of them.
            let stored = self.store.parts(&run.id).await?;
            lock(&run.merge).add_parts(&stored);
        }
        Ok(lock(&run.merge).progress())
    }

    async fn try_shut(&self, run: &str, parts: &[String]) -> Result<(), IngestError> {
        let Some(Some(run)) = self.find_run(run).await? else { return Ok(()) };
        let records = self.store.parts(&run.id).await?;
        let mut merge = lock(&run.merge);
        merge.add_parts(&records);
        parts.iter().for_each(|part| merge.shut(part));
        Ok(())
    }

    /// It is in memory then, and stored with the next seconds: until it is, a kill forgets it, and
    /// [`PartProgress::is_lost`] asks for it again.
    async fn try_lose(
        &self,
        run: &RunRecord,
        part: &PartRecord,
        covered_from_us: Option<i64>,
    ) -> Result<(), IngestError> {
        let plan = changed_plan(run)?;
        let state = self.load(run).await?;
        let mut merge = lock(&state.merge);
        merge.add_parts(std::slice::from_ref(part));
        let sum = merge.sum_of(&part.part);
        let sum = sum.ok_or_else(|| IngestError::Unknown(part.part.clone()))?;
        let now_us = merge.timeline().at_us(self.clock.now_unix_us());
        let lost_at_us = part.lost_at_us.unwrap_or(now_us);
        let books = books_of(&sum.counts);
        let lost = lost_share(&plan, &part.share, &books, lost_at_us, covered_from_us);
        merge.lose(&part.part, lost);
        Ok(())
    }

    /// Frames that come later are not in the report.
    async fn try_finish(
        &self,
        run: &RunRecord,
        parts: &[PartRecord],
        events: Vec<Event>,
    ) -> Result<Report, IngestError> {
        let plan = changed_plan(run)?;
        let state = self.load(run).await?;
        lock(&state.merge).add_parts(parts);
        lock(&state.merge).close();
        while !lock(&state.merge).is_empty() {
            self.commit_run(&state).await?;
        }
        // Sums of parts as they are now, not as the caller has read them.
        let parts = self.store.parts(&run.id).await?;
        let frames = read_all(&*self.store, &run.id).await?;
        let report = Finish { run, parts: &parts, plan: &plan, frames, events }.report();
        lock(&self.runs).remove(&run.id);
        Ok(report)
    }
}

#[cfg(test)]
#[path = "service_tests.rs"]
mod tests;
