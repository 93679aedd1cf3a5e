//! The exposition of a sample: OpenMetrics text, as Prometheus scrapes it.

use crate::metric::{Unit, metrics};
use acp_wire::agent::HostSample;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit as RegistryUnit};

/// Adds every number that the sample has to a registry, as `acp_host_<name>_<unit>`. Numbers it does
/// not have are left out.
pub fn register(registry: &mut Registry, sample: &HostSample) {
    let host = registry.sub_registry_with_prefix("acp_host");
    for metric in metrics() {
        let Some(value) = (metric.value)(sample) else { continue };
        let gauge = ConstGauge::new(value);
        match metric.unit {
            Unit::None => host.register(metric.name, metric.description, gauge),
            unit => {
                let unit = RegistryUnit::Other(unit.as_str().to_owned());
                host.register_with_unit(metric.name, metric.description, unit, gauge);
            }
        }
    }
}

/// The text of a sample alone.
#[must_use]
pub fn exposition(sample: &HostSample) -> String {
    let mut registry = Registry::default();
    register(&mut registry, sample);
    let mut text = String::new();
    // Writing to a string has no way to fail.
    encode(&mut text, &registry).map_or_else(|_| String::new(), |()| text)
}
