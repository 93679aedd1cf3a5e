//! A comparison for programs: everything, as one document.

use super::Shown;
use acp_report::compare::Comparison;
use serde::Serialize;

const SCHEMA: &str = "acp.compare/1";

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    exit_code: u8,
    /// What is called the same, as a share of 1.
    tolerance_ratio: f64,
    /// What the intervals of each run rest on: `histograms` or `summaries` of its seconds.
    basis: Vec<&'static str>,
    #[serde(flatten)]
    comparison: &'a Comparison,
}

pub(super) fn render(shown: &Shown<'_>) -> String {
    let document = Document {
        schema: SCHEMA,
        exit_code: shown.exit_code,
        tolerance_ratio: shown.tolerance,
        basis: shown.runs.iter().map(super::read::Run::basis_name).collect(),
        comparison: shown.found,
    };
    let text = serde_json::to_string_pretty(&document);
    text.expect("a comparison has only string keys") + "\n"
}
