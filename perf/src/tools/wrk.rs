//! wrk: one thread, closed loop; pipelining by a script.

use std::fs;

use anyhow::{Context, Result};

use super::{Invocation, Reading, Tool, command_line};

pub(super) const TOOL: Tool =
    Tool { name: "wrk", version_flag: Some("-v"), command, read, exit_codes: &[0] };

fn command(run: &Invocation) -> Result<Option<Vec<String>>> {
    let work = run.work;
    if work.rate_per_s.is_some() || work.requests.is_some() {
        return Ok(None);
    }
    let connections = format!("-c{}", work.connections);
    let duration = format!("-d{}s", run.seconds);
    let mut line = command_line(run.program, &["-t1", &connections, &duration, "--latency"]);
    if !work.keep_alive {
        line.extend(["-H", "Connection: close"].map(ToString::to_string));
    }
    if work.pipeline > 1 {
        let script = run.script_folder.join(format!("wrk-pipeline-{}.lua", work.pipeline));
        fs::write(&script, pipeline_script(work.pipeline))
            .with_context(|| format!("failed to write `{}`", script.display()))?;
        line.extend(["-s".to_string(), script.display().to_string()]);
    }
    line.push(run.url.to_string());
    Ok(Some(line))
}

/// The fastest form wrk has: the text of all requests is joined once, at the start.
fn pipeline_script(depth: u32) -> String {
    format!(
        "local requests\n\
         init = function(args)\n\
         \x20  local one = {{}}\n\
         \x20  for i = 1, {depth} do one[i] = wrk.format() end\n\
         \x20  requests = table.concat(one)\n\
         end\n\
         request = function() return requests end\n"
    )
}

pub(super) fn read(stdout: &str) -> Result<Reading> {
    let mut requests = None;
    let mut requests_per_s = None;
    let mut reading = Reading::default();
    for line in stdout.lines().map(str::trim) {
        if let Some(rate) = line.strip_prefix("Requests/sec:") {
            requests_per_s = rate.trim().parse().ok();
        } else if let Some((count, _)) = line.split_once(" requests in ") {
            requests = count.parse().ok();
        } else if let Some(count) = line.strip_prefix("Non-2xx or 3xx responses:") {
            reading.errors += count.trim().parse().unwrap_or(0);
        } else if let Some(errors) = line.strip_prefix("Socket errors:") {
            reading.errors += socket_errors(errors);
        } else if let Some(p50) = line.strip_prefix("50%").or(line.strip_prefix("50.000%")) {
            reading.p50_us = microseconds(p50.trim());
        }
    }
    reading.requests = requests.context("no line `N requests in T`")?;
    reading.requests_per_s = requests_per_s.context("no line `Requests/sec: N`")?;
    Ok(reading)
}

/// The sum of `connect 0, read 0, write 0, timeout 0`.
fn socket_errors(text: &str) -> u64 {
    text.split(',').filter_map(|part| part.split_whitespace().nth(1)?.parse::<u64>().ok()).sum()
}

/// A time as wrk prints it: `599.00us`, `4.64ms`, `1.02s`, `1.50m`.
fn microseconds(text: &str) -> Option<f64> {
    let units = [("us", 1.0), ("ms", 1e3), ("s", 1e6), ("m", 60e6)];
    units
        .iter()
        .find_map(|(unit, scale)| Some(text.strip_suffix(unit)?.parse::<f64>().ok()? * scale))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captured_output_is_read() {
        let good = read(include_str!("../../tests/fixtures/wrk.txt")).expect("wrk's output");
        let expected = Reading {
            requests: 61_118,
            requests_per_s: 30_026.35,
            p50_us: Some(568.0),
            ..Reading::default()
        };
        assert_eq!(good, expected);
        let bad = read(include_str!("../../tests/fixtures/wrk-non-2xx.txt")).expect("its output");
        assert_eq!((bad.requests, bad.errors), (27_326, 27_326), "every answer was 404");
    }

    #[test]
    fn output_without_a_result_is_refused() {
        for text in [include_str!("../../tests/fixtures/wrk-refused.txt"), "", "Requests/sec: x"] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn socket_errors_are_added_up() {
        assert_eq!(socket_errors(" connect 1, read 20, write 300, timeout 4000"), 4_321);
        assert_eq!(socket_errors(" nonsense"), 0);
    }

    #[test]
    fn times_have_units() {
        let rows = [("599.00us", 599.0), ("4.64ms", 4_640.0), ("1.50s", 1.5e6), ("2.00m", 120e6)];
        for (text, expected) in rows {
            assert_eq!(microseconds(text), Some(expected), "{text}");
        }
        assert_eq!(microseconds("12"), None, "no unit");
    }
}
