//! The two databases behind one [`Store`]: every method borrows a connection, does its statements,
//! and gives it back.

use super::session::{Connection, Session};
use super::{
    AgentRecord, AuditRecord, CalibrationRecord, DatasetRecord, EventRecord, FrameCommit,
    FrameExtent, Page, PartRecord, Retention, RunFilter, RunRecord, RunSecond, Store, Stored,
    StoredCounts, StoredFrame, TaskFilter, TaskRecord, TokenRecord, UserRecord,
};
use super::{accounts, agents, datasets, events, failure, frames, house, parts, runs, tasks};
use acp_wire::agent::HostSample;
use acp_wire::{Plan, Report};
use async_trait::async_trait;
use sqlx::{MySqlPool, SqlitePool};
use std::collections::BTreeMap;

/// How often a transaction is tried that others are in the way of.
const ATTEMPTS: u32 = 8;

/// Connections to one of the two databases.
#[derive(Clone, Debug)]
pub(super) enum Database {
    /// One connection that writes, and some that read.
    Sqlite {
        writer: SqlitePool,
        readers: SqlitePool,
    },
    MySql(MySqlPool),
}

impl Database {
    /// A connection for single statements that read.
    pub(super) async fn reader(&self) -> Stored<Session> {
        let lent = match self {
            Self::Sqlite { readers, .. } => readers.acquire().await.map(Connection::Sqlite),
            Self::MySql(pool) => pool.acquire().await.map(Connection::MySql),
        };
        lent.map(Session::new).map_err(|error| failure::stored(&error))
    }

    /// A connection for several statements that are to see the same.
    async fn snapshot(&self) -> Stored<Session> {
        let mut session = self.reader().await?;
        session.begin(session.dialect().begin_read).await?;
        Ok(session)
    }

    pub(super) async fn writer(&self) -> Stored<Session> {
        let lent = match self {
            Self::Sqlite { writer, .. } => writer.acquire().await.map(Connection::Sqlite),
            Self::MySql(pool) => pool.acquire().await.map(Connection::MySql),
        };
        let mut session = lent.map(Session::new).map_err(|error| failure::stored(&error))?;
        session.begin(session.dialect().begin_write).await?;
        Ok(session)
    }

    /// Ends a transaction with what came of its statements; none: all of it is to be done again.
    pub(super) async fn end<T>(
        mut session: Session,
        done: Stored<T>,
        attempt: u32,
    ) -> Option<Stored<T>> {
        let done = match done {
            Ok(value) => session.commit().await.map(|()| value),
            Err(error) => Err(error),
        };
        let is_again = done.is_err() && session.lost_a_race() && attempt < ATTEMPTS;
        if done.is_err() {
            session.roll_back().await;
        }
        (!is_again).then_some(done)
    }
}

/// Does work in one transaction: all of it or, on an error, nothing. A function that takes the work
/// as a closure would do, were futures of closures known to be `Send`.
macro_rules! transaction {
    ($database:expr, |$session:ident| $work:expr) => {{
        let mut attempt = 1;
        loop {
            let mut open = $database.writer().await?;
            let $session = &mut open;
            let done = $work.await;
            if let Some(done) = $crate::store::database::Database::end(open, done, attempt).await {
                break done;
            }
            attempt += 1;
        }
    }};
}

pub(super) use transaction;

#[async_trait]
impl Store for Database {
    async fn ping(&self) -> Stored<()> {
        self.reader().await?.number("SELECT 1", Vec::new()).await.map(drop)
    }

    async fn create_task(&self, task: &TaskRecord) -> Stored<()> {
        transaction!(self, |session| tasks::create(session, task))
    }

    async fn task(&self, id: &str) -> Stored<Option<TaskRecord>> {
        tasks::get(&mut self.reader().await?, id).await
    }

    async fn tasks(&self, filter: &TaskFilter, page: Page) -> Stored<(Vec<TaskRecord>, u64)> {
        let mut session = self.snapshot().await?;
        let found = tasks::list(&mut session, filter, page).await;
        session.roll_back().await;
        found
    }

    async fn update_task(&self, task: &TaskRecord) -> Stored<()> {
        transaction!(self, |session| tasks::update(session, task))
    }

    async fn delete_task(&self, id: &str) -> Stored<bool> {
        transaction!(self, |session| tasks::delete(session, id))
    }

    async fn create_run(&self, run: &RunRecord) -> Stored<()> {
        transaction!(self, |session| runs::create(session, run))
    }

    async fn run(&self, id: &str) -> Stored<Option<RunRecord>> {
        runs::get(&mut self.reader().await?, id).await
    }

    async fn runs(&self, filter: &RunFilter, page: Page) -> Stored<(Vec<RunRecord>, u64)> {
        let mut session = self.snapshot().await?;
        let found = runs::list(&mut session, filter, page).await;
        session.roll_back().await;
        found
    }

    async fn last_runs(&self, tasks: &[String]) -> Stored<Vec<RunRecord>> {
        runs::last_of(&mut self.reader().await?, tasks).await
    }

    async fn agent_counts(&self, runs: &[String]) -> Stored<BTreeMap<String, u32>> {
        parts::agent_counts(&mut self.reader().await?, runs).await
    }

    async fn active_runs(&self) -> Stored<Vec<RunRecord>> {
        runs::active(&mut self.reader().await?).await
    }

    async fn update_run(&self, run: &RunRecord) -> Stored<()> {
        transaction!(self, |session| runs::update(session, run))
    }

    async fn plan(&self, hash: &str) -> Stored<Option<Plan>> {
        runs::plan(&mut self.reader().await?, hash).await
    }

    async fn add_parts(&self, parts: &[PartRecord]) -> Stored<()> {
        transaction!(self, |session| parts::add(session, parts))
    }

