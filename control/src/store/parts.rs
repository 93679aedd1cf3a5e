//! Statements about the parts of runs.

use super::document::{document, name};
use super::insert::{Insert, placeholders};
use super::session::{Row, Session, Value};
use super::{PartRecord, StoreError, Stored};
use std::collections::{BTreeMap, BTreeSet};

const COLUMNS: &[&str] = &[
    "part",
    "run",
    "number",
    "agent",
    "share",
    "cores",
    "state",
    "lost_at_us",
    "taken_over_by",
    "status",
];

const PART: Insert = Insert { table: "part", columns: COLUMNS, key: "part", replaced: &[] };

const PART_UPDATE: Insert = Insert {
    replaced: &["agent", "share", "cores", "state", "lost_at_us", "taken_over_by", "status"],
    ..PART
};

const PART_FRAMES: Insert = Insert {
    table: "part_frames",
    columns: &["part", "stored_below", "sums"],
    key: "part",
    replaced: &["stored_below", "sums"],
};

/// Names in one `IN (…)`.
const NAMES_MAX: usize = 10_000;

pub(super) async fn add(session: &mut Session, parts: &[PartRecord]) -> Stored<()> {
    let rows = parts.iter().map(write).collect::<Stored<Vec<_>>>()?;
    PART.rows(session, rows).await.map_err(|error| match (error, parts) {
        (StoreError::Exists(_), [part]) => StoreError::Exists(format!("part `{}`", part.part)),
        (StoreError::Exists(_), _) => StoreError::Exists("one of the parts".into()),
        (StoreError::Conflict(_), _) => StoreError::Conflict("the run of a part".into()),
        (other, _) => other,
    })?;
    let stored = parts.iter().filter(|part| part.stored > 0);
    let stored = stored.map(|part| (part.part.as_str(), part.stored, part.sums.as_str()));
    put_stored(session, stored).await
}

pub(super) async fn of_run(session: &mut Session, run: &str) -> Stored<Vec<PartRecord>> {
    let sql = "SELECT part.part, run, number, agent, share, cores, state, lost_at_us, \
               taken_over_by, status, COALESCE(stored_below, 0), COALESCE(sums, '') \
               FROM part LEFT JOIN part_frames ON part_frames.part = part.part \
               WHERE run = ? ORDER BY number";
    session.rows(sql, vec![run.into()]).await?.iter().map(read).collect()
}

pub(super) async fn agent_counts(
    session: &mut Session,
    runs: &[String],
) -> Stored<BTreeMap<String, u32>> {
    let mut counts = BTreeMap::new();
    for runs in runs.chunks(NAMES_MAX) {
        let marks = placeholders(runs.len());
        let sql = format!(
            "SELECT run, COUNT(DISTINCT agent) FROM part WHERE run IN ({marks}) GROUP BY run"
        );
        let values = runs.iter().map(|run| Value::from(run.as_str())).collect();
        for row in session.rows(sql, values).await? {
            counts.insert(row.text(0)?, row.count(1)?);
        }
    }
    Ok(counts)
}

pub(super) async fn update(session: &mut Session, parts: &[PartRecord]) -> Stored<()> {
    let names: BTreeSet<_> = parts.iter().map(|part| part.part.as_str()).collect();
    let names: Vec<_> = names.into_iter().collect();
    for names in names.chunks(NAMES_MAX) {
        let marks = placeholders(names.len());
        let sql = format!("SELECT COUNT(*) FROM part WHERE part IN ({marks})");
        let found = session.number(sql, names.iter().map(|name| Value::from(*name)).collect());
        if found.await?.unsigned_abs() != names.len() as u64 {
            return Err(StoreError::Conflict("one of the parts".into()));
        }
    }
    let rows = parts.iter().map(write).collect::<Stored<Vec<_>>>()?;
    PART_UPDATE.rows(session, rows).await
}

/// How far frames of parts are in stored frames, and their sums.
pub(super) async fn put_stored(
    session: &mut Session,
    stored: impl Iterator<Item = (&str, u64, &str)>,
) -> Stored<()> {
    let row = |(part, below, sums): (&str, u64, &str)| {
        vec![part.into(), below.cast_signed().into(), sums.into()]
    };
    let rows: Vec<_> = stored.map(row).collect();
    PART_FRAMES.rows(session, rows).await.map_err(|error| match error {
        StoreError::Conflict(_) => StoreError::Conflict("one of the parts".into()),
        other => other,
    })
}

fn write(part: &PartRecord) -> Stored<Vec<Value>> {
    Ok(vec![
        part.part.as_str().into(),
        part.run.as_str().into(),
        part.number.into(),
        part.agent.as_str().into(),
        document(&part.share)?.into(),
        part.cores.into(),
        name(&part.state)?.into(),
        part.lost_at_us.into(),
        document(&part.taken_over_by)?.into(),
        document(&part.status)?.into(),
    ])
}

fn read(row: &Row) -> Stored<PartRecord> {
    Ok(PartRecord {
        part: row.text(0)?,
        run: row.text(1)?,
        number: row.count(2)?,
        agent: row.text(3)?,
        share: row.document(4)?,
        cores: row.count(5)?,
        state: row.name(6)?,
        lost_at_us: row.maybe_integer(7)?,
        taken_over_by: row.document(8)?,
        status: row.document(9)?,
        stored: row.integer(10)?.cast_unsigned(),
        sums: row.text(11)?,
    })
}
