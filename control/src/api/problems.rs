//! What is wrong with a plan: all of it that can be found at once, each with the field it belongs to.

use super::error::ApiError;
use crate::auth::TargetError;
use acp_plan::PROBLEMS_MAX;
use acp_report::rules::{RuleError, parse_abort, parse_slo};
use acp_wire::Plan;
use acp_wire::plan::Stop;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// What headers look like: the library says only that they do not.
const HEADERS_HINT: &str = "write {\"name\": \"value\"}, or [[\"name\", \"value\"], …]";

/// Why a plan cannot be run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Problem {
    /// A sentence.
    pub(super) message: String,
    /// What to do; may be empty.
    pub(super) hint: String,
    /// The field it belongs to (`load.rate`, `stop.slo[0]`), `toml:LINE:COLUMN` of a text that cannot
    /// be read, or empty.
    pub(super) place: String,
}

impl Problem {
    /// A problem from a text that may have a hint in a line of its own.
    pub(super) fn new(place: impl Into<String>, text: &str) -> Self {
        let (message, hint) = text.split_once("\nhint: ").unwrap_or((text, ""));
        Self { message: message.trim_end().into(), hint: hint.into(), place: place.into() }
    }

    /// As in the answer to a plan that is saved.
    pub(super) fn of(place: impl Into<String>, error: ApiError) -> Self {
        Self { message: error.message, hint: error.hint, place: place.into() }
    }
}

/// Reads a plan.
///
/// # Errors
///
/// The first thing that is wrong, with the field that it is found in.
pub(super) fn read_json(plan: Map<String, Value>) -> Result<Plan, Problem> {
    serde_path_to_error::deserialize(Value::Object(plan)).map_err(|error| {
        let path = error.path().to_string();
        let place = if path == "." { String::new() } else { path };
        let hint = if place == "request.headers" { HEADERS_HINT } else { "" };
        Problem { message: error.into_inner().to_string(), hint: hint.into(), place }
    })
}

/// Every goal and limit that is none, up to as many as the compiler finds.
pub(super) fn of_rules(stop: &Stop) -> Vec<Problem> {
    let problem = |list: &str, number: usize, error: &RuleError| {
        Problem::new(format!("stop.{list}[{number}]"), &error.to_string())
    };
    let limits = stop.abort_on.iter().enumerate().filter_map(|(number, limit)| {
        parse_abort(limit).err().map(|error| problem("abort_on", number, &error))
    });
    let goals = stop.slo.iter().enumerate().filter_map(|(number, goal)| {
        parse_slo(goal).err().map(|error| problem("slo", number, &error))
    });
    limits.chain(goals).take(PROBLEMS_MAX).collect()
}

