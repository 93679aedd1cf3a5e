//! Rows as they come out, and what is refused.

use super::{Form, Rows};
use acp_wire::rows::Generate;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Columns of all kinds.
fn columns() -> Value {
    json!([
        { "name": "id", "kind": "key", "width": 6, "prefix": "u" },
        { "name": "n", "kind": "sequence", "start": 10, "step": -3 },
        { "name": "int", "kind": "int", "min": -5, "max": 5 },
        { "name": "float", "kind": "float", "min": -1.0, "max": 1, "decimals": 3 },
        { "name": "normal", "kind": "normal", "mean": 100, "deviation": 15, "min": 0, "max": 200 },
        { "name": "zipf", "kind": "zipf", "count": "1k", "exponent": 1.1 },
        { "name": "far", "kind": "zipf", "count": 1000, "exponent": 1.1, "scattered": true, "start": 0 },
        { "name": "city", "kind": "list", "values": ["a b", "x,\"y\"", "é"], "weights": [3, 1, 0.5] },
        { "name": "word", "kind": "file", "file": "words.txt", "order": "seq" },
        { "name": "day", "kind": "date", "from": "2026-01-01", "to": "2026-12-31" },
        { "name": "at", "kind": "date", "from": "2026-01-01", "to": "2026-01-01", "format": "%s", "order": "ascending" },
        { "name": "uuid", "kind": "uuid" },
        { "name": "hex", "kind": "hex", "digits": 5 },
        { "name": "both", "kind": "text", "text": "{{id}}/{{city}}-{{int 1 9}}" },
        { "name": "same", "kind": "constant", "value": "x" },
    ])
}

fn load(file: &str) -> Result<Option<Vec<u8>>, String> {
    match file {
        "words.txt" => Ok(Some(b"one\r\ntwo\n\nthree".into())),
        "weighted.txt" => Ok(Some(b"rare\t0\noften\t9\n".into())),
        "bad.txt" => Ok(Some(b"a\t1\nb\tx\n".into())),
        "binary.txt" => Ok(Some(b"a\n\xff\n".into())),
        "empty.txt" => Ok(Some(b"\n\n".into())),
        "unread.txt" => Ok(None),
        _ => Err("no such file".into()),
    }
}

fn generate(document: &Value) -> Generate {
    serde_json::from_value(document.clone()).unwrap_or_else(|error| panic!("{error}: {document}"))
}

fn rows(document: &Value) -> Rows {
    Rows::compile(&generate(document), 1, &mut load).unwrap_or_else(|error| panic!("{error}"))
}

fn row(rows: &Rows, number: u64) -> String {
    let mut bytes = Vec::new();
    rows.write(number, &mut bytes);
    String::from_utf8(bytes).unwrap()
}

/// The first rows of a template.
fn first(template: &str, count: u64) -> Vec<String> {
    let rows = rows(&json!({ "template": template, "rows": count }));
    (0..count).map(|number| row(&rows, number)).collect()
}

/// Compares rows with a golden file, or rewrites it.
fn check_golden(name: &str, rows: &Rows) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/rows/golden").join(name);
    let header = rows.header().map(|header| format!("{header}\n")).unwrap_or_default();
    let text: String = (0..4).map(|number| row(rows, number) + "\n").collect();
    let text = header + &text;
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text, golden, "{name} has changed; UPDATE=1 accepts it");
}

#[test]
fn rows_of_each_format_are_as_they_always_were() {
    let of = |format: Value| {
        rows(&json!({ "rows": 1000, "seed": 7, "columns": columns(), "format": format }))
    };
    let request = json!({
        "kind": "jsonl",
        "method": "POST",
        "path": "/item/{{id}}?city={{city}}",
        "headers": { "x-day": "{{day}}", "x-id": "{{uuid}}" },
        "body": "{\"zipf\":{{zipf}},\"word\":\"{{word}}\"}",
        "tag": "{{same}}",
    });
    for (name, form, format) in [
        (
            "path.txt",
            Form::Path,
            json!({ "kind": "path", "path": "/i/{{both}}?n={{n}}&c={{city}}" }),
        ),
        (
            "line.txt",
            Form::Line,
            json!({ "kind": "line", "method": "PUT", "path": "/i/{{id}}", "body": "{{city}} {{normal}}" }),
        ),
        ("request.jsonl", Form::Jsonl, request),
        ("record.jsonl", Form::Record, json!({ "kind": "jsonl" })),
        ("all.csv", Form::Csv, json!({ "kind": "csv" })),
        (
            "some.csv",
            Form::Csv,
            json!({ "kind": "csv", "columns": ["far", "float", "city"], "header": false }),
        ),
    ] {
        let rows = of(format);
        assert_eq!(rows.form(), form, "{name}");
        check_golden(name, &rows);
    }
}

