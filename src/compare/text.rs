//! A comparison for people.

use super::Shown;
use super::table::{distance, head, rows};
use acp_report::compare::Differing;
use acp_report::duration;

pub(super) fn render(shown: &Shown<'_>) -> String {
    let mut text = String::new();
    let sides = shown.found.runs.iter().zip(shown.runs).zip(shown.letters);
    let lines: Vec<_> = sides
        .map(|((side, run), letter)| {
            let length = duration(side.duration_us as f64 * 1e3);
            [letter.to_string(), run.name.clone(), side.name.clone(), side.verdict.into(), length]
        })
        .collect();
    text += &columns(&lines, &[false; 5]);
    for (place, letter) in shown.letters.iter().enumerate().skip(1) {
        let mut table = vec![head(letter).map(str::to_owned)];
        table.extend(rows(shown, place).iter().map(|row| row.cells().map(str::to_owned)));
        text.push('\n');
        text += &columns(&table, &[false, true, true, true, true, false]);
        if let Some(distance) = distance(shown, place) {
            text += &format!("response times as a whole: {distance}\n");
        }
    }
    text += "\nIntervals rest on:\n";
    shown.bases().iter().for_each(|basis| text += &format!("  {basis}\n"));
    for (what, rows) in [("Plan:", &shown.found.plan), ("Environment:", &shown.found.environment)] {
        if !rows.is_empty() {
            text += &format!("\n{what}\n{}", differing(rows));
        }
    }
    if !shown.found.warnings.is_empty() {
        text.push('\n');
    }
    shown.found.warnings.iter().for_each(|warning| text += &format!("warning: {warning}\n"));
    text
}

fn differing(rows: &[Differing]) -> String {
    let mut text = String::new();
    for row in rows {
        let values = row.values.iter().map(|value| value.as_deref().unwrap_or("–"));
        text += &format!("  {}: {}\n", row.name, values.collect::<Vec<_>>().join(" | "));
    }
    text
}

/// Cells below each other, each column as wide as its widest.
fn columns<const N: usize>(rows: &[[String; N]], is_right: &[bool; N]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: Vec<_> = (0..N).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths).zip(is_right).map(|((cell, width), is_right)| {
            if *is_right { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
        });
        let line = cells.collect::<Vec<_>>().join("  ");
        text += line.trim_end();
        text.push('\n');
    }
    text
}
