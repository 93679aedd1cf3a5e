//! Keeping house: frames and host samples put together, what is too old deleted. In batches, each a
//! transaction of its own, so that nobody waits long for the one writer of SQLite.

use super::database::{Database, transaction};
use super::document::time;
use super::rollup::{Rolled, mean_samples, roll_up};
use super::session::{Session, Value};
use super::{Retention, StoreError, Stored, agents, frames, runs};
use std::collections::BTreeMap;

/// Frames that are read or deleted at once. More than twice the widest sum.
const FRAMES_MAX: u32 = 300;

/// Small rows that are read or deleted at once.
const ROWS_MAX: u32 = 5_000;

/// Runs that are looked up at once.
const RUNS_MAX: u32 = 100;

const DAY_US: u64 = 86_400_000_000;

/// Host samples older than this are kept as means of a minute.
const HOST_SAMPLES_1M_DAYS: u32 = 1;

const MINUTE_US: i64 = 60_000_000;

/// `frames_level` of runs whose frames and events are gone.
const LEVEL_DELETED: i64 = 3;

pub(super) async fn keep(
    database: &Database,
    retention: &Retention,
    now_unix_us: u64,
) -> Stored<u64> {
    let before = |days: u32| time(now_unix_us.saturating_sub(u64::from(days) * DAY_US));
    let mut removed = 0;
    if retention.frames_days > 0 {
        removed += delete_frames(database, before(retention.frames_days)).await?;
    }
    let widths = [(1, 10, retention.frames_10s_days), (2, 60, retention.frames_1m_days)];
    for (level, width_s, days) in widths {
        removed += roll_up_frames(database, level, width_s, before(days)).await?;
    }
    removed += delete_older(database, "host_sample", before(retention.host_samples_days)).await?;
    removed += roll_up_samples(database, before(HOST_SAMPLES_1M_DAYS)).await?;
    if retention.audit_days > 0 {
        removed += delete_older(database, "audit", before(retention.audit_days)).await?;
    }
    let sql = "DELETE FROM token WHERE expires_unix_us < ?";
    let expired =
        transaction!(database, |session| session.execute(sql, vec![time(now_unix_us).into()]))?;
    Ok(removed + expired)
}

/// Runs that ended before a moment and have not come to a level yet.
async fn runs_below(database: &Database, level: i64, before: i64) -> Stored<Vec<String>> {
    let sql = "SELECT id FROM run WHERE frames_level < ? AND ended_unix_us < ? \
               ORDER BY ended_unix_us LIMIT ?";
    let values = vec![level.into(), before.into(), RUNS_MAX.into()];
    database.reader().await?.rows(sql, values).await?.iter().map(|row| row.text(0)).collect()
}

async fn set_level(database: &Database, run: &str, level: i64) -> Stored<()> {
    let sql = "UPDATE run SET frames_level = ? WHERE id = ?";
    transaction!(database, |session| session.execute(sql, vec![level.into(), run.into()])).map(drop)
}

async fn delete_frames(database: &Database, before: i64) -> Stored<u64> {
    let mut removed = 0;
    loop {
        let runs = runs_below(database, LEVEL_DELETED, before).await?;
        if runs.is_empty() {
            return Ok(removed);
        }
        for run in runs {
            removed += delete_run_frames(database, &run).await?;
            set_level(database, &run, LEVEL_DELETED).await?;
        }
    }
}

async fn delete_run_frames(database: &Database, run: &str) -> Stored<u64> {
    let mut removed = 0;
    for (table, order) in [("frame", "moment"), ("event", "number")] {
        loop {
            let batch = transaction!(database, |session| delete_first(session, table, order, run));
            match batch? {
                0 => break,
                deleted => removed += deleted,
            }
        }
    }
    Ok(removed)
}

/// Deletes a batch of what a run has in a table.
async fn delete_first(session: &mut Session, table: &str, order: &str, run: &str) -> Stored<u64> {
    let next =
        format!("SELECT {order} FROM {table} WHERE run = ? ORDER BY {order} LIMIT 1 OFFSET ?");
    let end = session.row(next, vec![run.into(), FRAMES_MAX.into()]).await?;
    let end = end.map_or(Ok(i64::MAX), |row| row.integer(0))?;
    let delete = format!("DELETE FROM {table} WHERE run = ? AND {order} < ?");
    session.execute(delete, vec![run.into(), end.into()]).await
}

async fn roll_up_frames(database: &Database, level: i64, width_s: u32, before: i64) -> Stored<u64> {
    let mut removed = 0;
    loop {
        let runs = runs_below(database, level, before).await?;
        if runs.is_empty() {
            return Ok(removed);
        }
        for run in runs {
            removed += roll_up_run(database, &run, width_s).await?;
            set_level(database, &run, level).await?;
        }
    }
}

