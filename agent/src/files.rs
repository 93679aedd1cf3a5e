//! Files of the state folder: names that come from elsewhere, and writes that are whole or not there.

use std::fs;
use std::io;
use std::path::Path;

/// Whether a name from an assignment can be that of a file here: no path, nothing hidden.
pub(crate) fn is_file_name(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte);
    (1..=128).contains(&text.len()) && !text.starts_with('.') && text.bytes().all(is_part)
}

/// Whether a text is a SHA-256 in lower-case hex.
pub(crate) fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Writes a file so that a reader, or a restart, sees all of it or none.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let unfinished = path.with_extension("new");
    fs::write(&unfinished, bytes)?;
    fs::rename(&unfinished, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_leave_the_folder() {
        for good in ["01JABC.0", "run-1.12", "a:b_c"] {
            assert!(is_file_name(good), "{good}");
        }
        let long = "a".repeat(129);
        for bad in ["", ".", "..", ".a", "a/b", "../a", "a b", "a\0", "ä", &long] {
            assert!(!is_file_name(bad), "{bad}");
        }
    }

    #[test]
    fn hashes_are_hex_and_whole() {
        assert!(is_hash(&"0a".repeat(32)));
        for bad in ["", "0a", &"0A".repeat(32), &"0g".repeat(32), &"0a".repeat(33)] {
            assert!(!is_hash(bad), "{bad}");
        }
    }

    #[test]
    fn a_write_replaces_the_whole_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        write_whole(&path, b"a long text").unwrap();
        write_whole(&path, b"short").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"short");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
        assert!(write_whole(&folder.path().join("no/such"), b"").is_err());
    }
}
