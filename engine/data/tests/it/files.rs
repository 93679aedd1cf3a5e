//! What is written, and what is left when it cannot be.

use crate::world::{How, content, names, parts};
use acp_data::generate::{Cut, GenerateError, Output, generate};
use proptest::prelude::*;
use std::cell::Cell;
use std::fs;
use std::io::{self, Write};

#[test]
fn parts_have_numbers_and_a_manifest() {
    let folder = tempfile::tempdir().unwrap();
    let how = How { cut: Cut::Parts(3), ..How::default() };
    let made = how.make(folder.path()).unwrap();
    let expect = [".manifest.json", "part-00000.txt", "part-00001.txt", "part-00002.txt"];
    assert_eq!(names(folder.path()), expect);
    assert_eq!(made.rows, 20_000);
    let bytes: u64 = parts(folder.path()).iter().map(|part| part.metadata().unwrap().len()).sum();
    assert_eq!(made.bytes, bytes);
    assert_eq!(content(folder.path()).lines().count(), 20_000);
    let manifest = fs::read_to_string(made.manifest.unwrap()).unwrap();
    let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    for (field, expect) in [
        ("/schema", "\"acp.parts/1\""),
        ("/format", "\"path\""),
        ("/generate/seed", "1"),
        ("/generate/rows", "20000"),
        ("/to_row", "20000"),
        ("/parts/1/file", "\"part-00001.txt\""),
        ("/parts/1/from_row", "6666"),
        ("/parts/1/rows", "6667"),
    ] {
        assert_eq!(manifest.pointer(field).unwrap().to_string(), expect, "{field}");
    }
}

