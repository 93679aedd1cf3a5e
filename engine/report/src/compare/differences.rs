//! Where runs differ in what was asked of them and in what they ran on.

use crate::duration;
use acp_wire::{Plan, Report};
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Characters of a value that are shown: a body of a request can be a megabyte.
const TEXT_MAX: usize = 300;

/// Something that is not the same in all runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Differing {
    /// Where it is in the plan, `load.rate`, or what it is of the environment, `kernel`.
    pub name: String,
    /// One for each run; none where a run does not have it. Long ones are cut off.
    pub values: Vec<Option<String>>,
}

/// Fields of the plans that differ, by name.
pub(super) fn of_plans(reports: &[&Report]) -> Vec<Differing> {
    let fields: Vec<_> = reports.iter().map(|report| fields(&report.plan)).collect();
    let names: BTreeSet<_> = fields.iter().flat_map(BTreeMap::keys).collect();
    let row = |name: &String| row(name, fields.iter().map(|fields| fields.get(name).cloned()));
    names.into_iter().filter_map(row).collect()
}

/// What differs around the runs.
pub(super) fn of_environments(reports: &[&Report]) -> Vec<Differing> {
    type Of = fn(&Report) -> Option<String>;
    let rows: [(&str, Of); 8] = [
        ("version", |report| text(&report.run.version)),
        ("driver", |report| text(&report.run.driver)),
        ("kernel", |report| text(&report.run.kernel)),
        ("host", |report| text(&report.run.host)),
        ("shards", |report| Some(report.run.shards.to_string())),
        ("agents", agents),
        ("cpus", cpus),
        ("warmup", |report| Some(duration(report.run.warmup_us as f64 * 1e3))),
    ];
    rows.into_iter()
        .filter_map(|(name, of)| row(name, reports.iter().map(|report| of(report))))
        .collect()
}

fn row(name: &str, values: impl Iterator<Item = Option<String>>) -> Option<Differing> {
    let values: Vec<_> = values.collect();
    let differs = values.windows(2).any(|pair| pair[0] != pair[1]);
    let shown = || values.into_iter().map(|value| value.map(shorten)).collect();
    differs.then(|| Differing { name: name.into(), values: shown() })
}

fn shorten(value: String) -> String {
    match value.char_indices().nth(TEXT_MAX) {
        Some((end, _)) => format!("{}… ({} bytes)", &value[..end], value.len()),
        None => value,
    }
}

fn text(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.into())
}

/// How many agents; none on a single machine.
fn agents(report: &Report) -> Option<String> {
    let names: BTreeSet<_> = report.agents.iter().map(|part| &part.agent).collect();
    (!names.is_empty()).then(|| names.len().to_string())
}

/// Which CPUs shards were pinned to, or how many on all agents; none where they were not.
fn cpus(report: &Report) -> Option<String> {
    let pinned: usize = report.agents.iter().map(|part| part.cpus.len()).sum();
    match (report.run.cpus.as_slice(), pinned) {
        ([], 0) => None,
        ([], pinned) => Some(format!("{pinned} in all")),
        (cpus, _) => Some(cpus.iter().map(u32::to_string).collect::<Vec<_>>().join(", ")),
    }
}

/// Every field of a plan that has a value: `load.rate`, `stop.slo[0]`.
fn fields(plan: &Plan) -> BTreeMap<String, String> {
    let mut fields = BTreeMap::new();
    // A plan is plain data: it always is a document.
    let document = serde_json::to_value(plan).unwrap_or_default();
    flatten(String::new(), &document, &mut fields);
    fields
}

