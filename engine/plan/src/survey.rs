//! Everything that is wrong with a plan, and what it comes to apart from that.
//!
//! The compiler stops at the first error. Here each field that it stops at is given a value that is
//! good, and it goes on: so it alone knows what is good.

use crate::{Plan, PlanError, compile};
use acp_wire::plan::{Arrival, Format, Headers, Source, Tls};

/// Problems looked for, at the most: more than anybody reads at once.
pub const PROBLEMS_MAX: usize = 16;

/// Something that is wrong with a plan.
#[derive(Debug, PartialEq, Eq)]
pub struct Problem {
    /// The field: `load.rate`, `request.headers[2]`.
    pub place: String,
    /// What is wrong with it.
    pub error: PlanError,
}

/// What was found.
#[derive(Debug)]
pub struct Survey {
    /// The plan, with other values in the fields that have problems. None where there are too many.
    pub plan: Option<Plan>,
    /// In the order of the compiler, at most [`PROBLEMS_MAX`]; none: the plan can be run.
    pub problems: Vec<Problem>,
}

/// Compiles a plan past its errors.
#[must_use]
pub fn survey(document: &acp_wire::Plan) -> Survey {
    let mut good = document.clone();
    let mut problems = Vec::new();
    while problems.len() < PROBLEMS_MAX {
        match compile(&good) {
            Ok(plan) => return Survey { plan: Some(plan), problems },
            Err(error) => {
                // No repair moves a field, so this is its place in `document` too.
                let place = error.place(&good);
                repair(&mut good, &place, &error);
                problems.push(Problem { place, error });
            }
        }
    }
    Survey { plan: None, problems }
}

/// Puts a good value where an error is.
fn repair(document: &mut acp_wire::Plan, place: &str, error: &PlanError) {
    let (field, number) = split(place);
    let wire = acp_wire::Plan::default;
    match field {
        "schema" => document.schema = acp_wire::PLAN_SCHEMA.into(),
        "target.url" => {
            // What is said about TLS is not wrong because the URL is.
            let is_https = document.tls != Tls::default();
            let scheme = if is_https { "https" } else { "http" };
            document.target.url = format!("{scheme}://127.0.0.1/");
        }
        "target.connect_to" => put(&mut document.target.connect_to, number, "127.0.0.1:80"),
        "target.dns" => document.target.dns = None,
        "load.connections" => document.load.connections = 1,
        "load.warmup" => document.load.warmup = "0s".into(),
        "load.arrival" => document.load.arrival = Arrival::default(),
        "connection.pipeline" => document.connection.pipeline = 1,
        "connection.timeout" => document.connection.timeout = wire().connection.timeout,
        "connection.connect_timeout" => {
            document.connection.connect_timeout = wire().connection.connect_timeout;
        }
        "connection.source_ips" => document.connection.source_ips.clear(),
        "tls.verify" => document.tls.verify = true,
        "tls.cacert" => document.tls.cacert = None,
        "tls.cert" | "tls.key" => repair_identity(&mut document.tls, field, error),
        "tls.sni" => document.tls.sni = None,
        "tls.min_version" => document.tls.min_version = None,
        "tls.max_version" => document.tls.max_version = None,
        "tls.resumption" => document.tls.resumption = true,
        "request.method" => document.request.method = wire().request.method,
        "request.path" => document.request.path = None,
        "request.body" => document.request.body = None,
        "request.body_base64" => document.request.body_base64 = None,
        "request.headers" => document.request.headers = without(&document.request.headers, number),
        "source.dataset" => change_source(document, |source| {
            source.dataset = None;
            source.file.get_or_insert_with(|| "x".into());
        }),
        "source.format" => change_source(document, |source| source.format = Format::Auto),
        _ if field == "source" || field.starts_with("source.") => {
            change_source(document, |source| {
                (source.file, source.dataset, source.generate) = (Some("x".into()), None, None);
            });
        }
        "expect.status" => put(&mut document.expect.status, number, "200"),
        "expect.body_contains" => document.expect.body_contains.clear(),
        _ => repair_schedule(&mut document.load, field, error),
    }
}

