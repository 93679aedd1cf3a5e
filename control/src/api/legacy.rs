//! The paths of ACP 1.0, for scripts that exist.
//!
//! Parameters come in the query, in a form or in JSON. Every answer has status 200 and is
//! `{"code":"true","res":…,"desc":""}`, or `{"code":"false","res":"","desc":why}`.
//!
//! A task of ACP 1.0 ran until it was stopped: here it is a task and its run, an open loop of `qps`
//! requests a second in all, that ends by itself after a day. Its `taskid` is the id of the run.
//! With a `source` other than `url`, `query_path` is a file of requests on the agents' hosts; without,
//! it is the path of the request.

use super::app::{App, Caller};
use super::caller::{As, Operator, Viewer};
use super::error::{Answer, ApiError};
use super::plans::check_plan;
use super::runs::{ACTIVE, find, start_task};
use super::states::{is_final, state_name};
use super::steer::{change_rate, stop_run};
use super::tasks::new_task;
use crate::store::{Page, RunFilter, RunRecord};
use acp_wire::plan::{Format, Source};
use axum::Json;
use axum::body::to_bytes;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::header;
use axum::routing::{MethodFilter, on};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

const BODY_BYTES_MAX: usize = 64 << 10;
const RUNS_MAX: u32 = 200;
/// Tags under which a plan remembers what ACP 1.0 was given.
const GIVEN: [&str; 6] = ["target", "qps", "source", "query_path", "query_type", "option"];

#[derive(Debug, Serialize)]
struct LegacyAnswer {
    code: &'static str,
    res: Value,
    desc: String,
}

impl LegacyAnswer {
    fn of(result: Answer<Value>) -> Json<Self> {
        Json(match result {
            Ok(res) => Self { code: "true", res, desc: String::new() },
            Err(error) => Self { code: "false", res: json!(""), desc: error.message },
        })
    }
}

/// Parameters of a request, wherever they are.
struct Parameters(BTreeMap<String, String>);

impl Parameters {
    fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", |value| value.trim())
    }

    fn need(&self, name: &str) -> Answer<&str> {
        match self.get(name) {
            "" => Err(ApiError::bad_request(format!("parameter `{name}` is missing"))),
            value => Ok(value),
        }
    }
}

async fn parameters(request: Request) -> Answer<Parameters> {
    let pairs = |text: &str| -> Answer<BTreeMap<String, String>> {
        let uri =
            format!("/?{text}").parse().map_err(|_| ApiError::bad_request("bad parameters"))?;
        let found = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(&uri);
        let found = found.map_err(|error| ApiError::bad_request(error.body_text()))?;
        Ok(found.0.into_iter().collect())
    };
    let mut found = pairs(request.uri().query().unwrap_or_default())?;
    let kind = request.headers().get(header::CONTENT_TYPE);
    let is_json = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    let body = to_bytes(request.into_body(), BODY_BYTES_MAX).await;
    let body = body.map_err(|_| ApiError::bad_request("the body is too large, or broken"))?;
    let text =
        std::str::from_utf8(&body).map_err(|_| ApiError::bad_request("the body is not text"))?;
    // Scripts of old sent JSON without saying so.
    if is_json || text.trim_start().starts_with('{') {
        let object: Map<String, Value> = serde_json::from_str(text)
            .map_err(|error| ApiError::bad_request(format!("bad JSON: {error}")))?;
        found.extend(object.into_iter().map(|(name, value)| match value {
            Value::String(text) => (name, text),
            other => (name, other.to_string()),
        }));
    } else if !text.trim().is_empty() {
        found.extend(pairs(text.trim())?);
    }
    Ok(Parameters(found))
}

