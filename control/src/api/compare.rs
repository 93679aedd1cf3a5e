//! Two to four runs side by side: what differs, and whether by more than noise.

use super::app::App;
use super::caller::{As, Viewer};
use super::error::{Answer, ApiError};
use super::reports::{find_report, has_report};
use super::turns::Turn;
use acp_report::compare::{
    self, Blocks, Curve, Differing, Judged, Numbers, RateTrack, Side, Subject,
};
use acp_wire::Report;
use axum::Json;
use axum::extract::{Query, State};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// Frames read at once.
const PAGE: u32 = 200;

/// Which runs.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct CompareQuery {
    /// The one to compare with.
    a: String,
    /// The one to compare.
    b: String,
    /// Another one to compare.
    c: Option<String>,
    /// Another one to compare; only with `c`.
    d: Option<String>,
}

impl CompareQuery {
    fn runs(self) -> Answer<Vec<String>> {
        if self.d.is_some() && self.c.is_none() {
            return Err(ApiError::bad_request("there is a run d and no run c"));
        }
        Ok([Some(self.a), Some(self.b), self.c, self.d].into_iter().flatten().collect())
    }
}

/// Runs side by side. Every list of values is in the order of `runs`, of which the first is the
/// baseline.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Comparison {
    /// `{run, name, verdict, started_unix_us, duration_us, blocks}`: who each run is, and by how many
    /// blocks of seconds it was judged.
    #[schema(value_type = Vec<Object>)]
    runs: Vec<Side>,
    /// What speaks against comparing them.
    warnings: Vec<String>,
    /// `{name, values}`: every number of books, rates and percentiles.
    #[schema(value_type = Vec<Object>)]
    numbers: Vec<Numbers>,
    /// `{name, unit, better, values, differences}`: measures that are judged. `unit` is `ns`, `per_s`,
    /// `us` or `ratio`, `better` is `lower` or `higher`. A difference is null for the baseline, or
    /// `{difference, ratio, low, high, judgement}` with the 95 % interval of the ratio to the baseline,
    /// and `better`, `worse`, `same` or `no_decision`.
    #[schema(value_type = Vec<Object>)]
    judged: Vec<Judged>,
    /// `{run, points}`: response time by quantile, points of quantile and nanoseconds.
    #[schema(value_type = Vec<Object>)]
    curves: Vec<Curve>,
    /// `{run, width_s, second, completed_per_s, response_p99_ns}`: rate and response time over time, in
    /// columns.
    #[schema(value_type = Vec<Object>)]
    rates: Vec<RateTrack>,
    /// `{name, values}`: fields of the plans that differ, as text; null where a plan has none.
    #[schema(value_type = Vec<Object>)]
    plan: Vec<Differing>,
    /// `{name, values}`: what differs in version, driver, kernel, host, shards, agents, CPUs, warm-up.
    #[schema(value_type = Vec<Object>)]
    environment: Vec<Differing>,
}

impl From<compare::Comparison> for Comparison {
    fn from(found: compare::Comparison) -> Self {
        Self {
            runs: found.runs,
            warnings: found.warnings,
            numbers: found.numbers,
            judged: found.judged,
            curves: found.curves,
            rates: found.rates,
            plan: found.plan,
            environment: found.environment,
        }
    }
}

/// Compares runs with the first of them.
#[utoipa::path(
    get, path = "/compare", tag = "runs", params(CompareQuery),
    responses((status = 200, description = "side by side", body = Comparison))
)]
pub(super) async fn compare(
    _who: As<Viewer>,
    State(app): State<Arc<App>>,
    Query(query): Query<CompareQuery>,
) -> Answer<Json<Comparison>> {
    let runs = query.runs()?;
    // What cannot be compared is told at once.
    for id in &runs {
        has_report(&app, id).await?;
    }
    let mut turn = app.comparisons.take().await?;
    let mut work = Work::default();
    for id in runs {
        let known = work.runs.iter().position(|read| read.id == id);
        work.order.push(known.unwrap_or(work.runs.len()));
        if known.is_none() {
            (turn, work) = read(&app, turn, work, id).await?;
        }
    }
    let (_turn, found) = turn.work(move || work.compare()).await?;
    Ok(Json(found.into()))
}

/// A run as far as it is read.
struct Read {
    id: String,
    report: Report,
    blocks: Blocks,
}

/// What a comparison works on.
#[derive(Default)]
struct Work {
    /// Each run once.
    runs: Vec<Read>,
    /// Places in `runs`, as they were asked for.
    order: Vec<usize>,
}

impl Work {
    fn compare(self) -> compare::Comparison {
        let subject = |place: &usize| {
            let Read { id, report, blocks } = &self.runs[*place];
            Subject { run: id, report, blocks: Some(blocks) }
        };
        compare::compare(&self.order.iter().map(subject).collect::<Vec<_>>())
    }
}

/// Adds a run: its report, and its seconds a page at a time.
async fn read(app: &App, mut turn: Turn, mut work: Work, id: String) -> Answer<(Turn, Work)> {
    let report = find_report(app, &id).await?;
    let blocks = Blocks::new(report.run.duration_us);
    work.runs.push(Read { id: id.clone(), report, blocks });
    let mut from = 0;
    loop {
        let page = app.store.frames_from(&id, false, from, PAGE).await?;
        let Some(last) = page.last() else { return Ok((turn, work)) };
        from = last.frame.second.saturating_add(u64::from(last.width_s.max(1)));
        let folding = turn.work(move || {
            if let Some(run) = work.runs.last_mut() {
                page.iter().for_each(|stored| run.blocks.push(&stored.frame, stored.width_s));
            }
            work
        });
        (turn, work) = folding.await?;
    }
}
