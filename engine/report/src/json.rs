//! The report as JSON, one document.

use acp_wire::Report;

/// Renders a report, with a line break at its end.
#[must_use]
#[expect(clippy::missing_panics_doc, reason = "a report has only string keys and finite numbers")]
pub fn render(report: &Report) -> String {
    let mut text = serde_json::to_string_pretty(report).expect("a report is valid JSON");
    text.push('\n');
    text
}
