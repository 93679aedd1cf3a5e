//! Plans: whether one can be run here, and what it would do.

use super::app::App;
use super::caller::{As, Planner};
use super::checks::{self, Check, CheckState, TargetCheck};
use super::error::{Answer, ApiError};
use super::outlook::Outlook;
use super::problems::{self, Problem};
use super::tasks::name_of;
use super::{limits, plan_text, preview};
use crate::auth::{Admitted, TargetError, hash_hex, peak_rate_per_s};
use crate::store::RunRecord;
use acp_plan::Survey;
use acp_report::rules::{RuleError, parse_abort, parse_slo};
use acp_wire::agent::ChangeKind;
use acp_wire::plan::Model;
use acp_wire::units::{Rate, parse_rate};
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::sync::Arc;
use utoipa::ToSchema;

/// Fields that a schedule is made from.
const SCHEDULE: [&str; 6] =
    ["load.model", "load.rate", "load.profile", "load.duration", "load.requests", "load.warmup"];

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
    let others = rates_of_others(app, &checked.admitted, run).await?;
    Ok(app.targets.check_rate(&checked.admitted, rate_per_s, &others)?)
}

/// What active runs other than `run` load, and how fast, where there is a ceiling that counts them.
async fn rates_of_others(
    app: &App,
    admitted: &Admitted,
    run: &str,
) -> Answer<Vec<(Admitted, f64)>> {
    let mut others = Vec::new();
    if app.targets.has_ceiling(admitted) {
        for other in app.store.active_runs().await?.iter().filter(|other| other.id != run) {
            let Ok(compiled) = acp_plan::compile(&other.plan) else { continue };
            // A name that is gone by now is loaded by nobody.
            let Ok(admitted) = app.targets.admit_run(&compiled).await else { continue };
            others.push((admitted, current_rate_per_s(other, &compiled)));
        }
    }
    Ok(others)
}

/// The rate that a run was changed to last, or the highest of its plan.
fn current_rate_per_s(run: &RunRecord, compiled: &acp_plan::Plan) -> f64 {
    let changed = run.changes.iter().rev().find_map(|change| match &change.kind {
        ChangeKind::Rate(rate) => parse_rate(rate).ok().map(Rate::per_second),
        ChangeKind::Pause | ChangeKind::Resume => None,
    });
    changed.or_else(|| peak_rate_per_s(compiled)).unwrap_or(0.0)
}

/// A plan to look at: one of the two.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum PlanToCheck {
    /// A document `acp.plan/1`.
    #[schema(value_type = Object)]
    Plan(Map<String, Value>),
    /// The same as TOML.
    Toml(String),
}

/// Agents and cores that a run would get.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct PlacementView {
    /// Agents.
    agents: u32,
    /// Cores in all.
    cores: u32,
    /// Cores that are free on agents that it could use, its own included.
    cores_free: u32,
}

/// What a plan would do.
#[derive(Debug, Default, PartialEq, Serialize, ToSchema)]
pub(super) struct PlanCheck {
    /// Whether it has no problems: it can be saved. Whether it can start now say the checks.
    is_good: bool,
    /// Why not; all that can be found at once.
    problems: Vec<Problem>,
    /// The plan as it was understood, with its defaults; none where it cannot be read.
    #[schema(value_type = Option<Object>)]
    plan: Option<acp_wire::Plan>,
    /// The same plan as TOML, without defaults; empty where it cannot be read.
    toml: String,
    /// `open` or `closed`.
    #[schema(value_type = Option<String>)]
    model: Option<Model>,
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
    /// Seconds and rate per second at the corners of the schedule, with straight lines between them;
    /// the warm-up is at negative seconds. Empty for closed loops.
    schedule: Vec<[f64; 2]>,
    /// Whether it could start now: `target`, `agents`, `ports`, `sockets` and `data`.
    checks: Vec<Check>,
    /// Agents and cores that it would get now; none where it would wait.
    placement: Option<PlacementView>,
}

fn cannot(problem: &Problem) -> String {
    format!("cannot be run: {}", problem.message)
}

/// Says whether a plan can be run here, and what it would do.
#[utoipa::path(
    post, path = "/plans/check", tag = "plans", request_body = PlanToCheck,
    responses((status = 200, description = "what it would do", body = PlanCheck))
)]
pub(super) async fn check(
    _who: As<Planner>,
    State(app): State<Arc<App>>,
    Json(input): Json<Map<String, Value>>,
) -> Answer<Json<PlanCheck>> {
    let input: PlanToCheck = serde_json::from_value(input.into()).map_err(|error| {
        ApiError::bad_request(format!("{error}\nhint: send one of `plan` and `toml`"))
    })?;
    let turn = app.plan_checks.take().await?;
    // The turn ends here: a name that is resolved slowly is in nobody's way.
    let (_, looked) = turn.work(move || look(input)).await?;
    let Looked { plan, mut problems, mut answer } = looked;
    if let Some(plan) = plan {
        describe(&app, &plan, &mut problems, &mut answer).await?;
    }
    answer.is_good = problems.is_empty();
    if let Some(problem) = problems.first() {
        answer.sentence = cannot(problem);
    }
    answer.problems = problems;
    Ok(Json(answer))
}

