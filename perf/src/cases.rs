//! The cases: what each measures, against which server, with which work.

use crate::bars::{self, Bar};
use crate::work::{Order, Work};

/// One line of the suite.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) server: ServerKind,
    pub(crate) entrants: Entrants,
    pub(crate) bars: &'static [Bar],
}

impl Case {
    /// Whether a lane takes its requests from the query file.
    pub(crate) fn needs_query_file(&self) -> bool {
        match &self.entrants {
            Entrants::All(work) => work.order.is_some(),
            Entrants::Sizes(sizes) => sizes.iter().any(|size| size.work.order.is_some()),
        }
    }
}

/// How the built-in target is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ServerKind {
    /// One server for the whole case, with its usual short response.
    Small,
    /// One server for the whole case, with responses of this size.
    Body(&'static str),
    /// One server for the whole case, with its usual short response, over TLS.
    Encrypted,
    /// A fresh server for each run, that records when each request arrived.
    Recorder,
}

/// Who runs in a case.
#[derive(Debug)]
pub(crate) enum Entrants {
    /// acp and every peer that can, doing the same work.
    All(Work),
    /// acp alone, in several sizes.
    Sizes(&'static [Size]),
}

/// acp with work of one size.
#[derive(Debug)]
pub(crate) struct Size {
    pub(crate) lane: &'static str,
    pub(crate) work: Work,
    /// Only in the first pair, because it takes minutes.
    pub(crate) once: bool,
}

/// Connections of the paced cases: enough that none is ever waited for.
const PACED_CONNECTIONS: u32 = 32;

/// Low enough that the engine idles, high enough that every connection stays alive.
const IDLE_RATE_PER_S: u32 = 1_000;

const MEMORY_SIZES: &[Size] = &[
    Size { lane: "acp-c1", work: Work::paced(1, IDLE_RATE_PER_S), once: false },
    Size { lane: "acp-c1000", work: Work::paced(1_000, IDLE_RATE_PER_S), once: false },
    Size { lane: "acp-c10000", work: Work::paced(10_000, IDLE_RATE_PER_S), once: false },
    Size { lane: "acp-n5M", work: Work::counted(64, 5_000_000), once: true },
    Size { lane: "acp-n20M", work: Work::counted(64, 20_000_000), once: true },
];

/// The reader of a file works beside the shard, so more than the shard is measured: the server has what
/// is left of its CPU.
const FILE_SIZES: &[Size] = &[
    Size { lane: "acp-url", work: Work::closed(64), once: false },
    Size { lane: "acp-seq", work: Work::from_file(64, Order::Seq), once: false },
    Size { lane: "acp-random", work: Work::from_file(64, Order::Random), once: false },
];

/// Every case, in the order in which they run.
pub(crate) const CASES: &[Case] = &[
    Case {
        name: "closed-1",
        about: "one connection, keep-alive: the time of one request",
        server: ServerKind::Small,
        entrants: Entrants::All(Work::closed(1)),
        bars: bars::CLOSED_1,
    },
    Case {
        name: "closed-64",
        about: "64 connections, keep-alive, small response",
        server: ServerKind::Small,
        entrants: Entrants::All(Work::closed(64)),
        bars: bars::CLOSED_64,
    },
    Case {
        name: "closed-512",
        about: "512 connections, keep-alive, small response",
        server: ServerKind::Small,
        entrants: Entrants::All(Work::closed(512)),
        bars: bars::CLOSED_512,
    },
    Case {
        name: "closed-4096",
        about: "4,096 connections, keep-alive, small response",
        server: ServerKind::Small,
        entrants: Entrants::All(Work::closed(4_096)),
        bars: bars::CLOSED_4096,
    },
    Case {
        name: "paced-1k",
        about: "1,000 requests a second: deviation from the schedule, recorded by the target",
        server: ServerKind::Recorder,
        entrants: Entrants::All(Work::paced(PACED_CONNECTIONS, 1_000)),
        bars: bars::PACED_1K,
    },
    Case {
        name: "paced-20k",
        about: "20,000 requests a second: deviation from the schedule, recorded by the target",
        server: ServerKind::Recorder,
        entrants: Entrants::All(Work::paced(PACED_CONNECTIONS, 20_000)),
        bars: bars::PACED_20K,
    },
    Case {
        name: "paced-100k",
        about: "100,000 requests a second: deviation from the schedule, recorded by the target",
        server: ServerKind::Recorder,
        entrants: Entrants::All(Work::paced(PACED_CONNECTIONS, 100_000)),
        bars: bars::PACED_100K,
    },
    Case {
        name: "connect",
        about: "a new connection for each request, 64 at a time",
        server: ServerKind::Small,
        entrants: Entrants::All(Work::connecting(64)),
        bars: bars::CONNECT,
    },
    Case {
        name: "pipeline-16",
        about: "64 connections with 16 requests in flight on each",
        server: ServerKind::Small,
        entrants: Entrants::All(Work::pipelined(64, 16)),
        bars: bars::PIPELINE_16,
    },
    Case {
        name: "body-64k",
        about: "64 connections, responses of 64 KiB",
        server: ServerKind::Body("64KiB"),
        entrants: Entrants::All(Work::closed(64)),
        bars: bars::BODY_64K,
    },
    Case {
        name: "tls-64",
        about: "64 connections over TLS, keep-alive, small response",
        server: ServerKind::Encrypted,
        entrants: Entrants::All(Work::closed(64)),
        bars: bars::TLS_64,
    },
    Case {
        name: "query-file",
        about: "64 connections, keep-alive, each request a line of a file of 1 GiB",
        server: ServerKind::Small,
        entrants: Entrants::Sizes(FILE_SIZES),
        bars: bars::QUERY_FILE,
    },
    Case {
        name: "memory",
        about: "peak memory by connections, and by the number of requests",
        server: ServerKind::Small,
        entrants: Entrants::Sizes(MEMORY_SIZES),
        bars: bars::MEMORY,
    },
];

/// The case of this name.
pub(crate) fn find(name: &str) -> Option<&'static Case> {
    CASES.iter().find(|case| case.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bars::Value;

    #[test]
    fn every_case_has_a_bar_and_a_name_of_its_own() {
        for case in CASES {
            assert!(!case.bars.is_empty(), "{}", case.name);
            assert_eq!(CASES.iter().filter(|other| other.name == case.name).count(), 1);
        }
    }

    #[test]
    fn bars_name_lanes_that_run() {
        for bar in bars::MEMORY {
            let Value::MemoryGrowth { from, to, .. } = bar.value else {
                panic!("a bar of another kind: {bar:?}");
            };
            for name in [from, to] {
                assert!(MEMORY_SIZES.iter().any(|size| size.lane == name), "{name}");
            }
        }
        for bar in bars::QUERY_FILE {
            let names = match bar.value {
                Value::LaneRatio { of, to, .. } => vec![of, to],
                Value::PeakMemory { lane } => vec![lane],
                value => panic!("a bar of another kind: {value:?}"),
            };
            for name in names {
                assert!(FILE_SIZES.iter().any(|size| size.lane == name), "{name}");
            }
        }
    }
}
