//! Statements about what happened to runs, and who changed what.

use super::document::time;
use super::insert::Insert;
use super::session::{Row, Session};
use super::{AuditRecord, EventRecord, Page, Stored, runs};

const EVENT: Insert = Insert {
    table: "event",
    columns: &["run", "number", "at_unix_us", "at_us", "kind", "text", "made_by"],
    key: "run, number",
    replaced: &[],
};

const AUDIT: Insert = Insert {
    table: "audit",
    columns: &["at_unix_us", "made_by", "address", "action", "subject", "text"],
    key: "number",
    replaced: &[],
};

pub(super) async fn add(session: &mut Session, event: &EventRecord) -> Stored<()> {
    runs::lock(session, &event.run).await?;
    let sql = "SELECT COALESCE(MAX(number), 0) FROM event WHERE run = ?";
    let last = session.number(sql, vec![event.run.as_str().into()]).await?;
    let row = vec![
        event.run.as_str().into(),
        (last + 1).into(),
        time(event.at_unix_us).into(),
        event.at_us.into(),
        event.kind.as_str().into(),
        event.text.as_str().into(),
        event.by.as_str().into(),
    ];
    EVENT.row(session, row).await
}

pub(super) async fn after(
    session: &mut Session,
    run: &str,
    after: i64,
    limit: u32,
) -> Stored<Vec<EventRecord>> {
    let sql = "SELECT run, number, at_unix_us, at_us, kind, text, made_by FROM event \
               WHERE run = ? AND number > ? ORDER BY number LIMIT ?";
    let values = vec![run.into(), after.into(), limit.into()];
    session.rows(sql, values).await?.iter().map(read_event).collect()
}

pub(super) async fn add_audit(session: &mut Session, audit: &AuditRecord) -> Stored<()> {
    let row = vec![
        time(audit.at_unix_us).into(),
        audit.by.as_str().into(),
        audit.address.as_str().into(),
        audit.action.as_str().into(),
        audit.subject.as_str().into(),
        audit.text.as_str().into(),
    ];
    AUDIT.row(session, row).await
}

pub(super) async fn audit(session: &mut Session, page: Page) -> Stored<Vec<AuditRecord>> {
    let sql = "SELECT at_unix_us, made_by, address, action, subject, text FROM audit \
               ORDER BY at_unix_us DESC, number DESC LIMIT ? OFFSET ?";
    let values = vec![page.limit.into(), time(page.offset).into()];
    session.rows(sql, values).await?.iter().map(read_audit).collect()
}

fn read_event(row: &Row) -> Stored<EventRecord> {
    Ok(EventRecord {
        run: row.text(0)?,
        number: row.integer(1)?,
        at_unix_us: row.time(2)?,
        at_us: row.maybe_integer(3)?,
        kind: row.text(4)?,
        text: row.text(5)?,
        by: row.text(6)?,
    })
}

fn read_audit(row: &Row) -> Stored<AuditRecord> {
    Ok(AuditRecord {
        at_unix_us: row.time(0)?,
        by: row.text(1)?,
        address: row.text(2)?,
        action: row.text(3)?,
        subject: row.text(4)?,
        text: row.text(5)?,
    })
}
