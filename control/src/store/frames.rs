//! Statements about the merged frames of runs.

use super::document::{document, time};
use super::insert::Insert;
use super::session::{Row, Session, Value};
use super::{
    FrameCommit, FrameExtent, RunSecond, StoreError, Stored, StoredCounts, StoredFrame, parts, runs,
};
use acp_wire::Frame;
use acp_wire::frame::{Histograms, Slow, Tagged};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub(super) const FRAME: Insert = Insert {
    table: "frame",
    columns: &["run", "moment", "number", "width_s", "counts", "histograms"],
    key: "run, moment",
    replaced: &["number", "width_s", "counts", "histograms"],
};

pub(super) const SELECT: &str = "SELECT run, number, width_s, counts, histograms FROM frame";

/// The frames of an ended run are put together all alike: a few of them tell how wide they are.
const EXTENT: &str = "SELECT (SELECT MIN(moment) FROM frame WHERE run = ?), \
                      (SELECT MAX(moment) FROM frame WHERE run = ?), \
                      (SELECT MAX(number) FROM frame WHERE run = ?), \
                      (SELECT MAX(width_s) FROM (SELECT width_s FROM frame WHERE run = ? \
                      ORDER BY moment LIMIT 64) AS first_few)";

/// The warm-up counts from its own second 0: so much less than the seconds behind it.
const WARMUP_SECONDS: i64 = 1 << 40;

pub(super) async fn commit(session: &mut Session, commit: &FrameCommit) -> Stored<()> {
    runs::lock_for(session, &commit.run, commit.epoch).await?;
    let sql = "SELECT COALESCE(MAX(number), 0) FROM frame WHERE run = ?";
    let last = session.number(sql, vec![commit.run.as_str().into()]).await?;
    let mut rows = Vec::with_capacity(commit.frames.len());
    for (number, frame) in (last + 1..).zip(&commit.frames) {
        rows.push(write(&commit.run, number, frame.width_s, &frame.frame)?);
    }
    FRAME.rows(session, rows).await?;
    let sums: BTreeMap<_, _> =
        commit.sums.iter().map(|(part, sums)| (part.as_str(), sums.as_str())).collect();
    let sums_of = |part: &str| sums.get(part).copied().unwrap_or_default();
    let stored = commit.stored.iter();
    let stored = stored.map(|(part, below)| (part.as_str(), *below, sums_of(part)));
    parts::put_stored(session, stored).await
}

pub(super) async fn after(
    session: &mut Session,
    run: &str,
    after: i64,
    limit: u32,
) -> Stored<Vec<StoredFrame>> {
    let sql = format!("{SELECT} WHERE run = ? AND number > ? ORDER BY number LIMIT ?");
    let values = vec![run.into(), after.into(), limit.into()];
    session.rows(sql, values).await?.iter().map(read).collect()
}

pub(super) async fn from(
    session: &mut Session,
    run: &str,
    warmup: bool,
    second: u64,
    limit: u32,
) -> Stored<Vec<StoredFrame>> {
    let sql = format!("{SELECT} WHERE run = ? AND moment >= ? ORDER BY moment LIMIT ?");
    let values = vec![run.into(), moment(warmup, second).into(), limit.into()];
    session.rows(sql, values).await?.iter().map(read).collect()
}

pub(super) async fn counts_from(
    session: &mut Session,
    run: &str,
    from: RunSecond,
    limit: u32,
) -> Stored<Vec<StoredCounts>> {
    let sql = "SELECT number, moment, width_s, counts FROM frame \
               WHERE run = ? AND moment >= ? ORDER BY moment LIMIT ?";
    let moment = moment(from.is_warmup, from.second);
    let values = vec![run.into(), moment.into(), limit.into()];
    session.rows(sql, values).await?.iter().map(read_counts).collect()
}

pub(super) async fn extent(session: &mut Session, run: &str) -> Stored<Option<FrameExtent>> {
    let row = session.row(EXTENT, vec![run.into(); 4]).await?;
    let Some(row) = row.filter(|row| !matches!(row.maybe_integer(0), Ok(None))) else {
        return Ok(None);
    };
    Ok(Some(FrameExtent {
        first: second_at(row.integer(0)?),
        last: second_at(row.integer(1)?),
        number: row.integer(2)?,
        width_s: row.count(3)?,
    }))
}

/// Where a second is in the order of all of a run.
pub(super) fn moment(warmup: bool, second: u64) -> i64 {
    let second = time(second);
    if warmup { second.min(WARMUP_SECONDS - 1) - WARMUP_SECONDS } else { second }
}

/// The second at a place in that order.
fn second_at(moment: i64) -> RunSecond {
    let is_warmup = moment < 0;
    let second = if is_warmup { moment + WARMUP_SECONDS } else { moment };
    RunSecond { is_warmup, second: second.unsigned_abs() }
}

pub(super) fn write(run: &str, number: i64, width_s: u32, frame: &Frame) -> Stored<Vec<Value>> {
    // JSON has no word for these: what was written could not be read again.
    let distributions = [frame.response_ns, frame.service_ns, frame.send_lag_ns];
    let moments = distributions.into_iter().flatten().flat_map(|found| [found.mean, found.stddev]);
    let mut figures = [frame.rate_target, frame.cost.busy_ratio].into_iter().chain(moments);
    if let Some(figure) = figures.find(|figure| !figure.is_finite()) {
        return Err(StoreError::BadRecord(format!("`{figure}` in a frame of run `{run}`")));
    }
    let mut counts = frame.clone();
    counts.seq = number.cast_unsigned();
    let details = Details::take(&mut counts);
    Ok(vec![
        run.into(),
        moment(frame.flags.warmup, frame.second).into(),
        number.into(),
        width_s.into(),
        document(&counts)?.into(),
        document(&details)?.into(),
    ])
}

pub(super) fn read(row: &Row) -> Stored<StoredFrame> {
    let mut frame: Frame = row.document(3)?;
    row.document::<Details>(4)?.put(&mut frame);
    Ok(StoredFrame { run: row.text(0)?, number: row.integer(1)?, width_s: row.count(2)?, frame })
}

/// What is large in a frame, and not wanted by whoever looks at the seconds of a long run: in a column
/// of its own.
#[derive(Deserialize, Serialize)]
struct Details {
    #[serde(flatten)]
    histograms: Histograms,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    classes: BTreeMap<u8, String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    tags: BTreeMap<String, Tagged>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    slowest: Vec<Slow>,
}

impl Details {
    fn take(frame: &mut Frame) -> Self {
        Self {
            histograms: std::mem::take(&mut frame.histograms),
            classes: std::mem::take(&mut frame.classes),
            tags: std::mem::take(&mut frame.tags),
            slowest: std::mem::take(&mut frame.slowest),
        }
    }

    fn put(self, frame: &mut Frame) {
        frame.histograms = self.histograms;
        frame.classes = self.classes;
        frame.tags = self.tags;
        frame.slowest = self.slowest;
    }
}

fn read_counts(row: &Row) -> Stored<StoredCounts> {
    Ok(StoredCounts {
        number: row.integer(0)?,
        at: second_at(row.integer(1)?),
        width_s: row.count(2)?,
        text: row.text(3)?,
    })
}
