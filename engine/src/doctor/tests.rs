//! Hosts that are made up: files below a folder, and what is said of them.

use super::*;
use std::collections::BTreeMap;
use std::path::Path;

const LIMITS: &str = "proc/self/limits";
const RANGE: &str = "proc/sys/net/ipv4/ip_local_port_range";
const REUSE: &str = "proc/sys/net/ipv4/tcp_tw_reuse";
const SOCKETS: &str = "proc/net/sockstat";
const TRACKED_MAX: &str = "proc/sys/net/netfilter/nf_conntrack_max";
const TRACKED: &str = "proc/sys/net/netfilter/nf_conntrack_count";
const BACKLOG: &str = "proc/sys/net/core/somaxconn";
const CONGESTION: &str = "proc/sys/net/ipv4/tcp_congestion_control";
const RECEIVE: &str = "proc/sys/net/ipv4/tcp_rmem";
const SEND: &str = "proc/sys/net/ipv4/tcp_wmem";
const STATUS: &str = "proc/self/status";
const GOVERNOR_0: &str = "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor";
const GOVERNOR_1: &str = "sys/devices/system/cpu/cpu1/cpufreq/scaling_governor";
const CORE_0: &str = "sys/devices/system/cpu/cpu0/topology/thread_siblings_list";
const CORE_1: &str = "sys/devices/system/cpu/cpu1/topology/thread_siblings_list";
const ISOLATED: &str = "sys/devices/system/cpu/isolated";
const INFO: &str = "proc/cpuinfo";
const STAT: &str = "proc/stat";
const GROUPS: &str = "proc/self/cgroup";
const MAX: &str = "sys/fs/cgroup/a/b/cpu.max";
const SOURCE: &str = "sys/devices/system/clocksource/clocksource0/current_clocksource";
const SYNCHRONISED: &str = "run/systemd/timesync/synchronized";
const RELEASE: &str = "proc/sys/kernel/osrelease";
const DISABLED: &str = "proc/sys/kernel/io_uring_disabled";
const MEMORY: &str = "proc/meminfo";
const HUGE: &str = "sys/kernel/mm/transparent_hugepage/enabled";

/// A host with nothing to be said of it.
const GOOD: [(&str, &str); 26] = [
    (LIMITS, "Limit  Soft  Hard  Units\nMax open files            20000      1048576      files\n"),
    (RANGE, "32768\t60999\n"),
    (REUSE, "2\n"),
    (SOCKETS, "sockets: used 57\nTCP: inuse 3 orphan 0 tw 12 alloc 3 mem 155\n"),
    (TRACKED_MAX, "262144\n"),
    (TRACKED, "12\n"),
    (BACKLOG, "4096\n"),
    (CONGESTION, "cubic\n"),
    (RECEIVE, "4096\t131072\t6291456\n"),
    (SEND, "4096\t16384\t4194304\n"),
    (STATUS, "Name:\tacp\nCpus_allowed_list:\t0-1\n"),
    (GOVERNOR_0, "performance\n"),
    (GOVERNOR_1, "performance\n"),
    (CORE_0, "0\n"),
    (CORE_1, "1\n"),
    (ISOLATED, "\n"),
    (INFO, "processor\t: 0\nflags\t\t: fpu tsc\n"),
    (STAT, "cpu  100 0 100 800 0 0 0 0 0 0\ncpu0 1 2 3\n"),
    (GROUPS, "0::/a/b\n"),
    (MAX, "max 100000\n"),
    (SOURCE, "tsc\n"),
    (SYNCHRONISED, ""),
    (RELEASE, "6.8.0-31-generic\n"),
    (DISABLED, "0\n"),
    (MEMORY, "MemTotal:  8000000 kB\nMemAvailable:  4000000 kB\n"),
    (HUGE, "always [madvise] never\n"),
];

/// A second of two CPUs, in which nothing was stolen.
const SECOND_LATER: &str = "cpu  200 0 100 900 0 0 0 0 0 0\n";

fn needs() -> Needs {
    Needs { connections: 100, connects_per_s: Some(0.0), address_pairs: 1, is_local: false }
}

fn works() -> Result<String, String> {
    Ok("io_uring with defer_taskrun".into())
}

