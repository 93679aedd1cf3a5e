//! What is done to values of the query, which may be about people, before they are written.
//!
//! Paths go out as they are in the log, those segments of them too that differ from request to request.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use std::borrow::Cow;
use std::fmt::Write as _;

/// Bytes of a digest that are kept: 64 bits tell a billion values apart.
const DIGEST_BYTES: usize = 8;

/// What becomes of values of the query.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Privacy {
    /// They stay.
    #[default]
    Keep,
    /// All are left out: `?user=&page=`.
    Drop,
    /// Those of the parameters with these names become digests (HMAC with SHA-256, 64 bits of it in hex): the
    /// same value the same digest, and without the key no way back.
    Hash {
        /// Names of parameters.
        names: Vec<String>,
        /// Whoever has it can tell whether a value is behind a digest.
        key: Vec<u8>,
    },
}

impl Privacy {
    /// Hashes by a key that nobody knows: digests of one run say nothing about those of another.
    #[must_use]
    pub fn hash_by_a_random_key(names: Vec<String>) -> Self {
        Self::Hash { names, key: rand::random::<[u8; 32]>().to_vec() }
    }

    /// A path with its query, as it may be written.
    pub(super) fn apply<'a>(&self, path: &'a [u8]) -> Cow<'a, [u8]> {
        let Some(query) = memchr::memchr(b'?', path) else { return Cow::Borrowed(path) };
        match self {
            Self::Keep => Cow::Borrowed(path),
            Self::Drop => Cow::Owned(rewritten(path, query + 1, |_, _| Some(String::new()))),
            Self::Hash { names, key } => Cow::Owned(rewritten(path, query + 1, |name, value| {
                let is_named = names.iter().any(|known| known.as_bytes() == name);
                is_named.then(|| digest(key, value))
            })),
        }
    }
}

/// The path with other values: `with` gives that of a name and its value.
fn rewritten(path: &[u8], query: usize, with: impl Fn(&[u8], &[u8]) -> Option<String>) -> Vec<u8> {
    let mut text = path[..query].to_vec();
    let is_mark = |byte: &u8| matches!(byte, b'&' | b';');
    for pair in path[query..].split_inclusive(is_mark) {
        let (pair, mark) = match pair.split_last() {
            Some((last, pair)) if is_mark(last) => (pair, Some(*last)),
            _ => (pair, None),
        };
        let (name, value) = match memchr::memchr(b'=', pair) {
            Some(end) => (&pair[..end], Some(&pair[end + 1..])),
            // A name alone may be a value itself: `?4711`.
            None if super::shape::is_value(pair) => (&pair[..0], Some(pair)),
            None => (pair, None),
        };
        text.extend(name);
        if let Some(value) = value {
            if name.len() < pair.len() && pair[name.len()] == b'=' {
                text.push(b'=');
            }
            match with(name, value) {
                Some(other) => text.extend(other.bytes()),
                None => text.extend(value),
            }
        }
        text.extend(mark);
    }
    text
}

fn digest(key: &[u8], value: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key may have any length");
    mac.update(value);
    let digest = mac.finalize().into_bytes();
    digest.iter().take(DIGEST_BYTES).fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("a text takes all");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_become_what_the_table_says() {
        let key = b"key".to_vec();
        let hash = |names: &[&str]| Privacy::Hash {
            names: names.iter().map(ToString::to_string).collect(),
            key: key.clone(),
        };
        // HMAC-SHA-256 of "alice" by the key "key", by `openssl dgst -sha256 -hmac key`.
        let alice = "76fb55e929c06b97";
        for (what, privacy, path, expected) in [
            ("kept", Privacy::Keep, "/a?user=alice", "/a?user=alice".to_string()),
            ("dropped", Privacy::Drop, "/a?user=alice&page=2;x", "/a?user=&page=;x".into()),
            ("no value", Privacy::Drop, "/a?x&y=", "/a?x&y=".into()),
            ("a name that is a value", Privacy::Drop, "/a?1699999999&x=1", "/a?&x=".into()),
            ("no query", Privacy::Drop, "/a=b&c", "/a=b&c".into()),
            ("a `=` in a value", Privacy::Drop, "/a?b=c=d", "/a?b=".into()),
            ("an empty query", Privacy::Drop, "/a?", "/a?".into()),
            ("a `?` in a value", Privacy::Drop, "/a?b=/c?d=e&f", "/a?b=&f".into()),
            ("hashed", hash(&["user"]), "/a?user=alice&page=2", format!("/a?user={alice}&page=2")),
            (
                "each time",
                hash(&["user", "by"]),
                "/a?user=alice&by=alice&users=alice",
                format!("/a?user={alice}&by={alice}&users=alice"),
            ),
            ("no such name", hash(&["x"]), "/a?user=alice", "/a?user=alice".into()),
        ] {
            let found = privacy.apply(path.as_bytes());
            assert_eq!(String::from_utf8_lossy(&found), expected, "{what}");
        }
    }

    #[test]
    fn random_keys_differ() {
        let one = Privacy::hash_by_a_random_key(vec!["a".into()]);
        let other = Privacy::hash_by_a_random_key(vec!["a".into()]);
        assert_ne!(one.apply(b"/?a=1"), other.apply(b"/?a=1"));
        assert_eq!(one.apply(b"/?a=1"), one.apply(b"/?a=1"));
    }
}