#[test]
fn records_are_json_whatever_is_in_them() {
    let rows = rows(&json!({ "rows": 500, "columns": columns() }));
    for number in 0..500 {
        let text = row(&rows, number);
        let record: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"));
        assert_eq!(record["n"], 10 - 3 * i64::try_from(number).unwrap(), "{text}");
        assert!(record["float"].as_f64().unwrap().abs() <= 1.0, "{text}");
        assert!(["a b", "x,\"y\"", "é"].contains(&record["city"].as_str().unwrap()), "{text}");
        let words = ["one", "two", "three"];
        assert_eq!(record["word"], words[usize::try_from(number % 3).unwrap()], "{text}");
        let start = format!("{}/", record["id"].as_str().unwrap());
        assert!(record["both"].as_str().unwrap().starts_with(&start), "{text}");
        let at = record["at"].as_u64().unwrap();
        assert_eq!(at, 1_767_225_600 + number * 86_400 / 500, "{text}");
    }
}

#[test]
fn the_beginning_of_a_template_says_what_it_is() {
    for (template, form, expect) in [
        ("/a/{{row}}", Form::Path, "/a/0"),
        ("GET /a/{{row}}", Form::Line, "GET /a/0"),
        ("POST /a{{row}} {\"n\": {{row}}}", Form::Line, "POST /a0 {\"n\": 0}"),
        ("POST /a {{row}} b", Form::Line, "POST /a 0 b"),
        ("{\"path\":\"/{{row}}\"}", Form::Jsonl, "{\"path\":\"/0\"}"),
        ("{{row}},{{seq 5 2}}", Form::Text, "0,5"),
        ("Get /a/{{row}}", Form::Text, "Get /a/0"),
        ("{{pick a}} {{weighted b 1}}", Form::Text, "a b"),
        ("{{key 4}}{{key}}", Form::Text, "00000"),
        (
            "{{int 7 7}} {{float 1.5 1.5 1}} {{normal 3 0 0 9}} {{zipf 1 2}}",
            Form::Text,
            "7 1.5 3 1",
        ),
        ("{{date 2026-05-06 2026-05-06}}", Form::Text, "2026-05-06"),
        ("{{date 2026-05-06 2026-05-06 %Y%j}}", Form::Text, "2026126"),
    ] {
        let rows = rows(&json!({ "template": template, "rows": 1 }));
        assert_eq!((rows.form(), row(&rows, 0).as_str()), (form, expect), "{template}");
    }
}

#[test]
fn values_are_encoded_where_they_stand() {
    let columns = json!([
        { "name": "v", "kind": "list", "values": ["a \"b\"&c"] },
        { "name": "p", "kind": "list", "values": ["/q?a=b&c"] },
        { "name": "t", "kind": "date", "from": "2026-01-01", "to": "2026-01-01", "format": "%F 12:00" },
        { "name": "w", "kind": "text", "text": "/x y/{{v}}" },
    ]);
    for (format, expect) in [
        (
            json!({ "kind": "path", "path": "/a?v={{v}}&t={{t}}" }),
            "/a?v=a%20%22b%22%26c&t=2026-01-01%2012%3A00",
        ),
        (json!({ "kind": "path", "path": "{{p}}&p={{p}}" }), "/q?a=b&c&p=/q%3Fa%3Db%26c"),
        (json!({ "kind": "path", "path": "/a{{w}}" }), "/a/x%20y/a%20%22b%22%26c"),
        (json!({ "kind": "line", "path": "/", "body": "{{v}}" }), "GET / a \"b\"&c"),
        (
            json!({ "kind": "csv", "columns": ["v", "p"], "header": false }),
            "\"a \"\"b\"\"&c\",/q?a=b&c",
        ),
        (json!({ "kind": "jsonl", "columns": ["v"] }), "{\"v\":\"a \\\"b\\\"&c\"}"),
        (
            json!({ "kind": "jsonl", "path": "/{{v}}", "body": "\"{{v}}\"" }),
            "{\"path\":\"/a%20%22b%22%26c\",\"body\":\"\\\"a \\\"b\\\"&c\\\"\"}",
        ),
    ] {
        let rows = rows(&json!({ "rows": 1, "columns": columns, "format": format }));
        assert_eq!(row(&rows, 0), expect, "{format}");
    }
    let json = rows(&json!({ "rows": 1, "columns": columns, "template": "{\"body\":\"{{v}}\"}" }));
    assert_eq!(row(&json, 0), "{\"body\":\"a \\\"b\\\"&c\"}");
}

