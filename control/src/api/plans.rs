//! Plans: whether one can be run here, and what it would do.

use super::app::App;
use super::caller::{As, Planner};
use super::error::{Answer, ApiError};
use crate::auth::{Admitted, hash_hex, peak_rate_per_s};
use crate::store::RunRecord;
use acp_plan::Schedule;
use acp_report::rules::{RuleError, parse_abort, parse_slo};
use acp_wire::agent::ChangeKind;
use acp_wire::units::{Rate, parse_rate};
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// SHA-256 of a plan's JSON, in hex, as it is served to agents.
///
/// # Panics
///
/// Never: a plan has only string keys and finite numbers.
#[must_use]
pub fn plan_hash(plan: &acp_wire::Plan) -> String {
    hash_hex(plan_json(plan))
}

/// The bytes that agents get, and whose hash they check.
#[expect(clippy::expect_used, reason = "a plan has only string keys and finite numbers")]
pub(super) fn plan_json(plan: &acp_wire::Plan) -> Vec<u8> {
    serde_json::to_vec(plan).expect("a plan is valid JSON")
}

/// A plan that can be run here.
pub(super) struct Checked {
    pub(super) compiled: acp_plan::Plan,
    pub(super) admitted: Admitted,
}

/// Compiles a plan and checks its limits, goals and targets, and the ceiling as if nothing else ran.
pub(super) async fn check_plan(app: &App, plan: &acp_wire::Plan) -> Answer<Checked> {
    let compiled = acp_plan::compile(plan)?;
    check_rules(&plan.stop)?;
    let admitted = app.targets.admit(&compiled).await?;
    app.targets.check_rate(&admitted, peak_rate_per_s(&compiled), &[])?;
    Ok(Checked { compiled, admitted })
}

/// A limit that is no rule would never end a run, and a goal that is none could not be reached.
fn check_rules(stop: &acp_wire::plan::Stop) -> Result<(), RuleError> {
    stop.abort_on.iter().try_for_each(|limit| parse_abort(limit).map(drop))?;
    stop.slo.iter().try_for_each(|goal| parse_slo(goal).map(drop))
}

/// Checks a rate with what other active runs use. Call it with [`App::admission`] held until the run
/// is written.
pub(super) async fn check_ceiling(
    app: &App,
    checked: &Checked,
    rate_per_s: Option<f64>,
    run: &str,
) -> Answer<()> {
    let mut others = Vec::new();
    if app.targets.has_ceiling(&checked.admitted) {
        for other in app.store.active_runs().await?.iter().filter(|other| other.id != run) {
            let Ok(compiled) = acp_plan::compile(&other.plan) else { continue };
            // A name that is gone by now is loaded by nobody.
            let Ok(admitted) = app.targets.admit_run(&compiled).await else { continue };
            others.push((admitted, current_rate_per_s(other, &compiled)));
        }
    }
    Ok(app.targets.check_rate(&checked.admitted, rate_per_s, &others)?)
}

/// The rate that a run was changed to last, or the highest of its plan.
fn current_rate_per_s(run: &RunRecord, compiled: &acp_plan::Plan) -> f64 {
    let changed = run.changes.iter().rev().find_map(|change| match &change.kind {
        ChangeKind::Rate(rate) => parse_rate(rate).ok().map(Rate::per_second),
        ChangeKind::Pause | ChangeKind::Resume => None,
    });
    changed.or_else(|| peak_rate_per_s(compiled)).unwrap_or(0.0)
}

/// A plan to look at.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PlanToCheck {
    /// A document `acp.plan/1`.
    #[schema(value_type = Object)]
    plan: serde_json::Map<String, serde_json::Value>,
}

/// Why a plan cannot be run.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Problem {
    /// A sentence.
    message: String,
    /// What to do; may be empty.
    hint: String,
}

/// What a plan would do.
#[derive(Debug, Default, PartialEq, Serialize, ToSchema)]
pub(super) struct PlanCheck {
    /// Whether it can be run here.
    is_good: bool,
    /// Why not.
    problems: Vec<Problem>,
    /// Requests that it plans; none in a closed loop that ends by time.
    slots: Option<u64>,
    /// Its highest rate; none in a closed loop.
    peak_rate_per_s: Option<f64>,
    /// Length of the measured part, where it is known.
    duration_us: Option<u64>,
    /// Length of the warm-up.
    warmup_us: u64,
    /// All of it in a sentence.
    sentence: String,
}

/// Says whether a plan can be run here, and what it would do.
#[utoipa::path(
    post, path = "/plans/check", tag = "plans", request_body = PlanToCheck,
    responses((status = 200, description = "what it would do", body = PlanCheck))
)]
pub(super) async fn check(
    _who: As<Planner>,
    State(app): State<Arc<App>>,
    Json(input): Json<PlanToCheck>,
) -> Answer<Json<PlanCheck>> {
    let problem = |error: ApiError| PlanCheck {
        sentence: format!("cannot be run: {}", error.message),
        problems: vec![Problem { message: error.message, hint: error.hint }],
        ..PlanCheck::default()
    };
    let plan: acp_wire::Plan = match serde_json::from_value(input.plan.into()) {
        Ok(plan) => plan,
        Err(error) => return Ok(Json(problem(ApiError::unprocessable(error.to_string())))),
    };
    match check_plan(&app, &plan).await {
        Ok(checked) => Ok(Json(describe(&checked.compiled))),
        Err(error) if error.status.is_server_error() => Err(error),
        Err(error) => Ok(Json(problem(error))),
    }
}

fn describe(plan: &acp_plan::Plan) -> PlanCheck {
    let slots = match &plan.schedule {
        Schedule::Open { total, .. } => Some(*total),
        Schedule::Closed { requests, .. } => *requests,
    };
    let peak_rate_per_s = peak_rate_per_s(plan);
    let amount = match (slots, peak_rate_per_s) {
        (Some(slots), Some(rate)) => format!("{slots} requests at up to {rate} a second"),
        (Some(slots), None) => format!("{slots} requests as fast as responses come"),
        (None, _) => "requests as fast as responses come".into(),
    };
    let seconds = |ns: u64| ns as f64 / 1e9;
    let length = plan.duration_ns().map(|ns| format!(" for {} s", seconds(ns)));
    let warmup = match plan.warmup_ns {
        0 => String::new(),
        ns => format!(" after {} s of warm-up", seconds(ns)),
    };
    let hosts: Vec<_> = plan.endpoints.iter().take(3).map(ToString::to_string).collect();
    let more = if plan.endpoints.len() > 3 { ", …" } else { "" };
    PlanCheck {
        is_good: true,
        problems: Vec::new(),
        slots,
        peak_rate_per_s,
        duration_us: plan.duration_ns().map(|ns| ns / 1_000),
        warmup_us: plan.warmup_ns / 1_000,
        sentence: format!(
            "{amount}{}{warmup}, on {} connections to {}{more}",
            length.unwrap_or_default(),
            plan.connections,
            hosts.join(", "),
        ),
    }
}
