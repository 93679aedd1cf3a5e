//! Rows that are made, as the lines of a source.

use super::batch::Maker;
use super::tests::{Process, plan, tally, whole};
use super::{Place, Source, explain};
use crate::plan::Plan;
use crate::record::TagNames;
use acp_wire::agent::Share;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;

/// An open loop whose rows are made.
fn made(template: &str, rows: u64, change: impl FnOnce(&mut Value)) -> Arc<Plan> {
    plan(Path::new(""), |plan| {
        plan["source"] = json!({ "generate": { "template": template, "rows": rows } });
        change(plan);
    })
}

#[test]
fn rows_that_are_made_are_lines() {
    let set = |name: &'static str, value: &'static str| {
        move |plan: &mut Value| plan["source"][name] = json!(value)
    };
    let seq = made("/{{row}}", 7, |_| ());
    let expect: Vec<_> = (0..20).map(|slot| format!("/{}", slot % 7)).collect();
    assert_eq!(Process::start(&seq, whole(), 3).paths(20), expect);
    let shuffled = made("/{{row}}", 500, set("order", "shuffle"));
    let found = Process::start(&shuffled, whole(), 3).paths(1000);
    for pass in found.chunks(500) {
        assert_eq!(tally(pass.iter().cloned()).len(), 500, "each once a pass");
    }
    let random = made("/{{row}}", 500, set("order", "random"));
    let all = Process::start(&random, whole(), 1).paths(1000);
    let even = Process::start(&random, Share { stride: 2, ..whole() }, 2).paths(500);
    assert!(even.iter().eq(all.iter().step_by(2)), "whoever sends a slot sends the same");
    for agents in [2, 3] {
        let mut all = Vec::new();
        for offset in 0..agents {
            let plan = made("/{{key}}", 600, set("partition", "agent"));
            let share = Share { offset, stride: agents, ..whole() };
            all.extend(Process::start(&plan, share, 2).paths(600 / agents));
        }
        assert_eq!(tally(all).len(), 600, "each key once over {agents} agents");
    }
}

#[test]
fn rows_may_be_lines_objects_and_values() {
    let of = |template: &str, request: Value| {
        let plan = made(template, 3, |plan| plan["request"] = request);
        let mut process = Process::start(&plan, whole(), 1);
        process.give(0, 1).unwrap()
    };
    assert_eq!(of("GET /a/{{row}}", json!({})), ("/a/1".into(), None));
    let object = of("{\"path\":\"/b/{{row}}\",\"tag\":\"t{{row}}\"}", json!({}));
    assert_eq!(object, ("/b/1".into(), Some("t1".into())));
    let value = of("{{row}}x", json!({ "path": "/v?{{line}}&{{line}}" }));
    assert_eq!(value, ("/v?1x&1x".into(), None));
    // Of a blank value and of one that looks like a comment there is a request too.
    let blank = of("#{{row}}", json!({ "path": "/v?{{line}}" }));
    assert_eq!(blank, ("/v?#1".into(), None));
}

#[test]
fn rows_that_are_no_requests_are_refused_before_the_start() {
    for (template, part) in [
        ("{\"paht\":\"/{{row}}\"}", "source.generate: row 0: bad JSON: unknown field `paht`"),
        ("{\"path\":\"/{{row}}\"", "row 0: bad JSON"),
        ("{\"path\":\"/ {{row}}\"}", "row 0: bad path `/ 0`"),
    ] {
        let plan = made(template, 10, |_| ());
        let maker = Maker::new(plan.template.as_ref().unwrap(), &TagNames::default(), 1, false);
        let Err(error) = Source::open(&plan, &maker, &|| false) else { panic!("{template}") };
        assert!(error.to_string().contains(part), "{template}: {error}");
    }
    let columns = json!([{ "name": "a", "kind": "file", "file": "/no/such" }]);
    let plan = made("/{{a}}", 1, |plan| plan["source"]["generate"]["columns"] = columns);
    let maker = Maker::new(plan.template.as_ref().unwrap(), &TagNames::default(), 1, false);
    let Err(error) = Source::open(&plan, &maker, &|| false) else { panic!("no such file") };
    assert!(error.to_string().contains("failed to read `/no/such`"), "{error}");
}

#[test]
fn rows_are_explained_as_they_are_sent() {
    let plan = made("/{{key}}/{{uuid}}", 50, |plan| plan["source"]["order"] = json!("shuffle"));
    let mut process = Process::start(&plan, whole(), 2);
    for slot in 0..60_u64 {
        let explained = explain(slot, &whole(), &process.parts).unwrap();
        assert!(matches!(explained.line, Some(Place::Row(0..50))), "{:?}", explained.line);
        let path = process.path(usize::try_from(slot % 2).unwrap(), slot / 2);
        let bytes = explained.bytes.unwrap();
        assert!(bytes.starts_with(format!("GET {path} ").as_bytes()), "slot {slot}: {path}");
    }
}
