//! An outcome as a Markdown document: the machine, a table and the commands of each case, and a
//! closing line for each bar.

use crate::deviation::Deviation;
use crate::number::{MISSING, mebibytes, number, or_missing, percent};
use crate::outcome::{BarOutcome, CaseOutcome, Lane, LaneState, Outcome, Run, ToolFacts};
use crate::verdict::Verdict;

/// The whole document.
pub(crate) fn render(outcome: &Outcome) -> String {
    let mut text = "# Performance of acp\n\n".to_string();
    text += &conditions(outcome);
    text += "\n| Tool | Version | Path |\n|---|---|---|\n";
    for tool in &outcome.tools {
        text += &tool_row(tool);
    }
    text += "\nNumbers are medians over the runs. Only bars are judged, and a bar only if the \
             whole interval (95 %, bootstrap of the median) lies on one side of it.\n";
    for case in &outcome.cases {
        text += &section(case);
    }
    text += "\n## Verdict\n\n";
    for case in &outcome.cases {
        for bar in &case.bars {
            text += &format!("- {}: {}\n", case.name, closing_line(bar));
        }
    }
    text + &format!("\nIn all: **{}**\n", outcome.verdict.text())
}

/// Where and how the numbers came about.
pub(crate) fn conditions(outcome: &Outcome) -> String {
    let machine = &outcome.machine;
    let steal = machine
        .steal_ratio
        .map_or("unknown".to_string(), |ratio| format!("{:.2} %", ratio * 100.0));
    format!(
        "- {}, acp commit {}\n\
         - {}, {} CPUs, Linux {}, governor {}, steal {steal}\n\
         - one client thread on CPU {}, the target on CPU {}; {} interleaved pairs of {} s, seed {}\n",
        outcome.date_utc,
        outcome.acp_commit.as_deref().unwrap_or("unknown"),
        machine.cpu_model,
        machine.cpu_count,
        machine.kernel,
        machine.governor.as_deref().unwrap_or("not visible"),
        machine.client_cpu,
        machine.server_cpu,
        outcome.pairs,
        outcome.seconds,
        outcome.seed,
    )
}

/// The limit, the interval and the verdict of a bar as cells of a table.
pub(crate) fn bar_cells(bar: &BarOutcome) -> String {
    let limit = bar.limit.text();
    let interval = match (bar.low, bar.high) {
        (Some(low), Some(high)) => format!("{} – {}", number(low), number(high)),
        _ => MISSING.to_string(),
    };
    let reason = bar.reason.as_ref().map_or(String::new(), |reason| format!(": {reason}"));
    let verdict = match bar.verdict {
        Verdict::Pass => bar.verdict.text().to_string(),
        Verdict::Fail | Verdict::NoDecision => format!("**{}**{reason}", bar.verdict.text()),
    };
    format!("{} | {limit} | {} | {interval} | {verdict}", bar.what, or_missing(bar.median))
}

fn closing_line(bar: &BarOutcome) -> String {
    let limit = bar.limit.text();
    let found = match (bar.median, bar.low, bar.high) {
        (Some(median), Some(low), Some(high)) => {
            format!("{} ({} – {})", number(median), number(low), number(high))
        }
        _ => "not measured".to_string(),
    };
    let reason = bar.reason.as_ref().map_or(String::new(), |reason| format!(", {reason}"));
    format!("{}: {found}, bar {limit}: **{}**{reason}", bar.what, bar.verdict.text())
}

fn tool_row(tool: &ToolFacts) -> String {
    let path = tool.path.as_deref();
    let version = match path {
        Some(_) => tool.version.as_deref().unwrap_or("unknown"),
        None => "absent",
    };
    format!("| {} | {version} | {} |\n", tool.name, path.unwrap_or(MISSING))
}

