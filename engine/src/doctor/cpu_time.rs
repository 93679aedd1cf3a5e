//! CPU time that this process does not get: taken by the hypervisor, or not allowed by its group.

use super::finding::{Finding, Subject};
use super::{Host, Needs};
use std::path::Path;

const STAT: &str = "proc/stat";
const GROUPS: &str = "proc/self/cgroup";

/// The share above which a result is not valid (`steal` of the verdict).
const STEAL_BAD_RATIO: f64 = 0.05;
const STEAL_NOTE_RATIO: f64 = 0.01;

pub(super) fn steal(host: &Host, _: &Needs) -> Finding {
    let subject = Subject {
        check: "steal",
        why: "time stolen by the hypervisor is time in which nothing is sent; above 5 % no result is valid",
    };
    let now = host.read(STAT).and_then(|text| ticks(&text));
    let before = host.first_stat.as_deref().and_then(ticks);
    let (Some(now), Some(before)) = (now, before) else { return subject.unreadable(STAT) };
    let all = now.1.saturating_sub(before.1);
    if all == 0 {
        return subject.unknown("no time has passed");
    }
    let ratio = now.0.saturating_sub(before.0) as f64 / all as f64;
    let text = format!("{:.1} % of the last second", ratio * 100.0);
    let fix = "another host, or one with CPUs of its own";
    match ratio {
        _ if ratio > STEAL_BAD_RATIO => subject.bad(text, fix),
        _ if ratio > STEAL_NOTE_RATIO => subject.note(text, fix),
        _ => subject.ok(text),
    }
}

/// Stolen and all ticks of all CPUs; see proc(5). Guest time is in user time already.
fn ticks(text: &str) -> Option<(u64, u64)> {
    let line = text.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let ticks: Option<Vec<u64>> =
        line.split_whitespace().take(8).map(|word| word.parse().ok()).collect();
    let ticks = ticks?;
    Some((*ticks.get(7)?, ticks.iter().sum()))
}

pub(super) fn quota(host: &Host, _: &Needs) -> Finding {
    let subject = Subject {
        check: "cpu_quota",
        why: "a group with a quota is stopped for the rest of each 100 ms when it has used it up",
    };
    let Some(groups) = host.read(GROUPS) else { return subject.unreadable(GROUPS) };
    match allowed_cpus(host, &groups) {
        None => subject.unknown("no quota of this group can be read"),
        Some(None) => subject.ok("none"),
        Some(Some(cpus)) => {
            let text = format!("{cpus:.2} CPUs");
            let fix = "without `cpu.max`: docker run without --cpus, CPUQuota= of the unit empty";
            match cpus < 1.0 {
                true => subject.bad(text, fix),
                false => subject.note(text, format!("{fix}; or --threads below it")),
            }
        }
    }
}

/// CPUs that the group and those above it may use; inner none: no quota; outer none: not known.
fn allowed_cpus(host: &Host, groups: &str) -> Option<Option<f64>> {
    let mut known = false;
    let mut least: Option<f64> = None;
    for line in groups.lines() {
        let mut parts = line.splitn(3, ':');
        let (_, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
        let is_first = controllers.split(',').any(|name| name == "cpu");
        if !is_first && !controllers.is_empty() {
            continue;
        }
        let mount = if is_first { "sys/fs/cgroup/cpu" } else { "sys/fs/cgroup" };
        for group in Path::new(path.trim_start_matches('/')).ancestors() {
            let folder = Path::new(mount).join(group).display().to_string();
            let folder = folder.trim_end_matches('/');
            let found = if is_first { first_version(host, folder) } else { second(host, folder) };
            // The root of the second version has no such file.
            known |= found.is_some() || host.exists(&format!("{folder}/cgroup.controllers"));
            if let Some(Some(cpus)) = found {
                least = Some(least.map_or(cpus, |least| least.min(cpus)));
            }
        }
    }
    known.then_some(least)
}

/// `cpu.max`: quota and period in microseconds.
fn second(host: &Host, folder: &str) -> Option<Option<f64>> {
    let text = host.read(&format!("{folder}/cpu.max"))?;
    let (quota, period) = text.split_once(' ')?;
    match quota {
        "max" => Some(None),
        quota => Some(Some(quota.parse::<f64>().ok()? / period.parse::<f64>().ok()?)),
    }
}

fn first_version(host: &Host, folder: &str) -> Option<Option<f64>> {
    let quota = host.read(&format!("{folder}/cpu.cfs_quota_us"))?.parse::<f64>().ok()?;
    if quota < 0.0 {
        return Some(None);
    }
    let period = host.number(&format!("{folder}/cpu.cfs_period_us"))?;
    Some(Some(quota / period as f64))
}