#[test]
fn a_row_follows_from_seed_and_number() {
    let text = "/{{key}}/{{uuid}}/{{int 1 1000000}}/{{uuid}}";
    let all = first(text, 200);
    assert_eq!(all, first(text, 200));
    let halves: Vec<_> = all[7].split('/').collect();
    assert_ne!(halves[2], halves[4], "values that stand twice are two values");
    let of_seed = |seed: u64, plan: u64| {
        let document = json!({ "template": text, "rows": 200, "seed": seed });
        row(&Rows::compile(&generate(&document), plan, &mut load).unwrap(), 7)
    };
    assert_eq!(of_seed(1, 1), all[7]);
    assert_eq!(of_seed(1, 2), all[7], "rows have a seed of their own");
    assert_ne!(of_seed(2, 1), all[7]);
    let document = generate(&json!({ "template": text, "rows": 200 }));
    let of_plan = |seed| row(&Rows::compile(&document, seed, &mut load).unwrap(), 7);
    assert_ne!(of_plan(1), of_plan(2), "or that of the plan");
}

#[test]
fn another_column_changes_nothing() {
    let of = |columns: Value| {
        let rows = rows(
            &json!({ "rows": 50, "columns": columns, "format": { "kind": "csv", "columns": ["a", "b"] } }),
        );
        (0..50).map(|number| row(&rows, number)).collect::<Vec<_>>()
    };
    let (a, b) = (json!({ "name": "a", "kind": "uuid" }), json!({ "name": "b", "kind": "uuid" }));
    let c = json!({ "name": "c", "kind": "uuid" });
    let both = of(json!([a, b]));
    assert_eq!(both, of(json!([c, b, a])));
    assert!(both.iter().all(|row| row.split(',').collect::<BTreeSet<_>>().len() == 2));
}

#[test]
fn keys_are_marked_where_they_stand() {
    let document = json!({
        "rows": 300,
        "columns": [
            { "name": "id", "kind": "key", "start": 5000, "count": "10k", "width": 9, "prefix": "u" },
            { "name": "city", "kind": "list", "values": ["1", "22", "333"] },
            { "name": "other", "kind": "key" },
        ],
        "format": { "kind": "path", "path": "/{{city}}/{{id}}/{{other}}/{{id}}" },
    });
    let rows = rows(&document);
    assert_eq!(rows.keys().len(), 2);
    let mut seen = BTreeSet::new();
    for number in 0..300 {
        let (mut bytes, mut marks) = (Vec::new(), Vec::new());
        rows.write_marked(number, &mut bytes, &mut marks);
        assert_eq!(String::from_utf8(bytes.clone()).unwrap(), row(&rows, number));
        let of: Vec<_> = marks.iter().map(|(key, _)| *key).collect();
        assert_eq!(of, [0, 1, 0]);
        for (key, range) in marks {
            let found: u64 = str::from_utf8(&bytes[range]).unwrap().parse().unwrap();
            assert_eq!(rows.keys()[key].row_of(found), Some(number));
            seen.insert((key, found));
        }
    }
    assert_eq!(seen.len(), 600, "no key twice");
    let key = &rows.keys()[0];
    assert_eq!((key.row_of(4999), key.row_of(15_000)), (None, None));
    assert!((5000..15_000).all(|number| key.row_of(number).is_some()));
}

