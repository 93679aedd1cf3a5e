//! The query file of a case: paths of one length, all different, in no order.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

/// Paths of this many rows have more bytes than the file is to have.
const ROWS: &str = "24M";
const TEMPLATE: &str = "/item/{{key}}?name=abcdefghijklmnop&size=2048";
const BYTES_MIN: u64 = 1 << 30;

/// Makes it with the program under test.
///
/// # Errors
///
/// If it cannot be written, or has fewer bytes than the case says.
pub(crate) fn make(acp: &Path, path: &Path) -> Result<()> {
    let output = Command::new(acp)
        .args(["data", "generate", "--template", TEMPLATE, "--rows", ROWS, "-o"])
        .arg(path)
        .output()
        .with_context(|| format!("failed to start `{}`", acp.display()))?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        bail!("failed to make the query file: {}", complaint.trim());
    }
    let bytes = fs::metadata(path).context("there is no query file")?.len();
    if bytes < BYTES_MIN {
        bail!("the query file has {bytes} bytes, the case is of {BYTES_MIN}");
    }
    Ok(())
}
