//! Which rows go into which part.

use std::ops::Range;

/// Parts, at the most.
const MAX_PARTS: u64 = 100_000;

/// Rows of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartPlan {
    /// Its number among all parts.
    pub number: u64,
    /// Its rows.
    pub rows: Range<u64>,
}

/// How rows are cut into parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// One part.
    Whole,
    /// So many parts, of the same size but for one row.
    Parts(u64),
    /// Parts of so many rows; the last may have less.
    Rows(u64),
}

/// Cuts rows into parts; none has no rows.
///
/// # Errors
///
/// A sentence for people: when there are too many parts, or none.
pub fn cut(rows: Range<u64>, how: Cut) -> Result<Vec<PartPlan>, String> {
    let length = rows.end.saturating_sub(rows.start);
    let parts = match how {
        Cut::Whole => 1,
        Cut::Parts(parts) => parts,
        Cut::Rows(0) => 0,
        Cut::Rows(each) => length.div_ceil(each),
    };
    if length == 0 {
        return Err("there are no rows in that range".into());
    }
    if parts == 0 || parts > MAX_PARTS {
        return Err(format!("rows go into 1 to {MAX_PARTS} parts, not {parts}"));
    }
    if parts > length {
        return Err(format!("{length} rows are too few for {parts} parts"));
    }
    let start = |number: u64| match how {
        Cut::Rows(each) => rows.start + (number * each).min(length),
        Cut::Whole | Cut::Parts(_) => {
            let share = u128::from(length) * u128::from(number) / u128::from(parts);
            rows.start + u64::try_from(share).unwrap_or(length)
        }
    };
    let part = |number| PartPlan { number, rows: start(number)..start(number + 1) };
    Ok((0..parts).map(part).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_cannot_be_cut_is_refused() {
        for (rows, how, part) in [
            (0..0, Cut::Whole, "no rows"),
            (5..5, Cut::Parts(1), "no rows"),
            (0..10, Cut::Parts(0), "not 0"),
            (0..10, Cut::Rows(0), "not 0"),
            (0..10, Cut::Parts(11), "10 rows are too few"),
            (0..1_000_000, Cut::Rows(1), "not 1000000"),
        ] {
            let error = cut(rows, how).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }

    proptest! {
        #[test]
        fn parts_follow_each_other(start in any::<u32>(), length in 1_u64..100_000, size in 1_u64..1000, is_rows: bool) {
            let rows = u64::from(start)..u64::from(start) + length;
            let how = if is_rows { Cut::Rows(size.max(length / 1000)) } else { Cut::Parts(size.min(length)) };
            let parts = cut(rows.clone(), how).unwrap();
            let mut next = rows.start;
            for (number, part) in (0..).zip(&parts) {
                prop_assert_eq!((part.number, part.rows.start), (number, next));
                prop_assert!(part.rows.end > part.rows.start);
                next = part.rows.end;
            }
            prop_assert_eq!(next, rows.end);
            let sizes = || parts.iter().map(|part| part.rows.end - part.rows.start);
            match how {
                Cut::Rows(each) => prop_assert!(sizes().rev().skip(1).all(|size| size == each)),
                _ => prop_assert!(sizes().max().unwrap() - sizes().min().unwrap() <= 1),
            }
        }
    }
}
