//! The result document of a suite, schema `acp.perf/1`: what ran, where, and what came of it.

use serde::{Deserialize, Serialize};

use crate::bars::Quantity;
use crate::deviation::Deviation;
use crate::machine::Machine;
use crate::statistics;
use crate::verdict::{Limit, Verdict};

pub(crate) const SCHEMA: &str = "acp.perf/1";

/// All of one `acp-perf run`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Outcome {
    pub(crate) schema: String,
    pub(crate) date_utc: String,
    pub(crate) pairs: u32,
    pub(crate) seconds: u32,
    /// Of the bootstrap.
    pub(crate) seed: u64,
    pub(crate) machine: Machine,
    /// None if the program does not lie in a git work tree.
    pub(crate) acp_commit: Option<String>,
    /// acp first, then the peers that were asked for.
    pub(crate) tools: Vec<ToolFacts>,
    pub(crate) cases: Vec<CaseOutcome>,
    pub(crate) verdict: Verdict,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ToolFacts {
    pub(crate) name: String,
    /// None if it is not installed.
    pub(crate) path: Option<String>,
    pub(crate) version: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct CaseOutcome {
    pub(crate) name: String,
    pub(crate) about: String,
    pub(crate) server_command: String,
    /// Share of all CPU time that processes of others used during the case.
    pub(crate) others_ratio: Option<f64>,
    pub(crate) lanes: Vec<Lane>,
    pub(crate) bars: Vec<BarOutcome>,
}

/// One tool with one kind of work, over all pairs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Lane {
    pub(crate) name: String,
    pub(crate) state: LaneState,
    /// The command of the last run.
    pub(crate) command: Option<String>,
    pub(crate) runs: Vec<Run>,
    pub(crate) failures: Vec<Failure>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LaneState {
    Measured,
    /// The tool is not installed.
    Absent,
    /// The tool cannot do this kind of work.
    Unsupported,
}

/// The numbers of one run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) pair: u32,
    pub(crate) connections: u32,
    /// As the tool counts and prints it.
    pub(crate) requests: u64,
    pub(crate) errors: u64,
    pub(crate) requests_per_s: f64,
    /// From the send to the last byte, where the tool prints it.
    pub(crate) p50_us: Option<f64>,
    pub(crate) wall_us: u64,
    pub(crate) user_us: u64,
    pub(crate) system_us: u64,
    pub(crate) max_rss_bytes: u64,
    /// Share of the run in which the server was on a CPU; near 1 it is the server that is measured.
    pub(crate) server_busy_ratio: Option<f64>,
    pub(crate) deviation: Option<Deviation>,
    pub(crate) verdict: Option<String>,
}

/// A run that gave no numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Failure {
    pub(crate) pair: u32,
    pub(crate) reason: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct BarOutcome {
    pub(crate) what: String,
    pub(crate) limit: Limit,
    /// One value a pair.
    pub(crate) samples: Vec<f64>,
    pub(crate) median: Option<f64>,
    pub(crate) low: Option<f64>,
    pub(crate) high: Option<f64>,
    pub(crate) verdict: Verdict,
    /// Why it was not judged by its interval.
    pub(crate) reason: Option<String>,
}

impl Run {
    pub(crate) fn cpu_us_per_request(&self) -> Option<f64> {
        (self.requests > 0).then(|| self.cpu_us() as f64 / self.requests as f64)
    }

    /// Share of the client's CPU time that was not the kernel's.
    pub(crate) fn user_ratio(&self) -> Option<f64> {
        (self.cpu_us() > 0).then(|| self.user_us as f64 / self.cpu_us() as f64)
    }

    pub(crate) fn get(&self, quantity: Quantity) -> Option<f64> {
        match quantity {
            Quantity::RequestsPerS => Some(self.requests_per_s),
            Quantity::CpuPerRequest => self.cpu_us_per_request(),
            Quantity::Cycle => (self.requests_per_s > 0.0)
                .then(|| f64::from(self.connections) * 1e6 / self.requests_per_s),
            Quantity::DeviationP50 => self.deviation.as_ref().map(|deviation| deviation.p50_us),
            Quantity::DeviationP90 => self.deviation.as_ref().map(|deviation| deviation.p90_us),
        }
    }

    fn cpu_us(&self) -> u64 {
        self.user_us + self.system_us
    }
}

impl Lane {
    /// The run of one pair.
    pub(crate) fn run_of(&self, pair: u32) -> Option<&Run> {
        self.runs.iter().find(|run| run.pair == pair)
    }

    /// The median over the runs in which the number exists.
    pub(crate) fn median(&self, number: impl Fn(&Run) -> Option<f64>) -> Option<f64> {
        let values: Vec<f64> = self.runs.iter().filter_map(number).collect();
        statistics::median(&values)
    }
}
