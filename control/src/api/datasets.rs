//! Data sets: which there are, and which agents have them.

use super::app::App;
use super::caller::{As, Viewer};
use super::error::Answer;
use super::paging::page;
use crate::store::DatasetRecord;
use axum::Json;
use axum::extract::{Query, State};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// A version of a data set.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DatasetView {
    /// Name.
    name: String,
    /// From 1; other lines are another version.
    version: u32,
    /// How its lines are read.
    format: String,
    /// Its size.
    bytes: u64,
    /// Its lines.
    lines: u64,
    /// SHA-256 of its bytes, in hex.
    sha256: String,
    /// When it was made.
    created_unix_us: u64,
    /// Who made it.
    by: String,
    /// Agents that have it.
    agents: Vec<String>,
}

impl From<DatasetRecord> for DatasetView {
    fn from(dataset: DatasetRecord) -> Self {
        Self {
            name: dataset.name,
            version: dataset.version,
            format: dataset.format,
            bytes: dataset.bytes,
            lines: dataset.lines,
            sha256: dataset.sha256,
            created_unix_us: dataset.created_unix_us,
            by: dataset.by,
            agents: dataset.agents,
        }
    }
}

/// Some data sets.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DatasetList {
    /// By name, newest version first.
    datasets: Vec<DatasetView>,
    /// How many there are in all.
    total: u64,
}

/// Which data sets.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct DatasetQuery {
    /// How many, 50 by default.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// How many to leave out first.
    #[param(maximum = 2147483647)]
    offset: Option<u32>,
}

/// Lists data sets.
#[utoipa::path(
    get, path = "/datasets", tag = "datasets", params(DatasetQuery),
    responses((status = 200, description = "some of them", body = DatasetList))
)]
pub(super) async fn list(
    _who: As<Viewer>,
    State(app): State<Arc<App>>,
    Query(query): Query<DatasetQuery>,
) -> Answer<Json<DatasetList>> {
    let page = page(query.limit, query.offset)?;
    let (datasets, total) = app.store.datasets(page).await?;
    let datasets = datasets.into_iter().map(DatasetView::from).collect();
    Ok(Json(DatasetList { datasets, total }))
}
