//! h2load: HTTP/1.1 with one thread; pipelining is its number of concurrent streams.

use anyhow::{Context, Result};

use super::{Invocation, Reading, Tool, command_line};

pub(super) const TOOL: Tool =
    Tool { name: "h2load", version_flag: Some("--version"), command, read, exit_codes: &[0] };

fn command(run: &Invocation) -> Result<Option<Vec<String>>> {
    let work = run.work;
    // Its rate is one per client and not meant as a schedule; it never ends when the server closes
    // connections.
    if work.rate_per_s.is_some() || !work.keep_alive || work.requests.is_some() {
        return Ok(None);
    }
    let connections = format!("-c{}", work.connections);
    let depth = format!("-m{}", work.pipeline);
    let seconds = run.seconds.to_string();
    let arguments = ["--h1", "-t1", &connections, &depth, "-D", &seconds, run.url];
    Ok(Some(command_line(run.program, &arguments)))
}

fn read(stdout: &str) -> Result<Reading> {
    let mut requests_per_s = None;
    let mut done = None;
    let mut errors = 0;
    for line in stdout.lines() {
        if line.starts_with("finished in ") {
            requests_per_s = counted(line, "req/s").and_then(|rate| rate.parse::<f64>().ok());
        } else if let Some(counts) = line.strip_prefix("requests: ") {
            let count = |what| counted(counts, what).and_then(|text| text.parse::<u64>().ok());
            done = count("done");
            // A request that errored or timed out is among the failed ones.
            errors = count("failed").unwrap_or(0);
        }
    }
    Ok(Reading {
        requests: done.filter(|done| *done > 0).context("no response was counted")?,
        errors,
        requests_per_s: requests_per_s.context("no line `finished in T, N req/s`")?,
        ..Reading::default()
    })
}

/// The word before `what` in a list like `37545 total, 38569 started`.
fn counted<'a>(text: &'a str, what: &str) -> Option<&'a str> {
    text.split(", ").find_map(|part| part.strip_suffix(what)).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captured_output_is_read() {
        let good = read(include_str!("../../tests/fixtures/h2load.txt")).expect("its output");
        let expected = Reading { requests: 56_800, requests_per_s: 28_400.0, ..Reading::default() };
        assert_eq!(good, expected);
        let bad = read(include_str!("../../tests/fixtures/h2load-non-2xx.txt")).expect("output");
        assert_eq!((bad.requests, bad.errors), (37_545, 37_545), "every answer was 404");
    }

    #[test]
    fn output_without_a_response_is_refused() {
        let refused = include_str!("../../tests/fixtures/h2load-refused.txt");
        for text in [refused, "", "finished in 1.00s, 5.00 req/s, 0B/s"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