fn flatten(name: String, value: &Value, fields: &mut BTreeMap<String, String>) {
    match value {
        Value::Null => {}
        Value::Object(table) => {
            for (key, value) in table {
                let dot = if name.is_empty() { "" } else { "." };
                flatten(format!("{name}{dot}{key}"), value, fields);
            }
        }
        Value::Array(values) => {
            for (place, value) in values.iter().enumerate() {
                flatten(format!("{name}[{place}]"), value, fields);
            }
        }
        Value::String(text) => drop(fields.insert(name, text.clone())),
        Value::Bool(_) | Value::Number(_) => drop(fields.insert(name, value.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use acp_wire::agent::AgentReport;
    use acp_wire::plan::{Agents, Headers, Model};

    fn check(what: &str, rows: &[Differing], expect: &[(&str, [Option<&str>; 2])]) {
        let found: Vec<_> = rows
            .iter()
            .map(|row| (row.name.as_str(), [row.values[0].as_deref(), row.values[1].as_deref()]))
            .collect();
        assert_eq!(found, expect, "{what}");
    }

    #[test]
    fn fields_of_plans_that_differ_are_named() {
        let mut a = Plan { name: "checkout".into(), ..Plan::default() };
        a.target.url = "http://127.0.0.1/".into();
        let with = |edit: fn(&mut Plan)| {
            let mut plan = a.clone();
            edit(&mut plan);
            Report { plan, ..Report::default() }
        };
        let base = with(|_| {});
        type Case = (fn(&mut Plan), &'static [(&'static str, [Option<&'static str>; 2])]);
        let cases: [Case; 8] = [
            (|_| {}, &[]),
            (|plan| plan.name = String::new(), &[("name", [Some("checkout"), Some("")])]),
            (
                |plan| plan.target.url = "http://b/".into(),
                &[("target.url", [Some("http://127.0.0.1/"), Some("http://b/")])],
            ),
            (|plan| plan.load.rate = Some("10k".into()), &[("load.rate", [None, Some("10k")])]),
            (
                |plan| plan.load.model = Model::Open,
                &[("load.model", [Some("closed"), Some("open")])],
            ),
            (
                |plan| drop(plan.tags.insert("build".into(), "7".into())),
                &[("tags.build", [None, Some("7")])],
            ),
            (
                |plan| {
                    plan.stop.slo = vec!["p99<1s".into()];
                    plan.request.headers = Headers::List(vec![("a".into(), "b".into())]);
                },
                &[
                    ("request.headers[0][0]", [None, Some("a")]),
                    ("request.headers[0][1]", [None, Some("b")]),
                    ("stop.slo[0]", [None, Some("p99<1s")]),
                ],
            ),
            (
                |plan| plan.agents = Some(Agents { cores: 4, ..Agents::default() }),
                &[
                    ("agents.cores", [None, Some("4")]),
                    ("agents.on_loss", [None, Some("reassign")]),
                    ("agents.per_agent_max", [None, Some("0")]),
                ],
            ),
        ];
        for (edit, expect) in cases {
            check("plans", &of_plans(&[&base, &with(edit)]), expect);
        }
    }

    #[test]
    fn long_texts_are_cut_after_they_were_compared() {
        let with = |end: &str| {
            let mut report = Report::default();
            report.plan.request.body = Some("é".repeat(400) + end);
            report
        };
        let rows = of_plans(&[&with("a"), &with("b")]);
        assert_eq!((rows.len(), rows[0].name.as_str()), (1, "request.body"));
        let expect = "é".repeat(TEXT_MAX) + "… (801 bytes)";
        assert_eq!(rows[0].values, [Some(expect.clone()), Some(expect)]);
        assert_eq!(of_plans(&[&with("a"), &with("a")]), []);
    }

    #[test]
    fn environments_that_differ_are_named() {
        let with = |edit: fn(&mut Report)| {
            let mut report = Report::default();
            report.run.kernel = "6.8".into();
            edit(&mut report);
            report
        };
        let base = with(|_| {});
        let part = |agent: &str| AgentReport {
            agent: agent.into(),
            part: String::new(),
            share: None,
            state: String::new(),
            books: acp_wire::Books::default(),
            cpus: vec![0, 1],
            driver: String::new(),
            send_lag_p99_ns: 0,
            busy_ratio: 0.0,
            clock_offset_us: None,
            text: String::new(),
        };
        let environments = |report: &Report| of_environments(&[&base, report]);
        check("the same", &environments(&base), &[]);
        let kernel = with(|report| report.run.kernel = "6.9".into());
        check("kernel", &environments(&kernel), &[("kernel", [Some("6.8"), Some("6.9")])]);
        let warmup = with(|report| report.run.warmup_us = 2_000_000);
        let expect = [("warmup", [Some("0 ns"), Some("2.00 s")])];
        check("warm-up", &environments(&warmup), &expect);
        let pinned = with(|report| report.run.cpus = vec![2, 3]);
        check("pinned", &environments(&pinned), &[("cpus", [None, Some("2, 3")])]);
        let agents = Report { agents: ["x", "y", "x"].map(part).into(), ..base.clone() };
        let expect = [("agents", [None, Some("2")]), ("cpus", [None, Some("6 in all")])];
        check("agents", &environments(&agents), &expect);
    }
}
