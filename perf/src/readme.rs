//! The comparison in the README: a result in, the text between two markers replaced.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::cases::{self, CASES, Case};
use crate::deviation::Deviation;
use crate::markdown::{bar_cells, conditions};
use crate::number::{MISSING, mebibytes, number};
use crate::outcome::{CaseOutcome, Lane, LaneState, Outcome, Run, SCHEMA};

const BEGIN: &str = "<!-- perf:begin -->";
const END: &str = "<!-- perf:end -->";

/// Puts the tables of the result in `file` between the markers in `into`.
///
/// # Errors
///
/// If one of the files cannot be read, the result has another schema, or a marker is missing.
pub(crate) fn update(file: &Path, into: &Path) -> Result<()> {
    let read = |path: &Path| {
        fs::read_to_string(path).with_context(|| format!("failed to read `{}`", path.display()))
    };
    let outcome: Outcome = serde_json::from_str(&read(file)?)
        .with_context(|| format!("`{}` is not a result", file.display()))?;
    if outcome.schema != SCHEMA {
        bail!("`{}` has schema `{}`, not `{SCHEMA}`", file.display(), outcome.schema);
    }
    let replaced = replace(&read(into)?, &render(&outcome))
        .with_context(|| format!("`{}` cannot be changed", into.display()))?;
    fs::write(into, replaced).with_context(|| format!("failed to write `{}`", into.display()))
}

fn replace(document: &str, tables: &str) -> Result<String> {
    let (before, rest) =
        document.split_once(BEGIN).with_context(|| format!("it has no line `{BEGIN}`"))?;
    let (_, after) = rest.split_once(END).with_context(|| format!("no line `{END}` follows"))?;
    Ok(format!("{before}{BEGIN}\n{tables}{END}{after}"))
}

/// Both tables name every case of the suite: what was not measured is not passed over.
fn render(outcome: &Outcome) -> String {
    let names: Vec<&str> = outcome.tools.iter().map(|tool| tool.name.as_str()).collect();
    let mut text = conditions(outcome);
    text += "\nRequests per second and CPU per request, medians. Paced: deviation of arrivals from \
             the schedule, p50 and p90.\n\n";
    text += &format!("| Case | {} |\n|---|{}\n", names.join(" | "), "--:|".repeat(names.len()));
    for case in CASES {
        let measured = find(outcome, case);
        let cells: Vec<_> = names.iter().map(|name| tool_cell(measured, name)).collect();
        text += &format!("| {} | {} |\n", case.name, cells.join(" | "));
    }
    text += "\n| Case | Bar | limit | median | 95 % interval | verdict |\n\
             |---|---|--:|--:|--:|---|\n";
    for case in CASES {
        text += &bar_rows(case, find(outcome, case));
    }
    text
}

fn find<'a>(outcome: &'a Outcome, case: &Case) -> Option<&'a CaseOutcome> {
    outcome.cases.iter().find(|measured| measured.name == case.name)
}

fn tool_cell(case: Option<&CaseOutcome>, tool: &str) -> String {
    let Some(case) = case else { return "not measured".to_string() };
    if let Some(lane) = case.lanes.iter().find(|lane| lane.name == tool) {
        return lane_cell(lane);
    }
    let is_of_memory = cases::find(&case.name).is_none_or(|case| !case.needs_query_file());
    let sizes: Vec<_> = case
        .lanes
        .iter()
        .filter_map(|lane| {
            let size = lane.name.strip_prefix(tool)?.strip_prefix('-')?;
            let memory = || mebibytes(lane.median(|run| Some(run.max_rss_bytes as f64)));
            let shown = if is_of_memory { memory() } else { lane_cell(lane) };
            Some(format!("{size}: {shown}"))
        })
        .collect();
    if sizes.is_empty() { MISSING.to_string() } else { sizes.join(", ") }
}

fn lane_cell(lane: &Lane) -> String {
    match lane.state {
        LaneState::Absent => return "absent".to_string(),
        LaneState::Unsupported => return MISSING.to_string(),
        LaneState::Measured => {}
    }
    let deviation = |percentile: fn(&Deviation) -> f64| {
        lane.median(|run| run.deviation.as_ref().map(percentile))
    };
    let p50_us = deviation(|deviation| deviation.p50_us);
    let p90_us = deviation(|deviation| deviation.p90_us);
    let rate = lane.median(|run| Some(run.requests_per_s));
    let cpu_us = lane.median(Run::cpu_us_per_request);
    match (p50_us.zip(p90_us), rate.zip(cpu_us)) {
        (Some((p50_us, p90_us)), _) => format!("{} µs, {} µs", number(p50_us), number(p90_us)),
        (None, Some((rate, cpu_us))) => format!("{}/s, {} µs", number(rate), number(cpu_us)),
        (None, None) => "failed".to_string(),
    }
}

fn bar_rows(case: &Case, measured: Option<&CaseOutcome>) -> String {
    let row = |cells: String| format!("| {} | {cells} |\n", case.name);
    match measured {
        Some(measured) => measured.bars.iter().map(|bar| row(bar_cells(bar))).collect(),
        None => case
            .bars
            .iter()
            .map(|bar| {
                let limit = bar.limit.text();
                let what = bar.value.text();
                row(format!("{what} | {limit} | {MISSING} | {MISSING} | not measured"))
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden;

    #[test]
    fn the_tables_are_as_agreed() {
        golden::check("readme.md", &render(&golden::outcome()));
    }

    #[test]
    fn only_the_text_between_the_markers_changes() {
        let document = format!("# A\n{BEGIN}\nold\n{END}\n\n## B\n");
        let once = replace(&document, "new\n").expect("both markers");
        assert_eq!(once, format!("# A\n{BEGIN}\nnew\n{END}\n\n## B\n"));
        assert_eq!(replace(&once, "new\n").expect("both markers"), once, "again changes nothing");
    }

    #[test]
    fn missing_markers_are_an_error() {
        for document in ["", BEGIN, END, &format!("{END}\n{BEGIN}")] {
            assert!(replace(document, "new").is_err(), "{document}");
        }
    }
}
