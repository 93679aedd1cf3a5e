//! The nodes of the model: what lists of writes do to them, without sessions or time.

use crate::keeper::{KeeperError, Life, Stat, Write, WriteError};
use std::collections::{BTreeMap, BTreeSet};

/// A node.
#[derive(Clone, Debug, Default)]
pub(super) struct Node {
    pub(super) data: Vec<u8>,
    pub(super) stat: Stat,
    pub(super) children: BTreeSet<String>,
    /// Children ever made: the number of the next sequential one.
    made: u32,
}

/// Something that watches wait for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// A node was made, set or deleted.
    Node(String),
    /// Its children are others.
    Children(String),
}

/// All nodes, by path. The root is the empty path.
#[derive(Debug)]
pub(super) struct Tree {
    nodes: BTreeMap<String, Node>,
}

/// What takes a step back.
enum Undo {
    Create(String),
    Set(String, Vec<u8>, Stat),
    Delete(String, Node),
}

impl Default for Tree {
    fn default() -> Self {
        Self { nodes: [(String::new(), Node::default())].into() }
    }
}

impl Tree {
    pub(super) fn get(&self, path: &str) -> Result<&Node, KeeperError> {
        self.nodes.get(path.trim_end_matches('/')).ok_or(KeeperError::NoNode)
    }

    fn get_mut(&mut self, path: &str) -> Result<&mut Node, KeeperError> {
        self.nodes.get_mut(path).ok_or(KeeperError::NoNode)
    }

    /// Nodes that live with this session.
    pub(super) fn owned_by(&self, session: i64) -> Vec<String> {
        let owned = self.nodes.iter().filter(|(_, node)| node.stat.owner == session);
        owned.map(|(path, _)| path.clone()).collect()
    }

    /// Does all or nothing; returns the paths of nodes made, and what happened.
    pub(super) fn write(
        &mut self,
        session: i64,
        writes: &[Write],
    ) -> Result<(Vec<String>, Vec<Event>), WriteError> {
        let (mut made, mut events, mut done) = (Vec::new(), Vec::new(), Vec::new());
        for (index, write) in writes.iter().enumerate() {
            let step = match write {
                Write::Create { path, data, life } => {
                    self.create(session, path, data, *life, &mut made, &mut events)
                }
                Write::Set { path, data, version } => self.set(path, data, *version, &mut events),
                Write::Delete { path } => self.delete(path, &mut events),
                Write::Check { path, version } => self.check(path, *version).map(|()| None),
            };
            match step {
                Ok(undo) => done.extend(undo),
                Err(error) => {
                    done.into_iter().rev().for_each(|undo| self.undo(undo));
                    return Err(WriteError { index: Some(index), error });
                }
            }
        }
        Ok((made, events))
    }

    fn create(
        &mut self,
        session: i64,
        path: &str,
        data: &[u8],
        life: Life,
        made: &mut Vec<String>,
        events: &mut Vec<Event>,
    ) -> Result<Option<Undo>, KeeperError> {
        let (above, name) = split(path)?;
        let parent = self.nodes.get(above).ok_or(KeeperError::NoNode)?;
        if parent.stat.owner != 0 {
            return Err(KeeperError::Other("ephemeral nodes have no children".to_string()));
        }
        let (name, path) = match life {
            Life::EphemeralSequential => {
                (format!("{name}{:010}", parent.made), format!("{path}{:010}", parent.made))
            }
            Life::Persistent | Life::Ephemeral => (name.to_string(), path.to_string()),
        };
        if self.nodes.contains_key(&path) {
            return Err(KeeperError::NodeExists);
        }
        let owner = if life == Life::Persistent { 0 } else { session };
        let stat = Stat { owner, ..Stat::default() };
        let node = Node { data: data.to_vec(), stat, ..Node::default() };
        self.nodes.insert(path.clone(), node);
        self.link(above, name);
        made.push(path.clone());
        events.extend([Event::Node(path.clone()), Event::Children(above.to_string())]);
        Ok(Some(Undo::Create(path)))
    }

    fn link(&mut self, above: &str, name: String) {
        if let Some(parent) = self.nodes.get_mut(above) {
            parent.children.insert(name);
            parent.made += 1;
            parent.stat.children_version += 1;
        }
    }

    fn set(
        &mut self,
        path: &str,
        data: &[u8],
        version: Option<i32>,
        events: &mut Vec<Event>,
    ) -> Result<Option<Undo>, KeeperError> {
        self.check(path, version)?;
        let node = self.get_mut(path)?;
        let undo = Undo::Set(path.to_string(), std::mem::take(&mut node.data), node.stat);
        node.data = data.to_vec();
        node.stat.version += 1;
        events.push(Event::Node(path.to_string()));
        Ok(Some(undo))
    }

    fn delete(&mut self, path: &str, events: &mut Vec<Event>) -> Result<Option<Undo>, KeeperError> {
        let (above, name) = split(path)?;
        if !self.get(path)?.children.is_empty() {
            return Err(KeeperError::Other("the node has children".to_string()));
        }
        let node = self.nodes.remove(path).ok_or(KeeperError::NoNode)?;
        let parent = self.get_mut(above)?;
        parent.children.remove(name);
        parent.stat.children_version += 1;
        events.extend([Event::Node(path.to_string()), Event::Children(above.to_string())]);
        Ok(Some(Undo::Delete(path.to_string(), node)))
    }