fn put(root: &Path, files: &BTreeMap<&str, &str>) {
    for (path, text) in files {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("folder");
        std::fs::write(path, text).expect("file");
    }
}

/// The good host with other files; without text, a file is missing.
fn findings(changes: &[(&str, Option<&str>)], needs: &Needs) -> Vec<Finding> {
    let folder = tempfile::tempdir().expect("folder");
    let mut files = BTreeMap::from(GOOD);
    for (path, text) in changes.iter().filter(|change| change.0 != STAT) {
        match text {
            Some(text) => drop(files.insert(path, text)),
            None => drop(files.remove(path)),
        }
    }
    put(folder.path(), &files);
    let host = Host::at(folder.path(), works);
    match changes.iter().find(|change| change.0 == STAT) {
        Some((_, None)) => std::fs::remove_file(folder.path().join(STAT)).expect("removed"),
        later => {
            let text = later.and_then(|(_, text)| *text).unwrap_or(SECOND_LATER);
            put(folder.path(), &BTreeMap::from([(STAT, text)]));
        }
    }
    examine(&host, needs)
}

fn check(name: &str, changes: &[(&str, Option<&str>)], needs: &Needs, expect: (State, &str)) {
    let (state, part) = expect;
    let findings = findings(changes, needs);
    let finding = findings.iter().find(|finding| finding.check == name).expect("a check");
    assert_eq!(finding.state, state, "{name} {changes:?} {needs:?}: {finding:?}");
    let text = format!("{} {}", finding.found, finding.fix.as_deref().unwrap_or_default());
    assert!(text.contains(part), "{name} {changes:?}: `{part}` is not in `{text}`");
    assert!(!finding.why.is_empty());
    assert_eq!(finding.fix.is_some(), matches!(state, State::Note | State::Bad), "{finding:?}");
}

#[test]
fn nothing_is_said_of_a_good_host() {
    for finding in findings(&[], &needs()) {
        assert_eq!(finding.state, State::Ok, "{finding:?}");
    }
}

#[test]
fn a_host_without_files_is_not_known() {
    let folder = tempfile::tempdir().expect("folder");
    let host = Host::at(folder.path(), works);
    for finding in examine(&host, &needs()) {
        assert_eq!(finding.state, State::Unknown, "{finding:?}");
    }
}

#[test]
fn each_file_that_says_nonsense_is_not_known() {
    for (name, path) in [
        ("open_files", LIMITS),
        ("local_ports", RANGE),
        ("time_wait", SOCKETS),
        ("conntrack", TRACKED),
        ("listen_backlog", BACKLOG),
        ("socket_buffers", RECEIVE),
        ("socket_buffers", SEND),
        ("cpu_governor", STATUS),
        ("cpu_siblings", CORE_1),
        ("hypervisor", INFO),
        ("steal", STAT),
        ("cpu_quota", MAX),
        ("memory", MEMORY),
        ("huge_pages", HUGE),
    ] {
        check(name, &[(path, Some("nonsense\n"))], &needs(), (State::Unknown, ""));
    }
}

