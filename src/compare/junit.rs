//! A comparison as JUnit XML: a test a measure, which fails where the measure is worse and is skipped
//! where that cannot be told.

use super::Shown;
use super::table::{Row, rows};
use acp_report::compare::Judgement;

pub(super) fn render(shown: &Shown<'_>) -> String {
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    let baseline = shown.runs.first().map_or("", |run| &run.name);
    for (place, run) in shown.runs.iter().enumerate().skip(1) {
        let rows = rows(shown, place);
        let name = escape(&format!("{} against {baseline}", run.name));
        let verdicts = shown.found.runs.iter().filter(|side| side.verdict != "valid");
        let invalid: Vec<_> = verdicts.map(|side| (side.run.as_str(), side.verdict)).collect();
        let failures = rows.iter().filter(|row| row.judgement == Some(Judgement::Worse)).count()
            + usize::from(!invalid.is_empty());
        let skipped = rows.iter().filter(|row| is_skipped(row)).count();
        let tests = rows.len() + 1;
        text += &format!(
            "  <testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failures}\" \
             skipped=\"{skipped}\" errors=\"0\">\n"
        );
        text += &validity(&name, &invalid);
        rows.iter().for_each(|row| text += &case(&name, row));
        let warnings = shown.found.warnings.join("\n");
        text += &format!("    <system-out>{}</system-out>\n  </testsuite>\n", escape(&warnings));
    }
    text + "</testsuites>\n"
}

fn validity(suite: &str, invalid: &[(&str, &str)]) -> String {
    let head = format!("    <testcase classname=\"{suite}\" name=\"results are valid\"");
    match invalid.first() {
        None => format!("{head}/>\n"),
        Some((run, verdict)) => {
            let text = escape(&format!("{run} is {verdict}"));
            format!("{head}><failure message=\"{text}\"/></testcase>\n")
        }
    }
}

fn is_skipped(row: &Row) -> bool {
    matches!(row.judgement, None | Some(Judgement::NoDecision))
}

fn case(suite: &str, row: &Row) -> String {
    let head = format!("    <testcase classname=\"{suite}\" name=\"{}\"", escape(&row.name));
    let what = format!("{} → {}, ratio {} ({})", row.a, row.b, row.ratio, row.interval);
    let what = escape(&what);
    match row.judgement {
        Some(Judgement::Worse) => {
            format!("{head}><failure message=\"worse: {what}\"/></testcase>\n")
        }
        _ if is_skipped(row) => {
            format!("{head}><skipped message=\"cannot tell: {what}\"/></testcase>\n")
        }
        _ => format!("{head}><system-out>{}: {what}</system-out></testcase>\n", row.verdict()),
    }
}

/// For text and attributes. What XML 1.0 cannot hold is left out.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(character),
            '\u{fffe}' | '\u{ffff}' => {}
            _ if character.is_control() => {}
            _ => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_no_markup() {
        for (text, expect) in [
            ("a.json", "a.json"),
            ("<a & \"b\">", "&lt;a &amp; &quot;b&quot;&gt;"),
            ("a\u{0}\u{1b}b\n", "ab\n"),
        ] {
            assert_eq!(escape(text), expect, "{text:?}");
        }
    }
}
