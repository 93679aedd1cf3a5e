//! Everything that a person or a program reads of a report, as golden files of one report.
//! `UPDATE=1` rewrites them.

use super::fixture;
use acp_report::{
    Style, decode, render_csv, render_hdr, render_json, render_junit, render_markdown,
    render_page_series, render_prometheus, render_stored,
};
use acp_wire::Report;
use serde_json::Value;
use std::path::PathBuf;

type Render = fn(&Report) -> String;

const RENDERERS: [(&str, Render); 8] = [
    ("report.txt", |report| render_stored(report, &Style::default()).unwrap()),
    ("report.json", render_json),
    ("report.csv", render_csv),
    ("report.hdr", |report| {
        render_hdr(&decode(report.histograms.response.as_ref().unwrap()).unwrap())
    }),
    ("report.xml", render_junit),
    ("report.md", render_markdown),
    ("report.prom", render_prometheus),
    ("series.json", render_page_series),
];

#[test]
fn every_renderer_writes_its_golden_file() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden");
    let report = fixture::report();
    for (name, render) in RENDERERS {
        let (path, text) = (folder.join(name), render(&report));
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&path, &text).unwrap();
        }
        let golden = std::fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{name}: {error}; UPDATE=1 writes it"));
        if name == "series.json" {
            // The order of its keys depends on what is built beside this.
            let read = |text: &str| serde_json::from_str::<Value>(text).unwrap();
            assert_eq!(read(&text), read(&golden), "{name} has changed; UPDATE=1 accepts it");
            continue;
        }
        assert_eq!(text, golden, "{name} has changed; UPDATE=1 accepts it");
    }
}

#[test]
fn the_report_is_one_that_may_be() {
    let report = fixture::report();
    assert!(report.books.balanced, "{:?}", report.books);
    let sent: u64 = report.series.iter().map(|frame| frame.sent).sum();
    assert_eq!(sent, report.books.sent);
    let text = render_json(&report);
    assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), report, "nothing is lost as JSON");
}