#[test]
fn limits_are_judged_by_what_the_plan_needs() {
    use State::{Bad, Note, Ok, Unknown};
    let many = Needs { connections: 30_000, ..needs() };
    let fast = |connects_per_s| Needs { connects_per_s: Some(connects_per_s), ..needs() };
    let closed = Needs { connects_per_s: None, ..needs() };
    let reuse = |text| [(REUSE, Some(text))];
    check("open_files", &[], &many, (Ok, "30256"));
    let few = [(LIMITS, Some("Max open files  1024  4096  files"))];
    check("open_files", &few, &many, (Bad, "ulimit -n 30256"));
    let endless = [(LIMITS, Some("Max open files  1024  unlimited  files"))];
    check("open_files", &endless, &many, (Ok, "unlimited"));
    check("local_ports", &[], &many, (Bad, "28232 ports"));
    check("local_ports", &[], &Needs { address_pairs: 2, ..many }, (Ok, "56464 ports"));
    check("local_ports", &[(RANGE, Some("60999 32768"))], &needs(), (Unknown, "cannot be read"));
    check("local_ports", &[], &fast(400.0), (Ok, "24100 for 60 s"));
    check("local_ports", &[], &fast(500.0), (Note, "30100 for 60 s"));
    check("local_ports", &reuse("1"), &fast(500.0), (Ok, "600 for 1 s"));
    check("local_ports", &[], &Needs { is_local: true, ..fast(500.0) }, (Ok, "600 for 1 s"));
    check("local_ports", &reuse("0"), &Needs { is_local: true, ..fast(500.0) }, (Note, "60 s"));
    check("local_ports", &[(REUSE, None)], &fast(500.0), (Unknown, "tcp_tw_reuse"));
    check("local_ports", &[], &closed, (Note, "as fast as it can"));
    let waiting = [(SOCKETS, Some("TCP: inuse 3 orphan 0 tw 20000 alloc 3 mem 155"))];
    check("time_wait", &waiting, &needs(), (Note, "20000 connections"));
    check("conntrack", &[], &fast(2_000.0), (Note, "240112"));
    check("conntrack", &[], &fast(3_000.0), (Bad, "nf_conntrack_max="));
    check("conntrack", &[(TRACKED, Some("0"))], &fast(3_000.0), (Note, "not used now"));
    let absent = [(TRACKED_MAX, None), (TRACKED, None)];
    check("conntrack", &absent, &needs(), (Unknown, "cannot be read"));
    let modules = |text| [absent[0], absent[1], ("proc/modules", Some(text))];
    check("conntrack", &modules("tcp_bbr 16384 1"), &needs(), (Ok, "not loaded"));
    check("conntrack", &modules("nf_conntrack 16384 1"), &needs(), (Unknown, ""));
    let backlog = [(BACKLOG, Some("64"))];
    check("listen_backlog", &backlog, &Needs { is_local: true, ..needs() }, (Note, "=100"));
    check("listen_backlog", &backlog, &needs(), (Ok, "64"));
    let memory = |text| [(MEMORY, Some(text))];
    check("memory", &memory("MemAvailable: 100000 kB"), &needs(), (Bad, "97 MiB free"));
    check("memory", &memory("MemAvailable: 200000 kB"), &needs(), (Note, "195 MiB free"));
    check("memory", &[], &Needs { connections: 300_000, ..needs() }, (Bad, "fewer connections"));
}

#[test]
fn what_makes_results_worse_is_named() {
    use State::{Bad, Note, Ok, Unknown};
    let one = |path, text| [(path, Some(text))];
    for (name, changes, expect) in [
        ("socket_buffers", &one(RECEIVE, "4096 87380 212992")[..], (Note, "212992")),
        ("congestion_control", &[(CONGESTION, None)], (Unknown, "cannot be read")),
        ("congestion_control", &one(CONGESTION, "bbr"), (Ok, "bbr")),
        ("cpu_governor", &one(GOVERNOR_1, "powersave"), (Note, "performance, powersave")),
        ("cpu_governor", &[(GOVERNOR_1, None)], (Unknown, "virtual machine")),
        ("cpu_governor", &one(STATUS, "Cpus_allowed_list:\t0"), (Ok, "performance")),
        ("cpu_siblings", &[(CORE_0, Some("0-1")), (CORE_1, Some("0-1"))], (Note, "--cpus 0")),
        ("cpu_siblings", &one(CORE_0, "0,2"), (Ok, "2 CPUs on 2 cores")),
        ("cpu_isolated", &one(ISOLATED, "2-3"), (Note, "--cpus 2-3")),
        ("cpu_isolated", &[(ISOLATED, None)], (Unknown, "cannot be read")),
        ("hypervisor", &one(INFO, "flags\t: fpu hypervisor"), (Note, "virtual machine")),
        ("hypervisor", &one(INFO, "Features\t: fp asimd"), (Unknown, "do not tell")),
        ("steal", &one(STAT, "cpu 200 0 100 887 0 0 0 3 0 0"), (Note, "1.6 %")),
        ("steal", &one(STAT, "cpu 200 0 100 880 0 0 0 20 0 0"), (Bad, "10.0 %")),
        ("steal", &one(STAT, "cpu 100 0 100 800 0 0 0 0 0 0"), (Unknown, "no time")),
        ("steal", &[(STAT, None)], (Unknown, "cannot be read")),
        ("cpu_quota", &one(MAX, "150000 100000"), (Note, "1.50 CPUs")),
        ("cpu_quota", &one(MAX, "50000 100000"), (Bad, "0.50 CPUs")),
        ("cpu_quota", &one("sys/fs/cgroup/a/cpu.max", "50000 100000"), (Bad, "0.50 CPUs")),
        ("cpu_quota", &[(MAX, None)], (Unknown, "")),
        (
            "cpu_quota",
            &[(GROUPS, Some("0::/")), ("sys/fs/cgroup/cgroup.controllers", Some("cpu"))],
            (Ok, "none"),
        ),
        (
            "cpu_quota",
            &[
                (GROUPS, Some("3:cpuset:/\n1:cpu,cpuacct:/x\n0::/")),
                ("sys/fs/cgroup/cpu/x/cpu.cfs_quota_us", Some("20000")),
                ("sys/fs/cgroup/cpu/x/cpu.cfs_period_us", Some("100000")),
            ],
            (Bad, "0.20 CPUs"),
        ),
        (
            "cpu_quota",
            &[(GROUPS, Some("1:cpu:/")), ("sys/fs/cgroup/cpu/cpu.cfs_quota_us", Some("-1"))],
            (Ok, "none"),
        ),
        ("clock_source", &one(SOURCE, "kvm-clock"), (Note, "kvm-clock")),
        ("clock_source", &one(SOURCE, "hpet"), (Bad, "tsc")),
        ("clock_source", &one(SOURCE, ""), (Unknown, "cannot be read")),
        ("clock_synchronised", &[(SYNCHRONISED, None)], (Unknown, "timedatectl")),
        ("io_uring", &one(RELEASE, "6.0.9"), (Note, "Linux 6.1 or later")),
        ("io_uring", &one(RELEASE, "5.15.0"), (Note, "Linux 6.1 or later")),
        ("io_uring", &[(DISABLED, None)], (Ok, "defer_taskrun")),
        ("huge_pages", &one(HUGE, "[always] madvise never"), (Note, "echo madvise")),
    ] {
        check(name, changes, &needs(), expect);
    }
}