fn section(case: &CaseOutcome) -> String {
    let others = percent(case.others_ratio);
    let mut text = format!("\n## {}\n\n{}\n\n", case.name, case.about);
    text += &format!("Other processes used {others} of the CPU time.\n\n");
    let is_recorded = case.lanes.iter().any(|lane| lane.median(deviation_p50).is_some());
    text += "| Tool | requests/s | CPU µs/request | in user space | p50 µs | peak memory | server \
             busy |";
    text += if is_recorded { " deviation p50 µs | p90 | p99 | max |" } else { "" };
    text += " runs | remarks |\n|---|--:|--:|--:|--:|--:|--:|";
    text += if is_recorded { "--:|--:|--:|--:|" } else { "" };
    text += "--:|---|\n";
    for lane in &case.lanes {
        text += &lane_row(lane, is_recorded);
    }
    text += "\n| Bar | limit | median | 95 % interval | verdict |\n|---|--:|--:|--:|---|\n";
    for bar in &case.bars {
        text += &format!("| {} |\n", bar_cells(bar));
    }
    text += &format!("\n```sh\n{}\n", case.server_command);
    for command in case.lanes.iter().filter_map(|lane| lane.command.as_ref()) {
        text += &format!("{command}\n");
    }
    text + "```\n"
}

fn lane_row(lane: &Lane, is_recorded: bool) -> String {
    let mut cells = vec![
        lane.name.clone(),
        or_missing(lane.median(|run| Some(run.requests_per_s))),
        or_missing(lane.median(Run::cpu_us_per_request)),
        percent(lane.median(Run::user_ratio)),
        or_missing(lane.median(|run| run.p50_us)),
        mebibytes(lane.median(|run| Some(run.max_rss_bytes as f64))),
        percent(lane.median(|run| run.server_busy_ratio)),
    ];
    if is_recorded {
        let deviation = |number: fn(&Deviation) -> f64| {
            or_missing(lane.median(|run| run.deviation.as_ref().map(number)))
        };
        cells.push(or_missing(lane.median(deviation_p50)));
        cells.push(deviation(|deviation| deviation.p90_us));
        cells.push(deviation(|deviation| deviation.p99_us));
        cells.push(deviation(|deviation| deviation.max_us));
    }
    cells.push(lane.runs.len().to_string());
    cells.push(remarks(lane));
    format!("| {} |\n", cells.join(" | "))
}

fn deviation_p50(run: &Run) -> Option<f64> {
    run.deviation.as_ref().map(|deviation| deviation.p50_us)
}

/// Why there are no numbers, or what to know about those there are.
fn remarks(lane: &Lane) -> String {
    let mut remarks = match lane.state {
        LaneState::Absent => vec!["absent".to_string()],
        LaneState::Unsupported => vec!["cannot do this".to_string()],
        LaneState::Measured => Vec::new(),
    };
    if let Some(failure) = lane.failures.first() {
        let count = lane.failures.len();
        remarks.push(format!("{count} failed: {}", failure.reason.replace('|', "\\|")));
    }
    let errors: u64 = lane.runs.iter().map(|run| run.errors).sum();
    if errors > 0 {
        remarks.push(format!("{errors} errors"));
    }
    let mut verdicts: Vec<&str> =
        lane.runs.iter().filter_map(|run| run.verdict.as_deref()).collect();
    verdicts.sort_unstable();
    verdicts.dedup();
    if !verdicts.is_empty() {
        remarks.push(format!("verdict {}", verdicts.join(", ")));
    }
    remarks.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden;

    #[test]
    fn the_document_is_as_agreed() {
        golden::check("result.md", &render(&golden::outcome()));
    }

    #[test]
    fn a_result_survives_its_file() {
        let outcome = golden::outcome();
        let text = serde_json::to_string_pretty(&outcome).expect("it is plain data") + "\n";
        golden::check("result.json", &text);
        let read: Outcome = serde_json::from_str(&text).expect("it was just written");
        assert_eq!(render(&read), render(&outcome));
    }
}
