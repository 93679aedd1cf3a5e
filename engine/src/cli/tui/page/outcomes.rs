//! What became of requests, by status, class of error and reason; and what the load costs.

use super::halves;
use super::paint::{Paint, Tone};
use super::times::shown;
use crate::cli::tui::model::Model;
use crate::cli::tui::numbers::grouped;
use crate::report::duration;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::Paragraph;
use std::collections::BTreeMap;

/// A row of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) tone: Tone,
    pub(super) name: String,
    pub(super) last_second: u64,
    pub(super) whole_run: u64,
}

pub(super) fn draw(model: &Model, paint: Paint, frame: &mut Frame, area: Rect) {
    let [left, right] = halves(area);
    let block = paint.block("outcomes: last second, all so far");
    let height = usize::from(block.inner(left).height);
    let rows = fitting(rows(model), height);
    let lines = rows.iter().map(|row| {
        let (last, whole) = (grouped(row.last_second), grouped(row.whole_run));
        Line::styled(format!(" {:<19}{last:>8}{whole:>10}", row.name), paint.style(row.tone))
    });
    frame.render_widget(Paragraph::new(lines.collect::<Vec<_>>()).block(block), left);
    let lines: Vec<_> = cost_lines(model).into_iter().map(Line::raw).collect();
    frame.render_widget(Paragraph::new(lines).block(paint.block("generator")), right);
}

/// All rows: the most frequent status, what went wrong, the other statuses; of each the most first.
pub(super) fn rows(model: &Model) -> Vec<Row> {
    let (last, whole) = (&model.last, model.counts());
    let is_measured = !last.flags.warmup;
    let mut statuses = table(&last.status, &whole.status, is_measured, |status| {
        let tone = if (200..400).contains(status) { Tone::Good } else { Tone::Warning };
        (tone, format!("status {status}"))
    });
    let mut failures = table(&last.errors, &whole.errors, is_measured, |class| {
        (Tone::Bad, class.name().replace('_', " "))
    });
    failures.extend(table(&last.not_sent, &whole.not_sent, is_measured, |reason| {
        (Tone::Bad, format!("not sent: {}", reason.name().replace('_', " ")))
    }));
    for rows in [&mut statuses, &mut failures] {
        rows.sort_by_key(|row| std::cmp::Reverse((row.whole_run, row.last_second)));
    }
    let others = statuses.split_off(statuses.len().min(1));
    statuses.into_iter().chain(failures).chain(others).collect()
}

fn table<K: Ord>(
    last: &BTreeMap<K, u64>,
    whole: &BTreeMap<K, u64>,
    is_measured: bool,
    name: impl Fn(&K) -> (Tone, String),
) -> Vec<Row> {
    // What a warm-up counts is shown and not kept.
    let keys = if is_measured { whole } else { last };
    let of = |counts: &BTreeMap<K, u64>, key| counts.get(key).copied().unwrap_or(0);
    let row = |key| {
        let (tone, name) = name(key);
        Row { tone, name, last_second: of(last, key), whole_run: of(whole, key) }
    };
    keys.keys().map(row).collect()
}

/// As many rows as fit; the last one stands for all that do not.
fn fitting(mut rows: Vec<Row>, height: usize) -> Vec<Row> {
    if rows.len() > height && height > 0 {
        let rest = rows.split_off(height - 1);
        rows.push(Row {
            tone: Tone::Quiet,
            name: format!("{} more", rest.len()),
            last_second: rest.iter().map(|row| row.last_second).sum(),
            whole_run: rest.iter().map(|row| row.whole_run).sum(),
        });
    }
    rows
}

fn cost_lines(model: &Model) -> Vec<String> {
    let last = &model.last;
    let lag = last.send_lag_ns.unwrap_or_default();
    let mut lines = vec![
        format!(" in flight {} · blocked {}", grouped(last.in_flight), grouped(last.blocked)),
        match model.is_open_loop() {
            true => {
                format!(" send lag p50 {} · p99 {}", shown(&lag, lag.p50), shown(&lag, lag.p99))
            }
            false => " a request is sent when another is done".into(),
        },
        match last.sent {
            0 => " CPU - a request".into(),
            _ => format!(" CPU {} a request", duration(model.cpu_us_per_request() * 1e3)),
        },
        format!(
            " busiest shard {:.0} % · steal {:.1} %",
            last.cost.busy_ratio * 100.0,
            model.steal_ratio() * 100.0
        ),
    ];
    if model.has_frames() {
        let shards = if last.shard_count == 1 { "shard" } else { "shards" };
        let driver = &model.run.driver;
        lines.push(format!(" {} {shards} on {driver}, {}", last.shard_count, cpus(model)));
        lines.push(format!(
            " connections opened {} · closed {}",
            grouped(last.connects),
            grouped(last.disconnects)
        ));
        let (sent, received) = (mebibytes(last.bytes_sent), mebibytes(last.bytes_received));
        lines.push(format!(" {sent:.2} MiB/s sent · {received:.2} MiB/s received"));
        lines.push(format!(" {:.0} MiB peak memory", mebibytes(last.cost.max_rss_bytes)));
    }
    lines
}

fn cpus(model: &Model) -> String {
    match model.run.cpus.as_slice() {
        [] => "not pinned".into(),
        [cpu] => format!("CPU {cpu}"),
        [first, .., last] => format!("CPUs {first} to {last}"),
    }
}

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / (1024.0 * 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_do_not_fit_are_summed_up() {
        let row = |number: u64| Row {
            tone: Tone::Bad,
            name: format!("row {number}"),
            last_second: number,
            whole_run: number * 10,
        };
        let check = |count: u64, height: usize, expect: &[&str]| {
            let rows = fitting((1..=count).map(row).collect(), height);
            let text = |row: &Row| format!("{} {} {}", row.name, row.last_second, row.whole_run);
            assert_eq!(rows.iter().map(text).collect::<Vec<_>>(), expect, "{count} in {height}");
        };
        check(0, 3, &[]);
        check(2, 2, &["row 1 1 10", "row 2 2 20"]);
        check(4, 2, &["row 1 1 10", "3 more 9 90"]);
        check(2, 1, &["2 more 3 30"]);
        check(2, 0, &["row 1 1 10", "row 2 2 20"]);
    }
}