#[test]
fn a_host_without_uring_is_told_why() {
    let folder = tempfile::tempdir().expect("folder");
    let mut files = BTreeMap::from(GOOD);
    files.insert(DISABLED, "2");
    put(folder.path(), &files);
    let host = Host::at(folder.path(), || Err("io_uring is forbidden here".into()));
    let finding = kernel::uring(&host, &needs());
    assert_eq!(finding.state, State::Note);
    let expect =
        "Linux 6.8.0-31-generic: io_uring is forbidden here, kernel.io_uring_disabled is 2";
    assert_eq!(finding.found, expect);
}

#[test]
fn needs_are_those_of_the_plan() {
    use acp_wire::plan::{Load, Model, Target};
    let plan = |edit: fn(&mut acp_wire::Plan)| {
        let target = Target { url: "http://192.0.2.1/".into(), ..Target::default() };
        let profile = Some("line(0,300,10s) const(200,10s)".into());
        let load = Load { model: Model::Open, profile, connections: 7, ..Load::default() };
        let mut plan = acp_wire::Plan { target, load, ..acp_wire::Plan::default() };
        plan.schema = acp_wire::PLAN_SCHEMA.into();
        edit(&mut plan);
        Needs::of(&crate::plan::compile(&plan).expect("a good plan"))
    };
    let base = Needs { connections: 7, ..needs() };
    for (what, found, expect) in [
        ("kept connections", plan(|_| {}), base),
        (
            "one a request",
            plan(|plan| plan.connection.keep_alive = false),
            Needs { connects_per_s: Some(300.0), ..base },
        ),
        (
            "one for ten",
            plan(|plan| plan.connection.requests_per_connection = 10),
            Needs { connects_per_s: Some(30.0), ..base },
        ),
        (
            "a closed loop",
            plan(|plan| {
                plan.connection.keep_alive = false;
                plan.load = Load { duration: Some("1s".into()), ..Load::default() };
            }),
            Needs { connections: 64, connects_per_s: None, ..base },
        ),
        (
            "this host",
            plan(|plan| plan.target.connect_to = vec!["127.0.0.1:1".into(), "[::1]:1".into()]),
            Needs { address_pairs: 2, is_local: true, ..base },
        ),
    ] {
        assert_eq!(found, expect, "{what}");
    }
}
