//! Statements about runs and their reports.

use super::document::{document, name, time};
use super::failure::about;
use super::insert::{Insert, placeholders};
use super::session::{Row, Session, Value};
use super::{Page, RunFilter, RunRecord, RunState, StoreError, Stored};
use acp_wire::{Plan, Report};

const RUN: Insert = Insert {
    table: "run",
    columns: &[
        "id",
        "task",
        "name",
        "plan",
        "plan_hash",
        "owner",
        "state",
        "intent",
        "epoch",
        "t0_unix_us",
        "changes",
        "created_unix_us",
        "ended_unix_us",
        "verdict",
        "text",
        "version",
        "frames_level",
        "spark",
    ],
    key: "id",
    replaced: &[],
};

const REPORT: Insert =
    Insert { table: "report", columns: &["run", "report"], key: "run", replaced: &["report"] };

const SELECT: &str = "SELECT id, task, name, plan, plan_hash, owner, state, intent, epoch, \
                      t0_unix_us, changes, created_unix_us, ended_unix_us, verdict, text, version, \
                      COALESCE(spark, '[]') FROM run";

/// Names in one `IN (…)`.
const NAMES_MAX: usize = 10_000;

/// The id of the newest run of a row of `task`.
const LAST_ID: &str = "SELECT one.id FROM run AS one WHERE one.task = task.id \
                       ORDER BY one.created_unix_us DESC, one.id DESC LIMIT 1";

/// The state of the newest run of a row of `task`; null where it has none.
pub(super) const LAST_STATE: &str = "SELECT one.state FROM run AS one WHERE one.task = task.id \
                                     ORDER BY one.created_unix_us DESC, one.id DESC LIMIT 1";

/// States of a run that has not ended.
const ACTIVE: [RunState; 5] =
    [RunState::Pending, RunState::Assigned, RunState::Ready, RunState::Running, RunState::Draining];

pub(super) async fn create(session: &mut Session, run: &RunRecord) -> Stored<()> {
    let row = vec![
        run.id.as_str().into(),
        run.task.as_str().into(),
        run.name.as_str().into(),
        document(&run.plan)?.into(),
        run.plan_hash.as_str().into(),
        run.owner.as_str().into(),
        name(&run.state)?.into(),
        document(&run.intent)?.into(),
        run.epoch.cast_signed().into(),
        run.t0_unix_us.map(time).into(),
        document(&run.changes)?.into(),
        time(run.created_unix_us).into(),
        run.ended_unix_us.map(time).into(),
        run.verdict.clone().into(),
        run.text.as_str().into(),
        run.version.into(),
        Value::from(0_i64),
        document(&run.spark)?.into(),
    ];
    RUN.row(session, row).await.map_err(|error| about(error, "run", &run.id))
}

pub(super) async fn get(session: &mut Session, id: &str) -> Stored<Option<RunRecord>> {
    let row = session.row(format!("{SELECT} WHERE id = ?"), vec![id.into()]).await?;
    row.map(|row| read(&row)).transpose()
}

pub(super) async fn list(
    session: &mut Session,
    filter: &RunFilter,
    page: Page,
) -> Stored<(Vec<RunRecord>, u64)> {
    let mut condition = String::new();
    let mut values: Vec<Value> = Vec::new();
    if let Some(task) = &filter.task {
        condition.push_str(" WHERE task = ?");
        values.push(task.as_str().into());
    }
    if !filter.states.is_empty() {
        let word = if values.is_empty() { "WHERE" } else { "AND" };
        let states = placeholders(filter.states.len());
        condition.push_str(&format!(" {word} state IN ({states})"));
        values.extend(names(&filter.states)?);
    }
    let count = format!("SELECT COUNT(*) FROM run{condition}");
    let total = session.number(count, values.clone()).await?;
    values.extend([Value::from(page.limit), time(page.offset).into()]);
    let select =
        format!("{SELECT}{condition} ORDER BY created_unix_us DESC, id DESC LIMIT ? OFFSET ?");
    let rows = session.rows(select, values).await?;
    Ok((rows.iter().map(read).collect::<Stored<_>>()?, total.unsigned_abs()))
}

/// The newest run of each task: of those that began at the same moment, the one that is listed
/// first.
pub(super) async fn last_of(session: &mut Session, tasks: &[String]) -> Stored<Vec<RunRecord>> {
    let mut found = Vec::new();
    for tasks in tasks.chunks(NAMES_MAX) {
        let marks = placeholders(tasks.len());
        let sql = format!(
            "{SELECT} JOIN (SELECT ({LAST_ID}) AS last_id FROM task WHERE task.id IN ({marks})) \
             AS newest ON newest.last_id = run.id"
        );
        let values = tasks.iter().map(|task| Value::from(task.as_str())).collect();
        for row in session.rows(sql, values).await? {
            found.push(read(&row)?);
        }
    }
    Ok(found)
}

