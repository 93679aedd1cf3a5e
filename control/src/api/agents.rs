//! Agents: who is there, what they offer, how they are, and whether they get new parts.

use super::app::App;
use super::caller::{Admin, As, Viewer};
use super::desk::check_agent;
use super::error::{Answer, ApiError};
use super::statuses::Said;
use crate::store::AgentRecord;
use acp_coord::Membership;
use acp_wire::agent::{AgentInfo, HostSample, PartState, Status};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// A clock that is further off than this is shown as wrong.
const SKEW_LIMIT_US: i64 = 50_000;
const HOUR_US: u64 = 3_600_000_000;
const SAMPLES_MAX: u32 = 5_000;

/// A part of a run, as its agent sees it.
#[derive(Debug, Serialize, ToSchema)]
struct AgentPart {
    part: String,
    run: String,
    #[schema(value_type = String)]
    state: PartState,
    text: String,
}

/// An agent.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AgentView {
    /// Its name.
    agent: String,
    /// Its host's name.
    host: String,
    /// Version of acp.
    version: String,
    /// Cores it offers.
    cores: u32,
    /// Cores that no part uses, as it said last.
    cores_free: Option<u32>,
    /// Schemes it can speak.
    protocols: Vec<String>,
    /// Its labels.
    labels: BTreeMap<String, String>,
    /// Where its own metrics are.
    address: String,
    /// Whether it is registered now; none while the coordinator cannot be reached.
    is_registered: Option<bool>,
    /// Whether it gets new parts.
    is_enabled: bool,
    /// Whether it is leaving.
    is_draining: bool,
    /// When it was seen first.
    first_seen_unix_us: Option<u64>,
    /// When it was seen last.
    last_seen_unix_us: Option<u64>,
    /// When it said something to this control last.
    last_status_unix_us: Option<u64>,
    /// Its clock less that of control.
    clock_offset_us: Option<i64>,
    /// Half the round trip that the offset was found with.
    clock_error_us: Option<u64>,
    /// Whether its clock is more than 50 ms off.
    is_clock_wrong: bool,
    /// Its parts.
    parts: Vec<AgentPart>,
    /// Its host.
    #[schema(value_type = Option<Object>)]
    host_sample: Option<HostSample>,
}

/// Every agent.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AgentList {
    /// By name.
    agents: Vec<AgentView>,
    /// Whether this is what the coordinator says now.
    is_current: bool,
}

/// Lists every agent that is registered or was seen.
#[utoipa::path(
    get, path = "/agents", tag = "agents",
    responses((status = 200, description = "all of them", body = AgentList))
)]
pub(super) async fn list(_who: As<Viewer>, State(app): State<Arc<App>>) -> Answer<Json<AgentList>> {
    let membership = Arc::clone(&app.coord.membership().borrow());
    let records = app.store.agents().await?;
    let agents = merge(&membership, records, &app.statuses.all());
    Ok(Json(AgentList { agents, is_current: membership.is_current }))
}

/// What the store, the coordinator and the agents themselves know, by agent.
fn merge(
    membership: &Membership,
    records: Vec<AgentRecord>,
    said: &BTreeMap<String, Said>,
) -> Vec<AgentView> {
    let mut known: BTreeMap<String, (AgentInfo, Option<AgentRecord>)> = BTreeMap::new();
    for record in records {
        known.insert(record.info.agent.clone(), (record.info.clone(), Some(record)));
    }
    for (agent, info) in &membership.agents {
        let entry = known.entry(agent.clone()).or_insert_with(|| (info.clone(), None));
        entry.0 = info.clone();
    }
    let views = known.into_iter().map(|(agent, (info, record))| {
        let is_registered = membership.agents.contains_key(&agent);
        // While the coordinator is away, one that is missing may be well.
        let is_registered = membership.is_current.then_some(is_registered);
        view(info, record, is_registered, said.get(&agent))
    });
    views.collect()
}

