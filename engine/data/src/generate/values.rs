//! Files of values.

use std::fs::{self, File};
use std::io::Read as _;

/// Bytes of a file of values, at the most: it is held in memory.
const MAX_BYTES: u64 = 64 << 20;

/// Reads a file of values. It never answers `None`: that is for whoever does not look.
///
/// # Errors
///
/// A sentence for people.
pub fn load(file: &str) -> Result<Option<Vec<u8>>, String> {
    let metadata = fs::metadata(file).map_err(|error| error.to_string())?;
    if !metadata.is_file() {
        return Err("it is no file".into());
    }
    let mut bytes = Vec::new();
    let read = File::open(file).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes));
    read.map_err(|error| error.to_string())?;
    match bytes.len() as u64 > MAX_BYTES {
        true => Err("it has more than 64 MiB, which are held in memory".into()),
        false => Ok(Some(bytes)),
    }
}
