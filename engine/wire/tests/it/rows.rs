//! Templates of rows, as they are read.

use acp_wire::rows::{Column, Count, Generate, Kind, Layout, Manifest, ManifestPart};
use serde_json::json;

#[test]
fn columns_are_read_and_written() {
    let text = r#"
        rows = "100M"
        seed = 7
        format = { kind = "csv", columns = ["id"] }
        [[columns]]
        name = "id"
        kind = "key"
        width = 9
        [[columns]]
        name = "normal"
        kind = "normal"
        mean = 5
        deviation = 1.5
        min = 0
        max = 9
        [[columns]]
        name = "uuid"
        kind = "uuid"
        [[columns]]
        name = "values"
        kind = "file"
        file = "v.txt"
    "#;
    let found: Generate = toml::from_str(text).unwrap();
    assert_eq!(found.rows.as_ref().unwrap().value().unwrap(), 100_000_000);
    assert_eq!(found.columns[2], Column { name: "uuid".into(), kind: Kind::Uuid {} });
    assert_eq!(found.files().collect::<Vec<_>>(), ["v.txt"]);
    let expect = Layout::Csv { columns: vec!["id".into()], header: true };
    assert_eq!(found.format, Some(expect));
    let again: Generate = toml::from_str(&toml::to_string(&found).unwrap()).unwrap();
    assert_eq!(again, found);
    let again: Generate = serde_json::from_str(&serde_json::to_string(&found).unwrap()).unwrap();
    assert_eq!(again, found);
    assert_eq!(Count::from(5).value(), Ok(5));
}

#[test]
fn typing_mistakes_in_templates_are_errors() {
    for (what, document) in [
        ("an unknown field", json!({ "row": 1 })),
        ("an unknown kind", json!({ "columns": [{ "name": "a", "kind": "zip" }] })),
        ("no kind", json!({ "columns": [{ "name": "a" }] })),
        ("no name", json!({ "columns": [{ "kind": "uuid" }] })),
        (
            "a field of another kind",
            json!({ "columns": [{ "name": "a", "kind": "uuid", "min": 1 }] }),
        ),
        (
            "an unknown field of a column",
            json!({ "columns": [{ "name": "a", "kind": "hex", "digits": 1, "x": 1 }] }),
        ),
        ("a missing field", json!({ "columns": [{ "name": "a", "kind": "int", "min": 1 }] })),
        ("a negative count", json!({ "rows": -1 })),
        ("an unknown format", json!({ "format": { "kind": "xml" } })),
        ("a field of another format", json!({ "format": { "kind": "csv", "path": "/" } })),
    ] {
        assert!(serde_json::from_value::<Generate>(document).is_err(), "{what}");
    }
}

#[test]
fn newer_manifests_can_be_read() {
    let part = ManifestPart {
        file: "part-00000.txt".into(),
        from_row: 0,
        rows: 5,
        bytes: 20,
        sha256: "00".into(),
    };
    let manifest = Manifest {
        schema: acp_wire::PARTS_SCHEMA.into(),
        generate: Generate { template: Some("/{{row}}".into()), ..Generate::default() },
        template_sha256: "11".into(),
        values_sha256: [].into(),
        format: "path".into(),
        is_packed: false,
        from_row: 0,
        to_row: 5,
        parts: vec![part],
    };
    let mut value = serde_json::to_value(&manifest).unwrap();
    value["from_the_future"] = json!(1);
    assert_eq!(serde_json::from_value::<Manifest>(value).unwrap(), manifest);
}