/// Runs one of the paths: the caller's role, the parameters, then `work`.
async fn answer<N, Work, Done>(app: Arc<App>, request: Request, work: Work) -> Json<LegacyAnswer>
where
    N: super::caller::Need,
    Work: FnOnce(Arc<App>, Caller, Parameters) -> Done,
    Done: Future<Output = Answer<Value>>,
{
    let result = async {
        let (mut parts, body) = request.into_parts();
        let who = As::<N>::from_request_parts(&mut parts, &app).await?;
        let given = parameters(Request::from_parts(parts, body)).await?;
        work(Arc::clone(&app), who.0, given).await
    };
    LegacyAnswer::of(result.await)
}

/// Routes of ACP 1.0.
pub(super) fn router() -> axum::Router<Arc<App>> {
    let both = MethodFilter::GET.or(MethodFilter::POST);
    macro_rules! path {
        ($need:ty, $work:expr) => {
            on(both, |State(app): State<Arc<App>>, request: Request| {
                answer::<$need, _, _>(app, request, $work)
            })
        };
    }
    axum::Router::new()
        .route("/create", path!(Operator, create))
        .route("/stop", path!(Operator, stop))
        .route("/change", path!(Operator, change))
        .route("/queryTask", path!(Viewer, query_task))
        .route("/queryTaskAgent", path!(Viewer, query_task_agent))
        .route("/taskList", path!(Viewer, task_list))
        .route("/resource", path!(Viewer, resource))
        .route("/queryList", path!(Viewer, query_list))
}

async fn create(app: Arc<App>, who: Caller, given: Parameters) -> Answer<Value> {
    let plan = plan(&given)?;
    check_plan(&app, &plan).await?;
    let task = new_task(&app, plan, &who.identity.name)?;
    app.store.create_task(&task).await?;
    app.audit(&who, "task.create", &task.id, &task.name).await;
    Ok(task_value(&start_task(&app, &who, task).await?))
}

/// The plan that the parameters of ACP 1.0 ask for.
fn plan(given: &Parameters) -> Answer<acp_wire::Plan> {
    let (target, qps) = (given.need("target")?, given.need("qps")?);
    let mut plan = acp_wire::Plan {
        schema: acp_wire::PLAN_SCHEMA.into(),
        name: format!("{target} at {qps}"),
        ..acp_wire::Plan::default()
    };
    plan.target.url = target.into();
    plan.load.model = acp_wire::plan::Model::Open;
    plan.load.rate = Some(qps.into());
    plan.load.duration = Some("24h".into());
    let query_path = given.get("query_path");
    match (given.get("source"), query_path) {
        (_, "") => {}
        ("" | "url", path) => plan.request.path = Some(path.into()),
        (_, file) => {
            let format = match given.get("query_type") {
                "path" => Format::Path,
                "line" => Format::Line,
                "jsonl" => Format::Jsonl,
                _ => Format::Auto,
            };
            plan.source = Some(Source { file: Some(file.into()), format, ..Source::default() });
        }
    }
    plan.tags = GIVEN
        .iter()
        .filter(|name| !given.get(name).is_empty())
        .map(|name| (format!("acp1.{name}"), given.get(name).to_owned()))
        .collect();
    Ok(plan)
}

async fn stop(app: Arc<App>, who: Caller, given: Parameters) -> Answer<Value> {
    stop_run(&app, &who, given.need("taskid")?).await?;
    Ok(json!(""))
}

async fn change(app: Arc<App>, who: Caller, given: Parameters) -> Answer<Value> {
    change_rate(&app, &who, given.need("taskid")?, given.need("qps")?.into()).await?;
    Ok(json!(""))
}

async fn query_task(app: Arc<App>, _who: Caller, given: Parameters) -> Answer<Value> {
    Ok(task_value(&find(&app, given.need("taskid")?).await?))
}

async fn query_task_agent(app: Arc<App>, _who: Caller, given: Parameters) -> Answer<Value> {
    let run = find(&app, given.need("taskid")?).await?;
    agents_of(&app, &run).await
}

async fn task_list(app: Arc<App>, _who: Caller, _given: Parameters) -> Answer<Value> {
    let filter = RunFilter { task: None, states: ACTIVE.to_vec() };
    let (runs, _) = app.store.runs(&filter, Page { offset: 0, limit: RUNS_MAX }).await?;
    let mut tasks = Vec::new();
    for run in &runs {
        let mut task = task_value(run);
        task["agentList"] = agents_of(&app, run).await?;
        tasks.push(task);
    }
    Ok(Value::Array(tasks))
}

