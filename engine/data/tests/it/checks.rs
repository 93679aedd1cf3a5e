//! What the check finds, and what it lets pass.

use crate::world::{How, content, look, parts};
use acp_data::generate::Cut;
use std::fs;
use std::path::Path;

const ROWS: u64 = 5000;

fn made(folder: &Path, is_packed: bool) {
    let how = How { rows: ROWS, cut: Cut::Parts(4), is_packed, ..How::default() };
    how.make(folder).unwrap();
}

#[test]
fn what_was_made_is_good() {
    for is_packed in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        made(folder.path(), is_packed);
        let found = look(folder.path()).unwrap();
        assert_eq!((found.rows, found.all, found.parts), (0..ROWS, ROWS, 4));
        assert_eq!(found.keys.len(), 1);
        assert_eq!(found.bytes, content(folder.path()).len() as u64);
    }
    let folder = tempfile::tempdir().unwrap();
    How { template: "/a/{{uuid}}".into(), ..How::default() }.make(folder.path()).unwrap();
    assert_eq!(look(folder.path()).unwrap().keys, Vec::<String>::new());
}

#[test]
fn parts_of_several_machines_are_checked_together() {
    let folder = tempfile::tempdir().unwrap();
    let how = How { rows: ROWS, cut: Cut::Parts(3), ..How::default() };
    for only in [0, 2] {
        How { only: Some(only), ..how.clone() }.make(folder.path()).unwrap();
    }
    let error = look(folder.path()).unwrap_err().to_string();
    assert!(error.contains("rows 1666 to 3333 are in no part"), "{error}");
    How { only: Some(1), ..how.clone() }.make(folder.path()).unwrap();
    assert_eq!(look(folder.path()).unwrap().rows, 0..ROWS);
    // A part of other rows.
    let other = How { rows: ROWS + 1, only: Some(1), is_forced: true, ..how };
    other.make(folder.path()).unwrap();
    let error = look(folder.path()).unwrap_err().to_string();
    assert!(error.contains("is of other rows"), "{error}");
}

/// What the check says of parts that somebody has changed.
fn changed(change: impl FnOnce(&Path, Vec<String>) -> Option<Vec<String>>) -> String {
    let folder = tempfile::tempdir().unwrap();
    made(folder.path(), false);
    let path = parts(folder.path())[1].clone();
    let text = fs::read_to_string(&path).unwrap();
    let lines = text.lines().map(str::to_owned).collect();
    if let Some(lines) = change(folder.path(), lines) {
        let text: String = lines.into_iter().map(|line| line + "\n").collect();
        fs::write(&path, text).unwrap();
    }
    look(folder.path()).map_or_else(|error| error.to_string(), |found| format!("{found:?}"))
}

/// Two lines of the same length, the later after the earlier.
fn alike(lines: &[String]) -> (usize, usize) {
    let later = (1..lines.len()).find(|&later| lines[later].len() == lines[0].len()).unwrap();
    (0, later)
}

#[test]
fn what_was_changed_is_found() {
    let double = changed(|_, mut lines| {
        let (earlier, later) = alike(&lines);
        lines[later] = lines[earlier].clone();
        Some(lines)
    });
    assert!(double.contains("part-00001.txt:") && double.contains("a second time"), "{double}");
    let swapped = changed(|_, mut lines| {
        let (earlier, later) = alike(&lines);
        lines.swap(earlier, later);
        Some(lines)
    });
    assert!(
        swapped.contains("part-00001.txt:1: key") && swapped.contains("belongs to row"),
        "{swapped}"
    );
    let altered = changed(|_, mut lines| {
        let end = lines[7].pop().unwrap();
        lines[7].push(if end == 'a' { 'b' } else { 'a' });
        Some(lines)
    });
    assert!(altered.contains("part-00001.txt:8: it is not row 1257 of the template"), "{altered}");
    let shorter = changed(|_, mut lines| {
        lines.pop();
        Some(lines)
    });
    assert!(shorter.contains("its manifest says"), "{shorter}");
}

#[test]
fn what_is_not_there_is_found() {
    let missing = changed(|folder, _| {
        fs::remove_file(&parts(folder)[3]).unwrap();
        None
    });
    assert!(missing.contains("failed to read") && missing.contains("part-00003"), "{missing}");
    let no_manifest = changed(|folder, _| {
        fs::remove_file(folder.join(".manifest.json")).unwrap();
        None
    });
    assert!(no_manifest.contains("has no manifest"), "{no_manifest}");
    let edit = |from: &'static str, to: &'static str| {
        changed(move |folder, _| {
            let path = folder.join(".manifest.json");
            let text = fs::read_to_string(&path).unwrap();
            assert!(text.contains(from), "{text}");
            fs::write(&path, text.replacen(from, to, 1)).unwrap();
            None
        })
    };
    for (from, to, part) in [
        ("acp.parts/1", "acp.parts/2", "its schema is"),
        ("/item/", "/thing/", "are not those that the rows were made from"),
        ("\"part-00000.txt\"", "\"../part-00000.txt\"", "is not beside it"),
        ("\"from_row\": 1250", "\"from_row\": 1249", "are in two parts"),
        ("{{key}}", "{{kex}}", "unknown value"),
        ("\"sha256\": \"", "\"sha256\": \"0", "SHA-256 is another"),
        ("{", "", "is no manifest"),
    ] {
        let found = edit(from, to);
        assert!(found.contains(part), "{from} → {to}: {found}");
    }
}

#[test]
fn a_key_that_comes_twice_in_the_template_is_found_on_disk() {
    // Two parts with the same rows under two names, and a manifest that says otherwise.
    let folder = tempfile::tempdir().unwrap();
    How { template: "/{{key 4}}".into(), rows: 100, cut: Cut::Parts(2), ..How::default() }
        .make(folder.path())
        .unwrap();
    let all = parts(folder.path());
    fs::copy(&all[0], &all[1]).unwrap();
    let error = look(folder.path()).unwrap_err().to_string();
    assert!(error.contains("part-00001.txt:1: key") && error.contains("a second time"), "{error}");
}
