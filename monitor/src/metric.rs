//! A metric: the name, unit and description that travel with a number.

use acp_wire::agent::HostSample;

/// What a number counts. It ends the name of the metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// No unit.
    None,
    /// A share from 0 to 1.
    Ratio,
    /// Bytes.
    Bytes,
    /// Bytes per second.
    BytesPerSecond,
    /// Events per second.
    PerSecond,
}

impl Unit {
    /// As it stands at the end of a name; empty for none.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Ratio => "ratio",
            Self::Bytes => "bytes",
            Self::BytesPerSecond => "bytes_per_second",
            Self::PerSecond => "per_second",
        }
    }
}

/// One number of a host sample.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// Its name without prefix and unit: `cpu_busy`.
    pub name: &'static str,
    /// Its unit.
    pub unit: Unit,
    /// One sentence without a full stop.
    pub description: &'static str,
    /// Where it is in a sample; none where the host does not tell.
    pub value: fn(&HostSample) -> Option<f64>,
}

/// Every metric, sampler by sampler.
pub fn metrics() -> impl Iterator<Item = Metric> {
    let samplers: [&[Metric]; 5] = [
        &crate::cpu::METRICS,
        &crate::memory::METRICS,
        &crate::network::METRICS,
        &crate::tcp::METRICS,
        &crate::disk::METRICS,
    ];
    samplers.into_iter().flatten().copied()
}

/// A count as a number of the exposition; exact below 2^53.
#[expect(clippy::cast_precision_loss, reason = "bytes beyond 2^53 may lose their last digits")]
pub(crate) fn number(count: u64) -> f64 {
    count as f64
}
