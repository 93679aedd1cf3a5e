//! A plan as TOML: what a person edits beside the form.
//!
//! What is written is read again as the same plan, here and by `acp bench --plan`. Values that a plan
//! has anyway are left out, so that the text stays short.

use super::problems::Problem;
use acp_wire::Plan;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use toml::de::DeTable;

/// A plan with what every field has that is left out.
const PLAIN: &str = r#"{"schema":"","target":{"url":""},"agents":{}}"#;
/// What a plan does not have by itself.
const REQUIRED: [&str; 2] = ["schema", "target"];

/// Reads a plan.
///
/// # Errors
///
/// The first thing that is wrong, with its line and column.
pub(super) fn read(text: &str) -> Result<Plan, Problem> {
    toml::from_str(text).map_err(|found| {
        // Of a text that is no TOML the library tells an error that may only follow from another.
        let (_, errors) = DeTable::parse_recoverable(text);
        let error = errors.into_iter().min_by_key(start).unwrap_or(found);
        Problem::new(place(text, start(&error)), error.message())
    })
}

/// The byte that an error is about.
fn start(error: &toml::de::Error) -> usize {
    error.span().map_or(0, |span| span.start)
}

/// Writes a plan.
///
/// # Panics
///
/// Never: a plan has only string keys and whole numbers.
#[expect(clippy::expect_used, reason = "a plan has only string keys and whole numbers")]
pub(super) fn write(plan: &Plan) -> String {
    let plain: Plan = serde_json::from_str(PLAIN).expect("it has every field that must be there");
    let mut plain = tree(&plain);
    if let Tree::Table(Table(fields)) = &mut plain {
        fields.retain(|(name, _)| !REQUIRED.contains(&name.as_str()));
    }
    let mut tree = tree(plan);
    tree.leave_out(&plain);
    toml::to_string(&tree).expect("it has only tables, lists, texts and whole numbers")
}

#[expect(clippy::expect_used, reason = "a plan has only string keys and whole numbers")]
fn tree(plan: &Plan) -> Tree {
    let text = serde_json::to_string(plan).expect("a plan is valid JSON");
    serde_json::from_str(&text).expect("what was written can be read")
}

/// `toml:LINE:COLUMN` of a byte of the text, both from 1.
fn place(text: &str, at: usize) -> String {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |end| end + 1);
    let column = before[start..].chars().count() + 1;
    format!("toml:{line}:{column}")
}

/// A document whose tables keep their order.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Tree {
    Table(Table),
    Leaf(serde_json::Value),
}

/// Names and values, in order.
#[derive(Debug, PartialEq)]
struct Table(Vec<(String, Tree)>);

impl Tree {
    /// Leaves out what is the same in `plain`, and tables in which nothing is left then.
    fn leave_out(&mut self, plain: &Self) {
        let (Self::Table(own), Self::Table(plain)) = (self, plain) else { return };
        own.0.retain_mut(|(name, value)| {
            let Some((_, plain)) = plain.0.iter().find(|(other, _)| other == name) else {
                return true;
            };
            value.leave_out(plain);
            // Whether it is there says something by itself.
            let is_optional = name == "agents";
            match value {
                Self::Table(table) => is_optional || !table.0.is_empty(),
                Self::Leaf(_) => value != plain,
            }
        });
    }
}

impl Serialize for Table {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl<'de> Deserialize<'de> for Table {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        input.deserialize_map(InOrder)
    }
}

struct InOrder;

impl<'de> Visitor<'de> for InOrder {
    type Value = Table;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a table")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Table, A::Error> {
        let mut table = Vec::new();
        while let Some(entry) = map.next_entry()? {
            table.push(entry);
        }
        Ok(Table(table))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use acp_wire::plan::{Agents, Headers, Source};
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn plan(fields: &[(&str, Value)]) -> Plan {
        let mut plan = json!({ "schema": "acp.plan/1", "target": { "url": "http://a/" } });
        for (place, value) in fields {
            let at = place.split('.').fold(&mut plan, |at, name| &mut at[name]);
            *at = value.clone();
        }
        serde_json::from_value(plan).unwrap()
    }

    #[test]
    fn what_a_plan_has_anyway_is_left_out() {
        let head = "schema = \"acp.plan/1\"\n";
        let target = "\n[target]\nurl = \"http://a/\"\n";
        let check = |fields: &[(&str, Value)], expect: &str| {
            let plan = plan(fields);
            let text = write(&plan);
            assert_eq!(text, expect, "{fields:?}");
            assert_eq!(toml::from_str::<Plan>(&text).unwrap(), plan, "{fields:?}");
        };
        check(&[], &format!("{head}{target}"));
        let named = [("name", json!("n")), ("seed", json!(2)), ("tags.b", json!("c"))];
        let tags = "\n[tags]\nb = \"c\"\n";
        check(&named, &format!("{head}name = \"n\"\nseed = 2\n{tags}{target}"));
        let load = [("load.model", json!("open")), ("load.rate", json!("5"))];
        let tail = "\n[load]\nmodel = \"open\"\nrate = \"5\"\n";
        check(&load, &format!("{head}{target}{tail}"));
        check(&[("agents", json!({}))], &format!("{head}{target}\n[agents]\n"));
        check(&[("agents.cores", json!(4))], &format!("{head}{target}\n[agents]\ncores = 4\n"));
        check(&[("source", json!({}))], &format!("{head}{target}\n[source]\n"));
        let body = [("request.body", json!("{\n  \"a\": 1\n}\n"))];
        let tail = "\n[request]\nbody = \"\"\"\n{\n  \"a\": 1\n}\n\"\"\"\n";
        check(&body, &format!("{head}{target}{tail}"));
        let headers = [("request.headers", json!([["a", "b"], ["a", "c"]]))];
        let tail = "\n[request]\nheaders = [[\"a\", \"b\"], [\"a\", \"c\"]]\n";
        check(&headers, &format!("{head}{target}{tail}"));
    }