/// Names the half that is missing or bad, or takes away what plain HTTP has no use for.
fn repair_identity(tls: &mut Tls, field: &str, error: &PlanError) {
    let is_of_no_use = matches!(error, PlanError::TlsWithoutHttps(_));
    let good = (!is_of_no_use).then(|| "a.pem".to_owned());
    if field == "tls.cert" { tls.cert = good } else { tls.key = good }
}

fn change_source(document: &mut acp_wire::Plan, change: impl FnOnce(&mut Source)) {
    change(document.source.get_or_insert_default());
}

fn repair_schedule(load: &mut acp_wire::plan::Load, field: &str, error: &PlanError) {
    match (error, field) {
        (PlanError::RateInClosedLoop, _) => (load.rate, load.profile) = (None, None),
        (PlanError::RateAndProfile, _) => load.rate = None,
        (PlanError::DurationAndProfile, _) => load.duration = None,
        (_, "load.profile") => load.profile = Some("const(1,1s)".into()),
        (_, "load.duration") => load.duration = Some("1s".into()),
        (_, "load.requests") => load.requests = None,
        _ => load.rate = Some("1".into()),
    }
}

/// `list[3]` → `list` and 3.
fn split(place: &str) -> (&str, Option<usize>) {
    match place.strip_suffix(']').and_then(|rest| rest.rsplit_once('[')) {
        Some((field, number)) => (field, number.parse().ok()),
        None => (place, None),
    }
}

fn put(list: &mut Vec<String>, number: Option<usize>, good: &str) {
    match number.and_then(|number| list.get_mut(number)) {
        Some(value) => *value = good.into(),
        None => list.clear(),
    }
}