/// Pearson's statistic against expected shares must stay within five standard deviations of its mean.
fn check_shares(what: &str, found: &BTreeMap<String, u32>, expect: &[(&str, f64)]) {
    let all: u32 = found.values().sum();
    let terms = expect.iter().map(|(value, share)| {
        let expected = share * f64::from(all);
        (f64::from(found.get(*value).copied().unwrap_or(0)) - expected).powi(2) / expected
    });
    let statistic: f64 = terms.sum();
    let freedom = expect.len() as f64 - 1.0;
    assert_eq!(found.len(), expect.len(), "{what}: {found:?}");
    assert!(statistic <= freedom + 5.0 * (2.0 * freedom).sqrt(), "{what}: {statistic}: {found:?}");
}

#[test]
fn values_are_as_frequent_as_they_should_be() {
    for (what, template, expect) in [
        ("int", "{{int 1 4}}", vec![("1", 0.25), ("2", 0.25), ("3", 0.25), ("4", 0.25)]),
        ("float", "{{float 0 0.2 1}}", vec![("0.0", 1. / 3.), ("0.1", 1. / 3.), ("0.2", 1. / 3.)]),
        ("pick", "{{pick a b}}", vec![("a", 0.5), ("b", 0.5)]),
        ("weighted", "{{weighted a 1 b 0 c 9}}", vec![("a", 0.1), ("c", 0.9)]),
        ("zipf", "{{zipf 3 1}}", vec![("1", 6. / 11.), ("2", 3. / 11.), ("3", 2. / 11.)]),
        (
            "hex",
            "{{hex 1}}",
            "0123456789abcdef".split("").filter(|d| !d.is_empty()).map(|d| (d, 1. / 16.)).collect(),
        ),
        (
            "month",
            "{{date 2026-01-01 2026-03-31 %b}}",
            vec![("Jan", 31. / 90.), ("Feb", 28. / 90.), ("Mar", 31. / 90.)],
        ),
    ] {
        let mut found = BTreeMap::new();
        for value in first(template, 40_000) {
            *found.entry(value).or_default() += 1;
        }
        check_shares(what, &found, &expect);
    }
}

#[test]
fn scattered_ranks_stay_as_frequent() {
    let of = |scattered: bool| {
        let column = json!({ "name": "z", "kind": "zipf", "count": 100, "exponent": 1.2, "scattered": scattered });
        let rows = rows(&json!({ "rows": 20_000, "columns": [column] }));
        let mut hits = BTreeMap::<_, u32>::new();
        (0..20_000).for_each(|number| *hits.entry(row(&rows, number)).or_default() += 1);
        let mut counts: Vec<_> = hits.values().copied().collect();
        counts.sort_unstable();
        let first = hits.get("{\"z\":1}").copied().unwrap_or(0);
        (counts, first)
    };
    let ((plain, first), (scattered, first_scattered)) = (of(false), of(true));
    assert_eq!(plain, scattered, "the same ranks by other numbers");
    assert!(first > first_scattered, "{first} {first_scattered}");
}

/// Why rows cannot be made, with the field.
fn refused(document: &Value) -> String {
    match Rows::compile(&generate(document), 1, &mut load) {
        Ok(rows) => format!("nothing is wrong: {}", row(&rows, 0)),
        Err(error) => error.to_string(),
    }
}

