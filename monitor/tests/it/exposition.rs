//! The text that Prometheus reads.

use acp_monitor::{exposition, metrics};
use acp_wire::agent::HostSample;
use std::collections::BTreeSet;

#[test]
fn a_number_has_its_description_and_unit_and_a_missing_one_has_no_line() {
    let sample = HostSample {
        cpu_busy_ratio: Some(0.25),
        load_1m: Some(1.5),
        disk_free_bytes: Some(4096),
        ..HostSample::default()
    };
    let expect = "\
# HELP acp_host_cpu_busy_ratio Share of CPU time in use since the sample before, all CPUs.
# TYPE acp_host_cpu_busy_ratio gauge
# UNIT acp_host_cpu_busy_ratio ratio
acp_host_cpu_busy_ratio 0.25
# HELP acp_host_load_1m Load average of the last minute.
# TYPE acp_host_load_1m gauge
acp_host_load_1m 1.5
# HELP acp_host_disk_free_bytes Free space of the state folder's file system.
# TYPE acp_host_disk_free_bytes gauge
# UNIT acp_host_disk_free_bytes bytes
acp_host_disk_free_bytes 4096.0
# EOF
";
    assert_eq!(exposition(&sample), expect);
    assert_eq!(exposition(&HostSample::default()), "# EOF\n");
}

/// A number that is put into a sample without a metric would never be seen.
#[test]
fn every_number_of_a_sample_has_a_metric() {
    let fields = serde_json::to_value(HostSample::default()).unwrap();
    let numbers = fields.as_object().unwrap().keys().filter(|name| *name != "at_unix_us").count();
    assert_eq!(metrics().count(), numbers);
    let names: BTreeSet<_> = metrics().map(|metric| metric.name).collect();
    assert_eq!(names.len(), numbers, "each name once");
    for metric in metrics() {
        assert!(!metric.description.ends_with('.'), "{}", metric.name);
        assert_eq!((metric.value)(&HostSample::default()), None, "{}", metric.name);
    }
}
