//! The cluster: who leads, which controls there are, and the coordinator's tree.

use super::app::App;
use super::caller::{As, Viewer};
use super::error::{Answer, ApiError};
use acp_coord::{Leadership, TreeNode};
use axum::Json;
use axum::extract::{Query, State};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// Folder of the coordinator's tree in which controls stand for election.
const CANDIDATES: &str = "/v1/leader";
const PATH_MAX: usize = 512;

/// A control that takes part in the election.
#[derive(Debug, Serialize, ToSchema)]
struct ControlView {
    /// Name of its node.
    node: String,
    /// What it says there: its address.
    data: String,
}

/// The cluster.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Cluster {
    /// Version of this control.
    version: String,
    /// What keeps membership.
    coordinator: String,
    /// Whether it can be reached.
    is_current: bool,
    /// Whether this control leads.
    is_leader: bool,
    /// Grows with every leader; none unless this control leads.
    epoch: Option<u64>,
    /// Address of the leader, where it is another.
    leader: Option<String>,
    /// Controls that take part in the election.
    controls: Vec<ControlView>,
    /// How many agents are registered, by version of acp.
    agents: BTreeMap<String, usize>,
}

/// Shows who leads, which controls there are and which versions agents have.
#[utoipa::path(
    get, path = "/cluster", tag = "cluster",
    responses((status = 200, description = "the cluster", body = Cluster))
)]
pub(super) async fn cluster(
    _who: As<Viewer>,
    State(app): State<Arc<App>>,
) -> Answer<Json<Cluster>> {
    let leadership = app.coord.leadership().borrow().clone();
    let membership = Arc::clone(&app.coord.membership().borrow());
    let mut agents = BTreeMap::new();
    for info in membership.agents.values() {
        *agents.entry(info.version.clone()).or_default() += 1;
    }
    let controls = match membership.is_current {
        true => controls(&app).await?,
        false => Vec::new(),
    };
    Ok(Json(Cluster {
        version: env!("CARGO_PKG_VERSION").into(),
        coordinator: app.coordinator.clone(),
        is_current: membership.is_current,
        is_leader: matches!(leadership, Leadership::Leader { .. }),
        epoch: leadership.epoch(),
        leader: match leadership {
            Leadership::Follower { leader } => Some(leader),
            Leadership::Leader { .. } | Leadership::Unknown => None,
        },
        controls,
        agents,
    }))
}

async fn controls(app: &App) -> Answer<Vec<ControlView>> {
    let mut controls = Vec::new();
    let folder = app.coord.tree(CANDIDATES).await?.unwrap_or_default();
    for name in folder.children {
        // It may have left meanwhile.
        if let Some(node) = app.coord.tree(&format!("{CANDIDATES}/{name}")).await? {
            controls.push(ControlView { node: name, data: node.data });
        }
    }
    Ok(controls)
}

/// Which node.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct TreeQuery {
    /// Path below the root of acp; the root by default.
    path: Option<String>,
}

/// A node of the coordinator's tree.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TreeView {
    /// Its path.
    path: String,
    /// What it holds, as text.
    data: String,
    /// Whether it goes with the session that made it.
    is_ephemeral: bool,
    /// Version of its data.
    version: i64,
    /// Names of its children.
    children: Vec<String>,
}

impl From<TreeNode> for TreeView {
    fn from(node: TreeNode) -> Self {
        let TreeNode { path, data, is_ephemeral, version, children } = node;
        Self { path, data, is_ephemeral, version, children }
    }
}

/// Shows a node of the coordinator's tree.
#[utoipa::path(
    get, path = "/cluster/tree", tag = "cluster", params(TreeQuery),
    responses((status = 200, description = "the node", body = TreeView))
)]
pub(super) async fn tree(
    _who: As<Viewer>,
    State(app): State<Arc<App>>,
    Query(query): Query<TreeQuery>,
) -> Answer<Json<TreeView>> {
    let path = query.path.unwrap_or_else(|| "/".into());
    // Nothing that a coordinator could take for something else.
    let is_bad_part = |part: &str| part == "." || part == "..";
    if path.len() > PATH_MAX
        || path.chars().any(char::is_control)
        || path.split('/').any(is_bad_part)
    {
        return Err(ApiError::bad_request("that is not a path of the tree"));
    }
    let node = app.coord.tree(&path).await?.ok_or_else(|| ApiError::not_found("node", &path))?;
    Ok(Json(node.into()))
}