/// The headers with one that does nothing instead of that with a number; without it, none.
fn without(headers: &Headers, number: Option<usize>) -> Headers {
    let Some(number) = number else { return Headers::default() };
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let mut list: Vec<_> = headers.pairs().into_iter().map(owned).collect();
    if let Some(header) = list.get_mut(number) {
        *header = ("x-none".into(), String::new());
    }
    Headers::List(list)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    /// A plan with these fields.
    fn plan(fields: &[(&str, Value)]) -> acp_wire::Plan {
        let mut plan = json!({ "schema": "acp.plan/1", "target": { "url": "http://a/" } });
        for (place, value) in fields {
            let at = place.split('.').fold(&mut plan, |at, name| &mut at[name]);
            *at = value.clone();
        }
        serde_json::from_value(plan).unwrap()
    }

    fn check(fields: &[(&str, Value)], expect: &[(&str, &str)]) {
        let found = survey(&plan(fields));
        let problems = &found.problems;
        let is_same = problems.len() == expect.len()
            && problems.iter().zip(expect).all(|(problem, (place, part))| {
                problem.place == *place && problem.error.to_string().contains(part)
            });
        assert!(is_same, "{fields:?}: {problems:?}");
        assert!(found.plan.is_some(), "{fields:?}");
    }

    /// An open loop with these fields.
    fn open<'a>(fields: &[(&'a str, Value)]) -> Vec<(&'a str, Value)> {
        let mut all = vec![("load.model", json!("open"))];
        all.extend(fields.iter().cloned());
        all
    }

    #[test]
    fn every_error_has_its_place() {
        let year = json!("400d");
        check(&[], &[]);
        check(&[("schema", json!("acp.plan/2"))], &[("schema", "acp.plan/2")]);
        check(&[("target.url", json!(""))], &[("target.url", "empty")]);
        check(&[("target.url", json!("ftp://a/"))], &[("target.url", "scheme")]);
        check(&[("target.url", json!("https://"))], &[("target.url", "bad url")]);
        check(&[("target.url", json!("http://a/é"))], &[("target.url", "é")]);
        let addresses = json!(["a:1", "::1", "b", "c:x"]);
        let bad = [("target.connect_to[1]", "brackets"), ("target.connect_to[3]", "not a port")];
        check(&[("target.connect_to", addresses)], &bad);
        check(&[("load.duration", json!("5y"))], &[("load.duration", "unknown unit")]);
        check(&[("load.duration", json!("0s"))], &[("load.duration", "above 0")]);
        check(&[("load.duration", year.clone())], &[("load.duration", "longer than a year")]);
        check(&[("load.warmup", json!("soon"))], &[("load.warmup", "not a number")]);
        check(&[("load.warmup", year.clone())], &[("load.warmup", "longer than a year")]);
        check(&[("load.requests", json!(0))], &[("load.requests", "above 0")]);
        check(&[("load.connections", json!(0))], &[("load.connections", "above 0")]);
        check(&[("load.connections", json!(9_999_999))], &[("load.connections", "limit")]);
        check(&[("load.arrival", json!("poisson"))], &[("load.arrival", "closed loop")]);
        check(&[("load.rate", json!("5"))], &[("load.rate", "closed loop")]);
        check(&[("load.profile", json!("const(1,1s)"))], &[("load.profile", "closed loop")]);
        check(&[("connection.pipeline", json!(0))], &[("connection.pipeline", "above 0")]);
        check(&[("connection.pipeline", json!(2000))], &[("connection.pipeline", "limit")]);
        check(&[("connection.timeout", json!("0s"))], &[("connection.timeout", "above 0")]);
        check(&[("connection.timeout", year)], &[("connection.timeout", "timeout is longer")]);
        let timeout = ("connection.connect_timeout", json!("1m1m"));
        check(&[timeout], &[("connection.connect_timeout", "out of order")]);
        let ips = ("connection.source_ips", json!(["10.0.0.1", "eth0"]));
        check(&[ips], &[("connection.source_ips", "`eth0` is not an address")]);
        check(&[("target.dns", json!("1ms"))], &[("target.dns", "more often")]);
        check(&[("target.dns", json!("often"))], &[("target.dns", "hint: `once`")]);
        check(&[("source", json!({ "file": "x" }))], &[]);
        check(&[("source", json!({}))], &[("source.file", "has a file")]);
        let data_set = json!({ "dataset": "a@1" });
        check(&[("source", data_set)], &[("source.dataset", "put the file on every agent")]);
        let rows = |template: &str, rows: u32| json!({ "generate": { "template": template, "rows": rows } });
        check(&[("source", rows("/{{key}}", 9))], &[]);
        let bad = [("source.generate.template", "unknown value `{{kye}}`")];
        check(&[("source", rows("/{{kye}}", 9))], &bad);
        check(&[("source", rows("/{{key}}", 0))], &[("source.generate.rows", "1 to 2^53")]);
        check(&[("source", rows("{{key}}", 9))], &[("source.generate", "`{{line}}`")]);
        let value = ("request.path", json!("/{{line}}"));
        check(&[("source", rows("{{key}}", 9)), value], &[]);
        let mut both = rows("/", 9);
        both["file"] = json!("x");
        check(&[("source", both)], &[("source", "exclude each other")]);
        let mut format = rows("/", 9);
        format["format"] = json!("path");
        check(&[("source", format)], &[("source.format", "say by themselves")]);
        let column = json!([{ "name": "a", "kind": "list", "values": [] }]);
        let columns = json!({ "generate": { "rows": 9, "columns": column } });
        check(&[("source", columns)], &[("source.generate.columns[0].values", "no values")]);
        let status = json!(["200", "ok", "2xx", "99"]);
        let bad = [("expect.status[1]", "ok"), ("expect.status[3]", "99")];
        check(&[("expect.status", status)], &bad);
    }

    #[test]
    fn every_error_of_tls_has_its_place() {
        let check = |fields: &[(&str, Value)], expect: &[(&str, &str)]| {
            let url = ("target.url", json!("https://a/"));
            check(&[&[url], fields].concat(), expect);
        };
        check(&[], &[]);
        check(&[("tls.verify", json!(false)), ("tls.sni", json!("b"))], &[]);
        check(&[("tls.cert", json!("a")), ("tls.key", json!("b"))], &[]);
        check(&[("tls.min_version", json!("1.2")), ("tls.max_version", json!("1.3"))], &[]);
        check(&[("tls.sni", json!(""))], &[("tls.sni", "neither")]);
        check(&[("tls.sni", json!("a b"))], &[("tls.sni", "`a b`")]);
        let upside_down = [("tls.min_version", json!("1.3")), ("tls.max_version", json!("1.2"))];
        check(&upside_down, &[("tls.min_version", "above the highest")]);
        check(&[("tls.cacert", json!(""))], &[("tls.cacert", "empty")]);
        check(&[("tls.cert", json!("a"))], &[("tls.key", "missing")]);
        check(&[("tls.key", json!("a"))], &[("tls.cert", "missing")]);
        let pem = json!("-----BEGIN PRIVATE KEY-----\n");
        check(&[("tls.cert", json!("a")), ("tls.key", pem)], &[("tls.key", "are names of files")]);
        let url = [("target.url", json!("ftp://a/")), ("tls.verify", json!(false))];
        check(&url, &[("target.url", "scheme `ftp`")]);
        check(&[("target.url", json!("https://a%20b/"))], &[("target.url", "a%20b")]);
        let bad = [("tls.cert", json!("")), ("tls.key", json!("")), ("tls.sni", json!("?"))];
        let expect = [("tls.cert", "empty"), ("tls.key", "empty"), ("tls.sni", "`?`")];
        check(&bad, &expect);
    }

    #[test]
    fn tls_without_https_is_refused_field_by_field() {
        check(&[("tls", json!({}))], &[]);
        let rows = [
            ("tls.verify", json!(false)),
            ("tls.cacert", json!("a")),
            ("tls.cert", json!("a")),
            ("tls.key", json!("a")),
            ("tls.sni", json!("a")),
            ("tls.min_version", json!("1.2")),
            ("tls.max_version", json!("1.2")),
            ("tls.resumption", json!(false)),
        ];
        for row in rows {
            let place = row.0;
            check(&[row], &[(place, "only for https")]);
        }
        let both = [("tls.cert", json!("a")), ("tls.key", json!("a"))];
        check(&both, &[("tls.cert", "only for"), ("tls.key", "only for")]);
    }

    #[test]
    fn every_error_of_a_schedule_has_its_place() {
        let check = |fields: &[(&str, Value)], expect| check(&open(fields), expect);
        check(&[], &[("load.rate", "needs a rate")]);
        check(&[("load.rate", json!("fast"))], &[("load.rate", "not a number")]);
        check(&[("load.rate", json!("2G"))], &[("load.rate", "is above")]);
        check(&[("load.rate", json!("0.0000000001"))], &[("load.rate", "denominator")]);
        let both = [("load.rate", json!("1")), ("load.profile", json!("const(1,1s)"))];
        check(&both, &[("load.rate", "exclude")]);
        check(&[("load.profile", json!("sin(1)"))], &[("load.profile", "not known")]);
        check(&[("load.profile", json!("const(2G,1s)"))], &[("load.profile", "is above")]);
        check(&[("load.profile", json!("const(1,400d)"))], &[("load.profile", "a year")]);
        let length = [("load.profile", json!("const(1,1s)")), ("load.duration", json!("5s"))];
        check(&length, &[("load.duration", "own length")]);
        let never = [("load.rate", json!("0")), ("load.requests", json!(5))];
        check(&never, &[("load.duration", "never reaches")]);
        let long = [("load.rate", json!("1/d")), ("load.requests", json!(1000))];
        check(&long, &[("load.requests", "a year")]);
        let two = [("load.rate", json!("x")), ("load.duration", json!("y"))];
        check(&two, &[("load.rate", "`x`"), ("load.duration", "`y`")]);
    }

    #[test]
    fn every_error_of_a_request_has_its_place() {
        check(&[("request.method", json!("GE T"))], &[("request.method", "GE T")]);
        check(&[("request.path", json!("a"))], &[("request.path", "`a`")]);
        let headers = json!([["a", "b"], ["a b", "c"], ["d", "e\n"]]);
        let bad = [("request.headers[1]", "a b"), ("request.headers[2]", "d: e")];
        check(&[("request.headers", headers)], &bad);
        let table = json!({ "z": "", "b b": "", "a": "" });
        check(&[("request.headers", table)], &[("request.headers[1]", "b b")]);
        let chunked = json!([["a", "b"], ["Transfer-Encoding", "chunked"]]);
        check(&[("request.headers", chunked)], &[("request.headers[1]", "length")]);
        let length = json!([["Content-length", "5"]]);
        check(&[("request.headers", length)], &[("request.headers[0]", "0 bytes")]);
        let values = json!({ "a": "{{slot}}", "b": "{{slots}}" });
        check(&[("request.headers", values)], &[("request.headers[1]", "unknown value")]);
        check(&[("request.path", json!("/{{int 2}}"))], &[("request.path", "bad value")]);
        check(&[("request.body", json!("{{"))], &[("request.body", "templates = false")]);
        check(&[("target.url", json!("http://a/{{x}}"))], &[("target.url", "unknown value")]);
        check(&[("target.url", json!("http://a/{{int 1 9}}?b"))], &[]);
        check(&[("request.body", json!("{{line}}"))], &[("source", "there is none")]);
        let source = ("source", json!({ "file": "x", "format": "path" }));
        let lines = [("request.body", json!("{{line}}")), source];
        check(&lines, &[("source.format", "have no format")]);
        let length = [
            ("request.body", json!("{{slot}}")),
            ("request.headers", json!([["Content-Length", "5"]])),
        ];
        check(&length, &[("request.headers[0]", "with values")]);
        let bodies = [("request.body", json!("a")), ("request.body_base64", json!("YQ=="))];
        check(&bodies, &[("request.body_base64", "exclude")]);
        check(&[("request.body_base64", json!("?"))], &[("request.body_base64", "base64")]);
        let large = json!("x".repeat(70_000));
        let deep = [("request.body", large), ("connection.pipeline", json!(1024))];
        check(&deep, &[("connection.pipeline", "above")]);
    }

    #[test]
    fn more_problems_than_anybody_reads_are_not_looked_for() {
        let statuses = vec!["ok"; PROBLEMS_MAX + 1];
        let found = survey(&plan(&[("expect.status", json!(statuses))]));
        assert!(found.plan.is_none());
        assert_eq!(found.problems.len(), PROBLEMS_MAX);
    }

    /// Good and bad values of fields that do not depend on each other.
    const FIELDS: [(&str, &str, &str); 9] = [
        ("target.url", "\"http://a/\"", "\"a b\""),
        ("target.connect_to", "[\"b:1\"]", "[\"b:x\"]"),
        ("load.rate", "\"5\"", "\"5x\""),
        ("load.warmup", "\"1s\"", "\"x\""),
        ("load.connections", "7", "0"),
        ("connection.timeout", "\"1s\"", "\"0s\""),
        ("request.method", "\"PUT\"", "\"P T\""),
        ("expect.status", "[\"201\"]", "[\"20\"]"),
        ("source", "null", "{}"),
    ];

    proptest! {
        #[test]
        fn each_bad_field_is_found_and_good_ones_stay(are_bad in any::<[bool; 9]>()) {
            let mut fields = open(&[]);
            for ((place, good, bad), is_bad) in FIELDS.iter().zip(are_bad) {
                let text = if is_bad { bad } else { good };
                fields.push((place, serde_json::from_str(text).unwrap()));
            }
            let document = plan(&fields);
            let found = survey(&document);
            let bad = FIELDS.iter().zip(are_bad).filter(|(_, is_bad)| *is_bad);
            for ((place, ..), _) in bad.clone() {
                let is_there = found.problems.iter().any(|problem| problem.place.starts_with(place));
                prop_assert!(is_there, "{place}: {:?}", found.problems);
            }
            prop_assert_eq!(found.problems.len(), bad.count());
            prop_assert_eq!(found.problems.is_empty(), compile(&document).is_ok());
            let plan = found.plan.unwrap();
            prop_assert_eq!(plan.connections, if are_bad[4] { 1 } else { 7 });
            prop_assert_eq!(plan.warmup_ns, if are_bad[3] { 0 } else { 1_000_000_000 });
        }
    }
}