async fn resource(app: Arc<App>, _who: Caller, _given: Parameters) -> Answer<Value> {
    let membership = Arc::clone(&app.coord.membership().borrow());
    let said = app.statuses.all();
    let hosts = membership.agents.values().map(|info| {
        let status = said.get(&info.agent).map(|said| &said.status);
        let parts = status.map_or(&[][..], |status| &status.parts);
        let parts: Vec<_> = parts.iter().map(|part| json!({ "agent_id": part.part })).collect();
        json!({
            "host": info.host,
            "agent": info.agent,
            "resource_num": info.cores,
            "resource_free": status.map(|status| status.cores_free),
            "query": "",
            "agentList": parts,
        })
    });
    Ok(Value::Array(hosts.collect()))
}

/// No data sets are kept here: requests come from files of the agents' hosts.
async fn query_list(_app: Arc<App>, _who: Caller, _given: Parameters) -> Answer<Value> {
    Ok(json!([]))
}

fn task_value(run: &RunRecord) -> Value {
    let mut task = json!({
        "taskid": run.id,
        "task_id": run.id,
        "status": if is_final(run.state) { "stop" } else { "start" },
        "state": state_name(run.state),
    });
    for name in GIVEN {
        let value = run.plan.tags.get(&format!("acp1.{name}")).cloned();
        task[name] = Value::String(value.unwrap_or_default());
    }
    let mut rates = run.changes.iter().filter_map(|change| match &change.kind {
        acp_wire::agent::ChangeKind::Rate(rate) => Some(rate),
        _ => None,
    });
    if let Some(rate) = rates.next_back() {
        task["qps"] = Value::String(rate.clone());
    }
    task
}

async fn agents_of(app: &App, run: &RunRecord) -> Answer<Value> {
    let parts = app.store.parts(&run.id).await?;
    let registered = Arc::clone(&app.coord.membership().borrow());
    let agents = parts.into_iter().map(|part| {
        json!({
            "task_id": run.id,
            "agent_id": part.part,
            "host": part.agent,
            "resource_num": part.cores,
            "status": part.state,
            "heartbeat": part.lost_at_us.is_none() && registered.agents.contains_key(&part.agent),
        })
    });
    Ok(Value::Array(agents.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(pairs: &[(&str, &str)]) -> Parameters {
        Parameters(pairs.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect())
    }

    #[test]
    fn parameters_become_a_plan() {
        let base = [("target", "127.0.0.1:8080"), ("qps", "500")];
        for (what, more, path, file) in [
            ("no path", &[][..], None, None),
            ("a path", &[("query_path", "/a?b=1")], Some("/a?b=1"), None),
            ("a path, said so", &[("query_path", "/a"), ("source", "url")], Some("/a"), None),
            ("a file", &[("query_path", "/q.txt"), ("source", "local")], None, Some("/q.txt")),
            ("blanks", &[("query_path", " "), ("source", "local")], None, None),
        ] {
            let pairs: Vec<_> = base.iter().chain(more).copied().collect();
            let plan = plan(&given(&pairs)).unwrap();
            assert_eq!(plan.load.rate.as_deref(), Some("500"), "{what}");
            assert_eq!(plan.request.path.as_deref(), path, "{what}");
            let found = plan.source.as_ref().and_then(|source| source.file.as_deref());
            assert_eq!(found, file, "{what}");
            assert_eq!(plan.tags["acp1.qps"], "500", "{what}");
            assert!(acp_plan::compile(&plan).is_ok(), "{what}");
        }
        for missing in
            [&[][..], &[("target", "a")], &[("qps", "1")], &[("target", ""), ("qps", "1")]]
        {
            assert!(plan(&given(missing)).is_err(), "{missing:?}");
        }
    }
}
