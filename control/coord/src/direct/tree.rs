//! Looking at direct mode's memory as if it were a tree of nodes.

use crate::TreeNode;
use std::collections::{BTreeMap, BTreeSet};

/// The node at `path` among leaves with data, and whether they live with a session; folders are the
/// paths above leaves.
pub(super) fn look(leaves: &BTreeMap<String, (String, bool)>, path: &str) -> Option<TreeNode> {
    let path = match path.trim_matches('/') {
        "" => String::new(),
        path => format!("/{path}"),
    };
    let below = leaves.keys().filter_map(|leaf| leaf.strip_prefix(&path)?.strip_prefix('/'));
    let children: BTreeSet<&str> = below.filter_map(|rest| rest.split('/').next()).collect();
    let leaf = leaves.get(&path);
    if leaf.is_none() && children.is_empty() {
        return None;
    }
    let (data, is_ephemeral) = leaf.cloned().unwrap_or_default();
    let path = if path.is_empty() { "/".to_string() } else { path };
    let children = children.into_iter().map(str::to_string).collect();
    Some(TreeNode { path, data, is_ephemeral, version: 0, children })
}

#[cfg(test)]
mod tests {
    use super::look;

    /// Children and data of the node at `path`.
    fn check(path: &str, expect: Option<(&str, &[&str])>) {
        let leaf = |path: &str, data: &str| (path.to_string(), (data.to_string(), true));
        let leaves =
            [leaf("/v1/agents/0a/x", "X"), leaf("/v1/agents/0a/y", "Y"), leaf("/v1/e", "")];
        let node = look(&leaves.into(), path);
        let found = node.as_ref().map(|node| (node.data.as_str(), node.children.clone()));
        assert_eq!(
            found,
            expect.map(|(data, names)| (data, names.iter().map(ToString::to_string).collect())),
            "{path:?}"
        );
    }

    #[test]
    fn folders_are_the_paths_above_leaves() {
        check("/", Some(("", &["v1"])));
        check("", Some(("", &["v1"])));
        check("/v1/", Some(("", &["agents", "e"])));
        check("/v1/agents/0a", Some(("", &["x", "y"])));
        check("/v1/agents/0a/x", Some(("X", &[])));
        check("/v1/agents/0", None);
        check("/v2", None);
        check("/v1/agents/0a/x/more", None);
        check("/../v1", None);
    }
}
