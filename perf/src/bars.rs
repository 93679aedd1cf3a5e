//! The bars acp must clear, case by case. Every judged number of the suite is in this file.

use crate::verdict::Limit::{self, AtLeast, AtMost};

/// A number of one run that can be judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quantity {
    RequestsPerS,
    CpuPerRequest,
    /// Time per request of one connection, from the rate: tools print percentiles in whole
    /// microseconds, too coarse for a bar of 5 %.
    Cycle,
    DeviationP50,
    DeviationP90,
}

impl Quantity {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::RequestsPerS => "requests/s",
            Self::CpuPerRequest => "CPU per request",
            Self::Cycle => "time per request",
            Self::DeviationP50 => "p50 deviation",
            Self::DeviationP90 => "p90 deviation",
        }
    }
}

/// How a judged value comes from the runs of one pair.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Value {
    /// acp's quantity divided by the peer's.
    Ratio { quantity: Quantity, peer: &'static str },
    /// acp's own deviation from the schedule, in µs, as the target recorded it.
    Deviation(Quantity),
    /// Growth of peak memory from one lane to another, divided by what was added.
    MemoryGrowth { from: &'static str, to: &'static str, added: f64, unit: &'static str },
    /// A quantity of one lane of acp divided by that of another.
    LaneRatio { quantity: Quantity, of: &'static str, to: &'static str },
    /// Peak memory of a lane, in MB.
    PeakMemory { lane: &'static str },
}

impl Value {
    pub(crate) fn text(self) -> String {
        match self {
            Self::Ratio { quantity, peer } => format!("{}, ratio to {peer}", quantity.text()),
            Self::Deviation(quantity) => format!("{}, µs", quantity.text()),
            Self::MemoryGrowth { from, to, unit, .. } => format!("{unit}, {from} to {to}"),
            Self::LaneRatio { quantity, of, to } => {
                format!("{}, ratio of {of} to {to}", quantity.text())
            }
            Self::PeakMemory { lane } => format!("peak memory of {lane}, MB"),
        }
    }
}

/// Share of the CPU time in other processes' hands above which a deviation from the schedule proves
/// nothing against acp. Ratios survive company, since both sides have it; times in µs do not.
pub(crate) const OTHERS_RATIO_MAX: f64 = 0.05;

/// A value and the side of a limit on which it must lie.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Bar {
    pub(crate) value: Value,
    pub(crate) limit: Limit,
    /// Fewer samples than this decide nothing.
    pub(crate) samples_min: usize,
}

/// Two pairs can agree by accident; three that agree are the least we take for an answer.
const PAIRS_MIN: usize = 3;

const fn against_wrk(quantity: Quantity, limit: Limit) -> Bar {
    Bar { value: Value::Ratio { quantity, peer: "wrk" }, limit, samples_min: PAIRS_MIN }
}

const fn deviation(quantity: Quantity, limit_us: f64) -> Bar {
    Bar { value: Value::Deviation(quantity), limit: AtMost(limit_us), samples_min: PAIRS_MIN }
}

/// A file of any size costs next to nothing beside one URL.
const fn against_url(lane: &'static str) -> Bar {
    let (quantity, to) = (Quantity::RequestsPerS, "acp-url");
    let value = Value::LaneRatio { quantity, of: lane, to };
    Bar { value, limit: AtLeast(0.95), samples_min: PAIRS_MIN }
}

/// A fifth of the file: what is kept of it does not grow with it.
const fn peak_memory(lane: &'static str) -> Bar {
    Bar { value: Value::PeakMemory { lane }, limit: AtMost(200.0), samples_min: PAIRS_MIN }
}

/// A hundred times closer to the schedule than `oha -q`.
const CLOSER_THAN_OHA: Bar = Bar {
    value: Value::Ratio { quantity: Quantity::DeviationP50, peer: "oha" },
    limit: AtMost(0.01),
    samples_min: PAIRS_MIN,
};

pub(crate) const CLOSED_1: &[Bar] = &[against_wrk(Quantity::Cycle, AtMost(1.05))];
pub(crate) const CLOSED_64: &[Bar] = &[
    against_wrk(Quantity::RequestsPerS, AtLeast(1.35)),
    against_wrk(Quantity::CpuPerRequest, AtMost(0.75)),
];
pub(crate) const CLOSED_512: &[Bar] = &[
    against_wrk(Quantity::RequestsPerS, AtLeast(1.35)),
    against_wrk(Quantity::CpuPerRequest, AtMost(0.72)),
];
pub(crate) const CLOSED_4096: &[Bar] = &[
    against_wrk(Quantity::RequestsPerS, AtLeast(1.8)),
    against_wrk(Quantity::CpuPerRequest, AtMost(0.6)),
];
pub(crate) const PACED_1K: &[Bar] = &[deviation(Quantity::DeviationP50, 10.0), CLOSER_THAN_OHA];
pub(crate) const PACED_20K: &[Bar] = &[
    deviation(Quantity::DeviationP50, 2.0),
    deviation(Quantity::DeviationP90, 10.0),
    CLOSER_THAN_OHA,
];
pub(crate) const PACED_100K: &[Bar] = &[deviation(Quantity::DeviationP50, 5.0), CLOSER_THAN_OHA];
pub(crate) const CONNECT: &[Bar] = &[against_wrk(Quantity::RequestsPerS, AtLeast(1.2))];
pub(crate) const PIPELINE_16: &[Bar] = &[against_wrk(Quantity::RequestsPerS, AtLeast(1.5))];
pub(crate) const BODY_64K: &[Bar] = &[against_wrk(Quantity::RequestsPerS, AtLeast(1.1))];
/// 1.1 times the requests in the same time of a core. Not their rate: with TLS on one core a side the
/// server may be the slower one.
pub(crate) const TLS_64: &[Bar] = &[against_wrk(Quantity::CpuPerRequest, AtMost(0.909))];
pub(crate) const QUERY_FILE: &[Bar] = &[
    against_url("acp-seq"),
    against_url("acp-random"),
    peak_memory("acp-seq"),
    peak_memory("acp-random"),
];
pub(crate) const MEMORY: &[Bar] = &[
    Bar {
        value: Value::MemoryGrowth {
            from: "acp-c1",
            to: "acp-c10000",
            added: 9_999.0,
            unit: "user bytes per connection",
        },
        limit: AtMost(1024.0),
        samples_min: PAIRS_MIN,
    },
    // One pair is enough: it runs for minutes, and a leak of one byte per request would be twenty
    // times the limit. That is not zero, because rare values touch pages of a histogram late.
    Bar {
        value: Value::MemoryGrowth {
            from: "acp-n5M",
            to: "acp-n20M",
            added: 15e6,
            unit: "bytes per request",
        },
        limit: AtMost(0.05),
        samples_min: 1,
    },
];
