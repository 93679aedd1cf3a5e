//! What samplers make of captured files: two samples, ten seconds apart unless a row says otherwise.

use crate::host::{Files, Host};
use acp_monitor::Sampler;
use acp_wire::agent::HostSample;

/// Files that every row starts from, and what they are ten seconds later.
const BEFORE: Files = Files(&[
    ("uptime", "100.00 50.00\n"),
    ("loadavg", "10.18 0.70 1.04 1/100 13855\n"),
    ("stat", "100 100 100 700 0 0 0 0 0 0"),
    (
        "meminfo",
        "MemTotal: 1000 kB\nMemFree: 100 kB\nMemAvailable: 400 kB\nBuffers: 1 kB\nCached: 1 kB\nSwapCached: 0 kB\nActive: 1 kB\nInactive: 1 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\nDirty: 0 kB\nWriteback: 0 kB\nMapped: 1 kB\nSlab: 1 kB\nCommitted_AS: 1 kB\nVmallocTotal: 1 kB\nVmallocUsed: 1 kB\nVmallocChunk: 0 kB\n",
    ),
    ("net/dev", "lo 5000 5000\neth0 1000 2000"),
    (
        "net/sockstat",
        "sockets: used 16\nTCP: inuse 5 orphan 0 tw 7 alloc 1 mem 138\nUDP: inuse 9 mem 0\n",
    ),
    ("net/sockstat6", "TCP6: inuse 3\nUDP6: inuse 0\n"),
    ("net/snmp", "100"),
]);
const AFTER: Files = Files(&[
    ("uptime", "110.00 55.00\n"),
    ("stat", "300 200 200 1200 50 20 30 100 0 0"),
    ("net/dev", "lo 9000 9000\neth0 11000 52000"),
    ("net/snmp", "130"),
]);

fn whole() -> HostSample {
    HostSample {
        at_unix_us: 7,
        // Busy 450 of 1100 ticks more; 100 of them were stolen.
        cpu_busy_ratio: Some(450.0 / 1100.0),
        cpu_steal_ratio: Some(100.0 / 1100.0),
        load_1m: Some(10.18),
        memory_total_bytes: Some(1_024_000),
        memory_available_bytes: Some(409_600),
        network_received_bytes_per_s: Some(1000.0),
        network_sent_bytes_per_s: Some(5000.0),
        tcp_in_use: Some(8),
        tcp_time_wait: Some(7),
        tcp_retransmits_per_s: Some(3.0),
        disk_free_bytes: None,
    }
}

/// Samples before and after; `changes` are made to the files after. The disk is the real one.
fn check(row: &str, changes: &'static [(&'static str, &'static str)], expect: HostSample) {
    let mut host = Host::new();
    host.set(&BEFORE);
    host.sampler.sample(1);
    host.set(&AFTER);
    host.set(&Files(changes));
    let sample = host.sampler.sample(7);
    assert!(sample.disk_free_bytes.is_some_and(|free| free > 0), "{row}: {sample:?}");
    assert_eq!(HostSample { disk_free_bytes: None, ..sample }, expect, "{row}");
}

#[test]
fn a_host_that_tells_everything() {
    check("everything", &[], whole());
}

#[test]
fn what_a_host_does_not_tell_is_missing_and_not_zero() {
    let no_rates = HostSample {
        network_received_bytes_per_s: None,
        network_sent_bytes_per_s: None,
        tcp_retransmits_per_s: None,
        ..whole()
    };
    let no_network = HostSample {
        network_received_bytes_per_s: None,
        network_sent_bytes_per_s: None,
        ..whole()
    };
    let no_cpu = HostSample { cpu_busy_ratio: None, cpu_steal_ratio: None, ..whole() };
    check("no uptime", &[("uptime", "")], no_rates);
    check("uptime stands still", &[("uptime", "100.00 50.00\n")], no_rates);
    check("uptime is no number", &[("uptime", "soon\n")], no_rates);
    check("no load", &[("loadavg", "")], HostSample { load_1m: None, ..whole() });
    check("no CPU times", &[("stat", "")], no_cpu);
    check("CPU times stand still", &[("stat", "100 100 100 700 0 0 0 0 0 0")], no_cpu);
    check("CPU times are words", &[("stat", "much of it")], no_cpu);
    check(
        "a kernel without steal",
        &[("stat", "300 200 200 1200 50 20 30")],
        HostSample { cpu_busy_ratio: Some(0.45), cpu_steal_ratio: None, ..whole() },
    );
    check(
        "no memory",
        &[("meminfo", "")],
        HostSample { memory_total_bytes: None, memory_available_bytes: None, ..whole() },
    );
    check("no interfaces", &[("net/dev", "")], no_network);
    check("loopback alone", &[("net/dev", "lo 9000 9000")], no_network);
    check("counters went back", &[("net/dev", "lo 9000 9000\neth0 5 6")], no_network);
    check("another interface instead", &[("net/dev", "eth1 99999 99999")], no_network);
    check(
        "no sockets",
        &[("net/sockstat", "")],
        HostSample { tcp_in_use: None, tcp_time_wait: None, ..whole() },
    );
    check("no IPv6", &[("net/sockstat6", "")], HostSample { tcp_in_use: Some(5), ..whole() });
    let no_retransmits = HostSample { tcp_retransmits_per_s: None, ..whole() };
    check("no TCP counters", &[("net/snmp", "")], no_retransmits);
    check("TCP counters went back", &[("net/snmp", "99")], no_retransmits);
}

#[test]
fn an_interface_that_appears_is_no_traffic() {
    check("docker comes", &[("net/dev", "eth0 11000 52000\ndocker0 777777 888888")], whole());
}

#[test]
fn the_first_sample_has_no_differences() {
    let mut host = Host::new();
    host.set(&BEFORE);
    let sample = host.sampler.sample(7);
    let expect = HostSample {
        cpu_busy_ratio: None,
        cpu_steal_ratio: None,
        network_received_bytes_per_s: None,
        network_sent_bytes_per_s: None,
        tcp_retransmits_per_s: None,
        ..whole()
    };
    assert_eq!(HostSample { disk_free_bytes: None, ..sample }, expect);
}

#[test]
fn an_empty_host_tells_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("nowhere");
    let mut sampler = Sampler::with_proc(&nowhere, &nowhere);
    for now_unix_us in [1, 2] {
        let expect = HostSample { at_unix_us: now_unix_us, ..HostSample::default() };
        assert_eq!(sampler.sample(now_unix_us), expect);
    }
}

#[test]
fn this_host_tells_what_every_linux_tells() {
    let folder = tempfile::tempdir().unwrap();
    let mut sampler = Sampler::new(folder.path());
    let sample = sampler.sample(1);
    assert!(sample.load_1m.is_some_and(|load| load >= 0.0), "{sample:?}");
    let (total, available) = (sample.memory_total_bytes, sample.memory_available_bytes);
    assert!(total > available && available > Some(0), "{sample:?}");
    assert!(sample.tcp_in_use.is_some() && sample.disk_free_bytes.is_some(), "{sample:?}");
}