    fn check(&self, path: &str, version: Option<i32>) -> Result<(), KeeperError> {
        let node = self.get(path)?;
        match version {
            Some(version) if version != node.stat.version => Err(KeeperError::BadVersion),
            _ => Ok(()),
        }
    }

    fn undo(&mut self, undo: Undo) {
        match undo {
            Undo::Create(path) => {
                self.nodes.remove(&path);
                self.relink(&path, |children, name| children.remove(name));
            }
            Undo::Set(path, data, stat) => {
                if let Some(node) = self.nodes.get_mut(&path) {
                    (node.data, node.stat) = (data, stat);
                }
            }
            Undo::Delete(path, node) => {
                self.nodes.insert(path.clone(), node);
                self.relink(&path, |children, name| children.insert(name.to_string()));
            }
        }
    }

    fn relink(&mut self, path: &str, change: impl Fn(&mut BTreeSet<String>, &str) -> bool) {
        let Ok((above, name)) = split(path) else { return };
        if let Some(parent) = self.nodes.get_mut(above) {
            change(&mut parent.children, name);
            parent.stat.children_version -= 1;
        }
    }
}

/// The path above a node, and its name.
fn split(path: &str) -> Result<(&str, &str), KeeperError> {
    path.rsplit_once('/').ok_or_else(|| KeeperError::Other(format!("`{path}` is not a path")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn create(path: &str, life: Life) -> Write {
        Write::Create { path: path.to_string(), data: Vec::new(), life }
    }

    fn set(path: &str, data: &str, version: Option<i32>) -> Write {
        Write::Set { path: path.to_string(), data: data.as_bytes().to_vec(), version }
    }

    fn check_version(path: &str, version: i32) -> Write {
        Write::Check { path: path.to_string(), version: Some(version) }
    }

    fn delete(path: &str) -> Write {
        Write::Delete { path: path.to_string() }
    }

    /// A tree with `/a`, `/a/b` and the ephemeral `/e` of session 7.
    fn tree() -> Tree {
        let mut tree = Tree::default();
        let writes = [Write::folder("/a"), Write::folder("/a/b"), create("/e", Life::Ephemeral)];
        tree.write(7, &writes).unwrap();
        tree
    }

    #[test]
    fn a_failed_write_leaves_no_trace() {
        let other = |text: &str| KeeperError::Other(text.to_string());
        for (what, last, expect) in [
            ("no parent", Write::folder("/x/y"), KeeperError::NoNode),
            ("there already", Write::folder("/a"), KeeperError::NodeExists),
            ("made before in the list", Write::folder("/new"), KeeperError::NodeExists),
            ("nothing to set", set("/x", "", None), KeeperError::NoNode),
            ("another version", set("/a", "", Some(5)), KeeperError::BadVersion),
            ("changed before in the list", check_version("/a", 0), KeeperError::BadVersion),
            ("nothing to check", check_version("/x", 0), KeeperError::NoNode),
            ("nothing to delete", delete("/x"), KeeperError::NoNode),
            ("deleted before in the list", delete("/a/b"), KeeperError::NoNode),
            (
                "children of an ephemeral",
                Write::folder("/e/x"),
                other("ephemeral nodes have no children"),
            ),
            ("has children", delete("/a"), other("the node has children")),
        ] {
            let mut tree = tree();
            let before = format!("{:?}", tree.nodes);
            let more = if what == "has children" { "/a/c" } else { "/new/c" };
            let writes = [
                Write::folder("/new"),
                Write::folder(more),
                set("/a", "changed", Some(0)),
                delete("/a/b"),
                last,
            ];
            let failed = tree.write(1, &writes).unwrap_err();
            assert_eq!(failed, WriteError { index: Some(4), error: expect }, "{what}");
            // Numbers of sequential nodes may have gaps.
            let strip = |text: &str| {
                text.split("made: ")
                    .map(|part| part.trim_start_matches(char::is_numeric))
                    .collect::<String>()
            };
            assert_eq!(strip(&format!("{:?}", tree.nodes)), strip(&before), "{what}");
        }
    }

    #[test]
    fn stats_count_what_happens() {
        let mut tree = tree();
        tree.write(1, &[set("/a", "1", None), set("/a", "2", Some(1)), delete("/a/b")]).unwrap();
        let node = tree.get("/a").unwrap();
        assert_eq!(node.stat, Stat { version: 2, children_version: 2, owner: 0 });
        assert_eq!(tree.get("/e").unwrap().stat.owner, 7);
        assert_eq!(tree.owned_by(7), ["/e"]);
    }

    #[test]
    fn sequential_nodes_never_share_a_number() {
        let mut tree = tree();
        let node = || [create("/a/c-", Life::EphemeralSequential)];
        let first = tree.write(1, &node()).unwrap().0;
        tree.write(1, &[delete(&first[0])]).unwrap();
        let second = tree.write(1, &node()).unwrap().0;
        assert_eq!((first[0].as_str(), second[0].as_str()), ("/a/c-0000000001", "/a/c-0000000002"));
    }
}