#[test]
fn bad_templates_are_refused() {
    for (template, part) in [
        ("", "bad template: there is nothing to write"),
        ("/a/{{", "`{{` without `}}`"),
        ("/{{nope}}", "unknown value `{{nope}}`\nhint: there are the columns (none), and row"),
        ("/{{line}}", "unknown value `{{line}}`"),
        ("/{{int 1}}", "bad value `{{int 1}}`: it does not take 1 words\nhint: {{int LEAST"),
        ("/{{int 2 1}}", "above the last"),
        ("/{{int a 1}}", "`a` is not a number"),
        ("/{{row 1}}", "without more words"),
        ("/{{zipf 0 1}}", "1 to 2^53 ranks"),
        ("/{{zipf 1x 1}}", "bad template"),
        ("/{{zipf 10 101}}", "0 to 100"),
        ("/{{zipf 10 nan}}", "0 to 100"),
        ("/{{float 0 1e30}}", "beyond 2^53"),
        ("/{{float 0 1 10}}", "at most 9"),
        ("/{{normal 1 -1 0 9}}", "from 0"),
        ("/{{normal nan 1 0 9}}", "it is a number"),
        ("/{{hex 0}}", "1 to 65536"),
        ("/{{key 101}}", "at most 100 digits"),
        ("/{{pick}}", "does not take 0 words"),
        ("/{{weighted a}}", "does not take 1 words"),
        ("/{{weighted a 0}}", "is no weight"),
        ("/{{weighted a -1 b 2}}", "`-1` is no weight"),
        ("/{{date 2026-01-01}}", "does not take 1 words"),
        ("/{{date x 2026-01-01}}", "`x` is no moment"),
        ("/{{date 2026-01-01 2026-01-02 %Q}}", "unknown `%Q`"),
        ("/{{seq 0 9223372036854775807}}", "beyond 64 bits"),
        ("/a b", "a path has no blanks"),
        ("GET /é", "only ASCII"),
        ("GET /a\nb", "a path has no blanks"),
        ("POST /a b\nc", "end of line"),
        ("{{row}}\n", "end of line"),
        ("GET {{row}}", "a path begins with `/`"),
    ] {
        let error = refused(&json!({ "template": template, "rows": 100 }));
        assert!(error.contains(part), "{template}: {error}");
    }
    let long = refused(&json!({ "template": "{{hex 65536}}".repeat(17), "rows": 1 }));
    assert!(long.contains("the limit is 1048576"), "{long}");
}

#[test]
fn bad_columns_are_refused_with_their_field() {
    let name = |name: &str| json!([{ "name": name, "kind": "uuid" }]);
    let list = |values: Value, weights: Value| json!([{ "name": "a", "kind": "list", "values": values, "weights": weights }]);
    let text = |name: &str, text: &str| json!({ "name": name, "kind": "text", "text": text });
    let file = |file: &str, weighted: bool| json!([{ "name": "a", "kind": "file", "file": file, "weighted": weighted }]);
    let key = |start: u64, count: Value| json!([{ "name": "a", "kind": "key", "start": start, "count": count }]);
    let laughs: Vec<_> = std::iter::once(text("t0", "{{uuid}}"))
        .chain((1..30).map(|n| text(&format!("t{n}"), &format!("{{{{t{}}}}}", n - 1).repeat(9))))
        .collect();
    for (columns, part) in [
        (name(""), "bad columns[0].name: `` is no name"),
        (name("a b"), "bad columns[0].name: `a b` is no name"),
        (json!([name("a")[0], name("a")[0]]), "bad columns[1].name: `a` is the name of another"),
        (list(json!([]), json!([])), "bad columns[0].values: there are no values"),
        (list(json!(["x"]), json!([1, 2])), "bad columns[0].weights: 2 weights for 1 values"),
        (list(json!(["x", "y"]), json!([0, 0])), "bad columns[0].weights: `0` is no weight"),
        (json!([text("a", "{{a}}")]), "bad columns[0].text: column `a` is made of itself"),
        (json!([text("a", "{{b}}"), text("b", "x{{a}}")]), "column `a` is made of itself"),
        (json!([text("a", "{{c}}")]), "unknown value `{{c}}`\nhint: there are the columns `a`"),
        (json!([text("a", "{{")]), "bad columns[0].text: `{{` without"),
        (json!(laughs), "text: a row"),
        (file("none.txt", false), "bad columns[0].file: failed to read `none.txt`: no such file"),
        (file("bad.txt", true), "bad.txt:2: `x` is no weight"),
        (file("words.txt", true), "words.txt:1: `` is no weight"),
        (file("binary.txt", false), "binary.txt:2: it is not text"),
        (file("empty.txt", false), "there are no values"),
        (key(0, json!(99)), "bad columns[0].count: 99 numbers are too few for 100 rows"),
        (key(0, json!("many")), "bad columns[0].count"),
        (key(u64::MAX, json!(null)), "bad columns[0].start: with 100 rows"),
        (
            json!([{ "name": "a", "kind": "int", "min": i64::MIN, "max": i64::MAX }]),
            "too many numbers",
        ),
        (json!([{ "name": "a", "kind": "list", "values": ["x\ny"] }]), "end of line"),
    ] {
        let format = json!({ "kind": "csv" });
        let error = refused(&json!({ "rows": 100, "columns": columns, "format": format }));
        assert!(error.contains(part), "{columns}: {error}");
    }
}

