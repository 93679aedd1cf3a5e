//! ab: HTTP/1.0, with keep-alive on request.

use anyhow::{Context, Result};

use super::{Invocation, Reading, Tool, command_line};

pub(super) const TOOL: Tool =
    Tool { name: "ab", version_flag: Some("-V"), command, read, exit_codes: &[0] };

/// More than ab completes in a second. `-t` alone would stop after 50,000 requests, and ab keeps
/// 32 bytes for each request it is allowed, so this is not larger than it must be.
const REQUESTS_PER_S_MAX: u32 = 200_000;

fn command(run: &Invocation) -> Result<Option<Vec<String>>> {
    let work = run.work;
    let is_connecting = !work.keep_alive && work.rate_per_s.is_none();
    if !work.is_plain() && !is_connecting {
        return Ok(None);
    }
    let connections = work.connections.to_string();
    let seconds = run.seconds.to_string();
    let mut line = command_line(run.program, &["-q", "-c", &connections, "-t", &seconds]);
    line.extend(["-n".to_string(), (run.seconds * REQUESTS_PER_S_MAX).to_string()]);
    if work.keep_alive {
        line.push("-k".to_string());
    }
    line.push(run.url.to_string());
    Ok(Some(line))
}

fn read(stdout: &str) -> Result<Reading> {
    let field = |name: &str| {
        let rest = stdout.lines().find_map(|line| line.strip_prefix(name))?;
        rest.split_whitespace().next()
    };
    let count = |name| field(name).and_then(|text| text.parse::<u64>().ok());
    let rate = field("Requests per second:").and_then(|text| text.parse::<f64>().ok());
    Ok(Reading {
        requests: count("Complete requests:").context("no line `Complete requests: N`")?,
        errors: count("Failed requests:").unwrap_or(0) + count("Non-2xx responses:").unwrap_or(0),
        requests_per_s: rate.context("no line `Requests per second: N`")?,
        // It prints whole milliseconds: too coarse to be shown next to the others.
        ..Reading::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captured_output_is_read() {
        let good = read(include_str!("../../tests/fixtures/ab.txt")).expect("ab's output");
        let expected =
            Reading { requests: 56_806, requests_per_s: 28_366.92, ..Reading::default() };
        assert_eq!(good, expected);
        let bad = read(include_str!("../../tests/fixtures/ab-non-2xx.txt")).expect("its output");
        assert_eq!((bad.requests, bad.errors), (30_122, 30_122), "every answer was 404");
    }

    #[test]
    fn output_without_a_result_is_refused() {
        for text in ["", "Complete requests:      12", "Requests per second:    1.0 [#/sec]"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