fn view(
    info: AgentInfo,
    record: Option<AgentRecord>,
    is_registered: Option<bool>,
    said: Option<&Said>,
) -> AgentView {
    let status: Option<&Status> = said.map(|said| said.status.as_ref());
    let clock_offset_us = status.and_then(|status| status.clock_offset_us);
    let is_wrong = |offset: i64| offset.unsigned_abs() > SKEW_LIMIT_US.unsigned_abs();
    let parts = status.into_iter().flat_map(|status| &status.parts).map(|part| AgentPart {
        part: part.part.clone(),
        run: part.run.clone(),
        state: part.state,
        text: part.text.clone(),
    });
    AgentView {
        agent: info.agent,
        host: info.host,
        version: info.version,
        cores: info.cores,
        cores_free: status.map(|status| status.cores_free),
        protocols: info.protocols,
        labels: info.labels,
        address: info.address,
        is_registered,
        is_enabled: record.as_ref().is_none_or(|record| record.is_enabled),
        is_draining: status.is_some_and(|status| status.draining),
        first_seen_unix_us: record.as_ref().map(|record| record.first_seen_unix_us),
        last_seen_unix_us: record.as_ref().map(|record| record.last_seen_unix_us),
        last_status_unix_us: said.map(|said| said.at_unix_us),
        clock_offset_us,
        clock_error_us: status.and_then(|status| status.clock_error_us),
        is_clock_wrong: clock_offset_us.is_some_and(is_wrong),
        parts: parts.collect(),
        host_sample: status.and_then(|status| status.host),
    }
}

/// Gives an agent no new parts. Those it has go on.
#[utoipa::path(
    post, path = "/agents/{id}/drain", tag = "agents", params(("id" = String, Path)),
    responses((status = 204, description = "drained"))
)]
pub(super) async fn drain(
    who: As<Admin>,
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
) -> Answer<StatusCode> {
    set_enabled(&app, &id, false).await?;
    app.audit(&who.0, "agent.drain", &id, "").await;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives an agent new parts again.
#[utoipa::path(
    post, path = "/agents/{id}/enable", tag = "agents", params(("id" = String, Path)),
    responses((status = 204, description = "enabled"))
)]
pub(super) async fn enable(
    who: As<Admin>,
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
) -> Answer<StatusCode> {
    set_enabled(&app, &id, true).await?;
    app.audit(&who.0, "agent.enable", &id, "").await;
    Ok(StatusCode::NO_CONTENT)
}

/// A database may take a name with blanks behind it for the same: such a name is nobody's.
fn check_known_name(agent: &str) -> Answer<()> {
    check_agent(agent).map_err(|_| ApiError::not_found("agent", agent))
}

async fn set_enabled(app: &App, agent: &str, is_enabled: bool) -> Answer<()> {
    check_known_name(agent)?;
    if !app.store.set_agent_enabled(agent, is_enabled).await? {
        // It may have registered a moment ago, and not be written down yet.
        let membership = Arc::clone(&app.coord.membership().borrow());
        let info = membership.agents.get(agent);
        let info = info.ok_or_else(|| ApiError::not_found("agent", agent))?.clone();
        let now = app.clock.now_unix_us();
        let (first_seen_unix_us, last_seen_unix_us) = (now, now);
        let record = AgentRecord { info, is_enabled, first_seen_unix_us, last_seen_unix_us };
        app.store.put_agents(&[record]).await?;
        app.store.set_agent_enabled(agent, is_enabled).await?;
    }
    app.nudge.notify_one();
    Ok(())
}