    #[test]
    fn what_cannot_be_read_has_a_line() {
        let head = "schema = \"acp.plan/1\"\n[target]\nurl = \"http://a/\"\n";
        let check = |text: &str, at: &str, part: &str| {
            let problem = read(text).unwrap_err();
            assert_eq!(problem.place, at, "{text}: {problem:?}");
            assert!(problem.message.contains(part), "{text}: {problem:?}");
        };
        check("", "toml:1:1", "missing field `schema`");
        check("schema = ", "toml:1:10", "");
        check("schema = \"a\nb\"", "toml:1:12", "");
        check(&format!("{head}[load]\nraet = \"5\"\n"), "toml:5:1", "unknown field `raet`");
        check(&format!("{head}[load]\nrate = 5\n"), "toml:5:8", "expected a string");
        check(&format!("{head}[load]\nmodel = \"o\"\n"), "toml:5:9", "unknown variant `o`");
        check(&format!("{head}[target]\n"), "toml:4:2", "duplicate");
        check(&format!("{head}host = \"é\" x"), "toml:4:12", "");
        check(&format!("{head}[load]\nconnections = -1\n"), "toml:5:15", "invalid value");
        check("schema = \"acp.plan/1\"\n[target]\n", "toml:2:1", "missing field `url`");
        let deep = format!("a = {}{}", "[".repeat(10_000), "]".repeat(10_000));
        assert!(read(&deep).unwrap_err().place.starts_with("toml:1:"), "it ends");
    }

    fn any_text() -> impl Strategy<Value = String> {
        prop_oneof![
            any::<String>(),
            "[ -~\n\r\t'\"\\\\]{0,40}",
            Just("'''\r\n\"\"\"\u{0}\u{7f}\u{85}é🦀".to_owned()),
            Just("10s".to_owned()),
        ]
    }

    fn any_headers() -> impl Strategy<Value = Headers> {
        let list = prop::collection::vec((any_text(), any_text()), 0..4);
        let table = prop::collection::btree_map(any_text(), any_text(), 1..4);
        prop_oneof![list.prop_map(Headers::List), table.prop_map(Headers::Table)]
    }

    fn any_agents() -> impl Strategy<Value = Agents> {
        let labels = prop::collection::btree_map(any_text(), any_text(), 0..3);
        (any::<u32>(), 0..3_u32, labels).prop_map(|(cores, per_agent_max, labels)| Agents {
            cores,
            per_agent_max,
            labels,
            ..Agents::default()
        })
    }

    prop_compose! {
        fn any_plan()(
            texts in prop::collection::vec(any_text(), 8),
            options in prop::collection::vec(prop::option::of(any_text()), 8),
            lists in prop::collection::vec(prop::collection::vec(any_text(), 0..3), 5),
            tags in prop::collection::btree_map(any_text(), any_text(), 0..3),
            headers in any_headers(),
            agents in prop::option::of(any_agents()),
            numbers in (any::<u64>(), any::<u32>(), prop::option::of(any::<u64>()), 0..3_u32),
            flags in any::<[bool; 5]>(),
        ) -> Plan {
            let mut plan = plan(&[]);
            let mut options = options.into_iter();
            let mut option = || options.next().flatten();
            let mut lists = lists.into_iter();
            let mut list = || lists.next().unwrap_or_default();
            (plan.schema, plan.name) = (texts[0].clone(), texts[1].clone());
            (plan.tags, plan.agents, plan.request.headers) = (tags, agents, headers);
            (plan.target.url, plan.target.connect_to) = (texts[2].clone(), list());
            (plan.target.host, plan.request.path) = (option(), option());
            (plan.load.rate, plan.load.profile, plan.load.duration) = (option(), option(), option());
            (plan.request.body, plan.request.body_base64) = (option(), option());
            (plan.load.warmup, plan.request.method) = (texts[3].clone(), texts[4].clone());
            (plan.seed, plan.load.connections) = (numbers.0, numbers.1);
            (plan.load.requests, plan.load.backlog) = (numbers.2, numbers.0);
            plan.connection.pipeline = numbers.3;
            plan.connection.timeout = texts[5].clone();
            plan.connection.source_ips = list();
            (plan.expect.status, plan.stop.slo, plan.stop.abort_on) = (list(), list(), list());
            plan.expect.body_contains = texts[6].clone();
            (plan.connection.keep_alive, plan.tls.verify) = (flags[0], flags[1]);
            if flags[2] {
                plan.source = Some(Source { file: option(), ..Source::default() });
            }
            if flags[3] {
                plan.load.model = acp_wire::plan::Model::Open;
            }
            plan
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_as_the_same_plan(plan in any_plan()) {
            let text = write(&plan);
            let found = read(&text);
            prop_assert!(found.as_ref() == Ok(&plan), "{found:?}\n{text}");
        }
    }
}
