//! Reports of ended runs, in every format.

use super::app::App;
use super::caller::{As, Viewer};
use super::error::{Answer, ApiError};
use super::runs::find;
use super::saved::render_html;
use crate::store::RunRecord;
use acp_report::{
    Style, decode, new_histogram, render_csv, render_hdr, render_json, render_junit,
    render_markdown, render_stored,
};
use acp_wire::Report;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// How a report is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum ReportFormat {
    /// A document `acp.report/1`.
    #[default]
    Json,
    /// A line for each second.
    Csv,
    /// The percentile table of HdrHistogram's plotters.
    Hdr,
    /// For people.
    Text,
    /// The page of the run as one file that needs no server.
    Html,
    /// Test cases for continuous integration: the verdict, the goals, the limits.
    Junit,
    /// For merge requests and chats.
    Markdown,
}

/// In which format.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ReportQuery {
    /// `json` by default.
    #[param(inline)]
    format: Option<ReportFormat>,
    /// Whether a JSON report has its series; it has by default.
    series: Option<bool>,
    /// Whether browsers keep it as a file instead of showing it. HTML always is one.
    download: Option<bool>,
}

/// Shows the report of a run that has ended.
#[utoipa::path(
    get, path = "/runs/{id}/report", tag = "runs", params(("id" = String, Path), ReportQuery),
    responses((status = 200, description = "the report", content(
        (Object = "application/json"), (String = "text/csv"), (String = "text/plain"),
        (String = "text/html"), (String = "application/xml"), (String = "text/markdown")
    )))
)]
pub(super) async fn report(
    _who: As<Viewer>,
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Query(query): Query<ReportQuery>,
) -> Answer<Response> {
    let mut report = find_report(&app, &id).await?;
    let format = query.format.unwrap_or_default();
    let is_file = format == ReportFormat::Html || query.download == Some(true);
    if format == ReportFormat::Json && query.series == Some(false) {
        report.series.clear();
    }
    let (kind, text) = match format {
        ReportFormat::Json => ("application/json", render_json(&report)),
        ReportFormat::Csv => ("text/csv; charset=utf-8", render_csv(&report)),
        ReportFormat::Hdr => ("text/plain; charset=utf-8", hdr(&report)?),
        ReportFormat::Text => ("text/plain; charset=utf-8", text(&report)?),
        ReportFormat::Html => ("text/html; charset=utf-8", render_html(report)),
        ReportFormat::Junit => ("application/xml", render_junit(&report)),
        ReportFormat::Markdown => ("text/markdown; charset=utf-8", render_markdown(&report)),
    };
    let mut response = ([(header::CONTENT_TYPE, kind)], text).into_response();
    if is_file {
        let name = file_name(&id, format);
        let disposition = HeaderValue::try_from(format!("attachment; filename=\"{name}\""))
            .map_err(|error| ApiError::internal(&error))?;
        response.headers_mut().insert(header::CONTENT_DISPOSITION, disposition);
    }
    Ok(response)
}

/// Under which name a browser keeps the report of a run.
fn file_name(run: &str, format: ReportFormat) -> String {
    let is_plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let run: String = run.chars().filter(is_plain).collect();
    let suffix = match format {
        ReportFormat::Json => "json",
        ReportFormat::Csv => "csv",
        ReportFormat::Hdr => "hdr",
        ReportFormat::Text => "txt",
        ReportFormat::Html => "html",
        ReportFormat::Junit => "xml",
        ReportFormat::Markdown => "md",
    };
    format!("acp-{run}.{suffix}")
}

/// The report of a run.
pub(super) async fn find_report(app: &App, id: &str) -> Answer<Report> {
    let run = find(app, id).await?;
    app.store.report(&run.id).await?.ok_or_else(|| no_report(&run))
}

/// Refuses as [`find_report`] does, and does not read the report.
pub(super) async fn has_report(app: &App, id: &str) -> Answer<()> {
    let run = find(app, id).await?;
    if app.store.has_report(&run.id).await? { Ok(()) } else { Err(no_report(&run)) }
}

fn no_report(run: &RunRecord) -> ApiError {
    let state = super::states::state_name(run.state);
    ApiError::conflict(format!("run `{}` has no report: it is {state}", run.id))
}

fn hdr(report: &Report) -> Answer<String> {
    let Some(written) = &report.histograms.response else {
        return Ok(render_hdr(&new_histogram()));
    };
    Ok(render_hdr(&decode(written).map_err(|error| ApiError::internal(&error))?))
}

fn text(report: &Report) -> Answer<String> {
    render_stored(report, &Style::default()).map_err(|error| ApiError::internal(&error))
}