#[test]
fn bad_formats_are_refused_with_their_field() {
    for (rows, format, part) in [
        (json!(null), json!({ "kind": "csv" }), "bad rows: how many"),
        (json!(0), json!({ "kind": "csv" }), "bad rows: there are 1 to 2^53 rows"),
        (json!("1Q"), json!({ "kind": "csv" }), "bad rows: unknown unit"),
        (json!(9), json!({ "kind": "path", "path": "a" }), "bad format.path: a path begins"),
        (json!(9), json!({ "kind": "path", "path": "" }), "bad format.path: a path begins"),
        (json!(9), json!({ "kind": "path", "path": "{{n}}" }), "bad format.path: a path begins"),
        (
            json!(9),
            json!({ "kind": "path", "path": "{{city}}" }),
            "value `a b` cannot stand in a path",
        ),
        (
            json!(9),
            json!({ "kind": "line", "method": "G T", "path": "/" }),
            "bad format.method: bad method `G T`",
        ),
        (
            json!(9),
            json!({ "kind": "line", "path": "/", "body": "a\nb" }),
            "bad format.body: a value has an end",
        ),
        (json!(9), json!({ "kind": "jsonl", "body": "x" }), "bad format: a record has no method"),
        (
            json!(9),
            json!({ "kind": "jsonl", "path": "/", "columns": ["n"] }),
            "bad format.columns: a request",
        ),
        (
            json!(9),
            json!({ "kind": "jsonl", "path": "/", "headers": { "a b": "" } }),
            "bad format.headers.a b: bad header",
        ),
        (
            json!(9),
            json!({ "kind": "jsonl", "columns": ["no"] }),
            "bad format.columns: there is no column `no`",
        ),
        (json!(9), json!({ "kind": "csv", "columns": ["no"] }), "there is no column `no`"),
    ] {
        let document = json!({ "rows": rows, "columns": columns(), "format": format });
        let error = refused(&document);
        assert!(error.contains(part), "{format}: {error}");
    }
    let both = json!({ "rows": 1, "template": "/", "format": { "kind": "csv" } });
    assert!(refused(&both).contains("bad template: a template is the whole row"));
    assert!(refused(&json!({ "rows": 1 })).contains("nothing to write"));
    assert!(
        refused(&json!({ "rows": 1, "format": { "kind": "csv" } })).contains("nothing to write")
    );
}

#[test]
fn files_that_nobody_reads_stand_for_a_good_value() {
    let columns = json!([{ "name": "a", "kind": "file", "file": "unread.txt", "weighted": true }]);
    let rows = rows(
        &json!({ "rows": 1, "columns": columns, "format": { "kind": "path", "path": "{{a}}" } }),
    );
    assert_eq!(row(&rows, 0), "/");
}

#[test]
fn weights_of_a_file_count() {
    let columns =
        json!([{ "name": "a", "kind": "file", "file": "weighted.txt", "weighted": true }]);
    let rows = rows(&json!({ "rows": 100, "columns": columns, "format": { "kind": "csv" } }));
    assert!((0..100).all(|number| row(&rows, number) == "often"));
}

proptest! {
    #[test]
    fn keys_never_come_twice(seed in any::<u64>(), count in 1_u64..3000, more in 0_u64..5000, start in 0_u64..1000) {
        let column = json!({ "name": "k", "kind": "key", "start": start, "count": count + more });
        let rows = rows(&json!({ "rows": count, "seed": seed, "columns": [column], "format": { "kind": "csv" } }));
        let all: BTreeSet<u64> = (0..count).map(|number| row(&rows, number).parse().unwrap()).collect();
        prop_assert_eq!(all.len() as u64, count);
        prop_assert!(all.iter().all(|key| (start..start + count + more).contains(key)));
    }

    #[test]
    fn no_template_makes_the_compiler_fail_badly(text in "[/a-zA-Z{} 0-9.%\"-]{0,60}") {
        let document = generate(&json!({ "template": text, "rows": 10 }));
        if let Ok(rows) = Rows::compile(&document, 1, &mut load) {
            let mut bytes = Vec::new();
            rows.write(9, &mut bytes);
            prop_assert!(!bytes.contains(&b'\n'));
        }
    }
}
