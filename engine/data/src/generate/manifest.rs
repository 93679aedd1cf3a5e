//! The manifest: the document beside the parts that says what they are.

use super::Job;
use super::template::sha256;
use acp_plan::rows::Form;
use acp_wire::rows::{Generate, Manifest, ManifestPart};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Where the manifest of a file is. Its name begins with a point, so that a folder of query files can
/// be read as it is.
#[must_use]
pub fn manifest_name(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.manifest.json"))
}

/// The manifest of parts, as text.
pub(super) fn manifest(job: &Job, parts: &[ManifestPart]) -> String {
    let document = Manifest {
        schema: acp_wire::PARTS_SCHEMA.into(),
        generate: job.generate.clone(),
        template_sha256: template_sha256(&job.generate, &job.values_sha256),
        values_sha256: job.values_sha256.clone(),
        format: match job.rows.form() {
            Form::Record => "record".into(),
            form => form.name().into(),
        },
        is_packed: job.is_packed,
        from_row: job.parts.first().map_or(0, |part| part.rows.start),
        to_row: job.parts.last().map_or(0, |part| part.rows.end),
        parts: parts.to_vec(),
    };
    text(&document)
}

/// The hash of what rows are made from, whatever their number and seed.
pub(super) fn template_sha256(
    generate: &Generate,
    values_sha256: &BTreeMap<String, String>,
) -> String {
    let template = Generate { rows: None, seed: None, ..generate.clone() };
    let hashes: Vec<_> = values_sha256.values().collect();
    sha256(text(&(template, hashes)).as_bytes())
}

#[expect(clippy::expect_used, reason = "names are texts, and numbers are finite")]
fn text(document: &impl serde::Serialize) -> String {
    let mut text = serde_json::to_string_pretty(document).expect("a document of texts and numbers");
    text.push('\n');
    text
}
