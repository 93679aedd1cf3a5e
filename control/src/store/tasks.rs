//! Statements about tasks.

use super::document::{document, time};
use super::failure::about;
use super::insert::{Insert, placeholders};
use super::runs::{LAST_STATE, names};
use super::session::{Row, Session, Value};
use super::{Page, StoreError, Stored, TaskFilter, TaskRecord};

const TASK: Insert = Insert {
    table: "task",
    columns: &[
        "id",
        "name",
        "name_lower",
        "target_lower",
        "owner_lower",
        "plan",
        "owner",
        "created_unix_us",
        "updated_unix_us",
        "is_deleted",
    ],
    key: "id",
    replaced: &[],
};

const SELECT: &str =
    "SELECT id, name, plan, owner, created_unix_us, updated_unix_us, is_deleted FROM task";

pub(super) async fn create(session: &mut Session, task: &TaskRecord) -> Stored<()> {
    let row = vec![
        task.id.as_str().into(),
        task.name.as_str().into(),
        task.name.to_lowercase().into(),
        task.plan.target.url.to_lowercase().into(),
        task.owner.to_lowercase().into(),
        document(&task.plan)?.into(),
        task.owner.as_str().into(),
        time(task.created_unix_us).into(),
        time(task.updated_unix_us).into(),
        task.is_deleted.into(),
    ];
    TASK.row(session, row).await.map_err(|error| about(error, "task", &task.id))
}

pub(super) async fn get(session: &mut Session, id: &str) -> Stored<Option<TaskRecord>> {
    let row = session.row(format!("{SELECT} WHERE id = ?"), vec![id.into()]).await?;
    row.map(|row| read(&row)).transpose()
}

pub(super) async fn list(
    session: &mut Session,
    filter: &TaskFilter,
    page: Page,
) -> Stored<(Vec<TaskRecord>, u64)> {
    let (condition, mut values) = matching(filter)?;
    let count = format!("SELECT COUNT(*) FROM task {condition}");
    let total = session.number(count, values.clone()).await?;
    values.extend([Value::from(page.limit), time(page.offset).into()]);
    let select =
        format!("{SELECT} {condition} ORDER BY created_unix_us DESC, id DESC LIMIT ? OFFSET ?");
    let rows = session.rows(select, values).await?;
    Ok((rows.iter().map(read).collect::<Stored<_>>()?, total.unsigned_abs()))
}

/// The condition of a filter, with its values.
fn matching(filter: &TaskFilter) -> Stored<(String, Vec<Value>)> {
    let mut condition = "WHERE is_deleted = 0".to_string();
    let mut values: Vec<Value> = Vec::new();
    // `INSTR` finds text as it is: `%` and `_` mean nothing to it. Both sides are in lower case
    // here already, because the databases do not agree about that beyond ASCII.
    if let Some(text) = &filter.text {
        condition.push_str(
            " AND (INSTR(name_lower, ?) > 0 OR INSTR(target_lower, ?) > 0 \
             OR INSTR(owner_lower, ?) > 0)",
        );
        values.extend(vec![Value::from(text.to_lowercase()); 3]);
    }
    if let Some(owner) = &filter.owner {
        condition.push_str(" AND owner = ?");
        values.push(owner.as_str().into());
    }
    let mut last = Vec::new();
    if !filter.states.is_empty() {
        last.push(format!("({LAST_STATE}) IN ({})", placeholders(filter.states.len())));
        values.extend(names(&filter.states)?);
    }
    if filter.is_never_run {
        last.push(format!("({LAST_STATE}) IS NULL"));
    }
    if !last.is_empty() {
        condition.push_str(&format!(" AND ({})", last.join(" OR ")));
    }
    Ok((condition, values))
}

pub(super) async fn update(session: &mut Session, task: &TaskRecord) -> Stored<()> {
    let sql = "UPDATE task SET name = ?, name_lower = ?, target_lower = ?, owner_lower = ?, plan = ?, \
               owner = ?, updated_unix_us = ? WHERE id = ? AND is_deleted = 0";
    let values = vec![
        task.name.as_str().into(),
        task.name.to_lowercase().into(),
        task.plan.target.url.to_lowercase().into(),
        task.owner.to_lowercase().into(),
        document(&task.plan)?.into(),
        task.owner.as_str().into(),
        time(task.updated_unix_us).into(),
        task.id.as_str().into(),
    ];
    match session.execute(sql, values).await? {
        0 => Err(StoreError::Conflict(format!("task `{}`", task.id))),
        _ => Ok(()),
    }
}

pub(super) async fn delete(session: &mut Session, id: &str) -> Stored<bool> {
    let sql = "UPDATE task SET is_deleted = 1 WHERE id = ? AND is_deleted = 0";
    Ok(session.execute(sql, vec![id.into()]).await? > 0)
}

fn read(row: &Row) -> Stored<TaskRecord> {
    Ok(TaskRecord {
        id: row.text(0)?,
        name: row.text(1)?,
        plan: row.document(2)?,
        owner: row.text(3)?,
        created_unix_us: row.time(4)?,
        updated_unix_us: row.time(5)?,
        is_deleted: row.flag(6)?,
    })
}