/// Forgets an agent that is gone for good.
#[utoipa::path(
    post, path = "/agents/{id}/remove", tag = "agents", params(("id" = String, Path)),
    responses((status = 204, description = "forgotten"))
)]
pub(super) async fn remove(
    who: As<Admin>,
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
) -> Answer<StatusCode> {
    check_known_name(&id)?;
    let membership = Arc::clone(&app.coord.membership().borrow());
    if membership.agents.contains_key(&id) {
        let text = format!("agent `{id}` is registered\nhint: end it first, or drain it");
        return Err(ApiError::conflict(text));
    }
    if !app.store.remove_agent(&id).await? {
        return Err(ApiError::not_found("agent", &id));
    }
    app.statuses.forget(&id);
    // A control that does not lead leaves the assignment: nobody is there to read it.
    let epoch = app.coord.leadership().borrow().epoch();
    if let Some(epoch) = epoch {
        app.coord.forget(epoch, std::slice::from_ref(&id)).await?;
    }
    app.audit(&who.0, "agent.remove", &id, "").await;
    Ok(StatusCode::NO_CONTENT)
}

/// Which samples.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct HostQuery {
    /// From this Unix time in microseconds on; an hour before `to` by default.
    from: Option<u64>,
    /// Up to, and without, this Unix time in microseconds; now by default.
    to: Option<u64>,
}

/// Samples of a host.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct HostSamples {
    /// By time, at most 5,000.
    #[schema(value_type = Vec<Object>)]
    samples: Vec<HostSample>,
}

/// Lists samples of an agent's host.
#[utoipa::path(
    get, path = "/agents/{id}/host", tag = "agents", params(("id" = String, Path), HostQuery),
    responses((status = 200, description = "samples", body = HostSamples))
)]
pub(super) async fn host(
    _who: As<Viewer>,
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Query(query): Query<HostQuery>,
) -> Answer<Json<HostSamples>> {
    // Whatever a database can hold as a time.
    let bounded = |time: u64| time.min(i64::MAX.unsigned_abs());
    let to = bounded(query.to.unwrap_or_else(|| app.clock.now_unix_us() + 1));
    let from = bounded(query.from.unwrap_or(to.saturating_sub(HOUR_US)));
    if from > to {
        return Err(ApiError::bad_request("from is after to"));
    }
    let is_known = app.coord.membership().borrow().agents.contains_key(&id);
    if !is_known && !app.store.agents().await?.iter().any(|record| record.info.agent == id) {
        return Err(ApiError::not_found("agent", &id));
    }
    let samples = app.store.host_samples(&id, from, to, SAMPLES_MAX).await?;
    Ok(Json(HostSamples { samples }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(agent: &str, version: &str) -> AgentInfo {
        AgentInfo { agent: agent.into(), version: version.into(), ..AgentInfo::default() }
    }

    #[test]
    fn agents_are_put_together_from_three_sides() {
        let records = vec![
            AgentRecord { info: info("gone", "1"), is_enabled: true, ..AgentRecord::default() },
            AgentRecord { info: info("here", "1"), is_enabled: false, ..AgentRecord::default() },
        ];
        let agents = BTreeMap::from([
            ("here".to_owned(), info("here", "2")),
            ("new".to_owned(), info("new", "2")),
        ]);
        let mut membership = Membership { agents, is_current: true };
        let status = |offset| Status { clock_offset_us: Some(offset), ..Status::default() };
        let said = |offset| Said { status: Arc::new(status(offset)), at_unix_us: 9 };
        let said =
            BTreeMap::from([("here".to_owned(), said(-50_001)), ("new".to_owned(), said(50_000))]);
        let found = merge(&membership, records.clone(), &said);
        let rows: Vec<_> = found
            .iter()
            .map(|it| (it.agent.as_str(), it.version.as_str(), it.is_registered, it.is_enabled))
            .collect();
        assert_eq!(
            rows,
            [
                ("gone", "1", Some(false), true),
                ("here", "2", Some(true), false),
                ("new", "2", Some(true), true),
            ]
        );
        let wrong: Vec<_> = found.iter().map(|agent| agent.is_clock_wrong).collect();
        assert_eq!(wrong, [false, true, false], "the limit is 50 ms");
        membership.is_current = false;
        let found = merge(&membership, records, &said);
        assert!(found.iter().all(|agent| agent.is_registered.is_none()), "nobody knows now");
    }
}