/// What can be said about a plan without asking anybody.
struct Looked {
    plan: Option<acp_plan::Plan>,
    problems: Vec<Problem>,
    answer: PlanCheck,
}

fn look(input: PlanToCheck) -> Looked {
    let read = match input {
        PlanToCheck::Plan(plan) => problems::read_json(plan),
        PlanToCheck::Toml(text) => plan_text::read(&text),
    };
    let answer = PlanCheck { checks: checks::of_nothing(), ..PlanCheck::default() };
    let document = match read {
        Ok(document) => document,
        Err(problem) => return Looked { plan: None, problems: vec![problem], answer },
    };
    let Survey { plan, problems } = acp_plan::survey(&document);
    let of_plan = |found: acp_plan::Problem| Problem::new(found.place, &found.error.to_string());
    let mut problems: Vec<_> = problems.into_iter().map(of_plan).collect();
    problems.extend(problems::of_rules(&document.stop));
    // It could be run, and not be saved.
    problems.extend(name_of(&document).err().map(|error| Problem::of("name", error)));
    let answer = PlanCheck {
        toml: plan_text::write(&document),
        model: Some(document.load.model),
        plan: Some(document),
        ..answer
    };
    Looked { plan, problems, answer }
}

/// What a plan comes to, as far as its fields with problems do not matter for it.
async fn describe(
    app: &App,
    plan: &acp_plan::Plan,
    problems: &mut Vec<Problem>,
    answer: &mut PlanCheck,
) -> Answer<()> {
    let is_good = |fields: &[&str]| {
        !problems.iter().any(|problem| fields.iter().any(|field| problem.place.starts_with(field)))
    };
    let has_schedule = is_good(&SCHEDULE);
    let has_size = has_schedule && is_good(&["load.connections"]);
    let target = look_at_target(app, plan, has_schedule, problems).await?;
    let outlook = if has_size { Some(Outlook::of(app, plan).await?) } else { None };
    let crew = outlook.as_ref().and_then(|outlook| outlook.crew);
    let placements = outlook.as_ref().and_then(Outlook::placements);
    if has_schedule {
        answer.slots = preview::slots(plan);
        answer.peak_rate_per_s = peak_rate_per_s(plan);
        answer.duration_us = plan.duration_ns().map(|ns| ns / 1_000);
        answer.schedule = preview::schedule(plan);
        answer.warmup_us = plan.warmup_ns / 1_000;
    }
    answer.sentence = preview::sentence(plan, crew);
    answer.placement = crew.zip(outlook.as_ref()).map(|(crew, outlook)| PlacementView {
        agents: crew.agents,
        cores: crew.cores,
        cores_free: outlook.preview.cores_free,
    });
    answer.checks = vec![target.check, checks::agents(outlook.as_ref())];
    if has_size {
        answer.checks.push(limits::ports(plan, target.addresses, placements));
        answer.checks.push(limits::sockets(plan, placements));
    } else {
        let text = "the schedule and the connections have to be good first";
        let unknown = |name| Check::new(name, CheckState::Unknown, text);
        answer.checks.extend(["ports", "sockets"].map(unknown));
    }
    answer.checks.push(checks::data(plan, problems));
    Ok(())
}

/// What is known of a target.
struct Target {
    check: Check,
    /// Addresses that connections are spread over.
    addresses: usize,
}

/// Whether the target may be loaded. What is wrong with it whatever else runs is a problem of the plan.
async fn look_at_target(
    app: &App,
    plan: &acp_plan::Plan,
    has_schedule: bool,
    problems: &mut Vec<Problem>,
) -> Answer<Target> {
    let addresses = plan.endpoints.len();
    if let Some(bad) = problems.iter().find(|problem| problem.place.starts_with("target")) {
        return Ok(Target { check: checks::target(plan, TargetCheck::Bad(bad)), addresses });
    }
    let admitted = match app.targets.admit(plan).await {
        Ok(admitted) => admitted,
        Err(error) => return Ok(refused(error, plan, problems)),
    };
    let addresses = admitted.addresses().iter().collect::<BTreeSet<_>>().len();
    let peak = peak_rate_per_s(plan);
    if has_schedule && let Err(error) = app.targets.check_rate(&admitted, peak, &[]) {
        return Ok(refused(error, plan, problems));
    }
    let others = rates_of_others(app, &admitted, "").await?;
    let busy = app.targets.check_rate(&admitted, peak, &others);
    let check = match busy.err().filter(|_| has_schedule) {
        Some(error) => TargetCheck::Busy(error.into()),
        None => TargetCheck::Good(&admitted, app.targets.room(&admitted, &others)),
    };
    Ok(Target { check: checks::target(plan, check), addresses })
}

fn refused(error: TargetError, plan: &acp_plan::Plan, problems: &mut Vec<Problem>) -> Target {
    let problem = Problem::of(problems::place_of_target(&error, plan), error.into());
    let check = checks::target(plan, TargetCheck::Bad(&problem));
    problems.push(problem);
    Target { check, addresses: plan.endpoints.len() }
}
