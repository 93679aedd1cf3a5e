//! What runs are judged by: each measure from a report, and from any choice of a run's blocks.

use super::blocks::Block;
use super::buckets::Buckets;
use super::fate::completed_of_sent;
use super::resample::{Cumulative, Draws, ratio};
use crate::span::{SECOND_US, span_us};
use acp_wire::Report;
use acp_wire::report::Distribution;
use serde::Serialize;

/// Unit of a measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Nanoseconds.
    Ns,
    /// Per second.
    PerS,
    /// Microseconds.
    Us,
    /// A share of 1.
    Ratio,
}

/// Which way is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Better {
    /// Less is better.
    Lower,
    /// More is better.
    Higher,
}

/// Which histogram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Times {
    Response,
    Service,
}

/// Where a measure comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Source {
    Quantile(Times, f64),
    Mean(Times),
    CompletedPerS,
    ErrorsRatio,
    CpuPerRequest,
}

/// A number that runs are judged by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Measure {
    pub(super) name: &'static str,
    pub(super) unit: Unit,
    pub(super) better: Better,
    pub(super) source: Source,
}

const fn time(name: &'static str, source: Source) -> Measure {
    Measure { name, unit: Unit::Ns, better: Better::Lower, source }
}

/// All of them.
pub(super) const MEASURES: [Measure; 10] = [
    time("response_ns.p50", Source::Quantile(Times::Response, 0.5)),
    time("response_ns.p90", Source::Quantile(Times::Response, 0.9)),
    time("response_ns.p99", Source::Quantile(Times::Response, 0.99)),
    time("response_ns.p99_9", Source::Quantile(Times::Response, 0.999)),
    time("response_ns.mean", Source::Mean(Times::Response)),
    time("service_ns.p50", Source::Quantile(Times::Service, 0.5)),
    time("service_ns.p99", Source::Quantile(Times::Service, 0.99)),
    Measure {
        name: "completed_per_s",
        unit: Unit::PerS,
        better: Better::Higher,
        source: Source::CompletedPerS,
    },
    Measure {
        name: "errors_ratio",
        unit: Unit::Ratio,
        better: Better::Lower,
        source: Source::ErrorsRatio,
    },
    Measure {
        name: "cpu_us_per_request",
        unit: Unit::Us,
        better: Better::Lower,
        source: Source::CpuPerRequest,
    },
];

impl Measure {
    /// The number in a report; none where nothing was seen that it could be told from.
    pub(super) fn of(&self, report: &Report) -> Option<f64> {
        let books = &report.books;
        let share = |part: u64, whole: u64| (whole > 0).then(|| part as f64 / whole as f64);
        match self.source {
            Source::Quantile(times, quantile) => {
                let distribution = times.of(report);
                (distribution.count > 0).then(|| at(&distribution, quantile))
            }
            Source::Mean(times) => {
                let distribution = times.of(report);
                (distribution.count > 0).then_some(distribution.mean)
            }
            // Per second of sending, as the blocks have it. Until the last response, as
            // `rate.completed_per_s` is, a run would have the lower rate the slower its last request is.
            Source::CompletedPerS => {
                let sending_us = span_us(report.run.duration_us);
                let per_s = |share: f64| share * SECOND_US as f64;
                share(books.completed, sending_us).filter(|_| books.sent > 0).map(per_s)
            }
            Source::ErrorsRatio => {
                let ended = books.completed.saturating_add(books.errors_without_response());
                share(books.errors_total(), ended)
            }
            Source::CpuPerRequest => {
                (books.sent > 0).then_some(report.generator.cpu_us_per_request)
            }
        }
    }

    /// How many values are beyond the number, so that it rests on them; none where it is a rate.
    pub(super) fn samples(&self, report: &Report) -> Option<f64> {
        match self.source {
            Source::Quantile(times, quantile) => {
                Some(times.of(report).count as f64 * (1.0 - quantile))
            }
            Source::Mean(times) => Some(times.of(report).count as f64),
            Source::CompletedPerS | Source::ErrorsRatio | Source::CpuPerRequest => None,
        }
    }
}

impl Times {
    fn of(self, report: &Report) -> Distribution {
        match self {
            Self::Response => report.latency.response_ns,
            Self::Service => report.latency.service_ns,
        }
    }

    fn in_block(self, block: &Block) -> &Buckets {
        match self {
            Self::Response => &block.response,
            Self::Service => &block.service,
        }
    }
}

fn at(distribution: &Distribution, quantile: f64) -> f64 {
    let nanos = match quantile {
        _ if quantile <= 0.5 => distribution.p50,
        _ if quantile <= 0.9 => distribution.p90,
        _ if quantile <= 0.99 => distribution.p99,
        _ => distribution.p99_9,
    };
    nanos as f64
}

/// Each measure of each run drawn from the blocks of one, in the order of [`MEASURES`].
pub(super) fn draw(blocks: &[&Block], number: u64) -> Vec<Vec<f64>> {
    let draws = Draws::of(blocks.len(), number);
    let cumulative = |times: Times| {
        let histograms: Vec<_> = blocks.iter().map(|block| times.in_block(block)).collect();
        Cumulative::of(&histograms)
    };
    // One at a time: together they would be the largest part of a comparison's memory.
    let mut drawn = vec![Vec::new(); MEASURES.len()];
    for times in [Times::Response, Times::Service] {
        let cumulative = cumulative(times);
        for (drawn, measure) in drawn.iter_mut().zip(MEASURES) {
            match measure.source {
                Source::Quantile(of, quantile) if of == times => {
                    *drawn = draws.map(|weights| cumulative.quantile(weights, quantile));
                }
                _ => {}
            }
        }
    }
    for (drawn, measure) in drawn.iter_mut().zip(MEASURES) {
        if let Some(parts) = parts(blocks, measure.source) {
            *drawn = draws.map(|weights| ratio(weights, &parts));
        }
    }
    drawn
}

/// For each block what a measure is the ratio of; none: it is a percentile.
fn parts(blocks: &[&Block], source: Source) -> Option<Vec<(f64, f64)>> {
    let each = |part: fn(&Block) -> (f64, f64)| blocks.iter().map(|block| part(block)).collect();
    match source {
        Source::Quantile(..) => None,
        Source::Mean(times) => {
            let buckets = blocks.iter().map(|block| times.in_block(block));
            Some(buckets.map(|buckets| (buckets.sum_ns(), buckets.count() as f64)).collect())
        }
        Source::CompletedPerS => {
            let sending_s = blocks.iter().map(|block| block.sending_us as f64 / SECOND_US as f64);
            Some(completed_of_sent(blocks).into_iter().zip(sending_s).collect())
        }
        Source::ErrorsRatio => Some(each(|block| (block.errors as f64, block.ended as f64))),
        Source::CpuPerRequest => Some(each(|block| (block.cpu_us as f64, block.sent as f64))),
    }
}
