//! `acp-perf list`: the cases with their bars, as text.

use crate::cases::CASES;

/// A line a case, and below it a line a bar.
pub(crate) fn render() -> String {
    let mut text = String::new();
    for case in CASES {
        text += &format!("{:<12} {}\n", case.name, case.about);
        for bar in case.bars {
            text += &format!("{:<12}   {} {}\n", "", bar.value.text(), bar.limit.text());
        }
    }
    text
}
