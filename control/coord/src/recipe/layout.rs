//! Where things are in the tree, and which names are good.
//!
//! ```text
//! <root>/v1/leader/<candidate>             who wants to lead, in the order of their numbers
//! <root>/v1/epoch                          number of the leader; every assignment is checked against it
//! <root>/v1/control                        address of the leader
//! <root>/v1/agents/<00..3f>/<agent>        who is there
//! <root>/v1/assign/<00..3f>/<agent>        what each should be doing
//! ```

use crate::CoordError;

/// Folders that agents are spread over, so that no folder is long.
pub(crate) const SHARDS: usize = 64;

/// Longest name of an agent.
const NAME_BYTES_MAX: usize = 64;

/// Paths of a tree of acp.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    root: String,
}

impl Layout {
    /// Everything below `/acp`.
    pub(crate) fn acp() -> Self {
        Self { root: "/acp".to_string() }
    }

    /// Everything below `root`: `/acp`, or empty.
    pub(crate) fn new(root: &str) -> Result<Self, CoordError> {
        let root = root.strip_suffix('/').unwrap_or(root);
        if root.is_empty() || is_path(root) {
            return Ok(Self { root: root.to_string() });
        }
        Err(CoordError::Settings(format!(
            "`{root}` is not a path in ZooKeeper\nhint: write it like /acp"
        )))
    }

    pub(crate) fn leader(&self) -> String {
        format!("{}/v1/leader", self.root)
    }

    pub(crate) fn epoch(&self) -> String {
        format!("{}/v1/epoch", self.root)
    }

    pub(crate) fn control(&self) -> String {
        format!("{}/v1/control", self.root)
    }

    pub(crate) fn agents(&self, shard: usize) -> String {
        format!("{}/v1/agents/{shard:02x}", self.root)
    }

    pub(crate) fn agent(&self, name: &str) -> String {
        format!("{}/{name}", self.agents(shard_of(name)))
    }

    pub(crate) fn assigns(&self, shard: usize) -> String {
        format!("{}/v1/assign/{shard:02x}", self.root)
    }

    pub(crate) fn assign(&self, name: &str) -> String {
        format!("{}/{name}", self.assigns(shard_of(name)))
    }

    /// The node that a person calls `path`, counted from the root; none where it cannot be one.
    pub(crate) fn below(&self, path: &str) -> Option<String> {
        match path.trim_matches('/') {
            "" if self.root.is_empty() => Some("/".to_string()),
            "" => Some(self.root.clone()),
            path => {
                let path = format!("/{path}");
                is_path(&path).then(|| format!("{}{path}", self.root))
            }
        }
    }
}

/// Whether ZooKeeper takes this as a path: `/a/b`.
pub(crate) fn is_path(path: &str) -> bool {
    let is_name = |name: &str| {
        !matches!(name, "" | "." | "..") && name.chars().all(|c| !c.is_control() && c != '\u{fffd}')
    };
    path.strip_prefix('/').is_some_and(|path| path.split('/').all(is_name))
}

/// Folder of an agent: the low bits of FNV-1a, 64 bit, of its name.
pub(crate) fn shard_of(name: &str) -> usize {
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    usize::from(hash.to_le_bytes()[0]) % SHARDS
}

/// Refuses names that cannot be a part of a path.
pub(crate) fn check_name(name: &str) -> Result<(), CoordError> {
    let is_good = |c: char| c.is_ascii_alphanumeric() || "._:-".contains(c);
    let is_name = !name.is_empty()
        && name.len() <= NAME_BYTES_MAX
        && !matches!(name, "." | "..")
        && name.chars().all(is_good);
    if is_name {
        return Ok(());
    }
    Err(CoordError::Settings(format!(
        "`{name}` cannot be the name of an agent\nhint: at most {NAME_BYTES_MAX} letters, digits and ._:-"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_of_agents() {
        let long = "a".repeat(65);
        for (name, is_good, why) in [
            ("10.0.0.5:7001", true, "the default"),
            ("a", true, "short"),
            (&long[..64], true, "as long as it may be"),
            (&long[..], false, "too long"),
            ("", false, "empty"),
            (".", false, "means something in a path"),
            ("..", false, "means something in a path"),
            ("a/b", false, "two names"),
            ("a b", false, "a space"),
            ("ä", false, "not a letter of ours"),
            ("a\n", false, "a line"),
            ("a\0", false, "ends a string in C"),
        ] {
            assert_eq!(check_name(name).is_ok(), is_good, "{name:?}: {why}");
        }
    }

    #[test]
    fn roots_and_paths() {
        for (root, path, expect) in [
            ("/acp", "/", Some("/acp")),
            ("/acp/", "", Some("/acp")),
            ("", "/", Some("/")),
            ("/a/b", "v1/agents/", Some("/a/b/v1/agents")),
            ("", "/v1", Some("/v1")),
            ("/acp", "/../secret", None),
            ("/acp", "/a//b", None),
            ("/acp", "/./b", None),
            ("/acp", "/a\u{1}", None),
        ] {
            let below = Layout::new(root).unwrap().below(path);
            assert_eq!(below.as_deref(), expect, "{root:?} {path:?}");
        }
        for root in ["acp", "//", "/a//b", "/..", "/a/./b"] {
            assert!(Layout::new(root).is_err(), "{root:?}");
        }
    }

    #[test]
    fn shards_are_the_same_everywhere() {
        // FNV-1a of the empty string is its offset, of `a` 0xaf63dc4c8601ec8c (the reference vectors).
        for (name, shard) in [("", 0x25), ("a", 0x0c), ("foobar", 0x28)] {
            assert_eq!(shard_of(name), shard, "{name:?}");
        }
    }

    #[test]
    fn ten_thousand_agents_fill_all_folders() {
        let mut counts = [0_u32; SHARDS];
        for i in 0..10_000 {
            counts[shard_of(&format!("10.1.{}.{}:7001", i / 250, i % 250))] += 1;
        }
        assert!(counts.iter().all(|count| (50..500).contains(count)), "{counts:?}");
    }

    proptest! {
        #[test]
        fn a_good_name_is_a_good_path(name in "[a-zA-Z0-9._:-]{1,64}") {
            prop_assume!(check_name(&name).is_ok());
            let layout = Layout::new("/acp").unwrap();
            prop_assert!(is_path(&layout.agent(&name)));
            prop_assert!(is_path(&layout.assign(&name)));
        }
    }
}