/// The field that a target which must not be loaded, or not so fast, stands in.
pub(super) fn place_of_target(error: &TargetError, plan: &acp_plan::Plan) -> String {
    let load = &plan.document.load;
    let name = match error {
        // It is in control's settings.
        TargetError::BadRule { .. } => return String::new(),
        TargetError::NoRate(_) => return "load.model".into(),
        TargetError::AboveCeiling { .. } if load.profile.is_some() => return "load.profile".into(),
        TargetError::AboveCeiling { .. } => return "load.rate".into(),
        TargetError::NotAllowed(name)
        | TargetError::Resolves { name, .. }
        | TargetError::Unresolved { name, .. } => name,
    };
    let is_it = |endpoint: &acp_plan::Endpoint| {
        // A name that cannot be resolved is told without its port.
        let host = endpoint.host.trim_end_matches('.');
        endpoint.to_string() == *name || host.eq_ignore_ascii_case(name)
    };
    let number = plan.endpoints.iter().position(is_it);
    match (plan.document.target.connect_to.is_empty(), number) {
        (true, _) => "target.url".into(),
        (false, None) => "target.connect_to".into(),
        (false, Some(number)) => format!("target.connect_to[{number}]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_cannot_be_read_has_a_place() {
        let check = |plan: Value, place: &str, part: &str| {
            let Value::Object(fields) = plan else { panic!("{plan} is no object") };
            let problem = read_json(fields.clone()).unwrap_err();
            assert_eq!(problem.place, place, "{fields:?}: {problem:?}");
            assert!(problem.message.contains(part), "{fields:?}: {problem:?}");
            let is_headers = place == "request.headers";
            assert_eq!(problem.hint.contains("[[\"name\""), is_headers, "{problem:?}");
        };
        let with = |name: &str, value: Value| {
            let mut plan = json!({ "schema": "acp.plan/1", "target": { "url": "http://a/" } });
            plan[name] = value;
            plan
        };
        check(json!({}), "", "missing field `schema`");
        check(json!({ "schema": "x" }), "", "missing field `target`");
        check(json!({ "schema": "x", "target": {} }), "target", "missing field `url`");
        check(with("nmae", json!("x")), "nmae", "unknown field `nmae`");
        check(with("load", json!({ "raet": "5" })), "load.raet", "unknown field `raet`");
        check(with("load", json!({ "rate": 5 })), "load.rate", "expected a string");
        check(with("load", json!({ "connections": -1 })), "load.connections", "-1");
        check(with("load", json!({ "model": "o" })), "load.model", "unknown variant `o`");
        check(with("stop", json!({ "slo": ["p99<1s", 5] })), "stop.slo[1]", "expected a string");
        check(with("request", json!({ "headers": 5 })), "request.headers", "Headers");
        check(with("agents", json!(5)), "agents", "invalid type");
    }

    #[test]
    fn every_bad_rule_is_told() {
        let stop = Stop {
            slo: ["p99<1s", "p99", "errors<x%"].map(String::from).into(),
            abort_on: ["errors>5%", "errors>5% over 10s"].map(String::from).into(),
        };
        let found = of_rules(&stop);
        let places: Vec<_> = found.iter().map(|problem| problem.place.as_str()).collect();
        assert_eq!(places, ["stop.abort_on[0]", "stop.slo[1]", "stop.slo[2]"]);
        assert!(found.iter().all(|problem| problem.hint.contains("p99")), "{found:?}");
        assert_eq!(of_rules(&Stop::default()), []);
        let many = Stop { slo: vec!["p99".into(); 100_000], abort_on: vec!["x".into(); 3] };
        let found = of_rules(&many);
        assert_eq!(found.len(), PROBLEMS_MAX, "more than anybody reads");
        assert_eq!(found[3].place, "stop.slo[0]");
    }

    #[test]
    fn every_error_of_a_target_has_its_place() {
        let check = |error: TargetError, connect_to: &[&str], profile: bool, place: &str| {
            let mut plan: Plan = serde_json::from_value(
                json!({ "schema": "acp.plan/1", "target": { "url": "http://A.example./" } }),
            )
            .unwrap();
            plan.target.connect_to = connect_to.iter().map(ToString::to_string).collect();
            plan.load.model = acp_wire::plan::Model::Open;
            plan.load.rate = (!profile).then(|| "5".into());
            plan.load.profile = profile.then(|| "const(5,1s)".into());
            let plan = acp_plan::compile(&plan).unwrap();
            assert_eq!(place_of_target(&error, &plan), place, "{error}");
        };
        let name = || "[::1]:80".to_owned();
        let address = "127.0.0.1".parse().unwrap();
        let two = &["10.0.0.1:80", "[::1]:80"];
        let bad = TargetError::BadRule { rule: String::new(), why: String::new() };
        check(bad, &[], false, "");
        check(TargetError::NotAllowed("A.example.:80".into()), &[], false, "target.url");
        check(TargetError::NotAllowed(name()), two, false, "target.connect_to[1]");
        check(TargetError::NotAllowed("x:1".into()), two, false, "target.connect_to");
        check(TargetError::Resolves { name: name(), address }, two, false, "target.connect_to[1]");
        let unresolved =
            |name: &str| TargetError::Unresolved { name: name.into(), why: String::new() };
        check(unresolved("a.example"), &[], false, "target.url");
        check(unresolved("b"), &["10.0.0.1", "B.:80"], false, "target.connect_to[1]");
        let above = || TargetError::AboveCeiling {
            rule: String::new(),
            asked: 2.0,
            others: 0.0,
            limit: 1.0,
        };
        check(above(), &[], false, "load.rate");
        check(above(), &[], true, "load.profile");
        check(TargetError::NoRate(String::new()), &[], false, "load.model");
    }
}
