//! A comparison as Markdown, for a comment on a change.

use super::Shown;
use super::table::{distance, head, rows};
use acp_report::duration;

pub(super) fn render(shown: &Shown<'_>) -> String {
    let mut text = String::new();
    let sides = shown.found.runs.iter().zip(shown.runs).zip(shown.letters);
    for ((side, run), letter) in sides {
        let length = duration(side.duration_us as f64 * 1e3);
        let name = plain(&run.name);
        text += &format!("- {letter}: {name}, {}, {length}\n", side.verdict);
    }
    for (place, letter) in shown.letters.iter().enumerate().skip(1) {
        let line = |cells: &[&str]| format!("| {} |\n", cells.join(" | "));
        text += &format!("\n{}|---|--:|--:|--:|--:|---|\n", line(&head(letter)));
        for row in rows(shown, place) {
            text += &line(&row.cells());
        }
        if let Some(distance) = distance(shown, place) {
            text += &format!("\nResponse times as a whole: {distance}\n");
        }
    }
    text += "\nIntervals rest on:\n\n";
    shown.bases().iter().for_each(|basis| text += &format!("- {basis}\n"));
    if !shown.found.warnings.is_empty() {
        text.push('\n');
    }
    let warnings = shown.found.warnings.iter();
    warnings.for_each(|warning| text += &format!("- **warning**: {}\n", plain(warning)));
    text
}

/// Without what Markdown and HTML would make something of: a file has any name.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        if "\\*_[]<>|#&".contains(character) {
            plain.push('\\');
        }
        plain.push(if character.is_control() { ' ' } else { character });
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_no_markup() {
        for (text, expect) in [
            ("a.json", "a.json"),
            ("a_b|c", "a\\_b\\|c"),
            ("<b>", "\\<b\\>"),
            ("[x](y)\n", "\\[x\\](y) "),
        ] {
            assert_eq!(plain(text), expect, "{text}");
        }
    }
}
