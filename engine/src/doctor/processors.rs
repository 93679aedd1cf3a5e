//! The CPUs that shards may be pinned to.

use super::finding::{Finding, Subject};
use super::{Host, Needs};
use crate::cpus::parse_cpus;
use std::collections::BTreeSet;

const CPUS: &str = "sys/devices/system/cpu";
const STATUS: &str = "proc/self/status";
const INFO: &str = "proc/cpuinfo";

pub(super) fn governor(host: &Host, _: &Needs) -> Finding {
    let subject = Subject {
        check: "cpu_governor",
        why: "a CPU that changes its clock makes the same request cost more or less",
    };
    let Some(cpus) = host.usable_cpus() else { return subject.unreadable(STATUS) };
    let path = |cpu: &usize| format!("{CPUS}/cpu{cpu}/cpufreq/scaling_governor");
    let governors: Option<BTreeSet<_>> = cpus.iter().map(|cpu| host.read(&path(cpu))).collect();
    let Some(governors) = governors.filter(|all| !all.is_empty()) else {
        return subject.unknown("no governor is to be seen, as usual in a virtual machine");
    };
    let text = governors.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    match governors.iter().all(|name| name == "performance") {
        true => subject.ok(text),
        false => subject.note(text, "cpupower frequency-set -g performance"),
    }
}

pub(super) fn siblings(host: &Host, _: &Needs) -> Finding {
    let subject = Subject {
        check: "cpu_siblings",
        why: "two threads of one core share its units: each is slower when the other works",
    };
    let Some(cpus) = host.usable_cpus() else { return subject.unreadable(STATUS) };
    let mut cores = BTreeSet::new();
    for cpu in &cpus {
        let path = format!("{CPUS}/cpu{cpu}/topology/thread_siblings_list");
        let siblings = host.read(&path).and_then(|text| parse_cpus(&text).ok());
        let Some(mut siblings) = siblings else { return subject.unreadable(&path) };
        siblings.sort_unstable();
        cores.insert(siblings);
    }
    let text = format!("{} CPUs on {} cores", cpus.len(), cores.len());
    match cores.len() < cpus.len() {
        true => {
            let one_each: Vec<_> = cores.iter().filter_map(|core| core.first()).collect();
            let list: Vec<_> = one_each.iter().map(ToString::to_string).collect();
            subject.note(text, format!("one CPU a core: --cpus {}", list.join(",")))
        }
        false => subject.ok(text),
    }
}

pub(super) fn isolated(host: &Host, _: &Needs) -> Finding {
    let subject = Subject {
        check: "cpu_isolated",
        why: "a CPU that the scheduler keeps free of others sends on time",
    };
    let path = format!("{CPUS}/isolated");
    match host.read(&path) {
        None => subject.unreadable(&path),
        Some(list) if list.is_empty() => subject.ok("none"),
        Some(list) => subject.note(
            format!("{list} are isolated"),
            format!("pin shards to them: taskset -c {list} acp bench --cpus {list} …"),
        ),
    }
}

pub(super) fn hypervisor(host: &Host, _: &Needs) -> Finding {
    let subject = Subject {
        check: "hypervisor",
        why: "a virtual CPU is taken away now and then: the highest percentiles show it",
    };
    let Some(text) = host.read(INFO) else { return subject.unreadable(INFO) };
    let flags = text.lines().find(|line| line.starts_with("flags"));
    let Some(flags) = flags else {
        return subject.unknown("the flags of this CPU do not tell");
    };
    match flags.split_whitespace().any(|flag| flag == "hypervisor") {
        true => {
            subject.note("a virtual machine", "look at steal; measure on hardware if it matters")
        }
        false => subject.ok("hardware"),
    }
}