async fn roll_up_run(database: &Database, run: &str, width_s: u32) -> Stored<u64> {
    let mut removed = 0;
    let mut from = i64::MIN;
    loop {
        let sql =
            format!("{} WHERE run = ? AND moment >= ? ORDER BY moment LIMIT ?", frames::SELECT);
        let values = vec![run.into(), from.into(), FRAMES_MAX.into()];
        let rows = database.reader().await?.rows(sql, values).await?;
        let found = rows.iter().map(frames::read).collect::<Stored<Vec<_>>>()?;
        let is_last = rows.len() < FRAMES_MAX as usize;
        // Histograms take a while to read, and the runtime has other things to do.
        let work = move || roll_up(found, width_s, is_last);
        let batch = tokio::task::spawn_blocking(work).await;
        let batch = batch.map_err(|error| StoreError::BadRecord(error.to_string()))?;
        if !batch.sums.is_empty() {
            removed += transaction!(database, |session| replace(session, run, &batch.sums))?;
        }
        match batch.next_moment {
            Some(next) if !is_last => from = next,
            _ => return Ok(removed),
        }
    }
}

/// Puts sums in the place of their frames, where those are still what was read.
async fn replace(session: &mut Session, run: &str, sums: &[Rolled]) -> Stored<u64> {
    runs::lock(session, run).await?;
    let mut removed = 0;
    let mut rows = Vec::with_capacity(sums.len());
    for sum in sums {
        let range = || vec![Value::from(run), sum.first.into(), sum.last.into()];
        let sql = "SELECT COUNT(*), COALESCE(MAX(number), 0) FROM frame \
                   WHERE run = ? AND moment >= ? AND moment <= ?";
        let row = session.row(sql, range()).await?;
        let row = row.ok_or_else(|| StoreError::BadRecord("a count is missing".into()))?;
        // Another control keeps house too.
        if (row.integer(0)?, row.integer(1)?) != (sum.count, sum.number) {
            continue;
        }
        let sql = "DELETE FROM frame WHERE run = ? AND moment >= ? AND moment <= ?";
        removed += session.execute(sql, range()).await? - 1;
        rows.push(frames::write(run, sum.number, sum.width_s, &sum.frame)?);
    }
    frames::FRAME.rows(session, rows).await?;
    Ok(removed)
}

async fn delete_older(database: &Database, table: &str, before: i64) -> Stored<u64> {
    let mut removed = 0;
    loop {
        let batch = transaction!(database, |session| delete_oldest(session, table, before));
        let (deleted, is_last) = batch?;
        removed += deleted;
        if is_last {
            return Ok(removed);
        }
    }
}

/// Deletes a batch of rows from before a moment; how many, and whether none is left.
async fn delete_oldest(session: &mut Session, table: &str, before: i64) -> Stored<(u64, bool)> {
    let next = format!(
        "SELECT at_unix_us FROM {table} WHERE at_unix_us < ? ORDER BY at_unix_us LIMIT 1 OFFSET ?"
    );
    let end = session.row(next, vec![before.into(), ROWS_MAX.into()]).await?;
    // The row behind the batch goes with it: many rows may be of the same moment.
    let end = end.map_or(Ok(before), |row| Ok(row.integer(0)? + 1))?;
    let delete = format!("DELETE FROM {table} WHERE at_unix_us < ?");
    let deleted = session.execute(delete, vec![end.into()]).await?;
    Ok((deleted, end == before))
}

async fn roll_up_samples(database: &Database, before: i64) -> Stored<u64> {
    let mut removed = 0;
    while let Some(fewer) = transaction!(database, |session| roll_up_minute(session, before))? {
        removed += fewer;
    }
    Ok(removed)
}

/// Puts the oldest minute of single samples together, agent by agent; none: there is none.
async fn roll_up_minute(session: &mut Session, before: i64) -> Stored<Option<u64>> {
    let sql = "SELECT at_unix_us FROM host_sample WHERE width_s = 0 AND at_unix_us < ? \
               ORDER BY at_unix_us LIMIT 1";
    let Some(oldest) = session.row(sql, vec![before.into()]).await? else {
        return Ok(None);
    };
    let start = oldest.integer(0)? / MINUTE_US * MINUTE_US;
    let end = before.min(start + MINUTE_US);
    let sql = "SELECT agent, sample FROM host_sample \
               WHERE width_s = 0 AND at_unix_us >= ? AND at_unix_us < ? ORDER BY agent LIMIT ?";
    let found = session.rows(sql, vec![start.into(), end.into(), ROWS_MAX.into()]).await?;
    let mut by_agent: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for row in &found {
        by_agent.entry(row.text(0)?).or_default().push(row.document(1)?);
    }
    // The samples of the last agent may go on behind the end of the answer.
    if found.len() == ROWS_MAX as usize && by_agent.len() > 1 {
        by_agent.pop_last();
    }
    let Some((last, _)) = by_agent.last_key_value() else {
        return Ok(None);
    };
    let sql = "DELETE FROM host_sample \
               WHERE width_s = 0 AND at_unix_us >= ? AND at_unix_us < ? AND agent <= ?";
    let values = vec![start.into(), end.into(), last.as_str().into()];
    let deleted = session.execute(sql, values).await?;
    let row = |(agent, samples): (&String, &Vec<_>)| {
        agents::write_sample(agent, 60, &mean_samples(samples))
    };
    let rows = by_agent.iter().map(row).collect::<Stored<Vec<_>>>()?;
    let kept = rows.len() as u64;
    agents::HOST_SAMPLE.rows(session, rows).await?;
    Ok(Some(deleted.saturating_sub(kept)))
}