#[test]
fn endings_say_what_is_in_them() {
    for (template, is_packed, name) in [
        ("/a/{{row}}", false, "part-00000.txt"),
        ("GET /a/{{row}}", true, "part-00000.txt.gz"),
        ("{\"path\":\"/{{row}}\"}", false, "part-00000.jsonl"),
        ("{{row}}", false, "part-00000.txt"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        How { template: template.into(), rows: 3, is_packed, ..How::default() }
            .make(folder.path())
            .unwrap();
        assert!(names(folder.path()).contains(&name.to_owned()), "{template}");
    }
}

#[test]
fn a_header_stands_before_the_first_row_only() {
    let folder = tempfile::tempdir().unwrap();
    let template = folder.path().join("t.toml");
    let text = "schema = \"acp.rows/1\"\n[format]\nkind = \"csv\"\n[[columns]]\nname = \"n\"\nkind = \"sequence\"\n";
    fs::write(&template, text).unwrap();
    let template = template.display().to_string();
    let parts = folder.path().join("parts");
    let how = How { template, rows: 5, cut: Cut::Parts(2), ..How::default() };
    how.make(&parts).unwrap();
    assert_eq!(content(&parts), "n\n0\n1\n2\n3\n4\n");
    let later = folder.path().join("later");
    How { range: Some(3..5), ..how }.make(&later).unwrap();
    assert_eq!(content(&later), "3\n4\n");
}

#[test]
fn a_part_can_be_made_elsewhere() {
    let (whole, some) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let how = How { cut: Cut::Rows(6_000), ..How::default() };
    how.make(whole.path()).unwrap();
    // In any order, and by anybody.
    for only in [2, 0, 3, 1] {
        How { only: Some(only), ..how.clone() }.make(some.path()).unwrap();
    }
    assert_eq!(content(whole.path()), content(some.path()));
    assert!(names(some.path()).contains(&".manifest-00002.json".to_owned()));
}

#[test]
fn what_is_there_is_replaced_by_force_only() {
    let folder = tempfile::tempdir().unwrap();
    let how = How { rows: 100, cut: Cut::Parts(4), ..How::default() };
    how.make(folder.path()).unwrap();
    let before = content(folder.path());
    let other = How { rows: 50, cut: Cut::Parts(2), ..How::default() };
    let error = other.make(folder.path()).unwrap_err();
    assert!(matches!(error, GenerateError::Exists(_)), "{error}");
    assert_eq!(content(folder.path()), before);
    let notes = folder.path().join("part-notes.txt");
    std::fs::write(&notes, "somebody's own").unwrap();
    How { is_forced: true, ..other }.make(folder.path()).unwrap();
    std::fs::remove_file(&notes).unwrap();
    assert_eq!(parts(folder.path()).len(), 2, "no part of before is left");
    assert_eq!(content(folder.path()).lines().count(), 50);
}

#[test]
fn nothing_is_left_of_what_was_stopped() {
    for after in [0, 1, 5] {
        let folder = tempfile::tempdir().unwrap();
        let how = How { rows: 200_000, cut: Cut::Parts(20), ..How::default() };
        let looks = Cell::new(0);
        let is_stopped = || {
            looks.set(looks.get() + 1);
            looks.get() > after
        };
        let output = Output::Folder(folder.path().into());
        let error = generate(&how.job(), output, &is_stopped, &mut |_| ()).unwrap_err();
        assert!(matches!(error, GenerateError::Stopped), "{error}");
        assert_eq!(names(folder.path()), Vec::<String>::new());
    }
}

/// Room for so many bytes.
struct Full(usize);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_is_said() {
    let output = Output::Stream { name: "x".into(), to: Box::new(Full(500_000)) };
    let job = How::default().job();
    let error = generate(&job, output, &|| false, &mut |_| ()).unwrap_err().to_string();
    assert!(
        error.contains("failed to write `x`") && error.contains("hint: all rows take"),
        "{error}"
    );
}

#[test]
fn what_cannot_be_written_to_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let of = |output, cut| {
        let job = How { rows: 100, cut, ..How::default() }.job();
        generate(&job, output, &|| false, &mut |_| ()).unwrap_err().to_string()
    };
    for (output, cut, part) in [
        (Output::File(file.clone()), Cut::Whole, "is there already"),
        (Output::File(folder.path().join("new")), Cut::Parts(2), "need a folder"),
        (Output::File(folder.path().join("no/file")), Cut::Whole, "failed to create"),
        (Output::Folder(file.join("below")), Cut::Whole, "failed to create"),
    ] {
        let error = of(output, cut);
        assert!(error.contains(part), "{error}");
    }
    assert_eq!(names(folder.path()), ["file"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn bytes_are_the_same_whatever_threads_and_parts(
        rows in 1_u64..9000, threads in 1_usize..5, parts in 1_u64..9, is_packed: bool, split in 0.0..1.0,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let below = |name: &str| folder.path().join(name);
        let how = How { rows, threads: 1, ..How::default() };
        how.make(&below("one")).unwrap();
        let expect = content(&below("one"));
        let cut = Cut::Parts(parts.min(rows));
        How { threads, cut, is_packed, ..how.clone() }.make(&below("many")).unwrap();
        prop_assert!(content(&below("many")) == expect, "{rows} rows, {threads} threads, {parts} parts");
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below the rows")]
        let middle = (rows as f64 * split) as u64;
        let mut joined = String::new();
        for (name, range) in [("first", 0..middle), ("last", middle..rows)] {
            if !range.is_empty() {
                How { range: Some(range), threads, ..how.clone() }.make(&below(name)).unwrap();
                joined += &content(&below(name));
            }
        }
        prop_assert!(joined == expect, "{rows} rows, cut at {middle}");
    }

    #[test]
    fn packed_bytes_do_not_depend_on_threads(threads in 2_usize..5) {
        let folder = tempfile::tempdir().unwrap();
        let how = How { threads: 1, is_packed: true, ..How::default() };
        how.make(&folder.path().join("one")).unwrap();
        How { threads, ..how }.make(&folder.path().join("many")).unwrap();
        let bytes = |name: &str| fs::read(folder.path().join(name).join("part-00000.txt.gz")).unwrap();
        prop_assert!(bytes("one") == bytes("many"));
    }
}
