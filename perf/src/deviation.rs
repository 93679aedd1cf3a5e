//! How far arrivals were from the schedule, as `acp target --judge` finds it in a record.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

/// Distances between the time a request was due and the time it arrived, in µs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Deviation {
    /// Arrivals that were judged.
    pub(crate) count: u64,
    pub(crate) p50_us: f64,
    pub(crate) p90_us: f64,
    pub(crate) p99_us: f64,
    pub(crate) max_us: f64,
    /// Times between two arrivals of more than twice the planned one.
    pub(crate) gaps: u64,
}

/// The judgement as the target prints it, as far as it is used here.
#[derive(Deserialize)]
struct Judgement {
    arrivals: u64,
    deviation_us: Percentiles,
    long_gaps: u64,
}

#[derive(Deserialize)]
struct Percentiles {
    p50: f64,
    p90: f64,
    p99: f64,
    max: f64,
}

/// Judges a record against a total rate.
///
/// # Errors
///
/// If the target cannot read the record, or no request arrived.
pub(crate) fn judge(acp: &Path, record: &Path, rate_per_s: u32) -> Result<Deviation> {
    let output = Command::new(acp)
        .args(["target", "--judge"])
        .arg(record)
        .args(["--rate", &rate_per_s.to_string(), "--json"])
        .output()
        .with_context(|| format!("failed to start `{}`", acp.display()))?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr).trim().to_string();
        bail!("failed to judge `{}`: {complaint}", record.display());
    }
    read(&output.stdout)
}

fn read(json: &[u8]) -> Result<Deviation> {
    let Judgement { arrivals, deviation_us, long_gaps } = serde_json::from_slice(json)
        .context("the target's judgement has another form than expected")?;
    if arrivals == 0 {
        bail!("no request was recorded");
    }
    Ok(Deviation {
        count: arrivals,
        p50_us: deviation_us.p50,
        p90_us: deviation_us.p90,
        p99_us: deviation_us.p99,
        max_us: deviation_us.max,
        gaps: long_gaps,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const JUDGEMENT: &str = r#"{"arrivals":20000,"planned_per_s":20000.0,"mean_per_s":20002.9,
        "deviation_us":{"p50":0.735,"p90":1.616,"p99":41.899,"max":1256.122},"long_gaps":73,
        "longest_gaps":[{"arrival":4981,"us":1304.971}]}"#;

    #[test]
    fn a_captured_judgement_is_read() {
        let expected = Deviation {
            count: 20_000,
            p50_us: 0.735,
            p90_us: 1.616,
            p99_us: 41.899,
            max_us: 1_256.122,
            gaps: 73,
        };
        assert_eq!(read(JUDGEMENT.as_bytes()).expect("a judgement"), expected);
    }

    #[test]
    fn what_judges_nothing_is_refused() {
        let nobody = JUDGEMENT.replace("\"arrivals\":20000", "\"arrivals\":0");
        for text in ["", "{}", "arrivals 20000", &nobody] {
            assert!(read(text.as_bytes()).is_err(), "{text}");
        }
    }
}
