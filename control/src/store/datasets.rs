//! Statements about data sets, and about which agents have them.

use super::document::time;
use super::failure::about;
use super::insert::{Insert, placeholders};
use super::session::{Row, Session, Value};
use super::{DatasetRecord, Page, Stored};
use std::collections::BTreeMap;

const DATASET: Insert = Insert {
    table: "dataset",
    columns: &[
        "name",
        "version",
        "format",
        "bytes",
        "row_count",
        "sha256",
        "created_unix_us",
        "created_by",
    ],
    key: "name, version",
    replaced: &[],
};

/// To say once more that an agent has a version changes nothing.
const DATASET_AGENT: Insert = Insert {
    table: "dataset_agent",
    columns: &["name", "version", "agent"],
    key: "name, version, agent",
    replaced: &["agent"],
};

pub(super) async fn put(session: &mut Session, dataset: &DatasetRecord) -> Stored<()> {
    let row = vec![
        dataset.name.as_str().into(),
        dataset.version.into(),
        dataset.format.as_str().into(),
        time(dataset.bytes).into(),
        time(dataset.lines).into(),
        dataset.sha256.as_str().into(),
        time(dataset.created_unix_us).into(),
        dataset.by.as_str().into(),
    ];
    let id = format!("{} version {}", dataset.name, dataset.version);
    DATASET.row(session, row).await.map_err(|error| about(error, "data set", &id))
}

pub(super) async fn put_agent(
    session: &mut Session,
    name: &str,
    version: u32,
    agent: &str,
) -> Stored<()> {
    let row = vec![name.into(), version.into(), agent.into()];
    let id = format!("{name} version {version}");
    DATASET_AGENT.row(session, row).await.map_err(|error| about(error, "data set", &id))
}

pub(super) async fn list(session: &mut Session, page: Page) -> Stored<(Vec<DatasetRecord>, u64)> {
    let total = session.number("SELECT COUNT(*) FROM dataset", Vec::new()).await?;
    let sql = "SELECT name, version, format, bytes, row_count, sha256, created_unix_us, created_by \
               FROM dataset ORDER BY name, version DESC LIMIT ? OFFSET ?";
    let rows = session.rows(sql, vec![page.limit.into(), time(page.offset).into()]).await?;
    let mut found = rows.iter().map(read).collect::<Stored<Vec<_>>>()?;
    let mut agents = agents_of(session, &found).await?;
    for dataset in &mut found {
        let key = (dataset.name.clone(), dataset.version);
        dataset.agents = agents.remove(&key).unwrap_or_default();
    }
    Ok((found, total.unsigned_abs()))
}

/// Agents that have any version of these, by name and version.
async fn agents_of(
    session: &mut Session,
    datasets: &[DatasetRecord],
) -> Stored<BTreeMap<(String, u32), Vec<String>>> {
    let mut agents = BTreeMap::<_, Vec<_>>::new();
    if datasets.is_empty() {
        return Ok(agents);
    }
    let marks = placeholders(datasets.len());
    let sql = format!(
        "SELECT name, version, agent FROM dataset_agent WHERE name IN ({marks}) \
         ORDER BY name, version, agent"
    );
    let names = datasets.iter().map(|dataset| Value::from(dataset.name.as_str())).collect();
    for row in session.rows(sql, names).await? {
        agents.entry((row.text(0)?, row.count(1)?)).or_default().push(row.text(2)?);
    }
    Ok(agents)
}

fn read(row: &Row) -> Stored<DatasetRecord> {
    Ok(DatasetRecord {
        name: row.text(0)?,
        version: row.count(1)?,
        format: row.text(2)?,
        bytes: row.time(3)?,
        lines: row.time(4)?,
        sha256: row.text(5)?,
        created_unix_us: row.time(6)?,
        by: row.text(7)?,
        agents: Vec::new(),
    })
}
