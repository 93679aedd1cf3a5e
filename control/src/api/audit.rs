//! Who has done what.

use super::app::App;
use super::caller::{As, Auditor};
use super::error::Answer;
use super::paging::page;
use crate::store::AuditRecord;
use axum::Json;
use axum::extract::{Query, State};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// Something that somebody has done.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AuditView {
    /// When.
    at_unix_us: u64,
    /// Who.
    by: String,
    /// From where.
    address: String,
    /// What: `run.stop`.
    action: String,
    /// To what: an id or a name.
    subject: String,
    /// What there is to say.
    text: String,
}

impl From<AuditRecord> for AuditView {
    fn from(record: AuditRecord) -> Self {
        let AuditRecord { at_unix_us, by, address, action, subject, text } = record;
        Self { at_unix_us, by, address, action, subject, text }
    }
}

/// Some of what was done.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AuditList {
    /// Newest first.
    records: Vec<AuditView>,
}

/// Which part.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct AuditQuery {
    /// How many, 50 by default.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// How many to leave out first.
    #[param(maximum = 2147483647)]
    offset: Option<u32>,
}

/// Lists what was done, newest first.
#[utoipa::path(
    get, path = "/audit", tag = "users", params(AuditQuery),
    responses((status = 200, description = "some of it", body = AuditList))
)]
pub(super) async fn list(
    _who: As<Auditor>,
    State(app): State<Arc<App>>,
    Query(query): Query<AuditQuery>,
) -> Answer<Json<AuditList>> {
    let records = app.store.audit(page(query.limit, query.offset)?).await?;
    Ok(Json(AuditList { records: records.into_iter().map(AuditView::from).collect() }))
}
