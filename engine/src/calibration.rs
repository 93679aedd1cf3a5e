//! What this machine's engine could do when it was last measured: kept in a file of the user, from
//! where every report takes it.

use acp_wire::report::Calibration;
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

const SCHEMA: &str = "acp.calibration/1";

#[derive(Serialize, Deserialize)]
struct Document {
    schema: String,
    #[serde(flatten)]
    calibration: Calibration,
}

/// The file: `$XDG_STATE_HOME/acp/calibration.json`, else below `~/.local/state`; none without a home.
#[must_use]
pub fn path() -> Option<PathBuf> {
    path_of(std::env::var_os("XDG_STATE_HOME"), std::env::var_os("HOME"))
}

/// A relative path is no folder of the user (XDG Base Directory Specification 0.8).
fn path_of(state: Option<OsString>, home: Option<OsString>) -> Option<PathBuf> {
    let absolute = |path: OsString| Some(PathBuf::from(path)).filter(|path| path.is_absolute());
    let state = state.and_then(absolute);
    let state = state.or_else(|| Some(home.and_then(absolute)?.join(".local/state")))?;
    Some(state.join("acp/calibration.json"))
}

/// The one that was kept. A file that is missing or broken is none.
#[must_use]
pub fn load() -> Option<Calibration> {
    read(&path()?)
}

fn read(path: &Path) -> Option<Calibration> {
    let text = std::fs::read_to_string(path).ok()?;
    let document = serde_json::from_str::<Document>(&text).ok()?;
    Some(document.calibration).filter(|_| document.schema == SCHEMA)
}

/// Keeps a calibration. Whoever reads meanwhile finds the old one or the new one.
///
/// # Errors
///
/// When there is no home, or its folder cannot be written.
pub fn save(calibration: &Calibration) -> io::Result<PathBuf> {
    let no_home =
        || io::Error::new(io::ErrorKind::NotFound, "neither XDG_STATE_HOME nor HOME is set");
    let path = path().ok_or_else(no_home)?;
    write(&path, calibration)?;
    Ok(path)
}

fn write(path: &Path, calibration: &Calibration) -> io::Result<()> {
    let document = Document { schema: SCHEMA.into(), calibration: calibration.clone() };
    let text = serde_json::to_string_pretty(&document)? + "\n";
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let new = path.with_extension(format!("json.{}", std::process::id()));
    std::fs::write(&new, text)?;
    std::fs::rename(&new, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_in_the_users_folder_of_states() {
        for (state, home, expect) in [
            (Some("/s"), Some("/h"), Some("/s/acp/calibration.json")),
            (None, Some("/h"), Some("/h/.local/state/acp/calibration.json")),
            (Some(""), Some("/h"), Some("/h/.local/state/acp/calibration.json")),
            (Some("relative"), Some("/h"), Some("/h/.local/state/acp/calibration.json")),
            (None, Some("relative"), None),
            (None, None, None),
        ] {
            let found = path_of(state.map(OsString::from), home.map(OsString::from));
            assert_eq!(found, expect.map(PathBuf::from), "{state:?} {home:?}");
        }
    }

    #[test]
    fn what_is_kept_is_found_and_what_is_broken_is_none() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("a/b/calibration.json");
        assert_eq!(read(&path), None, "missing");
        let of = |requests_per_s| Calibration { requests_per_s, ..Calibration::default() };
        for calibration in [of(1.5), of(200_000.0)] {
            write(&path, &calibration).expect("written");
            assert_eq!(read(&path), Some(calibration));
        }
        let names = std::fs::read_dir(path.parent().expect("a folder")).expect("readable");
        assert_eq!(names.count(), 1, "no file is left behind");
        for text in ["", "nonsense", "{}", "{\"schema\":\"acp.calibration/1\"}", "[]"] {
            std::fs::write(&path, text).expect("written");
            assert_eq!(read(&path), None, "{text}");
        }
        write(&path, &of(1.0)).expect("written");
        let other = std::fs::read_to_string(&path).expect("text").replace("calibration/1", "x/1");
        std::fs::write(&path, other).expect("written");
        assert_eq!(read(&path), None, "another schema");
    }
}