pub(super) async fn active(session: &mut Session) -> Stored<Vec<RunRecord>> {
    let states = placeholders(ACTIVE.len());
    let sql = format!("{SELECT} WHERE state IN ({states}) ORDER BY created_unix_us, id");
    let rows = session.rows(sql, names(&ACTIVE)?).await?;
    rows.iter().map(read).collect()
}

pub(super) async fn update(session: &mut Session, run: &RunRecord) -> Stored<()> {
    let sql = "UPDATE run SET task = ?, name = ?, owner = ?, state = ?, intent = ?, epoch = ?, \
               t0_unix_us = ?, changes = ?, created_unix_us = ?, ended_unix_us = ?, verdict = ?, \
               text = ?, spark = ?, version = version + 1 WHERE id = ? AND version = ?";
    let values = vec![
        run.task.as_str().into(),
        run.name.as_str().into(),
        run.owner.as_str().into(),
        name(&run.state)?.into(),
        document(&run.intent)?.into(),
        run.epoch.cast_signed().into(),
        run.t0_unix_us.map(time).into(),
        document(&run.changes)?.into(),
        time(run.created_unix_us).into(),
        run.ended_unix_us.map(time).into(),
        run.verdict.clone().into(),
        run.text.as_str().into(),
        document(&run.spark)?.into(),
        run.id.as_str().into(),
        run.version.into(),
    ];
    match session.execute(sql, values).await? {
        0 => Err(StoreError::Conflict(format!("run `{}`", run.id))),
        _ => Ok(()),
    }
}

pub(super) async fn plan(session: &mut Session, hash: &str) -> Stored<Option<Plan>> {
    let sql = "SELECT plan FROM run WHERE plan_hash = ? LIMIT 1";
    let row = session.row(sql, vec![hash.into()]).await?;
    row.map(|row| row.document(0)).transpose()
}

/// Nobody else writes frames, events or the state of this run until the end of the transaction.
pub(super) async fn lock(session: &mut Session, run: &str) -> Stored<()> {
    let sql = format!("SELECT id FROM run WHERE id = ?{}", session.dialect().for_update);
    match session.row(sql, vec![run.into()]).await? {
        Some(_) => Ok(()),
        None => Err(StoreError::Conflict(format!("run `{run}`"))),
    }
}

/// Locks a run for the leader of an epoch, unless a later one has it.
pub(super) async fn lock_for(session: &mut Session, run: &str, epoch: u64) -> Stored<()> {
    lock(session, run).await?;
    let sql = "SELECT COALESCE(MAX(epoch), 0) FROM run WHERE id = ?";
    let claimed = session.number(sql, vec![run.into()]).await?.cast_unsigned();
    if claimed > epoch {
        return Err(StoreError::Conflict(format!("run `{run}` of epoch {epoch}")));
    }
    Ok(())
}

pub(super) async fn put_report(session: &mut Session, run: &str, report: &Report) -> Stored<()> {
    let text = document(report)?;
    // JSON has no word for what is not a number: it could not be read again.
    serde_json::from_str::<Report>(&text)
        .map_err(|error| StoreError::BadRecord(format!("report of run `{run}`: {error}")))?;
    let row = vec![run.into(), text.into()];
    REPORT.row(session, row).await.map_err(|error| about(error, "report of run", run))
}

pub(super) async fn report(session: &mut Session, run: &str) -> Stored<Option<Report>> {
    let row = session.row("SELECT report FROM report WHERE run = ?", vec![run.into()]).await?;
    row.map(|row| row.document(0)).transpose()
}

pub(super) async fn has_report(session: &mut Session, run: &str) -> Stored<bool> {
    Ok(session.row("SELECT 1 FROM report WHERE run = ?", vec![run.into()]).await?.is_some())
}

pub(super) fn names(states: &[RunState]) -> Stored<Vec<Value>> {
    states.iter().map(|state| Ok(name(state)?.into())).collect()
}

fn read(row: &Row) -> Stored<RunRecord> {
    Ok(RunRecord {
        id: row.text(0)?,
        task: row.text(1)?,
        name: row.text(2)?,
        plan: row.document(3)?,
        plan_hash: row.text(4)?,
        owner: row.text(5)?,
        state: row.name(6)?,
        intent: row.document(7)?,
        epoch: row.integer(8)?.cast_unsigned(),
        t0_unix_us: row.maybe_time(9)?,
        changes: row.document(10)?,
        created_unix_us: row.time(11)?,
        ended_unix_us: row.maybe_time(12)?,
        verdict: row.maybe_text(13)?,
        text: row.text(14)?,
        version: row.integer(15)?,
        spark: row.document(16)?,
    })
}
