//! A report as a file to keep: the page in one document, with the report and its series in it.

use acp_report::{render_json, render_page_series};
use acp_wire::Report;

/// The report as one HTML file.
pub(super) fn render_html(report: Report) -> String {
    let series = render_page_series(&report);
    // The columns have the series already.
    let report = Report { series: Vec::new(), ..report };
    acp_web::offline::report(&render_json(&report), &series)
}
