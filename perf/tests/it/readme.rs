//! `acp-perf readme`: a golden result into a README.

use std::fs;

use crate::stubs::perf;

const RESULT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/result.json");

#[test]
fn the_tables_land_between_the_markers() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let readme = folder.path().join("README.md");
    fs::write(&readme, "# acp\n<!-- perf:begin -->\nold\n<!-- perf:end -->\nend\n").expect("write");
    let status = perf(folder.path()).args(["readme", RESULT, "--into", "README.md"]).status();
    assert!(status.expect("it starts").success());
    let text = fs::read_to_string(&readme).expect("the file is there");
    assert!(text.starts_with("# acp\n<!-- perf:begin -->\n- 2026-08-01T12:00:00Z"), "{text}");
    assert!(text.contains("| closed-64 | 200,000/s, 4.000 µs | 128,000/s"), "{text}");
    assert!(text.ends_with(" |\n<!-- perf:end -->\nend\n"), "{text}");
    assert!(!text.contains("old"), "{text}");
}

#[test]
fn a_file_without_markers_is_left_alone() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let readme = folder.path().join("README.md");
    fs::write(&readme, "# acp\n").expect("write");
    let output = perf(folder.path()).args(["readme", RESULT, "--into", "README.md"]).output();
    assert_eq!(output.expect("it starts").status.code(), Some(2));
    assert_eq!(fs::read_to_string(&readme).expect("the file is there"), "# acp\n");
}
