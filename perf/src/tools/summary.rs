//! The summary that hey made popular and oha prints as well.

use anyhow::{Context, Result};

use super::Reading;

/// oha counts what was in flight when the time was up as an error; nobody else does.
const STOPPED_AT_THE_END: &str = "aborted due to deadline";

pub(super) fn read(stdout: &str) -> Result<Reading> {
    let mut requests_per_s = None;
    let mut statuses = None;
    let mut section = "";
    let mut reading = Reading::default();
    for line in stdout.lines() {
        if !line.starts_with(' ') && !line.trim().is_empty() {
            section = line.trim();
            continue;
        }
        let line = line.trim();
        if let Some(rate) = line.strip_prefix("Requests/sec:") {
            requests_per_s = rate.trim().parse::<f64>().ok();
        } else if let Some((percent, time)) = line.split_once("% in ") {
            let is_p50 = percent.parse() == Ok(50.0);
            reading.p50_us = if is_p50 { microseconds(time) } else { reading.p50_us };
        } else if let Some((key, count, text)) = bracketed(line) {
            match section {
                "Status code distribution:" => {
                    let success = key.starts_with('2') || key.starts_with('3');
                    statuses = Some(statuses.unwrap_or(0) + count);
                    reading.errors += if success { 0 } else { count };
                }
                "Error distribution:" if text != STOPPED_AT_THE_END => {
                    reading.errors += key.parse().unwrap_or(0);
                }
                _ => {}
            }
        }
    }
    reading.requests_per_s = requests_per_s.context("no line `Requests/sec: N`")?;
    reading.requests = statuses.context("no response was counted")?;
    Ok(reading)
}

/// The parts of `[key] count text`; a count of 0 if the text does not begin with one.
fn bracketed(line: &str) -> Option<(&str, u64, &str)> {
    let (key, text) = line.strip_prefix('[')?.split_once(']')?;
    let text = text.trim();
    let count = text.split_whitespace().next().and_then(|word| word.parse().ok());
    Some((key, count.unwrap_or(0), text))
}

/// A time as `0.0032 secs`, `1.8979 ms` or `91.7 us`.
fn microseconds(text: &str) -> Option<f64> {
    let (number, unit) = text.trim().split_once(' ')?;
    let scale = match unit {
        "secs" | "sec" => 1e6,
        "ms" => 1e3,
        "us" | "µs" => 1.0,
        _ => return None,
    };
    Some(number.parse::<f64>().ok()? * scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_output_of_hey_is_read() {
        let good = read(include_str!("../../tests/fixtures/hey.txt")).expect("hey's output");
        let expected = Reading {
            requests: 32_998,
            requests_per_s: 16_339.520_1,
            p50_us: Some(3_200.0),
            ..Reading::default()
        };
        assert_eq!(good, expected);
        let bad = read(include_str!("../../tests/fixtures/hey-non-2xx.txt")).expect("its output");
        assert_eq!((bad.requests, bad.errors), (11_323, 11_323), "every answer was 404");
    }

    #[test]
    fn the_output_of_oha_is_read() {
        let text = include_str!("../../tests/fixtures/oha-shape.txt");
        let expected = Reading {
            requests: 40_003,
            errors: 3 + 2,
            requests_per_s: 20_001.5,
            p50_us: Some(91.7),
            ..Reading::default()
        };
        let good = read(text).expect("oha's output");
        assert_eq!(Reading { p50_us: expected.p50_us, ..good.clone() }, expected);
        assert!((good.p50_us.expect("a median") - 91.7).abs() < 1e-6);
    }

    #[test]
    fn output_without_a_response_is_refused() {
        for text in [include_str!("../../tests/fixtures/hey-refused.txt"), "", "Requests/sec: 1"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
