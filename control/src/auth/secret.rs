//! Secrets: random tokens, how they are stored, and how they are compared.

use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::fmt::{self, Write as _};

/// A secret from the settings, which is not printed by accident.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct SecretText(String);

impl SecretText {
    /// Hides `text`.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// A new token: 256 random bits in hex, after a prefix by which people and scanners know it.
#[must_use]
pub fn new_token() -> String {
    format!("acp_{}", hex(&rand::random::<[u8; 32]>()))
}

/// SHA-256 of `text` in hex: how tokens are stored. They are random, so no salt is needed.
#[must_use]
pub fn hash_hex(text: impl AsRef<[u8]>) -> String {
    hex(&Sha256::digest(text.as_ref()))
}

/// Whether two secrets are the same, in a time that does not depend on where they differ.
#[must_use]
pub fn same(a: &str, b: &str) -> bool {
    let (a, b) = (Sha256::digest(a), Sha256::digest(b));
    a.iter().zip(b.iter()).fold(0, |all, (x, y)| all | (x ^ y)) == 0
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string does not fail.
        write!(text, "{byte:02x}").unwrap_or_default();
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_long_and_never_the_same() {
        let (a, b) = (new_token(), new_token());
        assert_ne!(a, b);
        assert_eq!(a.len(), "acp_".len() + 64, "{a}");
    }

    #[test]
    fn secrets_are_compared_as_a_whole() {
        for (a, b, equal) in [
            ("", "", true),
            ("abc", "abc", true),
            ("abc", "abd", false),
            ("abc", "abcd", false),
            ("", "a", false),
        ] {
            assert_eq!(same(a, b), equal, "`{a}` and `{b}`");
        }
        // From FIPS 180-2.
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hash_hex("abc"), expected);
    }

    #[test]
    fn a_secret_is_not_printed() {
        assert!(!format!("{:?}", Some(SecretText::new("hunter2"))).contains("hunter2"));
    }
}
