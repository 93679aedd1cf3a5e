//! Statements about agents: what they offer, samples of their hosts, what they can do.

use super::document::{document, time};
use super::insert::Insert;
use super::session::{Row, Session, Value};
use super::{AgentRecord, CalibrationRecord, StoreError, Stored};
use acp_wire::agent::HostSample;

/// Whether an agent is in service and when it was seen first is not for those who hear of it.
const AGENT: Insert = Insert {
    table: "agent",
    columns: &["agent", "info", "is_enabled", "first_seen_unix_us", "last_seen_unix_us"],
    key: "agent",
    replaced: &["info", "last_seen_unix_us"],
};

pub(super) const HOST_SAMPLE: Insert = Insert {
    table: "host_sample",
    columns: &["agent", "at_unix_us", "width_s", "sample"],
    key: "agent, at_unix_us",
    replaced: &["width_s", "sample"],
};

const CALIBRATION: Insert = Insert {
    table: "calibration",
    columns: &["agent", "protocol", "rate_per_core", "at_unix_us"],
    key: "agent, protocol",
    replaced: &["rate_per_core", "at_unix_us"],
};

pub(super) async fn put(session: &mut Session, agents: &[AgentRecord]) -> Stored<()> {
    let row = |agent: &AgentRecord| {
        Ok(vec![
            agent.info.agent.as_str().into(),
            document(&agent.info)?.into(),
            agent.is_enabled.into(),
            time(agent.first_seen_unix_us).into(),
            time(agent.last_seen_unix_us).into(),
        ])
    };
    let rows = agents.iter().map(row).collect::<Stored<Vec<_>>>()?;
    AGENT.rows(session, rows).await
}

pub(super) async fn list(session: &mut Session) -> Stored<Vec<AgentRecord>> {
    let sql = "SELECT info, is_enabled, first_seen_unix_us, last_seen_unix_us FROM agent \
               ORDER BY agent";
    let read = |row: &Row| {
        Ok(AgentRecord {
            info: row.document(0)?,
            is_enabled: row.flag(1)?,
            first_seen_unix_us: row.time(2)?,
            last_seen_unix_us: row.time(3)?,
        })
    };
    session.rows(sql, Vec::new()).await?.iter().map(read).collect()
}

pub(super) async fn set_enabled(session: &mut Session, agent: &str, enabled: bool) -> Stored<bool> {
    let sql = "UPDATE agent SET is_enabled = ? WHERE agent = ?";
    Ok(session.execute(sql, vec![enabled.into(), agent.into()]).await? > 0)
}

pub(super) async fn remove(session: &mut Session, agent: &str) -> Stored<bool> {
    session.execute("DELETE FROM calibration WHERE agent = ?", vec![agent.into()]).await?;
    session.execute("DELETE FROM dataset_agent WHERE agent = ?", vec![agent.into()]).await?;
    Ok(session.execute("DELETE FROM agent WHERE agent = ?", vec![agent.into()]).await? > 0)
}

pub(super) async fn add_samples(
    session: &mut Session,
    samples: &[(String, HostSample)],
) -> Stored<()> {
    let row = |(agent, sample): &(String, HostSample)| write_sample(agent, 0, sample);
    let rows = samples.iter().map(row).collect::<Stored<Vec<_>>>()?;
    HOST_SAMPLE.rows(session, rows).await
}

pub(super) async fn samples(
    session: &mut Session,
    agent: &str,
    from_unix_us: u64,
    to_unix_us: u64,
    limit: u32,
) -> Stored<Vec<HostSample>> {
    let sql = "SELECT sample FROM host_sample \
               WHERE agent = ? AND at_unix_us >= ? AND at_unix_us < ? ORDER BY at_unix_us LIMIT ?";
    let values =
        vec![agent.into(), time(from_unix_us).into(), time(to_unix_us).into(), limit.into()];
    session.rows(sql, values).await?.iter().map(|row| row.document(0)).collect()
}

/// A sample that stands for so many seconds; 0: for its moment.
pub(super) fn write_sample(agent: &str, width_s: u32, sample: &HostSample) -> Stored<Vec<Value>> {
    Ok(vec![agent.into(), time(sample.at_unix_us).into(), width_s.into(), document(sample)?.into()])
}

pub(super) async fn put_calibration(
    session: &mut Session,
    calibration: &CalibrationRecord,
) -> Stored<()> {
    if !calibration.rate_per_core.is_finite() {
        let text = format!("`{}` as a rate of an agent", calibration.rate_per_core);
        return Err(StoreError::BadRecord(text));
    }
    let row = vec![
        calibration.agent.as_str().into(),
        calibration.protocol.as_str().into(),
        calibration.rate_per_core.into(),
        time(calibration.at_unix_us).into(),
    ];
    CALIBRATION.row(session, row).await
}

pub(super) async fn calibrations(session: &mut Session) -> Stored<Vec<CalibrationRecord>> {
    let sql = "SELECT agent, protocol, rate_per_core, at_unix_us FROM calibration \
               ORDER BY agent, protocol";
    let read = |row: &Row| {
        Ok(CalibrationRecord {
            agent: row.text(0)?,
            protocol: row.text(1)?,
            rate_per_core: row.real(2)?,
            at_unix_us: row.time(3)?,
        })
    };
    session.rows(sql, Vec::new()).await?.iter().map(read).collect()
}
