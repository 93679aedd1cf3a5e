//! The table, cut in every way.

use std::path::Path;

use super::table::{Row, long_rows, rows};
use super::{HeadPool, Pool, trace, whole};

/// Whatever way the bytes are cut, and whatever heads are remembered, the trace is the same.
fn check(row: &Row, lengths: &[usize], warm: &mut HeadPool) {
    let expected = whole(&row.bytes, row.head_request);
    for mut pool in [Pool::Forgetful, Pool::Shared(warm)] {
        let cut = trace(&row.bytes, lengths, row.head_request, &mut pool);
        assert_eq!(cut, expected, "`{}` in pieces of {lengths:?}", row.word);
    }
}

#[test]
fn rows_give_what_the_table_says() {
    for row in rows().into_iter().chain(long_rows()) {
        assert_eq!(whole(&row.bytes, row.head_request).text(), row.expected, "`{}`", row.word);
    }
}

#[test]
fn rows_are_many_and_mostly_sad() {
    let rows = rows();
    let sad = rows.iter().filter(|row| !row.expected.ends_with("idle")).count();
    assert!(rows.len() >= 150 && sad * 2 > rows.len(), "{sad} of {}", rows.len());
}

#[test]
fn rows_do_not_depend_on_one_cut() {
    let mut warm = HeadPool::new();
    for row in rows() {
        for at in 1..row.bytes.len() {
            check(&row, &[at, row.bytes.len()], &mut warm);
        }
    }
}

#[test]
fn rows_do_not_depend_on_even_cuts() {
    let mut warm = HeadPool::new();
    for row in rows() {
        for length in 1..=9 {
            check(&row, &[length], &mut warm);
        }
    }
}

#[test]
fn rows_do_not_depend_on_two_cuts() {
    let mut warm = HeadPool::new();
    for row in rows().iter().filter(|row| row.bytes.len() > 2) {
        for seed in 0..200 {
            let first = 1 + seed * 7919 % (row.bytes.len() - 1);
            let second = 1 + seed * 104_729 % (row.bytes.len() - 1);
            check(row, &[first, second, row.bytes.len()], &mut warm);
        }
    }
}

/// A stream may end anywhere: what is said up to there must not depend on cuts either.
#[test]
fn beginnings_of_rows_do_not_depend_on_cuts() {
    let mut warm = HeadPool::new();
    for row in rows() {
        for end in 0..row.bytes.len() {
            let bytes = row.bytes[..end].to_vec();
            let beginning = Row { bytes, ..row };
            for lengths in [[1, 1], [3, 1], [end.div_ceil(2).max(1), end.max(1)]] {
                check(&beginning, &lengths, &mut warm);
            }
        }
    }
}

#[test]
fn long_rows_do_not_depend_on_cuts() {
    let mut warm = HeadPool::new();
    for row in long_rows() {
        for lengths in [[1, 1], [2048, 2048], [65535, 1], [65536, 1], [7, 60000], [4097, 1]] {
            check(&row, &lengths, &mut warm);
        }
    }
}

/// The fuzzer starts from the rows of this table; `UPDATE=1` writes them anew.
#[test]
fn seeds_of_the_fuzzer_are_the_table() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/http1");
    for (number, row) in rows().iter().enumerate() {
        // See the target for this layout: one piece length of 7 in front of the bytes.
        let mut seed = vec![u8::from(row.head_request) | 1 << 1, 6];
        seed.extend_from_slice(&row.bytes);
        let file = folder.join(format!("{number:03}"));
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&file, &seed).expect("the corpus can be written");
        }
        let found = std::fs::read(&file).unwrap_or_default();
        assert!(found == seed, "`{}` differs from the table: run with UPDATE=1", file.display());
    }
}