    async fn parts(&self, run: &str) -> Stored<Vec<PartRecord>> {
        parts::of_run(&mut self.reader().await?, run).await
    }

    async fn update_parts(&self, parts: &[PartRecord]) -> Stored<()> {
        transaction!(self, |session| parts::update(session, parts))
    }

    async fn commit_frames(&self, commit: &FrameCommit) -> Stored<()> {
        transaction!(self, |session| frames::commit(session, commit))
    }

    async fn frames_after(&self, run: &str, after: i64, limit: u32) -> Stored<Vec<StoredFrame>> {
        frames::after(&mut self.reader().await?, run, after, limit).await
    }

    async fn frames_from(
        &self,
        run: &str,
        warmup: bool,
        second: u64,
        limit: u32,
    ) -> Stored<Vec<StoredFrame>> {
        frames::from(&mut self.reader().await?, run, warmup, second, limit).await
    }

    async fn frame_counts_from(
        &self,
        run: &str,
        from: RunSecond,
        limit: u32,
    ) -> Stored<Vec<StoredCounts>> {
        frames::counts_from(&mut self.reader().await?, run, from, limit).await
    }

    async fn frame_extent(&self, run: &str) -> Stored<Option<FrameExtent>> {
        frames::extent(&mut self.reader().await?, run).await
    }

    async fn add_event(&self, event: &EventRecord) -> Stored<()> {
        transaction!(self, |session| events::add(session, event))
    }

    async fn events_after(&self, run: &str, after: i64, limit: u32) -> Stored<Vec<EventRecord>> {
        events::after(&mut self.reader().await?, run, after, limit).await
    }

    async fn put_report(&self, run: &str, report: &Report) -> Stored<()> {
        transaction!(self, |session| runs::put_report(session, run, report))
    }

    async fn report(&self, run: &str) -> Stored<Option<Report>> {
        runs::report(&mut self.reader().await?, run).await
    }

    async fn has_report(&self, run: &str) -> Stored<bool> {
        runs::has_report(&mut self.reader().await?, run).await
    }

    async fn put_agents(&self, agents: &[AgentRecord]) -> Stored<()> {
        transaction!(self, |session| agents::put(session, agents))
    }

    async fn agents(&self) -> Stored<Vec<AgentRecord>> {
        agents::list(&mut self.reader().await?).await
    }

    async fn set_agent_enabled(&self, agent: &str, enabled: bool) -> Stored<bool> {
        transaction!(self, |session| agents::set_enabled(session, agent, enabled))
    }

    async fn remove_agent(&self, agent: &str) -> Stored<bool> {
        transaction!(self, |session| agents::remove(session, agent))
    }

    async fn add_host_samples(&self, samples: &[(String, HostSample)]) -> Stored<()> {
        transaction!(self, |session| agents::add_samples(session, samples))
    }

    async fn host_samples(
        &self,
        agent: &str,
        from_unix_us: u64,
        to_unix_us: u64,
        limit: u32,
    ) -> Stored<Vec<HostSample>> {
        let mut session = self.reader().await?;
        agents::samples(&mut session, agent, from_unix_us, to_unix_us, limit).await
    }

    async fn put_dataset(&self, dataset: &DatasetRecord) -> Stored<()> {
        transaction!(self, |session| datasets::put(session, dataset))
    }

    async fn datasets(&self, page: Page) -> Stored<(Vec<DatasetRecord>, u64)> {
        let mut session = self.snapshot().await?;
        let found = datasets::list(&mut session, page).await;
        session.roll_back().await;
        found
    }

    async fn put_dataset_agent(&self, name: &str, version: u32, agent: &str) -> Stored<()> {
        transaction!(self, |session| datasets::put_agent(session, name, version, agent))
    }

    async fn put_calibration(&self, calibration: &CalibrationRecord) -> Stored<()> {
        transaction!(self, |session| agents::put_calibration(session, calibration))
    }

    async fn calibrations(&self) -> Stored<Vec<CalibrationRecord>> {
        agents::calibrations(&mut self.reader().await?).await
    }

    async fn put_user(&self, user: &UserRecord) -> Stored<()> {
        transaction!(self, |session| accounts::put_user(session, user))
    }

    async fn user(&self, name: &str) -> Stored<Option<UserRecord>> {
        accounts::user(&mut self.reader().await?, name).await
    }

    async fn users(&self) -> Stored<Vec<UserRecord>> {
        accounts::users(&mut self.reader().await?).await
    }

    async fn delete_user(&self, name: &str) -> Stored<bool> {
        transaction!(self, |session| accounts::delete_user(session, name))
    }

    async fn put_token(&self, token: &TokenRecord) -> Stored<()> {
        transaction!(self, |session| accounts::put_token(session, token))
    }

    async fn token(&self, hash: &str) -> Stored<Option<TokenRecord>> {
        accounts::token(&mut self.reader().await?, hash).await
    }

    async fn tokens(&self) -> Stored<Vec<TokenRecord>> {
        accounts::tokens(&mut self.reader().await?).await
    }

    async fn delete_token(&self, id: &str) -> Stored<bool> {
        transaction!(self, |session| accounts::delete_token(session, id))
    }

    async fn add_audit(&self, audit: &AuditRecord) -> Stored<()> {
        transaction!(self, |session| events::add_audit(session, audit))
    }

    async fn audit(&self, page: Page) -> Stored<Vec<AuditRecord>> {
        events::audit(&mut self.reader().await?, page).await
    }

    async fn keep_house(&self, retention: &Retention, now_unix_us: u64) -> Stored<u64> {
        house::keep(self, retention, now_unix_us).await
    }
}
